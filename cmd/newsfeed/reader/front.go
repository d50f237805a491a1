package reader

import (
	"context"
	"errors"

	"github.com/gofiber/fiber/v2"

	"newsfeed/feed"
)

// frontPage is the feed of who looks at it.
type frontPage struct {
	layout
	*stream
	Articles int // in the index; with none there is nothing that anybody could read
}

// front answers GET /.
func (r *Reader) front(c *fiber.Ctx) error {
	ctx, cancel := context.WithTimeout(c.UserContext(), storeTimeout)
	defer cancel()
	v, err := r.visitor(ctx, c)
	if err != nil {
		return err
	}
	q := feed.Query{Unread: c.Query("unread") == "true", MustKnow: feed.DefaultMustKnow}
	s, err := r.stream(ctx, c, &v, "", q)
	if errors.Is(err, feed.ErrCursorExpired) {
		return c.Redirect("/?note=expired", fiber.StatusSeeOther)
	}
	if err != nil {
		return err
	}
	p := &frontPage{layout: r.layout(c, &v, ""), stream: s, Articles: r.deps.Index.Articles()}
	p.AsOf, p.Tab = s.asOf, "all"
	if s.Unread {
		p.Tab = "unread"
	}
	p.News = r.news(&v, s.Cards, "")
	return r.render(c, fiber.StatusOK, "front", p)
}
