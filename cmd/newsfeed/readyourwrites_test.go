package main

import (
	"flag"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var ownWrites = flag.Int("writes", 400, "edits of TestReadYourWrites")

// Whoever edits through one node and then reads the feed of the other by the
// answer's revision reads their own edit, under load: the answer is not made from
// an older list, and shows what the edit says.
func TestReadYourWrites(t *testing.T) {
	settings := onServers(t)
	a, b := serve(t, settings...), serve(t, settings...)
	var articles []map[string]any
	for i := range 200 {
		articles = append(articles, testArticle(i))
	}
	a.publish(articles...)
	for deadline := time.Now().Add(10 * time.Second); b.edition() < sownTopics+200; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the other node does not follow")
		}
	}
	stop := make(chan struct{})
	var load sync.WaitGroup
	var calls atomic.Int64
	for i := range 4 {
		token := a.guest("iran", "chad")
		load.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				on := []*process{a, b}[(n+i)%2]
				if n%8 == 0 {
					_, _ = on.tryCall("PUT", "/interests/cuba", token, map[string]string{"level": "follow"}, nil)
				} else {
					_, _ = on.tryCall("GET", "/feed", token, nil, nil)
				}
				calls.Add(1)
			}
		})
	}
	var (
		writers sync.WaitGroup
		next    atomic.Int64
		mu      sync.Mutex // guards below
		took    []time.Duration
		stale   int
	)
	for range 4 {
		w := &ownWriter{process: a, other: b, token: a.guest("chad")}
		writers.Go(func() {
			for n := next.Add(1); n <= int64(*ownWrites); n = next.Add(1) {
				fresh, d := w.write(n%2 == 0)
				mu.Lock()
				took = append(took, d)
				if !fresh {
					stale++
				}
				mu.Unlock()
			}
		})
	}
	writers.Wait()
	close(stop)
	load.Wait()
	slices.Sort(took)
	t.Logf("%d edits through one node, each read on the other, beside %d other calls: %d stale; GET /feed p50 %v, p99 %v, max %v",
		len(took), calls.Load(), stale, took[len(took)/2], took[len(took)*99/100], took[len(took)-1])
	if stale > 0 {
		t.Errorf("%d of %d reads were stale", stale, len(took))
	}
}

// ownWriter is a person with two devices, each on a node of its own.
type ownWriter struct {
	*process
	other *process
	token string
}

// write follows a topic, or mutes it, and reports whether the other node's feed
// is of that edit, and how long it took.
func (w *ownWriter) write(follow bool) (fresh bool, took time.Duration) {
	level := "mute"
	if follow {
		level = "follow"
	}
	var edit struct{ Revision uint64 }
	if status := w.call("PUT", "/interests/iran", w.token, map[string]string{"level": level}, &edit); status != http.StatusOK {
		w.t.Errorf("an edit was answered %d", status)
	}
	var page struct {
		AsOf  struct{ Revision uint64 } `json:"as_of"`
		Items []struct{ Story string }
	}
	reader := &process{t: w.t, url: w.other.url, least: edit.Revision}
	began := time.Now()
	status := reader.call("GET", "/feed?must_know=0", w.token, nil, &page)
	took = time.Since(began)
	if status != http.StatusOK {
		w.t.Errorf("a feed was answered %d", status)
	}
	fresh = page.AsOf.Revision >= edit.Revision && (len(page.Items) > 0) == follow
	if !fresh {
		w.t.Logf("edited to %s at %s, read %d with %d cards", level, strconv.FormatUint(edit.Revision, 10), page.AsOf.Revision, len(page.Items))
	}
	return fresh, took
}
