package auth

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"

	"github.com/recon3d/recon3d/shared/fault"
)

const (
	// fetchTimeout bounds one fetch of the keys, for a caller is waiting.
	fetchTimeout = 3 * time.Second
	// refreshAfter is the age at which keys are fetched anew, so that a withdrawn one stops working.
	refreshAfter = time.Hour
	// staleFor is how long keys are still trusted while their issuer can't be reached: its outage is not ours.
	staleFor = 24 * time.Hour
	// unknownEvery is how often a key id that nobody knows may cause a fetch: anybody can make up a token.
	unknownEvery = 30 * time.Second
	// retryAfter is how soon after a failed fetch the next one is tried.
	retryAfter = 2 * time.Second
)

// keySet is the JSON Web Key Set (RFC 7517) behind a URL. It fetches within the requests that need it: a goroutine of its
// own may never run on a function platform.
type keySet struct {
	url    string
	client *http.Client
	now    func() time.Time
	keys   jwkset.Storage
	find   keyfunc.Keyfunc

	lock    chan struct{} // holds one token; taken to read or change what follows, and while fetching
	fetched time.Time     // when keys were last fetched, zero before
	failed  time.Time     // when the last fetch failed, zero if it did not
	cause   error         // of that
}

func newKeySet(url string) *keySet {
	s := &keySet{
		url: url,
		client: &http.Client{
			Timeout: fetchTimeout,
			// Whoever can answer for that URL with a redirect must not choose whose keys we trust.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		now:  time.Now,
		keys: jwkset.NewMemoryStorage(),
		lock: make(chan struct{}, 1),
	}
	// A key without `use` serves for signatures too; one for encryption does not. The only error is that of a nil storage.
	s.find, _ = keyfunc.New(keyfunc.Options{Storage: s.keys, UseWhitelist: []jwkset.USE{jwkset.UseSig, ""}})
	return s
}

// key finds the key that verifies t. Errors: fault.Unavailable when it can't be told whether there is one.
func (s *keySet) key(ctx context.Context, t *jwt.Token) (any, error) {
	if err := s.prepare(ctx, t); err != nil {
		return nil, err
	}
	return s.find.KeyfuncCtx(ctx)(t)
}

// prepare sees to it that the keys are fresh enough to judge t.
func (s *keySet) prepare(ctx context.Context, t *jwt.Token) error {
	select {
	case s.lock <- struct{}{}:
		defer func() { <-s.lock }()
	case <-ctx.Done():
		return fault.Away("The issuer of the keys for bearer tokens", ctx.Err())
	}
	age := s.now().Sub(s.fetched)
	known := s.knows(ctx, t)
	usable := known && age < staleFor
	if usable && age < refreshAfter || !known && !s.fetched.IsZero() && age < unknownEvery {
		return nil
	}
	if s.failed.IsZero() || s.now().Sub(s.failed) >= retryAfter {
		s.fetch(ctx)
	}
	if s.failed.IsZero() || usable {
		return nil
	}
	return fault.Away("The issuer of the keys for bearer tokens", s.cause)
}

// knows tells whether the key that t names is there. Where t names none, any key may be the one.
func (s *keySet) knows(ctx context.Context, t *jwt.Token) bool {
	if s.fetched.IsZero() {
		return false
	}
	kid, named := t.Header[jwkset.HeaderKID].(string)
	if !named {
		return true
	}
	_, err := s.keys.KeyRead(ctx, kid)
	return !errors.Is(err, jwkset.ErrKeyNotFound)
}

// fetch replaces the keys by what the URL has now, or remembers why it could not.
func (s *keySet) fetch(ctx context.Context) {
	// A caller that hangs up must not fail the fetch for those who wait behind it; the time-out bounds it.
	_, err := jwkset.NewStorageFromHTTP(s.url, jwkset.HTTPClientStorageOptions{
		Client: s.client, Ctx: context.WithoutCancel(ctx), HTTPTimeout: fetchTimeout, Storage: s.keys,
	})
	if err != nil {
		s.failed, s.cause = s.now(), fmt.Errorf("fetch keys: %w", err)
		slog.Warn("keys for bearer tokens not fetched", "error", err)
		return
	}
	s.fetched, s.failed, s.cause = s.now(), time.Time{}, nil
}
