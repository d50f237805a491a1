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

// devicesPage is where a member is signed in.
type devicesPage struct {
	layout
	Devices []deviceView
	Others  []deviceView // links to the feed, and buttons on others' pages
}

type deviceView struct {
	ID      string
	Name    string
	What    string // of what is no device
	Current bool
	Seen    time.Time // to a day
	Created time.Time
}

// devices answers GET /my/devices.
func (r *Reader) devices(c *fiber.Ctx) error {
	ctx, cancel := context.WithTimeout(c.UserContext(), storeTimeout)
	defer cancel()
	v, l, err := r.memberPage(ctx, c, text("my-devices"))
	if err != nil {
		return err
	}
	held, err := r.deps.People.Sessions(ctx, v.session.Account)
	if err != nil {
		return err
	}
	p := &devicesPage{layout: *l}
	for _, h := range held {
		view := deviceView{ID: h.ID.String(), Name: h.Label, Current: h.ID == v.session.ID, Seen: h.Seen().UTC(), Created: h.Created.UTC()}
		switch h.Use {
		case account.UseFeed:
			view.Name, view.What = cmp.Or(h.Label, text("link-without-name")), text("reads-your-feed")
			p.Others = append(p.Others, view)
		case account.UseWidget:
			view.Name, view.What = h.Origin, text("may-add-topics")
			p.Others = append(p.Others, view)
		default:
			view.Name = cmp.Or(h.Label, text("device-without-name"))
			p.Devices = append(p.Devices, view)
		}
	}
	return r.render(c, fiber.StatusOK, "devices", p)
}

// endDevice answers POST /my/devices: it signs out one device, or with
// session=others all but this one.
func (r *Reader) endDevice(c *fiber.Ctx) error {
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
	which := fields.Get("session")
	if which == "others" {
		if err := r.deps.People.EndOthers(ctx, v.session.Account, v.token.Hash()); err != nil {
			return err
		}
		return c.Redirect("/my/devices?note=others", fiber.StatusSeeOther)
	}
	id, err := uuid.Parse(which)
	if err != nil {
		return errForm
	}
	if id == v.session.ID {
		return r.signOut(c)
	}
	// One that has ended meanwhile is signed out all the same.
	if err := r.deps.People.EndSession(ctx, v.session, id); err != nil && !errors.Is(err, account.ErrNoSession) {
		return err
	}
	return c.Redirect("/my/devices?note=ended", fiber.StatusSeeOther)
}

// The words by which a User-Agent says what it is, the telling ones first: most
// browsers call themselves each other's names too.
var (
	browserWords = [][2]string{{"Edg", "Edge"}, {"OPR/", "Opera"}, {"Firefox/", "Firefox"}, {"Chrom", "Chrome"}, {"Safari/", "Safari"}}
	systemWords  = [][2]string{{"Android", "Android"}, {"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Windows", "Windows"}, {"Mac OS", "Mac"}, {"Linux", "Linux"}}
)

// deviceName is what a device is called that signs in from a page; "" when it does
// not say what it is.
func deviceName(agent string) string {
	browser, system := wordIn(agent, browserWords), wordIn(agent, systemWords)
	if browser == "" || system == "" {
		return browser + system
	}
	return text("browser-on", "browser", browser, "system", system)
}

func wordIn(text string, words [][2]string) string {
	for _, w := range words {
		if strings.Contains(text, w[0]) {
			return w[1]
		}
	}
	return ""
}
