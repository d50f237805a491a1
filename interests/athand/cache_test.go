package athand_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"newsfeed/interests/athand"
)

// channel is [athand.Announcements] in the hand of a test. It vouches for what
// was read since it was mended, unless it is broken.
type channel struct {
	mu     sync.Mutex
	hear   func(athand.Change)
	since  time.Time
	broken bool
}

func (c *channel) Listen(hear func(athand.Change)) func() {
	c.hear = hear
	return func() { c.hear = func(athand.Change) {} }
}

func (c *channel) Vouch(since, _ time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.broken && !since.Before(c.since)
}

func (c *channel) set(broken bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.broken, c.since = broken, time.Now()
}

func (c *channel) tell(k athand.Key, revision uint64) {
	c.hear(athand.Change{Of: athand.List, Key: k, Revision: revision})
}

// record is one record in a store.
type record struct {
	revision atomic.Uint64
	reads    atomic.Int64
	err      error
}

func (r *record) read(context.Context) (athand.Read[uint64], error) {
	r.reads.Add(1)
	v := r.revision.Load()
	return athand.Read[uint64]{Value: v, Revision: v, Weight: 1}, r.err
}

var (
	key     = athand.Key{1}
	errGone = errors.New("unreachable")
)

// house is a cache with its channel and one record at revision 1.
type house struct {
	*testing.T
	*athand.Cache[uint64]
	ch  *channel
	rec *record
}

func newHouse(t *testing.T) house {
	ch, rec := new(channel), new(record)
	rec.revision.Store(1)
	return house{t, athand.New[uint64](athand.List, ch, 1000), ch, rec}
}

// want loads, and compares the value and how often the store was asked for it.
func (h house) want(least, value uint64, reads int64) {
	h.Helper()
	before := h.rec.reads.Load()
	got, err := h.Load(context.Background(), key, least, h.rec.read)
	if asked := h.rec.reads.Load() - before; err != nil || got != value || asked != reads {
		h.Errorf("at least %d: %d, %v after %d reads, want %d after %d", least, got, err, asked, value, reads)
	}
}

// What was read is at hand until it changes, is older than asked for, or nobody
// vouches for it for two seconds.
func TestTrust(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		h.want(0, 1, 1)
		time.Sleep(time.Hour)
		h.want(0, 1, 0)
		h.want(1, 1, 0)

		h.rec.revision.Store(2)
		h.want(0, 1, 0) // nobody has told
		h.want(2, 2, 1)
		h.want(3, 2, 1) // the record is older than asked for
		h.ch.tell(key, 1)
		h.ch.tell(key, 2)
		h.ch.tell(athand.Key{2}, 9)
		h.ch.hear(athand.Change{Of: athand.Marks, Key: key, Revision: 9})
		h.want(0, 2, 0)
		h.rec.revision.Store(3)
		h.ch.tell(key, 3)
		h.want(0, 3, 1)
		h.ch.tell(key, 0)
		h.want(0, 3, 1)

		h.ch.set(true)
		time.Sleep(athand.MaxAge)
		h.want(0, 3, 1)
		time.Sleep(athand.MaxAge - 1)
		h.want(0, 3, 0)
		h.ch.set(false)
		time.Sleep(time.Nanosecond)
		h.want(0, 3, 1) // it was broken since
		time.Sleep(time.Hour)
		h.want(0, 3, 0)

		h.Doubt(key)
		h.want(0, 3, 1)
		h.rec.revision.Store(1) // a record that lost edits, after its channel broke
		time.Sleep(time.Nanosecond)
		h.ch.set(false)
		time.Sleep(athand.MaxAge)
		h.want(0, 1, 1)
		h.want(0, 1, 0)
		h.Close()
		h.Close()
		h.want(0, 1, 1)
		h.want(0, 1, 1)
	})
}

// What changes while it is read or edited is not covered up by the older value,
// in whichever order the news come.
func TestTickets(t *testing.T) {
	h := newHouse(t)
	keep := func(ticket *athand.Ticket[uint64], revision uint64) {
		ticket.Keep(athand.Read[uint64]{Value: revision, Revision: revision, Weight: 1})
		ticket.End()
	}
	h.rec.revision.Store(9)
	slow := h.Begin(key)
	h.ch.tell(key, 5)
	keep(slow, 4)
	h.want(0, 9, 1)

	slow = h.Begin(key)
	h.ch.tell(key, 10) // our own, heard before it was answered
	keep(slow, 10)
	h.want(0, 10, 0)

	slow = h.Begin(key)
	h.ch.tell(key, 0)
	keep(slow, 10)
	h.want(0, 9, 1)

	slow = h.Begin(key)
	keep(h.Begin(key), 11)
	keep(slow, 9)
	h.want(0, 11, 0)

	keep(h.Begin(key), 9) // later than all that: the record lost edits
	h.want(0, 9, 0)

	var none *athand.Cache[uint64]
	none.Begin(key).Keep(athand.Read[uint64]{})
	none.Begin(key).End()
	none.Doubt(key)
	none.Forget(key)
	none.Close()
	if v, err := none.Load(t.Context(), key, 0, h.rec.read); err != nil || v != 9 {
		t.Errorf("without a cache: %d, %v", v, err)
	}
}

