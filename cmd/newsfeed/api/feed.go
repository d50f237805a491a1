package api

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"

	"newsfeed/feed"
	"newsfeed/interests"
	"newsfeed/interests/topic"
)

// getFeed answers with a page of the caller's feed.
func (s *Server) getFeed(c *fiber.Ctx, who *caller) error {
	q, err := s.question(c, paged|filtered)
	if err != nil {
		return err
	}
	if err := s.see(c, who, &q); err != nil {
		return err
	}
	return s.page(c, who, &q, "")
}

// getNewer answers how many stories entered since a walk began and stand before
// its first page's last card.
func (s *Server) getNewer(c *fiber.Ctx, who *caller) error {
	q, err := s.question(c, atCursor|filtered)
	if err != nil {
		return err
	}
	if q.Cursor == nil {
		return &refusal{err: errBadQuery, fields: []field{{"cursor", "is needed: the next of a page"}}}
	}
	if err := s.see(c, who, &q); err != nil {
		return err
	}
	if err := s.reach(q.Cursor.Edition); err != nil {
		return err
	}
	cache(c, who, "")
	return sendTagged(c, struct {
		Count int `json:"count"`
	}{s.Builder.Newer(q)})
}

// parameters are those that a call about feeds knows.
type parameters uint8

const (
	limited  parameters = 1 << iota // limit
	atCursor                        // cursor
	marked                          // unread, why
	filtered                        // kind, topic, language, must_know, and those of marked
	paged    = limited | atCursor | marked
)

// question reads what is asked of a feed.
func (s *Server) question(c *fiber.Ctx, known parameters) (feed.Query, error) {
	if !s.Warm() {
		return feed.Query{}, errCold
	}
	q := feed.Query{Limit: feed.DefaultLimit, Now: s.Now()}
	if known&filtered != 0 {
		known |= marked
		q.MustKnow = feed.DefaultMustKnow
	}
	var cursorErr error
	err := query(c, func(name, value []byte) string {
		if string(name) == "cursor" && known&atCursor != 0 {
			q.Cursor, cursorErr = s.cursor(value, q.Now)
			return ""
		}
		return s.ask(&q, known, name, value)
	})
	if err != nil {
		return q, err
	}
	return q, cursorErr
}

// ask reads one parameter.
func (s *Server) ask(q *feed.Query, known parameters, name, value []byte) string {
	switch {
	case known&limited != 0 && string(name) == "limit":
		return limit(&q.Limit, value)
	case known&marked != 0 && string(name) == "unread":
		return boolean(&q.Unread, value)
	case known&marked != 0 && string(name) == "why":
		return boolean(&q.Why, value)
	case known&filtered != 0 && string(name) == "must_know":
		return between(&q.MustKnow, 0, feed.MaxMustKnow, value)
	case known&filtered != 0:
		return s.filter(&q.Filter, name, value)
	}
	return ""
}

// see says in a query who looks. The order is that of the caller's list as the
// walk's first page had it; mutes and marks are those of the present. Nobody's
// list has revision 0, and so had everybody's once: it is the empty one.
func (s *Server) see(c *fiber.Ctx, who *caller, q *feed.Query) error {
	if who.kind != aPerson {
		q.Person = feed.Nobody
		if q.Cursor != nil && q.Cursor.Revision != 0 {
			return fmt.Errorf("nobody walks on from list %d: %w", q.Cursor.Revision, interests.ErrForgotten)
		}
		return nil
	}
	b, err := s.belonging(c, who)
	if err != nil {
		return err
	}
	q.Person = b.Person
	if len(b.Marks.Stories) > 0 {
		q.Marks = b.Marks
	}
	if q.Cursor == nil || q.Cursor.Revision == b.Copy.Revision {
		return nil
	}
	then, err := s.listAt(who, q.Cursor.Revision)
	if err != nil {
		return err
	}
	q.Person, q.Present = feed.NewPerson(&then), b.Person
	return nil
}

// listAt reads the caller's list as it was at a revision.
func (s *Server) listAt(who *caller, r interests.Revision) (interests.List, error) {
	if r == 0 {
		return interests.List{}, nil
	}
	ctx, cancel := deadline()
	defer cancel()
	list, err := s.Lists.At(ctx, who.session.Account, r)
	if err != nil {
		return list, fmt.Errorf("load the list of %s at %d: %w", who.session.Account, r, err)
	}
	return list, nil
}

// reach waits until this node has an edition, as long as it is worth while.
func (s *Server) reach(e feed.Edition) error {
	if e <= s.Index.Edition() {
		return nil
	}
	if err := s.Log.Await(context.Background(), e); err != nil {
		return fmt.Errorf("%w: %d", errBehind, e)
	}
	return nil
}

// maxFilters is how many values one filter may have.
const maxFilters = 100

// filter adds one parameter to a filter.
func (s *Server) filter(f *feed.Filter, name, value []byte) string {
	if len(f.Kinds)+len(f.Topics)+len(f.Languages) >= maxFilters {
		return fmt.Sprintf("are more than %d filters", maxFilters)
	}
	switch string(name) {
	case "kind":
		k := feed.Kind(value)
		if !slices.Contains(feed.Kinds, k) {
			return fmt.Sprintf("must be one of %v", feed.Kinds)
		}
		f.Kinds = append(f.Kinds, k)
	case "topic":
		t, ok := s.Catalogue.Resolve(string(value))
		if !ok {
			return s.unknown(string(value))
		}
		f.Topics = append(f.Topics, t.ID)
	case "language":
		if len(value) == 0 || len(value) > 35 {
			return "must be a language tag as in en or pt-BR"
		}
		f.Languages = append(f.Languages, strings.ToLower(string(value)))
	}
	return ""
}

// pageKeeps is how long anyone may keep a topic's page that was made for nobody,
// and an article: what is withdrawn is to be gone soon everywhere.
const pageKeeps = "public, max-age=10"

// page answers with a page for a person or nobody, or 304 without making it. of
// is the topic whose page it is; empty for a feed.
func (s *Server) page(c *fiber.Ctx, who *caller, q *feed.Query, of topic.ID) error {
	if q.Cursor != nil {
		if err := s.reach(q.Cursor.Edition); err != nil {
			return err
		}
	}
	cache(c, who, pageKeeps)
	q.Version = s.Builder.Version(q, who.session.Account, of) // who is nobody has the zero account
	if fresh(c, weak(q.Version.Sum)) {
		return nil
	}
	r := c.Response()
	b, page := s.Builder.Page(r.SwapBody(nil)[:0], *q) // into the buffer that the connection keeps
	r.SwapBody(b)
	r.SetStatusCode(fiber.StatusOK)
	r.Header.SetContentType(fiber.MIMEApplicationJSON)
	linkNext(c, page.Next(b))
	return nil
}
