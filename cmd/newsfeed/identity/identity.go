// Package identity lets in people who have their accounts elsewhere, at an issuer
// of OpenID Connect: in a browser by the code flow with PKCE (flow.go), and in apps
// by the JWTs that the issuer gave them (bearers.go). It says who somebody is, the
// pair of issuer and subject, and nothing else: which account that is, and what a
// session may do, is for others to say.
//
// The issuer may be away at any time. What it says of itself and its keys are read
// when they are needed, and asked for again, never more often than there is a bound
// for; nothing but the sign-in that needs them waits for it.
package identity

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	goidc "github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// Settings are the operator's choices.
type Settings struct {
	Issuer       string // exactly as it writes itself
	ClientID     string // of the reader; "": nobody signs in there
	ClientSecret string // "": a public client
	Audience     string // of JWTs that are taken; "": none are
	URL          string // of this service
}

// CallbackPath is where the issuer sends a browser back to.
const CallbackPath = "/sign-in/oidc/callback"

// Errors of an issuer.
var (
	// ErrAway: the issuer cannot be reached, or does not answer as it should. It
	// may do so later.
	ErrAway = errors.New("identity: the issuer does not answer")
	// ErrUnfit: what the issuer says of itself is not what the settings say, or
	// not enough.
	ErrUnfit = errors.New("identity: the issuer is not what the settings say")
	// ErrToken: a JWT is not one that the issuer gave for us, or it has expired.
	ErrToken = errors.New("identity: the token is not one of the issuer's, not for this service, or has expired")
)

// algorithms are those whose keys are in two halves, of which the issuer publishes
// one. With any other the published half, or nothing at all, would sign too
// (RFC 8725 §2.1).
var algorithms = []string{
	goidc.RS256, goidc.RS384, goidc.RS512, goidc.PS256, goidc.PS384, goidc.PS512,
	goidc.ES256, goidc.ES384, goidc.ES512, goidc.EdDSA,
}

// skew is how much later than the issuer's our clock may be.
const skew = time.Minute

const (
	patience = 4 * time.Second // of one request to the issuer
	maxReply = 1 << 20         // bytes of one answer

	foundAge = 24 * time.Hour  // how long what the issuer says of itself is trusted
	tryAgain = 2 * time.Second // at the earliest, after it did not answer
)

// Issuer is one issuer, as this service knows it. Safe for concurrent use.
type Issuer struct {
	settings Settings
	now      func() time.Time
	seal     sealer
	bearers  *bearers
	fetch    *fetcher
	ctx      context.Context // carries the client that go-oidc is to use; never ends

	turn  chan struct{} // holds one: who has it may look at and change what follows
	found *found
	read  time.Time // when found was
	tried time.Time
	err   error // why it was not found then
}

// found is what follows from what the issuer says of itself.
type found struct {
	flow     oauth2.Config
	idTokens *goidc.IDTokenVerifier // of the reader
	bearers  *goidc.IDTokenVerifier // of apps
}

// New returns an issuer. It asks nobody.
func New(s Settings, now func() time.Time) *Issuer {
	i := &Issuer{settings: s, now: now, seal: newSealer(s.ClientSecret), bearers: newBearers(), turn: make(chan struct{}, 1)}
	i.fetch = newFetcher(now)
	i.ctx = goidc.ClientContext(context.Background(), i.client(i.fetch))
	return i
}

// client returns a client of the issuer's. It follows no redirect: what an issuer
// publishes is where it says.
func (i *Issuer) client(transport http.RoundTripper) *http.Client {
	return &http.Client{Transport: transport, Timeout: patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// SignsIn reports whether the reader signs people in with the issuer.
func (i *Issuer) SignsIn() bool { return i != nil && i.settings.ClientID != "" }

// Check reads what the issuer says of itself; ErrAway or ErrUnfit, with what is
// wrong.
func (i *Issuer) Check(ctx context.Context) error {
	_, err := i.find(ctx)
	return err
}

// find returns what is known of the issuer. It asks when that is not known or was
// long ago; then one asks, and the others wait for it.
func (i *Issuer) find(ctx context.Context) (*found, error) {
	select {
	case i.turn <- struct{}{}:
		defer func() { <-i.turn }()
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %w", ErrAway, ctx.Err())
	}
	now := i.now()
	switch {
	case i.found != nil && now.Sub(i.read) < foundAge:
		return i.found, nil
	case !i.tried.IsZero() && now.Sub(i.tried) < tryAgain:
	default:
		i.tried = now
		f, err := i.discover(ctx)
		if i.err = err; err == nil {
			i.found, i.read = f, now
		}
	}
	if i.found != nil {
		return i.found, nil
	}
	return nil, i.err
}

// discover reads the issuer's document (OpenID Connect Discovery §4).
func (i *Issuer) discover(ctx context.Context) (*found, error) {
	ctx, cancel := context.WithTimeout(goidc.ClientContext(ctx, i.client(limited{http.DefaultTransport})), patience)
	defer cancel()
	p, err := goidc.NewProvider(ctx, i.settings.Issuer)
	if mismatch := (*goidc.IssuerMismatchError)(nil); errors.As(err, &mismatch) {
		return nil, fmt.Errorf("%w: it calls itself something else, and the two must be equal to the letter: %w", ErrUnfit, err)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: read %s/.well-known/openid-configuration: %.300s", ErrAway, strings.TrimSuffix(i.settings.Issuer, "/"), err.Error())
	}
	var said struct {
		Keys string `json:"jwks_uri"`
	}
	if err := p.Claims(&said); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnfit, err)
	}
	if err := i.checkEndpoints(said.Keys, p.Endpoint()); err != nil {
		return nil, err
	}
	keys := &keySet{goidc.NewRemoteKeySet(i.ctx, said.Keys), i.fetch}
	return &found{
		flow: oauth2.Config{ClientID: i.settings.ClientID, ClientSecret: i.settings.ClientSecret, Endpoint: p.Endpoint(),
			RedirectURL: i.settings.URL + CallbackPath, Scopes: []string{goidc.ScopeOpenID}},
		idTokens: i.verifier(keys, i.settings.ClientID),
		bearers:  i.verifier(keys, i.settings.Audience),
	}, nil
}

func (i *Issuer) verifier(keys goidc.KeySet, audience string) *goidc.IDTokenVerifier {
	return goidc.NewVerifier(i.settings.Issuer, keys, &goidc.Config{ClientID: audience, SupportedSigningAlgs: algorithms,
		Now: func() time.Time { return i.now().Add(-skew) }})
}

// checkEndpoints refuses what others on the network could answer for.
func (i *Issuer) checkEndpoints(keys string, e oauth2.Endpoint) error {
	endpoints := map[string]string{"jwks_uri": keys}
	if i.SignsIn() {
		endpoints["authorization_endpoint"], endpoints["token_endpoint"] = e.AuthURL, e.TokenURL
	}
	for name, address := range endpoints {
		u, err := url.Parse(address)
		if err != nil || u.Host == "" || u.Scheme != "https" && (u.Scheme != "http" || !isLoopback(u.Hostname())) {
			return fmt.Errorf("%w: its %s is no https address: %q", ErrUnfit, name, address)
		}
	}
	return nil
}

func isLoopback(host string) bool {
	return strings.EqualFold(host, "localhost") || net.ParseIP(host).IsLoopback()
}

// limited bounds the answers of a transport.
type limited struct{ http.RoundTripper }

func (l limited) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := l.RoundTripper.RoundTrip(r)
	if err == nil {
		response.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(response.Body, maxReply), response.Body}
	}
	return response, err
}
