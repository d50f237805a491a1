package reader

import (
	"context"
	"time"

	"github.com/gofiber/fiber/v2"

	"newsfeed/interests/account"
)

// interestsPage is a visitor's whole list.
type interestsPage struct {
	layout
	Favourites, Following, Muted []topicView
	Merges                       []mergeView // of the last 30 days, newest first
}

// mergeView is what a device brought along.
type mergeView struct {
	Path          string
	At            time.Time
	Added, Others int // topics that came along, and that the two had at different levels
	Undone        bool
}

// interests answers GET /my/interests.
func (r *Reader) interests(c *fiber.Ctx) error {
	ctx, cancel := context.WithTimeout(c.UserContext(), storeTimeout)
	defer cancel()
	v, err := r.visitor(ctx, c)
	if err != nil {
		return err
	}
	p := &interestsPage{layout: r.layout(c, &v, text("my-interests"))}
	if v.member() {
		if p.layout, err = r.ownLayout(ctx, c, &v, text("my-interests")); err != nil {
			return err
		}
		if p.Merges, err = r.merges(ctx, &v); err != nil {
			return err
		}
	}
	for _, i := range r.listed(&v) {
		switch i.Level {
		case "favourite":
			p.Favourites = append(p.Favourites, i)
		case "follow":
			p.Following = append(p.Following, i)
		case "mute":
			p.Muted = append(p.Muted, i)
		}
	}
	return r.render(c, fiber.StatusOK, "interests", p)
}

// merges are those of the visitor that can be looked at and taken back. Nothing is said
// of them while the store is away.
func (r *Reader) merges(ctx context.Context, v *visitor) (views []mergeView, err error) {
	if v.stale {
		return nil, nil
	}
	all, err := r.deps.Belongs.Merger.All(ctx, v.session.Account)
	for _, m := range all {
		if r.deps.Now().Sub(m.At) <= account.MergeLife && len(m.Added)+len(m.Overridden) > 0 {
			views = append(views, mergeView{mergesPath + m.ID.String(), m.At.UTC(), len(m.Added), len(m.Overridden), m.Undone})
		}
	}
	return views, err
}
