package api

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"

	"newsfeed/feed"
	"newsfeed/interests/account"
)

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
	label := bad.label(in.Label)
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
	return s.signIn(ctx, c, who, a, label)
}

// label is the name that a person gives a device or a link.
func (bad *complaints) label(text string) string {
	label, ok := account.Label(text)
	if !ok {
		bad.add("/label", fmt.Sprintf("is longer than %d characters", account.MaxLabel))
	}
	return label
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

// sessionShape is a device, a link or a widget as its person sees it.
type sessionShape struct {
	ID      uuid.UUID `json:"id"`
	Kind    string    `json:"kind"` // device, feed or widget
	Label   string    `json:"label,omitempty"`
	Origin  string    `json:"origin,omitempty"` // of a widget
	Created time.Time `json:"created_at"`
	Seen    time.Time `json:"seen_at"`          // to a day
	Used    time.Time `json:"used_at,omitzero"` // of a link or a widget, to an hour; absent: never
	Expires time.Time `json:"expires_at"`
	Current bool      `json:"current"`
}

// getSessions lists where the caller is signed in, a page at a time: last seen first.
func (s *Server) getSessions(c *fiber.Ctx, who *caller) error {
	size, after := feed.MaxLimit, ""
	err := query(c, func(name, value []byte) string {
		switch string(name) {
		case "limit":
			return limit(&size, value)
		case "cursor":
			place, err := base64.RawURLEncoding.DecodeString(string(value))
			if after = string(place); err != nil || len(after) != len(placeOf(&sessionShape{})) {
				return "is damaged"
			}
		}
		return ""
	})
	if err != nil {
		return err
	}
	ctx, cancel := deadline()
	defer cancel()
	all, err := s.sessionsOf(ctx, who)
	if err != nil {
		return err
	}
	answer := struct {
		Sessions []sessionShape `json:"sessions"`
		Next     string         `json:"next,omitempty"`
	}{Sessions: []sessionShape{}}
	for i := range all {
		if after != "" && placeOf(&all[i]) >= after {
			continue
		}
		if len(answer.Sessions) == size {
			answer.Next = base64.RawURLEncoding.EncodeToString([]byte(placeOf(&answer.Sessions[size-1])))
			break
		}
		answer.Sessions = append(answer.Sessions, all[i])
	}
	cache(c, who, "")
	linkNext(c, []byte(answer.Next))
	return sendTagged(c, &answer)
}

// placeOf is where a session stands in the list: the later, the further in front.
func placeOf(s *sessionShape) string {
	return string(binary.BigEndian.AppendUint64(nil, uint64(max(0, s.Seen.UnixMilli())))) + string(s.ID[:])
}

// sessionsOf returns the caller's sessions, last seen first.
func (s *Server) sessionsOf(ctx context.Context, who *caller) ([]sessionShape, error) {
	var held []account.Held
	var err error
	if who.session.Guest {
		held, err = s.People.GuestSessions(ctx, who.session)
	} else {
		held, err = s.People.Sessions(ctx, who.session.Account)
	}
	if err != nil {
		return nil, err
	}
	shapes := []sessionShape{}
	for _, h := range held {
		shapes = append(shapes, sessionShape{h.ID, cmp.Or(string(h.Use), "device"), h.Label, h.Origin, h.Created, h.Seen(), h.Used, h.Expires, h.ID == who.session.ID})
	}
	slices.SortFunc(shapes, func(a, b sessionShape) int { return cmp.Compare(placeOf(&b), placeOf(&a)) })
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
	case err != nil || len(text) != 36:
		return errNoSession
	default:
		err = s.People.EndSession(ctx, who.session, id)
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
