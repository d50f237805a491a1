package identity

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	goidc "github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/time/rate"
)

// How often the issuer's keys are fetched at most: whoever sends tokens of keys
// that nobody has makes us fetch no more than that. A new key is known as soon as
// any fetch has happened since, whoever caused it.
const (
	fetchEvery = 10 * time.Second
	fetchBurst = 3
)

// errNotAgain: the keys were fetched as often as they may be.
var errNotAgain = errors.New("identity: the keys were fetched just now")

// fetcher is the transport that go-oidc's RemoteKeySet fetches keys by. That set
// fetches whenever a token is of a key that it does not hold; here is the bound.
type fetcher struct {
	now  func() time.Time
	next http.RoundTripper

	mu      sync.Mutex // guards below
	allowed *rate.Limiter
	failed  error // of the last fetch; nil: it brought keys
}

func newFetcher(now func() time.Time) *fetcher {
	return &fetcher{now: now, next: limited{http.DefaultTransport}, allowed: rate.NewLimiter(rate.Every(fetchEvery), fetchBurst)}
}

// RoundTrip implements http.RoundTripper.
func (f *fetcher) RoundTrip(r *http.Request) (*http.Response, error) {
	if !f.allowed.AllowN(f.now(), 1) {
		return nil, errNotAgain
	}
	response, err := f.next.RoundTrip(r)
	if err == nil {
		err = holdsKeys(response)
	}
	f.mu.Lock()
	f.failed = err
	f.mu.Unlock()
	return response, err
}

// holdsKeys reads an answer and says why it has no keys. What it has read can be
// read again.
func holdsKeys(response *http.Response) error {
	text, err := io.ReadAll(response.Body)
	if err = errors.Join(err, response.Body.Close()); err != nil {
		return err
	}
	response.Body = io.NopCloser(bytes.NewReader(text))
	var set struct{ Keys []json.RawMessage }
	switch {
	case response.StatusCode != http.StatusOK:
		return fmt.Errorf("the keys: status %s", response.Status)
	case json.Unmarshal(text, &set) != nil || len(set.Keys) == 0:
		return errors.New("the keys: the answer holds none")
	}
	return nil
}

// away returns why the keys could not be fetched last; nil when they could.
func (f *fetcher) away() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.failed
}

// keySet verifies by the issuer's keys. go-oidc flattens a key set's errors into
// text, so what became of it is handed past it, see verify.
type keySet struct {
	remote *goidc.RemoteKeySet
	fetch  *fetcher
}

// awayKey is where a context has room for the error of an issuer that is away.
type awayKey struct{}

// VerifySignature implements goidc.KeySet.
func (k *keySet) VerifySignature(ctx context.Context, jwt string) ([]byte, error) {
	payload, err := k.remote.VerifySignature(ctx, jwt)
	if room, ok := ctx.Value(awayKey{}).(*error); ok && err != nil {
		if *room = k.fetch.away(); ctx.Err() != nil {
			*room = ctx.Err()
		}
	}
	return payload, err
}

// verify verifies a token. ErrAway when it takes a key that cannot be fetched now,
// else ErrToken.
func verify(ctx context.Context, by *goidc.IDTokenVerifier, token string) (*goidc.IDToken, error) {
	var away error
	t, err := by.Verify(context.WithValue(ctx, awayKey{}, &away), token)
	switch {
	case away != nil:
		return nil, fmt.Errorf("%w: %w", ErrAway, away)
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrToken, err)
	case !isSubject(t.Subject):
		return nil, fmt.Errorf("%w: it names no subject", ErrToken)
	}
	return t, nil
}
