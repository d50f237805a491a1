// Package origin tells requests that a page of ours made from those of other
// sites. A cookie comes with both, so what it changes is judged by this, for the
// API and the reader alike.
package origin

import (
	"net"
	"net/url"
	"strings"
)

// Own is where our pages are.
type Own struct {
	origin   string // "" when the address has none
	loopback bool   // on this machine
}

// Of returns the origin of the service's address.
func Of(address string) Own {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return Own{}
	}
	return Own{of(u), isLoopback(u.Hostname())}
}

// Ours reports whether a browser says that a page of ours made a request, by its
// headers Sec-Fetch-Site, Origin and Host. Older browsers, and those that talk
// plain HTTP to another machine, say so in Origin only. Who says nothing is no page
// of ours.
func (o Own) Ours(site, origin, host string) bool {
	if site != "" {
		return site == "same-origin"
	}
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" {
		return false
	}
	from := of(u)
	if from == o.origin {
		return true
	}
	// On this machine a page has several names and any port. The Host header is
	// believed only where it is such a name, so that no name from outside that
	// is made to lead here passes.
	here := &url.URL{Scheme: "http", Host: host}
	return o.loopback && isLoopback(here.Hostname()) && from == of(here)
}

// of returns scheme, host and port as browsers write them in Origin.
func of(u *url.URL) string {
	scheme, host := strings.ToLower(u.Scheme), strings.ToLower(u.Host)
	switch scheme {
	case "http":
		host = strings.TrimSuffix(host, ":80")
	case "https":
		host = strings.TrimSuffix(host, ":443")
	}
	return scheme + "://" + host
}

func isLoopback(host string) bool {
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}
