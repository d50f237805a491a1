package api

import (
	"encoding/json"
	"fmt"

	"github.com/gofiber/fiber/v2"

	"newsfeed/feed"
	"newsfeed/interests"
	"newsfeed/interests/topic"
	"newsfeed/interests/wire"
)

// previewShape says what edits would do to the first cards of a feed.
type previewShape struct {
	Enters  []feed.ArticleID `json:"enters"`
	Leaves  []feed.ArticleID `json:"leaves"`
	Moves   []moveShape      `json:"moves"`
	Removed int              `json:"removed_last_7_days"`
}

type moveShape struct {
	Article feed.ArticleID `json:"article"`
	From    int            `json:"from"`
	To      int            `json:"to"`
}

// opShape is an edit as it comes: a level of null removes the topic.
type opShape struct {
	Topic *string         `json:"topic"`
	Level json.RawMessage `json:"level"`
}

// postPreview answers what edits would do to the caller's feed. It makes them on
// a copy of the list and writes nothing.
func (s *Server) postPreview(c *fiber.Ctx, who *caller) error {
	q, err := s.question(c, 0)
	if err != nil {
		return err
	}
	var in struct {
		Ops []opShape `json:"ops"`
	}
	if err := decode(c, &in); err != nil {
		return err
	}
	ops, err := s.previewOps(in.Ops)
	if err != nil {
		return err
	}
	list, err := s.list(c, who)
	if err != nil {
		return err
	}
	next, err := s.imagine(list, ops)
	if err != nil {
		return err
	}
	marks, err := s.marks(who)
	if err != nil {
		return err
	}
	q.Marks = &marks
	after := q
	q.Person, after.Person = feed.NewPerson(&list), feed.NewPerson(&next)
	p := s.Builder.Preview(q, after)
	answer := previewShape{Enters: append([]feed.ArticleID{}, p.Enters...), Leaves: append([]feed.ArticleID{}, p.Leaves...), Moves: []moveShape{}, Removed: p.Removed}
	for _, m := range p.Moves {
		answer.Moves = append(answer.Moves, moveShape(m))
	}
	return send(c, fiber.StatusOK, &answer)
}

// previewOps reads the edits: a topic by its id, name or alias. What nobody knows
// can be removed, and nothing else.
func (s *Server) previewOps(in []opShape) ([]interests.Op, error) {
	if in == nil {
		return nil, &refusal{err: errBadBody, fields: []field{{"/ops", "is needed: a list"}}}
	}
	if len(in) > wire.MaxOps {
		return nil, &refusal{err: errBadBody, fields: []field{{"/ops", fmt.Sprintf("are more than %d", wire.MaxOps)}}}
	}
	ops := make([]interests.Op, len(in))
	for i, op := range in {
		at := fmt.Sprintf("/ops/%d", i)
		level, ok := levelIn(op.Level)
		if !ok {
			return nil, &refusal{err: errBadBody, fields: []field{{at + "/level", "must be follow, favourite, mute or null"}}}
		}
		if op.Topic == nil {
			return nil, &refusal{err: errBadBody, fields: []field{{at + "/topic", "is needed"}}}
		}
		t, known := s.Catalogue.Resolve(*op.Topic)
		if !known && level != interests.None {
			return nil, &refusal{err: errUnknownTopic, detail: s.unknown(*op.Topic), fields: []field{{at + "/topic", "is unknown"}}}
		}
		if !known {
			t.ID = topic.ID(*op.Topic) // one of the person's own may be gone from the catalogue
		}
		ops[i] = interests.Op{Topic: t.ID, Level: level}
	}
	return ops, nil
}

// levelIn reads a level or null.
func levelIn(raw json.RawMessage) (interests.Level, bool) {
	if string(raw) == "null" {
		return interests.None, true
	}
	var word string
	if json.Unmarshal(raw, &word) != nil {
		return 0, false
	}
	level, err := interests.ParseLevel(word)
	return level, err == nil
}

// imagine returns what a list would be after edits, made one after the other.
func (s *Server) imagine(list interests.List, ops []interests.Op) (interests.List, error) {
	now := s.Now()
	at := list.NextStamp(now)
	for i := range ops {
		ops[i].At = at
		at = interests.NextStamp(at, now)
	}
	next, results := interests.Apply(list, ops, now)
	for i, r := range results {
		switch {
		case r.Reason == interests.ListFull:
			return next, &refusal{err: interests.ErrFull, fields: []field{{fmt.Sprintf("/ops/%d", i), "is beyond what a list may hold"}}}
		case r.Status != interests.Applied:
			return next, fmt.Errorf("imagine %s at %s: %s %s", ops[i].Topic, ops[i].Level, r.Status, r.Reason)
		}
	}
	return next, nil
}
