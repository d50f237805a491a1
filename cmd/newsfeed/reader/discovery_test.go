package reader

import (
	"encoding/xml"
	"net/http/httptest"
	"strings"
	"testing"

	"newsfeed/feed"
)

// Pages say how they are shown elsewhere. Every absolute address is the settings',
// whatever a request calls us.
func TestDiscovery(t *testing.T) {
	s := newSite(t)
	a := s.publish(feed.Article{Title: `Talks "resume" <now>`, Summary: "In short.", Image: &feed.Image{URL: "https://x.example/a.jpg", Width: 3, Height: 2}}, "north-korea")
	b := &browser{site: s}
	b.get("/t/north-korea").want(t, 200, `<meta property="og:url" content="https://news.example/t/north-korea">`, `<meta property="og:title" content="North Korea">`,
		`<link rel="alternate" type="application/rss+xml" title="North Korea" href="https://news.example/topics/north-korea.rss">`, "north-korea.atom", "north-korea.json")
	b.get("/a/"+a.ID.String()).want(t, 200, `<meta property="og:title" content="Talks &#34;resume&#34; &lt;now&gt;">`, `<meta property="og:type" content="article">`,
		`<meta property="og:image" content="https://x.example/a.jpg">`, `<meta property="og:url" content="https://news.example/a/`+a.ID.String()+`">`)
	b.get("/robots.txt").want(t, 200, "Disallow: /my/\n", "Sitemap: https://news.example/sitemap.xml\n")

	var sitemap struct {
		Addresses []string `xml:"url>loc"`
	}
	page := b.get("/sitemap.xml").want(t, 200)
	if err := xml.Unmarshal([]byte(page.body), &sitemap); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(sitemap.Addresses, " "); got != "https://news.example/ https://news.example/t/north-korea https://news.example/t/source-paper" {
		t.Errorf("the sitemap has %s", got)
	}
	for _, path := range []string{"/robots.txt", "/sitemap.xml"} {
		answer := b.get(path)
		if keep := answer.Header.Get("Cache-Control"); keep != "no-cache" || answer.Header.Get("Set-Cookie") != "" {
			t.Errorf("%s is kept %q", path, keep)
		}
		again := httptest.NewRequest("GET", path, nil)
		again.Header.Set("If-None-Match", answer.Header.Get("ETag"))
		b.do(again).want(t, 304)
	}
	for _, path := range []string{"/", "/t/north-korea", "/a/" + a.ID.String(), "/sitemap.xml", "/robots.txt"} {
		asked := httptest.NewRequest("GET", path, nil)
		asked.Host = "evil.example"
		b.do(asked).want(t, 200).lacks(t, "evil.example")
	}
}
