package ingest

import (
	"html"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestPlain(t *testing.T) {
	tests := []struct{ in, want string }{
		{"", ""},
		{"Plain words", "Plain words"},
		{"AT&T <b>rises</b>", "AT&T rises"},
		{"AT&amp;T <b>rises</b>", "AT&T rises"},
		{"R&D at 3 &copy=1 &nosuch; x", "R&D at 3 &copy=1 &nosuch; x"},
		{"a < b", "a < b"},
		{"a<b", "a<b"},
		{"if a <b then", "if a <b then"},
		{"1 < 2 > 0", "1 < 2 > 0"},
		{"I <3 you", "I <3 you"},
		{"x &lt; y &gt; z", "x < y > z"},
		{"<b>N</b>orth K<i>orea</i>", "North Korea"},
		{"<p>one</p><p>two</p>three<br>four", "one two three four"},
		{"<script>alert(1)</script>Title<style>x{}</style>", "Title"},
		{"<!-- hidden -->shown<!doctype x>", "shown"},
		{"&lt;script&gt;alert(1)&lt;/script&gt;ok", "<script>alert(1)</script>ok"},
		{"&amp;lt;b&amp;gt;x", "&lt;b&gt;x"},
		{"How to use &lt;b&gt; in <i>HTML</i>", "How to use <b> in HTML"},
		{"<img src=x onerror=alert(1)>", ""},
		{"<img src=x onerror=alert(1)//", "<img src=x onerror=alert(1)//"},
		{"<<b>script>x", "<script>x"},
		{"a\x00b\x1b[0m\x7f", "ab[0m"},
		{"safe\u202egnp.exe\u202c \u2066x\u2069", "safegnp.exe x"},
		{"  a \t\n\r b\u00a0\u2003c\u2028d ", "a b c d"},
		{"Nor\u00adth\u200b K\ufefforea", "North Korea"},
		{"cafe\u0301", "café"},
		{"می‌خواهم 👩‍🚀", "می‌خواهم 👩‍🚀"},
		{"bad \xff utf", "bad \ufffd utf"},
		{"&#x202e;x&#0;&#xd800;y", "x\ufffd\ufffdy"},
		{"&lt\u037e b", "&lt; b"},
		{"“Quotes” — ‘fine’ …", "“Quotes” — ‘fine’ …"},
		{"STANDARD OIL <SRD> TO FORM <CINRAM LTD> UNIT", "STANDARD OIL <SRD> TO FORM <CINRAM LTD> UNIT"},
		{"<P.W. Stephens> &lt;BP&gt; NATIONAL INTERGROUP<NII>", "<P.W. Stephens> <BP> NATIONAL INTERGROUP<NII>"},
		{"<foo>bar</foo> <x-y>z <o:p>w <v/>x</bar>", "bar z w x"},
		{"<x onclick=alert(1)>a <y onclick>b <SCRIPT>c", "a <y onclick>b"},
		{"<title>t</title><textarea><b>x</b></textarea>", "t <b>x</b>"},
	}
	for _, test := range tests {
		got := Plain(test.in)
		if got != test.want {
			t.Errorf("Plain(%q) = %q, want %q", test.in, got, test.want)
		}
		if again := Plain(html.EscapeString(got)); again != got {
			t.Errorf("Plain(%q) = %q, and of that, escaped, %q", test.in, got, again)
		}
	}
}

// Text that was escaped without end costs little and comes to rest.
func TestPlainOfEndlessEscapes(t *testing.T) {
	for _, in := range []string{
		"&" + strings.Repeat("amp;", 10_000) + "lt;b>" + strings.Repeat("<", 10_000),
		strings.Repeat("<x>", 20_000) + "</y>",
		strings.Repeat("&lt;", 10_000) + strings.Repeat("b>", 10_000),
		strings.Repeat("<b", 20_000) + strings.Repeat(">", 20_000),
	} {
		got := Plain(in)
		if again := Plain(html.EscapeString(got)); again != got {
			t.Errorf("escaped and cleaned again: %.60q, then %.60q", got, again)
		}
	}
}

func TestText(t *testing.T) {
	got := Text("<p>North <em>Korea</em> &amp; co</p>\n<ul><li>a &lt;b&gt;</li><li>c</li></ul>")
	if want := "North Korea & co\na <b>\nc"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// page is where the bodies of the tests stand.
var page = &url.URL{Scheme: "https", Host: "www.daily.example", Path: "/news/one"}

func TestBody(t *testing.T) {
	link := ` rel="nofollow noopener" target="_blank">`
	tests := []struct{ in, want string }{
		{"", ""},
		{"plain & simple", "plain &amp; simple"},
		{"<p>one</p>\n<h2>two</h2>", "<p>one</p>\n<h2>two</h2>"},
		{"<p class=x id=y style='color:red' onclick=a()>t</p>", "<p>t</p>"},
		{"<script>alert(1)</script><p>x</p><style>p{}</style>", "<p>x</p>"},
		{`<a href="https://a.example/?x=1&y=2">t</a>`, `<a href="https://a.example/?x=1&amp;y=2"` + link + "t</a>"},
		{`<a href="javascript:alert(1)">t</a>`, "t"},
		{"<a href=\"java\nscript:alert(1)\">t</a>", "t"},
		{`<a href="&#106;avascript:alert(1)">t</a>`, "t"},
		{`<a href="/relative?a=1&utm_source=rss#part">t</a>`, `<a href="https://www.daily.example/relative?a=1#part"` + link + "t</a>"},
		{`<a href="../up">t</a> <a href="#part">u</a>`, `<a href="https://www.daily.example/up"` + link + "t</a> u"},
		{`<a href="//x.example/">t</a>`, `<a href="https://x.example/"` + link + "t</a>"},
		{`<a href="http://media.daily.example/x?fbclid=1">t</a>`, `<a href="https://media.daily.example/x"` + link + "t</a>"},
		{`<a href="http://x.example/?gclid=1&b=2">t</a>`, `<a href="http://x.example/?b=2"` + link + "t</a>"},
		{`<a href="http://daily.example:8080/">t</a>`, `<a href="http://daily.example:8080/"` + link + "t</a>"},
		{`<img src="i.png">`, `<img src="https://www.daily.example/news/i.png"/>`},
		{`a<img src="https://x.example/p.gif" width=1 height="1">b<img src="//pixel.wp.com/b.gif?x"><img src="https://x.example/q.gif" style="Display : none">c`, "abc"},
		{`<img src="https://a.example/i.png" alt="A" width="10" height="20" onload=x srcset=y>`, `<img src="https://a.example/i.png" alt="A" width="10" height="20"/>`},
		{`<img src="data:image/png;base64,AAAA">`, ""},
		{`<svg onload=alert(1)><text>x</text></svg>y`, "y"},
		{`<iframe src="https://a.example"></iframe>y`, "y"},
		{`<table><tr><td colspan="2" bgcolor=red>x</td></tr></table>`, `<table><tbody><tr><td colspan="2">x</td></tr></tbody></table>`},
		{"</div></div>out<p>open <b>bold", "out<p>open <b>bold</b></p>"},
		{"<li>x</li></ul><td>y", "<li>x</li>y"},
		{"<p>a\x00\x01\u202eb &#x202e;c</p>", "<p>ab c</p>"},
		{"<p>bad \xff</p>", "<p>bad \ufffd</p>"},
		{"<body><section><p>x</p></section></body>", "<section><p>x</p></section>"},
		{"a < b <3 &lt;b&gt;", "a &lt; b &lt;3 &lt;b&gt;"},
	}
	for _, test := range tests {
		got := Body(test.in, page)
		if got != test.want {
			t.Errorf("Body(%q) = %q, want %q", test.in, got, test.want)
		}
		if again := Body(got, page); again != got {
			t.Errorf("Body(%q) = %q, and of that %q", test.in, got, again)
		}
	}
}

// Bodies made to be slow or to grow come to rest, and lose no text. (256 KiB of
// "<p><b><i>", the worst found, takes 0.13 s of one core.)
func TestBodyOfEndlessNesting(t *testing.T) {
	for _, unit := range []string{"<div>", "<b>", "<a href=https://x.example/>", "<table>", "<p><b><i>", "</p>", "<b></p>", "<ul><li>", "<table><b>", "<h1><em>", "&lt;", "<a href=https://x.example/></p><table>"} {
		body := Body(strings.Repeat(unit, (32<<10)/len(unit))+"end", nil)
		if !strings.Contains(body, "end") || Body(body, nil) != body || len(body) > maxBalanced {
			t.Errorf("32 KiB of %q gave %d bytes: %.100q", unit, len(body), body)
		}
	}
}

func TestParagraphs(t *testing.T) {
	got := Paragraphs("one <b>\r\ntwo\n\n\n three\x00 ")
	if want := "<p>one &lt;b&gt;<br/>two</p><p>three</p>"; got != want || Body(got, nil) != want {
		t.Errorf("got %q and %q, want %q", got, Body(got, nil), want)
	}
}

func TestShorten(t *testing.T) {
	for _, test := range []struct {
		in   string
		n    int
		want string
	}{{"short", 5, "short"}, {"one two three", 9, "one two…"}, {"äöüäöüäöü", 4, "äöü…"}} {
		if got := shorten(test.in, test.n); got != test.want {
			t.Errorf("shorten(%q, %d) = %q, want %q", test.in, test.n, got, test.want)
		}
	}
}

func FuzzClean(f *testing.F) {
	for _, seed := range []string{"<b>x</b>&amp;lt;", "<a href='java\tscript:x'>", "a\u0338<b>\u0338", "&lt\u037e<svg/onload=x>", "<p><table><a href=https://x/><p>", "<<!--><script>x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		plain := Plain(s)
		if again := Plain(html.EscapeString(plain)); again != plain || !utf8.ValidString(plain) {
			t.Fatalf("Plain(%q) = %q, and of that, escaped, %q", s, plain, again)
		}
		body := Body(s, page)
		if again := Body(body, page); again != body || !utf8.ValidString(body) {
			t.Fatalf("Body(%q) = %q, and of that %q", s, body, again)
		}
		checkHarmless(t, s, body)
		if text := Text(body); !utf8.ValidString(text) {
			t.Fatalf("Text(%q) = %q", body, text)
		}
	})
}
