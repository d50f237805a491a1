package ingest

import (
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/publicsuffix"

	"newsfeed/interests/topic"
)

// sharedHosts are sites on which many publish who have nothing to do with each
// other, beyond those that the public suffix list knows (blogspot.com,
// github.io).
var sharedHosts = []string{
	"youtube.com", "medium.com", "substack.com", "feedburner.com", "feedblitz.com", "wordpress.com", "tumblr.com",
	"reddit.com", "libsyn.com", "podbean.com", "anchor.fm", "soundcloud.com", "buzzsprout.com", "simplecast.com",
	"megaphone.fm", "acast.com", "omnycontent.com", "transistor.fm", "spreaker.com", "vimeo.com", "rss.app",
	"feedspot.com", "livejournal.com", "typepad.com", "ghost.io", "beehiiv.com", "buttondown.email", "github.com",
	"gitlab.com", "mastodon.social", "bsky.app", "dailymotion.com", "patreon.com", "rsshub.app", "feedx.net",
}

// siteOf returns the registrable domain of an address, "bbc.co.uk" of
// https://feeds.bbc.co.uk/x; an IP address stands for itself.
func siteOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	if _, err := netip.ParseAddr(host); err == nil {
		return host
	}
	if site, err := publicsuffix.EffectiveTLDPlusOne(host); err == nil {
		return site
	}
	return host
}

func isShared(address string) bool { return slices.Contains(sharedHosts, siteOf(address)) }

// sourceOf returns the id of the source that an address belongs to when nobody
// says: of one site there is one source, but on shared hosts each address is its
// own. What a document says of itself does not count: anybody could say it.
func sourceOf(address string) string {
	if !isShared(address) {
		return string(topic.MakeID(siteOf(address)))
	}
	_, rest, _ := strings.Cut(address, "://")
	return string(topic.MakeID(strings.TrimPrefix(rest, "www.")))
}

// owns reports whether an article's address lies within the source's own hosts.
// On shared hosts none does: whose it is cannot be seen.
func (a *Address) owns(article string) bool {
	return !isShared(article) && siteOf(article) == siteOf(a.URL)
}
