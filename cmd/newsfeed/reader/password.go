package reader

import (
	"context"

	"github.com/gofiber/fiber/v2"

	"newsfeed/interests/account"
)

// newPasswordPage is what the link of a reset leads to. The link is in the path,
// and is told to nobody: Referer goes to our own pages only.
type newPasswordPage struct {
	layout
	Action string
	Short  bool // the password that was sent has not the length it must have
}

// newPassword answers GET /my/password/:token. It looks nothing up, so that who
// follows links ahead of a person spends none.
func (r *Reader) newPassword(c *fiber.Ctx) error { return r.askPassword(c, fiber.StatusOK, false) }

func (r *Reader) askPassword(c *fiber.Ctx, status int, short bool) error {
	p := &newPasswordPage{Action: c.Path(), Short: short}
	p.Title = text("a-new-password")
	return r.render(c, status, "password", p)
}

// setPassword answers POST /my/password/:token.
func (r *Reader) setPassword(c *fiber.Ctx) error {
	fields, err := readFields(c)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), storeTimeout)
	defer cancel()
	password := account.Password(fields.Get("password"))
	if _, err := password.Normal(); err != nil {
		return r.askPassword(c, fiber.StatusUnprocessableEntity, true)
	}
	if err := r.enters(ctx, c); err != nil {
		return err
	}
	if err := r.deps.Members.Reset(ctx, account.Secret(c.Params("token")), password); err != nil {
		return err
	}
	return r.say(c, &message{Status: fiber.StatusOK, Heading: text("the-password-is-set"),
		Text: text("the-password-is-set-text"), Links: signIn()})
}
