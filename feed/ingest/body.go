package ingest

import (
	"html"
	"net/url"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/microcosm-cc/bluemonday"
	tokens "golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// bodyPolicy is what may stand in the body of an article: text, its structure,
// links and images. No style, class, id, script or frame, and no address but
// http and https. Links are for others' sites, which must not be rewarded
// (nofollow) nor get hold of our window (noopener).
var bodyPolicy = newBodyPolicy()

func newBodyPolicy() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements("p", "h1", "h2", "h3", "h4", "h5", "h6", "br", "hr", "div", "section",
		"ul", "ol", "li", "dl", "dt", "dd", "blockquote", "figure", "figcaption", "pre", "code",
		"em", "strong", "b", "i", "sub", "sup",
		"table", "caption", "thead", "tbody", "tfoot", "tr", "th", "td")
	number := regexp.MustCompile(`^[0-9]{1,5}$`)
	p.AllowAttrs("href").OnElements("a")
	p.AllowAttrs("src", "alt").OnElements("img")
	p.AllowAttrs("width", "height").Matching(number).OnElements("img")
	p.AllowAttrs("colspan", "rowspan").Matching(number).OnElements("th", "td")
	p.AllowURLSchemeWithCustomPolicy("http", namesHost)
	p.AllowURLSchemeWithCustomPolicy("https", namesHost)
	p.RequireParseableURLs(true)
	p.AllowRelativeURLs(false)
	p.RequireNoFollowOnLinks(true)
	p.AddTargetBlankToFullyQualifiedLinks(true) // bluemonday gives noopener only with it
	p.SkipElementsContent("svg", "math", "template", "textarea", "select", "button", "applet", "audio", "video", "canvas", "xmp", "plaintext", "noscript")
	return p
}

// namesHost refuses "https:other" (a browser on an https page reads it as a
// path of that page) and addresses that show one host and name another.
func namesHost(u *url.URL) bool { return u.Host != "" && u.User == nil }

// maxRounds bounds how often a body is cleaned again. Real input is at rest
// after two.
const maxRounds = 6

// Body sanitises the HTML of a body. Addresses in it are relative to base, the
// page that it belongs to; nil when that is not known, then relative ones go.
// Body(Body(s)) is Body(s), and the result is valid UTF-8 without control characters, with every tag closed and none
// closed that was not opened, so that it cannot leave the place where a page
// puts it. What is hostile is gone; what will not come to rest (nobody writes
// such by chance) is kept as text alone.
func Body(s string, base *url.URL) string {
	for range maxRounds {
		next, err := balance(bodyPolicy.Sanitize(withLinks(strings.Map(printable, strings.ToValidUTF8(s, "\uFFFD")), base)))
		if err == nil && next == s {
			return s
		}
		if err != nil || len(next) > maxBalanced { // elements nest deeper than 512, or closing tags breed
			break
		}
		s = next
	}
	return Paragraphs(Plain(s))
}

// maxBalanced is the most that a body may grow to, in bytes, by the tags that
// are closed for it: twice what a publisher may send.
const maxBalanced = 2 * maxBody

// balance writes the tree that a browser would make of a sanitised body.
func balance(body string) (string, error) {
	if !strings.Contains(body, "<") {
		return strings.TrimSpace(strings.Map(printable, body)), nil
	}
	nodes, err := tokens.ParseFragment(strings.NewReader(body), &tokens.Node{Type: tokens.ElementNode, Data: "div", DataAtom: atom.Div})
	if err != nil {
		return "", err
	}
	var out strings.Builder
	for _, node := range nodes {
		if err := tokens.Render(&out, node); err != nil {
			return "", err
		}
	}
	return strings.TrimSpace(strings.Map(printable, out.String())), nil
}

// Paragraphs makes the HTML of a body from plain text: an empty line parts
// paragraphs, every other line break stays one.
func Paragraphs(text string) string {
	var body strings.Builder
	for part := range strings.SplitSeq(strings.ReplaceAll(text, "\r\n", "\n"), "\n\n") {
		if part = strings.TrimSpace(part); part != "" {
			escaped := html.EscapeString(strings.Map(printable, part))
			body.WriteString("<p>" + strings.ReplaceAll(escaped, "\n", "<br/>") + "</p>")
		}
	}
	return body.String()
}

// printable removes what is unseen from HTML and leaves its white space.
// Nothing is composed here: "<p>" and U+0338 would make another character of ">".
func printable(r rune) rune {
	switch {
	case r == '\n', r == '\t':
		return r
	case r == '\r':
		return '\n'
	case r < utf8.RuneSelf && unicode.IsControl(r), r >= utf8.RuneSelf && isUnseen(r):
		return -1
	}
	return r
}
