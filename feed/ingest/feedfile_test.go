package ingest

import (
	"fmt"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"newsfeed/feed"
)

func rss(channel, item string) string {
	return `<?xml version="1.0"?><rss version="2.0" xmlns:media="http://search.yahoo.com/mrss/" xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/">
		<channel><title>The &amp; Daily</title><link>https://daily.example/</link><language>en-GB</language>` + channel + `<item>` + item + `</item></channel></rss>`
}

func entry(t *testing.T, document string) Item {
	t.Helper()
	items, err := ParseDocument([]byte(document))
	if err != nil || len(items) != 1 {
		t.Fatalf("%d items, %v", len(items), err)
	}
	return items[0]
}

func TestRSS(t *testing.T) {
	item := entry(t, rss("", `<title>A &lt;b&gt;title&lt;/b&gt; &amp;amp; more</title><link>http://daily.example/1?utm_source=rss#x</link><guid isPermaLink="false">id-1</guid>
		<description><![CDATA[<p>A <em>summary</em></p><img src="https://t.example/pixel.gif">]]></description><content:encoded><![CDATA[<p onclick="x">Body</p><script>x</script>]]></content:encoded>
		<dc:creator>Ann Lee</dc:creator><pubDate>Sun, 17 May 2020 21:31:04 +0200</pubDate><category>World</category><category> North Korea </category><category></category>
		<media:group><media:content url="https://i.example/a.jpg" medium="image" width="640" height="360"/></media:group>`))
	want := feed.Draft{
		URL: "https://daily.example/1", Title: "A title & more", Summary: "A summary", BodyHTML: "<p>Body</p>", Byline: "Ann Lee", Language: "en-gb", Kind: feed.News,
		Published: time.Date(2020, 5, 17, 19, 31, 4, 0, time.UTC), Source: feed.Source{ID: "daily-example", Name: "The & Daily", URL: "https://daily.example/"},
		Image: &feed.Image{URL: "https://i.example/a.jpg", Width: 640, Height: 360}, Labels: []feed.Label{{Name: "World"}, {Name: "North Korea"}}, ExternalID: "id-1",
	}
	if diff := cmp.Diff(want, item.Draft); diff != "" || item.Err != nil {
		t.Errorf("%v\n%s", item.Err, diff)
	}
}

func TestAtom(t *testing.T) {
	item := entry(t, `<feed xmlns="http://www.w3.org/2005/Atom"><title>Atom</title><link href="https://atom.example/"/><entry><id>urn:1</id><title type="html">T&amp;lt;3</title>
		<link href="https://atom.example/1"/><published>2026-05-17T21:00:00Z</published><updated>2026-05-18T21:00:00Z</updated><summary>S</summary>
		<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>B</p></div></content><author><name>Ann</name></author><author><name>Bo</name></author><category term="Iran"/></entry></feed>`)
	d := item.Draft
	if item.Err != nil || d.URL != "https://atom.example/1" || d.Title != "T<3" || d.Summary != "S" || !strings.Contains(d.BodyHTML, "<p>B</p>") || d.Byline != "Ann, Bo" ||
		d.Published.Day() != 17 || d.Updated.Day() != 18 || d.ExternalID != "urn:1" || d.Status != "" || len(d.Labels) != 1 {
		t.Errorf("%+v, %v", d, item.Err)
	}
}

func TestJSONFeed(t *testing.T) {
	document := `{"version":"https://jsonfeed.org/version/1.1","title":"J","home_page_url":"https://j.example/","language":"de","items":[{"id":"1","url":"https://j.example/1","title":"T",
		"content_html":"<p>B</p>","summary":"S","date_published":"2026-05-17T21:00:00Z","image":"https://i.example/","tags":["a"],"attachments":[{"url":"https://x.example/a.mp3","mime_type":"audio/mpeg"}]}]}`
	if !IsDocument([]byte(document)) || !IsDocument([]byte("\xef\xbb\xbf <rss/>")) || IsDocument([]byte(object(""))) || IsDocument(nil) {
		t.Error("IsDocument is wrong")
	}
	item := entry(t, document)
	d := item.Draft
	if item.Err != nil || d.URL != "https://j.example/1" || d.Kind != feed.Audio || d.Language != "de" || d.Image == nil || d.BodyHTML != "<p>B</p>" || d.Source.ID != "j-example" || d.ExternalID != "1" {
		t.Errorf("%+v, %v", d, item.Err)
	}
}

