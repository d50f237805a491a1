package syndication

import (
	"encoding/xml"
	"html"
	"net/http"
	"time"
)

// RSS 2.0, https://www.rssboard.org/rss-specification, with elements of Dublin Core
// for the author (RSS's own is an e-mail address) and of Media RSS for the picture
// (RSS's own needs its length).

type rssDocument struct {
	XMLName xml.Name   `xml:"rss"`
	Version string     `xml:"version,attr"`
	Atom    string     `xml:"xmlns:atom,attr"`
	DC      string     `xml:"xmlns:dc,attr"`
	Media   string     `xml:"xmlns:media,attr"`
	Channel rssChannel `xml:"channel"`
}

type rssChannel struct {
	Title       string    `xml:"title"`
	Link        string    `xml:"link"`
	Description string    `xml:"description"`
	Self        *rssSelf  `xml:"atom:link,omitempty"`
	Updated     string    `xml:"lastBuildDate"`
	TTL         int       `xml:"ttl"` // minutes
	Items       []rssItem `xml:"item"`
}

type rssSelf struct {
	Rel  string `xml:"rel,attr"`
	Type string `xml:"type,attr"`
	Href string `xml:"href,attr"`
}

type rssItem struct {
	Title       string        `xml:"title"`
	Link        string        `xml:"link"`
	Description string        `xml:"description,omitempty"`
	GUID        rssGUID       `xml:"guid"`
	Published   string        `xml:"pubDate"`
	Author      string        `xml:"dc:creator"`
	Language    string        `xml:"dc:language,omitempty"`
	Topics      []rssCategory `xml:"category"`
	Image       *mediaContent `xml:"media:content,omitempty"`
}

type rssGUID struct {
	Permalink bool   `xml:"isPermaLink,attr"`
	ID        string `xml:",chardata"`
}

type rssCategory struct {
	Name string `xml:",chardata"`
}

// mediaContent is a picture, of Media RSS.
type mediaContent struct {
	URL    string `xml:"url,attr"`
	Medium string `xml:"medium,attr"`
}

const mediaRSS = "http://search.yahoo.com/mrss/"

// refreshMinutes is how long an app may wait before it asks again.
const refreshMinutes = 15

func (d *Document) rss() ([]byte, error) {
	out := rssDocument{
		Version: "2.0", Atom: "http://www.w3.org/2005/Atom",
		DC: "http://purl.org/dc/elements/1.1/", Media: mediaRSS,
		Channel: rssChannel{Title: d.Title, Link: d.Home, Description: d.Description,
			Updated: rssTime(d.updated()), TTL: refreshMinutes},
	}
	if d.Self != "" {
		out.Channel.Self = &rssSelf{"self", "application/rss+xml", d.Self}
	}
	for i := range d.Items {
		out.Channel.Items = append(out.Channel.Items, d.Items[i].rss())
	}
	return encodeXML(out)
}

// rss makes the item. A title is text for all apps that we know; a description is
// HTML to all of them.
func (i *Item) rss() rssItem {
	out := rssItem{
		Title: i.Title, Link: i.URL, Description: html.EscapeString(i.Summary),
		GUID: rssGUID{false, i.id()}, Published: rssTime(i.Published), Author: i.author(), Language: i.Language,
	}
	for _, t := range i.Topics {
		out.Topics = append(out.Topics, rssCategory{t.Name})
	}
	if i.Image != "" {
		out.Image = &mediaContent{i.Image, "image"}
	}
	return out
}

// rssTime is a date of RFC 822 with a year of four digits.
func rssTime(t time.Time) string { return t.UTC().Format(http.TimeFormat) }

// encodeXML writes a document. What XML cannot hold, as control characters, becomes
// U+FFFD.
func encodeXML(v any) ([]byte, error) {
	body, err := xml.MarshalIndent(v, "", " ")
	if err != nil {
		return nil, err
	}
	return append([]byte(xml.Header), body...), nil
}
