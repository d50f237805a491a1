package interests_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"newsfeed/interests"
	"newsfeed/interests/account"
	"newsfeed/interests/topic"
	"newsfeed/storage/embedded"
)

// counted counts the calls of a store.
type counted struct {
	interests.Store
	loads, swaps, journals atomic.Int64
}

func (c *counted) Load(ctx context.Context, id account.ID) (interests.List, error) {
	c.loads.Add(1)
	return c.Store.Load(ctx, id)
}

func (c *counted) Swap(ctx context.Context, id account.ID, from interests.Revision, next interests.List, until time.Time, undos ...interests.Undo) error {
	c.swaps.Add(1)
	return c.Store.Swap(ctx, id, from, next, until, undos...)
}

func (c *counted) Journal(ctx context.Context, id account.ID, since interests.Revision) (interests.List, []interests.Undo, error) {
	c.journals.Add(1)
	return c.Store.Journal(ctx, id, since)
}

// remembering returns n nodes over one store.
func remembering(t testing.TB, n int) (*counted, []*interests.Lists) {
	t.Helper()
	store, err := embedded.Open(filepath.Join(t.TempDir(), "newsfeed.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	c := &counted{Store: store.Lists()}
	var nodes []*interests.Lists
	for range n {
		lists := interests.NewLists(c, time.Now)
		lists.Remember(store.Changes(), 100)
		t.Cleanup(lists.Close)
		nodes = append(nodes, lists)
	}
	return c, nodes
}

// An edit of a list at hand costs one swap, which is refused when the list is not
// the newest; what it makes is at hand here, and elsewhere read once.
func TestRoundTrips(t *testing.T) {
	store, nodes := remembering(t, 2)
	id := account.NewID()
	var last interests.Revision
	set := func(n int, of topic.ID, level interests.Level) {
		t.Helper()
		l, err := nodes[n].Set(t.Context(), id, of, level, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		last = l.Revision
	}
	get := func(n int) *interests.Copy {
		t.Helper()
		c, err := nodes[n].AtLeast(t.Context(), id, last)
		if err != nil || c.Revision != last {
			t.Fatalf("node %d: %+v, %v, want revision %d", n, c, err, last)
		}
		return c
	}
	cost := func(what string, loads, swaps int64) {
		t.Helper()
		if l, s := store.loads.Swap(0), store.swaps.Swap(0); l != loads || s != swaps {
			t.Errorf("%s: %d loads and %d swaps, want %d and %d", what, l, s, loads, swaps)
		}
	}
	set(0, "iran", interests.Follow)
	cost("first edit", 1, 1)
	first := get(0)
	cost("list just edited", 0, 0)
	set(0, "iran", interests.Mute)
	cost("next edit", 0, 1)
	if got := get(1); get(1) != got {
		t.Error("two who ask get two copies")
	}
	cost("on the other node", 1, 0)
	set(1, "iran", interests.Favourite)
	cost("edit there", 0, 1)
	get(0)
	cost("back here", 1, 0)
	get(1)
	if first.Level("iran") != interests.Follow {
		t.Error("a copy that was handed out has changed")
	}
	if got, err := nodes[0].At(t.Context(), id, last); err != nil || got.Revision != last || store.journals.Load() != 0 {
		t.Errorf("at the revision at hand: %d, %v, %d journals read", got.Revision, err, store.journals.Load())
	}
	if got, err := nodes[0].At(t.Context(), id, first.Revision); err != nil || got.Revision != first.Revision {
		t.Errorf("at an earlier revision: %d, %v", got.Revision, err)
	}
}

// A list at hand that is full may have room by now: refusals are the store's.
func TestFullIsAskedAgain(t *testing.T) {
	store, nodes := remembering(t, 1)
	id := account.NewID()
	list := interests.List{Revision: 1, Topics: map[topic.ID]interests.Register{}}
	for i := range interests.MaxMuted {
		list.Topics[topic.ID(fmt.Sprintf("t%d", i))] = interests.Register{Level: interests.Mute, At: interests.NewStamp(time.UnixMilli(1), 0, 0)}
	}
	if err := store.Store.Swap(t.Context(), id, 0, list, time.Time{}); err != nil {
		t.Fatal(err)
	}
	if _, err := nodes[0].AtLeast(t.Context(), id, 0); err != nil {
		t.Fatal(err)
	}
	store.loads.Store(0)
	if _, err := nodes[0].Set(t.Context(), id, "iran", interests.Mute, time.Time{}); !errors.Is(err, interests.ErrFull) {
		t.Errorf("%v, want ErrFull", err)
	}
	if n := store.loads.Load(); n != 1 {
		t.Errorf("refused after %d loads, want 1", n)
	}
}

func BenchmarkAtHand(b *testing.B) {
	_, nodes := remembering(b, 1)
	id := account.NewID()
	l, err := nodes[0].Set(b.Context(), id, "iran", interests.Follow, time.Time{})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := nodes[0].AtHand(id, l.Revision); !ok {
			b.Fatal("a miss")
		}
	}
}
