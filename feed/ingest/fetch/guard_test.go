package fetch

import (
	"context"
	_ "embed" // of the tables
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// refused are addresses that must never be connected to, a few of each range for
// special purposes (the IANA registries of IPv4 and IPv6), both ends included.
//
//go:embed testdata/refused.txt
var refusedText string

var refused = strings.Fields(refusedText)

// allowed are public addresses beside them.
var allowed = strings.Fields(`1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0
172.15.255.255 172.32.0.0 192.0.1.0 192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0 223.255.255.255
2606:4700::1111 2a00:1450:4001::200e 2001:4860:4860::8888 2001:200::1 2620:0:2d0:200::7`)

// The guard refuses every special-purpose address and lets the public ones pass;
// no packet is sent to find out.
func TestGuardTable(t *testing.T) {
	guard := newGuard()
	if len(refused) < 120 {
		t.Errorf("%d addresses are no table", len(refused))
	}
	for _, ports := range []string{"80", "443", "8080", "8443"} {
		for _, address := range refused {
			if err := guard(network(netip.MustParseAddr(address)), net.JoinHostPort(address, ports), nil); !errors.Is(err, ErrRefused) {
				t.Errorf("%s port %s: %v, want ErrRefused", address, ports, err)
			}
		}
		for _, address := range allowed {
			if err := guard(network(netip.MustParseAddr(address)), net.JoinHostPort(address, ports), nil); err != nil {
				t.Errorf("%s port %s: %v, want it allowed", address, ports, err)
			}
		}
	}
	for _, port := range []string{"0", "21", "22", "25", "53", "79", "81", "442", "444", "3306", "5432", "6379", "8081", "27017", "65535"} {
		if err := guard("tcp4", "1.1.1.1:"+port, nil); !errors.Is(err, ErrRefused) {
			t.Errorf("port %s: %v, want ErrRefused", port, err)
		}
	}
}

// What can be seen of an address is refused before anything is asked.
func TestCheck(t *testing.T) {
	client := New(Options{Agent: "test", Timeout: time.Second})
	for _, address := range []string{"http://127.0.0.1/", "https://[::1]/x", "http://[::ffff:10.0.0.1]/", "http://169.254.169.254/latest", "ftp://example.org/",
		"file:///etc/passwd", "gopher://example.org/", "http://user@example.org/", "http://example.org:22/", "http:///x", "http://%zz/",
		"http://127.1/", "http://0/", "http://2130706433/", "http://0x7f000001/", "http://0x7f.0.0.1/", "http://0177.0.0.1/", "http://127.0.0.1./", "http://example.256/", "http://example.0X/", "http://LOCALHOST./", "http://a.localhost/"} {
		if err := client.Check(address); !errors.Is(err, ErrRefused) {
			t.Errorf("%s: %v, want ErrRefused", address, err)
		}
	}
	for _, address := range []string{"http://example.org/", "https://example.org:8443/x", "http://1.1.1.1/", "http://0x7f.example/", "http://a1.b2/", "http://1.org./"} {
		if err := client.Check(address); err != nil {
			t.Errorf("%s: %v, want it allowed", address, err)
		}
	}
}

// canary listens on loopback, IPv4 and IPv6 where there is one, and counts who
// comes; it stands on no port that may be fetched, so the ports are lifted.
func canary(t *testing.T) (hits *atomic.Int64, port string) {
	t.Helper()
	hits = new(atomic.Int64)
	for _, at := range []string{"0.0.0.0:0", "[::1]:"} {
		if strings.HasSuffix(at, ":") {
			at += port
		}
		l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", at)
		if err != nil {
			t.Logf("no canary on %s: %v", at, err)
			continue
		}
		_, port, _ = net.SplitHostPort(l.Addr().String())
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				hits.Add(1)
				_ = c.Close()
			}
		}()
		t.Cleanup(func() { _ = l.Close() })
	}
	return hits, port
}

// loopback are names and forms of this machine's own addresses.
//
//go:embed testdata/loopback.txt
var loopbackText string

var loopback = strings.Fields(loopbackText)