// Entries with faults are mended where they can be.
func TestFaultyEntries(t *testing.T) {
	long := strings.Repeat("word ", 2000)
	tests := []struct {
		name, item string
		good       func(d feed.Draft) bool
	}{
		{"mad date", `<link>https://a.example/</link><title>T</title><pubDate>the day before</pubDate>`, func(d feed.Draft) bool { return d.Published.IsZero() }},
		{"permalink guid", `<guid>https://a.example/1</guid><title>T</title>`, func(d feed.Draft) bool { return d.URL == "https://a.example/1" && d.ExternalID == "" }},
		{"relative link", `<link>/1</link><title>T</title>`, func(d feed.Draft) bool { return d.URL == "https://daily.example/1" }},
		{"no title", `<link>https://a.example/</link><description>` + long + `</description>`, func(d feed.Draft) bool {
			return strings.HasPrefix(d.Title, "word word") && len(d.Title) < 125 && len(d.Summary) <= 4003 && len(d.BodyHTML) > 9000
		}},
		{"long title", `<link>https://a.example/</link><title>` + long + `</title>`, func(d feed.Draft) bool { return len(d.Title) <= 515 && strings.HasSuffix(d.Title, "word…") }},
		{"bad image", `<link>https://a.example/</link><title>T</title><enclosure type="image/png" url="javascript:x"/>`, func(d feed.Draft) bool { return d.Image == nil }},
		{"video", `<link>https://a.example/</link><title>T</title><enclosure type="video/mp4" url="https://x.example/"/>`, func(d feed.Draft) bool { return d.Kind == feed.Video }},
		{"many categories", `<link>https://a.example/</link><title>T</title><category>` + long + `</category>` + strings.Repeat("<category>a</category>", 60), func(d feed.Draft) bool { return len(d.Labels) == 49 }},
		{"huge body", `<link>https://a.example/</link><title>T</title><content:encoded>` + strings.Repeat("word ", 100_000) + `</content:encoded>`, func(d feed.Draft) bool { return d.BodyHTML == "" }},
		{"entities of HTML", `<link>https://a.example/</link><title>caf&eacute; &nbsp; x</title>`, func(d feed.Draft) bool { return d.Title == "café x" }},
		{"markup in a link", `<link>https://a.example/?a=1&amp;b=2</link><title>T</title>`, func(d feed.Draft) bool { return d.URL == "https://a.example/?a=1&b=2" }},
	}
	for _, test := range tests {
		if item := entry(t, rss("", test.item)); item.Err != nil || !test.good(item.Draft) {
			t.Errorf("%s: %+.500v, %v", test.name, item.Draft, item.Err)
		}
	}
	for _, bad := range []string{`<title>T</title>`, `<title>T</title><link>javascript:alert(1)</link>`, `<link>https://a.example/</link>`, `<title>T</title><guid>7</guid>`} {
		if item := entry(t, rss("", bad)); item.Err == nil {
			t.Errorf("%s: %+v", bad, item.Draft)
		}
	}
}

// Of a document that breaks off, the whole entries are read and the break is told.
func TestCutDocuments(t *testing.T) {
	entries := strings.Repeat(`<title>T</title><link>https://a.example/</link></item><item>`, 3)
	for _, document := range []string{
		rss("", entries+`<title>x</title>`),
		strings.NewReplacer("item>", "entry>", "<link>https://a.example/</link>", `<link href="https://a.example/"/>`).Replace(`<feed xmlns="http://www.w3.org/2005/Atom"><title>A</title><item>` + entries + "<title>x"),
	} {
		cut := document[:strings.LastIndex(document, "x")]
		items, err := ParseDocument([]byte(cut))
		if err != nil || len(items) != 4 || items[2].Err != nil || items[3].Err == nil || items[3].Index != 3 {
			t.Errorf("%s: %+v, %v", cut, items, err)
		}
	}
}

