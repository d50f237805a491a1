package storagetest

import (
	"errors"
	"testing"
	"time"

	"newsfeed/interests"
	"newsfeed/interests/account"
)

// soon is how far ahead the cases set a time that they then wait for. It is
// short, and nothing fails when the machine is slower than that.
const soon = 250 * time.Millisecond

func listsExpire(t *testing.T, h Harness[interests.Store]) {
	store, stop := h.Start(t)
	id := account.NewID()
	until := time.Now().Add(soon)
	mustSwap(t, store, id, 0, list(5, "iran"), until)
	wantGoneAt(t, store, id, until)
	if err := store.Swap(background(t), id, 5, list(6), time.Time{}); !errors.Is(err, interests.ErrConflict) {
		t.Errorf("swap of an expired list from its revision: %v, want ErrConflict", err)
	}
	if err := store.Keep(background(t), id, time.Now().Add(time.Hour)); err != nil {
		t.Errorf("keep an expired list: %v", err)
	}
	wantList(t, store, id, interests.List{})
	mustSwap(t, store, id, 0, list(7, "golf"), time.Time{})
	wantList(t, store, id, list(7, "golf"))
	stop()
	store, _ = h.Start(t)
	wantList(t, store, id, list(7, "golf"))
}

func listsPast(t *testing.T, h Harness[interests.Store]) {
	store, _ := h.Start(t)
	for _, until := range []time.Time{time.Now().Add(-time.Millisecond), time.Unix(1, 0), time.Unix(0, 0), time.Unix(-1, 0)} {
		swapped, kept := account.NewID(), account.NewID()
		mustSwap(t, store, swapped, 0, list(5), until)
		mustSwap(t, store, kept, 0, list(5), time.Time{})
		if err := store.Keep(background(t), kept, until); err != nil {
			t.Fatalf("keep until %v: %v", until, err)
		}
		for _, id := range []account.ID{swapped, kept} {
			wantList(t, store, id, interests.List{})
			mustSwap(t, store, id, 0, list(6), time.Time{})
			wantList(t, store, id, list(6))
		}
	}
}

func listsKeep(t *testing.T, h Harness[interests.Store]) {
	store, _ := h.Start(t)
	longer, forGood, shorter, witness := account.NewID(), account.NewID(), account.NewID(), account.NewID()
	until := time.Now().Add(soon)
	far := time.Now().Add(time.Hour)
	mustSwap(t, store, longer, 0, list(1), far) // not until: a slow machine may not be too late
	mustSwap(t, store, forGood, 0, list(2), far)
	mustSwap(t, store, shorter, 0, list(3), time.Time{})
	mustSwap(t, store, witness, 0, list(4), until)
	for id, until := range map[account.ID]time.Time{longer: far.Add(time.Hour), forGood: {}, shorter: until} {
		if err := store.Keep(background(t), id, until); err != nil {
			t.Fatal(err)
		}
	}
	wantGoneAt(t, store, witness, until)
	wantGoneAt(t, store, shorter, until)
	wantList(t, store, longer, list(1))
	wantList(t, store, forGood, list(2))

	// The same with a time that does come: what Keep said last holds.
	until = time.Now().Add(soon)
	mustSwap(t, store, witness, 0, list(5), until)
	for _, id := range []account.ID{longer, forGood} {
		if err := errors.Join(
			store.Keep(background(t), id, until.Add(time.Minute)),
			store.Keep(background(t), id, time.Time{}),
		); err != nil {
			t.Fatal(err)
		}
	}
	wantGoneAt(t, store, witness, until)
	wantList(t, store, longer, list(1))
	wantList(t, store, forGood, list(2))
}

func listsSwapKeeps(t *testing.T, h Harness[interests.Store]) {
	store, _ := h.Start(t)
	for wait := soon; ; wait *= 2 { // longer, on a machine that was too slow for two swaps
		id, witness := account.NewID(), account.NewID()
		until := time.Now().Add(wait)
		mustSwap(t, store, id, 0, list(1), until)
		err := store.Swap(background(t), id, 1, list(2), time.Time{})
		if errors.Is(err, interests.ErrConflict) && !time.Now().Before(until) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		mustSwap(t, store, witness, 0, list(1), until)
		wantGoneAt(t, store, witness, until)
		wantList(t, store, id, list(2))

		until = time.Now().Add(soon)
		mustSwap(t, store, id, 2, list(3), until)
		wantGoneAt(t, store, id, until)
		return
	}
}

func listsKeepNothing(t *testing.T, h Harness[interests.Store]) {
	store, _ := h.Start(t)
	for _, until := range []time.Time{{}, time.Now().Add(time.Hour), time.Now().Add(-time.Hour)} {
		id := account.NewID()
		if err := store.Keep(background(t), id, until); err != nil {
			t.Errorf("keep nothing until %v: %v", until, err)
		}
		wantList(t, store, id, interests.List{})
		mustSwap(t, store, id, 0, list(1), time.Time{})
	}
}

func listsDelete(t *testing.T, h Harness[interests.Store]) {
	store, stop := h.Start(t)
	id, witness := account.NewID(), account.NewID()
	remove := func() {
		t.Helper()
		if err := store.Delete(background(t), id); err != nil {
			t.Fatalf("delete: %v", err)
		}
		wantList(t, store, id, interests.List{})
	}
	remove()
	until := time.Now().Add(soon)
	mustSwap(t, store, id, 0, list(1, "iran"), until)
	remove()
	remove()
	if err := store.Swap(background(t), id, 1, list(2), time.Time{}); !errors.Is(err, interests.ErrConflict) {
		t.Errorf("swap of a deleted list: %v, want ErrConflict", err)
	}
	// The deleted list's time must not hit the one that came after it.
	mustSwap(t, store, id, 0, list(3, "golf"), time.Time{})
	mustSwap(t, store, witness, 0, list(1), until)
	wantGoneAt(t, store, witness, until)
	wantList(t, store, id, list(3, "golf"))
	remove()
	stop()
	store, _ = h.Start(t)
	wantList(t, store, id, interests.List{})
}

// wantGoneAt waits until a list is gone, which must not be before its time.
func wantGoneAt(t testing.TB, store interests.Store, id account.ID, until time.Time) {
	t.Helper()
	until = until.Truncate(time.Millisecond) // as precise as stores are
	eventually(t, "the list is gone", func() bool {
		got, err := store.Load(background(t), id)
		if err != nil {
			t.Fatalf("load: %v", err)
		}
		early := time.Now().Before(until)
		if got.Revision == 0 && early {
			t.Fatalf("the list is gone %v before its time", time.Until(until))
		}
		return got.Revision == 0
	})
}

// eventually waits for what is to come by itself, looking every 5 ms.
func eventually(t testing.TB, what string, came func() bool) {
	t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !came() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("after %v it is still not so that %s", patience, what)
		}
	}
}
