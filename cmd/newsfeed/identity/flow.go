package identity

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	goidc "github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"newsfeed/interests/account"
)

// FlowLife is how long a sign-in at the issuer may take.
const FlowLife = 10 * time.Minute

// Errors of a sign-in.
var (
	// ErrFlow: the sign-in was not begun in this browser, took too long, or was
	// ended before.
	ErrFlow = errors.New("identity: the sign-in was not begun in this browser, took too long or has ended")
	// ErrDeclined: the issuer did not sign the person in.
	ErrDeclined = errors.New("identity: the issuer did not sign in")
)

// flow is a sign-in under way, which its browser keeps sealed.
type flow struct {
	State    string    `json:"state"`
	Nonce    string    `json:"nonce"`
	Verifier string    `json:"verifier"` // of PKCE (RFC 7636)
	Wish     Wish      `json:"wish"`
	Begun    time.Time `json:"begun"`
}

// Wish is what a person wants of a sign-in.
type Wish struct {
	Back  string `json:"back"`  // a path of the reader
	Alone bool   `json:"alone"` // what they have as a guest is not merged
}

// Begin begins a sign-in. It returns where to send the browser, and what the
// browser keeps until it is back, for [FlowLife].
func (i *Issuer) Begin(ctx context.Context, w Wish) (address, kept string, err error) {
	f, err := i.find(ctx)
	if err != nil {
		return "", "", err
	}
	begun := flow{State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier(), Wish: w, Begun: i.now()}
	if kept, err = i.seal.seal(begun); err != nil {
		return "", "", err
	}
	return f.flow.AuthCodeURL(begun.State, goidc.Nonce(begun.Nonce), oauth2.S256ChallengeOption(begun.Verifier)), kept, nil
}

// Answer is what the issuer sends a browser back with (RFC 6749 §4.1.2, RFC 9207).
type Answer struct{ Code, State, Error, Issuer string }

// Finish ends a sign-in and returns who signed in. once takes the right to end this
// one, of which there is one only. Errors: ErrFlow, ErrDeclined, ErrAway, ErrUnfit,
// ErrToken, and those of once.
func (i *Issuer) Finish(ctx context.Context, kept string, a Answer, once func(state string) error) (account.Identity, Wish, error) {
	var begun flow
	if !i.seal.open(kept, &begun) || i.now().Sub(begun.Begun) > FlowLife || begun.Begun.After(i.now().Add(skew)) {
		return account.Identity{}, Wish{}, ErrFlow
	}
	if subtle.ConstantTimeCompare([]byte(begun.State), []byte(a.State)) == 0 || a.Issuer != "" && a.Issuer != i.settings.Issuer {
		return account.Identity{}, begun.Wish, ErrFlow
	}
	if err := once(begun.State); err != nil {
		return account.Identity{}, begun.Wish, err
	}
	if a.Error != "" || a.Code == "" {
		return account.Identity{}, begun.Wish, ErrDeclined
	}
	who, err := i.redeem(ctx, begun, a.Code)
	return who, begun.Wish, err
}

// redeem turns a code into who it is of.
func (i *Issuer) redeem(ctx context.Context, begun flow, code string) (account.Identity, error) {
	f, err := i.find(ctx)
	if err != nil {
		return account.Identity{}, err
	}
	ctx = goidc.ClientContext(ctx, i.client(limited{http.DefaultTransport}))
	token, err := f.flow.Exchange(ctx, code, oauth2.VerifierOption(begun.Verifier))
	if refused := (*oauth2.RetrieveError)(nil); errors.As(err, &refused) && refused.Response.StatusCode < 500 {
		return account.Identity{}, fmt.Errorf("%w: redeem the code: %s %s", refusal(refused.ErrorCode), refused.Response.Status, refused.ErrorCode)
	}
	if err != nil {
		return account.Identity{}, fmt.Errorf("%w: redeem the code: %w", ErrAway, err)
	}
	raw, _ := token.Extra("id_token").(string)
	t, err := verify(ctx, f.idTokens, raw)
	if err != nil {
		return account.Identity{}, fmt.Errorf("the id token: %w", err)
	}
	if err := i.checkIDToken(t, begun.Nonce); err != nil {
		return account.Identity{}, err
	}
	return i.identity(t.Subject), nil
}

// refusal says what a code that was not redeemed means: whether it is the client
// that the issuer does not know (RFC 6749 §5.2), or the code.
func refusal(code string) error {
	if slices.Contains([]string{"invalid_client", "unauthorized_client", "unsupported_grant_type"}, code) {
		return ErrUnfit
	}
	return ErrFlow
}

// checkIDToken is what go-oidc leaves to its caller (OpenID Connect Core §3.1.3.7):
// the nonce, and of a token for several whose it is.
func (i *Issuer) checkIDToken(t *goidc.IDToken, nonce string) error {
	var said struct {
		Party string `json:"azp"`
	}
	if err := t.Claims(&said); err != nil {
		return fmt.Errorf("%w: %w", ErrToken, err)
	}
	switch {
	case subtle.ConstantTimeCompare([]byte(t.Nonce), []byte(nonce)) == 0:
		return fmt.Errorf("%w: its nonce is another sign-in's", ErrToken)
	case said.Party != "" && said.Party != i.settings.ClientID, said.Party == "" && len(t.Audience) > 1:
		return fmt.Errorf("%w: it was given to another client", ErrToken)
	}
	return nil
}
