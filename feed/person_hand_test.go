package feed_test

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"newsfeed/feed"
	"newsfeed/interests"
	"newsfeed/interests/account"
	"newsfeed/interests/topic"
	"newsfeed/storage/embedded"
)

// counted counts round trips to a store.
type counted struct{ lists, marks, both atomic.Int64 }

type countedLists struct {
	interests.Store
	n *atomic.Int64
}

func (c countedLists) Load(ctx context.Context, id account.ID) (interests.List, error) {
	c.n.Add(1)
	return c.Store.Load(ctx, id)
}

type countedMarks struct {
	feed.Marks
	n *atomic.Int64
}

func (c countedMarks) Load(ctx context.Context, id account.ID) (feed.MarkSet, error) {
	c.n.Add(1)
	return c.Marks.Load(ctx, id)
}

type countedTogether struct {
	feed.Together
	n *atomic.Int64
}

func (c countedTogether) LoadTogether(ctx context.Context, id account.ID) (interests.List, feed.MarkSet, error) {
	c.n.Add(1)
	return c.Together.LoadTogether(ctx, id)
}

func belongings(t testing.TB, people int) (*counted, *feed.Belongings) {
	t.Helper()
	store, err := embedded.Open(filepath.Join(t.TempDir(), "newsfeed.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	c := new(counted)
	b := &feed.Belongings{
		Lists:    interests.NewLists(countedLists{store.Lists(), &c.lists}, time.Now),
		Marks:    feed.NewMarkSets(countedMarks{store.Marks(), &c.marks}, time.Now),
		Together: countedTogether{store.Together(), &c.both},
	}
	b.Lists.Remember(store.Changes(), people)
	b.Marks.Remember(store.Changes(), people)
	t.Cleanup(b.Lists.Close)
	t.Cleanup(b.Marks.Close)
	return c, b
}

// A person of whom nothing is at hand costs one round trip however many ask, one
// of whom something is missing one for that, and a hit none and no making ready.
func TestBelongingsRoundTrips(t *testing.T) {
	c, b := belongings(t, 100)
	id := account.NewID()
	cost := func(what string, lists, marks, both int64) {
		t.Helper()
		if l, m, t2 := c.lists.Swap(0), c.marks.Swap(0), c.both.Swap(0); l != lists || m != marks || t2 != both {
			t.Errorf("%s: %d of lists, %d of marks, %d of both, want %d, %d, %d", what, l, m, t2, lists, marks, both)
		}
	}
	var first feed.Belonging
	var group sync.WaitGroup
	for i := range 50 {
		group.Go(func() {
			got, err := b.Find(t.Context(), id, 0)
			if err != nil {
				t.Error(err)
			}
			if i == 0 {
				first = got
			}
		})
	}
	group.Wait()
	cost("nothing at hand", 0, 0, 1)
	got, ok := b.AtHand(id, 0)
	if !ok || got.Person != first.Person || got.Marks != first.Marks || got.Stale {
		t.Errorf("at hand: %+v, %t, want %+v", got, ok, first)
	}
	cost("hit", 0, 0, 0)

	list, err := b.Lists.Set(t.Context(), id, "iran", interests.Follow, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	marks, err := b.Marks.Set(t.Context(), id, feed.StoryID{1}, map[feed.Mark]bool{feed.Hidden: true}, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	got, ok = b.AtHand(id, list.Revision)
	if !ok || got.Person.Revision != list.Revision || got.Person.Cold() || got.Marks.Revision != marks.Revision || !got.Marks.Has(feed.StoryID{1}, feed.Hidden) {
		t.Errorf("after edits: %+v, %t", got, ok)
	}
	if person, err := b.At(t.Context(), id, list.Revision); err != nil || person != got.Person {
		t.Errorf("at that revision: %p, %v, want %p", person, err, got.Person)
	}
	cost("edits of what is at hand", 0, 0, 0)

	if _, err := b.Find(t.Context(), id, list.Revision+1); err != nil {
		t.Error(err)
	}
	cost("a newer list is asked for", 1, 0, 0)
	if person, err := b.At(t.Context(), id, 0); err != nil || !person.Cold() {
		t.Errorf("at revision 0: %+v, %v", person, err)
	}
}

func BenchmarkBelongings(b *testing.B) {
	const people = 2000
	_, all := belongings(b, people)
	ids := make([]account.ID, people)
	for i := range ids {
		ids[i] = account.NewID()
		if _, err := all.Find(b.Context(), ids[i], 0); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	i, hits := 0, 0
	for b.Loop() {
		if _, ok := all.AtHand(ids[i], 0); ok {
			hits++
		}
		if i++; i == people {
			i = 0
		}
	}
	b.ReportMetric(float64(hits)/float64(b.N), "hits/op")
}

// How much memory people at hand take: with topics each, and stories marked.
func BenchmarkMemory(b *testing.B) {
	for _, n := range []int{10, 50, 200} {
		b.Run(fmt.Sprintf("topics=%d", n), func(b *testing.B) {
			for b.Loop() {
				const people = 2000
				before := heap()
				copies := make([]*interests.Copy, people)
				for i := range copies {
					l := interests.List{Revision: 1, Topics: map[topic.ID]interests.Register{}}
					for k := range n {
						l.Topics[topic.ID(fmt.Sprintf("a-topic-number-%d", k))] = interests.Register{Level: interests.Follow, At: interests.NewStamp(time.Now(), 0, 0)}
					}
					copies[i] = &interests.Copy{List: l}
					feed.PersonOf(copies[i])
				}
				after := heap()
				b.ReportMetric(float64(after-before)/people/float64(n), "B/topic")
				sets := make([]map[feed.StoryID]feed.StoryMarks, people)
				for i := range sets {
					sets[i] = map[feed.StoryID]feed.StoryMarks{}
					for k := range n {
						sets[i][feed.StoryID{byte(k), byte(i)}] = feed.StoryMarks{}
					}
				}
				b.ReportMetric(float64(heap()-after)/people/float64(n), "B/story")
				runtime.KeepAlive(copies)
				runtime.KeepAlive(sets)
			}
		})
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
