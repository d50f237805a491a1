package reader

import (
	"context"
	"strings"
	"unicode/utf8"

	"github.com/gofiber/fiber/v2"
)

// searchPage lists topics by name.
type searchPage struct {
	layout
	Found   []topicView
	Instead []topicView // what may have been meant, when nothing was found
}

// How many topics a search shows, and how much of a query is read.
const (
	maxFound = 40
	maxQuery = 100
)

// search answers GET /search?q=. Without a query it shows where one may begin.
func (r *Reader) search(c *fiber.Ctx) error {
	ctx, cancel := context.WithTimeout(c.UserContext(), storeTimeout)
	defer cancel()
	v, err := r.visitor(ctx, c)
	if err != nil {
		return err
	}
	q := shorten(strings.TrimSpace(c.Query("q")))
	title := text("find-topics")
	if q != "" {
		title = text("topics-title", "query", q)
	}
	p := &searchPage{layout: r.layout(c, &v, title)}
	p.Query = q
	p.Found = r.topicViews(&v, r.deps.Catalogue.Search(q, maxFound))
	if len(p.Found) == 0 {
		p.Instead = r.topicViews(&v, r.deps.Catalogue.Suggest(q, 5))
	}
	return r.render(c, fiber.StatusOK, "search", p)
}

// shorten cuts what a person typed to what is worth looking at and showing.
func shorten(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) <= maxQuery {
		return s
	}
	end := maxQuery
	for !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end]
}
