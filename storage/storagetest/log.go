package storagetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"newsfeed/feed"
	"newsfeed/interests/topic"
	"newsfeed/storage/internal/bell"
)

// LogLoad says how much the Log suite does.
type LogLoad struct {
	Nodes, Writers, Readers int           // writers and readers: per node
	Puts                    int           // per writer
	Seed                    uint64        // of everything drawn by chance
	Zombie                  time.Duration // how late an insert may land after its caller was told that it failed
}

// Log proves the promise of the log over a store, under contention: writers on
// several nodes, calls that fail before or after they take effect, inserts that
// land after their writer has given them up, nodes that are killed and started
// afresh in the middle, pruning, and readers all the while. At the end: every
// reader has read the same sequence; nothing acknowledged is missing; no change
// was applied twice; what started after another was acknowledged has the higher
// edition; and a node started afresh shows what the others show.
func Log(t *testing.T, fresh Fresh[feed.Articles], load LogLoad) {
	h := fresh(t)
	t.Logf("log × %s: %+v", h.Name, load)
	trial := &logTrial{t: t, load: load, stores: h.Nodes(t, load.Nodes+1), bell: bell.New()}
	t.Cleanup(trial.bell.Close)
	trial.run()
	trial.check()
}

// logTrial is one run.
type logTrial struct {
	t      *testing.T
	load   LogLoad
	stores []feed.Articles // one a node; the last is the checker's, a good line
	bell   *bell.Bell

	nodes []atomic.Pointer[logNode]

	mu    sync.Mutex // guards what follows
	acked []ack
	reads [][]feed.Entry
	kills int
	fails int
}

// ack is a change that was acknowledged.
type ack struct {
	title       string
	id          feed.ArticleID
	edition     feed.Edition
	start, done time.Time
	own         bool // nobody else writes this article
}

// logNode is a node: a log with its index, over a bad line.
type logNode struct {
	log   *feed.Log
	index *feed.Index
	dead  atomic.Bool
}

func (l *logTrial) run() {
	var writers, others sync.WaitGroup
	stop := make(chan struct{})
	l.nodes = make([]atomic.Pointer[logNode], l.load.Nodes)
	for n := range l.nodes {
		l.nodes[n].Store(l.start(n, 0))
		for w := range l.load.Writers {
			writers.Go(func() { l.write(n, w) })
		}
		for range l.load.Readers {
			others.Go(func() { l.read(n, stop) })
		}
	}
	others.Go(func() { l.disturb(stop) })
	writers.Wait()
	close(stop)
	others.Wait()
}

// start starts a node afresh.
func (l *logTrial) start(n, life int) *logNode {
	line := &lateLine{
		Articles: NewFlaky(l.stores[n], l.load.Seed+uint64(100*n+life), Faults{Before: 0.03, After: 0.03, Delay: time.Millisecond}),
		real:     l.stores[n], late: l.load.Zombie, random: rand.New(rand.NewPCG(l.load.Seed, uint64(1000*n+life))),
	}
	node := &logNode{index: feed.NewIndex(0, time.Now, nil)}
	node.log = feed.NewLog(line, node.index, l.bell, feed.LogOptions{HalfLife: 12 * time.Hour})
	for {
		err := node.log.Warm(context.Background(), nil)
		if err == nil {
			break
		}
		if !errors.Is(err, feed.ErrUnavailable) {
			l.t.Errorf("warm node %d: %v", n, err)
			break
		}
	}
	node.log.Start()
	return node
}

// disturb kills and restarts nodes, and prunes, until the end.
func (l *logTrial) disturb(stop chan struct{}) {
	r := rand.New(rand.NewPCG(l.load.Seed, 7))
	lives := make([]int, len(l.nodes))
	for {
		select {
		case <-stop:
			return
		case <-time.After(time.Duration(20+r.IntN(60)) * time.Millisecond):
		}
		n := r.IntN(len(l.nodes))
		if r.IntN(2) == 0 {
			if err := l.nodes[n].Load().log.Tidy(context.Background(), time.Now()); err != nil && !errors.Is(err, feed.ErrUnavailable) {
				l.t.Errorf("tidy: %v", err)
			}
			continue
		}
		lives[n]++
		old := l.nodes[n].Swap(l.start(n, lives[n]))
		old.dead.Store(true) // what it answers from now on, nobody hears
		old.log.Stop()
		l.mu.Lock()
		l.kills++
		l.mu.Unlock()
	}
}

