package storagetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"newsfeed/feed"
)

// racer appends batches at the top of a log that others append to as well, and
// remembers what it was told.
type racer struct {
	store  feed.Articles
	random *rand.Rand
	acked  []feed.Entry // stored by this racer, as the answers said
	lost   []feed.Entry // the entries whose edition was taken
	unsure []feed.Entry // nothing is known about these
}

// turn tries one batch at the top and returns an error that is not the contract's
// for a healthy store.
func (r *racer) turn(ctx context.Context) error {
	top, _, err := r.store.Top(ctx)
	if err != nil {
		return fmt.Errorf("top: %w", err)
	}
	entries := versions(top+1, 1+r.random.IntN(5))
	stored, err := r.store.Append(ctx, entries)
	r.acked = append(r.acked, entries[:stored]...)
	switch {
	case errors.Is(err, feed.ErrEditionTaken):
		r.lost = append(r.lost, entries[stored])
		return nil
	case err != nil:
		r.unsure = append(r.unsure, entries[stored:]...)
		return fmt.Errorf("append: %w", err)
	case stored != len(entries):
		return fmt.Errorf("append of %d entries: %d stored and no error", len(entries), stored)
	}
	return nil
}

const (
	racers      = 6
	racerWins   = 5 // batches that each wins
	killedAfter = 5 // turns of each appender before the server is killed
)

func appendersRace(t *testing.T, h Harness[feed.Articles]) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	nodes := h.Nodes(t, racers+1)
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	defer cancel()

	all := make([]*racer, racers)
	var racing sync.WaitGroup
	for i := range all {
		all[i] = &racer{store: nodes[i], random: rand.New(rand.NewPCG(seed, uint64(i)))}
		racing.Go(func() {
			for wins := 0; wins < racerWins; {
				before := len(all[i].lost)
				if err := all[i].turn(ctx); err != nil {
					t.Errorf("appender %d: %v", i, err)
					return
				}
				if len(all[i].lost) == before {
					wins++
				}
			}
		})
	}
	followed := make(chan []feed.Entry, 1)
	over, end := context.WithCancel(ctx)
	go func() { followed <- follow(t, nodes[racers], over) }()
	racing.Wait()
	end()
	read := <-followed
	same(t, "what a follower read while they raced", read, checkRace(t, nodes[0], all))
}

// follow reads the log as it grows until over has ended, then its rest, and
// fails the test when it sees an edition before its predecessor.
func follow(t *testing.T, store feed.Articles, over context.Context) []feed.Entry {
	ctx := background(t)
	var log []feed.Entry
	for last := false; ; {
		entries, err := store.Read(ctx, feed.Range{After: feed.Edition(len(log)), Limit: 7})
		if err != nil {
			t.Errorf("follow: %v", err)
			return log
		}
		for _, e := range entries {
			if want := feed.Edition(len(log) + 1); e.Edition != want {
				t.Errorf("follow: edition %d where %d was expected", e.Edition, want)
				return log
			}
			log = append(log, e)
		}
		if len(entries) > 0 {
			continue
		}
		if last {
			return log
		}
		last = over.Err() != nil
	}
}

// checkRace compares the log with what the racers were told, and returns it.
func checkRace(t *testing.T, store feed.Articles, all []*racer) []feed.Entry {
	t.Helper()
	log := read(t, store, feed.Range{Limit: 100_000})
	calls := map[feed.CallID]int{}
	for i, e := range log {
		if e.Edition != feed.Edition(i+1) {
			t.Fatalf("entry %d of the log has edition %d", i, e.Edition)
		}
		calls[e.Call]++
	}
	var acked, lost, unsure int
	for _, r := range all {
		acked, lost, unsure = acked+len(r.acked), lost+len(r.lost), unsure+len(r.unsure)
		for _, e := range r.acked {
			if int(e.Edition) > len(log) {
				t.Fatalf("edition %d was acknowledged; the log ends at %d", e.Edition, len(log))
			}
			same(t, "an acknowledged entry", log[e.Edition-1], withoutBody(e))
			calls[e.Call]--
		}
		for _, e := range r.lost {
			if int(e.Edition) > len(log) || log[e.Edition-1].Call == e.Call {
				t.Fatalf("edition %d was said to be taken and is not", e.Edition)
			}
		}
		for _, e := range r.unsure {
			if int(e.Edition) <= len(log) && log[e.Edition-1].Call == e.Call {
				same(t, "an entry of which nothing was known", log[e.Edition-1], withoutBody(e))
				calls[e.Call]--
			}
		}
	}
	for call, left := range calls {
		if left != 0 {
			t.Errorf("call %s: %d entries in the log that it was not told of", call, left)
		}
	}
	t.Logf("%d entries acknowledged, %d conflicts, %d entries of which nothing was known", acked, lost, unsure)
	return log
}

func appendersKilled(t *testing.T, h Harness[feed.Articles]) {
	nodes := h.Nodes(t, 3)
	ctx := background(t)
	all := make([]*racer, len(nodes))
	enough := make(chan struct{}, 100*len(nodes))
	var racing sync.WaitGroup
	for i, node := range nodes {
		all[i] = &racer{store: node, random: rand.New(rand.NewPCG(uint64(i), 0))}
		racing.Go(func() {
			for {
				err := all[i].turn(ctx)
				if err == nil {
					select {
					case enough <- struct{}{}:
					default:
					}
					continue
				}
				if !errors.Is(err, feed.ErrUnavailable) {
					t.Errorf("appender %d: %v; want ErrUnavailable", i, err)
				}
				return
			}
		})
	}
	for range killedAfter * len(nodes) {
		select {
		case <-enough:
		case <-ctx.Done():
			t.Error("the appenders did not get far enough to be worth killing")
		}
	}
	h.Lose(t)
	racing.Wait()
	h.Heal(t)
	eventually(t, "the server answers again", func() bool { _, _, err := nodes[0].Top(ctx); return err == nil })
	checkRace(t, nodes[0], all)
}
