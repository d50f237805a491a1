package storagetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"newsfeed/feed/ingest"
)

// Sources proves that an implementation keeps ingest.Sources.
func Sources(t *testing.T, fresh Fresh[ingest.Sources]) {
	type h = Harness[ingest.Sources]
	run(t, "ingest.Sources", fresh, []testCase[ingest.Sources]{
		{name: "every field comes back, also after opening again, by source, then by URL", run: sourcesRoundTrip},
		{name: "an address that is there is passed over, the others are added", run: sourcesTaken},
		{name: "what is due is leased, longest first, and to one at a time", run: sourcesLease},
		{name: "a lease that ends by itself is another's, and the first one's write is refused", run: sourcesLate},
		{name: "a poll by hand takes the lease", run: sourcesNamed},
		{name: "an address moves, but not to where another is", run: sourcesMove},
		{name: "what was removed is gone, and a poll's write does not bring it back", run: sourcesRemove},
		{name: "many nodes that lease at once share, and nothing is leased twice", run: sourcesRace},
		{name: "a context that has ended is the answer, and nothing is written", run: sourcesContext},
		{name: "a frozen server costs no more than the deadline", server: true, run: sourcesFrozen},
		{name: "a lost server is ErrSourcesUnavailable, and serves again when it is back", server: true, run: sourcesLost},
		{name: "random operations give what the model gives", run: func(t *testing.T, _ h) { sourcesRandom(t, fresh) }},
	})
}

// address is a new address of a source, due some minutes after the epoch.
func address(source string, n, due int) ingest.Address {
	return ingest.Address{
		ID: uuid.Must(uuid.NewV7()), URL: fmt.Sprintf("https://%s.example/%d", source, n), Source: source,
		Added: epoch, Due: epoch.Add(time.Duration(due) * time.Minute),
	}
}

// minute is so many minutes after the epoch.
func minute(n int) time.Time { return epoch.Add(time.Duration(n) * time.Minute) }

func mustAdd(t testing.TB, store ingest.Sources, addresses ...ingest.Address) {
	t.Helper()
	added, err := store.Add(background(t), addresses)
	if err != nil || len(added) != len(addresses) {
		t.Fatalf("add: %v, %v", added, err)
	}
	for i, ok := range added {
		if !ok {
			t.Fatalf("address %d was not added", i)
		}
	}
}

func mustLease(t testing.TB, store ingest.Sources, now, until time.Time, limit int, ids ...uuid.UUID) []ingest.Address {
	t.Helper()
	leased, err := store.Lease(background(t), now, until, limit, ids...)
	if err != nil {
		t.Fatalf("lease: %v", err)
	}
	return leased
}

func wantAddresses(t testing.TB, store ingest.Sources, want ...ingest.Address) {
	t.Helper()
	got, err := store.All(background(t))
	if err != nil {
		t.Fatalf("all: %v", err)
	}
	same(t, "addresses", got, want)
}

func leasedAs(a ingest.Address, lease uint64, until time.Time) ingest.Address {
	a.Lease, a.Until = lease, until
	return a
}

func sourcesRoundTrip(t *testing.T, h Harness[ingest.Sources]) {
	store, stop := h.Start(t)
	wantAddresses(t, store)
	var full ingest.Address
	fill(&full)
	full.Source, full.Gap = "b", 90*time.Minute+time.Nanosecond
	first, second := address("a", 1, 0), address("a", 2, 0)
	mustAdd(t, store, second, full, first)
	wantAddresses(t, store, first, second, full)
	stop()
	store, _ = h.Start(t)
	wantAddresses(t, store, first, second, full)
}

func sourcesTaken(t *testing.T, h Harness[ingest.Sources]) {
	store, _ := h.Start(t)
	a, b := address("a", 1, 0), address("a", 2, 0)
	mustAdd(t, store, a)
	sameURL, sameID := address("c", 1, 0), address("c", 2, 0)
	sameURL.URL, sameID.ID = a.URL, a.ID
	again := b
	again.ID = uuid.Must(uuid.NewV7())
	added, err := store.Add(background(t), []ingest.Address{sameURL, b, sameID, again})
	if err != nil || fmt.Sprint(added) != "[false true false false]" {
		t.Fatalf("added %v, %v; want only the second", added, err)
	}
	wantAddresses(t, store, a, b)
}

func sourcesLease(t *testing.T, h Harness[ingest.Sources]) {
	store, _ := h.Start(t)
	late, early, future, stopped := address("a", 1, 2), address("a", 2, 1), address("a", 3, 9), address("a", 4, 0)
	stopped.Stopped = true
	mustAdd(t, store, late, early, future, stopped)
	same(t, "one of two that are due", mustLease(t, store, minute(2), minute(5), 1), []ingest.Address{leasedAs(early, 1, minute(5))})
	same(t, "the rest", mustLease(t, store, minute(2), minute(5), 9), []ingest.Address{leasedAs(late, 1, minute(5))})
	if more := mustLease(t, store, minute(2), minute(5), 9); len(more) != 0 {
		t.Fatalf("leased again: %v", more)
	}
	early.Lease, early.Until, early.Due, early.Fault = 1, minute(5), minute(3), "none"
	if err := store.Save(background(t), early); err != nil {
		t.Fatal(err)
	}
	early.Until = time.Time{}
	wantAddresses(t, store, leasedAs(late, 1, minute(5)), early, future, stopped)
	same(t, "due again", mustLease(t, store, minute(3), minute(6), 9), []ingest.Address{leasedAs(early, 2, minute(6))})
}

