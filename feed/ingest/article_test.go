package ingest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"newsfeed/feed"
	"newsfeed/interests/wire"
)

// object writes an article that is good but for the members given.
func object(members string) string {
	if members != "" {
		members = "," + members
	}
	return `{"url":"https://a.example/1","title":"T"` + members + `}`
}

func one(t *testing.T, body string) Item {
	t.Helper()
	items, batch, err := ParseJSON([]byte(body))
	if err != nil || batch || len(items) != 1 {
		t.Fatalf("ParseJSON(%.100q) = %d items, %v, %v", body, len(items), batch, err)
	}
	return items[0]
}

func TestWholeArticle(t *testing.T) {
	item := one(t, `{"url":"http://News.Example:80/a?utm_source=x&b=1#c","title":" A <b>title</b> &amp; more ",
		"summary":"One\ntwo","body_html":"<p onclick=x>Body</p><script>x</script>","byline":"Ann &lt;Lee","language":"pt_BR","kind":"video",
		"published_at":"2026-05-17T23:31:04.1239+02:00","updated_at":"2026-05-18T00:00:00Z",
		"source":{"id":"ABC News","name":"ABC News","url":"https://abc.example"},
		"image":{"url":"https://i.example/a b.jpg","alt":"An <i>image</i>","width":640,"height":480},
		"topics":["North Korea",{"id":"iran","salience":0.25},{"name":"Crude  oil"}],"external_id":"x-1","status":"usable"}`)
	want := feed.Draft{
		URL: "https://news.example/a?b=1", Title: "A title & more", Summary: "One two", BodyHTML: "<p>Body</p>", Byline: "Ann <Lee",
		Language: "pt-br", Kind: feed.Video, Published: time.Date(2026, 5, 17, 21, 31, 4, 123e6, time.UTC), Updated: time.Date(2026, 5, 18, 0, 0, 0, 0, time.UTC),
		Source: feed.Source{ID: "abc-news", Name: "ABC News", URL: "https://abc.example"},
		Image:  &feed.Image{URL: "https://i.example/a%20b.jpg", Alt: "An image", Width: 640, Height: 480},
		Labels: []feed.Label{{Name: "North Korea"}, {Name: "iran", Salience: 0.25}, {Name: "Crude oil"}}, ExternalID: "x-1", Status: feed.Usable,
	}
	if diff := cmp.Diff(want, item.Draft); diff != "" || item.Err != nil {
		t.Errorf("%v\n%s", item.Err, diff)
	}
}

func TestLeastArticle(t *testing.T) {
	item := one(t, `{"url":"https://www.a.example:8443/1","title":"T","summary":null,"source":null,"image":null,"topics":null}`)
	want := feed.Draft{URL: "https://www.a.example:8443/1", Title: "T", Kind: feed.News, Source: feed.Source{ID: "www-a-example", Name: "www.a.example"}}
	if diff := cmp.Diff(want, item.Draft); diff != "" || item.Err != nil {
		t.Errorf("%v\n%s", item.Err, diff)
	}
}

