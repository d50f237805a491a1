package main

import (
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// deskVisitor is a browser at the editors' page.
type deskVisitor struct {
	testing.TB
	*process
	client *http.Client
}

func (v *deskVisitor) open(path string) (int, string) {
	v.Helper()
	return send(v, v.client, v.request("GET", path, nil))
}

func (v *deskVisitor) request(method, path string, form url.Values) *http.Request {
	r, err := http.NewRequest(method, v.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		v.Fatal(err)
	}
	if method == "POST" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	return r
}

// press sends a form and wants a status and words on the page that follows.
func (v *deskVisitor) press(path string, form url.Values, status int, words ...string) {
	v.Helper()
	got, text := send(v, v.client, v.request("POST", path, form))
	text = html.UnescapeString(text)
	if got != status {
		v.Errorf("POST %s %v: %d, want %d", path, form, got, status)
	}
	for _, w := range words {
		if !strings.Contains(text, w) {
			v.Errorf("POST %s %v: %q is not on the page:\n%.3000s", path, form, w, text)
		}
	}
}

// An editor enters a key, adds a source, whose articles are in the feed, polls it,
// brings a list, and removes a source with its articles. Without the key, with a
// publisher's, or from another site, nothing can be done.
func TestEditorPage(t *testing.T) {
	items := atomic.Int32{}
	items.Store(2)
	publisher := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			_, _ = io.WriteString(w, `<title>Bay News</title><link rel="alternate" type="application/rss+xml" href="/rss">`)
			return
		}
		_, _ = io.WriteString(w, `<rss version="2.0"><channel><title>Bay News</title>`)
		for i := range items.Load() {
			fmt.Fprintf(w, `<item><title>Harbour report %d</title><link>http://%s/%d</link><pubDate>%s</pubDate></item>`,
				i, r.Host, i, time.Now().Add(-time.Hour).UTC().Format(time.RFC1123))
		}
		_, _ = io.WriteString(w, `</channel></rss>`)
	}))
	t.Cleanup(publisher.Close)
	p := serve(t, "NEWSFEED_ALLOW_PRIVATE_SOURCES=true", "NEWSFEED_INSECURE_COOKIES=true", "NEWSFEED_SIGNIN_LIMIT=1000/1m")
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	v := &deskVisitor{t, p, &http.Client{Jar: jar}}

	if status, text := v.open("/admin/sources"); status != 200 || !strings.Contains(text, "Editor’s key") || strings.Contains(text, "/admin/sources/add") {
		t.Errorf("without a key: %d\n%.2000s", status, text)
	}
	v.press("/admin/sources/add", url.Values{"url": {publisher.URL}}, 200, "Editor’s key")
	if _, text := v.open("/admin/sources.opml"); strings.Contains(text, "<opml") {
		t.Error("the sources are given to anyone")
	}
	v.press("/admin/enter", url.Values{"key": {"no-such-key-at-all-no-such-key"}}, 403, "no key of this site")
	var made struct{ Key string }
	p.must(201, "POST", "/keys", testKey, map[string]any{"name": "writer"}, &made)
	v.press("/admin/enter", url.Values{"key": {made.Key}}, 403, "publisher’s")
	v.press("/admin/enter", url.Values{"key": {" " + testKey + " "}}, 200, "Add a source", "None.")

	v.press("/admin/sources/add", url.Values{"url": {"ftp://example.com/"}}, 422, "The address ", `value="ftp://example.com/"`)
	v.press("/admin/sources/add", url.Values{"url": {publisher.URL}}, 200, "The source is added", "Bay News", "2 articles", "answered")
	v.press("/admin/sources/add", url.Values{"url": {publisher.URL + "/rss"}}, 200, "polled already")
	if _, text := v.open("/"); !strings.Contains(text, "Harbour report 1") {
		t.Error("what was polled is not in the feed")
	}
	var listed struct{ Sources []struct{ ID string } }
	p.must(200, "GET", "/sources", testKey, nil, &listed)
	id := listed.Sources[0].ID
	items.Store(3)
	v.press("/admin/sources/poll", url.Values{"source": {id}}, 200, "Polled: 1 article new or updated.", "3 articles")

	v.press("/admin/sources/opml", url.Values{"opml": {"not OPML"}}, 422, "names no address")
	v.press("/admin/sources/opml", url.Values{"opml": {`<opml><body><outline text="A" xmlUrl="https://a.example/rss"/>` + "\n" + `<outline text="B" xmlUrl="gopher://b.example/"/></body></opml>`}},
		422, "1 source added, 1 refused.", "line 2, gopher://b.example/")
	if _, text := v.open("/admin/sources.opml"); !strings.Contains(text, `xmlUrl="https://a.example/rss"`) || !strings.Contains(text, publisher.URL+"/rss") {
		t.Errorf("the list to take out:\n%s", text)
	}

	foreign := v.request("POST", "/admin/sources/remove", url.Values{"source": {id}})
	foreign.Header.Set("Sec-Fetch-Site", "cross-site")
	if status, _ := send(t, v.client, foreign); status != 403 {
		t.Errorf("a form of another site: %d", status)
	}
	v.press("/admin/sources/remove", url.Values{"source": {id}, "withdraw": {"yes"}}, 200, "3 articles withdrawn")
	if _, text := v.open("/"); strings.Contains(text, "Harbour report") {
		t.Error("what was withdrawn is in the feed")
	}
	v.press("/admin/leave", nil, 200, "Editor’s key")
	v.press("/admin/sources/remove", url.Values{"source": {id}}, 200, "Editor’s key")
}
