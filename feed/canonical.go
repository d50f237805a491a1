package feed

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// MaxURL is the greatest length of an address in bytes.
const MaxURL = 2048

// maxHost is what DNS allows for a whole name, in bytes.
const maxHost = 253

// trackers are the query parameters that say where a reader came from, not
// what is read; so is every "utm_…".
var trackers = []string{"fbclid", "gclid", "mc_cid", "mc_eid"}

// hostNames turns a host as people write it ("Bücher.example") into the ASCII
// that DNS knows. Underscores pass: there are such hosts.
var hostNames = idna.New(idna.MapForLookup(), idna.Transitional(false), idna.StrictDomainName(false))

// CanonicalURL gives the one form of an article's address that its id is made
// of: scheme https, host in lower case (ASCII, "xn--…") without default port
// or trailing dot, no fragment, no trackers; the rest as it stands, byte for
// byte, an empty path as "/". It is idempotent. The error says what is wrong
// with an address that is no http or https one, names a user, has control
// characters, or is longer than [MaxURL] before or after.
func CanonicalURL(raw string) (string, error) {
	if err := checkCharacters(raw); err != nil {
		return "", err
	}
	raw, _, _ = strings.Cut(raw, "#")
	scheme, rest, ok := strings.Cut(raw, "://")
	scheme = strings.ToLower(scheme)
	if !ok || (scheme != "http" && scheme != "https") {
		return "", errors.New("must begin with https:// or http://")
	}
	end := strings.IndexAny(rest+"/", "/?")
	host, err := canonicalHost(rest[:end], scheme)
	if err != nil {
		return "", err
	}
	path, query, asked := strings.Cut(rest[end:], "?")
	if path == "" {
		path = "/"
	}
	canonical := "https://" + host + path
	if query, removed := WithoutTrackers(query); query != "" || (asked && !removed) {
		canonical += "?" + query
	}
	return canonical, checkResult(canonical)
}

func checkCharacters(raw string) error {
	switch {
	case len(raw) > MaxURL:
		return fmt.Errorf("is longer than %d bytes", MaxURL)
	case !utf8.ValidString(raw):
		return errors.New("is not valid UTF-8")
	case strings.ContainsFunc(raw, func(r rune) bool { return r < ' ' || r == 0x7f }):
		// Browsers drop some of them, so that another host may be meant.
		return errors.New("has a control character")
	}
	return nil
}

// checkResult makes sure that others, who parse by the book, read the same.
func checkResult(canonical string) error {
	if len(canonical) > MaxURL {
		return fmt.Errorf("is longer than %d bytes", MaxURL)
	}
	if u, err := url.Parse(canonical); err != nil || u.Host == "" {
		return errors.New("is no address that can be read")
	}
	return nil
}

func canonicalHost(authority, scheme string) (string, error) {
	if strings.ContainsAny(authority, "@＠") {
		return "", errors.New("must not name a user")
	}
	host, port, err := splitPort(authority)
	if err != nil {
		return "", err
	}
	if host, err = asciiHost(host); err != nil {
		return "", err
	}
	// 443 goes also from an http address, else a second pass would remove it.
	if port == "" || port == "443" || (port == "80" && scheme == "http") {
		return host, nil
	}
	return host + ":" + port, nil
}

// splitPort cuts the port off; it comes without leading zeros, "" when absent.
func splitPort(authority string) (host, port string, err error) {
	colon := strings.LastIndexByte(authority, ':')
	if colon < strings.LastIndexByte(authority, ']') || colon < 0 {
		return authority, "", nil
	}
	host, port = authority[:colon], authority[colon+1:]
	if port == "" {
		return host, "", nil
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 {
		return "", "", errors.New("has no valid port")
	}
	return host, strconv.FormatUint(n, 10), nil
}

func asciiHost(host string) (string, error) {
	if inner, ok := strings.CutPrefix(host, "["); ok {
		inner, closed := strings.CutSuffix(inner, "]")
		ip, err := netip.ParseAddr(inner)
		if err != nil || !closed || !ip.Is6() || ip.Zone() != "" {
			return "", errors.New("has no valid host")
		}
		return "[" + ip.String() + "]", nil
	}
	if len(host) > maxHost {
		return "", errors.New("has no valid host")
	}
	host = strings.ToLower(host)
	if strings.ContainsFunc(host, func(r rune) bool { return r >= utf8.RuneSelf }) {
		var err error
		if host, err = hostNames.ToASCII(host); err != nil {
			return "", errors.New("has no valid host")
		}
	}
	host = strings.TrimRight(host, ".")
	if !isHostName(host) {
		return "", errors.New("has no valid host")
	}
	return host, nil
}

// isHostName reports whether every label has 1 to 63 letters, digits, "-" or "_".
func isHostName(host string) bool {
	for label := range strings.SplitSeq(host, ".") {
		if label == "" || len(label) > 63 {
			return false
		}
		for _, c := range []byte(label) {
			if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
				return false
			}
		}
	}
	return len(host) <= maxHost
}

// WithoutTrackers leaves the parameters that are trackers out of the query of an
// address, and touches no other byte.
func WithoutTrackers(query string) (rest string, removed bool) {
	params := strings.Split(query, "&")
	kept := slices.DeleteFunc(params, func(param string) bool {
		name, _, _ := strings.Cut(param, "=")
		return strings.HasPrefix(name, "utm_") || slices.Contains(trackers, name)
	})
	return strings.Join(kept, "&"), len(kept) < len(params)
}
