package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

const (
	rssText = `<?xml version="1.0"?><rss version="2.0"><channel><title>Ours</title><link>https://ours.example/</link>
<item><title>One &amp; only</title><link>https://ours.example/rss</link><category>Iran</category><pubDate>Mon, 02 Nov 2026 10:00:00 GMT</pubDate></item>
<item><title>No address</title></item></channel></rss>`
	atomText     = `<feed xmlns="http://www.w3.org/2005/Atom"><title>Ours</title><link href="https://ours.example/"/><entry><title>A</title><link href="https://ours.example/a"/></entry></feed>`
	jsonFeedText = `{ "version": "https://jsonfeed.org/version/1.1", "title": "Ours", "home_page_url": "https://ours.example/", "items": [{"id": "1", "url": "https://ours.example/j", "title": "J"}] }`
)

// What a file of each format gives: place and text of each entry, or its error.
func TestArticlesIn(t *testing.T) {
	long := `{"title":"` + strings.Repeat("x", maxRaw) + `"}`
	for _, test := range []struct {
		name, in string
		want     []string
	}{
		{"nothing", "", nil},
		{"blank lines", "\n \r\n", nil},
		{"one line", `{"a":1}`, []string{`f:1 {"a":1}`}},
		{"lines", "{\"a\":1}\r\n\n  {\"b\":2}\n", []string{`f:1 {"a":1}`, `f:3 {"b":2}`}},
		{"a byte order mark", "\xef\xbb\xbf{\"a\":1}\n{\"b\":2}", []string{`f:1 {"a":1}`, `f:2 {"b":2}`}},
		{"a line that is broken is the server's to judge", "{\"a\":1}\n{\"b\": \n{\"c\":3}\n", []string{`f:1 {"a":1}`, `f:2 {"b":`, `f:3 {"c":3}`}},
		{"even the first", "{\"a\": \nnot json\n{\"c\":3}\n", []string{`f:1 {"a":`, `f:2 not json`, `f:3 {"c":3}`}},
		{"a long line", "{\"a\":1}\n" + long + "\n{\"c\":3}", []string{`f:1 {"a":1}`, `f:2 cannot be read: the line is longer than 4 MiB`, `f:3 {"c":3}`}},
		{"an array", " [ {\"a\": 1},\n\n {\n\"b\":\n2 }, 3 ]\n", []string{`f:1 {"a":1}`, `f:3 {"b":2}`, `f:5 3`}},
		{"an empty array", "[]", nil},
		{"an array that breaks off", "[{\"a\":1},\n{\"b\":2},\n{\"c\"", []string{`f:1 {"a":1}`, `f:2 {"b":2}`, `f:2 cannot be read from here to the end of the file: unexpected EOF`}},
		{"an array without its end", "[{\"a\":1}\n", []string{`f:1 {"a":1}`, `f:1 cannot be read from here to the end of the file: EOF`}},
		{"an array that is broken", "[{\"a\":1},\n{\"b\":!},\n{\"c\":3}]", []string{`f:1 {"a":1}`, `f:1 cannot be read from here to the end of the file: invalid character '!' looking for beginning of value`}},
		{"an object over lines", "{\n  \"a\": 1,\n  \"b\": [\n    {\"c\": 2}\n  ]\n}\n", []string{`f:1 {"a":1,"b":[{"c":2}]}`}},
		{"several of them", "{\n  \"a\": 1\n}\n  {\n  \"b\": 2\n}\n", []string{`f:1 {"a":1}`, `f:4 {"b":2}`}},
		{"escapes stay", `["\ud800\u00e9 < \"version\": \"https://jsonfeed.org/version/1"]`, []string{`f:1 "\ud800\u00e9 < \"version\": \"https://jsonfeed.org/version/1"`}},
		{"an article about JSON Feed", `{"summary":"\"version\": \"https://jsonfeed.org/version/1\""}`, []string{`f:1 {"summary":"\"version\": \"https://jsonfeed.org/version/1\""}`}},
		{"RSS", rssText, []string{ // a title is text that the server cleans once more, so it is sent escaped
			`f: entry 1 {"url":"https://ours.example/rss","title":"One \u0026amp; only","kind":"news","published_at":"2026-11-02T10:00:00Z","source":{"id":"ours-example","name":"Ours","url":"https://ours.example/"},"topics":[{"name":"Iran"}]}`,
			`f: entry 2 cannot be read: /url`}},
		{"Atom", atomText, []string{`f: entry 1 {"url":"https://ours.example/a","title":"A","kind":"news","source":{"id":"ours-example","name":"Ours","url":"https://ours.example/"}}`}},
		{"JSON Feed", jsonFeedText, []string{`f: entry 1 {"url":"https://ours.example/j","title":"J","kind":"news","source":{"id":"ours-example","name":"Ours","url":"https://ours.example/"},"external_id":"1"}`}},
		{"other XML", "<opml version=\"2.0\"><body/></opml>", []string{`f cannot be read: read document:`}},
	} {
		for _, in := range []io.Reader{strings.NewReader(test.in), iotest.OneByteReader(strings.NewReader(test.in))} {
			var got []string
			for entry, err := range articlesIn(in, "f") {
				if err != nil && !errors.Is(err, errBroken) {
					t.Errorf("%s: %v", test.name, err)
				}
				got = append(got, fmt.Sprintf("%s %s", entry.place(), text(entry, err)))
				if entry.end > int64(len(test.in)) {
					t.Errorf("%s: %s ends at %d of %d", test.name, entry.place(), entry.end, len(test.in))
				}
			}
			if len(got) != len(test.want) {
				t.Errorf("%s:\n got %.300q\nwant %.300q", test.name, got, test.want)
				continue
			}
			for i := range got {
				if !strings.HasPrefix(got[i], test.want[i]) {
					t.Errorf("%s:\n got %.300s\nwant %.300s", test.name, got[i], test.want[i])
				}
			}
		}
	}
}

func text(entry raw, err error) string {
	if err != nil {
		return err.Error()
	}
	return string(entry.text)
}

// A disk that fails ends the file with its error.
func TestArticlesInOfABadDisk(t *testing.T) {
	bad := errors.New("bad sector")
	for _, start := range []string{"", "{\"a\":1}\n", "[{\"a\":1},", "{\n \"a\":", "<rss>"} {
		var last error
		for _, last = range articlesIn(io.MultiReader(strings.NewReader(start), iotest.ErrReader(bad)), "f") {
		}
		if !errors.Is(last, bad) {
			t.Errorf("after %q: got %v, want %v", start, last, bad)
		}
	}
}
