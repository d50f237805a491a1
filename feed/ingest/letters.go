package ingest

import (
	"encoding/xml"
	"html"
	"regexp"
	"strings"

	atomfile "github.com/mmcdole/gofeed/atom"
	jsonfile "github.com/mmcdole/gofeed/json"
)

// Texts of RSS are HTML as a rule, whatever they say. Atom and JSON Feed say which
// are: `type="text"`, which is the default, and a JSON title mean letters, so that
// "How to use <b>" keeps its <b>. What is made plain later (Plain) gets these escaped.
// Where nothing is said, what closes a tag or has entities was meant as HTML all the
// same, by a publisher who did not know.

// textPlace is a text of an Atom document.
type textPlace struct {
	entry int // 0: the document's own
	name  string
}

// textKind is what an Atom document says of a text.
type textKind int

const (
	markupText textKind = iota
	letterText          // type="text"
	silentText          // nothing
)

// atomTexts are the texts of an Atom document that are not said to be HTML.
type atomTexts map[textPlace]textKind

// kindOfText is what the attributes of a text say, as the parser reads them.
func kindOfText(attributes []xml.Attr) textKind {
	kind := silentText
	for _, a := range attributes {
		switch {
		case a.Name.Space != "":
		case a.Name.Local == "mode": // Atom 0.3
			return markupText
		case a.Name.Local == "type" && (strings.EqualFold(a.Value, "text") || strings.EqualFold(a.Value, "text/plain")):
			kind = letterText
		case a.Name.Local == "type":
			return markupText
		}
	}
	return kind
}

// letters escapes a text of a kind if it means letters.
func letters(text string, kind textKind) string {
	if kind == letterText || kind == silentText && !meantAsHTML.MatchString(text) {
		return html.EscapeString(text)
	}
	return text
}

var meantAsHTML = regexp.MustCompile(`</[A-Za-z]|&(?:[A-Za-z]{2,8}|#[0-9]{1,6}|#[xX][0-9A-Fa-f]{1,6});`)

// head escapes what means letters in the title of a document.
func (t atomTexts) head(document *atomfile.Feed) {
	document.Title = letters(document.Title, t[textPlace{0, "title"}])
}

// entry escapes what means letters in the n-th entry, counted from 1.
func (t atomTexts) entry(n int, entry *atomfile.Entry) {
	entry.Title = letters(entry.Title, t[textPlace{n, "title"}])
	entry.Summary = letters(entry.Summary, t[textPlace{n, "summary"}])
	if c := entry.Content; c != nil {
		if kind := t[textPlace{n, "content"}]; kind == letterText || kind == silentText && !meantAsHTML.MatchString(c.Value) {
			c.Value = Paragraphs(c.Value)
		}
	}
}

// jsonLetters does the same for an item of JSON Feed, whose titles and summaries
// are plain text.
func jsonLetters(item *jsonfile.Item) {
	if item == nil {
		return
	}
	item.Title, item.Summary = letters(item.Title, silentText), letters(item.Summary, silentText)
	if item.ContentHTML == "" {
		item.ContentText = Paragraphs(item.ContentText)
	}
}

// text notes a text of an Atom document that begins, and that one has markup in it.
func (s *xmlScan) text(e *xml.StartElement) (place textPlace) {
	depth := len(s.open)
	if depth == 0 {
		s.root = e.Name
		return textPlace{}
	}
	if around := s.open[depth-1].text; around.name != "" {
		delete(s.texts, around)
	}
	if s.root.Local != "feed" || e.Name.Space != s.root.Space || depth > 2 {
		return textPlace{}
	}
	switch e.Name.Local {
	case "entry":
		if depth == 1 {
			s.entries++
			return textPlace{entry: s.entries}
		}
	case "title", "summary", "content":
		place = textPlace{entry: s.open[depth-1].text.entry, name: e.Name.Local}
		if (depth == 2) == (place.entry > 0) {
			s.texts[place] = kindOfText(e.Attr)
			return place
		}
	}
	return textPlace{}
}
