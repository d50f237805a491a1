package reader

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"newsfeed/feed"
)

// packed is how many bytes something has after gzip -6.
func packed(t *testing.T, content []byte) int {
	t.Helper()
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, 6)
	if err == nil {
		_, err = w.Write(content)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Len()
}

// What a first page weighs: with 30 cards, each with its own words, pictures and
// four topics, at most 60 kB with style and scripts, of which these 20 kB, in at most
// 8 requests; one style sheet alone is waited for.
func TestWeight(t *testing.T) {
	s := newSite(t)
	topics := s.catalogue.Search("", 400)
	for n := range 40 {
		words := make([]string, 60)
		for i := range words {
			words[i] = topics[(n*61+i*7)%len(topics)].Name
		}
		text := strings.Join(words, " ")
		s.publish(feed.Article{Title: text[:90], Summary: text[90:390], Byline: text[390:410], URL: fmt.Sprintf("https://paper-%d.example/2026/11/24/%x", n%9, text[:12]),
			Source: feed.Source{ID: fmt.Sprint("paper-", n%9), Name: fmt.Sprint("The Paper ", n%9)},
			Image:  &feed.Image{URL: fmt.Sprintf("https://pictures.example/%x.jpg", text[20:40]), Alt: text[100:140], Width: 1200, Height: 800}},
			topics[n].ID, topics[n+41].ID, topics[n+82].ID, topics[n+123].ID)
	}
	b := &browser{site: s}
	for _, id := range topics[:60] {
		b.press(string(id.ID), "follow", "/")
	}
	page := b.get("/").want(t, 200)
	if cards := strings.Count(page.body, `<article class="card`); cards < feed.DefaultLimit {
		t.Fatalf("%d cards", cards)
	}
	html, css, scripts := packed(t, []byte(page.body)), packed(t, stylesheet.content), 0
	for _, content := range [][]byte{script.content, live.content, offline.content, find.content, marksKept.content, worker.content, clientScript} {
		scripts += packed(t, content)
	}
	t.Logf("HTML %d, style %d, scripts %d bytes after gzip -6", html, css, scripts)
	if scripts > 20_000 || html+css+scripts > 60_000 {
		t.Errorf("HTML %d, style %d, scripts %d: %d bytes", html, css, scripts, html+css+scripts)
	}
	head := page.body[:strings.Index(page.body, "</head>")]
	asked := 1 + len(regexp.MustCompile(`<link rel="(icon|stylesheet|manifest)"|<script `).FindAllString(head, -1)) + 2 // live.js and offline.js
	if sheets := strings.Count(head, `rel="stylesheet"`); asked > 8 || sheets != 1 {
		t.Errorf("%d requests, %d style sheets", asked, sheets)
	}
	for _, img := range regexp.MustCompile(`<img [^>]*>`).FindAllString(page.body, -1) {
		if !strings.Contains(img, ` width="`) || !strings.Contains(img, ` height="`) || !strings.Contains(img, `referrerpolicy="no-referrer"`) {
			t.Errorf("%s", img)
		}
	}
}
