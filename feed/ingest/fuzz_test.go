package ingest

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// worstFile is where the fuzzers, which run in processes of their own, tell the
// costliest input they met.
var worstFile = flag.String("fuzz.worst", "", "file to which fuzzers append the costliest inputs they meet")

// costs are what an input cost, by the fuzzer that met it.
var costs struct {
	mu    sync.Mutex // guards worst
	worst time.Duration
}

// costly notes what an input cost and fails on what is beyond all bounds.
func costly(t *testing.T, what string, size int, took time.Duration) {
	t.Helper()
	if took > mostTime {
		t.Fatalf("%s of %d bytes took %s", what, size, took)
	}
	costs.mu.Lock()
	defer costs.mu.Unlock()
	if took <= costs.worst || *worstFile == "" {
		return
	}
	costs.worst = took
	file, err := os.OpenFile(*worstFile, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	fmt.Fprintf(file, "%s\t%s\t%d bytes\n", took, what, size)
}

// What passes the pre-scan is parsed within bounds.
func FuzzPrescan(f *testing.F) {
	f.Add([]byte(rss("", "<title>T</title>")), "text/xml; charset=utf-8")
	f.Add([]byte("<!DOCTYPE rss [<!ENTITY a 'b'>]><rss/>"), "")
	f.Add([]byte("<x xmlns:a='b' xmlns:c='d'><a:x a='b'/><!----><![CDATA[x]]></x>"), "application/xml; charset=windows-1251")
	f.Add([]byte(`{"a":[{"b":[]}]}`), "")
	f.Fuzz(func(t *testing.T, b []byte, contentType string) {
		began := cpuTime()
		in, _ := decode(context.Background(), b, contentType)
		if texts, err := prescan(context.Background(), in.text); err == nil {
			_, _ = parseDocument(context.Background(), in.text, texts)
		}
		costly(t, "pre-scan and parser", len(b), cpuTime()-began)
	})
}

// fuzzDocument reads a document and checks all that is made of it. Repeated, what
// is quadratic shows.
func fuzzDocument(t *testing.T, b []byte) {
	began := cpuTime()
	document, err := ReadDocument(context.Background(), Received{Body: b, URL: "https://hostile.example/feed"})
	costly(t, "document", len(b), cpuTime()-began)
	if err != nil && document.Items != nil {
		t.Fatal("items and an error")
	}
	for _, item := range document.Items {
		checkDraft(t, item)
		if item.Draft.Status != "" {
			t.Fatalf("a document said %q", item.Draft.Status)
		}
	}
}

func FuzzRSS(f *testing.F) {
	f.Add([]byte(rss("", `<title>T</title><link>https://a.example/</link><media:thumbnail url="https://x.example/"/>`)))
	f.Add([]byte(rss("<ttl>5</ttl>", `<title><![CDATA[<b>T</b>]]></title><guid isPermaLink="true">https://a.example/</guid><pubDate>Sun, 17 May 2020 21:31:04 +0200</pubDate><enclosure url="https://x.example/a.mp3" type="audio/mpeg" length="1"/>`)))
	f.Add([]byte(`<rss version="0.91"><channel><item><description>&lt;p&gt;x&lt;img src="/i.png"&gt;</description><link>/a</link></item>`))
	f.Fuzz(fuzzDocument)
}

func FuzzRDF(f *testing.F) {
	f.Add([]byte(`<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"><channel><title>C</title></channel><item rdf:about="x"><title>T</title><link>https://a.example/</link></item></rdf:RDF>`))
	f.Fuzz(fuzzDocument)
}

func FuzzAtom(f *testing.F) {
	f.Add([]byte(`<feed xmlns="http://www.w3.org/2005/Atom" xml:base="https://b.example/"><entry><title type="html">T&amp;lt;</title><link href="/1"/><content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>B</p></div></content><updated>2026-05-18T21:00:00Z</updated></entry></feed>`))
	f.Add([]byte(`<feed version="0.3" xmlns="http://purl.org/atom/ns#"><entry><title mode="base64">VA==</title><id>https://a.example/</id><author><name>A</name></author></entry>`))
	f.Fuzz(fuzzDocument)
}

func FuzzJSONFeed(f *testing.F) {
	f.Add([]byte(`{"version":"https://jsonfeed.org/version/1.1","title":"J","items":[{"id":"1","url":"https://a.example","title":"T","content_html":"<p>B</p>","attachments":[{"url":"https://x.example/","mime_type":"audio/mpeg"}],"authors":[{"name":"A"}]}]}`))
	f.Add([]byte(`{"version":"https://jsonfeed.org/version/1","items":[null,{"id":1,"date_published":"2026-05-18T21:00:00Z"}]}`))
	f.Fuzz(fuzzDocument)
}

// dateForms are dates as publishers write them, right and wrong: the fuzzer needs one
// of each kind to find its way into the forms that are tried.
var dateForms = []string{
	"Sun, 17 May 2020 21:31:04 +0200", "Sun, 17 May 2020 21:31:04 GMT", "Sun, 17 May 20 21:31 EST", "17 May 2020 21:31:04 PDT", "Sunday, 17-May-20 21:31:04 UTC",
	"Sun May 17 21:31:04 2020", "Sun May 17 21:31:04 UTC 2020", "Sunday, May 17, 2020 9:31 PM", "May 17, 2020, 09:31 AM", "17.05.2020 21:31", "17/05/2020", "05/17/2020 09:31:04 PM",
	"2020-05-17T21:31:04Z", "2020-05-17T21:31:04.123456789+05:45", "2020-05-17T21:31Z", "2020-05-17 21:31:04 -0700", "2020-05-17T21:31:04+0000", "2020-05-17", "2020-05", "2020", "20200517", "20200517T213104Z",
	"2020-W20-7", "2020-138", "-2020-05-17", "--05-17", "9999-12-31T23:59:60Z", "10000-01-01T00:00:00Z", "0000-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00",
	"2020-02-30T24:00:00Z", "2020-05-17T21:31:04+99:99", "Thu, 01 Jan 1970 00:00:00 GMT", "Thu, 31 Dec 1969 23:59:59 -0000", "Sun, 17 Mai 2020 21:31:04 +0200", "dim., 17 mai 2020 21:31:04 +0200",
	"1589750000", "1589750000000", " Sun,  17  May  2020 ", "2020\u201105\u201117", "٢٠٢٠-٠٥-١٧", "Sun, 17 May 2020 21:31:04 +0200 (CEST)", "Sun, 17 May 2020 21:31:04 XYZ", "now", "",
}

// A date of whatever form gives none, or one that RFC 3339 can say and that can be
// read again; in RSS, Atom and JSON Feed, whose parsers differ.
func FuzzDates(f *testing.F) {
	for _, date := range dateForms {
		f.Add(date, "")
		f.Add("", date)
	}
	f.Add("2020-05-17T21:31:04Z", "Sun, 17 May 2020 21:31:04 +0200")
	f.Fuzz(func(t *testing.T, published, updated string) {
		p, u := escapedXML(published), escapedXML(updated)
		asJSON, _ := json.Marshal(map[string]any{"version": "https://jsonfeed.org/version/1.1", "title": "J", "items": []any{
			map[string]string{"id": "https://a.example/", "title": "T", "date_published": published, "date_modified": updated},
		}}, jsontext.AllowInvalidUTF8(true))
		for _, document := range []string{
			rss("", `<title>T</title><link>https://a.example/</link><pubDate>`+p+`</pubDate><dc:date>`+u+`</dc:date><dcterms:modified>`+u+`</dcterms:modified>`),
			rss("", `<title>T</title><link>https://a.example/</link><dcterms:issued>`+p+`</dcterms:issued><atom:updated>`+u+`</atom:updated>`),
			`<feed xmlns="http://www.w3.org/2005/Atom"><title>A</title><entry><title>T</title><link href="https://a.example/"/><published>` + p + `</published><updated>` + u + `</updated></entry></feed>`,
			`<feed version="0.3" xmlns="http://purl.org/atom/ns#"><entry><title>T</title><link href="https://a.example/"/><issued>` + p + `</issued><modified>` + u + `</modified></entry></feed>`,
			string(asJSON),
		} {
			began := cpuTime()
			d, err := ReadDocument(context.Background(), Received{Body: []byte(document)})
			costly(t, "date", len(document), cpuTime()-began)
			if err != nil {
				continue
			}
			for _, item := range d.Items {
				checkDate(t, document, item.Draft.Published)
				checkDate(t, document, item.Draft.Updated)
			}
		}
	})
}

func escapedXML(s string) string { return strings.NewReplacer("<", "&lt;", "&", "&amp;").Replace(s) }

func checkDate(t *testing.T, document string, at time.Time) {
	t.Helper()
	if again, err := time.Parse(time.RFC3339Nano, at.Format(time.RFC3339Nano)); err != nil || !again.Equal(at) {
		t.Fatalf("%s became %s, and that %s, %v", document, at, again, err)
	}
}