func sourcesLate(t *testing.T, h Harness[ingest.Sources]) {
	store, _ := h.Start(t)
	a := address("a", 1, 0)
	mustAdd(t, store, a)
	first := mustLease(t, store, minute(0), minute(1), 1)[0]
	second := mustLease(t, store, minute(1), minute(9), 1)
	same(t, "the lease after one that ended", second, []ingest.Address{leasedAs(a, 2, minute(9))})
	first.Fault = "written too late"
	if err := store.Save(background(t), first); !errors.Is(err, ingest.ErrLeaseLost) {
		t.Fatalf("an old lease's write: %v, want ErrLeaseLost", err)
	}
	wantAddresses(t, store, second[0])
}

func sourcesNamed(t *testing.T, h Harness[ingest.Sources]) {
	store, _ := h.Start(t)
	a, b, c := address("a", 1, 0), address("a", 2, 50), address("a", 3, 60)
	b.Stopped = true
	mustAdd(t, store, a, b, c)
	first := mustLease(t, store, minute(0), minute(5), 1)[0]
	named := mustLease(t, store, minute(1), minute(6), 9, b.ID, a.ID, uuid.Must(uuid.NewV7()))
	same(t, "those that are named", named, []ingest.Address{leasedAs(a, 2, minute(6)), leasedAs(b, 1, minute(6))})
	if err := store.Save(background(t), first); !errors.Is(err, ingest.ErrLeaseLost) {
		t.Fatalf("the one who polled it before: %v, want ErrLeaseLost", err)
	}
	if err := store.Save(background(t), named[0]); err != nil {
		t.Fatal(err)
	}
}

func sourcesMove(t *testing.T, h Harness[ingest.Sources]) {
	store, _ := h.Start(t)
	a, b := address("a", 1, 0), address("a", 2, 9)
	mustAdd(t, store, a, b)
	leased := mustLease(t, store, minute(0), minute(5), 1)[0]
	leased.URL = b.URL
	if err := store.Save(background(t), leased); !errors.Is(err, ingest.ErrAddressTaken) {
		t.Fatalf("a move to another's address: %v, want ErrAddressTaken", err)
	}
	wantAddresses(t, store, leasedAs(a, 1, minute(5)), b)
	leased.URL = "https://moved.example/"
	if err := store.Save(background(t), leased); err != nil {
		t.Fatal(err)
	}
	leased.Until = time.Time{}
	wantAddresses(t, store, b, leased)
	again := a
	again.ID = uuid.Must(uuid.NewV7())
	mustAdd(t, store, again) // the old address is free
}

func sourcesRemove(t *testing.T, h Harness[ingest.Sources]) {
	store, _ := h.Start(t)
	a, b, c := address("a", 1, 0), address("a", 2, 9), address("c", 1, 9)
	mustAdd(t, store, a, b, c)
	leased := mustLease(t, store, minute(0), minute(5), 1)[0]
	if n, err := store.Remove(background(t), "a"); n != 2 || err != nil {
		t.Fatalf("removed %d, %v; want 2", n, err)
	}
	if n, err := store.Remove(background(t), "a"); n != 0 || err != nil {
		t.Fatalf("removed again: %d, %v", n, err)
	}
	if err := store.Save(background(t), leased); !errors.Is(err, ingest.ErrLeaseLost) {
		t.Fatalf("a write after the removal: %v, want ErrLeaseLost", err)
	}
	wantAddresses(t, store, c)
}

func sourcesRace(t *testing.T, h Harness[ingest.Sources]) {
	const addresses = 40
	nodes := h.Nodes(t, 4)
	for i := range addresses {
		mustAdd(t, nodes[0], address("a", i, 0))
	}
	var racing sync.WaitGroup
	var leased atomic.Int64
	for _, node := range nodes {
		racing.Go(func() {
			for {
				got, err := node.Lease(background(t), minute(0), minute(5), 3)
				if err != nil {
					t.Errorf("lease: %v", err)
				}
				if len(got) == 0 {
					return
				}
				leased.Add(int64(len(got)))
				for _, a := range got {
					if a.Lease != 1 {
						t.Errorf("%s was leased %d times", a.URL, a.Lease)
					}
				}
			}
		})
	}
	racing.Wait()
	if leased.Load() != addresses {
		t.Errorf("%d leases of %d addresses", leased.Load(), addresses)
	}
}

