package reader

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/gofiber/fiber/v2"

	"newsfeed/feed"
	"newsfeed/interests"
	"newsfeed/interests/topic"
)

// stream is a page of cards.
type stream struct {
	Cards  []cardView
	Next   string // path of the next page; empty at the end
	First  bool   // this is the first page
	Cold   bool   // the visitor follows nothing
	Unread bool   // only what is unread was asked for
	Since  string // cursor by which the new ones are counted, of one's own feed
	asOf   time.Time

	edition feed.Edition
}

// stream makes a page of a person's feed: the visitor's own, or with a topic that
// topic's page. The cursor is in the address; one that is of no use, for whatever
// reason, is feed.ErrCursorExpired.
func (r *Reader) stream(ctx context.Context, c *fiber.Ctx, v *visitor, of topic.ID, q feed.Query) (*stream, error) {
	if err := r.ready(); err != nil {
		return nil, err
	}
	q.Limit, q.Now, q.Person, q.Marks = feed.DefaultLimit, r.deps.Now(), v.person(), v.marks
	if err := r.walkOn(ctx, c, v, &q); err != nil {
		return nil, err
	}
	if of != "" {
		q.Person = q.Person.Following(of)
	}
	body, _ := r.deps.Builder.Page(nil, q)
	s, err := r.cards(c, v, body, q.Now)
	if err != nil {
		return nil, err
	}
	s.First, s.Cold, s.Unread = q.Cursor == nil, q.Person.Cold(), q.Unread
	if s.Since == "" && v.known && of == "" { // a page that is not full has no next
		s.Since = r.deps.Builder.Since(q, s.edition).String()
	}
	return s, nil
}

// walkOn reads the cursor of the address into a query. The order is that of the
// list as the walk's first page had it, the mutes are those of now.
func (r *Reader) walkOn(ctx context.Context, c *fiber.Ctx, v *visitor, q *feed.Query) error {
	text := c.Query("cursor")
	if text == "" {
		return nil
	}
	cursor, err := feed.ParseCursor(text, q.Now)
	if err != nil {
		return feed.ErrCursorExpired
	}
	if cursor.Edition > r.deps.Index.Edition() {
		return errAhead
	}
	q.Cursor, q.MustKnow = &cursor, 0
	if cursor.Revision == v.list.Revision {
		return nil
	}
	if !v.known {
		return feed.ErrCursorExpired // it is a walk of somebody's
	}
	then, err := r.deps.Lists.At(ctx, v.session.Account, cursor.Revision)
	if errors.Is(err, interests.ErrForgotten) {
		return feed.ErrCursorExpired
	}
	if err != nil {
		return fmt.Errorf("load the list of %s at %d: %w", v.session.Account, cursor.Revision, err)
	}
	q.Present = v.person()
	q.Person = feed.NewPerson(&then)
	return nil
}

// cards reads what the builder made.
func (r *Reader) cards(c *fiber.Ctx, v *visitor, body []byte, now time.Time) (*stream, error) {
	var p pageOf
	if err := json.Unmarshal(body, &p); err != nil {
		return nil, fmt.Errorf("read the builder's page: %w", err)
	}
	s := &stream{asOf: p.AsOf.Time.UTC(), edition: p.AsOf.Edition, Since: p.Next}
	if p.Next != "" {
		q := url.Values{"cursor": {p.Next}}
		if c.Query("unread") != "" {
			q.Set("unread", "true")
		}
		s.Next = c.Path() + "?" + q.Encode()
	}
	back := backOf(c)
	for i := range p.MustKnow {
		card := r.cardView(v, &p.MustKnow[i], now, back)
		card.MustKnow = true
		s.Cards = append(s.Cards, card)
	}
	for i := range p.Items {
		s.Cards = append(s.Cards, r.cardView(v, &p.Items[i], now, back))
	}
	if n := len(p.MustKnow); n > 0 && len(p.Items) > 0 { // the best of one's own leads the page
		first := s.Cards[n]
		copy(s.Cards[1:n+1], s.Cards[:n])
		s.Cards[0] = first
	}
	return s, nil
}

// Unmarked are the stories on the page that are not read, for the button that
// says so of all.
func (s *stream) Unmarked() []string {
	var stories []string
	for i := range s.Cards {
		if !s.Cards[i].Read {
			stories = append(stories, s.Cards[i].Story)
		}
	}
	return stories
}