// Under no name and in no form does a fetch reach this machine: directly, by a
// redirect, or through a proxy of the environment.
func TestNoHitOnLoopback(t *testing.T) {
	hits, port := canary(t)
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:"+port)
	t.Setenv("HTTPS_PROXY", "http://127.0.0.1:"+port)
	ports = append(ports, portOf(t, port)) // the address alone is to be what is refused
	defer func() { ports = ports[:4] }()
	client := New(Options{Agent: "test", Timeout: 5 * time.Second})
	defer client.Close()
	for _, name := range loopback {
		for _, scheme := range []string{"http://", "https://"} {
			address := scheme + name + ":" + port + "/"
			if a, err := client.Get(t.Context(), Request{URL: address}); err == nil {
				t.Errorf("%s answered %d", address, a.Status)
			}
		}
	}
	// The first address is reached by a guard that lets only that one pass.
	for _, name := range loopback {
		redirects := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "http://"+name+":"+port+"/")
			w.WriteHeader(http.StatusFound)
		}))
		only := only(client, redirects.Listener.Addr().String())
		if a, err := only.Get(t.Context(), Request{URL: redirects.URL}); err == nil {
			t.Errorf("a redirect to %s answered %d", name, a.Status)
		}
		only.Close()
		redirects.Close()
	}
	if n := hits.Load(); n != 0 {
		t.Errorf("the canary was reached %d times", n)
	}
	if a, err := New(Options{Agent: "test", Timeout: 5 * time.Second, AllowPrivate: true}).Get(t.Context(), Request{URL: "http://127.0.0.1:" + port}); err == nil || hits.Load() == 0 {
		t.Errorf("when private addresses are allowed the canary is reached: %v, %v", a, err)
	}
}

func portOf(t *testing.T, s string) uint16 {
	t.Helper()
	return netip.MustParseAddrPort("0.0.0.0:" + s).Port()
}

// only returns a client that may connect to one address besides.
func only(c *Client, address string) *Client {
	inner := newGuard()
	out := New(Options{Agent: c.agent, Timeout: c.timeout})
	out.guard = nil // Check lets every form pass: the dialer has to refuse
	dialer := &net.Dialer{Timeout: c.timeout, Control: func(network, to string, raw syscall.RawConn) error {
		if to == address {
			return nil
		}
		return inner(network, to, raw)
	}}
	out.http.Transport.(*http.Transport).DialContext = dialer.DialContext
	return out
}

// Whatever is written as an address: what Check lets pass is an http or https one
// on a port that may be asked, and a host that is an IP address is one that the
// guard allows, in whatever form it was written.
func FuzzCheck(f *testing.F) {
	for _, name := range loopback {
		f.Add("http://" + name + "/")
	}
	for _, address := range []string{"https://example.org:8443/x?y#z", "http://[fe80::1%25eth0]/", "http://1.1.1.1:80", "HTTP://EXAMPLE.ORG"} {
		f.Add(address)
	}
	client, inner := New(Options{Agent: "test", Timeout: time.Second}), newGuard()
	f.Fuzz(func(t *testing.T, address string) {
		if client.Check(address) != nil {
			return
		}
		u, err := url.Parse(address)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil {
			t.Fatalf("%q passes: %v, %v", address, u, err)
		}
		if port := u.Port(); port != "" && port != "80" && port != "443" && port != "8080" && port != "8443" && !slices.Contains([]string{"80", "443", "8080", "8443"}, strings.TrimLeft(port, "0")) {
			t.Fatalf("%q passes with port %s", address, port)
		}
		if ip, err := netip.ParseAddr(u.Hostname()); err == nil {
			if err := inner(network(ip), netip.AddrPortFrom(ip, 443).String(), nil); err != nil {
				t.Fatalf("%q passes: %v", address, err)
			}
		}
	})
}

// Whatever way an address of the table comes about, it is the connection that is
// refused, before a packet leaves: when a name stands for it, and when an address
// that may be asked leads to it, by whatever redirect.
func TestRefusedWhenConnecting(t *testing.T) {
	target := "" // where redirects lead
	statuses, next := []int{301, 302, 303, 307, 308}, 0
	redirects := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", target)
		next++
		w.WriteHeader(statuses[next%len(statuses)])
	}))
	defer redirects.Close()
	client := New(Options{Agent: "test", Timeout: 5 * time.Second})
	defer client.Close()
	leading := only(client, redirects.Listener.Addr().String())
	defer leading.Close()
	named := New(Options{Agent: "test", Timeout: 5 * time.Second})
	defer named.Close()
	dial := named.http.Transport.(*http.Transport).DialContext
	for _, address := range refused {
		if address == "::ffff:8.8.8.8" {
			continue // Go connects to 8.8.8.8 then, which is public
		}
		host := address
		if netip.MustParseAddr(address).Is6() {
			host = "[" + address + "]"
		}
		named.http.Transport.(*http.Transport).DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
			return dial(ctx, network, net.JoinHostPort(address, "80")) // as if the name were resolved to it
		}
		if _, err := named.Get(t.Context(), Request{URL: "http://news.example.org/"}); !errors.Is(err, ErrRefused) {
			t.Errorf("a name for %s: %v", address, err)
		}
		target = "http://" + host + "/"
		if _, err := leading.Get(t.Context(), Request{URL: redirects.URL}); !errors.Is(err, ErrRefused) {
			t.Errorf("a redirect to %s: %v", address, err)
		}
		if _, err := client.Get(t.Context(), Request{URL: target}); !errors.Is(err, ErrRefused) {
			t.Errorf("%s itself: %v", address, err)
		}
	}
}
