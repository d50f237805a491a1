package ingest_test

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"newsfeed/feed"
	"newsfeed/feed/ingest"
	"newsfeed/storage/embedded"
	"newsfeed/storage/storagetest/servers"
)

var (
	snapshotsEvery = flag.Int("snapshots.every", 8, "TestSnapshots polls every n-th document of each outlet; 1: all")
	changesShown   = flag.Int("snapshots.changes", 0, "changes of articles that TestSnapshots prints, as many real updates and as many others")
)

// snapshot is what an outlet's address answered at a time.
type snapshot struct {
	outlet string
	at     time.Time
	body   []byte
}

// snapshots are the polls of the pack in the order of time, a few of each outlet.
func snapshots(t *testing.T) []snapshot {
	t.Helper()
	folder := servers.TestData(t)
	file, err := os.Open(filepath.Join(folder, "feed_snapshots.tar.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	unzipped, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	var all []snapshot
	for archive := tar.NewReader(unzipped); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		stamp, _, _ := strings.Cut(path.Base(header.Name), "-")
		at, err := time.Parse("20060102T150405Z", stamp)
		if err != nil {
			continue
		}
		body, err := io.ReadAll(archive)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, snapshot{path.Base(path.Dir(header.Name)), at, body})
	}
	slices.SortFunc(all, func(a, b snapshot) int { return a.at.Compare(b.at) })
	seen := map[string]int{}
	return slices.DeleteFunc(all, func(s snapshot) bool { seen[s.outlet]++; return seen[s.outlet]%*snapshotsEvery != 0 })
}

// replay is a desk and the outlets of the pack, each on an address of its own,
// which answer with one snapshot after the other.
type replay struct {
	t         *testing.T
	desk      *ingest.Desk
	pass      func(time.Duration)
	now       time.Time // of the latest snapshot: the desk's clock runs as far ahead as that
	addresses map[string]ingest.Address
	polled    ingest.Polled // sums
	flaws     map[string]int

	mu     sync.Mutex // guards bodies
	bodies map[string][]byte
}

func newReplay(t *testing.T, outlets []string, at time.Time) (*replay, *embedded.Store) {
	r := &replay{t: t, now: at, addresses: map[string]ingest.Address{}, flaws: map[string]int{}, bodies: map[string][]byte{}}
	var store *embedded.Store
	r.desk, store, r.pass = openDesk(t)
	var list []ingest.Listed
	urls := map[string]string{}
	for i, outlet := range outlets {
		url := publish(t, fmt.Sprintf("127.1.2.%d", i+1), func(w http.ResponseWriter, _ *http.Request) {
			r.mu.Lock()
			defer r.mu.Unlock()
			_, _ = w.Write(r.bodies[outlet])
		})
		list = append(list, ingest.Listed{URL: url, Name: outlet})
		urls[url+"/"] = outlet
	}
	if _, err := r.desk.AddAll(t.Context(), list); err != nil {
		t.Fatal(err)
	}
	all, err := r.desk.All(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
		r.addresses[urls[a.URL]] = a
	}
	return r, store
}

// poll lets an outlet answer with a snapshot, at its time if that is not past.
func (r *replay) poll(s snapshot) ingest.Polled {
	if s.at.After(r.now) {
		r.pass(s.at.Sub(r.now))
		r.now = s.at
	}
	r.mu.Lock()
	r.bodies[s.outlet] = s.body
	r.mu.Unlock()
	p := pollOne(r.t, r.desk, r.addresses[s.outlet])
	sum := &r.polled
	sum.Items, sum.New, sum.Updated, sum.Unchanged = sum.Items+p.Items, sum.New+p.New, sum.Updated+p.Updated, sum.Unchanged+p.Unchanged
	sum.Others, sum.Rejected = sum.Others+p.Others, sum.Rejected+p.Rejected
	for kind, why := range map[string]string{"no document": faultOf(p.Fault), "flaw": p.Flaw, "entry": faultOf(p.Why)} {
		if why != "" {
			why, _, _ = strings.Cut(why, " on line")
			r.flaws[kind+": "+why]++
		}
	}
	return p
}

