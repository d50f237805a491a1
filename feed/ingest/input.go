package ingest

import (
	"slices"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/text/language"

	"newsfeed/feed"
	"newsfeed/interests/wire"
)

// input is an article in our own shape as it was sent. Other formats are
// brought into this shape first, so that all are checked and cleaned alike.
type input struct {
	URL        string       `json:"url"`
	Title      string       `json:"title"`
	Summary    string       `json:"summary"`
	BodyHTML   string       `json:"body_html"`
	Byline     string       `json:"byline"`
	Language   string       `json:"language"`
	Kind       string       `json:"kind"`
	Published  string       `json:"published_at"` // RFC 3339
	Updated    string       `json:"updated_at"`
	Source     sourceInput  `json:"source"`
	Image      *imageInput  `json:"image"`
	Topics     []labelInput `json:"topics"`
	ExternalID string       `json:"external_id"`
	Status     string       `json:"status"`
}

type sourceInput struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	URL  string `json:"url"`
}

type imageInput struct {
	URL    string `json:"url"`
	Alt    string `json:"alt"`
	Width  int    `json:"width"`
	Height int    `json:"height"`
}

// labelInput is a publisher's tag: a string, or an object with id or name. The
// id goes before the name, because it stands for one topic only.
type labelInput struct {
	ID       string   `json:"id"`
	Name     string   `json:"name"`
	Salience *float64 `json:"salience"`
}

// UnmarshalJSONFrom reads both forms.
func (l *labelInput) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	switch d.PeekKind() {
	case '"':
		return json.UnmarshalDecode(d, &l.Name)
	case '{':
		type fields labelInput // without this method
		return json.UnmarshalDecode(d, (*fields)(l))
	}
	if err := d.SkipValue(); err != nil {
		return err
	}
	return &wire.Malformed{Location: string(d.StackPointer()), Message: "must be a string or an object"}
}

// draft checks and cleans. The error is nil or [*Invalid] with every bad field.
func (in *input) draft(c *checker) (feed.Draft, error) {
	if c.page == "" {
		c.page = in.URL
	}
	d := feed.Draft{
		URL:        c.canonical(in.URL),
		Title:      c.title(in.Title),
		Summary:    c.text("/summary", in.Summary, maxSummary),
		BodyHTML:   c.body(in.BodyHTML),
		Byline:     c.text("/byline", in.Byline, maxByline),
		Language:   c.language(in.Language),
		Kind:       c.kind(in.Kind),
		Published:  c.date("/published_at", in.Published),
		Updated:    c.date("/updated_at", in.Updated),
		Image:      c.image(in.Image),
		Labels:     c.labels(in.Topics),
		ExternalID: c.externalID(in.ExternalID),
		Status:     c.status(in.Status),
	}
	d.Source = c.source(in.Source, d.URL)
	if len(c.fields) > 0 {
		return feed.Draft{}, &Invalid{c.fields}
	}
	return d, nil
}

func (c *checker) kind(s string) feed.Kind {
	if s == "" {
		return feed.News
	}
	if !slices.Contains(feed.Kinds, feed.Kind(s)) {
		c.bad("/kind", "must be one of %v", feed.Kinds)
	}
	return feed.Kind(s)
}

func (c *checker) status(s string) feed.Status {
	if s != "" && s != string(feed.Usable) && s != string(feed.Withdrawn) {
		c.bad("/status", "must be %q or %q", feed.Usable, feed.Withdrawn)
	}
	return feed.Status(s)
}

// date reads RFC 3339 of the years 1 to 9999, to the millisecond. A date that
// the clock of Go takes for none (the first instant of year 1) becomes the
// next millisecond, so that it is not taken for absent.
func (c *checker) date(location, s string) time.Time {
	if s == "" {
		return time.Time{}
	}
	var t time.Time
	if err := t.UnmarshalText([]byte(s)); err != nil || t.UTC().Year() < 1 || t.UTC().Year() > 9999 {
		c.bad(location, "must be a date and time as in 2026-05-17T21:31:04Z")
		return time.Time{}
	}
	if t = t.UTC().Truncate(time.Millisecond); t.IsZero() {
		t = t.Add(time.Millisecond)
	}
	return t
}

// language reads a BCP 47 tag; "und" says nothing.
func (c *checker) language(s string) string {
	if s == "" {
		return ""
	}
	tag, err := language.Parse(s)
	if err != nil || len(s) > maxLanguage {
		if !c.lenient {
			c.bad("/language", "must be a language tag as in en or pt-BR")
		}
		return ""
	}
	return lowerTag(tag)
}
