package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/gofiber/fiber/v2"

	"newsfeed/feed"
	"newsfeed/feed/ingest"
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
	in, err := body(c, maxBody)
	if err != nil {
		return err
	}
	batch := s.newIntake(who)
	if kind == "application/x-ndjson" {
		err = batch.readLines(in)
	} else {
		err = batch.readJSON(in)
	}
	if err != nil {
		return batch.failed(err)
	}
	return send(c, fiber.StatusOK, batch.answer())
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
	id, err := articleID(c)
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
	if fresh(c, weak(uint64(e.Edition))) {
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

// articleID reads the id in the path. What is no id names no article.
func articleID(c *fiber.Ctx) (feed.ArticleID, error) {
	text, err := path(c, "id")
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
	id, err := articleID(c)
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

// Sizes of what is stored at once.
const (
	chunkArticles = 500     // as many as the log appends in one go
	chunkBytes    = 1 << 20 // of their texts
)

// tally counts what became of a call's articles.
type tally struct {
	Accepted  int          `json:"accepted"`
	Updated   int          `json:"updated"`
	Unchanged int          `json:"unchanged"`
	Rejected  int          `json:"rejected"`
	Edition   feed.Edition `json:"edition"`
	Results   []result     `json:"results"`
}

// result is what became of one article.
type result struct {
	Index   int          `json:"index"`
	ID      string       `json:"id,omitempty"`
	Outcome feed.Outcome `json:"outcome"`
	InIndex *bool        `json:"in_index,omitempty"` // false for one older than the horizon, else absent
	Problem *problem     `json:"problem,omitempty"`
}

// intake is one call that brings articles.
type intake struct {
	s     *Server
	right feed.Right
	by    string // the key, to count new topics for
	tally tally

	changes []feed.Change // tagged, not stored yet
	at      []int         // their places in the results
	size    int           // of their texts

	rejection error // why the latest rejected one was
}

func (s *Server) newIntake(who *caller) *intake {
	return &intake{s: s, right: right(who), by: who.key.Hash.String(), tally: tally{Results: []result{}}}
}

// readJSON stores a single article, which is answered by its own error, or an array.
func (in *intake) readJSON(r io.Reader) error {
	b, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	items, batch, err := ingest.ParseJSON(b)
	if err != nil {
		return err
	}
	for i := range items {
		if !batch && items[i].Err != nil {
			return items[i].Err
		}
		if err := in.add(&items[i]); err != nil {
			return err
		}
	}
	if err := in.store(); err != nil || batch {
		return err
	}
	return in.rejection
}

// readLines stores lines as they come.
func (in *intake) readLines(r io.Reader) error {
	lines := ingest.NewLines(r)
	for {
		item, err := lines.Next()
		switch {
		case errors.Is(err, io.EOF):
			return in.store()
		case err != nil:
			return errors.Join(err, in.store())
		case len(in.tally.Results) == ingest.MaxArticles:
			return errors.Join(ingest.ErrTooMany, in.store())
		}
		if err := in.add(&item); err != nil {
			return err
		}
	}
}

// add takes one article in, and stores what has gathered when that is a chunk.
func (in *intake) add(item *ingest.Item) error {
	place := len(in.tally.Results)
	in.tally.Results = append(in.tally.Results, result{Index: item.Index})
	err := item.Err
	if err == nil {
		in.tally.Results[place].ID = feed.NewArticleID(item.Draft.URL).String()
		err = in.tag(&item.Draft)
	}
	switch {
	case isItems(err):
		in.reject(place, err)
		return nil
	case err != nil:
		return err
	}
	in.changes = append(in.changes, feed.Change{Draft: &item.Draft, Right: in.right})
	in.at = append(in.at, place)
	in.size += len(item.Draft.BodyHTML) + len(item.Draft.Summary) + len(item.Draft.Title)
	if len(in.changes) == chunkArticles || in.size >= chunkBytes {
		return in.store()
	}
	return nil
}

func (in *intake) tag(d *feed.Draft) error {
	ctx, cancel := deadline()
	defer cancel()
	return in.s.Tagger.Tag(ctx, d, in.by)
}

// isItems reports whether an error concerns one article, not the call.
func isItems(err error) bool {
	k, _ := inTable(err)
	return err != nil && k.status < fiber.StatusInternalServerError
}

func (in *intake) reject(place int, err error) {
	r := &in.tally.Results[place]
	r.Outcome, r.Problem = feed.Refused, problemOf(err)
	in.rejection = err
	in.tally.Rejected++
}

// store puts what has gathered into the log.
func (in *intake) store() error {
	changes, at := in.changes, in.at
	in.changes, in.at, in.size = nil, nil, 0
	results, edition, err := in.s.Log.Put(context.Background(), changes)
	for i, r := range results {
		in.note(at[i], &r, changes[i].Draft.Status == feed.Withdrawn)
	}
	in.tally.Edition = max(in.tally.Edition, edition)
	return err
}

// note enters what the log answered about one article.
func (in *intake) note(place int, r *feed.Result, withdrawn bool) {
	switch r.Outcome {
	case feed.Accepted:
		in.tally.Accepted++
	case feed.Updated:
		in.tally.Updated++
	case feed.Unchanged:
		in.tally.Unchanged++
	case feed.Refused:
		in.reject(place, r.Err)
		return
	default: // the log did not get so far
		return
	}
	in.tally.Results[place].Outcome = r.Outcome
	if r.Outcome != feed.Unchanged && !r.InIndex && !withdrawn {
		in.tally.Results[place].InIndex = new(bool)
	}
}

// answer is what the call is told when all went well.
func (in *intake) answer() *tally { return &in.tally }

// failed is an error with what became of the articles before it, if any were.
func (in *intake) failed(err error) error {
	decided := in.tally.Results[:0]
	for _, r := range in.tally.Results {
		if r.Outcome != "" {
			decided = append(decided, r)
		}
	}
	in.tally.Results = decided
	k, _ := inTable(err)
	if len(decided) == 0 && k.status < fiber.StatusInternalServerError {
		return err
	}
	return &refusal{err: err, tally: &in.tally}
}
