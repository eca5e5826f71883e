package auth

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/recon3d/recon3d/shared/fault"
)

const (
	oneTask   = "01890a5d-ac96-774b-bcce-b302099a8007"
	otherTask = "01890a5d-ac96-774b-bcce-b302099a8107"
)

func TestTicketIsForOneTaskAndExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tickets := NewTickets(TicketConfig{Secret: strings.Repeat("s", 16), TTL: time.Hour})
		ticket := tickets.Issue(oneTask)
		if err := tickets.Verify(ticket, oneTask); err != nil {
			t.Errorf("own task: %v", err)
		}
		if err := tickets.Verify(ticket, otherTask); !fault.Is(err, fault.Unauthorized) {
			t.Errorf("other task: %v", err)
		}
		if err := NewTickets(TicketConfig{Secret: strings.Repeat("t", 16), TTL: time.Hour}).Verify(ticket, oneTask); !fault.Is(err, fault.Unauthorized) {
			t.Errorf("other secret: %v", err)
		}
		time.Sleep(time.Hour - time.Second)
		if err := tickets.Verify(ticket, oneTask); err != nil {
			t.Errorf("a second before its end: %v", err)
		}
		time.Sleep(time.Second)
		if err := tickets.Verify(ticket, oneTask); !fault.Is(err, fault.Unauthorized) {
			t.Errorf("expired: %v", err)
		}
	})
}

func TestTicketWithAnyCharacterChangedIsRefused(t *testing.T) {
	tickets := NewTickets(TicketConfig{Secret: strings.Repeat("s", 16), TTL: time.Hour})
	ticket := tickets.Issue(oneTask)
	tampered := []string{"", "garbage", ticket + "A", ticket + "\n", ticket + "=", ticket[:len(ticket)-1], strings.Repeat("A", len(ticket))}
	for i := range ticket {
		for _, c := range []byte("AQgw_-9\n") {
			if ticket[i] != c {
				tampered = append(tampered, ticket[:i]+string(c)+ticket[i+1:])
			}
		}
	}
	for _, bad := range tampered {
		if err := tickets.Verify(bad, oneTask); !fault.Is(err, fault.Unauthorized) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// Each step of a change of the secret: whoever has done it understands whoever has not.
func TestATicketSecretIsChangedWithoutAGap(t *testing.T) {
	old, next, stranger := strings.Repeat("o", 16), strings.Repeat("n", 16), strings.Repeat("x", 16)
	steps := []TicketConfig{{Secret: old}, {Secret: old, Also: next}, {Secret: next, Also: old}, {Secret: next}}
	for i := range steps {
		steps[i].TTL = time.Hour
	}
	for i, a := range steps[:len(steps)-1] {
		for _, pair := range [][2]TicketConfig{{a, steps[i+1]}, {steps[i+1], a}} {
			if err := NewTickets(pair[1]).Verify(NewTickets(pair[0]).Issue(oneTask), oneTask); err != nil {
				t.Errorf("from %+v to %+v: %v", pair[0], pair[1], err)
			}
		}
		if NewTickets(a).Verify(NewTickets(TicketConfig{Secret: stranger, TTL: time.Hour}).Issue(oneTask), oneTask) == nil {
			t.Errorf("%+v takes any secret", a)
		}
	}
	if NewTickets(steps[3]).Verify(NewTickets(steps[0]).Issue(oneTask), oneTask) == nil {
		t.Error("the old secret is good for ever")
	}
}

func TestTicketConfig(t *testing.T) {
	for name, c := range map[string]TicketConfig{
		"short":  {Secret: "short", TTL: time.Hour},
		"also":   {Secret: strings.Repeat("s", 16), Also: "short", TTL: time.Hour},
		"no ttl": {Secret: strings.Repeat("s", 16)},
	} {
		if c.Validate() == nil {
			t.Errorf("%s: taken", name)
		}
	}
	good := TicketConfig{Secret: strings.Repeat("s", 16), TTL: time.Hour}
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
}
