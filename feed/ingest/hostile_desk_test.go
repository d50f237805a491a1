package ingest_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"newsfeed/feed"
	"newsfeed/feed/ingest"
	"newsfeed/storage/embedded"
)

// hostileTimeout is the deadline of a fetch among hostile sources; hostileLate is
// after it: nothing that a poll does between two looks at the time takes as much of
// a processor, by far (TestHostileMemory), but processors have others to serve.
const (
	hostileTimeout = 2 * time.Second
	hostileLate    = 3 * hostileTimeout
)

// misbehaving are servers that are hostile in how they answer.
var misbehaving = map[string]func(w http.ResponseWriter, r *http.Request){
	"slow drip": func(w http.ResponseWriter, r *http.Request) {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for r.Context().Err() == nil {
			_, _ = io.WriteString(w, "<rss>")
			_ = http.NewResponseController(w).Flush()
			select {
			case <-tick.C:
			case <-r.Context().Done():
			}
		}
	},
	"endless body": func(w http.ResponseWriter, _ *http.Request) {
		for block := bytes.Repeat([]byte("<item/>"), 8<<10); ; {
			if _, err := w.Write(block); err != nil {
				return
			}
		}
	},
	"silence":            func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
	"10,000 redirects":   func(w http.ResponseWriter, r *http.Request) { redirectOn(w, r, 10_000) },
	"redirect to itself": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path, http.StatusFound) },
	"redirect to a file": func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "file:///etc/passwd", http.StatusFound)
	},
	"redirect to gopher": func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "gopher://127.0.0.1:6379/_FLUSHALL", http.StatusFound)
	},
	"redirect nowhere": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusMovedPermanently) },
	"redirect of 1 MB": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "/"+strings.Repeat("a", 1<<20))
		w.WriteHeader(http.StatusFound)
	},
	"304 unasked": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotModified) },
	"204":         func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) },
	"418":         func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) },
	"length too great": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000000000000")
		_, _ = io.WriteString(w, "<rss/>")
	},
	"length too small": raw("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n<rss/><rss/>"),
	"two lengths":      raw("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 6\r\n\r\n<rss/>"),
	"no HTTP":          raw("<rss/>"),
	"HTTP/9.9":         raw("HTTP/9.9 200 OK\r\n\r\n<rss/>"),
	"mad status":       raw("HTTP/1.1 99999 OK\r\n\r\n<rss/>"),
	"broken chunks":    raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n<rss/>"),
	"chunk of 1 EB":    raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffff\r\n<rss/>"),
	"header cut off":   raw("HTTP/1.1 200 OK\r\nContent-"),
	"NUL in a header":  raw("HTTP/1.1 200 OK\r\nX: a\x00b\r\n\r\n<rss/>"),
	"endless headers":  raw("HTTP/1.1 200 OK\r\n" + strings.Repeat("X: y\r\n", 200_000)),
	"endless 1xx":      raw(strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", 100_000)),
	"closed at once":   raw(""),
}

// raw answers with bytes of its own.
func raw(bytes string) func(w http.ResponseWriter, r *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) {
		c, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer c.Close()
		_, _ = io.WriteString(c, bytes)
	}
}

func redirectOn(w http.ResponseWriter, r *http.Request, most int) {
	n := 0
	_, _ = fmt.Sscanf(r.URL.RawQuery, "n=%d", &n)
	if n < most {
		http.Redirect(w, r, fmt.Sprintf("%s?n=%d", r.URL.Path, n+1), http.StatusFound)
	}
}

