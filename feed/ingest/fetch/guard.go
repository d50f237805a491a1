package fetch

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"code.dny.dev/ssrf"
)

// ErrRefused: the address may not be fetched. What wraps it says why.
var ErrRefused = errors.New("the address may not be fetched")

// Ports that are connected to.
var ports = []uint16{80, 443, 8080, 8443}

// guard decides whether a connection may be made.
type guard func(network, address string, c syscall.RawConn) error

// newGuard returns the guard of the dialer: it is asked after names were
// resolved, for each connection that is made. Refused are all addresses for
// special purposes: what the registries of IANA list of IPv4, and of IPv6 all
// that is no global unicast, with which forms that carry an IPv4 address
// (mapped, compatible, NAT64, 6to4, Teredo) go; ISATAP is told by its interface
// id, and 3ffe::/16 was given back (RFC 3701).
func newGuard() guard {
	guardian := ssrf.New(ssrf.WithPorts(ports...),
		ssrf.WithDeniedV6Prefixes(netip.MustParsePrefix("3ffe::/16")))
	return func(network, address string, c syscall.RawConn) error {
		err := guardian.Safe(network, address, c)
		if err == nil {
			err = refuseISATAP(address)
		}
		if err != nil {
			return fmt.Errorf("%w: %w", ErrRefused, err)
		}
		return nil
	}
}

// besides lets some addresses pass.
func (g guard) besides(allowed []netip.AddrPort) guard {
	return func(network, address string, c syscall.RawConn) error {
		if to, err := netip.ParseAddrPort(address); err == nil && slices.Contains(allowed, to) {
			return nil
		}
		return g(network, address, c)
	}
}

// refuseISATAP refuses interface ids that name an IPv4 address (RFC 5214 §6.1).
func refuseISATAP(address string) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	if b := to.Addr().As16(); to.Addr().Is6() && b[8]&^3 == 0 && b[9] == 0 && b[10] == 0x5e && b[11] == 0xfe {
		return fmt.Errorf("%s carries an IPv4 address (ISATAP)", to.Addr())
	}
	return nil
}

// Check refuses, with ErrRefused, what can be seen to be wrong with an address
// before its name is resolved. [Client.Get] does so by itself.
func (c *Client) Check(address string) error {
	u, err := url.Parse(address)
	if err != nil {
		return fmt.Errorf("%w: it cannot be read", ErrRefused)
	}
	return c.check(u)
}

// check refuses what can be seen to be wrong before a name is resolved.
func (c *Client) check(u *url.URL) error {
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return fmt.Errorf("%w: only http and https addresses are, and %q is another scheme", ErrRefused, u.Scheme)
	case u.Hostname() == "":
		return fmt.Errorf("%w: it names no host", ErrRefused)
	case u.User != nil:
		return fmt.Errorf("%w: it names a user", ErrRefused)
	case c.guard == nil:
		return nil
	}
	if to, err := netip.ParseAddrPort(u.Host); err == nil && c.guard(network(to.Addr()), to.String(), nil) == nil {
		return nil
	}
	if port, err := strconv.ParseUint(u.Port(), 10, 16); u.Port() != "" && (err != nil || !slices.Contains(ports, uint16(port))) {
		return fmt.Errorf("%w: only ports %v are, and %s is another one", ErrRefused, ports, u.Port())
	}
	if ip, err := netip.ParseAddr(u.Hostname()); err == nil {
		return c.guard(network(ip), netip.AddrPortFrom(ip, 443).String(), nil)
	}
	host := strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
	switch {
	case endsInNumber(host):
		return fmt.Errorf("%w: %s is neither a name nor an address", ErrRefused, u.Hostname())
	case host == "localhost" || strings.HasSuffix(host, ".localhost"): // RFC 6761, whatever a resolver makes of it
		return fmt.Errorf("%w: %s is this machine", ErrRefused, u.Hostname())
	}
	return nil
}

// endsInNumber reports hosts that browsers read as IPv4 addresses, and so do some
// resolvers, given in lower case: 127.1, 0x7f000001, 2130706433 (https://url.spec.whatwg.org/#ends-in-a-number-checker).
func endsInNumber(host string) bool {
	last := host[strings.LastIndexByte(host, '.')+1:]
	digits := "0123456789"
	if strings.HasPrefix(last, "0x") {
		last, digits = last[1:], digits+"abcdefx"
	}
	return last != "" && strings.Trim(last, digits) == ""
}

func network(ip netip.Addr) string {
	if ip.Is4() {
		return "tcp4"
	}
	return "tcp6"
}
