package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"newsfeed/cmd/newsfeed/hostile"
	"newsfeed/cmd/newsfeed/syndication"
)

// What looks like markup in a title, a summary, a byline or a topic's name is text in
// every document that is opened in a browser: nothing of it runs and no element comes of
// it, even without the policy that the service sends along.
func TestDocumentsInBrowser(t *testing.T) {
	d := syndication.Document{ID: "urn:x", Title: "<script>alert(1)</script>", Description: "]]><b>", Home: "https://news.example.com/"}
	payloads := hostile.Payloads(t)
	for _, payload := range payloads {
		d.Items = append(d.Items, syndication.Item{Story: "0192f0c1-a2b3-7c4d-8e5f-60718293a4b5", URL: "https://news.example.com/?" + url.QueryEscape(payload), Title: payload, Summary: payload,
			Byline: payload, Source: payload, Language: payload, Published: time.Unix(1, 0), Topics: []syndication.Topic{{ID: payload, Name: payload}}})
	}
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		format := syndication.Format(strings.TrimPrefix(r.URL.Path, "/feed."))
		if !slices.Contains(syndication.Formats, format) {
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprint(w, emptyPage)
			return
		}
		body, err := d.Write(format)
		if err != nil {
			t.Error(err)
		}
		w.Header().Set("Content-Type", format.MediaType())
		_, _ = w.Write(body)
	}))
	defer site.Close()
	b := browser(t)
	b.visit(site.URL)
	for _, format := range []string{"rss", "atom"} {
		var found struct {
			Titles  []string
			Strange []string
		}
		b.run(&found, `const page = new DOMParser().parseFromString(await (await fetch(%s)).text(), 'application/xml');
			const ours = ['http://purl.org/dc/elements/1.1/', 'http://search.yahoo.com/mrss/', 'http://www.w3.org/2005/Atom', null];
			return {Titles: [...page.querySelectorAll('item > title, entry > title')].map((e) => e.textContent),
				Strange: [...page.querySelectorAll('*')].filter((e) => !ours.includes(e.namespaceURI) || /^(script|html|img|svg|parsererror)$/i.test(e.localName)).map((e) => e.outerHTML)}`, "/feed."+format)
		if len(found.Strange) > 0 || len(found.Titles) != len(payloads) {
			t.Errorf("%s: %d of %d items, and of no making of ours %.500q", format, len(found.Titles), len(payloads), found.Strange)
		}
		for i, title := range found.Titles {
			if want := strings.Map(inXML, payloads[i]); title != want {
				t.Errorf("%s: the title %q is shown as %q", format, want, title)
			}
		}
	}
	for _, format := range syndication.Formats {
		b.tab().visit(site.URL + "/feed." + string(format))
	}
	t.Logf("%d payloads", len(payloads))
}

// inXML puts U+FFFD for what XML cannot hold.
func inXML(r rune) rune {
	if r < ' ' && r != '\t' || r == 0xFFFE || r == 0xFFFF {
		return 0xFFFD
	}
	return r
}
