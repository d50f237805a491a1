package api

import (
	"errors"
	"fmt"
	"slices"

	"github.com/gofiber/fiber/v2"

	"newsfeed/feed"
)

// storyArticles is how many articles of a story are shown at most: the newest.
// Stories that were told apart by their text have no more.
const storyArticles = 500

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
	id = s.Index.Merged(id)[0]
	if err := s.see(c, who, &q); err != nil {
		return err
	}
	entries, err := s.storyEntries(&q, id)
	if err != nil {
		return err
	}
	answer := struct {
		Story    feed.StoryID    `json:"story"`
		Articles []*articleShape `json:"articles"`
	}{id, []*articleShape{}}
	for i := range entries {
		answer.Articles = append(answer.Articles, shapeOf(&entries[i]))
	}
	cache(c, who, pageKeeps)
	return sendTagged(c, &answer)
}

// storyEntries reads the articles of a story that a query's person may see: what
// the index says, and the first article, which it may hold no more. Their newest
// entries in the store, which may be ahead of the index, are looked at again.
func (s *Server) storyEntries(q *feed.Query, id feed.StoryID) ([]feed.Entry, error) {
	ids := s.Builder.Story(*q, id)
	merged := s.Index.Merged(id)
	ids = append(ids[:min(len(ids), storyArticles)], feed.ArticleID(id))
	ctx, cancel := deadline()
	defer cancel()
	found, err := s.Articles.Current(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("read the articles of story %s: %w", id, err)
	}
	var entries []feed.Entry
	for _, article := range ids {
		if e, ok := found[article]; ok && slices.Contains(merged, e.Story) {
			e.Story = id
			entries = append(entries, e)
			delete(found, article)
		}
	}
	return q.Visible(entries), nil
}

// knowsStory reports whether there ever was a story of an id: one in the index,
// or one whose first article, by whose id it goes, the store knows.
func (s *Server) knowsStory(id feed.StoryID) (bool, error) {
	if s.Index.HasStory(id) {
		return true, nil
	}
	ctx, cancel := deadline()
	defer cancel()
	found, err := s.Articles.Current(ctx, []feed.ArticleID{feed.ArticleID(id)})
	if err != nil {
		return false, fmt.Errorf("look for story %s: %w", id, err)
	}
	e, ok := found[feed.ArticleID(id)]
	if !ok || e.Story != id {
		return false, nil
	}
	return true, s.reach(e.Edition)
}

// storyID reads an id in the path. What is no id names no story.
func storyID(c *fiber.Ctx, parameter string) (feed.StoryID, error) {
	id, err := articleID(c, parameter)
	if errors.Is(err, feed.ErrUnknownArticle) {
		err = errUnknownStory
	}
	return feed.StoryID(id), err
}
