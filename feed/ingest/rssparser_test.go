package ingest

import (
	"encoding/json"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/mmcdole/gofeed"
)

// expectedFeed is what the rss-parser suite says of a document, in its own words.
type expectedFeed struct {
	Feed struct {
		Title    string         `json:"title"`
		Link     string         `json:"link"`
		Language string         `json:"language"`
		Items    []expectedItem `json:"items"`
	} `json:"feed"`
}

type expectedItem struct {
	Title      any    `json:"title"`
	Link       string `json:"link"`
	GUID       string `json:"guid"`
	ID         string `json:"id"`
	ISODate    string `json:"isoDate"`
	Content    any    `json:"content"`
	Encoded    string `json:"content:encoded"`
	Summary    any    `json:"summary"`
	Creator    string `json:"creator"`
	Author     any    `json:"author"`
	Categories []any  `json:"categories"`
	Enclosure  *struct {
		URL  string `json:"url"`
		Type string `json:"type"`
	} `json:"enclosure"`
}

// compared counts the expectations of the suite by field.
type compared struct {
	t        *testing.T
	file     string
	met, not map[string]int
}

func (c *compared) check(field string, ok bool, want, got any) {
	if ok {
		c.met[field]++
		return
	}
	c.not[field]++
	c.t.Logf("%s: %s: want %.120q, have %.120q", c.file, field, want, got)
}

// The documents of rss-parser against what that suite expects of them: titles,
// links, ids, dates, contents, summaries, authors, categories, enclosures. What
// is not met: it keeps relative links and the line breaks around ids, takes an
// e-mail address for an author's name, and writes markup inside of descriptions
// in an order of its own.
func TestRSSParserSuite(t *testing.T) {
	if testing.Short() {
		t.Skip("packs are measured in the whole run only")
	}
	files := pack(t, "rss_parser_fixtures")
	c := &compared{t: t, met: map[string]int{}, not: map[string]int{}}
	documents, unread := 0, 0
	for _, file := range slices.Sorted(maps.Keys(files)) {
		if !strings.Contains(file, "/input/") {
			continue
		}
		name := strings.TrimSuffix(path.Base(file), path.Ext(file))
		expected := files[strings.Replace(file, "/input/"+path.Base(file), "/output/"+name+".json", 1)]
		var want expectedFeed
		if !utf8.Valid(expected) { // one of them is in the encoding of its document
			expected, _ = convert(t.Context(), expected, "iso-8859-1")
		}
		if expected == nil || json.Unmarshal(expected, &want) != nil {
			unread++
			continue
		}
		documents++
		c.file = path.Base(file)
		s := parseSuite(t, files[file], nil)
		c.check("feed title", s.document.Title == Plain(want.Feed.Title), want.Feed.Title, s.document.Title)
		c.check("feed link", s.parsed.Link == want.Feed.Link, want.Feed.Link, s.parsed.Link)
		c.check("items", len(s.parsed.Items) == len(want.Feed.Items), len(want.Feed.Items), len(s.parsed.Items))
		for i := range min(len(s.parsed.Items), len(want.Feed.Items)) {
			c.item(s, i, &want.Feed.Items[i])
		}
	}
	met, not := 0, 0
	for field := range maps.Keys(c.met) {
		met, not = met+c.met[field], not+c.not[field]
	}
	share := float64(met) / float64(met+not)
	t.Logf("%d documents (%d without a readable expectation): met %v, not met %v; share met %.3f", documents, unread, c.met, c.not, share)
	if share < 0.97 {
		t.Errorf("%.3f of the expectations are met, want 0.97", share)
	}
}

func (c *compared) item(s *parsedSuite, i int, want *expectedItem) {
	e := s.parsed.Items[i]
	in := entryInput(s.parsed, i, documentBase(s.parsed, ""))
	if title, ok := want.Title.(string); ok {
		c.check("title", tidy(e.Title) == tidy(title) || in.Title == Plain(title), title, in.Title)
	}
	if want.Link != "" {
		c.check("link", in.URL == strings.TrimSpace(want.Link), want.Link, in.URL)
	}
	for _, id := range []string{want.GUID, want.ID} {
		if id != "" {
			c.check("id", e.GUID == id, id, e.GUID)
		}
	}
	if date, err := time.Parse(time.RFC3339, want.ISODate); err == nil {
		c.check("date", inputDate(in.Published).Equal(date) || in.Updated != "" && inputDate(in.Updated).Equal(date), want.ISODate, in.Published)
	}
	c.texts(e, want)
	if want.Creator != "" {
		c.check("author", in.Byline == Plain(want.Creator), want.Creator, in.Byline)
	} else if author, ok := want.Author.(string); ok {
		c.check("author", in.Byline == Plain(author), author, in.Byline)
	}
	for _, category := range want.Categories {
		if name, ok := category.(string); ok {
			c.check("category", slices.Contains(in.Topics, labelInput{Name: Plain(name)}), name, in.Topics)
		}
	}
	if want.Enclosure != nil {
		ok := len(e.Enclosures) > 0 && e.Enclosures[0].URL == want.Enclosure.URL && e.Enclosures[0].Type == want.Enclosure.Type
		c.check("enclosure", ok, want.Enclosure, e.Enclosures)
	}
}

// texts compares bodies and summaries as articles have them: cleaned.
func (c *compared) texts(e *gofeed.Item, want *expectedItem) {
	same := func(a, b string) bool { return Plain(a) == Plain(b) || Body(a, page) == Body(b, page) }
	if want.Encoded != "" {
		c.check("content", same(e.Content, want.Encoded), want.Encoded, e.Content)
	}
	if content, ok := want.Content.(string); ok {
		c.check("content", same(e.Content, content) || same(e.Description, content), content, e.Content)
	}
	if summary, ok := want.Summary.(string); ok {
		c.check("summary", same(e.Description, summary), summary, e.Description)
	}
}
