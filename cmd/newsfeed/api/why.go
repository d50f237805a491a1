package api

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"

	"newsfeed/feed"
	"newsfeed/interests/topic"
)

// whyShape is the receipt of an article: why it is in the feed, or because of
// what it is not.
type whyShape struct {
	Shown    bool            `json:"shown"`
	Position int             `json:"position,omitempty"`
	Why      json.RawMessage `json:"why,omitempty"`
	Because  *reasonShape    `json:"because,omitempty"`
}

// reasonShape is the first rule that keeps an article out.
type reasonShape struct {
	Rule   feed.Rule     `json:"rule"`
	Topic  topic.ID      `json:"topic,omitempty"`
	Story  *feed.StoryID `json:"story,omitempty"`
	Detail string        `json:"detail"`
}

// getWhy tells why an article is in the caller's feed, or why not.
func (s *Server) getWhy(c *fiber.Ctx, who *caller) error {
	id, err := articleID(c, "article")
	if err != nil {
		return err
	}
	q, err := s.question(c, filtered)
	if err != nil {
		return err
	}
	if err := s.see(c, who, &q); err != nil {
		return err
	}
	r := s.Builder.Why(q, id, "")
	if !r.Shown && r.Rule == "" {
		var here bool
		if r.Rule, here, err = s.absent(id); err != nil {
			return err
		}
		if here {
			r = s.Builder.Why(q, id, r.Rule)
		}
	}
	answer := whyShape{Shown: r.Shown, Position: r.Position}
	if r.Shown {
		answer.Why = r.AppendJSON(nil)
	} else {
		answer.Because = &reasonShape{Rule: r.Rule, Topic: r.Topic, Detail: s.plainly(&r)}
		if r.Rule == feed.RuleSameStory {
			answer.Because.Story = &r.Story
		}
	}
	cache(c, who, "")
	return sendTagged(c, &answer)
}

// absent asks the store for an article that the index did not show: it says why
// that is, and whether the index may hold it now, having caught up with the log.
func (s *Server) absent(id feed.ArticleID) (rule feed.Rule, here bool, err error) {
	ctx, cancel := deadline()
	defer cancel()
	found, err := s.Articles.Current(ctx, []feed.ArticleID{id})
	if err != nil {
		return "", false, fmt.Errorf("read article %s: %w", id, err)
	}
	e, ok := found[id]
	switch {
	case !ok:
		return feed.RuleUnknown, false, nil
	case e.Withdrawn:
		return feed.RuleWithdrawn, false, nil
	}
	return feed.RuleTooOld, true, s.reach(e.Edition)
}

// plainly says to a person why an article is not in their feed.
func (s *Server) plainly(r *feed.Receipt) string {
	switch r.Rule {
	case feed.RuleMuted:
		return "You muted " + s.nameOf(r.Topic) + "."
	case feed.RuleHidden:
		return "You hid this story."
	case feed.RuleRead:
		return "You have read this story, and asked for unread ones only."
	case feed.RuleNotFollowed:
		return "It is about nothing that you follow."
	case feed.RuleFiltered:
		return "It is not of the kinds, topics or languages that you asked for."
	case feed.RuleSameStory:
		return "Another article of the same story stands for it."
	case feed.RuleWithdrawn:
		return "Its publisher withdrew it."
	case feed.RuleTooOld:
		return "It is older than the last " + strconv.Itoa(int(s.Index.Horizon()/(24*time.Hour))) + " days, of which feeds are made."
	}
	return "There is no such article here."
}

func (s *Server) nameOf(id topic.ID) string {
	if t, ok := s.Catalogue.Get(id); ok {
		return t.Name
	}
	return string(id)
}
