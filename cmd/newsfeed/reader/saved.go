package reader

import (
	"context"
	"fmt"

	"github.com/gofiber/fiber/v2"

	"newsfeed/feed"
)

// savedPage is what a visitor has given a star, last saved first.
type savedPage struct {
	layout
	*stream
}

// saved answers GET /my/saved.
func (r *Reader) saved(c *fiber.Ctx) error {
	if err := r.ready(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.UserContext(), storeTimeout)
	defer cancel()
	v, err := r.visitor(ctx, c)
	if err != nil {
		return err
	}
	q := feed.Query{Person: v.person(), Marks: v.marks, Limit: feed.DefaultLimit, Now: r.deps.Now()}
	var stories []feed.SavedStory
	after := c.Query("cursor")
	if v.marks != nil {
		stories = v.marks.Saved()
		if after != "" {
			place, err := feed.ParseMarkCursor(after)
			if err != nil {
				return c.Redirect("/my/saved?note=expired", fiber.StatusSeeOther)
			}
			stories = v.marks.SavedAfter(place)
		}
	}
	body, _, err := r.deps.Builder.Saved(nil, q, stories, func(ids []feed.StoryID) (map[feed.StoryID]feed.StoredStory, error) {
		return r.record().Stored(ctx, ids)
	})
	if err != nil {
		return fmt.Errorf("make the page of saved stories: %w", err)
	}
	s, err := r.cards(c, &v, body, q.Now)
	if err != nil {
		return err
	}
	s.First, s.Since = after == "", ""
	p := &savedPage{layout: r.layout(c, &v, text("saved")), stream: s}
	p.Tab = "saved"
	return r.render(c, fiber.StatusOK, "saved", p)
}
