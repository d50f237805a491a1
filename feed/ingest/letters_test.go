package ingest

import (
	"fmt"
	"testing"
)

// What Atom says is text stays letters; what it says is HTML loses its markup, and
// keeps what was escaped in it. Where nothing is said, it is text that no HTML is in.
func TestAtomTexts(t *testing.T) {
	for in, want := range map[string]string{
		`%s type="text">AT&amp;T &lt;b&gt; rises</%s>`:                                                   "AT&T <b> rises",
		`%s type="TEXT/plain">AT&amp;T &lt;b&gt; rises</%s>`:                                             "AT&T <b> rises",
		`%s>AT&amp;T &lt;b&gt; rises</%s>`:                                                               "AT&T <b> rises",
		`%s type="text">How &lt;b&gt;bold&lt;/b&gt; &amp;amp; works</%s>`:                                "How <b>bold</b> &amp; works",
		`%s>How &lt;b&gt;bold&lt;/b&gt; works</%s>`:                                                      "How bold works",
		`%s>Rock &amp;amp; roll &lt;br&gt;</%s>`:                                                         "Rock & roll",
		`%s>How <b>bold</b> works</%s>`:                                                                  "How bold works",
		`%s type="text">How <b>bold</b> works</%s>`:                                                      "How bold works",
		`%s type="text"><![CDATA[How <b>bold</b>]]> &lt;works&gt;</%s>`:                                  "How <b>bold</b> <works>",
		`%s type="html">How &lt;b&gt;bold&lt;/b&gt; works</%s>`:                                          "How bold works",
		`%s type="html">How &amp;lt;b&amp;gt; works</%s>`:                                                "How <b> works",
		`%s type="html"><![CDATA[How <b>bold</b> &lt;works&gt;]]></%s>`:                                  "How bold <works>",
		`%s type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">How <b>bold</b> &lt;b&gt;</div></%s>`: "How bold <b>",
	} {
		text := func(name string) string { return "<" + fmt.Sprintf(in, name, name) }
		d, err := ReadDocument(t.Context(), Received{Body: []byte(`<feed xmlns="http://www.w3.org/2005/Atom">` + text("title") + `<link href="https://a.example/"/>` +
			`<entry><title type="html">first</title></entry><entry><media:title xmlns:media="http://search.yahoo.com/mrss/" type="html">x</media:title>` +
			text("title") + text("summary") + text("content") + `<link href="https://a.example/1"/></entry></feed>`)})
		if err != nil {
			t.Fatal(err)
		}
		draft := d.Items[1].Draft
		if d.Title != want || draft.Title != want || draft.Summary != want || Text(draft.BodyHTML) != want {
			t.Errorf("%s is the titles %q and %q, the summary %q, the body %q, want %q", in, d.Title, draft.Title, draft.Summary, draft.BodyHTML, want)
		}
	}
}

// Titles and summaries of JSON Feed are text, and content_text is.
func TestJSONTexts(t *testing.T) {
	for in, want := range map[string]string{"AT&T <b> rises": "AT&T <b> rises", "How <b>bold</b> works": "How bold works", "Rock &amp; roll": "Rock & roll"} {
		document := fmt.Sprintf(`{"version":"https://jsonfeed.org/version/1.1","title":%q,"items":[{"id":"1","url":"https://j.example/1","title":%q,"summary":%q,"content_text":"<i>one</i>\n\ntwo &amp; three"}]}`, in, in, in)
		d, err := ReadDocument(t.Context(), Received{Body: []byte(document)})
		if err != nil {
			t.Fatal(err)
		}
		if draft := d.Items[0].Draft; d.Title != want || draft.Title != want || draft.Summary != want || Text(draft.BodyHTML) != "<i>one</i>\ntwo &amp; three" {
			t.Errorf("%s is the titles %q and %q, the summary %q, the body %q", in, d.Title, draft.Title, draft.Summary, draft.BodyHTML)
		}
	}
}
