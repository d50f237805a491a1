package ingest

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"golang.org/x/net/html/charset"
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
func ParseOPML(r io.Reader) ([]Outline, error) {
	d := xml.NewDecoder(r)
	d.Strict = false
	d.CharsetReader = charset.NewReaderLabel
	var list []Outline
	for {
		line, _ := d.InputPos()
		token, err := d.RawToken()
		if err == io.EOF {
			return list, nil
		}
		if err != nil {
			return list, fmt.Errorf("read OPML: %w", err)
		}
		start, ok := token.(xml.StartElement)
		if !ok || !strings.EqualFold(start.Name.Local, "outline") {
			continue
		}
		o := Outline{Line: line}
		for _, a := range start.Attr {
			switch strings.ToLower(a.Name.Local) {
			case "xmlurl":
				o.URL = strings.TrimSpace(a.Value)
			case "title":
				o.Name = a.Value
			case "text":
				if o.Name == "" {
					o.Name = a.Value
				}
			}
		}
		if o.URL == "" {
			continue
		}
		if list = append(list, o); len(list) == maxOPML {
			return list, fmt.Errorf("read OPML: more than %d addresses", maxOPML)
		}
	}
}

// WriteOPML writes addresses as OPML 2.0.
func WriteOPML(w io.Writer, list []Listed) error {
	type outline struct {
		Type string `xml:"type,attr"`
		Text string `xml:"text,attr"`
		URL  string `xml:"xmlUrl,attr"`
	}
	document := struct {
		XMLName  xml.Name  `xml:"opml"`
		Version  string    `xml:"version,attr"`
		Title    string    `xml:"head>title"`
		Outlines []outline `xml:"body>outline"`
	}{Version: "2.0", Title: "Sources of newsfeed"}
	for _, l := range list {
		document.Outlines = append(document.Outlines, outline{"rss", l.Name, l.URL})
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(document); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}
