package reader

import (
	"context"
	"errors"

	"github.com/gofiber/fiber/v2"

	"newsfeed/interests/account"
)

// lostPage asks for the address of who has lost a password.
type lostPage struct {
	layout
	Email string
	Wrong complaints
}

func (p *lostPage) wrongs() complaints { return p.Wrong }

// lostPassword answers GET /my/password.
func (r *Reader) lostPassword(c *fiber.Ctx) error {
	return r.askEmail(c, fiber.StatusOK, "", nil)
}

func (r *Reader) askEmail(c *fiber.Ctx, status int, email string, wrong complaints) error {
	if r.deps.SendReset == nil {
		return errNoMail
	}
	p := &lostPage{Email: email, Wrong: wrong}
	p.Title = text("a-lost-password")
	return r.render(c, status, "lost", p)
}

// sendReset answers POST /my/password: the link to a new password goes to the
// address, if it has an account. The page is the same if it has none.
func (r *Reader) sendReset(c *fiber.Ctx) error {
	fields, err := readFields(c)
	if err != nil {
		return err
	}
	if r.deps.SendReset == nil {
		return errNoMail
	}
	email, err := account.ParseEmail(fields.Get("email"))
	if errors.Is(err, account.ErrEmail) {
		return r.askEmail(c, fiber.StatusUnprocessableEntity, shorten(fields.Get("email")), complaints{"email": badEmail()})
	}
	ctx, cancel := context.WithTimeout(context.Background(), storeTimeout)
	defer cancel()
	if err := r.enters(ctx, c); err != nil {
		return err
	}
	if err := r.deps.SendReset(ctx, email); err != nil {
		return err
	}
	return c.Redirect("/sign-in?note=sent", fiber.StatusSeeOther)
}
