package main

import (
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	"newsfeed/storage/storagetest/servers"
)

var (
	lineSources = flag.Int("line.sources", 20, "sources of TestWholeLine, each on a loopback address of its own")
	lineRounds  = flag.Int("line.rounds", 2, "polls of each of them that are measured")
)

// line is a program that polls sources, each of which has one more article at
// each poll, and the times at which their answers ended.
type line struct {
	*process
	token string
	ids   []string

	mu    sync.Mutex // guards below
	round int
	ended map[string]time.Time // by title: the last byte of the answer that brought it was written
	seen  map[string]time.Time // by title: when it was in the follower's feed
}

// answer writes a document with an article for each round so far.
func (l *line) answer(source int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		l.mu.Lock()
		round := l.round
		l.mu.Unlock()
		fmt.Fprintf(w, `<rss version="2.0"><channel><title>Source %d</title><link>http://%s/</link>`, source, r.Host)
		for i := 1; i <= round; i++ {
			fmt.Fprintf(w, `<item><title>%s</title><link>http://%s/%d</link></item>`, lineTitle(source, i), r.Host, i)
		}
		_, _ = io.WriteString(w, `</channel></rss>`)
		_ = http.NewResponseController(w).Flush()
		l.mu.Lock()
		l.ended[lineTitle(source, round)] = time.Now()
		l.mu.Unlock()
	}
}

func lineTitle(source, round int) string { return fmt.Sprintf("Round%d of outlet%d", round, source) }

func newLine(t *testing.T) *line {
	l := &line{process: serve(t, "NEWSFEED_ALLOW_PRIVATE_SOURCES=true"), round: 1, ended: map[string]time.Time{}, seen: map[string]time.Time{}}
	for i := range *lineSources {
		listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", fmt.Sprintf("127.1.%d.%d:0", i/250, i%250+1))
		if err != nil {
			servers.Missing(t, "loopback", fmt.Sprintf("all of 127.0.0.0/8 is this machine on Linux: %v", err))
		}
		server := &httptest.Server{Listener: listener, Config: &http.Server{Handler: l.answer(i), ReadHeaderTimeout: time.Minute}}
		server.Start()
		t.Cleanup(server.Close)
		var added shownSource
		if status := l.call("POST", "/sources", testKey, map[string]string{"url": server.URL}, &added); status != 201 {
			t.Fatalf("add a source: %d", status)
		}
		l.ids = append(l.ids, added.ID)
	}
	l.token = l.guest()
	return l
}

// poll polls all sources at once, as many as a call may name.
func (l *line) poll() {
	var calls sync.WaitGroup
	for chunk := range slices.Chunk(l.ids, 100) {
		calls.Go(func() {
			if status, err := l.tryCall("POST", "/sources/poll", testKey, map[string]any{"sources": chunk}, nil); status != 200 {
				l.t.Errorf("poll: %d, %v", status, err)
			}
		})
	}
	calls.Wait()
}

// watch reads the follower's feed, all of it, until every article of a round is
// in it, and notes when each first was.
func (l *line) watch(round int) {
	missing := map[string]bool{}
	for i := range l.ids {
		missing[lineTitle(i, round)] = true
	}
	for deadline := time.Now().Add(2 * time.Minute); len(missing) > 0; {
		if time.Now().After(deadline) {
			l.t.Errorf("%d articles of round %d are not in the feed after two minutes", len(missing), round)
			return
		}
		for cursor := ""; ; {
			var page struct {
				Items []struct{ Article struct{ Title string } }
				Next  string
			}
			l.call("GET", "/feed?limit=100&must_know=0"+cursor, l.token, nil, &page)
			now := time.Now()
			for _, item := range page.Items {
				if title := item.Article.Title; missing[title] {
					delete(missing, title)
					l.seen[title] = now
				}
			}
			if page.Next == "" {
				break
			}
			cursor = "&cursor=" + url.QueryEscape(page.Next)
		}
	}
}

// From the last byte of a poll's answer until the article is in a follower's
// feed: nothing is lost, and the times are told.
func TestWholeLine(t *testing.T) {
	l := newLine(t)
	l.poll()
	for _, id := range l.ids {
		if status := l.call("PUT", "/interests/source-"+id, l.token, map[string]string{"level": "follow"}, nil); status != 200 {
			t.Fatalf("follow source-%s: %d", id, status)
		}
	}
	l.watch(1)
	var took []time.Duration
	for round := 2; round <= *lineRounds+1; round++ {
		l.mu.Lock()
		l.round = round
		l.mu.Unlock()
		var watching sync.WaitGroup
		watching.Go(func() { l.watch(round) })
		l.poll()
		watching.Wait()
		l.mu.Lock()
		for i := range l.ids {
			title := lineTitle(i, round)
			took = append(took, l.seen[title].Sub(l.ended[title]))
		}
		l.mu.Unlock()
	}
	slices.Sort(took)
	t.Logf("%d articles of %d sources, polled all at once: last byte to feed p50 %s, p99 %s, longest %s", len(took), len(l.ids),
		took[len(took)/2].Round(time.Millisecond), took[len(took)*99/100].Round(time.Millisecond), took[len(took)-1].Round(time.Millisecond))
}
