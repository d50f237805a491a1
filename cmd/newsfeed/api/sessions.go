package api

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"

	"newsfeed/interests/account"
)

// maxLabel is the greatest name of a device, in characters.
const maxLabel = 100

// enters counts who signs up or in from an address.
func (s *Server) enters(ctx context.Context, c *fiber.Ctx) error {
	return s.Settings.Entries.Take(ctx, s.Limits, account.Entering(network(s.address(c))))
}

// isGuest reports whether the caller is a guest whose token can be signed in with.
func (who *caller) isGuest() bool { return who.kind == aPerson && who.session.Guest }

// postSession signs in, and merges a guest's list unless that is declined.
func (s *Server) postSession(c *fiber.Ctx, who *caller) error {
	var in struct {
		credentials
		Label string `json:"label"`
		Merge *bool  `json:"merge"`
	}
	if err := decode(c, &in); err != nil {
		return err
	}
	var bad complaints
	bad.add("/label", wrongLabel(in.Label))
	if err := bad.error(); err != nil {
		return err
	}
	ctx, cancel := deadline()
	defer cancel()
	a, err := s.verify(ctx, c, &in.credentials)
	if err != nil {
		return err
	}
	if merged := who.session.Merged; !merged.IsZero() && merged.Account != a.ID {
		return account.ErrMerged
	}
	if in.Merge != nil && !*in.Merge {
		who = &caller{}
	}
	return s.signIn(ctx, c, who, a, strings.TrimSpace(in.Label))
}

func wrongLabel(label string) string {
	if utf8.RuneCountInString(label) > maxLabel {
		return fmt.Sprintf("is longer than %d characters", maxLabel)
	}
	return ""
}

// verify returns whose credentials they are. What can be no address or password
// is nobody's like any other: it takes the same time.
func (s *Server) verify(ctx context.Context, c *fiber.Ctx, in *credentials) (account.Account, error) {
	if err := s.enters(ctx, c); err != nil {
		return account.Account{}, err
	}
	email, err := account.ParseEmail(in.Email)
	if err != nil {
		return account.Account{}, &refusal{err: errInvalid, fields: []field{{"/email", "is no e-mail address"}}}
	}
	a, err := s.Members.Verify(ctx, email, in.Password)
	if err != nil {
		return a, fmt.Errorf("sign in: %w", err)
	}
	return a, nil
}

// signIn merges the list of the guest who asks, if it is one, into an account that
// was verified, makes a session of that, and answers with both.
func (s *Server) signIn(ctx context.Context, c *fiber.Ctx, who *caller, a account.Account, label string) error {
	merge, err := s.merge(ctx, who, a.ID)
	if err != nil {
		return err
	}
	_, token, err := s.Members.SignIn(ctx, a, label)
	if err != nil {
		return fmt.Errorf("sign in: %w", err)
	}
	return send(c, fiber.StatusCreated, entered{memberShape(a), token, merge})
}

// sessionShape is a device as its person sees it.
type sessionShape struct {
	ID      uuid.UUID `json:"id"`
	Label   string    `json:"label,omitempty"`
	Created time.Time `json:"created_at"`
	Seen    time.Time `json:"seen_at"` // to a day
	Expires time.Time `json:"expires_at"`
	Current bool      `json:"current"`
}

func (s *Server) getSessions(c *fiber.Ctx, who *caller) error {
	ctx, cancel := deadline()
	defer cancel()
	shapes, err := s.sessionsOf(ctx, who)
	if err != nil {
		return err
	}
	cache(c, who, "")
	return sendTagged(c, struct {
		Sessions []sessionShape `json:"sessions"`
	}{shapes})
}

func (s *Server) sessionsOf(ctx context.Context, who *caller) ([]sessionShape, error) {
	held := []account.Held{{Session: who.session}} // a guest's only one
	if !who.session.Guest {
		var err error
		if held, err = s.People.Sessions(ctx, who.session.Account); err != nil {
			return nil, err
		}
	}
	shapes := []sessionShape{}
	for _, h := range held {
		shapes = append(shapes, sessionShape{h.ID, h.Label, h.Created, h.Seen(), h.Expires, h.ID == who.session.ID})
	}
	return shapes, nil
}

// deleteSession signs a device out: "current" is the one that asks.
func (s *Server) deleteSession(c *fiber.Ctx, who *caller) error {
	text, err := path(c, "id")
	if err != nil {
		return err
	}
	if who.byJWT && text == "current" {
		return errElsewhere
	}
	ctx, cancel := deadline()
	defer cancel()
	id, err := uuid.Parse(text)
	switch {
	case text == "current" || err == nil && id == who.session.ID && !who.byJWT:
		err = s.People.End(ctx, who.token)
	case err != nil || len(text) != 36 || who.session.Guest:
		return errNoSession
	default:
		err = s.People.EndSession(ctx, who.session.Account, id)
	}
	if errors.Is(err, account.ErrNoSession) {
		return errNoSession
	}
	if err != nil {
		return fmt.Errorf("end a session: %w", err)
	}
	c.Response().SetStatusCode(fiber.StatusNoContent)
	return nil
}
