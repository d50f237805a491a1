package api

import (
	"errors"
	"fmt"
	"maps"
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
	one, err := s.merged(id)
	if err != nil {
		return err
	}
	if err := s.see(c, who, &q); err != nil {
		return err
	}
	entries, err := s.storyEntries(&q, one)
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

// storyEntries reads the articles of stories that are one, the one that survived
// first, that a query's person may see: what the index says, and the first articles,
// which it may hold no more. Their newest entries in the store, which may be ahead
// of the index, are looked at again.
func (s *Server) storyEntries(q *feed.Query, one []feed.StoryID) ([]feed.Entry, error) {
	ids := s.Builder.Story(*q, one[0])
	ids = ids[:min(len(ids), storyArticles)]
	for _, story := range one[:min(len(one), storyArticles)] {
		ids = append(ids, feed.ArticleID(story))
	}
	ctx, cancel := deadline()
	defer cancel()
	found, err := s.Articles.Current(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("read the articles of story %s: %w", one[0], err)
	}
	var entries []feed.Entry
	for _, article := range ids {
		if e, ok := found[article]; ok && slices.Contains(one, e.Story) {
			e.Story = one[0]
			entries = append(entries, e)
			delete(found, article)
		}
	}
	return q.Visible(entries, one), nil
}

// merged returns the ids of all stories that are one with a story, the one that
// survived first.
func (s *Server) merged(id feed.StoryID) ([]feed.StoryID, error) {
	one, err := s.mergedEach([]feed.StoryID{id})
	return one[id], err
}

// mergedEach is merged of each of several stories. Of those that the index holds no
// more the store knows.
func (s *Server) mergedEach(ids []feed.StoryID) (map[feed.StoryID][]feed.StoryID, error) {
	one := make(map[feed.StoryID][]feed.StoryID, len(ids))
	var elsewhere []feed.StoryID
	for _, id := range ids {
		if s.Index.HasStory(id) {
			one[id] = s.Index.Merged(id)
		} else {
			elsewhere = append(elsewhere, id)
		}
	}
	if len(elsewhere) == 0 {
		return one, nil
	}
	ctx, cancel := deadline()
	defer cancel()
	stored, err := feed.MergedIn(ctx, s.Articles, elsewhere...)
	maps.Copy(one, stored)
	return one, err
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