// Hostile sources are refused or cleaned, each by its deadline from its turn on; a
// good one that is polled among them is read meanwhile, each time; and nothing that
// was stored carries a script. (What reading costs is bounded in TestHostileMemory.)
func TestHostileSources(t *testing.T) {
	if testing.Short() {
		t.Skip("the packs are cleaned in the whole run only")
	}
	desk, store, pass := openDeskWithin(t, hostileTimeout)
	addresses, names := serveHostile(t, desk)
	url := publish(t, "127.1.4.1", func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, rss("http://"+r.Host, "good")) })
	good, err := desk.Add(t.Context(), url, "")
	if err != nil {
		t.Fatal(err)
	}
	var left atomic.Int64
	left.Store(int64(len(addresses)))
	var polls sync.WaitGroup
	queue := make(chan ingest.Address)
	var mu sync.Mutex
	kinds, worst, name := map[string]int{}, time.Duration(0), ""
	for range 16 {
		polls.Go(func() {
			for a := range queue {
				p := pollOne(t, desk, a)
				left.Add(-1)
				mu.Lock()
				if p.Took > worst {
					worst, name = p.Took, names[a.URL]
				}
				kinds[outcomeOf(&p)]++
				mu.Unlock()
			}
		})
	}
	polls.Go(func() {
		defer close(queue)
		for _, a := range addresses {
			queue <- a
		}
	})
	rounds := 0
	for ; left.Load() > 0; rounds++ {
		pass(time.Minute)
		if p := pollOne(t, desk, good); p.Fault != nil || p.Items != 1 {
			t.Fatalf("the good source among them: %+v", p)
		}
	}
	polls.Wait()
	t.Logf("%d hostile sources: %v; the slowest, from its turn on, %s (%s); the good one was polled %d times meanwhile", len(addresses), kinds, worst, name, rounds)
	if worst > hostileLate {
		t.Errorf("%s was asked and read in %s, with a deadline of %s", name, worst, hostileTimeout)
	}
	checkStored(t, store)
}

func outcomeOf(p *ingest.Polled) string {
	switch {
	case p.Fault != nil:
		return "refused"
	case p.New > 0:
		return "cleaned"
	case p.Rejected > 0:
		return "no item can be used"
	}
	return "nothing in it"
}

// serveHostile serves every hostile source and adds its address; names are what
// they are called, by address.
func serveHostile(t *testing.T, desk *ingest.Desk) (addresses []ingest.Address, names map[string]string) {
	t.Helper()
	sources := ingest.HostileSources(t)
	byPath := map[string]int{}
	for i := range sources {
		byPath[fmt.Sprintf("/d%d", i)] = i
	}
	i := 0
	for name := range misbehaving {
		sources = append(sources, ingest.HostileSource{Name: name})
		byPath[fmt.Sprintf("/m%d", i)] = len(sources) - 1
		i++
	}
	bases := make([]string, 8)
	for i := range bases {
		bases[i] = publish(t, fmt.Sprintf("127.1.4.%d", 10+i), func(w http.ResponseWriter, r *http.Request) {
			s := &sources[byPath[r.URL.Path]]
			if answer := misbehaving[s.Name]; answer != nil {
				answer(w, r)
				return
			}
			for name, value := range s.Header {
				w.Header().Set(name, value)
			}
			_, _ = w.Write(s.Body)
		})
	}
	var list []ingest.Listed
	names = map[string]string{}
	for path, i := range byPath {
		names[bases[i%len(bases)]+path] = sources[i].Name
		list = append(list, ingest.Listed{URL: bases[i%len(bases)] + path, Name: sources[i].Name})
	}
	for len(list) > 0 {
		n := min(len(list), ingest.MaxListed)
		if _, err := desk.AddAll(t.Context(), list[:n]); err != nil {
			t.Fatal(err)
		}
		list = list[n:]
	}
	all, err := desk.All(t.Context())
	if err != nil || len(all) != len(sources) || len(all) < 150 {
		t.Fatalf("%d addresses of %d hostile sources, %v", len(all), len(sources), err)
	}
	return all, names
}

// checkStored looks at everything that was stored, its body included.
func checkStored(t *testing.T, store *embedded.Store) {
	t.Helper()
	entries := logOf(t, store)
	for _, e := range entries {
		body, err := store.Articles().Body(t.Context(), e.Edition)
		if err != nil {
			t.Fatal(err)
		}
		ingest.HarmlessBody(t, e.Article.URL, body)
		for _, address := range []string{e.Article.URL, imageOf(&e.Article)} {
			if address != "" && !strings.HasPrefix(address, "https://") && !strings.HasPrefix(address, "http://") {
				t.Errorf("an address %q was stored", address)
			}
		}
	}
	t.Logf("%d entries were stored", len(entries))
}

func imageOf(a *feed.Article) string {
	if a.Image == nil {
		return ""
	}
	return a.Image.URL
}
