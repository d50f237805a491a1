package reader

import (
	"context"

	"github.com/gofiber/fiber/v2"
)

// interestsPage is a visitor's whole list.
type interestsPage struct {
	layout
	Favourites, Following, Muted []topicView
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
