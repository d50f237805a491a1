package fetch

import (
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
var refused = strings.Fields(`
0.0.0.0 0.0.0.1 0.1.2.3 0.255.255.255
10.0.0.0 10.0.0.1 10.1.2.3 10.255.255.255
100.64.0.0 100.64.0.1 100.100.100.200 100.127.255.255
127.0.0.0 127.0.0.1 127.0.0.2 127.0.1.1 127.1.0.1 127.127.127.127 127.255.255.254 127.255.255.255
169.254.0.0 169.254.0.1 169.254.169.253 169.254.169.254 169.254.170.2 169.254.255.255
172.16.0.0 172.16.0.1 172.17.0.1 172.20.10.1 172.31.255.255
192.0.0.0 192.0.0.1 192.0.0.8 192.0.0.170 192.0.0.192 192.0.0.255
192.0.2.0 192.0.2.1 192.0.2.255
192.31.196.0 192.31.196.1 192.31.196.255
192.52.193.0 192.52.193.1 192.52.193.255
192.88.99.0 192.88.99.1 192.88.99.2 192.88.99.255
192.168.0.0 192.168.0.1 192.168.1.1 192.168.255.255
192.175.48.0 192.175.48.6 192.175.48.255
198.18.0.0 198.18.0.1 198.19.255.255
198.51.100.0 198.51.100.1 198.51.100.255
203.0.113.0 203.0.113.1 203.0.113.255
224.0.0.0 224.0.0.1 224.0.0.251 232.1.1.1 233.252.0.1 239.255.255.250 239.255.255.255
240.0.0.0 240.0.0.1 250.1.2.3 255.255.255.254 255.255.255.255
:: ::1 ::2
::7f00:1 ::127.0.0.1 ::10.0.0.1 ::169.254.169.254 ::8.8.8.8
::ffff:127.0.0.1 ::ffff:7f00:1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 ::ffff:192.168.0.1 ::ffff:0.0.0.0 ::ffff:8.8.8.8
::ffff:0:127.0.0.1 ::ffff:0:10.0.0.1
64:ff9b::127.0.0.1 64:ff9b::10.0.0.1 64:ff9b::169.254.169.254 64:ff9b::8.8.8.8 64:ff9b:1::1 64:ff9b:1::7f00:1
100::1 100:0:0:1::1
2001::1 2001::7f00:1 2001:0:4136:e378:8000:63bf:3fff:fdd2 2001:1::1 2001:1::2 2001:2::1 2001:3::1 2001:4:112::1
2001:10::1 2001:20::1 2001:30::1 2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff
2001:db8:: 2001:db8::1 2001:db8:ffff:ffff:ffff:ffff:ffff:ffff
2002:7f00:1:: 2002:7f00:1::1 2002:a00:1::1 2002:a9fe:a9fe::1 2002:808:808::1
2620:4f:8000::1 2620:4f:8000:ffff::1
3ffe::1 3ffe:ffff::1 3fff::1 3fff:fff:ffff::1
2606:4700::5efe:127.0.0.1 2606:4700::200:5efe:10.0.0.1
5f00::1 fc00::1 fc00:1234::1 fd00::1 fd12:3456:789a::1 fdff:ffff::1
fe80::1 fe80::7f00:1 febf::1 fec0::1 feff::1
ff00::1 ff01::1 ff02::1 ff02::fb ff05::1:3 ff0e::1 ffff::1
4000::1 8000::1 e000::1
`)

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
		"file:///etc/passwd", "gopher://example.org/", "http://user@example.org/", "http://example.org:22/", "http:///x", "http://%zz/"} {
		if err := client.Check(address); !errors.Is(err, ErrRefused) {
			t.Errorf("%s: %v, want ErrRefused", address, err)
		}
	}
	for _, address := range []string{"http://example.org/", "https://example.org:8443/x", "http://1.1.1.1/"} {
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
var loopback = strings.Fields(`127.0.0.1 127.0.0.2 127.1.0.1 127.255.255.254 localhost LOCALHOST localhost. 0.0.0.0 127.1 127.0.1 0 2130706433
0x7f000001 0x7f.0.0.1 0177.0.0.1 017700000001 127.000.000.001 127.0.0.1. [::1] [::] [0:0:0:0:0:0:0:1] [::ffff:127.0.0.1] [::ffff:7f00:1]
[0:0:0:0:0:ffff:7f00:1] [::127.0.0.1] [::1%25lo] 127。0。0。1 ①②⑦.⓪.⓪.① %31%32%37.0.0.1 0:80@127.0.0.1 127.0.0.1%00.example.org`)

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
