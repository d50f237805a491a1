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

// A date of whatever form gives none, or one that RFC 3339 can say and that can be
// read again.
func FuzzDates(f *testing.F) {
	for _, date := range []string{"Sun, 17 May 2020 21:31:04 +0200", "2020-05-17T21:31:04Z", "17/05/2020", "9999-12-31T23:59:60Z", "Thu, 01 Jan 1970 00:00:00 GMT"} {
		f.Add(date)
	}
	f.Fuzz(func(t *testing.T, date string) {
		date = strings.NewReplacer("<", "&lt;", "&", "&amp;").Replace(date)
		began := cpuTime()
		document, err := ReadDocument(context.Background(), Received{Body: []byte(rss("", `<title>T</title><link>https://a.example/</link><pubDate>`+date+`</pubDate><dc:date>`+date+`</dc:date><dcterms:modified>`+date+`</dcterms:modified>`))})
		costly(t, "date", len(date), cpuTime()-began)
		if err != nil {
			return
		}
		for _, item := range document.Items {
			for _, at := range []time.Time{item.Draft.Published, item.Draft.Updated} {
				if again, err := time.Parse(time.RFC3339Nano, at.Format(time.RFC3339Nano)); err != nil || !again.Equal(at) {
					t.Fatalf("%q became %s, and that %s, %v", date, at, again, err)
				}
			}
		}
	})
}
