package api

import (
	"errors"
	"fmt"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"

	"newsfeed/interests/account"
)

// A link is an address of the caller's feed for another app: it has a secret in it,
// which is good for nothing else and is ended where devices are signed out. No log
// of ours has addresses with their parameters.

// postLink makes a link and answers with its secret, which is shown this once.
func (s *Server) postLink(c *fiber.Ctx, who *caller) error {
	var in struct {
		Label string `json:"label"`
	}
	if hasBody(c) {
		if err := decode(c, &in); err != nil {
			return err
		}
	}
	var bad complaints
	label := bad.label(in.Label)
	if err := bad.error(); err != nil {
		return err
	}
	ctx, cancel := deadline()
	defer cancel()
	if err := s.keep(ctx, who); err != nil {
		return err
	}
	link, secret, err := s.People.NewLink(ctx, who.session, who.token.Hash(), label)
	if err != nil {
		return fmt.Errorf("make a link: %w", err)
	}
	return send(c, fiber.StatusCreated, struct {
		ID    uuid.UUID      `json:"id"`
		Token account.Secret `json:"token"`
	}{link.ID, secret})
}

// hasBody reports whether a request has a body, for a call that needs none.
func hasBody(c *fiber.Ctx) bool {
	return c.Request().Header.ContentLength() != 0 && (c.Request().IsBodyStream() || len(c.Request().Body()) > 0)
}

// link returns whose feed a link leads to; errNoLink when it was ended or is none.
func (s *Server) link(secret account.Secret) (caller, error) {
	ctx, cancel := deadline()
	defer cancel()
	session, err := s.People.Limited(ctx, secret)
	if errors.Is(err, account.ErrNoSession) || err == nil && session.Use != account.UseFeed {
		return caller{}, errNoLink
	}
	if err != nil {
		return caller{}, fmt.Errorf("find a link: %w", err)
	}
	return caller{kind: aPerson, token: secret, session: session}, nil
}

// followed notes that a link was followed, and keeps what it leads to: who reads
// their feed elsewhere is still here. A failure is reported and hinders nobody.
func (s *Server) followed(who *caller) {
	ctx, cancel := deadline()
	defer cancel()
	noted, err := s.People.Touch(ctx, who.token, who.session)
	if err == nil && noted {
		maker, h, ok, findErr := s.People.Maker(ctx, who.session)
		if err = findErr; ok && s.People.Due(maker) {
			s.prolong(h, maker)
		}
	}
	if err != nil && !errors.Is(err, account.ErrNoSession) { // ended at this moment
		s.Log500("", fmt.Errorf("note the use of link %s: %w", who.session.ID, err))
	}
}
