package ingest

import (
	"net/url"
	"slices"
	"strings"

	tokens "golang.org/x/net/html"

	"newsfeed/feed"
)

// withLinks rewrites the addresses in a body, and leaves the rest as it stands:
// relative ones become absolute; http becomes https on the body's own site when
// that is on https; trackers go from queries; images that only count who reads
// go altogether. base is the page of the body; nil: it is not known.
func withLinks(s string, base *url.URL) string {
	if !strings.Contains(s, "<") {
		return s
	}
	var out strings.Builder
	z := tokens.NewTokenizer(strings.NewReader(s))
	read := 0
	for {
		kind := z.Next()
		if kind == tokens.ErrorToken { // the end, or a tag that never ends
			out.WriteString(s[read:])
			return out.String()
		}
		raw := s[read : read+len(z.Raw())]
		read += len(raw)
		if kind == tokens.StartTagToken || kind == tokens.SelfClosingTagToken {
			raw = withLink(raw, z, base)
		}
		out.WriteString(raw)
	}
}

// withLink is a tag with its address rewritten; raw when nothing is to be.
func withLink(raw string, z *tokens.Tokenizer, base *url.URL) string {
	name, _ := z.TagName()
	at := map[string]string{"a": "href", "area": "href", "img": "src"}[string(name)]
	if at == "" {
		return raw
	}
	token := tokens.Token{Type: tokens.StartTagToken, Data: string(name)}
	for more := true; more; {
		var key, value []byte
		if key, value, more = z.TagAttr(); len(key) > 0 {
			token.Attr = append(token.Attr, tokens.Attribute{Key: string(key), Val: string(value)})
		}
	}
	if token.Data == "img" && isPixel(&token) {
		return ""
	}
	changed := false
	for i := range token.Attr {
		if a := &token.Attr[i]; a.Key == at {
			address := webLink(a.Val, base)
			changed = changed || address != a.Val
			a.Val = address
		}
	}
	if !changed {
		return raw
	}
	return token.String()
}

// webLink rewrites one address; what cannot be read stays for the policy to judge.
func webLink(address string, base *url.URL) string {
	trimmed := strings.TrimSpace(address)
	u, err := url.Parse(trimmed)
	if err != nil || trimmed == "" {
		return address
	}
	if u.Host == "" && u.Scheme == "" {
		if base == nil || base.Host == "" || strings.HasPrefix(trimmed, "#") {
			return address
		}
		u = base.ResolveReference(u)
	}
	if u.Host != "" && u.Scheme == "" { // "//host/path"
		u.Scheme = "https"
	}
	if base != nil && base.Scheme == "https" && u.Scheme == "http" && u.Port() == "" && siteOf(u.String()) == siteOf(base.String()) {
		u.Scheme = "https"
	}
	if u.Scheme != "http" && u.Scheme != "https" {
		return address
	}
	if query, removed := feed.WithoutTrackers(u.RawQuery); removed {
		u.RawQuery = query
	}
	return u.String()
}

// counters are hosts, and ends of them, that serve images which nobody is meant
// to see.
var counters = []string{
	"google-analytics.com", "doubleclick.net", "scorecardresearch.com", "quantserve.com", "chartbeat.net",
	"pixel.wp.com", "stats.wordpress.com", "feedsportal.com", "pheedo.com", "feeds.feedburner.com", "feedburner.google.com",
	"rss.nytimes.com", "imrworldwide.com", "nielsen.com", "omtrdc.net", "2o7.net", "webtrends.com",
	"adservice.google.com", "googleadservices.com", "analytics.twitter.com", "ad.atdmt.com", "pi.feedsportal.com",
}

// isPixel reports whether an image only counts: it is at most a point in size,
// not shown, or from a counter.
func isPixel(img *tokens.Token) bool {
	for _, a := range img.Attr {
		switch value := strings.ToLower(strings.TrimSpace(a.Val)); a.Key {
		case "width", "height":
			if n := strings.TrimSuffix(value, "px"); n == "0" || n == "1" {
				return true
			}
		case "style":
			for rule := range strings.SplitSeq(strings.ReplaceAll(value, " ", ""), ";") {
				if slices.Contains([]string{"display:none", "visibility:hidden", "width:0", "width:1px", "height:0", "height:1px", "width:0px", "height:0px"}, rule) {
					return true
				}
			}
		case "hidden":
			return true
		case "src":
			if isCounter(value) {
				return true
			}
		}
	}
	return false
}

func isCounter(address string) bool {
	if strings.HasPrefix(address, "//") {
		address = "https:" + address
	}
	host := hostOf(address)
	return slices.ContainsFunc(counters, func(c string) bool { return host == c || strings.HasSuffix(host, "."+c) })
}
