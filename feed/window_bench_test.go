package feed

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// BenchmarkStories decides the story of one article after the other, on one core,
// in a window that holds 100,000 articles: all text packs of the test data, again
// and again, each time a month later and with a number of its own in the title, so
// that no two have one text. "features" also reads the text for what an article is
// compared by.
func BenchmarkStories(b *testing.B) {
	const held = 100_000
	told := textPacks(b)
	at := func(i int) (*Article, string) {
		a := told[i%len(told)]
		round := i / len(told)
		address := fmt.Sprintf("%s#%d", a.url, round)
		return &Article{ID: NewArticleID(address), URL: address, Title: fmt.Sprintf("%s %d", a.title, 1000+round),
			Source: Source{ID: fmt.Sprint("s", i%200)}, Published: a.published.AddDate(0, round, 0)}, a.text
	}
	w, edition := newWindow(), Edition(0)
	enter := func(a *Article, f Features) {
		edition++
		e := &Entry{Edition: edition, At: a.Published, Article: *a, Story: StoryID(a.ID), Features: f}
		w.begin()
		w.place(e, nil, true)
		united := w.unions()
		w.end()
		w.note(e)
		for _, u := range united {
			w.merge(u.Kept, u.KeptNum, u.Gone)
		}
	}
	next := 0
	for ; next < held; next++ {
		a, text := at(next)
		enter(a, featuresOf(a, text))
	}
	b.Run("decide", func(b *testing.B) {
		articles, features := make([]*Article, b.N), make([]Features, b.N)
		for i := range articles {
			a, text := at(next)
			articles[i], features[i] = a, featuresOf(a, text)
			next++
		}
		b.ResetTimer()
		for i := range articles {
			enter(articles[i], features[i])
		}
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "articles/s")
	})
	b.Run("features and decide", func(b *testing.B) {
		for range b.N {
			a, text := at(next)
			next++
			enter(a, featuresOf(a, text))
		}
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "articles/s")
	})
	b.Logf("%d texts; the window held %d articles of %d stories", len(told), len(w.byArticle), len(w.byStory))
}

// packText is an article of a pack.
type packText struct {
	url, title, text string
	published        time.Time
}

// textPacks reads the packs of texts, those without dates as of one month.
func textPacks(b *testing.B) (texts []packText) {
	data := os.Getenv("NEWSFEED_TESTDATA")
	if data == "" {
		b.Skip("NEWSFEED_TESTDATA names no folder of test data")
	}
	month := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	add := func(t packText) {
		i := len(texts)
		t.published = month.Add(time.Duration(i*7919%43200) * time.Minute) // mixed
		texts = append(texts, t)
	}
	for _, of := range [][2]string{{"reuters", "reuters21578"}, {"huffpost", "huffpost_10k"}, {"stories", "story_clusters_giveme5w1h"}, {"uci", "uci_news_aggregator_subset"}} {
		corpus, pack := of[0], of[1]
		dir := b.TempDir()
		if out, err := exec.Command("tar", "-xzf", filepath.Join(data, pack+".tar.gz"), "-C", dir).CombinedOutput(); err != nil {
			b.Fatalf("unpack %s: %v\n%s", pack, err, out)
		}
		out, err := exec.Command("python3", filepath.Join(data, "..", "tools", "corpus.py"), corpus, dir).Output()
		if err != nil {
			b.Fatalf("make articles of %s: %v", pack, err)
		}
		for line := range bytes.Lines(out) {
			var a struct {
				URL, Title, Summary string
				Body                string `json:"body_html"`
			}
			if err := json.Unmarshal(line, &a); err != nil {
				b.Fatal(err)
			}
			add(packText{url: a.URL, title: a.Title, text: a.Summary + " " + a.Body})
		}
	}
	eachFile(b, filepath.Join(data, "bbc_2225.tar.gz"), func(name string, r io.Reader) {
		if body, err := io.ReadAll(r); err == nil && strings.HasSuffix(name, ".txt") {
			title, text, _ := strings.Cut(string(body), "\n")
			add(packText{url: "https://bbc.example/" + name, title: title, text: text})
		}
	})
	eachFile(b, filepath.Join(data, "ag_news_test.tar.gz"), func(name string, r io.Reader) {
		if !strings.HasSuffix(name, ".csv") {
			return
		}
		rows, err := csv.NewReader(bufio.NewReader(r)).ReadAll()
		if err != nil {
			b.Fatal(err)
		}
		for i, row := range rows {
			add(packText{url: fmt.Sprintf("https://ag.example/%d", i), title: row[1], text: row[2]})
		}
	})
	return texts
}

// eachFile calls back with each file of an archive.
func eachFile(b *testing.B, archive string, do func(name string, r io.Reader)) {
	f, err := os.Open(archive)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	unzipped, err := gzip.NewReader(f)
	if err != nil {
		b.Fatal(err)
	}
	files := tar.NewReader(unzipped)
	for {
		h, err := files.Next()
		if err == io.EOF {
			return
		}
		if err != nil {
			b.Fatal(err)
		}
		do(h.Name, files)
	}
}
