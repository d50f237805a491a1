package reader

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"

	"newsfeed/interests/account"
)

// One's own feed in other apps: links with a secret, each shown once, listed with its
// last use, and ended; and the list of interests, out and in (takealong.go). A guest
// can have links too; they end with the guest.

const linksPath = "/my/links"

// linksPage shows the links of a visitor. A new one is shown with its addresses.
type linksPage struct {
	layout
	Known   bool // there is a list to take along
	Links   []linkView
	New     string // what the addresses of a new link begin with; "": none is new
	Secret  string
	Guest   bool
	Wrong   complaints
	Brought *brought // what came of a file
}

type linkView struct {
	ID, Name string
	Used     time.Time // zero: never
	Created  time.Time
}

func (p *linksPage) wrongs() complaints { return p.Wrong }

// links answers GET /my/links.
func (r *Reader) links(c *fiber.Ctx) error { return r.linksPage(c, fiber.StatusOK, &linksPage{}) }

func (r *Reader) linksPage(c *fiber.Ctx, status int, p *linksPage) error {
	ctx, cancel := context.WithTimeout(context.Background(), storeTimeout)
	defer cancel()
	v, err := r.visitor(ctx, c)
	if err != nil {
		return err
	}
	return r.linksOf(ctx, c, status, &v, p)
}

// linksOf shows the page to a visitor who is known already.
func (r *Reader) linksOf(ctx context.Context, c *fiber.Ctx, status int, v *visitor, p *linksPage) (err error) {
	if p.layout, err = r.ownLayout(ctx, c, v, text("my-links")); err != nil {
		return err
	}
	p.Known, p.Guest = v.known, v.known && v.session.Guest
	if p.Secret = c.Cookies(r.linkCookie()); p.Secret != "" {
		r.setLink(c, "", time.Unix(1, 0)) // it is shown once
		p.New = r.deps.URL + "/feed"
	}
	if v.known {
		if p.Links, err = r.linkViews(ctx, v); err != nil {
			return err
		}
	}
	return r.render(c, status, "links", p)
}

func (r *Reader) linkViews(ctx context.Context, v *visitor) (views []linkView, err error) {
	var held []account.Held
	if v.session.Guest {
		held, err = r.deps.People.GuestSessions(ctx, v.session)
	} else {
		held, err = r.deps.People.Sessions(ctx, v.session.Account)
	}
	for _, h := range held {
		if h.Use == account.UseFeed {
			views = append(views, linkView{h.ID.String(), cmp.Or(h.Label, text("link-without-name")), h.Used.UTC(), h.Created.UTC()})
		}
	}
	return views, err
}

// linkCookie holds a new link's secret from the press to the page after it, so that it
// stands in no address and a page that is loaded again makes no other link.
func (r *Reader) linkCookie() string { return r.deps.Cookie + "-link" }

func (r *Reader) setLink(c *fiber.Ctx, secret account.Secret, until time.Time) {
	cookie := r.cookie()
	cookie.Name, cookie.Value, cookie.Expires, cookie.SameSite = r.linkCookie(), string(secret), until, fiber.CookieSameSiteStrictMode
	c.Cookie(cookie)
}

// makeLink answers POST /my/links. The first link makes a guest.
func (r *Reader) makeLink(c *fiber.Ctx) error {
	fields, err := readFields(c)
	if err != nil {
		return err
	}
	label, ok := account.Label(strings.ToValidUTF8(fields.Get("label"), "\uFFFD"))
	if !ok {
		return r.linksPage(c, fiber.StatusUnprocessableEntity, &linksPage{Wrong: complaints{"label": text("label-too-long", "most", account.MaxLabel)}})
	}
	ctx, cancel := context.WithTimeout(context.Background(), storeTimeout)
	defer cancel()
	v, err := r.visitor(ctx, c)
	if err != nil {
		return err
	}
	if v, err = r.settled(ctx, c, v); err != nil {
		return err
	}
	_, secret, err := r.deps.People.NewLink(ctx, v.session, v.token.Hash(), label)
	if errors.Is(err, account.ErrManyLinks) {
		return r.linksPage(c, fiber.StatusConflict, &linksPage{Wrong: complaints{"label": text("many-links", "most", account.MaxLinks)}})
	}
	if err != nil {
		return err
	}
	r.setLink(c, secret, time.Now().Add(time.Minute))
	return c.Redirect(linksPath, fiber.StatusSeeOther)
}

// endLink answers POST /my/links/end.
func (r *Reader) endLink(c *fiber.Ctx) error {
	fields, err := readFields(c)
	if err != nil {
		return err
	}
	id, err := uuid.Parse(fields.Get("session"))
	if err != nil {
		return errForm
	}
	ctx, cancel := context.WithTimeout(context.Background(), storeTimeout)
	defer cancel()
	v, err := r.visitor(ctx, c)
	if err != nil {
		return err
	}
	if !v.known {
		return errSignIn
	}
	if id == v.session.ID {
		return errForm // it is no link
	}
	// One that has ended meanwhile is ended all the same.
	if err := r.deps.People.EndSession(ctx, v.session, id); err != nil && !errors.Is(err, account.ErrNoSession) {
		return err
	}
	return c.Redirect(linksPath+"?note=ended", fiber.StatusSeeOther)
}
