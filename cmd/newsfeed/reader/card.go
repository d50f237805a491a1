package reader

import (
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

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
	Story     string
	Path      string // the article's own page
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
	Also      int         // other articles of its story that may be seen
	AlsoFrom  string      // who published them, in words
	MustKnow  bool        // it is on that shelf
	Read      bool
	Saved     bool
}

// imageView is a picture that may be shown, always with a size.
type imageView struct {
	URL, Alt      string
	Width, Height int
}

// pageOf is the answer of the builder, as far as a page shows it.
type pageOf struct {
	AsOf struct {
		Edition feed.Edition `json:"edition"`
		Time    time.Time    `json:"time"`
	} `json:"as_of"`
	Cold     bool   `json:"cold"`
	Next     string `json:"next"`
	MustKnow []item `json:"must_know"`
	Items    []item `json:"items"`
}

type topicOfCard struct {
	ID   topic.ID `json:"id"`
	Name string   `json:"name"`
}

type item struct {
	Story   string `json:"story"`
	Article struct {
		ID        string        `json:"id"`
		URL       string        `json:"url"`
		Title     string        `json:"title"`
		Summary   string        `json:"summary"`
		Kind      string        `json:"kind"`
		Language  string        `json:"language"`
		Byline    string        `json:"byline"`
		Source    feed.Source   `json:"source"`
		Image     *feed.Image   `json:"image"`
		Published time.Time     `json:"published_at"`
		Topics    []topicOfCard `json:"topics"`
	} `json:"article"`
	Also struct {
		Articles int      `json:"articles"`
		Sources  []string `json:"sources"`
	} `json:"also"`
	Matched []topic.ID `json:"matched"`
	Mark    struct {
		Read  bool `json:"read"`
		Saved bool `json:"saved"`
	} `json:"mark"`
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
		ID: a.ID, Story: i.Story, Path: articlePath(a.ID), Href: webAddress(a.URL, "http", "https"), Title: a.Title, Summary: a.Summary,
		Kind: a.Kind, Language: a.Language, Byline: a.Byline,
		Source:    r.sourceView(v, a.Source),
		Image:     r.imageView(a.Image),
		Published: a.Published.UTC(), Ago: ago(a.Published, now),
		Back: back + "#" + a.ID,
		Also: i.Also.Articles, AlsoFrom: fromSources(i.Also.Sources, a.Source.Name),
		Read: i.Mark.Read, Saved: i.Mark.Saved,
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

func articlePath(id string) string { return "/a/" + id }

// imageView returns what may be shown of a publisher's picture: nothing where the
// operator shows none, and no SVG, which is a document of its own.
func (r *Reader) imageView(m *feed.Image) *imageView {
	if r.deps.NoImages || m == nil || webAddress(m.URL, "https") == "" || isSVG(m.URL) {
		return nil
	}
	view := &imageView{m.URL, m.Alt, m.Width, m.Height}
	if m.Width <= 0 || m.Height <= 0 {
		view.Width, view.Height = 900, 600
	}
	return view
}

// isSVG reports whether an address says that a picture is an SVG. One that does
// not say so is kept from being a document by <img> itself.
func isSVG(address string) bool {
	u, err := url.Parse(address)
	return err != nil || strings.EqualFold(path.Ext(u.Path), ".svg") || strings.EqualFold(path.Ext(u.Path), ".svgz")
}

// fromSources names those of some sources that are not the card's own.
func fromSources(sources []string, own string) string {
	others := slices.DeleteFunc(slices.Clone(sources), func(s string) bool { return s == own })
	switch n := len(others); {
	case n == 0:
		return ""
	case n <= 2:
		return list(others)
	default:
		return text("sources-count", "n", n)
	}
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
		return text("ago-now")
	case d < time.Hour:
		return text("ago-minutes", "n", int(d/time.Minute))
	case d < 24*time.Hour:
		return text("ago-hours", "n", int(d/time.Hour))
	case d < 7*24*time.Hour:
		return text("ago-days", "n", int(d/(24*time.Hour)))
	case t.Year() == now.Year():
		return text("date-this-year", "day", t.Day(), "month", month(t))
	}
	return date(t)
}