// Many who ask at once share one read; who comes after a change does not share
// the one from before it; one who goes away takes nobody along.
func TestCoalescing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		slow := func(ctx context.Context) (athand.Read[uint64], error) {
			r, err := h.rec.read(ctx)
			select {
			case <-time.After(time.Second):
			case <-ctx.Done():
				err = ctx.Err()
			}
			return r, err
		}
		var group sync.WaitGroup
		load := func(ctx context.Context, least, want uint64) {
			group.Go(func() {
				if got, err := h.Load(ctx, key, least, slow); got != want || err != nil {
					t.Errorf("at least %d: %d, %v, want %d", least, got, err, want)
				}
			})
		}
		reads := func(want int64) {
			t.Helper()
			group.Wait()
			if got := h.rec.reads.Swap(0); got != want {
				t.Errorf("%d reads, want %d", got, want)
			}
		}
		for range 100 {
			load(t.Context(), 0, 1)
		}
		reads(1)

		h.ch.tell(key, 0)
		load(t.Context(), 0, 1)
		synctest.Wait()
		h.rec.revision.Store(2)
		h.ch.tell(key, 2)
		time.Sleep(time.Millisecond)
		for range 100 {
			load(t.Context(), 0, 2)
		}
		reads(2)

		h.ch.tell(key, 0)
		load(t.Context(), 0, 2)
		synctest.Wait()
		h.rec.revision.Store(3) // acknowledged elsewhere, and not heard yet
		time.Sleep(time.Millisecond)
		for range 100 {
			load(t.Context(), 3, 3)
		}
		reads(2)

		h.ch.tell(key, 0)
		short, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		group.Go(func() {
			if _, err := h.Load(short, key, 0, slow); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("after its deadline: %v", err)
			}
		})
		synctest.Wait()
		for range 100 {
			load(t.Context(), 0, 3)
		}
		reads(2)

		func() {
			defer func() { _ = recover() }()
			h.ch.tell(key, 0)
			_, _ = h.Load(t.Context(), key, 0, func(context.Context) (athand.Read[uint64], error) { panic("a bug") })
		}()
		load(t.Context(), 0, 3)
		reads(1)
	})
}

// Without its store a cache says what it last knew, if that is new enough and has
// not gone, and asks the store again once a second.
func TestLastKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		unreachable := func(err error) bool { return errors.Is(err, errGone) }
		want := func(least, value uint64, stale bool, wantErr error, reads int64) {
			t.Helper()
			before := h.rec.reads.Load()
			got, old, err := h.LoadOrLastKnown(t.Context(), key, least, h.rec.read, unreachable)
			if asked := h.rec.reads.Load() - before; got != value || old != stale || !errors.Is(err, wantErr) || asked != reads {
				t.Errorf("at least %d: %d, stale %t, %v after %d reads, want %d, %t, %v after %d",
					least, got, old, err, asked, value, stale, wantErr, reads)
			}
		}
		want(0, 1, false, nil, 1)
		h.rec.err = errGone
		want(0, 1, false, nil, 0)
		h.ch.tell(key, 2)
		want(0, 1, true, nil, 1)
		want(0, 1, true, nil, 0)
		if _, err := h.Load(t.Context(), key, 0, h.rec.read); !errors.Is(err, errGone) {
			t.Errorf("Load without a store: %v", err)
		}
		if got, _, err := h.LoadOrLastKnown(t.Context(), key, 2, h.rec.read, unreachable); !errors.Is(err, errGone) {
			t.Errorf("at least 2: %d, %v, want an error", got, err)
		}
		time.Sleep(time.Second)
		want(0, 1, true, nil, 1)
		want(0, 1, true, nil, 0)
		h.rec.err = nil
		h.rec.revision.Store(2)
		time.Sleep(time.Second)
		want(0, 2, false, nil, 1)
		h.rec.err = errGone
		h.ch.tell(key, 0)
		if _, stale, err := h.LoadOrLastKnown(t.Context(), key, 0, h.rec.read, unreachable); stale || !errors.Is(err, errGone) {
			t.Errorf("what has gone is served: %v", err)
		}
	})
}

