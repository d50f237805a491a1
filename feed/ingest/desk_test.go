package ingest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"newsfeed/feed"
	"newsfeed/feed/ingest"
	"newsfeed/feed/ingest/fetch"
	"newsfeed/interests/topic"
	"newsfeed/storage/embedded"
	"newsfeed/storage/storagetest/servers"
)

// openDesk opens a desk over an embedded store; its clock is moved by the test.
func openDesk(t *testing.T) (*ingest.Desk, *embedded.Store, func(time.Duration)) {
	t.Helper()
	return openDeskWithin(t, 5*time.Second)
}

// openDeskWithin is openDesk with a deadline of a fetch.
func openDeskWithin(t *testing.T, timeout time.Duration) (*ingest.Desk, *embedded.Store, func(time.Duration)) {
	t.Helper()
	store, err := embedded.Open(filepath.Join(t.TempDir(), "newsfeed.db"))
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	at := time.Now()
	now := func() time.Time { mu.Lock(); defer mu.Unlock(); return at }
	catalogue := topic.NewCatalogue(topic.Seed())
	index := feed.NewIndex(0, now, catalogue.Put)
	log := feed.NewLog(store.Articles(), index, store.Announcements(), feed.LogOptions{HalfLife: time.Hour, Now: now})
	if err := log.Warm(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	log.Start()
	desk := ingest.NewDesk(ingest.DeskDeps{
		Sources: store.Sources(), Client: fetch.New(fetch.Options{Agent: "test", Timeout: timeout, AllowPrivate: true}), Timeout: timeout,
		Tagger: ingest.NewTagger(catalogue, store.Topics(), false), Log: log, Articles: store.Articles(), Now: now,
		Report: func(err error) { t.Errorf("reported: %v", err) },
	})
	t.Cleanup(func() {
		desk.Stop()
		log.Stop()
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return desk, store, func(d time.Duration) { mu.Lock(); defer mu.Unlock(); at = at.Add(d) }
}

// publish serves a handler on a loopback address of its own.
func publish(t *testing.T, host string, handler http.HandlerFunc) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", host+":0")
	if err != nil {
		servers.Missing(t, "loopback", fmt.Sprintf("all of 127.0.0.0/8 is this machine on Linux: %v", err))
	}
	server := &httptest.Server{Listener: l, Config: &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}}
	server.Start()
	t.Cleanup(server.Close)
	return server.URL
}

func rss(url string, titles ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, `<rss version="2.0"><channel><title>Of %s</title><link>%s/</link>`, url, url)
	for _, title := range titles {
		fmt.Fprintf(&b, `<item><title>%s</title><link>%s/%s</link></item>`, title, url, strings.ReplaceAll(title, " ", "-"))
	}
	b.WriteString(`</channel></rss>`)
	return b.String()
}

func pollOne(t *testing.T, d *ingest.Desk, a ingest.Address) ingest.Polled {
	t.Helper()
	polled, err := d.Poll(t.Context(), []ingest.Address{a})
	if err != nil || len(polled) != 1 {
		t.Fatalf("poll: %v, %v", polled, err)
	}
	return polled[0]
}

// A source's life: undated items of the first poll are a day old, a minute apart;
// the same document again, or 304, brings nothing; later items are new; failures
// keep their reason and space out; 410 stops, and a poll by hand wakes.
func TestDesk(t *testing.T) {
	desk, store, pass := openDesk(t)
	var mu sync.Mutex
	status, titles := 200, []string{"one", "two"}
	set := func(s int, t ...string) { mu.Lock(); defer mu.Unlock(); status, titles = s, t }
	url := publish(t, "127.1.0.1", func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		w.Header().Set("ETag", `"`+strings.Join(titles, "+")+`"`)
		if status == 200 && r.Header.Get("If-None-Match") == w.Header().Get("ETag") {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		w.Header().Set("Retry-After", "36000")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, rss("http://"+r.Host, titles...))
	})
	a, err := desk.Add(t.Context(), url, "")
	if err != nil || a.Source != "127-1-0-1" || a.Fault != "" {
		t.Fatalf("added %+v, %v", a, err)
	}
	first := pollOne(t, desk, a)
	if first.New != 2 || first.Fault != nil {
		t.Fatalf("the first poll: %+v", first)
	}
	entries, err := store.Articles().Read(t.Context(), feed.Range{Limit: 10})
	if err != nil || len(entries) != 2 {
		t.Fatalf("the log: %v, %v", entries, err)
	}
	if gap := entries[0].Article.Published.Sub(entries[1].Article.Published); gap != time.Minute {
		t.Errorf("undated items are %s apart, want a minute", gap)
	}
	if age := entries[0].At.Sub(entries[0].Article.Published); age < 24*time.Hour || age > 24*time.Hour+time.Minute {
		t.Errorf("an undated item of the first poll is %s old, want 24h", age)
	}
	pass(time.Hour)
	if again := pollOne(t, desk, a); again.New+again.Updated+again.Items != 0 || again.Fault != nil {
		t.Errorf("nothing has changed: %+v", again)
	}
	set(200, "three", "one", "two")
	if third := pollOne(t, desk, a); third.New != 1 || third.Unchanged != 2 || third.Updated != 0 {
		t.Errorf("one more item: %+v", third)
	}
	set(503, "x")
	failed := pollOne(t, desk, a)
	if wait := failed.Address.Due.Sub(failed.Address.Polled); failed.Fault == nil || failed.Address.Fault == "" || wait < 8*time.Hour {
		t.Errorf("Retry-After of ten hours was honoured with %s: %+v", wait, failed)
	}
	set(410, "x")
	if gone := pollOne(t, desk, a); !gone.Address.Stopped {
		t.Errorf("410 does not stop: %+v", gone)
	}
	set(200, "four")
	if woken := pollOne(t, desk, a); woken.New != 1 || woken.Address.Stopped || woken.Address.Fault != "" {
		t.Errorf("a poll by hand wakes: %+v", woken)
	}
	if n, withdrawn, err := desk.Remove(t.Context(), a.Source, true); n != 1 || withdrawn != 4 || err != nil {
		t.Errorf("removed %d, withdrew %d, %v", n, withdrawn, err)
	}
}

