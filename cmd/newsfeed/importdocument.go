package main

import (
	"encoding/json"
	"fmt"
	"html"
	"io"
	"iter"
	"time"

	"newsfeed/feed"
	"newsfeed/feed/ingest"
)

// documentEntries reads an RSS, Atom or JSON Feed document, and brings its entries
// into the shape that the server takes.
func documentEntries(in io.Reader, file string) iter.Seq2[raw, error] {
	return func(yield func(raw, error) bool) {
		text, err := io.ReadAll(io.LimitReader(in, ingest.MaxDocument+1))
		if err != nil {
			yield(raw{file: file}, err)
			return
		}
		items, err := ingest.ParseDocument(text)
		if err != nil {
			yield(raw{file: file, end: int64(len(text))}, fmt.Errorf("%w: %w", errBroken, err))
			return
		}
		for i, item := range items {
			entry := raw{file: file, item: i + 1, end: int64(len(text)) * int64(i+1) / int64(len(items))}
			err := item.Err
			if err == nil {
				entry.text, err = json.Marshal(sent(item.Draft))
			}
			if err != nil {
				err = fmt.Errorf("%w: %w", errBroken, err)
			}
			if !yield(entry, err) {
				return
			}
		}
	}
}

// sentArticle is an article as POST /articles takes it.
type sentArticle struct {
	URL        string      `json:"url"`
	Title      string      `json:"title"`
	Summary    string      `json:"summary,omitempty"`
	BodyHTML   string      `json:"body_html,omitempty"`
	Byline     string      `json:"byline,omitempty"`
	Language   string      `json:"language,omitempty"`
	Kind       feed.Kind   `json:"kind,omitempty"`
	Published  time.Time   `json:"published_at,omitzero"`
	Updated    time.Time   `json:"updated_at,omitzero"`
	Source     feed.Source `json:"source"`
	Image      *feed.Image `json:"image,omitempty"`
	Topics     []sentTopic `json:"topics,omitempty"`
	ExternalID string      `json:"external_id,omitempty"`
}

type sentTopic struct {
	Name     string  `json:"name"`
	Salience float64 `json:"salience,omitempty"`
}

// sent writes no status: an import never says "usable" by itself. The texts of a
// draft are plain, and the server takes markup out of what it is sent: letters
// that look like it are escaped.
func sent(d feed.Draft) sentArticle {
	a := sentArticle{
		URL: d.URL, Title: html.EscapeString(d.Title), Summary: html.EscapeString(d.Summary), BodyHTML: d.BodyHTML,
		Byline: html.EscapeString(d.Byline), Language: d.Language, Kind: d.Kind, Published: d.Published, Updated: d.Updated,
		Source: d.Source, Image: d.Image, ExternalID: d.ExternalID,
	}
	a.Source.Name = html.EscapeString(a.Source.Name)
	if d.Image != nil {
		image := *d.Image
		image.Alt = html.EscapeString(image.Alt)
		a.Image = &image
	}
	for _, label := range d.Labels {
		a.Topics = append(a.Topics, sentTopic{html.EscapeString(label.Name), label.Salience})
	}
	return a
}
