package api

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/gofiber/fiber/v2"

	"newsfeed/interests/account"
)

// CookieName is the name of the reader's cookie. Browsers take "__Host-" only
// over TLS, and from localhost.
func CookieName(insecure bool) string {
	if insecure {
		return "newsfeed"
	}
	return "__Host-newsfeed"
}

// caller is who asks. The zero caller is nobody.
type caller struct {
	kind     kind
	byCookie bool
	token    account.Secret
	session  account.Session // of a person
	byJWT    bool            // the session is an issuer's word, and in no store
	// The call may be answered from what was last known of a person; stale: of
	// their session it was.
	lastKnown, stale bool
	key              account.Key // of a publisher or an editor
}

type kind uint8

const (
	nobody kind = iota
	aPerson
	aPublisher
	anEditor
)

// who finds out who asks. A token that is wrong or has expired is errBadToken,
// on every route; but no operation fails because a store cannot be asked.
func (s *Server) who(c *fiber.Ctx, r *route) (caller, error) {
	who, err := s.identify(c, r)
	switch {
	case err == nil:
	case r.access == operation && !errors.Is(err, errBadToken), r.access == entering && errors.Is(err, errBadToken):
		return caller{}, nil
	}
	if err == nil && who.kind == aPerson && !who.byJWT && s.People.Due(who.session) {
		who.session = s.prolong(who.token.Hash(), who.session)
	}
	return who, err
}

func (s *Server) identify(c *fiber.Ctx, r *route) (caller, error) {
	h := &c.Request().Header
	if auth := h.Peek(fiber.HeaderAuthorization); len(auth) > 0 {
		token, ok := bearer(auth)
		if !ok {
			return caller{}, errBadToken
		}
		return s.holder(account.Secret(token), r)
	}
	if token := c.Context().QueryArgs().Peek("token"); len(token) > 0 && r.access == linked {
		return s.link(account.Secret(token))
	}
	if cookie := h.Cookie(s.cookie); len(cookie) > 0 && r.access != operation {
		who, err := s.person(account.Secret(cookie), r)
		who.byCookie = true
		if err == nil && who.session.Use != account.UseDevice {
			return caller{}, errBadToken
		}
		return who, err
	}
	return caller{}, nil
}

// bearer returns the token of an Authorization header.
func bearer(header []byte) (token []byte, ok bool) {
	scheme, token, ok := bytes.Cut(header, []byte(" "))
	token = bytes.TrimSpace(token)
	return token, ok && len(token) > 0 && bytes.EqualFold(scheme, []byte("bearer"))
}

// holder returns who holds a token: of a key that this node knows, of a session,
// or of a key that it has not read yet. Most calls cost one look-up that way.
func (s *Server) holder(token account.Secret, r *route) (caller, error) {
	if s.Elsewhere.Reads(token) {
		return s.elsewhere(token, r)
	}
	if s.Keyring.Known(token) {
		return s.keyHolder(token)
	}
	who, err := s.person(token, r)
	if errors.Is(err, errBadToken) {
		return s.keyHolder(token)
	}
	return who, err
}

func (s *Server) person(token account.Secret, r *route) (caller, error) {
	who := caller{kind: aPerson, token: token, lastKnown: r.lastKnown()}
	var ok bool
	if who.session, ok = s.People.AtHand(token.Hash()); ok {
		return who, nil
	}
	ctx, cancel := deadline()
	defer cancel()
	var err error
	switch {
	case who.lastKnown:
		who.session, who.stale, err = s.People.WhoLastKnown(ctx, token)
	case r.takesSpent():
		who.session, err = s.People.Holder(ctx, token)
	default:
		who.session, err = s.People.Who(ctx, token)
	}
	if errors.Is(err, account.ErrOtherUse) {
		who.session, err = s.People.Limited(ctx, token)
	}
	switch {
	case errors.Is(err, account.ErrMerged):
		return caller{}, account.ErrMerged
	case errors.Is(err, account.ErrNoSession):
		return caller{}, errBadToken
	case err != nil:
		return caller{}, fmt.Errorf("find the session of a token: %w", err)
	}
	return who, nil
}

func (s *Server) keyHolder(token account.Secret) (caller, error) {
	ctx, cancel := deadline()
	defer cancel()
	key, err := s.Keyring.Find(ctx, token)
	if errors.Is(err, account.ErrNoKey) {
		return caller{}, errBadToken
	}
	if err != nil {
		return caller{}, fmt.Errorf("find a key: %w", err)
	}
	if key.Role == account.Editor {
		return caller{kind: anEditor, key: key}, nil
	}
	return caller{kind: aPublisher, key: key}, nil
}

// may says whether the caller may use a route.
func (s *Server) may(c *fiber.Ctx, r *route, who *caller) error {
	if err := s.mayLimited(c, r, who); err != nil {
		return err
	}
	var ok bool
	switch r.access {
	case operation, public, newcomer, entering:
		ok = true
	case person, linked:
		ok = who.kind == aPerson
	case publisher:
		ok = who.kind == aPublisher || who.kind == anEditor
	case editor:
		ok = who.kind == anEditor
	}
	switch {
	case !ok && who.kind == nobody:
		return errNoToken
	case !ok:
		return errWrongKind
	case who.byCookie && !isSafe(r.method) && !s.sameOrigin(c):
		return errCrossSite
	case who.kind == aPerson && !isSafe(r.method) && isForAnother(c, who):
		return errOtherAccount
	}
	return nil
}

// headerAccount says of a change for whom it is meant. A page does not see its
// cookie: another tab may have signed somebody else in since it was opened.
const headerAccount = "X-Account"

// isForAnother reports whether a change is meant for another than who asks.
func isForAnother(c *fiber.Ctx, who *caller) bool {
	meant := c.Request().Header.Peek(headerAccount)
	return len(meant) > 0 && string(meant) != who.session.Account.String()
}

func isSafe(method string) bool { return method == fiber.MethodGet || method == fiber.MethodHead }

// sameOrigin reports whether a page of ours made the request.
func (s *Server) sameOrigin(c *fiber.Ctx) bool {
	h := &c.Request().Header
	return s.own.Ours(string(h.Peek("Sec-Fetch-Site")), string(h.Peek(fiber.HeaderOrigin)), string(h.Host()))
}

// mayLimited refuses a token that is good for one thing only all but that.
func (s *Server) mayLimited(c *fiber.Ctx, r *route, who *caller) error {
	switch who.session.Use {
	case account.UseFeed:
		if r.access != linked {
			return errOneUse
		}
	case account.UseWidget:
		return s.mayWidget(c, r, &who.session)
	}
	return nil
}

// prolong keeps signed in who was seen, and first a guest's list and marks, which
// must not go before them. A failure is reported and hinders nobody: there is time until
// the session ends.
func (s *Server) prolong(h account.Hash, was account.Session) account.Session {
	ctx, cancel := deadline()
	defer cancel()
	next := was
	next.Expires = s.Now().Add(account.GuestKept) // of a guest; what is a member's is for good
	err := s.Lists.Keep(ctx, next.Account, next.Until())
	if err == nil {
		err = s.Marks.Keep(ctx, next.Account, next.Until())
	}
	if err == nil {
		next, err = s.People.Keep(ctx, h, was)
	}
	if err != nil {
		s.Log500("", fmt.Errorf("prolong the session of %s: %w", was.Account, err))
		return was
	}
	return next
}
