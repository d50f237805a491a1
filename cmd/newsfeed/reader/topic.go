package reader

import (
	"context"
	"errors"
	"net/url"

	"github.com/gofiber/fiber/v2"

	"newsfeed/feed"
	"newsfeed/interests/topic"
)

// topicPage is the feed of one who follows just one topic.
type topicPage struct {
	layout
	*stream
	Topic    topicView
	Aliases  []string
	Broader  []topicView
	Narrower []topicView
}

// maxNarrower is how many topics below are named on a topic's page, and how many
// of its other names.
const (
	maxNarrower = 12
	maxAliases  = 4
)

// topic answers GET /t/{topic}. Another name of the topic leads to its one page.
func (r *Reader) topic(c *fiber.Ctx) error {
	asked := pathParam(c, "topic")
	t, ok := r.deps.Catalogue.Resolve(asked)
	if !ok {
		return r.say(c, r.unknownTopic(asked))
	}
	if string(t.ID) != asked {
		return c.Redirect(topicPath(t.ID), fiber.StatusSeeOther)
	}
	ctx, cancel := context.WithTimeout(c.UserContext(), storeTimeout)
	defer cancel()
	v, err := r.visitor(ctx, c)
	if err != nil {
		return err
	}
	s, err := r.stream(ctx, c, &v, t.ID, feed.Query{})
	if errors.Is(err, feed.ErrCursorExpired) {
		return c.Redirect(topicPath(t.ID)+"?note=expired", fiber.StatusSeeOther)
	}
	if err != nil {
		return err
	}
	return r.render(c, fiber.StatusOK, "topic", r.topicPage(c, &v, t, s))
}

func (r *Reader) topicPage(c *fiber.Ctx, v *visitor, t topic.Topic, s *stream) *topicPage {
	p := &topicPage{layout: r.layout(c, v, t.Name), stream: s, Topic: r.topicView(v, t)}
	p.AsOf, p.Since = s.asOf, ""
	p.Share = r.shareTopic(t)
	p.News = r.news(v, s.Cards, t.ID)
	p.Aliases = t.Aliases[:min(len(t.Aliases), maxAliases)]
	for _, id := range t.Broader {
		if above, ok := r.deps.Catalogue.Get(id); ok {
			p.Broader = append(p.Broader, r.topicView(v, above))
		}
	}
	below := r.deps.Catalogue.Narrower(t.ID)
	p.Narrower = r.topicViews(v, below[:min(len(below), maxNarrower)])
	for i := range s.Cards {
		s.Cards[i].Because, s.Cards[i].Others = nil, 0 // it is the page's own topic
	}
	return p
}

// unknownTopic says that there is no such topic, and what may have been meant.
func (r *Reader) unknownTopic(asked string) *message {
	asked = shorten(asked)
	m := &message{Status: 404, Heading: text("no-topic-of-that-name"),
		Text: text("no-topic-text", "name", asked)}
	for _, t := range r.deps.Catalogue.Suggest(asked, 5) {
		m.Links = append(m.Links, linked{topicPath(t.ID), t.Name})
	}
	m.Links = append(m.Links, linked{"/search?q=" + url.QueryEscape(asked), text("search-all-topics")}, home()[0])
	return m
}

// pathParam returns a part of the path as it was before it was escaped.
func pathParam(c *fiber.Ctx, name string) string {
	s, err := url.PathUnescape(c.Params(name))
	if err != nil {
		return c.Params(name)
	}
	return s
}
