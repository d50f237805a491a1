package reader

import (
	"context"

	"github.com/gofiber/fiber/v2"

	"newsfeed/feed"
)

// storyPage is all that is reported of one event, newest first.
type storyPage struct {
	layout
	Cards   []cardView
	Sources int
	Saved   bool
	Read    bool
	Story   string
}

// story answers GET /s/{story}.
func (r *Reader) story(c *fiber.Ctx) error {
	parsed, err := feed.ParseArticleID(pathParam(c, "story"))
	if err != nil {
		return errNoStory
	}
	if err := r.ready(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.UserContext(), storeTimeout)
	defer cancel()
	v, err := r.visitor(ctx, c)
	if err != nil {
		return err
	}
	asked := feed.StoryID(parsed)
	known, _, err := r.record().Knows(ctx, asked)
	if err != nil {
		return err
	}
	if !known {
		return errNoStory
	}
	merged, err := r.record().Merged(ctx, asked)
	if err != nil {
		return err
	}
	one := merged[asked]
	if one[0] != asked {
		return c.Redirect("/s/"+one[0].String(), fiber.StatusSeeOther)
	}
	q := feed.Query{Person: v.person(), Marks: v.marks, Limit: feed.DefaultLimit, Now: r.deps.Now()}
	entries, err := r.record().Story(ctx, &q, one)
	if err != nil {
		return err
	}
	return r.render(c, fiber.StatusOK, "story", r.storyPage(c, &v, one, entries))
}

func (r *Reader) storyPage(c *fiber.Ctx, v *visitor, one []feed.StoryID, entries []feed.Entry) *storyPage {
	marks := v.marksOf(one)
	p := &storyPage{layout: r.layout(c, v, text("a-story")), Story: one[0].String(), Saved: marks.Saved.Value, Read: marks.Read.Value}
	sources := map[string]bool{}
	for i := range entries {
		p.Cards = append(p.Cards, r.entryCard(c, v, &entries[i], marks))
		sources[entries[i].Article.Source.ID] = true
	}
	p.Sources = len(sources)
	if len(p.Cards) > 0 {
		p.Title = p.Cards[0].Title
	}
	return p
}