// sourcesCalls are the methods of the contract with arguments that succeed.
func sourcesCalls(store ingest.Sources) []storeCall {
	return []storeCall{
		{"Add", func(ctx context.Context) error {
			_, err := store.Add(ctx, []ingest.Address{address("calls", int(uuid.New().ID()), 99)})
			return err
		}},
		{"All", func(ctx context.Context) error { _, err := store.All(ctx); return err }},
		{"Lease", func(ctx context.Context) error { _, err := store.Lease(ctx, epoch, minute(1), 1); return err }},
		{"Save", func(ctx context.Context) error {
			if err := store.Save(ctx, address("calls", 1, 0)); !errors.Is(err, ingest.ErrLeaseLost) {
				return err
			}
			return nil
		}},
		{"Remove", func(ctx context.Context) error { _, err := store.Remove(ctx, "nobody"); return err }},
	}
}

func sourcesContext(t *testing.T, h Harness[ingest.Sources]) {
	store, _ := h.Start(t)
	a := address("a", 1, 0)
	mustAdd(t, store, a)
	if _, err := store.Lease(cancelled(), minute(0), minute(1), 1); !errors.Is(err, context.Canceled) {
		t.Errorf("lease with a cancelled context: %v", err)
	}
	if _, err := store.Remove(cancelled(), "a"); !errors.Is(err, context.Canceled) {
		t.Errorf("remove with a cancelled context: %v", err)
	}
	wantAddresses(t, store, a)
	wantContext(t, sourcesCalls(store))
}

func sourcesFrozen(t *testing.T, h Harness[ingest.Sources]) {
	store, _ := h.Start(t)
	wantDeadlines(t, h.Freeze, h.Thaw, sourcesCalls(store))
}

func sourcesLost(t *testing.T, h Harness[ingest.Sources]) {
	store, _ := h.Start(t)
	wantLostAndBack(t, h.Lose, h.Heal, sourcesCalls(store), ingest.ErrSourcesUnavailable)
}

// sourcesRandom compares an implementation with the model after any sequence of
// operations on few addresses, whose times never tie.
func sourcesRandom(t *testing.T, fresh Fresh[ingest.Sources]) {
	checkRandom(t, fresh, checksFor(fresh(t)), func(r *rapid.T, h Harness[ingest.Sources]) {
		store, stop := h.Start(t)
		defer func() { stop() }()
		var model ModelSources
		now, made := 0, 0
		var leased []ingest.Address
		r.Repeat(map[string]func(*rapid.T){
			"add": func(r *rapid.T) {
				a := address(string('a'+drawByte(r)%3), int(drawByte(r)), 0)
				made++
				a.ID, a.Due = uuid.UUID{drawByte(r)}, minute(now-100).Add(time.Duration(made)*time.Second)
				got, err := store.Add(ctxRandom, []ingest.Address{a})
				want, _ := model.Add(ctxRandom, []ingest.Address{a})
				compare(r, "added", got, err, want)
			},
			"lease": func(r *rapid.T) {
				limit := 1 + int(drawByte(r))
				var ids []uuid.UUID
				if rapid.Bool().Draw(r, "named") {
					ids = []uuid.UUID{{drawByte(r)}}
				}
				got, err := store.Lease(ctxRandom, minute(now), minute(now+2), limit, ids...)
				want, _ := model.Lease(ctxRandom, minute(now), minute(now+2), limit, ids...)
				compare(r, "leased", got, err, want)
				leased = append(leased, want...)
			},
			"save": func(r *rapid.T) {
				if len(leased) == 0 {
					return
				}
				a := rapid.SampledFrom(leased).Draw(r, "leased")
				made++
				a.Due, a.Stopped = minute(now-100).Add(time.Duration(made)*time.Second), rapid.Bool().Draw(r, "stopped")
				if rapid.Bool().Draw(r, "moves") {
					a.URL = address("a", int(drawByte(r)), 0).URL
				}
				got, want := store.Save(ctxRandom, a), model.Save(ctxRandom, a)
				if errors.Is(got, ingest.ErrLeaseLost) != errors.Is(want, ingest.ErrLeaseLost) ||
					errors.Is(got, ingest.ErrAddressTaken) != errors.Is(want, ingest.ErrAddressTaken) || (got == nil) != (want == nil) {
					r.Fatalf("save %v: %v; the model: %v", a, got, want)
				}
			},
			"remove": func(r *rapid.T) {
				source := string('a' + drawByte(r)%3)
				got, err := store.Remove(ctxRandom, source)
				want, _ := model.Remove(ctxRandom, source)
				compare(r, "removed", got, err, want)
			},
			"later":  func(*rapid.T) { now++ },
			"reopen": func(*rapid.T) { stop(); store, stop = h.Start(t) },
			"": func(r *rapid.T) {
				got, err := store.All(ctxRandom)
				want, _ := model.All(ctxRandom)
				compare(r, "addresses", got, err, want)
			},
		})
	})
}