// write puts changes, each with a title of its own, and keeps what was
// acknowledged. A change to an article of its own is sent again until it is.
func (l *logTrial) write(n, w int) {
	r := rand.New(rand.NewPCG(l.load.Seed, uint64(10_000+100*n+w)))
	for p := range l.load.Puts {
		changes, own := l.changes(r, n, w, p)
		for start := time.Now(); ; {
			node := l.nodes[n].Load()
			results, _, err := node.log.Put(context.Background(), changes)
			if !node.dead.Load() {
				l.keep(node, changes, results, own, start)
			}
			if err == nil && !node.dead.Load() || !own {
				break
			}
			l.mu.Lock()
			l.fails++
			l.mu.Unlock()
		}
	}
}

func (l *logTrial) changes(r *rand.Rand, n, w, p int) (changes []feed.Change, own bool) {
	own = r.IntN(3) > 0
	for i := range 1 + r.IntN(4) {
		title := fmt.Sprintf("node %d writer %d put %d change %d", n, w, p, i)
		url := fmt.Sprintf("https://example.com/shared/%d", r.IntN(3))
		if own {
			url = fmt.Sprintf("https://example.com/own/%d/%d/%d/%d", n, w, p, i)
		}
		changes = append(changes, feed.Change{Draft: &feed.Draft{
			URL: url, Title: title, Kind: feed.News, Source: feed.Source{ID: "s", Name: "S"},
			Tags: []feed.Tag{{Topic: topic.ID(fmt.Sprintf("t%d", r.IntN(5))), Name: "T", Salience: 1}},
		}})
	}
	return changes, own
}

func (l *logTrial) keep(node *logNode, changes []feed.Change, results []feed.Result, own bool, start time.Time) {
	done := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, res := range results {
		if res.Edition == 0 {
			continue
		}
		if own && !node.index.Has(res.ID) && !node.dead.Load() {
			l.t.Errorf("%q was acknowledged and is not in the node's index", changes[i].Draft.Title)
		}
		l.acked = append(l.acked, ack{changes[i].Draft.Title, res.ID, res.Edition, start, done, own})
	}
}