// An article on another's host is taken over by the source whose host it is, and
// not taken back.
func TestDeskTakesOver(t *testing.T) {
	desk, store, _ := openDesk(t)
	link := ""
	serve := func(host string) (ingest.Address, string) {
		url := publish(t, host, func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprintf(w, `<rss version="2.0"><channel><title>%s</title><item><title>Shared</title><link>%s</link></item></channel></rss>`, host, link)
		})
		link = url + "/shared"
		a, err := desk.Add(t.Context(), url, "")
		if err != nil {
			t.Fatal(err)
		}
		return a, url
	}
	other, _ := serve("127.1.0.5")
	own, _ := serve("127.1.0.6")
	for i, want := range []struct {
		poll                 ingest.Address
		isNew, updated, left int
	}{{other, 1, 0, 0}, {own, 0, 1, 0}, {other, 0, 0, 1}, {own, 0, 0, 0}} {
		if got := pollOne(t, desk, want.poll); got.New != want.isNew || got.Updated != want.updated || got.Others != want.left || got.Fault != nil {
			t.Errorf("poll %d of %s: %+v", i, want.poll.Source, got)
		}
	}
	entries, err := store.Articles().Read(t.Context(), feed.Range{Limit: 10})
	if err != nil || len(entries) != 2 || entries[1].Owner != own.Source || entries[1].Article.Source.ID != own.Source {
		t.Errorf("the log: %+v, %v", entries, err)
	}
}

