package reader

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gofiber/fiber/v2"

	"newsfeed/feed"
	"newsfeed/interests"
	"newsfeed/interests/account"
)

// storeTimeout bounds what a page waits for its stores.
const storeTimeout = 3 * time.Second

// visitor is who looks at a page: a person with a list, or nobody.
type visitor struct {
	token   account.Secret
	session account.Session
	list    interests.List
	known   bool // there is a session
	expired bool // there was a cookie, but its session is no more
	merged  bool // what this browser kept as a guest's is in an account
}

// visitor returns who holds the cookie. A cookie whose session is no more is
// taken away, and its holder is nobody. So is a guest who was merged, whose cookie
// is still good for repeating a sign-in that was interrupted.
func (r *Reader) visitor(ctx context.Context, c *fiber.Ctx) (visitor, error) {
	token := account.Secret(c.Cookies(r.deps.Cookie))
	if token == "" {
		return visitor{}, nil
	}
	s, err := r.deps.People.Who(ctx, token)
	if errors.Is(err, account.ErrMerged) {
		return visitor{merged: true}, nil
	}
	if errors.Is(err, account.ErrNoSession) {
		r.clearCookie(c)
		return visitor{expired: true}, nil
	}
	if err != nil {
		return visitor{}, err
	}
	v := visitor{token: token, session: s, known: true}
	if r.deps.People.Due(s) {
		r.prolong(ctx, c, &v)
	}
	v.list, err = r.deps.Lists.Get(ctx, s.Account)
	return v, err
}

// prolong gives who was seen as many days more as they began with, and first their
// list, which must not go before them. It is tried again at the next view when it
// fails, and is no reason to show no page.
func (r *Reader) prolong(ctx context.Context, c *fiber.Ctx, v *visitor) {
	next := v.session
	next.Expires = r.deps.Now().Add(account.GuestKept)
	err := r.deps.Lists.Keep(ctx, next.Account, next.Until())
	if err == nil {
		next, err = r.deps.People.Keep(ctx, v.token.Hash(), v.session)
	}
	if err != nil {
		r.deps.Report(fmt.Errorf("prolong the session of %s: %w", v.session.Account, err))
		return
	}
	v.session = next
	r.setCookie(c, v.token, v.session)
}

// settled returns the visitor as one whose edit may be stored: nobody becomes a
// guest, and a guest's session is kept before the edit, so that no edit is
// acknowledged whose owner is gone the next day.
func (r *Reader) settled(ctx context.Context, c *fiber.Ctx, v visitor) (visitor, error) {
	var err error
	if v.known && v.session.Guest && !v.session.Kept {
		v.session, err = r.deps.People.Keep(ctx, v.token.Hash(), v.session)
		if !errors.Is(err, account.ErrNoSession) {
			return v, err
		}
		v.known = false // it ended between two calls: as if the cookie had been dead
	}
	if v.known {
		return v, nil
	}
	if v.session, v.token, err = r.deps.People.GuestFrom(ctx, r.deps.Network(c)); err != nil {
		return v, fmt.Errorf("%w: %w", errNewList, err)
	}
	if v.session, err = r.deps.People.Keep(ctx, v.token.Hash(), v.session); err != nil {
		return v, err
	}
	v.known, v.list = true, interests.List{}
	r.setCookie(c, v.token, v.session)
	return v, nil
}

// member reports whether the visitor has signed in.
func (v *visitor) member() bool { return v.known && !v.session.Guest }

// guest reports whether the visitor is one with a list or something else to bring.
func (v *visitor) guest() bool {
	return v.known && v.session.Guest && (v.session.Kept || len(v.list.Interests()) > 0)
}

// person is the visitor as the builder sees them.
func (v *visitor) person() *feed.Person {
	if !v.known {
		return feed.Nobody
	}
	return feed.NewPerson(&v.list)
}

func (r *Reader) setCookie(c *fiber.Ctx, token account.Secret, s account.Session) {
	cookie := r.cookie()
	cookie.Value = string(token)
	cookie.MaxAge = int(account.GuestKept / time.Second)
	if !s.Guest {
		cookie.MaxAge = int(account.MemberKept / time.Second)
	}
	c.Cookie(cookie)
}

func (r *Reader) clearCookie(c *fiber.Ctx) {
	cookie := r.cookie()
	cookie.Expires = time.Unix(1, 0) // a MaxAge of 0 would be left out
	c.Cookie(cookie)
}

func (r *Reader) cookie() *fiber.Cookie {
	return &fiber.Cookie{
		Name: r.deps.Cookie, Path: "/", HTTPOnly: true,
		SameSite: fiber.CookieSameSiteLaxMode, Secure: !r.deps.InsecureCookies,
	}
}
