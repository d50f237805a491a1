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
	marks   *feed.MarkSet // nil: none
	own     *feed.Person  // of the list; nil: not made ready yet
	known   bool          // there is a session
	stale   bool          // the store is away: this is the last known of them
	expired bool          // there was a cookie, but its session is no more
	merged  bool          // what this browser kept as a guest's is in an account
}

// visitor returns who holds the cookie. A cookie whose session is no more is
// taken away, and its holder is nobody. So is a guest who was merged, whose cookie
// is still good for repeating a sign-in that was interrupted. Who only looks is
// shown the last known of theirs when the store is away.
func (r *Reader) visitor(ctx context.Context, c *fiber.Ctx) (visitor, error) {
	token := account.Secret(c.Cookies(r.deps.Cookie))
	if token == "" {
		return visitor{}, nil
	}
	looks := c.Method() == fiber.MethodGet || c.Method() == fiber.MethodHead
	s, stale, err := r.who(ctx, token, looks)
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
	v := visitor{token: token, session: s, known: true, stale: stale}
	if !stale && r.deps.People.Due(s) {
		r.prolong(ctx, c, &v)
	}
	return v, r.belongings(ctx, &v, looks)
}

func (r *Reader) who(ctx context.Context, token account.Secret, looks bool) (account.Session, bool, error) {
	if looks {
		return r.deps.People.WhoLastKnown(ctx, token)
	}
	s, err := r.deps.People.Who(ctx, token)
	return s, false, err
}

// belongings reads a visitor's list and marks, as the store has them now: a page
// that follows an edit must show it, whichever node it comes from.
func (r *Reader) belongings(ctx context.Context, v *visitor, looks bool) error {
	list, marks, err := r.together(ctx, v.session.Account)
	if err != nil && looks && (errors.Is(err, interests.ErrUnavailable) || errors.Is(err, feed.ErrMarksUnavailable)) {
		b, err := r.deps.Belongs.LastKnown(ctx, v.session.Account, 0)
		if err != nil {
			return err
		}
		v.list, v.marks, v.own, v.stale = b.Copy.List, b.Marks, b.Person, true
		return nil
	}
	v.list = list
	if len(marks.Stories) > 0 {
		v.marks = &marks
	}
	return err
}

func (r *Reader) together(ctx context.Context, id account.ID) (interests.List, feed.MarkSet, error) {
	if r.deps.Belongs.Together != nil {
		return r.deps.Belongs.Together.LoadTogether(ctx, id)
	}
	list, err := r.deps.Lists.Get(ctx, id)
	if err != nil {
		return list, feed.MarkSet{}, err
	}
	marks, err := r.deps.Belongs.Marks.Get(ctx, id)
	return list, marks, err
}

// prolong gives who was seen as many days more as they began with, and first their
// list, which must not go before them. It is tried again at the next view when it
// fails, and is no reason to show no page.
func (r *Reader) prolong(ctx context.Context, c *fiber.Ctx, v *visitor) {
	next := v.session
	next.Expires = r.deps.Now().Add(account.GuestKept)
	err := r.deps.Lists.Keep(ctx, next.Account, next.Until())
	if err == nil {
		err = r.deps.Belongs.Marks.Keep(ctx, next.Account, next.Until())
	}
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
	if !r.deps.SignUp {
		return v, errNoGuests
	}
	if v.session, v.token, err = r.deps.People.GuestFrom(ctx, r.deps.Network(c)); err != nil {
		return v, fmt.Errorf("%w: %w", errNewList, err)
	}
	if v.session, err = r.deps.People.Keep(ctx, v.token.Hash(), v.session); err != nil {
		return v, err
	}
	v.known, v.list, v.marks = true, interests.List{}, nil
	r.setCookie(c, v.token, v.session)
	return v, nil
}

// marksOf returns the visitor's marks on stories that are one.
func (v *visitor) marksOf(one []feed.StoryID) feed.StoryMarks {
	if v.marks == nil {
		return feed.StoryMarks{}
	}
	return v.marks.Through(one)
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
	if v.own == nil {
		v.own = feed.NewPerson(&v.list)
	}
	return v.own
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

// clearDevice has a browser drop what its worker and the client's list keep.
// Browsers that do not know the header drop it at the next page, which is nobody's.
func (r *Reader) clearDevice(c *fiber.Ctx) { c.Set("Clear-Site-Data", `"cache", "storage"`) }

func (r *Reader) cookie() *fiber.Cookie {
	return &fiber.Cookie{
		Name: r.deps.Cookie, Path: "/", HTTPOnly: true,
		SameSite: fiber.CookieSameSiteLaxMode, Secure: !r.deps.InsecureCookies,
	}
}