// Of one that breaks off before its first entry the break alone is told.
func TestCutEarly(t *testing.T) {
	document := rss("", "<title>T</title>")
	d, err := ReadDocument(t.Context(), Received{Body: []byte(document[:strings.Index(document, "<item>")+8])})
	if err != nil || d.Title != "The & Daily" || d.Flaw == "" || len(d.Items) != 1 || d.Items[0].Err == nil {
		t.Errorf("%+v, %v", d, err)
	}
}

// Documents made to harm are refused.
func TestHostileDocuments(t *testing.T) {
	var laughs strings.Builder
	for i := range 10 {
		fmt.Fprintf(&laughs, `<!ENTITY l%d "%s">`, i+1, strings.Repeat(fmt.Sprintf("&l%d;", i), 10))
	}
	doctype := func(inner string) string {
		return strings.Replace(rss("", `<title>&l10;&x;</title><link>https://a.example/</link>`), "<rss", "<!DOCTYPE rss ["+inner+"]><rss", 1)
	}
	for name, document := range map[string]string{
		"billion laughs":    doctype(`<!ENTITY l0 "ha">` + laughs.String()),
		"external entity":   doctype(`<!ENTITY x SYSTEM "file:///etc/passwd">`),
		"parameter entity":  doctype(`<!ENTITY % x SYSTEM "http://127.0.0.1/">%x;`),
		"after a comment":   "<!-- <rss> -->" + doctype(`<!entity x "y">`),
		"deep extension":    rss("", strings.Repeat("<media:group>", 1_000_000)),
		"deep content":      rss("", "<description>"+strings.Repeat("<b>", 1_000_000)),
		"deep Atom":         `<feed xmlns="http://www.w3.org/2005/Atom"><entry><content type="xhtml">` + strings.Repeat("<div>", 1_000_000),
		"deep JSON":         `{"version":"https://jsonfeed.org/version/1","items":` + strings.Repeat("[", 1_000_000),
		"HTML":              "<!doctype html><html><body>x</body></html>",
		"empty":             "",
		"text":              "hello",
		"larger than 8 MiB": rss("", "<title>T</title>") + strings.Repeat(" ", MaxDocument),
	} {
		if items, err := ParseDocument([]byte(document)); err == nil {
			t.Errorf("%s: %d items", name, len(items))
		}
	}
	plain := `<!DOCTYPE rss PUBLIC "-//Netscape//DTD RSS 0.91//EN" "http://x.example/rss-0.91.dtd">`
	if items, err := ParseDocument([]byte(plain + strings.TrimPrefix(rss("", `<title>T</title><link>https://a.example/</link>`), `<?xml version="1.0"?>`))); err != nil || len(items) != 1 {
		t.Errorf("a document type without entities: %d items, %v", len(items), err)
	}
}

// Of real documents nearly every entry is read, and everything that is read holds.
func TestRealDocuments(t *testing.T) {
	if testing.Short() {
		t.Skip("packs are measured in the whole run only")
	}
	for _, name := range []string{"feed_snapshots", "feedparser_tests", "rss_parser_fixtures", "payloads_all_the_things"} {
		documents, broken, entries, bad, reasons := 0, 0, 0, 0, map[string]int{}
		for file, content := range pack(t, name) {
			if ext := path.Ext(file); ext != ".xml" && ext != ".rss" && ext != ".atom" {
				continue
			}
			documents++
			items, err := ParseDocument(content)
			if err != nil {
				broken++
				if name == "feed_snapshots" {
					t.Logf("%s: %v", file, err)
				}
			}
			for _, item := range items {
				entries++
				if item.Err != nil {
					bad++
					reasons[item.Err.Error()]++
				}
				checkDraft(t, item)
			}
		}
		t.Logf("%s: %d documents (%d refused), %d entries (%d refused)", name, documents, broken, entries, bad)
		if name == "feed_snapshots" && (broken > documents/20 || bad > entries/100) {
			t.Errorf("too many refused: %v", reasons)
		}
	}
}
