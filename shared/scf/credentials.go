package scf

import (
	"context"
	"net/http"
	"os"
	"strings"
)

type credentialsKey struct{}

// credentials are of the function's role, and short-lived.
type credentials struct{ id, key, token string }

// Credentials tells the credentials of the function's role that came with the request or event which ctx belongs to. They
// change under a running function: ask for them at each use. ok is false where the platform gave none.
func Credentials(ctx context.Context) (id, key, token string, ok bool) {
	c, ok := ctx.Value(credentialsKey{}).(credentials)
	return c.id, c.key, c.token, ok
}

func withCredentials(ctx context.Context, c credentials) context.Context {
	if c.id == "" || c.key == "" {
		return ctx
	}
	return context.WithValue(ctx, credentialsKey{}, c)
}

// withHeaderCredentials takes a web function's credentials from the headers of each request. No handler sees them there, so that none
// can log or forward them.
func withHeaderCredentials(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := credentials{r.Header.Get("X-Scf-Secret-Id"), r.Header.Get("X-Scf-Secret-Key"), r.Header.Get("X-Scf-Session-Token")}
		hidePlatformHeaders(r.Header)
		next.ServeHTTP(w, r.WithContext(withCredentials(r.Context(), c)))
	})
}

// withEventCredentials takes an event function's credentials from the environment, where the platform's library puts them
// anew before each invocation.
func withEventCredentials(ctx context.Context) context.Context {
	return withCredentials(ctx, credentials{os.Getenv("TENCENTCLOUD_SECRETID"), os.Getenv("TENCENTCLOUD_SECRETKEY"), os.Getenv("TENCENTCLOUD_SESSIONTOKEN")})
}

// hidePlatformHeaders removes all that SCF adds, but the id of the request.
func hidePlatformHeaders(h http.Header) {
	for name := range h {
		if strings.HasPrefix(name, "X-Scf-") && name != "X-Scf-Request-Id" {
			delete(h, name)
		}
	}
}
