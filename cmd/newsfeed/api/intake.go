package api

import (
	"context"
	"errors"
	"io"

	"github.com/gofiber/fiber/v2"

	"newsfeed/feed"
	"newsfeed/feed/ingest"
)

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
	s       *Server
	right   feed.Right
	repeats bool   // who calls may repeat what was sent before
	by      string // the key, to count new topics for
	tally   tally

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
	in.changes = append(in.changes, feed.Change{Draft: &item.Draft, Right: in.right, Repeats: in.repeats})
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
