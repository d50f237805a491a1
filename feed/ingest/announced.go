package ingest

import (
	"bytes"
	"net/url"
	"slices"
	"strings"

	tokens "golang.org/x/net/html"
)

// documentTypes are what pages announce their documents as, the best first.
var documentTypes = []string{"application/atom+xml", "application/rss+xml", "application/feed+json", "application/rdf+xml"}

// maxHead is how much of a page is looked at.
const maxHead = 512 << 10

// announced returns the address of the first document that an HTML page
// announces (<link rel="alternate" type="application/rss+xml" href="…">), "" when
// there is none. at is the page's own.
func announced(page []byte, at string) string {
	base, err := url.Parse(at)
	if err != nil {
		return ""
	}
	z := tokens.NewTokenizer(bytes.NewReader(page[:min(len(page), maxHead)]))
	for {
		switch z.Next() {
		case tokens.ErrorToken:
			return ""
		case tokens.StartTagToken, tokens.SelfClosingTagToken:
		default:
			continue
		}
		token := z.Token()
		switch token.Data {
		case "base":
			if other, err := base.Parse(attribute(&token, "href")); err == nil {
				base = other
			}
		case "link":
			if link, err := base.Parse(strings.TrimSpace(attribute(&token, "href"))); err == nil && announces(&token) {
				link.Fragment = ""
				return link.String()
			}
		}
	}
}

func announces(link *tokens.Token) bool {
	kind, _, _ := strings.Cut(strings.ToLower(attribute(link, "type")), ";")
	return slices.Contains(strings.Fields(strings.ToLower(attribute(link, "rel"))), "alternate") &&
		slices.Contains(documentTypes, strings.TrimSpace(kind)) && attribute(link, "href") != ""
}

func attribute(token *tokens.Token, name string) string {
	for _, a := range token.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}
