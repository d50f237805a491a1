package api

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/gofiber/fiber/v2"

	"newsfeed/feed"
	"newsfeed/interests"
)

// markShape are the marks of one story.
type markShape struct {
	Story  feed.StoryID `json:"story"`
	Read   bool         `json:"read"`
	Saved  bool         `json:"saved"`
	Hidden bool         `json:"hidden"`
}

func markOf(id feed.StoryID, m feed.StoryMarks) markShape {
	return markShape{id, m.Read.Value, m.Saved.Value, m.Hidden.Value}
}

// marks reads the caller's marks.
func (s *Server) marks(who *caller) (feed.MarkSet, error) {
	ctx, cancel := deadline()
	defer cancel()
	set, err := s.Marks.AtLeast(ctx, who.session.Account, 0)
	if err != nil {
		return feed.MarkSet{}, fmt.Errorf("load the marks of %s: %w", who.session.Account, err)
	}
	return *set, nil
}

// putMark sets marks of a story, or takes them back: those that the body names.
func (s *Server) putMark(c *fiber.Ctx, who *caller) error {
	story, err := storyID(c, "story")
	if err != nil {
		return err
	}
	var in struct {
		Read   *bool `json:"read"`
		Saved  *bool `json:"saved"`
		Hidden *bool `json:"hidden"`
	}
	if err := decode(c, &in); err != nil {
		return err
	}
	named := map[feed.Mark]bool{}
	for mark, value := range map[feed.Mark]*bool{feed.Read: in.Read, feed.Saved: in.Saved, feed.Hidden: in.Hidden} {
		if value != nil {
			named[mark] = *value
		}
	}
	if len(named) == 0 {
		return &refusal{err: errBadBody, fields: []field{{"", "must name read, saved or hidden"}}}
	}
	if known, err := s.knowsStory(story); err != nil {
		return err
	} else if !known {
		return errUnknownStory
	}
	set, err := s.mark(who, story, named)
	if err != nil {
		return err
	}
	return send(c, fiber.StatusOK, struct {
		Revision interests.Revision `json:"revision"`
	}{set.Revision})
}

func (s *Server) mark(who *caller, story feed.StoryID, named map[feed.Mark]bool) (feed.MarkSet, error) {
	others, err := s.mergedWith(story)
	if err != nil {
		return feed.MarkSet{}, err
	}
	ctx, cancel := deadline()
	defer cancel()
	if err := s.keep(ctx, who); err != nil {
		return feed.MarkSet{}, err
	}
	return s.Marks.Set(ctx, who.session.Account, story, named, who.session.Until(), others...)
}

// maxNamed is how many stories a question about marks may name.
const maxNamed = 100

// getMarks answers with the marks of the stories that are named, else with all
// that are set, by the stories' ids.
func (s *Server) getMarks(c *fiber.Ctx, who *caller) error {
	var (
		named     []feed.StoryID
		after     feed.MarkCursor
		cursorErr error
		most      = feed.DefaultLimit
	)
	err := query(c, func(name, value []byte) string {
		switch string(name) {
		case "limit":
			return limit(&most, value)
		case "cursor":
			after, cursorErr = feed.ParseMarkCursor(string(value))
		case "story":
			id, err := feed.ParseArticleID(string(value))
			if err != nil {
				return "must be the id of a story"
			}
			if len(named) == maxNamed {
				return fmt.Sprintf("are more than %d stories", maxNamed)
			}
			named = append(named, feed.StoryID(id))
		}
		return ""
	})
	if err != nil {
		return err
	}
	if cursorErr != nil {
		return cursorErr
	}
	if _, err := leastRevision(c); err != nil {
		return err
	}
	set, err := s.marks(who)
	if err != nil {
		return err
	}
	next := ""
	if named == nil {
		named, next = s.markedAfter(&set, after.Story, most)
	}
	answer := struct {
		Revision interests.Revision `json:"revision"`
		Marks    []markShape        `json:"marks"`
		Next     string             `json:"next,omitempty"`
	}{set.Revision, []markShape{}, next}
	one, err := s.mergedEach(named)
	if err != nil {
		return err
	}
	for _, id := range named {
		answer.Marks = append(answer.Marks, markOf(id, set.Through(one[id])))
	}
	cache(c, who, "")
	linkNext(c, []byte(next))
	return sendTagged(c, &answer)
}

// mergedWith returns the other stories that are one with a story.
func (s *Server) mergedWith(id feed.StoryID) ([]feed.StoryID, error) {
	one, err := s.merged(id)
	return slices.DeleteFunc(one, func(other feed.StoryID) bool { return other == id }), err
}

// markedAfter returns the next stories that have a mark, and where to go on. Of
// several that are one it names the one that survived.
func (s *Server) markedAfter(set *feed.MarkSet, after feed.StoryID, most int) (ids []feed.StoryID, next string) {
	seen := map[feed.StoryID]bool{}
	for id := range set.Stories {
		one := s.Index.Merged(id)
		m := set.Through(one)
		if id = one[0]; seen[id] {
			continue
		}
		seen[id] = true
		if bytes.Compare(id[:], after[:]) > 0 && (m.Read.Value || m.Saved.Value || m.Hidden.Value) {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, func(a, b feed.StoryID) int { return bytes.Compare(a[:], b[:]) })
	if len(ids) > most {
		ids = ids[:most]
		next = feed.MarkCursor{Story: ids[most-1]}.String()
	}
	return ids, next
}

// getSaved answers with the saved stories, last saved first.
func (s *Server) getSaved(c *fiber.Ctx, who *caller) error {
	var after *feed.MarkCursor
	var cursorErr error
	q, err := s.question(c, 0)
	if err != nil {
		return err
	}
	err = query(c, func(name, value []byte) string {
		switch string(name) {
		case "limit":
			return limit(&q.Limit, value)
		case "cursor":
			var place feed.MarkCursor
			place, cursorErr = feed.ParseMarkCursor(string(value))
			after = &place
		}
		return ""
	})
	if err != nil {
		return err
	}
	if cursorErr != nil {
		return cursorErr
	}
	if err := s.see(c, who, &q); err != nil {
		return err
	}
	var saved []feed.SavedStory
	switch {
	case q.Marks == nil:
	case after == nil:
		saved = q.Marks.Saved()
	default:
		saved = q.Marks.SavedAfter(*after)
	}
	body, page, err := s.Builder.Saved(nil, q, saved, s.stored)
	if err != nil {
		return fmt.Errorf("make the page of saved stories: %w", err)
	}
	cache(c, who, "")
	linkNext(c, page.Next(body))
	sendBytesTagged(c, body)
	return nil
}

// stored reads stories that the index does not hold.
func (s *Server) stored(ids []feed.StoryID) (map[feed.StoryID]feed.StoredStory, error) {
	ctx, cancel := deadline()
	defer cancel()
	return s.record().Stored(ctx, ids)
}
