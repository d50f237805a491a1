package api

import (
	"github.com/gofiber/fiber/v2"

	"newsfeed/interests/topic"
)

// maxExplained bounds the body of POST /topics/explain.
const maxExplained = 256 << 10

// explainedTag is a tag that an article of such a text would get.
type explainedTag struct {
	ID        topic.ID `json:"id"`
	Name      string   `json:"name"`
	Salience  float64  `json:"salience"`
	Inherited bool     `json:"inherited,omitempty"`
}

// postExplain answers which tags a text gets, what was found in it, and what was
// judged of each topic in question. It stores nothing.
func (s *Server) postExplain(c *fiber.Ctx, _ *caller) error {
	var in struct {
		Title   string `json:"title"`
		Summary string `json:"summary"`
		Text    string `json:"text"`
	}
	if err := decodeUpTo(c, maxExplained, &in); err != nil {
		return err
	}
	var bad complaints
	if in.Title == "" && in.Summary == "" && in.Text == "" {
		bad.add("/title", "is needed, or a summary or a text")
	}
	if err := bad.error(); err != nil {
		return err
	}
	text := topic.Text{Title: in.Title, Summary: in.Summary, Body: in.Text}
	tagger := s.Catalogue.Tagger()
	answer := struct {
		Tags []explainedTag `json:"tags"`
		topic.Explanation
	}{[]explainedTag{}, tagger.Explain(text)}
	for _, tag := range s.Catalogue.Inherit(tagger.Tags(text)) {
		if t, ok := s.Catalogue.Get(tag.Topic); ok {
			answer.Tags = append(answer.Tags, explainedTag{t.ID, t.Name, tag.Salience, tag.Inherited})
		}
	}
	if answer.Spans == nil {
		answer.Spans = []topic.Span{}
	}
	if answer.Topics == nil {
		answer.Topics = []topic.Verdict{}
	}
	return send(c, fiber.StatusOK, &answer)
}
