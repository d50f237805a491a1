package api

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"

	"newsfeed/interests/account"
)

// resetPath is the reader's page for a new password; a reset's secret follows.
const resetPath = "/my/password/"

// letters is how many may be on their way to the mail server at a time.
const letters = 8

// mailroom sends letters in the background, so that how long a call takes tells nobody
// whether an address has an account.
type mailroom struct {
	places  chan struct{}
	sending sync.WaitGroup
	ended   context.Context // when the door is shut and nobody waits any longer
	end     context.CancelFunc
}

// postReset sends who has lost a password the link to a new one. The answer is the
// same, after the same time, whether or not the address has an account.
func (s *Server) postReset(c *fiber.Ctx, _ *caller) error {
	email, err := decodeEmail(c)
	if err != nil {
		return err
	}
	if s.Mail == nil {
		return errNoMail
	}
	ctx, cancel := deadline()
	defer cancel()
	if err := s.enters(ctx, c); err != nil {
		return err
	}
	if err := s.SendReset(ctx, email); err != nil {
		return err
	}
	c.Response().SetStatusCode(fiber.StatusAccepted)
	return nil
}

// SendReset sends the link to a new password to an address in the background, if
// it has an account, and counts what is asked for an address.
func (s *Server) SendReset(ctx context.Context, email account.Email) error {
	if err := s.Settings.Resets.Take(ctx, s.Limits, account.LimitKey("reset", string(email))); err != nil {
		return err
	}
	select {
	case s.mailroom.places <- struct{}{}:
	default:
		return account.ErrMailBusy
	}
	s.mailroom.sending.Go(func() {
		defer func() { <-s.mailroom.places }()
		if err := s.sendReset(email); err != nil {
			s.Log500("", fmt.Errorf("send the link to a new password: %w", err))
		}
	})
	return nil
}

func decodeEmail(c *fiber.Ctx) (account.Email, error) {
	var in struct {
		Email string `json:"email"`
	}
	if err := decode(c, &in); err != nil {
		return "", err
	}
	email, err := account.ParseEmail(in.Email)
	if err != nil {
		return "", &refusal{err: errInvalid, fields: []field{{"/email", "is no e-mail address"}}}
	}
	return email, nil
}

// sendReset sends the link to an address that has an account, else nothing.
func (s *Server) sendReset(email account.Email) error {
	ctx, cancel := context.WithTimeout(s.mailroom.ended, time.Minute)
	defer cancel()
	secret, _, err := s.Members.NewReset(ctx, email)
	if errors.Is(err, account.ErrNoAccount) {
		return nil
	}
	if err != nil {
		return err
	}
	return s.Mail(ctx, string(email), "A new password", "Somebody, probably you, asked for a new password at "+s.Settings.URL+".\n\n"+
		"This link is good for an hour, and once:\n\n"+s.Settings.URL+resetPath+string(secret)+"\n\n"+
		"If it was not you, there is nothing to do: your password is as it was.\n")
}

// putReset sets a new password by the secret of a link, which ends all sessions.
func (s *Server) putReset(c *fiber.Ctx, _ *caller) error {
	var in struct {
		Token    account.Secret   `json:"token"`
		Password account.Password `json:"password"`
	}
	if err := decode(c, &in); err != nil {
		return err
	}
	var bad complaints
	bad.add("/password", wrongPassword(in.Password))
	if err := bad.error(); err != nil {
		return err
	}
	ctx, cancel := deadline()
	defer cancel()
	if err := s.enters(ctx, c); err != nil {
		return err
	}
	if err := s.Members.Reset(ctx, in.Token, in.Password); err != nil {
		return fmt.Errorf("reset a password: %w", err)
	}
	c.Response().SetStatusCode(fiber.StatusNoContent)
	return nil
}

// postMemberReset answers the operator with the link for a member, whom it makes if
// there is none and that is asked for. A key that was made by an editor's will not
// do: who has it could take over everybody's account.
func (s *Server) postMemberReset(c *fiber.Ctx, who *caller) error {
	var in struct {
		Email  string `json:"email"`
		Create bool   `json:"create"`
	}
	if err := decode(c, &in); err != nil {
		return err
	}
	if who.key.ID != uuid.Nil {
		return errNotOperator
	}
	email, err := account.ParseEmail(in.Email)
	if err != nil {
		return &refusal{err: errInvalid, fields: []field{{"/email", "is no e-mail address"}}}
	}
	ctx, cancel := deadline()
	defer cancel()
	if in.Create { // with a password that nobody knows
		if _, err := s.Members.SignUp(ctx, account.NewID(), email, account.Password(account.NewSecret())); err != nil {
			return fmt.Errorf("make an account: %w", err)
		}
	}
	secret, expires, err := s.Members.NewReset(ctx, email)
	if err != nil {
		return err
	}
	return send(c, fiber.StatusCreated, struct {
		Link    string    `json:"link"`
		Expires time.Time `json:"expires_at"`
	}{s.Settings.URL + resetPath + string(secret), expires})
}