// A body that is not JSON of ours is Malformed (400), wherever the fault is.
func TestMalformedArticles(t *testing.T) {
	tests := []struct{ name, body, location, message string }{
		{"empty body", ``, "", "ends too early"},
		{"malformed", `{"url":`, "/url", "ends too early"},
		{"no object", `"x"`, "", "must be an object"},
		{"unknown field", object(`"colour":"red"`), "/colour", "unknown field"},
		{"unknown field of a source", object(`"source":{"x":1}`), "/source/x", "unknown field"},
		{"unknown field of a topic", object(`"topics":[{"x":1}]`), "/topics/0/x", "unknown field"},
		{"duplicate key", object(`"title":"T"`), "/title", "duplicate key"},
		{"lone surrogate", object(`"summary":"\ud800"`), "/summary", "surrogate"},
		{"invalid UTF-8", object("\"summary\":\"\xff\""), "/summary", "invalid UTF-8"},
		{"operator for a string", `{"url":{"$gt":""},"title":"T"}`, "/url", "must be a string"},
		{"operator for a title", `{"url":"https://a.example","title":{"$gt":""}}`, "/title", "must be a string"},
		{"operator for a source", object(`"source":{"id":{"$ne":null}}`), "/source/id", "must be a string"},
		{"operator for a topic", object(`"topics":["a",{"$gt":""}]`), "/topics/1/$gt", "unknown field"},
		{"operator within a topic", object(`"topics":[{"id":{"$gt":""}}]`), "/topics/0/id", "must be a string"},
		{"number for a topic", object(`"topics":["a",5]`), "/topics/1", "must be a string or an object"},
		{"null for a topic", object(`"topics":[null]`), "/topics/0", "must be a string or an object"},
		{"number for a date", object(`"published_at":1589751064`), "/published_at", "must be a string"},
		{"string for a width", object(`"image":{"url":"https://a.example","width":"1"}`), "/image/width", "must be a number"},
		{"string for a salience", object(`"topics":[{"id":"a","salience":"1"}]`), "/topics/0/salience", "must be a number"},
		{"too deep", object(`"topics":` + strings.Repeat("[", 40) + strings.Repeat("]", 40)), "", "nests deeper than 32"},
		{"two articles", object("") + object(""), "", "is no JSON"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var bad *wire.Malformed
			if item := one(t, test.body); !errors.As(item.Err, &bad) {
				t.Fatalf("%.100q: %v, want *wire.Malformed", test.body, item.Err)
			}
			if bad.Location != test.location || !strings.Contains(bad.Message, test.message) {
				t.Errorf("%.100q: %q at %q, want %q at %q", test.body, bad.Message, bad.Location, test.message, test.location)
			}
		})
	}
}

// Bad fields are Invalid (422), with the place of each.
func TestInvalidArticles(t *testing.T) {
	tests := []struct{ name, body, location, message string }{
		{"no url", `{"title":"T"}`, "/url", "is required"},
		{"no title", `{"url":"https://a.example/"}`, "/title", "is required"},
		{"title of markup", `{"url":"https://a.example/","title":"<img src=x onerror=alert(1)>"}`, "/title", "has no text"},
		{"title of nothing visible", `{"url":"https://a.example/","title":" \u200b\u202e\u200d "}`, "/title", "has no text"},
		{"long title", `{"url":"https://a.example/","title":"` + strings.Repeat("ä", 513) + `"}`, "/title", "longer than 512 characters"},
		{"endless title", `{"url":"https://a.example/","title":"` + strings.Repeat("<b>", 1<<20) + `"}`, "/title", "longer than 512 characters"},
		{"javascript url", `{"url":"javascript:alert(1)","title":"T"}`, "/url", "must begin with https://"},
		{"url with a user", `{"url":"https://a:b@c.example/","title":"T"}`, "/url", "must not name a user"},
		{"long url", `{"url":"https://a.example/` + strings.Repeat("a", 2048) + `","title":"T"}`, "/url", "longer than 2048 bytes"},
		{"long summary", object(`"summary":"` + strings.Repeat("a", 4001) + `"`), "/summary", "longer than 4000 characters"},
		{"long body", object(`"body_html":"` + strings.Repeat("a", 256<<10+1) + `"`), "/body_html", "longer than 256 KiB"},
		{"long byline", object(`"byline":"` + strings.Repeat("a", 513) + `"`), "/byline", "longer than"},
		{"no language", object(`"language":"not a language"`), "/language", "must be a language tag"},
		{"no kind", object(`"kind":"News"`), "/kind", "must be one of"},
		{"no status", object(`"status":"draft"`), "/status", "must be"},
		{"date that is none", object(`"published_at":"yesterday"`), "/published_at", "must be a date"},
		{"impossible date", object(`"published_at":"2026-02-30T00:00:00Z"`), "/published_at", "must be a date"},
		{"date without a zone", object(`"published_at":"2026-02-03T00:00:00"`), "/published_at", "must be a date"},
		{"date of RSS", object(`"updated_at":"Mon, 02 Jan 2006 15:04:05 GMT"`), "/updated_at", "must be a date"},
		{"date before year 1", object(`"published_at":"0001-01-01T00:00:00+01:00"`), "/published_at", "must be a date"},
		{"date after year 9999", object(`"published_at":"9999-12-31T23:59:59-01:00"`), "/published_at", "must be a date"},
		{"image without url", object(`"image":{"alt":"x"}`), "/image/url", "is required"},
		{"image of data", object(`"image":{"url":"data:image/png;base64,AA"}`), "/image/url", "must begin with https://"},
		{"negative width", object(`"image":{"url":"https://a.example/","width":-1}`), "/image/width", "negative"},
		{"negative height", object(`"image":{"url":"https://a.example/","height":-1}`), "/image/height", "negative"},
		{"long external id", object(`"external_id":"` + strings.Repeat("a", 513) + `"`), "/external_id", "longer than 512 bytes"},
		{"long source id", object(`"source":{"id":"` + strings.Repeat("a", 65) + `"}`), "/source/id", "longer than 64 bytes"},
		{"source id of nothing", object(`"source":{"id":"--"}`), "/source/id", "letter or a digit"},
		{"source url", object(`"source":{"id":"a","url":"javascript:x"}`), "/source/url", "must begin"},
		{"host of nothing", `{"url":"https://_/","title":"T"}`, "/source", "is required"},
		{"51 topics", object(`"topics":[` + strings.Repeat(`"a",`, 50) + `"a"]`), "/topics", "more than 50"},
		{"topic of 10,000 characters", object(`"topics":["b","` + strings.Repeat("a", 10_000) + `"]`), "/topics/1", "longer than 128 characters"},
		{"empty topic", object(`"topics":["<b></b>"]`), "/topics/0", "is empty"},
		{"topic without name", object(`"topics":[{"salience":1}]`), "/topics/0", "is empty"},
		{"salience 0", object(`"topics":[{"id":"a","salience":0}]`), "/topics/0/salience", "over 0"},
		{"salience over 1", object(`"topics":[{"id":"a","salience":1.01}]`), "/topics/0/salience", "at most 1"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var bad *Invalid
			if item := one(t, test.body); !errors.As(item.Err, &bad) {
				t.Fatalf("%.100q: %v, want *Invalid", test.body, item.Err)
			}
			if len(bad.Fields) != 1 || bad.Fields[0].Location != test.location || !strings.Contains(bad.Fields[0].Message, test.message) {
				t.Errorf("%.100q: %q, want %q at %q", test.body, bad.Fields, test.message, test.location)
			}
		})
	}
}

