package syndication

import (
	"encoding/xml"
	"time"
)

// Atom, RFC 4287.

type atomDocument struct {
	XMLName xml.Name    `xml:"http://www.w3.org/2005/Atom feed"`
	Media   string      `xml:"xmlns:media,attr"`
	ID      string      `xml:"id"`
	Title   string      `xml:"title"`
	About   string      `xml:"subtitle,omitempty"`
	Updated string      `xml:"updated"`
	Links   []atomLink  `xml:"link"`
	Items   []atomEntry `xml:"entry"`
}

type atomLink struct {
	Rel  string `xml:"rel,attr"`
	Type string `xml:"type,attr,omitempty"`
	Href string `xml:"href,attr"`
}

type atomEntry struct {
	Language  string         `xml:"xml:lang,attr,omitempty"`
	ID        string         `xml:"id"`
	Title     string         `xml:"title"` // text, as all without a type
	Updated   string         `xml:"updated"`
	Published string         `xml:"published"`
	Author    string         `xml:"author>name"`
	Links     []atomLink     `xml:"link"`
	Summary   string         `xml:"summary,omitempty"`
	Topics    []atomCategory `xml:"category"`
	Image     *mediaContent  `xml:"media:content,omitempty"`
}

type atomCategory struct {
	Term  string `xml:"term,attr"`
	Label string `xml:"label,attr"`
}

func (d *Document) atom() ([]byte, error) {
	out := atomDocument{Media: mediaRSS, ID: d.ID, Title: d.Title, About: d.Description, Updated: atomTime(d.updated()),
		Links: []atomLink{{"alternate", "text/html", d.Home}}}
	if d.Self != "" {
		out.Links = append(out.Links, atomLink{"self", "application/atom+xml", d.Self})
	}
	for i := range d.Items {
		out.Items = append(out.Items, d.Items[i].atom())
	}
	return encodeXML(out)
}

// atom makes the entry. An entry is as new as its publication: corrections do not
// make it unread again.
func (i *Item) atom() atomEntry {
	out := atomEntry{
		Language: i.Language, ID: i.id(), Title: i.Title, Summary: i.Summary, Author: i.author(),
		Updated: atomTime(i.Published), Published: atomTime(i.Published),
		Links: []atomLink{{"alternate", "", i.URL}},
	}
	if i.Image != "" {
		out.Image = &mediaContent{i.Image, "image"}
	}
	for _, t := range i.Topics {
		out.Topics = append(out.Topics, atomCategory{t.ID, t.Name})
	}
	return out
}

func atomTime(t time.Time) string { return t.UTC().Truncate(time.Second).Format(time.RFC3339) }
