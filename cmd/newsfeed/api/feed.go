package api

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"

	"newsfeed/feed"
)

// getFeed answers with a page of the caller's feed.
func (s *Server) getFeed(c *fiber.Ctx, who *caller) error {
	if !s.Warm() {
		return errCold
	}
	q, err := s.question(c, true)
	if err != nil {
		return err
	}
	list, err := s.list(c, who)
	if err != nil {
		return err
	}
	q.Person = feed.NewPerson(&list)
	return s.page(c, who, &q)
}

// question reads what is asked of a feed; the filters only of GET /feed.
func (s *Server) question(c *fiber.Ctx, filters bool) (feed.Query, error) {
	q := feed.Query{Limit: feed.DefaultLimit, Now: s.Now()}
	var cursorErr error
	err := query(c, func(name, value []byte) string {
		switch string(name) {
		case "limit":
			return limit(&q.Limit, value)
		case "cursor":
			q.Cursor, cursorErr = s.cursor(value, q.Now)
			return ""
		}
		if filters {
			return s.filter(&q.Filter, name, value)
		}
		return ""
	})
	if err != nil {
		return q, err
	}
	return q, cursorErr
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

// page answers with a page for a person or nobody, or 304 without making it.
func (s *Server) page(c *fiber.Ctx, who *caller, q *feed.Query) error {
	if q.Cursor != nil && q.Cursor.Edition > s.Index.Edition() {
		if err := s.Log.Await(context.Background(), q.Cursor.Edition); err != nil {
			return fmt.Errorf("%w: %d", errBehind, q.Cursor.Edition)
		}
	}
	cache(c, who, pageKeeps)
	account := ""
	if who.kind == aPerson {
		account = who.session.Account.String()
	}
	if fresh(c, weak(s.Builder.Version(q, account))) {
		return nil
	}
	r := c.Response()
	b, page := s.Builder.Page(r.SwapBody(nil)[:0], *q) // into the buffer that the connection keeps
	r.SwapBody(b)
	r.SetStatusCode(fiber.StatusOK)
	r.Header.SetContentType(fiber.MIMEApplicationJSON)
	linkNext(c, page.Next)
	return nil
}
