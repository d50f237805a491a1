package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// minKey is 128 bits in base64url.
const minKey = 22

// Each parser sets its target only when the text is good. An error says what
// would be good, and does not show the text of a secret.

func parseAddr(text string, addr *string) error {
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		return fmt.Errorf("%q is no address: write host:port, as in 127.0.0.1:8080 (this machine only) or 0.0.0.0:8080 (everybody)", text)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return fmt.Errorf("%q has no port between 0 and 65535: write %s", text, net.JoinHostPort(host, "8080"))
	}
	*addr = text
	return nil
}

func parseServer(text string, address *Secret, schemes ...string) error {
	scheme, rest, found := strings.Cut(text, "://")
	if !found || !slices.Contains(schemes, scheme) {
		return fmt.Errorf("it does not begin with %s://", strings.Join(schemes, ":// or "))
	}
	if rest == "" || rest[0] == '/' || rest[0] == '?' {
		return fmt.Errorf("it names no host: write %s://host:port", scheme)
	}
	*address = Secret(text)
	return nil
}

func parseDuration(text string, d *time.Duration) error {
	parsed, err := time.ParseDuration(text)
	if err != nil {
		return fmt.Errorf("%q is no duration: write 12h, 90m or 1h30m (a day is 24h)", text)
	}
	*d = parsed
	return nil
}

func parseCount(text string, least, most int, n *int) error {
	parsed, err := strconv.Atoi(text)
	if err != nil || parsed < least || parsed > most {
		return fmt.Errorf("%q is no whole number from %d to %d", text, least, most)
	}
	*n = parsed
	return nil
}

func parseBool(text string, b *bool) error {
	switch strings.ToLower(text) {
	case "on", "true", "yes", "1":
		*b = true
	case "off", "false", "no", "0":
		*b = false
	default:
		return fmt.Errorf("%q is neither on nor off (true and false will do too)", text)
	}
	return nil
}

func parseKeys(text string, keys *[]Key) error {
	var parsed []Key
	for i, item := range items(text) {
		name, secret, found := strings.Cut(item, ":")
		if name = strings.TrimSpace(name); !found || name == "" {
			return fmt.Errorf("entry %d is no name:key: write name:key,name:key", i+1)
		}
		if err := checkKey(secret); err != nil {
			return fmt.Errorf("the key of %q %w", name, err)
		}
		parsed = append(parsed, Key{name, Secret(secret)})
	}
	*keys = parsed
	return nil
}

func parseKey(text string, key *Secret) error {
	if err := checkKey(text); err != nil {
		return fmt.Errorf("the key %w", err)
	}
	*key = Secret(text)
	return nil
}

func checkKey(secret string) error {
	if len(secret) < minKey {
		return fmt.Errorf("has %d characters, fewer than %d: make one with: openssl rand -base64 32 | tr +/ -_ | tr -d =", len(secret), minKey)
	}
	if strings.Trim(secret, base64url) != "" {
		return errors.New("holds other characters than those of base64url (letters, digits, - and _): make one with: openssl rand -base64 32 | tr +/ -_ | tr -d =")
	}
	return nil
}

const base64url = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

func parseURL(text string, address *string) error {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return fmt.Errorf("%q is no address of a web server: write https://news.example", text)
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "" {
		return fmt.Errorf("%q has more than a host: write %s://%s, as the service answers at the top of its host", text, u.Scheme, u.Host)
	}
	*address = u.Scheme + "://" + u.Host
	return nil
}

func parseIssuer(text string, issuer *string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		return fmt.Errorf("%q is no address of an issuer: write https://id.example, as its own document does", text)
	case u.Scheme == "http" && !isLoopback(u.Hostname()):
		return fmt.Errorf("%q is plain HTTP, in which anybody on the way could be the issuer: it must be https, but on this machine", text)
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return fmt.Errorf("%q has more than scheme, host and path: write the issuer as its own document does", text)
	}
	*issuer = text
	return nil
}

func parseRateLimit(text string, limit *RateLimit) error {
	if strings.EqualFold(text, "off") {
		*limit = RateLimit{}
		return nil
	}
	calls, window, _ := strings.Cut(text, "/")
	n, errCalls := strconv.Atoi(calls)
	d, errWindow := time.ParseDuration(window)
	if errCalls != nil || errWindow != nil || n <= 0 || d < time.Second {
		return fmt.Errorf("%q is no rate: write calls/time, as in 600/1m, or off", text)
	}
	*limit = RateLimit{n, d}
	return nil
}

// parseEither reads one of two words; is says whether it is the first.
func parseEither(text, yes, no string, is *bool) error {
	switch strings.ToLower(text) {
	case yes, no:
		*is = strings.EqualFold(text, yes)
		return nil
	}
	return fmt.Errorf("%q is neither %s nor %s", text, yes, no)
}

func parseOrigins(text string, origins *[]string) error {
	parsed := items(text)
	if slices.Contains(parsed, "*") && len(parsed) > 1 {
		return errors.New("* is every origin: write it alone, or list the origins without it")
	}
	for i, item := range parsed {
		if item == "*" {
			continue
		}
		u, err := url.Parse(item)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" ||
			u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
			return fmt.Errorf("%q is no origin: write scheme and host only, as in https://app.example", item)
		}
		if strings.Contains(u.Host, "*") {
			return fmt.Errorf("%q: an origin has no pattern; list each one, or * alone", item)
		}
		parsed[i] = originOf(u)
	}
	*origins = parsed
	return nil
}

// originOf is the form in which browsers send an origin: lower case, no default port.
func originOf(u *url.URL) string {
	host := strings.ToLower(u.Host)
	if port := map[string]string{"http": ":80", "https": ":443"}[u.Scheme]; strings.HasSuffix(host, port) {
		host = strings.TrimSuffix(host, port)
	}
	return u.Scheme + "://" + host
}

func parseNetworks(text string, networks *[]netip.Prefix) error {
	var parsed []netip.Prefix
	for _, item := range items(text) {
		network, err := parseNetwork(item)
		if err != nil {
			return fmt.Errorf("%q is neither an address nor a network: write 10.1.2.3 or 10.0.0.0/8 (names are not looked up)", item)
		}
		parsed = append(parsed, network)
	}
	*networks = parsed
	return nil
}

func parseNetwork(text string) (netip.Prefix, error) {
	if strings.Contains(text, "/") {
		network, err := netip.ParsePrefix(text)
		return network.Masked(), err
	}
	addr, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Prefix{}, err
	}
	return addr.Unmap().WithZone("").Prefix(addr.Unmap().BitLen())
}

// items splits a text at commas.
func items(text string) []string {
	var items []string
	for item := range strings.SplitSeq(text, ",") {
		if item = strings.TrimSpace(item); item != "" {
			items = append(items, item)
		}
	}
	return items
}
