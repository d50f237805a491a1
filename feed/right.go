package feed

import (
	"slices"
	"strings"
)

// Right says whose articles a key may touch. The zero Right is unbound: every
// source's.
type Right struct {
	Sources []string // source ids; empty: any
	Hosts   []string // hosts of addresses, subdomains included; empty: any
}

// Allows reports whether the right covers an article of a source at a host.
func (r Right) Allows(source, host string) bool {
	if len(r.Sources) > 0 && !slices.Contains(r.Sources, source) {
		return false
	}
	return len(r.Hosts) == 0 || slices.ContainsFunc(r.Hosts, func(h string) bool {
		return host == h || strings.HasSuffix(host, "."+h)
	})
}
