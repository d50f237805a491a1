package api

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/gofiber/fiber/v2"

	"newsfeed/feed"
	"newsfeed/interests/topic"
)

// postArticles stores what a publisher sends. When the writer has enough to do,
// the body is not even read.
func (s *Server) postArticles(c *fiber.Ctx, who *caller) error {
	if s.Log.Full() {
		return feed.ErrQueueFull
	}
	kind := mediaType(c)
	if kind != "application/json" && kind != "application/x-ndjson" {
		return because(errMediaType, "the body must be application/json or application/x-ndjson")
	}
	repeats := false
	err := query(c, func(name, value []byte) string {
		if string(name) == "repeats" {
			return boolean(&repeats, value)
		}
		return ""
	})
	if err != nil {
		return err
	}
	in, err := body(c, maxBody)
	if err != nil {
		return err
	}
	batch := s.newIntake(who)
	batch.repeats = repeats
	if kind == "application/x-ndjson" {
		err = batch.readLines(in)
	} else {
		err = batch.readJSON(in)
	}
	if err != nil {
		return batch.failed(err)
	}
	return send(c, fiber.StatusOK, &batch.tally)
}

// articleShape is an article by itself.
type articleShape struct {
	ID         feed.ArticleID `json:"id"`
	Story      feed.StoryID   `json:"story"`
	URL        string         `json:"url"`
	Title      string         `json:"title"`
	Summary    string         `json:"summary,omitempty"`
	BodyHTML   string         `json:"body_html,omitempty"`
	Byline     string         `json:"byline,omitempty"`
	Language   string         `json:"language,omitempty"`
	Kind       feed.Kind      `json:"kind"`
	Source     feed.Source    `json:"source"`
	Image      *feed.Image    `json:"image,omitempty"`
	Published  time.Time      `json:"published_at"`
	Updated    time.Time      `json:"updated_at,omitzero"`
	ExternalID string         `json:"external_id,omitempty"`
	Topics     []feed.Tag     `json:"topics"`
}

// getArticle answers with an article and its body, the same to everybody.
func (s *Server) getArticle(c *fiber.Ctx, _ *caller) error {
	id, err := articleID(c, "id")
	if err != nil {
		return err
	}
	ctx, cancel := deadline()
	defer cancel()
	found, err := s.Articles.Current(ctx, []feed.ArticleID{id})
	if err != nil {
		return fmt.Errorf("read article %s: %w", id, err)
	}
	e, ok := found[id]
	switch {
	case !ok:
		return feed.ErrUnknownArticle
	case e.Withdrawn:
		return errWithdrawn
	}
	c.Response().Header.Set(fiber.HeaderCacheControl, pageKeeps)
	tag := uint64(e.Edition)
	one, err := s.merged(e.Story)
	if err != nil {
		return err
	}
	if story := one[0]; story != e.Story {
		e.Story = story
		tag ^= binary.BigEndian.Uint64(story[:8])
	}
	if fresh(c, weak(tag)) {
		return nil
	}
	if e.Article.BodyHTML, err = s.Articles.Body(ctx, e.Edition); err != nil {
		return fmt.Errorf("read the body of article %s: %w", id, err)
	}
	return send(c, fiber.StatusOK, shapeOf(&e))
}

func shapeOf(e *feed.Entry) *articleShape {
	a := &e.Article
	shape := &articleShape{
		ID: a.ID, Story: e.Story, URL: a.URL, Title: a.Title, Summary: a.Summary, BodyHTML: a.BodyHTML,
		Byline: a.Byline, Language: a.Language, Kind: a.Kind, Source: a.Source, Image: a.Image,
		Published: a.Published, Updated: a.Updated, ExternalID: a.ExternalID, Topics: []feed.Tag{},
	}
	own := topic.SourceTopicID(a.Source.ID)
	for _, t := range a.Tags {
		if t.Topic != own {
			shape.Topics = append(shape.Topics, t)
		}
	}
	return shape
}

// articleID reads an id in the path. What is no id names no article.
func articleID(c *fiber.Ctx, parameter string) (feed.ArticleID, error) {
	text, err := path(c, parameter)
	if err != nil {
		return feed.ArticleID{}, err
	}
	id, err := feed.ParseArticleID(text)
	if err != nil {
		return feed.ArticleID{}, feed.ErrUnknownArticle
	}
	return id, nil
}

// deleteArticle withdraws an article.
func (s *Server) deleteArticle(c *fiber.Ctx, who *caller) error {
	if s.Log.Full() {
		return feed.ErrQueueFull
	}
	id, err := articleID(c, "id")
	if err != nil {
		return err
	}
	results, _, err := s.Log.Put(context.Background(), []feed.Change{{Withdraw: id, Right: right(who)}})
	if err != nil {
		return fmt.Errorf("withdraw article %s: %w", id, err)
	}
	if results[0].Err != nil {
		return results[0].Err
	}
	c.Response().SetStatusCode(fiber.StatusNoContent)
	return nil
}

// right is what a key may touch.
func right(who *caller) feed.Right {
	return feed.Right{Sources: who.key.Sources, Hosts: who.key.Hosts}
}
