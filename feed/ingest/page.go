package ingest

import (
	"bytes"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
	"golang.org/x/net/html/charset"
)

// Page is what there is to read on a web page, or in a text: all plain text.
type Page struct {
	Title   string `json:"title"`
	Summary string `json:"summary,omitempty"`
	Text    string `json:"text"`
}

// maxPage bounds what is read of a page.
const maxPage = 2 << 20

// ReadPage reads a page: its title and description, and the text of its longest
// <article>, else of <main>, else of the body, without what stands around it
// (navigation, forms, scripts). What is no HTML is a text whose first line is the
// title. contentType is what the server said; it may be empty.
func ReadPage(b []byte, contentType string) Page {
	b = b[:min(len(b), maxPage)]
	if !strings.HasPrefix(strings.TrimSpace(string(b[:min(len(b), 512)])), "<") {
		title, text, _ := strings.Cut(strings.TrimSpace(string(bytes.ToValidUTF8(b, []byte("\uFFFD")))), "\n")
		return Page{Title: shorten(tidy(title), maxTitle), Text: strings.TrimSpace(text)}
	}
	encoding, _, _ := charset.DetermineEncoding(b, contentType)
	root, err := html.Parse(encoding.NewDecoder().Reader(bytes.NewReader(b)))
	if err != nil {
		return Page{} // nests deeper than any page that is read by people
	}
	p := Page{Title: head(root)}
	if p.Summary = meta(root, "og:description"); p.Summary == "" {
		p.Summary = meta(root, "description")
	}
	p.Title, p.Summary = shorten(tidy(p.Title), maxTitle), shorten(tidy(p.Summary), maxSummary)
	p.Text = longest(root)
	return p
}

// head is the title that a page gives to others, else the one of its window.
func head(root *html.Node) string {
	if title := meta(root, "og:title"); title != "" {
		return title
	}
	for n := range root.Descendants() {
		if n.DataAtom == atom.Title && n.FirstChild != nil {
			return n.FirstChild.Data
		}
	}
	return ""
}

func meta(root *html.Node, name string) string {
	for n := range root.Descendants() {
		if n.DataAtom == atom.Meta && (valueOf(n, "property") == name || valueOf(n, "name") == name) {
			return valueOf(n, "content")
		}
	}
	return ""
}

func valueOf(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

// longest returns the text of the longest article; without articles that of main,
// else of everything.
func longest(root *html.Node) string {
	best := ""
	for _, kind := range []atom.Atom{atom.Article, atom.Main, atom.Body} {
		for n := range root.Descendants() {
			if n.DataAtom == kind {
				if text := readable(n); len(text) > len(best) {
					best = text
				}
			}
		}
		if best != "" {
			return best
		}
	}
	return best
}

// around are the elements that hold what is no part of an article.
var around = map[atom.Atom]bool{
	atom.Nav: true, atom.Header: true, atom.Footer: true, atom.Aside: true, atom.Form: true, atom.Script: true, atom.Style: true,
	atom.Noscript: true, atom.Template: true, atom.Button: true, atom.Select: true, atom.Iframe: true, atom.Svg: true,
}

func readable(n *html.Node) string {
	var markup strings.Builder
	var write func(n *html.Node)
	write = func(n *html.Node) { // as deep as the parser lets a page nest: 512
		if n.Type == html.ElementNode && around[n.DataAtom] {
			return
		}
		if n.Type == html.TextNode {
			markup.WriteString(n.Data)
		}
		for child := n.FirstChild; child != nil; child = child.NextSibling {
			write(child)
		}
		if n.Type == html.ElementNode && isBlock[n.DataAtom] {
			markup.WriteByte('\n')
		}
	}
	write(n)
	var lines []string
	for line := range strings.SplitSeq(markup.String(), "\n") {
		if line = tidy(line); line != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}

var isBlock = map[atom.Atom]bool{
	atom.P: true, atom.Div: true, atom.Li: true, atom.H1: true, atom.H2: true, atom.H3: true, atom.H4: true, atom.H5: true, atom.H6: true,
	atom.Br: true, atom.Tr: true, atom.Section: true, atom.Blockquote: true, atom.Figcaption: true, atom.Pre: true, atom.Dt: true, atom.Dd: true,
}