func TestAllBadFieldsAreListed(t *testing.T) {
	item := one(t, `{"url":"ftp://x","kind":"x","published_at":"x","image":{"url":"x","width":-1},"topics":["",{"id":"a","salience":2}]}`)
	var bad *Invalid
	if !errors.As(item.Err, &bad) {
		t.Fatal(item.Err)
	}
	var got []string
	for _, field := range bad.Fields {
		got = append(got, field.Location)
	}
	want := []string{"/url", "/title", "/kind", "/published_at", "/image/url", "/image/width", "/topics/0", "/topics/1/salience"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Limits are inclusive, and dates of any year are taken as they are.
func TestArticlesAtTheLimits(t *testing.T) {
	for _, body := range []string{
		`{"url":"https://a.example/","title":"<p>` + strings.Repeat("ä", 512) + `</p>"}`,
		object(`"summary":"` + strings.Repeat("é", 4000) + `"`),
		object(`"body_html":"` + strings.Repeat("a", 256<<10) + `"`),
		object(`"topics":[` + strings.Repeat(`"a",`, 49) + `"` + strings.Repeat("ö", 128) + `"]`),
		object(`"topics":[{"id":"a","salience":1},{"id":"a","name":"b","salience":0.0001}]`),
		object(`"source":{"id":"` + strings.Repeat("a", 64) + `"}`),
		object(`"language":"","kind":"","status":"","published_at":""`),
	} {
		if item := one(t, body); item.Err != nil {
			t.Errorf("%.100q: %v", body, item.Err)
		}
	}
	for date, want := range map[string]string{
		"2999-01-01T00:00:00Z": "2999-01-01T00:00:00Z", "1970-01-01T00:00:00Z": "1970-01-01T00:00:00Z",
		"0001-01-01T00:00:00Z": "0001-01-01T00:00:00.001Z", "9999-12-31T23:59:59Z": "9999-12-31T23:59:59Z",
	} {
		if item := one(t, object(`"published_at":"`+date+`"`)); item.Err != nil || item.Draft.Published.Format(time.RFC3339Nano) != want {
			t.Errorf("%s: %v, %v", date, item.Draft.Published, item.Err)
		}
	}
}

func TestSources(t *testing.T) {
	for in, want := range map[string]feed.Source{
		`{}`:                          {ID: "a-example", Name: "a.example"},
		`{"name":"ABC <b>News</b>"}`:  {ID: "abc-news", Name: "ABC News"},
		`{"id":"abc-news"}`:           {ID: "abc-news", Name: "abc-news"},
		`{"id":"x","name":"\u200b"}`:  {ID: "x", Name: "x"},
		`{"url":"https://b.example"}`: {ID: "a-example", Name: "a.example", URL: "https://b.example"},
	} {
		if item := one(t, object(`"source":`+in)); item.Draft.Source != want || item.Err != nil {
			t.Errorf("%s: %+v, %v, want %+v", in, item.Draft.Source, item.Err, want)
		}
	}
}

// In a batch one that is bad spoils no other.
func TestBatch(t *testing.T) {
	body := "\n[" + strings.Join([]string{
		object(""), `5`, `{"url":"https://a.example/","title":"a","title":"b"}`, "{\"title\":\"\xff\"}", `{"title":"\udc00"}`,
		`{}`, `null`, `[]`, object(`"topics":` + strings.Repeat("[", 40) + strings.Repeat("]", 40)), object(`"kind":"live"`),
	}, ",") + "] "
	items, batch, err := ParseJSON([]byte(body))
	if err != nil || !batch || len(items) != 10 {
		t.Fatalf("%d items, %v, %v", len(items), batch, err)
	}
	for i, item := range items {
		if good := i == 0 || i == 9; item.Index != i || (item.Err == nil) != good {
			t.Errorf("item %d: index %d, %v", i, item.Index, item.Err)
		}
	}
	for _, body := range []string{`[{}`, `[{},]`, `[{} {}]`, `[{}] x`, `[}]`, `[`, `[] []`, `[{"a":}]`} {
		var bad *wire.Malformed
		if items, _, err := ParseJSON([]byte(body)); !errors.As(err, &bad) || items != nil {
			t.Errorf("ParseJSON(%q) = %v, %v", body, items, err)
		}
	}
	if items, batch, err := ParseJSON([]byte(`[]`)); len(items) != 0 || !batch || err != nil {
		t.Errorf("empty batch: %v, %v, %v", items, batch, err)
	}
}

func TestTooManyArticles(t *testing.T) {
	for n, want := range map[int]error{MaxArticles: nil, MaxArticles + 1: ErrTooMany, 1 << 20: ErrTooMany} {
		items, _, err := ParseJSON([]byte("[" + strings.Repeat("1,", n-1) + "1]"))
		if !errors.Is(err, want) || (err == nil && len(items) != n) {
			t.Errorf("%d articles: %d items, %v", n, len(items), err)
		}
	}
}

func TestLines(t *testing.T) {
	long := `{"url":"https://a.example/","title":"` + strings.Repeat("a", MaxLine) + `"}`
	exact := object(`"summary":"` + strings.Repeat("a", MaxLine-len(object(`"summary":""`))) + `"`)
	in := "\xef\xbb\xbf" + object("") + "\r\n\n  \n{broken\n" + object(`"kind":"x"`) + "\n" + long + "\n" + exact + "\n[]\n" + object(`"body_html":"`+strings.Repeat("b", 100_000)+`"`) + "\n\n" + object("")
	want := []struct {
		line int
		err  string
	}{{1, ""}, {4, "is no JSON"}, {5, "/kind"}, {6, "longer than 8 MiB"}, {7, "/summary is longer"}, {8, "must be an object"}, {9, ""}, {11, ""}}
	for name, r := range map[string]io.Reader{"whole": strings.NewReader(in), "data with EOF": iotest.DataErrReader(strings.NewReader(in)), "in halves": iotest.HalfReader(strings.NewReader(in))} {
		lines := NewLines(r)
		for i, want := range want {
			item, err := lines.Next()
			if err != nil || item.Index != i || item.Line != want.line || (item.Err == nil) != (want.err == "") || !strings.Contains(fmt.Sprint(item.Err), want.err) && want.err != "" {
				t.Fatalf("%s, item %d: index %d, line %d, %v, %v, want %+v", name, i, item.Index, item.Line, item.Err, err, want)
			}
		}
		for range 2 {
			if item, err := lines.Next(); !errors.Is(err, io.EOF) {
				t.Errorf("%s: %+v, %v after the end", name, item, err)
			}
		}
	}
}

func TestLinesOfBrokenConnection(t *testing.T) {
	broken := errors.New("connection reset")
	lines := NewLines(io.MultiReader(strings.NewReader(object("")+"\n"+object("")), iotest.ErrReader(broken)))
	if item, err := lines.Next(); err != nil || item.Err != nil {
		t.Fatal(item.Err, err)
	}
	if item, err := lines.Next(); !errors.Is(err, broken) {
		t.Errorf("got %+v, %v: a line that was cut off must not count", item, err)
	}
}

// checkDraft fails on what no draft may have, whatever came in.
func checkDraft(t *testing.T, item Item) {
	t.Helper()
	var malformed *wire.Malformed
	var invalid *Invalid
	if item.Err != nil {
		if !errors.As(item.Err, &malformed) && !errors.As(item.Err, &invalid) {
			t.Fatalf("error %v", item.Err)
		}
		return
	}
	d := item.Draft
	canonical, err := feed.CanonicalURL(d.URL)
	if err != nil || canonical != d.URL || isEmpty(d.Title) || d.Source.ID == "" || d.Source.Name == "" || d.Kind == "" {
		t.Fatalf("draft %+v: %v", d, err)
	}
	for _, s := range []string{d.Title, d.Summary, d.Byline, d.Source.Name} {
		if !utf8.ValidString(s) || Plain(html.EscapeString(s)) != s {
			t.Fatalf("text %q is not plain", s)
		}
	}
	if b, err := json.Marshal(d); err != nil || !utf8.Valid(b) {
		t.Fatal(err)
	}
	checkHarmless(t, "", d.BodyHTML)
}

func FuzzParseJSON(f *testing.F) {
	f.Add([]byte(object(`"topics":["a",{"id":"b","salience":0.5}],"image":{"url":"https://a.example/"}`)))
	f.Add([]byte(`[` + object("") + `,{"a":"\ud800"},5]`))
	f.Add([]byte(`{"standard":{"name":"ninjs"},"uri":"https://a.example/","headlines":[{"value":"x"}],"renditions":{"a":{"href":"https://x/"}}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		items, _, err := ParseJSON(b)
		if err != nil && items != nil {
			t.Fatal("items and an error")
		}
		for _, item := range items {
			checkDraft(t, item)
		}
	})
}

func FuzzLines(f *testing.F) {
	f.Add([]byte(object("") + "\n\r\n{\n" + object("")))
	f.Fuzz(func(t *testing.T, b []byte) {
		lines := NewLines(bytes.NewReader(b))
		for n := 0; ; n++ {
			item, err := lines.Next()
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil || item.Index != n || n > bytes.Count(b, []byte("\n")) {
				t.Fatalf("item %d: %+v, %v", n, item, err)
			}
			checkDraft(t, item)
		}
	})
}

func BenchmarkParseJSON(b *testing.B) {
	paragraph := `<p>North Korea fired two <em>ballistic</em> missiles into the sea on Sunday, South Korea&#39;s military said; Japan &amp; the <a href=\"https://a.example/x?a=1\">United States</a> condemned it.</p>`
	body := []byte(object(`"summary":"North Korea fired two missiles, Seoul said.","body_html":"` + strings.Repeat(paragraph, 13) + `","language":"en","published_at":"2026-05-17T21:31:04Z","topics":["North Korea","missiles"]`))
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if items, _, err := ParseJSON(body); err != nil || items[0].Err != nil {
			b.Fatal(err, items)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "articles/s")
}
