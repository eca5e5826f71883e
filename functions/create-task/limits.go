package main

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/recon3d/recon3d/shared/auth"
	"github.com/recon3d/recon3d/shared/taskstore"
)

// limitsConfig is what one user may do. A machine of one's own has no limits unless they are set.
type limitsConfig struct {
	// Rate is how many tasks a user may create in a second, minute or hour: `30/m`; 0 is off.
	Rate *rate `env:"CREATE_RATE"`
	// Active is how many of a user's tasks may be unfinished at a time; 0 is off.
	Active *int `env:"MAX_ACTIVE_TASKS"`
}

const (
	defaultBurst  = 30
	defaultActive = 10
)

// Validate tells which limits make no sense.
func (c *limitsConfig) Validate() error {
	if c.Active != nil && *c.Active < 0 {
		return errors.New("MAX_ACTIVE_TASKS must not be negative")
	}
	return nil
}

// of tells the limits under that AUTH_MODE.
func (c *limitsConfig) of(authMode string) taskstore.Limits {
	l := taskstore.Limits{Active: defaultActive, Burst: defaultBurst, Period: time.Minute}
	if authMode == auth.ModeNone {
		l = taskstore.Limits{}
	}
	if c.Rate != nil {
		l.Burst, l.Period = c.Rate.burst, c.Rate.period
	}
	if c.Active != nil {
		l.Active = *c.Active
	}
	return l
}

// tell sets RateLimit-Policy and RateLimit (draft-ietf-httpapi-ratelimit-headers-11, lists of RFC 9651): the limits that are on, and what
// is left of them. `w` and `t` are seconds, `t` until all creates are back. Tasks that run come back when they end, which nobody knows.
func tell(h http.Header, l taskstore.Limits, u taskstore.Usage) {
	var policy, left []string
	if l.Burst > 0 {
		step := l.Period / time.Duration(l.Burst)
		policy = append(policy, fmt.Sprintf(`"creates";q=%d;w=%d`, l.Burst, seconds(l.Period)))
		left = append(left, fmt.Sprintf(`"creates";r=%d;t=%d`, max((l.Period-u.Refill)/step, 0), seconds(u.Refill)))
	}
	if l.Active > 0 {
		policy = append(policy, fmt.Sprintf(`"active-tasks";q=%d;qu="concurrent-requests"`, l.Active))
		left = append(left, fmt.Sprintf(`"active-tasks";r=%d`, max(l.Active-u.Active, 0)))
	}
	if policy != nil {
		h.Set("RateLimit-Policy", strings.Join(policy, ", "))
		h.Set("RateLimit", strings.Join(left, ", "))
	}
}

func seconds(d time.Duration) int { return int(math.Ceil(d.Seconds())) }

// rate is a number in a period.
type rate struct {
	burst  int
	period time.Duration
}

// UnmarshalText reads `30/m`, or `0`.
func (r *rate) UnmarshalText(b []byte) error {
	number, unit, _ := strings.Cut(string(b), "/")
	n, err := strconv.Atoi(number)
	period, known := map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour}[unit]
	if err != nil || n < 0 || !known && n > 0 {
		return fmt.Errorf("%q is not of the form 30/m (s, m or h), or 0", b)
	}
	*r = rate{n, period}
	return nil
}
