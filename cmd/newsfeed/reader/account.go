package reader

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gofiber/fiber/v2"

	"newsfeed/interests/account"
)

// accountPage is what is kept of a person, and what they can do with it. A guest
// has one too, without a password.
type accountPage struct {
	layout
	Member   bool
	Password bool // the account has one
	SignUp   bool
	Since    time.Time
	Until    time.Time // of a guest
	Topics   int

	Wrong complaints
}

// account answers GET /my/account.
func (r *Reader) account(c *fiber.Ctx) error {
	return r.accountPage(c, fiber.StatusOK, nil)
}

func (r *Reader) accountPage(c *fiber.Ctx, status int, wrong complaints) error {
	ctx, cancel := context.WithTimeout(context.Background(), storeTimeout)
	defer cancel()
	v, err := r.visitor(ctx, c)
	if err != nil {
		return err
	}
	if !v.known {
		return errSignIn
	}
	l, err := r.ownLayout(ctx, c, &v, text("my-account"))
	if err != nil {
		return err
	}
	p := &accountPage{layout: l, Member: v.member(), SignUp: r.deps.SignUp, Since: v.session.Created.UTC(),
		Until: v.session.Expires.UTC(), Topics: len(v.list.Interests()), Wrong: wrong}
	if v.member() {
		a, err := r.deps.Members.Account(ctx, v.session.Account)
		if err != nil {
			return err
		}
		p.Password, p.Since = a.Password != "", a.Created.UTC()
	}
	return r.render(c, status, "account", p)
}

// changePassword answers POST /my/account/password, which signs out all other
// devices.
func (r *Reader) changePassword(c *fiber.Ctx) error {
	fields, err := readFields(c)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), storeTimeout)
	defer cancel()
	v, _, err := r.memberPage(ctx, c, "")
	if err != nil {
		return err
	}
	next := account.Password(fields.Get("new"))
	if _, err := next.Normal(); err != nil {
		return r.accountPage(c, fiber.StatusUnprocessableEntity, complaints{"new": badPassword()})
	}
	err = r.deps.Members.ChangePassword(ctx, v.session.Account, v.token.Hash(), account.Password(fields.Get("current")), next)
	if errors.Is(err, account.ErrWrong) {
		return r.accountPage(c, fiber.StatusUnprocessableEntity, complaints{"current": text("not-the-password")})
	}
	if err != nil {
		return fmt.Errorf("change a password: %w", err)
	}
	return c.Redirect("/my/account?note=password", fiber.StatusSeeOther)
}

// erase answers POST /my/account/erase: everything that is kept of who asks is
// removed. It asks for the password of an account that has one, as the API does.
func (r *Reader) erase(c *fiber.Ctx) error {
	fields, err := readFields(c)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), storeTimeout+r.deps.Eraser.Settle)
	defer cancel()
	v, err := r.visitor(ctx, c)
	if err != nil {
		return err
	}
	if !v.known {
		return errSignIn
	}
	if fields.Get("sure") != "yes" {
		return errForm
	}
	if err := r.mayErase(ctx, &v, account.Password(fields.Get("password"))); errors.Is(err, account.ErrWrong) {
		return r.accountPage(c, fiber.StatusForbidden, complaints{"erase": text("not-the-password-erased")})
	} else if err != nil {
		return err
	}
	if _, err := r.deps.Eraser.Erase(ctx, v.session.Account, v.token.Hash()); err != nil {
		return fmt.Errorf("erase %s: %w", v.session.Account, err)
	}
	r.clearCookie(c)
	r.clearDevice(c)
	return c.Redirect("/?note=erased", fiber.StatusSeeOther)
}

// mayErase is nil when the visitor may erase all that is theirs. Where the account
// is gone and its erasure was interrupted, the password was right the first time.
func (r *Reader) mayErase(ctx context.Context, v *visitor, password account.Password) error {
	if !v.member() {
		return nil
	}
	a, err := r.deps.Members.Account(ctx, v.session.Account)
	switch {
	case errors.Is(err, account.ErrNoAccount):
		pending, err := r.deps.Eraser.Pending(ctx, v.session.Account)
		if err == nil && !pending {
			err = errSignIn
		}
		return err
	case err != nil || a.Password == "":
		return err
	}
	_, err = r.deps.Members.Verify(ctx, a.Email, password)
	return err
}