// A source that hangs or talks nonsense does not stop the others, which a started
// desk polls by itself.
func TestDeskRuns(t *testing.T) {
	desk, store, _ := openDesk(t)
	publish := func(host, body string) {
		url := publish(t, host, func(w http.ResponseWriter, r *http.Request) {
			if body == "" {
				<-r.Context().Done()
			}
			_, _ = io.WriteString(w, strings.ReplaceAll(body, "SELF", "http://"+r.Host))
		})
		if _, err := desk.AddAll(t.Context(), []ingest.Listed{{URL: url}}); err != nil {
			t.Fatal(err)
		}
	}
	publish("127.1.0.2", "")
	publish("127.1.0.3", "no document at all")
	for i := 10; i < 20; i++ {
		publish(fmt.Sprintf("127.1.0.%d", i), rss("SELF", "a", "b", "c"))
	}
	all, err := desk.All(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	leased, err := store.Sources().Lease(t.Context(), time.Now().Add(2*time.Hour), time.Now().Add(-time.Minute), 100)
	if err != nil || len(leased) != len(all) {
		t.Fatalf("lease: %d, %v", len(leased), err)
	}
	for _, a := range leased {
		a.Due = time.Now().Add(-time.Minute).Truncate(time.Millisecond)
		if err := store.Sources().Save(t.Context(), a); err != nil {
			t.Fatal(err)
		}
	}
	desk.Start()
	desk.Start()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	look := time.NewTicker(50 * time.Millisecond) // announcements may be missed, and are no promise
	defer look.Stop()
	top := feed.Edition(0)
	for top < 30 && ctx.Err() == nil {
		select {
		case <-store.Announcements().Editions():
		case <-look.C:
		case <-ctx.Done():
		}
		if top, _, err = store.Articles().Top(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	desk.Stop()
	desk.Stop()
	if top != 30 {
		t.Errorf("%d articles of ten sources, want 30", top)
	}
}

// A poll that is under way while its source is removed stores nothing after what
// was there is withdrawn, and brings the address not back.
func TestPollOfARemovedSource(t *testing.T) {
	desk, store, _ := openDesk(t)
	asked, answer := make(chan struct{}, 1), make(chan struct{})
	polls := 0
	url := publish(t, "127.1.0.7", func(w http.ResponseWriter, r *http.Request) {
		if polls++; polls > 2 { // by Add, and the first poll
			asked <- struct{}{}
			select {
			case <-answer:
			case <-r.Context().Done():
			}
		}
		_, _ = io.WriteString(w, rss("http://"+r.Host, fmt.Sprint("article ", polls)))
	})
	a, err := desk.Add(t.Context(), url, "")
	if err != nil {
		t.Fatal(err)
	}
	pollOne(t, desk, a)
	var polling sync.WaitGroup
	polling.Go(func() {
		polled, err := desk.Poll(t.Context(), []ingest.Address{a})
		if err != nil || len(polled) != 1 || polled[0].New != 0 {
			t.Errorf("the poll in between: %+v, %v", polled, err)
		}
	})
	<-asked
	if n, withdrawn, err := desk.Remove(t.Context(), a.Source, true); n != 1 || withdrawn != 1 || err != nil {
		t.Errorf("removed %d, withdrew %d, %v", n, withdrawn, err)
	}
	close(answer)
	polling.Wait()
	all, err := desk.All(t.Context())
	if entries := logOf(t, store); len(entries) != 2 || !entries[1].Withdrawn || len(all) != 0 || err != nil {
		t.Errorf("%d entries, addresses %v, %v", len(entries), all, err)
	}
}

// Faults are counted by kind.
func TestFaultKinds(t *testing.T) {
	desk, _, _ := openDesk(t)
	answers := map[string]func(w http.ResponseWriter, r *http.Request){
		"no_document": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html/>") },
		"status":      func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) },
		"gone":        func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusGone) },
		"redirects":   func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path, http.StatusFound) },
		"refused": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "ftp://x.example/", http.StatusFound)
		},
		"no_answer": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"too_large": func(w http.ResponseWriter, _ *http.Request) {
			for block := make([]byte, 1<<20); ; {
				if _, err := w.Write(block); err != nil {
					return
				}
			}
		},
		"harmful": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "<!DOCTYPE rss [<!ENTITY a 'b'>]><rss/>")
		},
		"cut_off": func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, strings.TrimSuffix(rss("http://"+r.Host, "a"), "</rss>"))
		},
		"encoding": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/xml")
			_, _ = io.WriteString(w, `<?xml version="1.0" encoding="martian"?>`+rss("http://"+r.Host, "a"))
		},
		"malformed": func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, strings.Replace(rss("http://"+r.Host, "a"), "<item>", "<item a=b>", 1))
		},
	}
	url := publish(t, "127.1.0.8", func(w http.ResponseWriter, r *http.Request) { answers[strings.TrimPrefix(r.URL.Path, "/")](w, r) })
	var list []ingest.Listed
	for kind := range answers {
		list = append(list, ingest.Listed{URL: url + "/" + kind})
	}
	if _, err := desk.AddAll(t.Context(), list); err != nil {
		t.Fatal(err)
	}
	all, err := desk.All(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := desk.Poll(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	for kind, n := range desk.Counts.Kinds.All() {
		want := int64(0)
		if answers[kind.String()] != nil {
			want = 1
		}
		if n != want {
			t.Errorf("%s: %d, want %d", kind, n, want)
		}
	}
}

// The first polls of a list are spread over an hour; what cannot be polled, or is
// there already, is told by its place.
func TestListIsSpread(t *testing.T) {
	desk, _, _ := openDesk(t)
	list := []ingest.Listed{{URL: "ftp://x.example/"}, {URL: "https://a.example/feed"}, {URL: "https://a.example/feed"}}
	for i := range 200 {
		list = append(list, ingest.Listed{URL: fmt.Sprintf("https://outlet%d.example/feed", i)})
	}
	began := time.Now()
	wrong, err := desk.AddAll(t.Context(), list)
	var invalid *ingest.Invalid
	if err != nil || !errors.As(wrong[0], &invalid) || wrong[1] != nil || !errors.Is(wrong[2], ingest.ErrAddressTaken) {
		t.Fatalf("%v, %v", wrong[:3], err)
	}
	all, err := desk.All(t.Context())
	if err != nil || len(all) != 201 {
		t.Fatalf("%d addresses, %v", len(all), err)
	}
	quarters := map[int]int{}
	for _, a := range all {
		quarters[int(a.Due.Sub(began.Truncate(time.Millisecond)).Minutes())/15]++
	}
	for quarter := range 4 {
		if quarters[quarter] < 20 {
			t.Errorf("first polls by quarter of an hour: %v", quarters)
		}
	}
	if len(quarters) != 4 {
		t.Errorf("some are due outside of the hour: %v", quarters)
	}
}
