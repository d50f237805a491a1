package api

import (
	"errors"

	"github.com/gofiber/fiber/v2"

	"newsfeed/feed"
)

// getStory answers with the articles of a story that the caller may see, newest
// first, without their bodies. Of a story that left the horizon that is its
// first article.
func (s *Server) getStory(c *fiber.Ctx, who *caller) error {
	q, err := s.question(c, 0)
	if err != nil {
		return err
	}
	id, err := storyID(c, "id")
	if err != nil {
		return err
	}
	known, err := s.knowsStory(id)
	if err != nil {
		return err
	}
	if !known {
		return errUnknownStory
	}
	one, err := s.merged(id)
	if err != nil {
		return err
	}
	if err := s.see(c, who, &q); err != nil {
		return err
	}
	ctx, cancel := deadline()
	defer cancel()
	entries, err := s.record().Story(ctx, &q, one)
	if err != nil {
		return err
	}
	answer := struct {
		Story    feed.StoryID    `json:"story"`
		Articles []*articleShape `json:"articles"`
	}{one[0], []*articleShape{}}
	for i := range entries {
		answer.Articles = append(answer.Articles, shapeOf(&entries[i]))
	}
	cache(c, who, pageKeeps)
	return sendTagged(c, &answer)
}

// record reads what the index alone cannot tell.
func (s *Server) record() *feed.Record {
	return &feed.Record{Index: s.Index, Builder: s.Builder, Articles: s.Articles}
}

// merged returns the ids of all stories that are one with a story, the one that
// survived first.
func (s *Server) merged(id feed.StoryID) ([]feed.StoryID, error) {
	one, err := s.mergedEach([]feed.StoryID{id})
	return one[id], err
}

// mergedEach is merged of each of several stories.
func (s *Server) mergedEach(ids []feed.StoryID) (map[feed.StoryID][]feed.StoryID, error) {
	ctx, cancel := deadline()
	defer cancel()
	return s.record().Merged(ctx, ids...)
}

// knowsStory reports whether there ever was a story of an id.
func (s *Server) knowsStory(id feed.StoryID) (bool, error) {
	ctx, cancel := deadline()
	defer cancel()
	known, newest, err := s.record().Knows(ctx, id)
	if err != nil || !known {
		return false, err
	}
	return true, s.reach(newest)
}

// storyID reads an id in the path. What is no id names no story.
func storyID(c *fiber.Ctx, parameter string) (feed.StoryID, error) {
	id, err := articleID(c, parameter)
	if errors.Is(err, feed.ErrUnknownArticle) {
		err = errUnknownStory
	}
	return feed.StoryID(id), err
}
