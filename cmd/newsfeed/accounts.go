package main

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

type accountsCommand struct {
	Create createAccount `cmd:"" help:"Make an account and print the link to its first password, alone, on standard output."`
	Reset  resetAccount  `cmd:"" help:"Print the link to a new password of an account: good for an hour, and once."`
}

type createAccount struct {
	Email string `arg:"" help:"Address of the person."`
}

type resetAccount struct {
	Email string `arg:"" help:"Address of the account."`
}

func (c *createAccount) Run(ctx context.Context, p *program) error {
	return p.resetLink(ctx, c.Email, true)
}

func (c *resetAccount) Run(ctx context.Context, p *program) error {
	return p.resetLink(ctx, c.Email, false)
}

// resetLink prints the link to a new password.
func (p *program) resetLink(ctx context.Context, email string, create bool) error {
	d, err := p.openedDoor(ctx)
	if err != nil {
		return err
	}
	defer d.Close()
	wanted := struct {
		Email  string `json:"email"`
		Create bool   `json:"create,omitempty"`
	}{email, create}
	var made struct {
		Link    string    `json:"link"`
		Expires time.Time `json:"expires_at"`
	}
	if err := d.call(ctx, http.MethodPost, "/accounts/resets", wanted, &made); err != nil {
		return fmt.Errorf("account of %s: %w", email, err)
	}
	p.note("good until %s, and once:", made.Expires.Format(time.RFC3339))
	_, err = fmt.Fprintln(p.stdout, made.Link)
	return err
}
