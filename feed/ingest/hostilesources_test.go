package ingest

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"flag"
	"fmt"
	"html"
	"maps"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"
)

// HostileSource is an answer that is made to harm.
type HostileSource struct {
	Name   string
	Body   []byte
	Header map[string]string
}

// payloadsOf are the lines and files of the packs of payloads, in order.
func payloadsOf(t *testing.T) []string {
	t.Helper()
	payloads := map[string]bool{}
	for _, name := range []string{"payloads_all_the_things", "blns"} {
		for _, content := range pack(t, name) {
			if len(content) < maxBody {
				payloads[string(content)] = true
			}
			for line := range strings.SplitSeq(string(content), "\n") {
				payloads[line] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(payloads))
}

// payloadsEach is how many payloads stand in one document.
const payloadsEach = 60

var payloadDocuments = flag.Int("hostile.payloads", 6, "documents of payloads among the hostile sources; 0: all")

// made are the hostile sources, once made: two tests use them.
var made []HostileSource

// hostileSources makes them: bombs, mad fields, broken encodings, and every
// payload of the packs as title, link, summary and body.
func hostileSources(t *testing.T) []HostileSource {
	t.Helper()
	if made != nil {
		return slices.Clone(made)
	}
	var all []HostileSource
	for _, make := range []func() []HostileSource{bombs, longFields, madDates, madAddresses, madEncodings, madPackings, madJSON, duplicates} {
		all = append(all, make()...)
	}
	i := 0
	for some := range slices.Chunk(payloadsOf(t), payloadsEach) {
		if *payloadDocuments > 0 && i == *payloadDocuments {
			break
		}
		all = append(all, payloadDocument(fmt.Sprintf("payloads %d", i), some))
		i++
	}
	made = all
	return slices.Clone(made)
}

// payloadDocument has each payload in an item of its own, in all its places; and
// in one more as the link.
func payloadDocument(name string, payloads []string) HostileSource {
	var b strings.Builder
	for i, p := range payloads {
		cdata := "<![CDATA[" + strings.ReplaceAll(p, "]]>", "]]]]><![CDATA[>") + "]]>"
		fmt.Fprintf(&b, "<item><title>%s</title><link>https://%s.example/%d</link><description>%s</description><content:encoded>%s</content:encoded>", cdata, strings.ReplaceAll(name, " ", "-"), i, html.EscapeString(p), cdata)
		fmt.Fprintf(&b, "<dc:creator>%s</dc:creator><category>%s</category><media:thumbnail url=\"%s\"/></item>", cdata, cdata, html.EscapeString(p))
		fmt.Fprintf(&b, "<item><title>Link</title><link>%s</link><guid>%s</guid><description>x</description></item>", cdata, cdata)
	}
	return HostileSource{Name: name, Body: channel(b.String())}
}

func channel(items string) []byte {
	return []byte(`<?xml version="1.0"?><rss version="2.0" xmlns:media="http://search.yahoo.com/mrss/" xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:atom="http://www.w3.org/2005/Atom">` +
		`<channel><title>Hostile</title><link>https://hostile.example/</link>` + items + `</channel></rss>`)
}

func item(fields string) string {
	return `<item><title>T</title><link>https://hostile.example/1</link>` + fields + `</item>`
}

func atomOf(entries string) []byte {
	return []byte(`<feed xmlns="http://www.w3.org/2005/Atom"><title>H</title><link href="https://hostile.example/"/>` + entries + `</feed>`)
}

// counted repeats a format with a counter.
func counted(n int, format string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

func bombs() []HostileSource {
	laughs := `<!ENTITY l0 "ha">`
	for i := range 10 {
		laughs += fmt.Sprintf(`<!ENTITY l%d "%s">`, i+1, strings.Repeat(fmt.Sprintf("&l%d;", i), 10))
	}
	subset := func(inner, use string) []byte {
		return append([]byte(`<!DOCTYPE rss [`+inner+`]>`), bytes.TrimPrefix(channel(item("<description>"+use+"</description>")), []byte(`<?xml version="1.0"?>`))...)
	}
	repeat := strings.Repeat
	bodies := map[string][]byte{
		"billion laughs":          subset(laughs, "&l10;"),
		"quadratic blow-up":       subset(`<!ENTITY a "`+repeat("x", 100_000)+`">`, repeat("&a;", 10_000)),
		"external entity":         subset(`<!ENTITY x SYSTEM "file:///etc/passwd">`, "&x;"),
		"entity over http":        subset(`<!ENTITY x SYSTEM "http://127.0.0.1/">`, "&x;"),
		"parameter entity":        subset(`<!ENTITY % p SYSTEM "http://127.0.0.1/e.dtd"> %p;`, "x"),
		"entity over php":         subset(`<!ENTITY x SYSTEM "php://filter/read=convert.base64-encode/resource=/etc/passwd">`, "&x;"),
		"public entity":           subset(`<!ENTITY x PUBLIC "a" "ftp://127.0.0.1/x">`, "&x;"),
		"many entities":           subset(counted(50_000, `<!ENTITY e%d "x">`), "x"),
		"attribute lists":         subset(`<!ATTLIST item a CDATA "`+repeat("x", 1<<20)+`">`, "x"),
		"notations":               subset(counted(10_000, `<!NOTATION n%d SYSTEM "x">`), "x"),
		"external DTD":            append([]byte(`<!DOCTYPE rss SYSTEM "http://127.0.0.1/evil.dtd">`), channel(item(""))[21:]...),
		"XInclude":                channel(item(`<description><xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="file:///etc/passwd" parse="text"/></description>`)),
		"stylesheet":              append([]byte(`<?xml version="1.0"?><?xml-stylesheet href="javascript:alert(1)" type="text/xsl"?>`), channel(item(""))[21:]...),
		"nested xmlns":            channel(counted(6000, `<n%d xmlns:a="b">`)),
		"nested prefixes":         channel(counted(9000, `<x xmlns:p%d="urn:x">`)),
		"wide xmlns":              channel("<x " + counted(20_000, ` xmlns:p%d="urn:x"`) + "/>"),
		"xmlns for each":          channel(repeat("<x "+counted(30, ` xmlns:p%d="urn:x"`)+"/>", 10_000)),
		"long namespace":          channel(`<x xmlns:p="` + repeat("u", 2<<20) + `">` + repeat("<p:y/>", 10_000)),
		"namespaces in scope":     channel("<x " + counted(32, ` xmlns:p%d="urn:x"`) + ">" + repeat("<y/>", 200_000) + "</x>"),
		"deep elements":           channel(repeat("<a>", 1_000_000)),
		"deep extension":          channel(item(repeat("<media:group>", 500_000))),
		"deep below the bound":    channel(item(repeat("<media:group>", 90) + repeat("</media:group>", 90))),
		"deep content":            atomOf(`<entry><content type="xhtml">` + repeat("<div>", 500_000)),
		"many attributes":         channel("<x " + counted(100_000, ` a%d=""`) + "/>"),
		"equal attributes":        channel("<x " + repeat(` a=""`, 100_000) + "/>"),
		"long attribute":          channel(`<x a="` + repeat("x", 4<<20) + `"/>`),
		"long name":               channel("<" + repeat("x", 4<<20) + "/>"),
		"many elements":           channel(repeat("<x/>", 2_000_000)),
		"many extensions":         channel(item(repeat("<media:x/>", 1_000_000))),
		"many extensions allowed": channel(repeat(item(repeat("<media:x/>", 39)), 1000)),
		"many items":              channel(repeat("<item/>", 1_000_000)),
		"items allowed":           channel(counted(10_000, "<item><title>T</title><link>https://hostile.example/%d</link></item>")),
		"pieces by comments":      channel(item("<media:x>" + repeat("y", 4<<20) + repeat("<!---->y", 100_000) + "</media:x>")),
		"pieces by CDATA":         channel(item("<media:x>" + repeat("<![CDATA[yyyyyyyy]]>", 190_000) + "</media:x>")),
		"comment without end":     channel("<!--" + repeat("-", 8<<20)),
		"CDATA without end":       channel("<item><title><![CDATA[" + repeat("]", 8<<20)),
		"tag without end":         channel("<item " + repeat("a", 8<<20)),
		"instructions":            channel(repeat("<?x y?>", 1_000_000)),
		"ampersands":              channel(item("<description>" + repeat("&", 1<<20) + "</description>")),
		"unknown entities":        channel(item("<description>" + repeat("&nope;", 300_000) + "</description>")),
		"escaped without end":     channel(item("<description>&" + repeat("amp;", 400_000) + "lt;</description>")),
		"less-thans":              channel(item("<description>" + repeat("&lt;", 400_000) + "</description>")),
		"closing tags":            channel(repeat("</x>", 500_000)),
		"null bytes":              channel(item(repeat("\x00", 4<<20))),
		"all white":               append(bytes.Repeat([]byte(" "), 7<<20), channel(item(""))...),
		"almost 8 MiB":            channel(repeat("<item><description>"+repeat("word ", 20_000)+"</description></item>", 80)),
		"more than 8 MiB":         channel(repeat("x", 17<<20)),
		"html as document":        []byte("<!doctype html><html>" + repeat("<div>", 100_000)),
		"svg as document":         []byte(`<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(1)</script></svg>`),
		"xslt as document":        []byte(`<xsl:stylesheet xmlns:xsl="http://www.w3.org/1999/XSL/Transform" version="1.0"><xsl:template match="/"><xsl:copy-of select="document('/etc/passwd')"/></xsl:template></xsl:stylesheet>`),
		"SOAP as document":        []byte(`<Envelope><Body><feed/></Body></Envelope>`),
		"two roots":               append(channel(item("")), channel(item(""))...),
		"nothing":                 {},
		"only a mark":             []byte("\xef\xbb\xbf"),
		"random bytes":            noise(1 << 20),
	}
	for _, unit := range []string{"<div>", "<b>", "<p><b><i>", "<table><b>", "<a href=https://x.example/>", "<h1><em>", "<ul><li>", "<svg><math>", "<select><option>", "</p>", "<b></p>", "<!--<p>", "<textarea><plaintext>", "<a href=https://x.example/></p><table>"} {
		bodies["body of "+unit] = channel(item("<content:encoded><![CDATA[" + repeat(unit, 250_000/len(unit)) + "]]></content:encoded>"))
		bodies["Atom content of "+unit] = atomOf(`<entry><title>T</title><link href="https://hostile.example/1"/><content type="html">` + html.EscapeString(repeat(unit, 1_500_000/len(unit))) + "</content></entry>")
	}
	return sourcesOf(bodies)
}

func sourcesOf(bodies map[string][]byte) []HostileSource {
	var all []HostileSource
	for _, name := range slices.Sorted(maps.Keys(bodies)) {
		all = append(all, HostileSource{Name: name, Body: bodies[name]})
	}
	return all
}

// noise is bytes without order, always the same.
func noise(n int) []byte {
	b, x := make([]byte, n), uint32(1)
	for i := range b {
		x = x*1664525 + 1013904223
		b[i] = byte(x >> 24)
	}
	return b
}

func longFields() []HostileSource {
	long := strings.Repeat("x", 1<<20)
	bodies := map[string][]byte{
		"10,000 categories": channel(item(strings.Repeat("<category>c</category>", 10_000))),
		"10,000 enclosures": channel(item(strings.Repeat(`<enclosure url="https://x.example/a.mp3" type="audio/mpeg"/>`, 10_000))),
		"10,000 authors":    atomOf(`<entry><title>T</title><link href="https://hostile.example/1"/>` + strings.Repeat("<author><name>a</name></author>", 10_000) + "</entry>"),
		"10,000 links":      atomOf(`<entry><title>T</title>` + strings.Repeat(`<link href="https://hostile.example/1"/>`, 10_000) + "</entry>"),
		"10,000 titles":     channel("<item>" + strings.Repeat("<title>t</title>", 10_000) + "</item>"),
		"mad ttl":           channel("<ttl>99999999999999999999</ttl>" + item("")),
		"negative ttl":      channel("<ttl>-1</ttl>" + item("")),
	}
	for _, field := range []string{"title", "link", "guid", "description", "pubDate", "category", "author", "dc:creator", "content:encoded", "media:title", "comments", "source"} {
		bodies["long "+field] = channel("<item><title>T</title><link>https://hostile.example/1</link><" + field + ">" + long + "</" + field + "></item>")
	}
	return sourcesOf(bodies)
}

func madDates() []HostileSource {
	bodies := map[string][]byte{}
	for i, date := range []string{"0000-00-00T00:00:00Z", "9999-12-31T23:59:59Z", "99999-01-01T00:00:00Z", "-0001-01-01T00:00:00Z", "2026-02-30T25:61:61Z", "1e308",
		"Thu, 32 Foo 2026 99:99:99 +9999", "Mon, 01 Jan 0001 00:00:00 GMT", strings.Repeat("9", 100_000), strings.Repeat("Jan ", 50_000), "12/31/1999 11:59 PM", "NaN", "2026-W54-8", "0", "%00", "۲۰۲۶-۰۱-۰۱"} {
		bodies[fmt.Sprintf("mad date %d", i)] = channel(item("<pubDate>"+date+"</pubDate><dc:date>"+date+"</dc:date>") + item("<atom:updated>"+date+"</atom:updated>"))
		bodies[fmt.Sprintf("mad Atom date %d", i)] = atomOf(`<entry><title>T</title><link href="https://hostile.example/1"/><published>` + date + "</published><updated>" + date + "</updated></entry>")
	}
	long := strings.Repeat("x", maxDate) // as many as the parser tries in all forms
	bodies["dates at the bound"] = channel(counted(5000, `<item><title>T</title><link>https://hostile.example/%d</link><pubDate>`+long+`</pubDate><dc:date>`+long+`</dc:date></item>`))
	bodies["JSON dates at the bound"] = []byte(`{"version":"https://jsonfeed.org/version/1","items":[` + strings.TrimSuffix(counted(5000, `{"id":"https://hostile.example/%d","date_published":"`+long+`","date_modified":"`+long+`"},`), ",") + `]}`)
	return sourcesOf(bodies)
}

func madAddresses() []HostileSource {
	bodies := map[string][]byte{}
	for i, address := range []string{"javascript:alert(1)", "JaVaScRiPt:alert(1)", "java\tscript:alert(1)", "data:text/html,<script>alert(1)</script>", "vbscript:x", "file:///etc/passwd", "ftp://x.example/", "//",
		"http://", "https:///x", "http://user:pass@x.example/", "http://x.example:99999/", "http://[::1", "http://x.example/\x01", "http://" + strings.Repeat("a.", 2000) + "example/", "https://x.example/" + strings.Repeat("a", 10_000),
		"http://аррӏе.example/", "http://x.example/%00", `http:\\x.example\`, "http://x.example/?" + strings.Repeat("a=b&", 10_000), "about:blank", "blob:https://x.example/1", "https:x.example", "\u202ehttp://x.example/"} {
		a := html.EscapeString(address)
		bodies[fmt.Sprintf("mad address %02d", i)] = channel(`<item><title>T</title><link>` + a + `</link></item>` +
			item(`<enclosure url="`+a+`" type="image/png"/><media:content url="`+a+`" medium="image"/><content:encoded>`+html.EscapeString(`<a href="`+a+`">x</a><img src="`+a+`">`)+`</content:encoded>`) +
			`<item><title>T</title><guid isPermaLink="true">` + a + `</guid></item><link>` + a + `</link>`)
	}
	return sourcesOf(bodies)
}

func madEncodings() []HostileSource {
	plain := string(channel(item("<description>ä</description>")))
	wide := func(order binary.AppendByteOrder) []byte {
		var b []byte
		for _, u := range utf16.Encode([]rune(plain)) {
			b = order.AppendUint16(b, u)
		}
		return b
	}
	declare := func(name string) []byte {
		return []byte(strings.Replace(plain, `version="1.0"`, `version="1.0" encoding="`+name+`"`, 1))
	}
	bodies := map[string][]byte{
		"UTF-16LE without a mark": wide(binary.LittleEndian), "UTF-16BE without a mark": wide(binary.BigEndian),
		"half a UTF-16 unit": append(wide(binary.LittleEndian), 0x41), "a mark of UTF-32": append([]byte("\x00\x00\xfe\xff"), plain...),
		"UTF-16 of noise": append([]byte("\xff\xfe"), noise(1<<20)...), "UTF-7": []byte("+ADw-script+AD4-alert(1)+ADw-/script+AD4-"),
		"overlong UTF-8": []byte(strings.Replace(plain, "ä", "\xc0\xbcscript\xc0\xbe", 1)), "surrogates": []byte(strings.Replace(plain, "ä", "\xed\xa0\x80", 1)),
		"control characters": []byte(strings.Replace(plain, "ä", "\x01\x02\x1b\u0085\u2028\u202e\ufffe", 1)),
	}
	for _, name := range []string{"utf-7", "utf-16", "utf-32", "iso-2022-jp", "hz-gb-2312", "x-user-defined", "ebcdic-cp-us", "replacement", "../../etc/passwd", strings.Repeat("x", 10_000), "&x;", ""} {
		bodies[fmt.Sprintf("declared %.20q", name)] = declare(name)
	}
	all := sourcesOf(bodies)
	for _, name := range []string{"utf-16", "utf-7", "iso-2022-kr", strings.Repeat("y", 5000), "\"", "utf-8; charset=utf-16"} {
		all = append(all, HostileSource{Name: fmt.Sprintf("charset %.20q", name), Body: []byte(plain), Header: map[string]string{"Content-Type": "text/xml; charset=" + name}})
	}
	return all
}

func madPackings() []HostileSource {
	packed := func(b []byte) []byte {
		var out bytes.Buffer
		w := gzip.NewWriter(&out)
		_, _ = w.Write(b)
		_ = w.Close()
		return out.Bytes()
	}
	good := channel(item(""))
	zeros := packed(make([]byte, 32<<20))
	packing := map[string]string{"Content-Encoding": "gzip"}
	return []HostileSource{
		{"zip bomb", zeros, packing},
		{"zip bomb of spaces before a document", packed(append(bytes.Repeat([]byte(" "), 7<<20), good...)), packing},
		{"zip in a zip", packed(zeros), packing},
		{"zip cut off", packed(good)[:40], packing},
		{"zip with noise behind", append(packed(good), noise(1000)...), packing},
		{"zip of many members", bytes.Repeat(packed([]byte(" ")), 50_000), packing},
		{"no zip", good, packing},
		{"deflate", good, map[string]string{"Content-Encoding": "deflate"}},
		{"brotli", good, map[string]string{"Content-Encoding": "br"}},
		{"packed twice, it says", packed(packed(good)), map[string]string{"Content-Encoding": "gzip, gzip"}},
		{"great validators", good, map[string]string{"Etag": `"` + strings.Repeat("e", 30_000) + `"`, "Last-Modified": strings.Repeat("l", 20_000)}},
		{"great header", good, map[string]string{"X-Great": strings.Repeat("x", 200_000)}},
		{"mad Cache-Control", good, map[string]string{"Cache-Control": "max-age=99999999999999999999, max-age=-1", "Retry-After": "99999999999999999999"}},
	}
}

func madJSON() []HostileSource {
	head := `{"version":"https://jsonfeed.org/version/1.1","title":"J","items":`
	repeat := strings.Repeat
	return sourcesOf(map[string][]byte{
		"JSON: deep arrays":      []byte(head + repeat("[", 1_000_000)),
		"JSON: deep objects":     []byte(head + repeat(`{"a":`, 500_000)),
		"JSON: many values":      []byte(head + "[0" + repeat(",0", 4_000_000) + "]}"),
		"JSON: many items":       []byte(head + `[{"id":"1"}` + repeat(`,{"id":"1"}`, 500_000) + "]}"),
		"JSON: many names":       []byte(head + "[{" + counted(300_000, `"n%d":0,`) + `"id":"1"}]}`),
		"JSON: equal names":      []byte(head + "[{" + repeat(`"id":"1",`, 300_000) + `"id":"1"}]}`),
		"JSON: long string":      []byte(head + `[{"id":"1","url":"https://hostile.example/1","content_html":"` + repeat("x", 7<<20) + `"}]}`),
		"JSON: long number":      []byte(head + `[{"id":` + repeat("9", 7<<20) + `}]}`),
		"JSON: surrogates":       []byte(head + `[{"id":"\ud800","url":"https://hostile.example/1","title":"\udfff\ud800"}]}`),
		"JSON: wrong types":      []byte(head + `{"id":[],"title":{}}}`),
		"JSON: null items":       []byte(head + `[null,null,{"id":null,"authors":[null],"attachments":[null],"tags":null}]}`),
		"JSON: cut off":          []byte(head + `[{"id":"1"`),
		"JSON: script as a body": []byte(head + `[{"id":"1","url":"https://hostile.example/1","title":"<script>alert(1)</script>","content_html":"<img src=x onerror=alert(1)>"}]}`),
	})
}

func duplicates() []HostileSource {
	guid := `<item><title>%d</title><link>https://hostile.example/%[1]d</link><guid isPermaLink="false">same</guid></item>`
	link := `<item><title>%d</title><link>https://hostile.example/same</link><guid isPermaLink="false">%[1]d</guid></item>`
	return sourcesOf(map[string][]byte{
		"one GUID, 2,000 links": channel(counted(2000, guid)),
		"one link, 2,000 GUIDs": channel(counted(2000, link)),
		"nothing, 2,000 times":  channel(strings.Repeat("<item></item>", 2000)),
		"one item, 5,000 times": channel(strings.Repeat(item("<guid>https://hostile.example/1</guid>"), 5000)),
		"one text, 2,000 links": channel(counted(2000, "<item><title>One text of several words for all</title><link>https://hostile.example/%d</link></item>")),
		"a GUID of 100 kB":      channel(item("<guid>" + strings.Repeat("g", 100_000) + "</guid>")),
		"2,000 languages":       channel(counted(2000, "<language>x-%d</language>") + item("")),
	})
}
