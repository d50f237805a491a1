package ingest

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/unicode"
)

// Each bound of the pre-scan refuses what passes it, and what stays below passes.
func TestPrescanBounds(t *testing.T) {
	many := func(n int, unit string) string { return strings.Repeat(unit, n) }
	numbered := func(n int, format string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	for name, test := range map[string]struct {
		over, under string
	}{
		"depth":                {rss("", many(maxDepth, "<b>")), rss("", many(50, "<b>")+many(50, "</b>"))},
		"tokens":               {rss("", many(maxTokens, "<b/>")), rss("", many(1000, "<b/>"))},
		"items":                {"<rss><channel>" + many(maxItems+1, "<item/>"), "<rss><channel>" + many(maxItems, "<item/>")},
		"attributes":           {rss("", "<b "+numbered(maxAttributes+1, " a%d=''")+"/>"), rss("", "<b "+numbered(maxAttributes, " a%d=''")+"/>")},
		"long attributes":      {rss("", "<b a='"+many(maxAttrBytes, "x")+"'/>"), rss("", "<b a='"+many(maxAttrBytes/2, "x")+"'/>")},
		"declared namespaces":  {rss("", "<b "+numbered(maxDeclared+1, " xmlns:a%d='u'")+"/>"), rss("", "<b "+numbered(maxDeclared, " xmlns:a%d='u'")+"/>")},
		"namespaces in scope":  {rss("", numbered(maxInScope, "<b xmlns:n%d='u'>")), rss("", numbered(20, "<b xmlns:n%d='u'>")+many(20, "</b>"))},
		"copies of namespaces": {rss("", "<b "+numbered(30, " xmlns:a%d='u'")+">"+many(100_000, "<c/>")), rss("", "<b "+numbered(30, " xmlns:a%d='u'")+">"+many(10_000, "<c/>"))},
		"elements of others":   {rss("", many(maxUnknown+1, "<m:x/>")), rss("", many(1000, "<m:x/>"))},
		"pieces of text":       {rss("", "<m:x>"+many(1<<20, "y")+many(100, "<!---->y")), rss("", "<m:x>"+many(1<<10, "y")+many(100, "<!---->y"))},
		"length of an element": {rss("", "<title>"+many(maxElementLen+1, "y")+"</title>"), rss("", "<title>"+many(maxElementLen-100, "y")+"</title>")},
		"internal subset":      {"<!DOCTYPE rss [ ]>" + "<rss/>", `<!DOCTYPE rss PUBLIC "a" "b"><rss/>`},
		"nesting in JSON":      {`{"a":` + many(maxDepth, "["), `{"a":` + many(50, "[") + many(50, "]") + "}"},
		"values in JSON":       {`{"a":[0` + many(maxTokens, ",0"), `{"a":[0` + many(1000, ",0") + "]}"},
		"dates":                {"<rss><channel>" + many(maxDates+1, "<updated/>"), "<rss><channel>" + many(maxDates, "<updated/>")},
		"dates in JSON":        {`{"a":[0` + many(maxDates+1, `,{"date_modified":0}`), `{"a":[0` + many(maxDates, `,{"date_modified":0}`) + "]}"},
		"date":                 {"<rss><channel><pubDate>" + many(maxDate+1, "x"), "<rss><channel><pubDate>" + many(maxDate, "x") + "</pubDate><title>" + many(maxDate+1, "x")},
		"date in pieces":       {"<feed><a:Updated>" + many(maxDate/2+1, "x<!---->x"), "<feed><a:Updated>" + many(maxDate/2, "x<!---->x")},
		"date in JSON":         {`{"items":[{"date_published":"` + many(maxDate+1, "x") + `"}]}`, `{"items":[{"date_published":"` + many(maxDate, "x") + `","title":"date_modified","x":"` + many(maxDate+1, "x") + `"}]}`},
		"objects in JSON":      {`{"a":[{}` + many(4*maxItems, ",{}"), `{"a":[{}` + many(1000, ",{}") + "]}"},
	} {
		if _, err := prescan(t.Context(), []byte(test.over)); !errors.Is(err, errBound) {
			t.Errorf("%s: beyond the bound: %v", name, err)
		}
		if _, err := prescan(t.Context(), []byte(test.under)); err != nil {
			t.Errorf("%s: within the bound: %v", name, err)
		}
	}
}

// The encoding is told by the mark, then the header, the declaration, the bytes;
// what is not true is passed over, and said.
func TestEncodings(t *testing.T) {
	const title = "Кириллица 한국 ä"
	in := func(encode func(string) (string, error), declared string) []byte {
		head := ""
		if declared != "" {
			head = `<?xml version="1.0" encoding="` + declared + `"?>`
		}
		b, err := encode(head + `<rss version="2.0"><channel><title>` + title + `</title><link>https://a.example/</link></channel></rss>`)
		if err != nil {
			b, _ = encode(head + `<rss version="2.0"><channel><title>Кириллица</title><link>https://a.example/</link></channel></rss>`)
		}
		return []byte(b)
	}
	plain := func(s string) (string, error) { return s, nil }
	marked := func(s string) (string, error) { return "\xef\xbb\xbf" + s, nil }
	latin := func(s string) (string, error) {
		return charmap.Windows1252.NewEncoder().String(strings.ReplaceAll(s, title, "Größe"))
	}
	russian := charmap.Windows1251.NewEncoder().String
	hangul := func(s string) (string, error) {
		return korean.EUCKR.NewEncoder().String(strings.ReplaceAll(s, title, "한국"))
	}
	wide := unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM).NewEncoder().String
	for name, test := range map[string]struct {
		body            []byte
		header          string
		title, encoding string
		wrong           bool
	}{
		"nothing said":                     {in(plain, ""), "", title, "utf-8", false},
		"declared":                         {in(plain, "UTF-8"), "", title, "utf-8", false},
		"declared 1251":                    {in(russian, "windows-1251"), "", "Кириллица", "windows-1251", false},
		"header 1251":                      {in(russian, ""), "text/xml; charset=windows-1251", "Кириллица", "windows-1251", false},
		"header before declaration":        {in(russian, "utf-8"), "text/xml; charset=windows-1251", "Кириллица", "windows-1251", false},
		"mark before header":               {in(marked, ""), "text/xml; charset=iso-8859-1", title, "utf-8", false},
		"declared UTF-8 and is not":        {in(latin, "utf-8"), "", "Größe", "windows-1252", true},
		"nothing said of Latin":            {in(latin, ""), "", "Größe", "windows-1252", false},
		"unknown declared":                 {in(plain, "martian"), "", title, "utf-8", true},
		"unknown header":                   {in(plain, ""), "text/xml; charset=martian", title, "utf-8", true},
		"Korean":                           {in(hangul, "euc-kr"), "", "한국", "euc-kr", false},
		"UTF-16 without a mark":            {in(wide, "utf-16"), "", title, "utf-16be", false},
		"UTF-16 declared, but ASCII bytes": {in(plain, "utf-16"), "", title, "utf-8", true},
		"version 1.1":                      {[]byte(strings.Replace(string(in(plain, "utf-8")), "1.0", "1.1", 1)), "", title, "utf-8", false},
	} {
		d, err := ReadDocument(t.Context(), Received{Body: test.body, ContentType: test.header})
		if err != nil || d.Title != test.title || d.Encoding != test.encoding || (d.Flaw != "") != test.wrong {
			t.Errorf("%s: title %q in %q, flaw %q, %v; want %q in %q, flaw %v", name, d.Title, d.Encoding, d.Flaw, err, test.title, test.encoding, test.wrong)
		}
	}
}
