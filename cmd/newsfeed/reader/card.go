package reader

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/gofiber/fiber/v2"

	"newsfeed/feed"
	"newsfeed/interests/topic"
)

// What a card has room for.
const (
	maxTopics  = 4
	maxBecause = 2
)

// cardView is one card as a page shows it.
type cardView struct {
	ID        string
	Href      string // the publisher's address; empty unless it is http or https
	Title     string
	Summary   string
	Kind      string
	Language  string
	Byline    string
	Source    topicView
	Image     *imageView
	Published time.Time
	Ago       string
	Topics    []topicView
	Because   []topicView // the followed topics it has
	Others    int         // and how many more
	Back      string      // leads back to this card
}

// imageView is a picture that may be shown. Without its size it gets the shape
// that the style gives it.
type imageView struct {
	URL, Alt      string
	Width, Height int
}

// pageOf is the answer of the builder, as far as a page shows it.
type pageOf struct {
	AsOf struct {
		Time time.Time `json:"time"`
	} `json:"as_of"`
	Cold  bool   `json:"cold"`
	Next  string `json:"next"`
	Items []item `json:"items"`
}

type item struct {
	Article struct {
		ID        string      `json:"id"`
		URL       string      `json:"url"`
		Title     string      `json:"title"`
		Summary   string      `json:"summary"`
		Kind      string      `json:"kind"`
		Language  string      `json:"language"`
		Byline    string      `json:"byline"`
		Source    feed.Source `json:"source"`
		Image     *feed.Image `json:"image"`
		Published time.Time   `json:"published_at"`
		Topics    []struct {
			ID   topic.ID `json:"id"`
			Name string   `json:"name"`
		} `json:"topics"`
	} `json:"article"`
	Matched []topic.ID `json:"matched"`
}

// stream is a page of cards.
type stream struct {
	Cards []cardView
	Next  string // path of the next page; empty at the end
	First bool   // this is the first page
	Cold  bool   // the visitor follows nothing
	asOf  time.Time
}

// stream makes a page of a person's feed. The cursor is in the address; one that
// is of no use, for whatever reason, is feed.ErrCursorExpired.
func (r *Reader) stream(c *fiber.Ctx, v *visitor, person *feed.Person) (*stream, error) {
	if err := r.ready(); err != nil {
		return nil, err
	}
	now := r.deps.Now()
	q := feed.Query{Person: person, Limit: feed.DefaultLimit, Now: now}
	if text := c.Query("cursor"); text != "" {
		cursor, err := feed.ParseCursor(text, now)
		if err != nil {
			return nil, feed.ErrCursorExpired
		}
		if cursor.Edition > r.deps.Index.Edition() {
			return nil, errAhead
		}
		q.Cursor = &cursor
	}
	body, _ := r.deps.Builder.Page(nil, q)
	var p pageOf
	if err := json.Unmarshal(body, &p); err != nil {
		return nil, fmt.Errorf("read the builder's page: %w", err)
	}
	s := &stream{First: q.Cursor == nil, Cold: person.Cold(), asOf: p.AsOf.Time.UTC()}
	if p.Next != "" {
		s.Next = c.Path() + "?cursor=" + url.QueryEscape(p.Next)
	}
	for i := range p.Items {
		s.Cards = append(s.Cards, r.cardView(v, &p.Items[i], now, backOf(c)))
	}
	return s, nil
}

// ready reports whether there is an index to make pages from.
func (r *Reader) ready() error {
	if !r.deps.Warm() {
		return errWarming
	}
	return nil
}

func (r *Reader) cardView(v *visitor, i *item, now time.Time, back string) cardView {
	a := &i.Article
	view := cardView{
		ID: a.ID, Href: webAddress(a.URL, "http", "https"), Title: a.Title, Summary: a.Summary,
		Kind: a.Kind, Language: a.Language, Byline: a.Byline,
		Source:    r.sourceView(v, a.Source),
		Published: a.Published.UTC(), Ago: ago(a.Published, now),
		Back: back + "#" + a.ID,
	}
	if m := a.Image; m != nil && webAddress(m.URL, "https") != "" {
		view.Image = &imageView{m.URL, m.Alt, m.Width, m.Height}
		if m.Width <= 0 || m.Height <= 0 {
			view.Image.Width, view.Image.Height = 0, 0
		}
	}
	for _, t := range a.Topics {
		if len(view.Topics) == maxTopics {
			break
		}
		view.Topics = append(view.Topics, topicView{ID: t.ID, Name: t.Name, Level: levelName(v.list.Level(t.ID))})
	}
	for _, id := range i.Matched {
		if len(view.Because) == maxBecause {
			view.Others++
			continue
		}
		t := r.named(id)
		view.Because = append(view.Because, topicView{ID: id, Name: t.Name})
	}
	return view
}

func (r *Reader) sourceView(v *visitor, s feed.Source) topicView {
	id := topic.SourceTopicID(s.ID)
	return topicView{ID: id, Name: s.Name, Kind: string(topic.KindSource), Level: levelName(v.list.Level(id))}
}

// webAddress returns an absolute address of one of the schemes, or "".
func webAddress(address string, schemes ...string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || !slices.Contains(schemes, u.Scheme) {
		return ""
	}
	return address
}

// ago says how long ago something was, as one would say it.
func ago(t, now time.Time) string {
	t, now = t.UTC(), now.UTC()
	switch d := now.Sub(t); {
	case d < time.Minute:
		return "just now"
	case d < time.Hour:
		return count(int(d/time.Minute), "minute") + " ago"
	case d < 24*time.Hour:
		return count(int(d/time.Hour), "hour") + " ago"
	case d < 7*24*time.Hour:
		return count(int(d/(24*time.Hour)), "day") + " ago"
	case t.Year() == now.Year():
		return t.Format("2 January")
	}
	return t.Format("2 January 2006")
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
