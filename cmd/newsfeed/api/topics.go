package api

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/gofiber/fiber/v2"

	"newsfeed/feed"
	"newsfeed/interests"
	"newsfeed/interests/topic"
)

const (
	topicsKeep   = "public, max-age=60" // how long anyone may keep what was made for nobody
	topicsFound  = 20                   // topics in an answer to a search that names no limit
	maxQuestion  = 1000                 // bytes of a search that are looked at
	kindsInPlain = "country, region, city, person, organisation, company, sport, team, subject, tag or source"
)

// foundTopic is a topic in the answer to a search.
type foundTopic struct {
	ID    topic.ID         `json:"id"`
	Name  string           `json:"name"`
	Kind  topic.Kind       `json:"kind"`
	Level *interests.Level `json:"level,omitempty"`
}

// topicShape is a topic by itself.
type topicShape struct {
	ID       topic.ID         `json:"id"`
	Name     string           `json:"name"`
	Kind     topic.Kind       `json:"kind"`
	Aliases  []string         `json:"aliases"`
	Broader  []topic.ID       `json:"broader"`
	Narrower []topic.ID       `json:"narrower"`
	Articles int              `json:"articles"`
	Level    *interests.Level `json:"level,omitempty"`
}

// levels reads the caller's list, for the levels in an answer; nobody's is empty.
func (s *Server) levels(c *fiber.Ctx, who *caller) (interests.List, error) {
	if who.kind != aPerson {
		return interests.List{}, nil
	}
	return s.list(c, who)
}

func levelOf(list *interests.List, id topic.ID) *interests.Level {
	if level := list.Level(id); level != 0 {
		return &level
	}
	return nil
}

func (s *Server) getTopics(c *fiber.Ctx, who *caller) error {
	q, n := "", topicsFound
	err := query(c, func(name, value []byte) string {
		switch string(name) {
		case "limit":
			return limit(&n, value)
		case "q":
			if !utf8.Valid(value) {
				return "is not valid UTF-8"
			}
			q = string(value[:min(len(value), maxQuestion)])
		}
		return ""
	})
	if err != nil {
		return err
	}
	list, err := s.levels(c, who)
	if err != nil {
		return err
	}
	answer := struct {
		Topics []foundTopic `json:"topics"`
	}{[]foundTopic{}}
	for _, t := range s.Catalogue.Search(q, n) {
		answer.Topics = append(answer.Topics, foundTopic{t.ID, t.Name, t.Kind, levelOf(&list, t.ID)})
	}
	cache(c, who, topicsKeep)
	return sendTagged(c, &answer)
}

func (s *Server) getTopic(c *fiber.Ctx, who *caller) error {
	t, err := s.topicOf(c, "id")
	if err != nil {
		return err
	}
	list, err := s.levels(c, who)
	if err != nil {
		return err
	}
	cache(c, who, topicsKeep)
	return sendTagged(c, s.shape(t, &list))
}

func (s *Server) shape(t topic.Topic, list *interests.List) *topicShape {
	shape := &topicShape{
		ID: t.ID, Name: t.Name, Kind: t.Kind,
		Aliases: append([]string{}, t.Aliases...), Broader: append([]topic.ID{}, t.Broader...), Narrower: []topic.ID{},
		Articles: s.Index.Count(t.ID), Level: levelOf(list, t.ID),
	}
	for _, n := range s.Catalogue.Narrower(t.ID) {
		shape.Narrower = append(shape.Narrower, n.ID)
	}
	return shape
}

// getTopicPage answers with the feed of one who follows just this topic, under
// the caller's mutes and marks.
func (s *Server) getTopicPage(c *fiber.Ctx, who *caller) error {
	t, err := s.topicOf(c, "id")
	if err != nil {
		return err
	}
	q, err := s.question(c, paged)
	if err != nil {
		return err
	}
	if err := s.see(c, who, &q); err != nil {
		return err
	}
	q.Person = q.Person.Following(t.ID)
	return s.page(c, who, &q, t.ID)
}

// exportTopics answers with every topic, one a line, broader ones before those
// below them, so that the lines can be put back in their order.
func (s *Server) exportTopics(c *fiber.Ctx, who *caller) error {
	ctx, cancel := deadline()
	defer cancel()
	stored, err := s.Topics.All(ctx)
	if err != nil {
		return fmt.Errorf("read all topics: %w", err)
	}
	type placed struct {
		topic.Topic
		above int
	}
	all := make([]placed, 0, len(stored))
	for _, t := range stored {
		all = append(all, placed{t, len(s.Catalogue.Ancestors(t.ID))})
	}
	slices.SortFunc(all, func(a, b placed) int { return cmp.Or(cmp.Compare(a.above, b.above), cmp.Compare(a.ID, b.ID)) })
	var out bytes.Buffer
	lines := json.NewEncoder(&out)
	for i := range all {
		if err := lines.Encode(&all[i].Topic); err != nil {
			return fmt.Errorf("encode topic %s: %w", all[i].ID, err)
		}
	}
	cache(c, who, topicsKeep)
	c.Response().Header.SetContentType("application/x-ndjson")
	c.Response().SetBodyRaw(out.Bytes())
	return nil
}

// putTopic makes or replaces a topic: durable first, then told to all nodes by the
// log. What is tagged on this node after the answer is tagged by it. Whoever hears
// an error may send it again.
func (s *Server) putTopic(c *fiber.Ctx, _ *caller) error {
	if s.Log.Full() {
		return feed.ErrQueueFull
	}
	id, err := path(c, "id")
	if err != nil {
		return err
	}
	var in topicInput
	if err := decode(c, &in); err != nil {
		return err
	}
	t, err := s.checkTopic(topic.ID(id), &in)
	if err != nil {
		return err
	}
	ctx, cancel := deadline()
	defer cancel()
	if err := s.Topics.Put(ctx, t); err != nil {
		return fmt.Errorf("store topic %s: %w", t.ID, err)
	}
	if _, _, err := s.Log.Put(context.Background(), []feed.Change{{Topic: &t}}); err != nil {
		return fmt.Errorf("tell of topic %s: %w", t.ID, err)
	}
	s.Catalogue.Insist()
	return send(c, fiber.StatusOK, s.shape(t, &interests.List{}))
}