// read follows the log as another program would, and keeps what it read.
func (l *logTrial) read(n int, stop chan struct{}) {
	var seen []feed.Entry
	for ended := false; ; {
		entries, err := l.stores[n].Read(background(l.t), feed.Range{After: feed.Edition(len(seen)), Limit: 50})
		if err != nil {
			l.t.Errorf("read: %v", err)
			return
		}
		seen = append(seen, entries...)
		if ended && len(entries) == 0 {
			break
		}
		select {
		case <-stop:
			ended = true
		case <-time.After(time.Millisecond):
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reads = append(l.reads, seen)
}

func (l *logTrial) check() {
	time.Sleep(l.load.Zombie) // the last late inserts land, or were refused
	log := l.whole()
	l.t.Logf("%d entries, %d acknowledged, %d calls failed, %d nodes killed", len(log), len(l.acked), l.fails, l.kills)
	l.checkSequences(log)
	for _, seen := range l.reads { // what was pruned since, a reader may have seen
		for i, e := range seen {
			if log[i].Stub {
				log[i] = e
			}
		}
	}
	l.checkAcknowledged(log)
	l.checkOnce(log)
	l.checkRealTime()
	l.checkNodes(feed.Edition(len(log)))
}

// whole reads the log from its first entry to its top and checks that it is dense.
func (l *logTrial) whole() []feed.Entry {
	var log []feed.Entry
	for {
		entries, err := l.stores[l.load.Nodes].Read(background(l.t), feed.Range{After: feed.Edition(len(log)), Limit: 500})
		if err != nil {
			l.t.Fatal(err)
		}
		if len(entries) == 0 {
			return log
		}
		for _, e := range entries {
			if log = append(log, e); e.Edition != feed.Edition(len(log)) {
				l.t.Fatalf("edition %d stands in place %d", e.Edition, len(log))
			}
		}
	}
}

func (l *logTrial) checkSequences(log []feed.Entry) {
	for _, seen := range l.reads {
		for i, e := range seen {
			if want := log[i]; e.Edition != want.Edition || e.Call != want.Call || e.Seq != want.Seq {
				l.t.Errorf("a reader read %d (%s %d), the log has %d (%s %d)", e.Edition, e.Call, e.Seq, want.Edition, want.Call, want.Seq)
			}
		}
	}
}

func (l *logTrial) checkAcknowledged(log []feed.Entry) {
	for _, a := range l.acked {
		if int(a.edition) > len(log) {
			l.t.Errorf("%q was acknowledged as edition %d of %d", a.title, a.edition, len(log))
		} else if e := log[a.edition-1]; !e.Stub && e.Article.Title != a.title {
			l.t.Errorf("%q was acknowledged as edition %d, which is %q", a.title, a.edition, e.Article.Title)
		} else if e.Stub && a.own {
			l.t.Errorf("%q, which nothing supersedes, was pruned", a.title)
		}
	}
}

func (l *logTrial) checkOnce(log []feed.Entry) {
	at := map[string]feed.Edition{}
	for _, e := range log {
		if e.Stub {
			continue
		}
		if first, twice := at[e.Article.Title]; twice {
			l.t.Errorf("%q was applied twice: editions %d and %d", e.Article.Title, first, e.Edition)
		}
		at[e.Article.Title] = e.Edition
	}
}

// checkRealTime: of two acknowledged changes, the one that was sent after the
// other's answer has the higher edition. One that was sent again may have taken
// effect at its first sending, which is its start.
func (l *logTrial) checkRealTime() {
	byDone := slices.Clone(l.acked)
	slices.SortFunc(byDone, func(a, b ack) int { return a.done.Compare(b.done) })
	byStart := slices.Clone(l.acked)
	slices.SortFunc(byStart, func(a, b ack) int { return a.start.Compare(b.start) })
	var highest ack
	for _, b := range byStart {
		for len(byDone) > 0 && byDone[0].done.Before(b.start) {
			if byDone[0].edition > highest.edition {
				highest = byDone[0]
			}
			byDone = byDone[1:]
		}
		if b.edition <= highest.edition {
			l.t.Errorf("%q started after %q was acknowledged as %d and is %d", b.title, highest.title, highest.edition, b.edition)
		}
	}
}

// checkNodes compares what every node shows with what a fresh one does.
func (l *logTrial) checkNodes(top feed.Edition) {
	fresh := feed.NewIndex(0, time.Now, nil)
	if err := feed.NewLog(l.stores[l.load.Nodes], fresh, l.bell, feed.LogOptions{HalfLife: time.Hour}).Warm(background(l.t), nil); err != nil {
		l.t.Fatal(err)
	}
	want := pages(l.t, fresh)
	for n := range l.nodes {
		node := l.nodes[n].Load()
		for deadline := time.Now().Add(patience); node.index.Edition() < top && time.Now().Before(deadline); {
			time.Sleep(time.Millisecond)
		}
		node.log.Stop()
		if err := node.log.Err(); err != nil {
			l.t.Errorf("node %d: %v", n, err)
		}
		if got := pages(l.t, node.index); !bytes.Equal(got, want) {
			l.t.Errorf("node %d at %d shows other pages than a fresh node at %d", n, node.index.Edition(), fresh.Edition())
		}
	}
}

func pages(t testing.TB, x *feed.Index) []byte {
	var all []byte
	q := feed.Query{Person: feed.Nobody, Limit: feed.MaxLimit, Now: time.Unix(1e9, 0)}
	for b := feed.NewBuilder(x); ; {
		body, page := b.Page(nil, q)
		all = append(all, body...)
		next := page.Next(body)
		if len(next) == 0 {
			return all
		}
		c, err := feed.ParseCursor(string(next), q.Now)
		if err != nil {
			t.Fatal(err)
		}
		q.Cursor = &c
	}
}

// lateLine is a line on which an insert may land long after its caller was told
// that it failed: what a frozen process or a slow network does.
type lateLine struct {
	feed.Articles // all else
	real          feed.Articles
	late          time.Duration
	mu            sync.Mutex
	random        *rand.Rand
}

// Append implements feed.Articles.
func (l *lateLine) Append(ctx context.Context, entries []feed.Entry) (int, error) {
	l.mu.Lock()
	late := l.random.IntN(20) == 0
	delay := time.Duration(l.random.Int64N(int64(l.late)))
	l.mu.Unlock()
	if !late {
		return l.Articles.Append(ctx, entries)
	}
	entries = slices.Clone(entries)
	time.AfterFunc(delay, func() { _, _ = l.real.Append(context.Background(), entries) })
	return 0, fmt.Errorf("frozen: %w", feed.ErrUnavailable)
}
