package api

import (
	"fmt"
	"time"

	"github.com/gofiber/fiber/v2"

	"newsfeed/interests/account"
)

// accountShape is an account as its holder sees it.
type accountShape struct {
	ID      account.ID `json:"id"`
	Guest   bool       `json:"guest"`
	Created time.Time  `json:"created_at"`
	Expires time.Time  `json:"expires_at"`
}

// postGuest makes a guest. The token is in this answer and nowhere else. The call
// needs no body; one that is sent is not looked at.
func (s *Server) postGuest(c *fiber.Ctx, _ *caller) error {
	if err := skipBody(c); err != nil {
		return err
	}
	ctx, cancel := deadline()
	defer cancel()
	session, token, err := s.People.NewGuest(ctx)
	if err != nil {
		return fmt.Errorf("make a guest: %w", err)
	}
	return send(c, fiber.StatusCreated, struct {
		Account accountShape   `json:"account"`
		Token   account.Secret `json:"token"`
	}{accountShape{session.Account, session.Guest, session.Created, session.Expires}, token})
}
