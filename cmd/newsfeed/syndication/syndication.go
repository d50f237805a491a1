// Package syndication writes cards as RSS 2.0, Atom or JSON Feed, for the apps
// that people read in already. It knows nothing of people or of order: it is given
// a document and writes it.
//
// All that it is given is text, and stands in the document as text: what looks
// like markup is shown and never is any.
package syndication

import (
	"cmp"
	"slices"
	"time"
)

// Format is one of the three.
type Format string

// Formats, by the ending of an address.
const (
	RSS      Format = "rss"
	Atom     Format = "atom"
	JSONFeed Format = "json"
)

// Formats are all there are.
var Formats = []Format{RSS, Atom, JSONFeed}

// MediaType returns what a document of the format is served as.
func (f Format) MediaType() string {
	switch f {
	case RSS:
		return "application/rss+xml; charset=utf-8"
	case Atom:
		return "application/atom+xml; charset=utf-8"
	}
	return "application/feed+json; charset=utf-8"
}

// Document is a page of cards for other apps.
type Document struct {
	ID          string    // an IRI, the same for ever
	Title       string    //
	Description string    //
	Home        string    // the page that shows the same
	Self        string    // where the document is; "" where that is a secret
	Updated     time.Time // of a document without items
	Items       []Item
}

// Item is one card.
type Item struct {
	Story     string // its id, a UUID
	URL       string // the publisher's
	Title     string
	Summary   string
	Byline    string
	Source    string // its name
	Language  string
	Image     string // address; "" for none
	Published time.Time
	Topics    []Topic
}

// Topic is one topic of a card.
type Topic struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// id is what apps know an item by: the story's, which stays while its best article
// changes, and leads nowhere.
func (i *Item) id() string { return "urn:uuid:" + i.Story }

// author is who is named: the byline, else the source.
func (i *Item) author() string { return cmp.Or(i.Byline, i.Source, "unknown") }

// SortByDate puts the newest item first, those of one moment by their story.
func (d *Document) SortByDate() {
	slices.SortFunc(d.Items, func(a, b Item) int {
		return cmp.Or(b.Published.Compare(a.Published), cmp.Compare(a.Story, b.Story))
	})
}

// updated is when the newest item was published.
func (d *Document) updated() time.Time {
	if len(d.Items) == 0 {
		return d.Updated
	}
	return slices.MaxFunc(d.Items, func(a, b Item) int { return a.Published.Compare(b.Published) }).Published
}

// Write returns the document in a format.
func (d *Document) Write(f Format) ([]byte, error) {
	switch f {
	case RSS:
		return d.rss()
	case Atom:
		return d.atom()
	}
	return d.jsonFeed()
}
