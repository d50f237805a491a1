package ingest_test

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"newsfeed/feed/ingest"
	"newsfeed/feed/ingest/fetch"
)

// Every way in which a source's address comes to the desk ends at the guard: a
// list refuses it, adding it says why, and one that stands in the store all the
// same (written by an older version, or moved there) is refused when it is polled.
// A canary on this machine is never reached.
func TestSourcesAreGuarded(t *testing.T) {
	hits, port := canary(t)
	desk, store, _ := openDesk(t)
	desk.Client = fetch.New(fetch.Options{Agent: "test", Timeout: time.Second})
	defer desk.Client.Close()
	var hosts []string
	for _, address := range table(t, "refused") {
		if netip.MustParseAddr(address).Is6() {
			address = "[" + address + "]"
		}
		hosts = append(hosts, address)
	}
	guarded := len(hosts)
	for _, name := range table(t, "loopback") {
		if !slices.Contains(hosts, name) {
			hosts = append(hosts, name)
		}
		hosts = append(hosts, name+":"+port)
	}
	if guarded < 120 {
		t.Errorf("%d addresses are no table", guarded)
	}
	var stored []ingest.Address
	now := time.Now().UTC().Truncate(time.Millisecond)
	for i, host := range hosts {
		url := "http://" + host + "/feed"
		if i < guarded {
			wrong, err := desk.AddAll(t.Context(), []ingest.Listed{{URL: url}})
			var invalid *ingest.Invalid
			if err != nil || !errors.As(wrong[0], &invalid) {
				t.Errorf("in a list %s: %v, %v", url, wrong, err)
			}
		}
		if i%10 == 0 {
			if a, err := desk.Add(t.Context(), url, "guarded"); err == nil && a.Fault == "" {
				t.Errorf("%s was added", url)
			}
		}
		stored = append(stored, ingest.Address{ID: uuid.Must(uuid.NewV7()), URL: url + "?stored", Source: "stored", Added: now, Due: now})
	}
	if _, err := store.Sources().Add(t.Context(), stored); err != nil {
		t.Fatal(err)
	}
	polled, err := desk.Poll(t.Context(), stored)
	if err != nil || len(polled) != len(stored) {
		t.Fatalf("%d of %d were polled, %v", len(polled), len(stored), err)
	}
	for i, p := range polled {
		if p.Fault == nil || i < guarded && !errors.Is(p.Fault, fetch.ErrRefused) {
			t.Errorf("a poll of %s: %v", stored[i].URL, p.Fault)
		}
	}
	if n := hits.Load(); n != 0 {
		t.Errorf("the canary was reached %d times", n)
	}
	c, err := new(net.Dialer).DialContext(t.Context(), "tcp", "127.0.0.1:"+port)
	if err != nil {
		t.Fatal(err)
	}
	_ = c.Close()
	for deadline := time.After(10 * time.Second); hits.Load() == 0; {
		select {
		case <-deadline:
			t.Fatal("the canary sings for nobody")
		default:
		}
	}
}

// A page may announce any address as its document; one that may not be fetched is
// refused with the reason, and nobody asks it.
func TestAnnouncedAddressesAreGuarded(t *testing.T) {
	hits, port := canary(t)
	desk, store, _ := openDesk(t)
	var mu sync.Mutex
	head := ""
	url := publish(t, "127.1.0.7", func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		_, _ = io.WriteString(w, "<html><head><title>Page</title>"+head+"</head></html>")
	})
	desk.Client = fetch.New(fetch.Options{Agent: "test", Timeout: 5 * time.Second, Besides: []netip.AddrPort{netip.MustParseAddrPort(strings.TrimPrefix(url, "http://"))}})
	defer desk.Client.Close()
	link := func(href string) string {
		return `<link rel="alternate" type="application/rss+xml" href="` + href + `">`
	}
	heads := []string{link("file:///etc/passwd"), link("ftp://127.0.0.1/x"), link("gopher://127.0.0.1:6379/_x"), link("http://user:secret@127.0.0.1/"), link("http://169.254.169.254/latest/meta-data/"),
		link("//127.0.0.1:" + port + "/"), `<base href="http://127.0.0.1:` + port + `/">` + link("feed")}
	for _, name := range append(table(t, "loopback"), "10.0.0.1", "192.168.1.1", "[fd00::1]", "[::ffff:169.254.169.254]") {
		heads = append(heads, link("http://"+name+"/feed"), link("http://"+name+":"+port+"/feed"), link("https://"+name+"/feed"))
	}
	for _, h := range heads {
		mu.Lock()
		head = h
		mu.Unlock()
		_, err := desk.Add(t.Context(), url, "")
		var invalid *ingest.Invalid
		reason := "may not be fetched"
		if strings.Contains(h, "%31") || strings.Contains(h, "%00") {
			reason = "nor a page that announces one" // it is no address at all
		}
		if !errors.As(err, &invalid) || invalid.Fields[0].Location != "/url" || !strings.Contains(invalid.Fields[0].Message, reason) {
			t.Errorf("a page with %s: %v", h, err)
		}
	}
	if n := hits.Load(); n != 0 {
		t.Errorf("the canary was reached %d times", n)
	}
	if all, err := store.Sources().All(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("stored were %v, %v", all, err)
	}
	mu.Lock()
	head = link("/feed")
	mu.Unlock()
	if _, err := desk.Add(t.Context(), url, ""); err == nil || strings.Contains(err.Error(), "may not be fetched") {
		t.Errorf("a page that announces itself: %v", err)
	}
}

func table(t *testing.T, name string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("fetch", "testdata", name+".txt"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(string(text))
}

// canary counts connections to this machine, on all its addresses, at a port that
// may be fetched where one is free.
func canary(t *testing.T) (hits *atomic.Int64, port string) {
	t.Helper()
	hits = new(atomic.Int64)
	var l net.Listener
	var err error
	for _, port := range []string{"8080", "8443", "0"} {
		if l, err = new(net.ListenConfig).Listen(t.Context(), "tcp", ":"+port); err == nil {
			break
		}
	}
	if err != nil {
		t.Fatal(err)
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
	return hits, port
}
