package ingest

import (
	"bytes"
	"cmp"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/net/html/charset"

	"newsfeed/interests"
)

const maxOPML = 100_000 // outlines of one file

// Outline is an address in an OPML file, and its line.
type Outline struct {
	Listed
	Line int
}

// IsOPML reports whether a file begins like an OPML document.
func IsOPML(start []byte) bool {
	head := bytes.ToLower(start[:min(len(start), 4<<10)])
	return bytes.Contains(head, []byte("<opml"))
}

// ParseOPML reads the addresses of an OPML file (http://opml.org/spec2.opml):
// every outline, however deep, that has an xmlUrl. What was read before the file
// breaks off comes with the error.
func ParseOPML(r io.Reader) (list []Outline, err error) {
	err = eachOutline(r, func(line int, attrs map[string]string) error {
		if attrs["xmlurl"] == "" {
			return nil
		}
		if len(list) == maxOPML {
			return fmt.Errorf("read OPML: more than %d addresses", maxOPML)
		}
		list = append(list, Outline{Listed{attrs["xmlurl"], nameOf(attrs)}, line})
		return nil
	})
	return list, err
}

// TopicOutline is an outline of an OPML file that may stand for a topic.
type TopicOutline struct {
	Name     string
	URL      string // of its articles in some format; "": none
	Category string // a topic's level, in a file of ours
	Line     int
}

// Stands returns the topic that an outline stands for, by the id that its address has
// in a file of ours (where addresses begin like topics) or else by its name, and the
// level; what says none is followed.
func (o TopicOutline) Stands(topics string) (name string, level interests.Level) {
	level, err := interests.ParseLevel(o.Category)
	if err != nil {
		level = interests.Follow
	}
	if id, ours := strings.CutPrefix(o.URL, topics); ours {
		return strings.TrimSuffix(id, ".rss"), level
	}
	return o.Name, level
}

// ParseTopicOPML reads the outlines of an OPML file that have a name and either an
// address or a category, at most so many: those that have neither are folders.
func ParseTopicOPML(r io.Reader, most int) (list []TopicOutline, err error) {
	err = eachOutline(r, func(line int, attrs map[string]string) error {
		name := nameOf(attrs)
		if name == "" || attrs["xmlurl"] == "" && attrs["category"] == "" {
			return nil
		}
		if len(list) == most {
			return fmt.Errorf("read OPML: more than %d topics", most)
		}
		list = append(list, TopicOutline{name, attrs["xmlurl"], attrs["category"], line})
		return nil
	})
	return list, err
}

func nameOf(attrs map[string]string) string { return cmp.Or(attrs["title"], attrs["text"]) }

// eachOutline calls a function with the line and the attributes, by their names in
// lower case, of every outline of an OPML file, until that returns an error.
func eachOutline(r io.Reader, each func(line int, attrs map[string]string) error) error {
	d := xml.NewDecoder(r)
	d.Strict = false
	d.CharsetReader = charset.NewReaderLabel
	for {
		line, _ := d.InputPos()
		token, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read OPML: %w", err)
		}
		start, ok := token.(xml.StartElement)
		if !ok || !strings.EqualFold(start.Name.Local, "outline") {
			continue
		}
		attrs := map[string]string{}
		for _, a := range start.Attr {
			attrs[strings.ToLower(a.Name.Local)] = strings.TrimSpace(a.Value)
		}
		if err := each(line, attrs); err != nil {
			return err
		}
	}
}

// OPML is a document of addresses, to be written.
type OPML struct {
	XMLName  xml.Name      `xml:"opml"`
	Version  string        `xml:"version,attr"`
	Title    string        `xml:"head>title"`
	Outlines []OPMLOutline `xml:"body>outline"`
}

// OPMLOutline is one address. A newsreader takes up those of type rss.
type OPMLOutline struct {
	Type     string `xml:"type,attr,omitempty"`
	Text     string `xml:"text,attr"`
	URL      string `xml:"xmlUrl,attr,omitempty"`
	Page     string `xml:"htmlUrl,attr,omitempty"`
	Category string `xml:"category,attr,omitempty"`
}

// Write writes the document as OPML 2.0.
func (o OPML) Write(w io.Writer) error {
	o.Version = "2.0"
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(o); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

// WriteOPML writes the addresses of sources as OPML 2.0.
func WriteOPML(w io.Writer, list []Listed) error {
	document := OPML{Title: "Sources of newsfeed"}
	for _, l := range list {
		document.Outlines = append(document.Outlines, OPMLOutline{Type: "rss", Text: l.Name, URL: l.URL})
	}
	return document.Write(w)
}
