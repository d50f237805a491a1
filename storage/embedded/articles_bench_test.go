package embedded

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"newsfeed/feed"
	"newsfeed/interests/topic"
)

// A start reads the log downwards in steps of a thousand. Measured on two cores
// of a shared machine; see decode.go.
func BenchmarkRead1000(b *testing.B) {
	store := benchLog(b, 5000)
	b.ResetTimer()
	for i := 0; b.Loop(); i++ {
		before := feed.Edition(5001 - i%4*1000)
		entries, err := store.Read(b.Context(), feed.Range{Before: before, NewestFirst: true, Limit: 1000})
		if err != nil || len(entries) != 1000 {
			b.Fatal(len(entries), err)
		}
	}
}

func BenchmarkCurrent500(b *testing.B) {
	store := benchLog(b, 5000)
	var ids []feed.ArticleID
	for i := range 500 {
		ids = append(ids, benchEntry(feed.Edition(1+10*i)).Article.ID)
	}
	for b.Loop() {
		if current, err := store.Current(b.Context(), ids); err != nil || len(current) != 500 {
			b.Fatal(len(current), err)
		}
	}
}

func BenchmarkAppend(b *testing.B) {
	for _, n := range []int{1, 100, 500} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			store := open(b, filepath.Join(b.TempDir(), "newsfeed.db")).Articles()
			next := feed.Edition(1)
			for b.Loop() {
				appendBench(b, store, next, n)
				next += feed.Edition(n)
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*n), "µs/entry")
		})
	}
}

func benchLog(b *testing.B, n int) feed.Articles {
	b.Helper()
	store := open(b, filepath.Join(b.TempDir(), "newsfeed.db")).Articles()
	for first := 1; first <= n; first += 500 {
		appendBench(b, store, feed.Edition(first), 500)
	}
	return store
}

func appendBench(b *testing.B, store feed.Articles, first feed.Edition, n int) {
	b.Helper()
	entries := make([]feed.Entry, n)
	for i := range entries {
		entries[i] = benchEntry(first + feed.Edition(i))
	}
	if _, err := store.Append(b.Context(), entries); err != nil {
		b.Fatal(err)
	}
}

// benchEntry is as great as an article of the news usually is: a dozen tags, a
// summary of two sentences, a body of 4 KB.
func benchEntry(e feed.Edition) feed.Entry {
	url := fmt.Sprintf("https://www.example.org/world/2025/06/01/an-article-with-a-long-address-%d", e)
	at := time.Date(2025, 6, 1, 12, 0, 0, 0, time.UTC).Add(time.Duration(e) * time.Second)
	a := feed.Article{
		ID: feed.NewArticleID(url), URL: url, Kind: feed.News, Language: "en", Byline: "A. Correspondent",
		Title:     "North Korea fires missile over the sea, neighbours say",
		Summary:   strings.Repeat("A summary of one hundred characters, as they stand on the front pages of news sites, or thereabouts. ", 2),
		BodyHTML:  strings.Repeat("<p>A paragraph of the body of an article.</p>", 90),
		Source:    feed.Source{ID: "example-org", Name: "Example", URL: "https://www.example.org/"},
		Image:     &feed.Image{URL: url + ".jpg", Alt: "A missile", Width: 1024, Height: 768},
		Published: at.Add(-time.Hour), Updated: at,
	}
	for i := range 12 {
		name := fmt.Sprint("Topic number ", i)
		a.Tags = append(a.Tags, feed.Tag{Topic: topic.MakeID(name), Name: name, Salience: float64(100-i) / 100, Inherited: i > 6})
	}
	return feed.Entry{Edition: e, At: at, Call: uuid.Must(uuid.NewV7()), Article: a, Owner: "example-org",
		Key: 123_456_789, Story: feed.StoryID(a.ID), StoryNum: e, Content: strings.Repeat("0f", 16)}
}
