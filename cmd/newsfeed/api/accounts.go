package api

import (
	"errors"
	"fmt"
	"time"

	"github.com/gofiber/fiber/v2"

	"newsfeed/interests/account"
)

// accountShape is an account as its holder sees it: of a guest until when it
// lives, of a member the e-mail address.
type accountShape struct {
	ID        account.ID       `json:"id"`
	Guest     bool             `json:"guest"`
	Email     account.Email    `json:"email,omitempty"`
	Elsewhere account.Identity `json:"identity,omitzero"`
	Created   time.Time        `json:"created_at"`
	Expires   time.Time        `json:"expires_at,omitzero"`
}

func guestShape(s account.Session) accountShape {
	return accountShape{ID: s.Account, Guest: true, Created: s.Created, Expires: s.Expires}
}

func memberShape(a account.Account) accountShape {
	return accountShape{ID: a.ID, Email: a.Email, Elsewhere: a.Identity, Created: a.Created}
}

// entered is the answer to who comes in: the token is in it and nowhere else.
type entered struct {
	Account accountShape   `json:"account"`
	Token   account.Secret `json:"token"`
	Merge   *mergeShape    `json:"merge,omitempty"`
}

// postGuest makes a guest. The call needs no body; one that is sent is not looked at.
func (s *Server) postGuest(c *fiber.Ctx, _ *caller) error {
	if err := skipBody(c); err != nil {
		return err
	}
	if !s.Settings.SignUp {
		return errNoSignUp
	}
	ctx, cancel := deadline()
	defer cancel()
	session, token, err := s.People.GuestFrom(ctx, network(s.address(c)))
	if err != nil {
		return fmt.Errorf("make a guest: %w", err)
	}
	return send(c, fiber.StatusCreated, entered{Account: guestShape(session), Token: token})
}

// credentials are what a member signs up and in with.
type credentials struct {
	Email    string           `json:"email"`
	Password account.Password `json:"password"`
}

// check returns the address in its normal form, or what is wrong with either.
func (in *credentials) check() (account.Email, error) {
	var bad complaints
	email, err := account.ParseEmail(in.Email)
	if err != nil {
		bad.add("/email", "is no e-mail address")
	}
	bad.add("/password", wrongPassword(in.Password))
	return email, bad.error()
}

// wrongPassword says what is wrong with a new password, "" when nothing is.
func wrongPassword(p account.Password) string {
	if _, err := p.Normal(); err != nil {
		return fmt.Sprintf("must have %d to %d characters", account.MinPassword, account.MaxPassword)
	}
	return ""
}

// postAccount signs up. A guest becomes the account: its id, and with it list,
// marks and cursors, stay.
func (s *Server) postAccount(c *fiber.Ctx, who *caller) error {
	var in credentials
	if err := decode(c, &in); err != nil {
		return err
	}
	if !s.Settings.SignUp {
		return errNoSignUp
	}
	email, err := in.check()
	if err != nil {
		return err
	}
	ctx, cancel := deadline()
	defer cancel()
	if err := s.enters(ctx, c); err != nil {
		return err
	}
	id := account.NewID()
	if who.isGuest() {
		id = who.session.Account
		if merged := who.session.Merged; !merged.IsZero() && merged.Account != id {
			return account.ErrMerged
		}
	}
	a, err := s.Members.SignUp(ctx, id, email, in.Password)
	if err != nil {
		return fmt.Errorf("sign up: %w", err)
	}
	return s.signIn(ctx, c, who, a, "")
}

func (s *Server) getAccount(c *fiber.Ctx, who *caller) error {
	cache(c, who, "")
	if who.session.Guest {
		return sendTagged(c, guestShape(who.session))
	}
	ctx, cancel := deadline()
	defer cancel()
	a, err := s.Members.Account(ctx, who.session.Account)
	if errors.Is(err, account.ErrNoAccount) {
		return errBadToken // it was erased, and its sessions are about to be
	}
	if err != nil {
		return err
	}
	return sendTagged(c, memberShape(a))
}

// putPassword changes a password, which ends all other sessions.
func (s *Server) putPassword(c *fiber.Ctx, who *caller) error {
	var in struct {
		Current account.Password `json:"current"`
		New     account.Password `json:"new"`
	}
	if err := decode(c, &in); err != nil {
		return err
	}
	var bad complaints
	bad.add("/new", wrongPassword(in.New))
	if err := bad.error(); err != nil {
		return err
	}
	if who.session.Guest {
		return errGuest
	}
	ctx, cancel := deadline()
	defer cancel()
	err := s.Members.ChangePassword(ctx, who.session.Account, who.token.Hash(), in.Current, in.New)
	if errors.Is(err, account.ErrWrong) {
		return &refusal{err: errInvalid, fields: []field{{"/current", "is not the password"}}}
	}
	if err != nil {
		return fmt.Errorf("change a password: %w", err)
	}
	c.Response().SetStatusCode(fiber.StatusNoContent)
	return nil
}
