package demo

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"time"

	"newsfeed/feed"
	"newsfeed/feed/ingest"
	"newsfeed/interests/topic"
)

var now = time.Date(2026, 5, 17, 21, 31, 4, 0, time.UTC)

func drafts(t *testing.T) []feed.Draft {
	t.Helper()
	var drafts []feed.Draft
	lines := ingest.NewLines(bytes.NewReader(Articles(now)))
	for {
		item, err := lines.Next()
		if errors.Is(err, io.EOF) {
			return drafts
		}
		if err != nil || item.Err != nil {
			t.Fatalf("line %d: %v, %v", item.Line, err, item.Err)
		}
		drafts = append(drafts, item.Draft)
	}
}

// The server takes every brief as it is.
func TestAllParse(t *testing.T) {
	got := drafts(t)
	if len(got) < 58 || len(got) > 70 {
		t.Errorf("%d briefs, want about sixty", len(got))
	}
	urls, titles := map[string]bool{}, map[string]bool{}
	for _, d := range got {
		if urls[d.URL] || titles[d.Title] {
			t.Errorf("%s: address or title is there twice", d.URL)
		}
		urls[d.URL], titles[d.Title] = true, true
		if d.Summary == "" || d.Language == "" || len(d.Labels) == 0 {
			t.Errorf("%s: summary, language or topics are missing", d.URL)
		}
	}
}

// Every tag is of the catalogue, so that a demo makes no topics but its sources'.
func TestTagsAreOfTheCatalogue(t *testing.T) {
	catalogue := topic.NewCatalogue(topic.Seed())
	for _, d := range drafts(t) {
		for _, label := range d.Labels {
			if _, known := catalogue.Resolve(label.Name); !known {
				t.Errorf("%s: %q is no topic", d.URL, label.Name)
			}
		}
	}
}

// The first page is fresh, and there is something to scroll to.
func TestSpread(t *testing.T) {
	day, twoDays, oldest := 0, 0, time.Duration(0)
	for _, d := range drafts(t) {
		age := now.Sub(d.Published)
		if age <= 0 {
			t.Errorf("%s is of the future: %s", d.URL, d.Published)
		}
		if age <= 24*time.Hour {
			day++
		}
		if age <= 48*time.Hour {
			twoDays++
		}
		oldest = max(oldest, age)
	}
	if day < 20 || twoDays < 35 || oldest < 13*24*time.Hour || oldest > 14*24*time.Hour {
		t.Errorf("%d of the last day, %d of the last two, the oldest %s", day, twoDays, oldest)
	}
}

// Every kind and many languages and sources are there, so that every filter shows
// something.
func TestVariety(t *testing.T) {
	kinds, languages, from, topics := map[feed.Kind]int{}, map[string]int{}, map[string]int{}, map[string]int{}
	for _, d := range drafts(t) {
		kinds[d.Kind]++
		languages[d.Language]++
		from[d.Source.ID]++
		for _, label := range d.Labels {
			topics[label.Name]++
		}
	}
	for _, kind := range feed.Kinds {
		if kinds[kind] < 2 {
			t.Errorf("%d of kind %s", kinds[kind], kind)
		}
	}
	for _, language := range []string{"en", "es", "de", "fr", "ar", "ko"} {
		if languages[language] < 3 {
			t.Errorf("%d in %s", languages[language], language)
		}
	}
	if len(from) != len(sources) {
		t.Errorf("%d sources have written, of %d", len(from), len(sources))
	}
	for _, name := range []string{"North Korea", "Iran", "Crude Oil"} { // of the README
		if topics[name] < 3 {
			t.Errorf("%d on %s", topics[name], name)
		}
	}
}