// However many are asked for, no more than the weight is at hand.
func TestBound(t *testing.T) {
	h := newHouse(t)
	for i := range 100_000 {
		k := athand.Key{byte(i), byte(i >> 8), byte(i >> 16)}
		if _, err := h.Load(t.Context(), k, 0, func(context.Context) (athand.Read[uint64], error) {
			return athand.Read[uint64]{Weight: 1 + uint32(i%10)}, nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	if values, weight := h.Size(); weight > 1000 || values == 0 {
		t.Errorf("%d values of weight %d, want at most 1000", values, weight)
	}
}

// Random edits of a few records by many, with the news of them delayed and the
// channel sometimes broken: nobody gets less than they ask for, nor than was
// acknowledged two seconds before.
func TestNeverStale(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	if stale := hunt(t, seed, false); stale > 0 {
		t.Errorf("%d stale reads", stale)
	}
}

// The hunt finds a cache that hears nothing while its channel vouches for it.
func TestDeafIsCaught(t *testing.T) {
	if stale := hunt(t, 1, true); stale == 0 {
		t.Error("a cache that does not listen was not caught")
	}
}

func hunt(t *testing.T, seed uint64, deaf bool) (stale int64) {
	synctest.Test(t, func(t *testing.T) {
		const records, workers, steps = 4, 8, 400
		var (
			h      = newHouse(t)
			store  [records]record
			acked  [records]atomic.Uint64 // by whoever edits, elsewhere
			past   [records][]uint64      // acked, a row every 100 ms
			mu     sync.Mutex
			bad    atomic.Int64
			group  sync.WaitGroup
			finish = make(chan struct{})
		)
		group.Go(func() {
			for {
				select {
				case <-finish:
					return
				case <-time.After(100 * time.Millisecond):
				}
				mu.Lock()
				for i := range past {
					past[i] = append(past[i], acked[i].Load())
				}
				mu.Unlock()
			}
		})
		bound := func(i int) uint64 { // acknowledged two seconds ago
			mu.Lock()
			defer mu.Unlock()
			if n := len(past[i]); n > 21 {
				return past[i][n-21]
			}
			return 0
		}
		var jobs sync.WaitGroup
		for w := range workers {
			random := rand.New(rand.NewPCG(seed, uint64(w)))
			jobs.Go(func() {
				for range steps {
					time.Sleep(time.Duration(random.IntN(100)) * time.Millisecond)
					i := random.IntN(records)
					k := athand.Key{byte(i)}
					switch dice := random.IntN(200); {
					case dice < 10: // an edit elsewhere; the news of it comes before or after its answer
						revision := store[i].revision.Add(1)
						late := time.Duration(random.IntN(300)) * time.Millisecond
						group.Go(func() {
							time.Sleep(late)
							if !deaf {
								h.ch.tell(k, revision)
							}
						})
						for old := acked[i].Load(); old < revision && !acked[i].CompareAndSwap(old, revision); old = acked[i].Load() {
						}
					case dice < 12: // an edit here
						ticket := h.Begin(k)
						revision := store[i].revision.Add(1)
						time.Sleep(time.Duration(random.IntN(50)) * time.Millisecond)
						ticket.Keep(athand.Read[uint64]{Value: revision, Revision: revision, Weight: 1})
						ticket.End()
						if got, err := h.Load(t.Context(), k, 0, store[i].read); err != nil || got < revision {
							bad.Add(1)
						}
					case dice == 12 && w == 0:
						h.ch.set(random.IntN(2) == 0)
					default:
						least, before := uint64(0), bound(i)
						if i%2 == 0 {
							least = acked[i].Load()
						}
						got, err := h.Load(t.Context(), k, least, func(ctx context.Context) (athand.Read[uint64], error) {
							r, err := store[i].read(ctx)
							time.Sleep(time.Duration(random.IntN(50)) * time.Millisecond)
							return r, err
						})
						if err != nil || got < least || got < before {
							bad.Add(1)
						}
					}
				}
			})
		}
		jobs.Wait()
		close(finish)
		group.Wait()
		stale = bad.Load()
	})
	return stale
}

// A hit, trusted for its age, and trusted because the channel vouches.
func BenchmarkGet(b *testing.B) {
	for _, people := range []int{1, 50_000} {
		c := athand.New[uint64](athand.List, new(channelThatVouches), uint64(people))
		keys := make([]athand.Key, people)
		for i := range keys {
			keys[i] = athand.Key{byte(i), byte(i >> 8), byte(i >> 16)}
			if _, err := c.Load(b.Context(), keys[i], 0, func(context.Context) (athand.Read[uint64], error) {
				return athand.Read[uint64]{Revision: 1, Weight: 1}, nil
			}); err != nil {
				b.Fatal(err)
			}
		}
		b.Run(fmt.Sprintf("people=%d", people), func(b *testing.B) {
			b.ReportAllocs()
			i, misses := 0, 0
			for b.Loop() {
				if _, ok := c.Get(keys[i], 1); !ok {
					misses++
				}
				if i++; i == people {
					i = 0
				}
			}
			b.ReportMetric(float64(misses)/float64(b.N), "misses/op")
		})
	}
}

type channelThatVouches struct{}

func (*channelThatVouches) Listen(func(athand.Change)) func() { return func() {} }
func (*channelThatVouches) Vouch(_, _ time.Time) bool         { return true }