func faultOf(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// Every document of the pack is polled in the order of time. None stops another,
// nearly every item is an article, and polling all of it a second time, in the
// same order, appends nothing.
func TestSnapshots(t *testing.T) {
	if testing.Short() {
		t.Skip("packs are measured in the whole run only")
	}
	all := snapshots(t)
	outlets := map[string]bool{}
	for _, s := range all {
		outlets[s.outlet] = true
	}
	r, store := newReplay(t, slices.Sorted(maps.Keys(outlets)), all[0].at)
	for _, s := range all {
		if p := r.poll(s); p.Fault != nil {
			t.Logf("%s at %s: %v", s.outlet, s.at, p.Fault)
		}
	}
	t.Logf("%d documents of %d outlets: %d items, %d new, %d updated, %d unchanged, %d of others, %d rejected; %v",
		len(all), len(outlets), r.polled.Items, r.polled.New, r.polled.Updated, r.polled.Unchanged, r.polled.Others, r.polled.Rejected, r.flaws)
	if share := float64(r.polled.Rejected) / float64(r.polled.Items); share > 0.005 {
		t.Errorf("%.4f of the items were rejected", share)
	}
	entries := logOf(t, store)
	tellChanges(t, entries)
	for _, s := range all {
		if p := r.poll(s); p.New+p.Updated > 0 {
			t.Errorf("%s of %s, polled again: %d new, %d updated", s.outlet, s.at, p.New, p.Updated)
		}
	}
	if again := logOf(t, store); len(again) != len(entries) {
		for _, e := range again[len(entries):] {
			t.Logf("appended: %s %q of %s, updated %s", e.Article.URL, e.Article.Title, e.Article.Published, e.Article.Updated)
		}
		t.Errorf("polling all a second time appended %d entries", len(again)-len(entries))
	}
}

func logOf(t *testing.T, store *embedded.Store) []feed.Entry {
	t.Helper()
	var all []feed.Entry
	for {
		entries, err := store.Articles().Read(t.Context(), feed.Range{After: feed.Edition(len(all)), Limit: 1000})
		if err != nil {
			t.Fatal(err)
		}
		if len(entries) == 0 {
			return all
		}
		all = append(all, entries...)
	}
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// tellChanges counts what the log says of changes and prints some for the eye.
func tellChanges(t *testing.T, entries []feed.Entry) {
	t.Helper()
	var updates, others []string
	reissued, ids, news := 0, map[string]feed.ArticleID{}, map[feed.StoryID]time.Time{}
	for _, e := range entries {
		if m := e.Merge; m != nil {
			news[m.Kept] = latest(news[m.Kept], news[m.Gone])
		}
		if e.Article.ID.IsZero() {
			continue
		}
		if id := e.Article.Source.ID + " " + e.Article.ExternalID; e.Article.ExternalID != "" {
			if known, ok := ids[id]; ok && known != e.Article.ID {
				reissued++
			}
			ids[id] = e.Article.ID
		}
		told := e.News.Equal(e.At) && e.News.After(news[e.Story]) // not by another entry of the batch
		if news[e.Story] = e.News; e.Previous == 0 {
			continue
		}
		old := entries[e.Previous-1].Article
		text := fmt.Sprintf("%s after %s\n  - %s | %.300s\n  + %s | %.300s", e.Article.URL, e.At.Sub(entries[e.Previous-1].At).Round(time.Minute),
			old.Title, old.Summary, e.Article.Title, e.Article.Summary)
		if told {
			updates = append(updates, text)
		} else {
			others = append(others, text)
		}
	}
	t.Logf("%d entries; %d versions are real updates, %d are not; %d articles have an id that another of their source has", len(entries), len(updates), len(others), reissued)
	for name, texts := range map[string][]string{"REAL UPDATE": updates, "no real update": others} {
		r := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // which ones are shown is the same each time
		r.Shuffle(len(texts), func(i, j int) { texts[i], texts[j] = texts[j], texts[i] })
		for _, text := range texts[:min(len(texts), *changesShown)] {
			t.Logf("%s: %s", name, text)
		}
	}
}
