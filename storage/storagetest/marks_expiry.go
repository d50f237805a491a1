package storagetest

import (
	"errors"
	"testing"
	"time"

	"newsfeed/feed"
	"newsfeed/interests/account"
)

func marksExpire(t *testing.T, h Harness[feed.Marks]) {
	store, stop := h.Start(t)
	id := account.NewID()
	until := time.Now().Add(soon)
	mustSwapMarks(t, store, id, 0, changeTo(marksOf(5, 1, 2)), until)
	wantMarksGoneAt(t, store, id, until)
	if err := store.Swap(background(t), id, 5, changeTo(marksOf(6, 3)), time.Time{}); !errors.Is(err, feed.ErrMarksConflict) {
		t.Errorf("swap of an expired set from its revision: %v, want ErrMarksConflict", err)
	}
	if err := store.Keep(background(t), id, time.Now().Add(time.Hour)); err != nil {
		t.Errorf("keep an expired set: %v", err)
	}
	wantMarks(t, store, id, feed.MarkSet{})
	mustSwapMarks(t, store, id, 0, changeTo(marksOf(7, 3)), time.Time{})
	wantMarks(t, store, id, marksOf(7, 3))
	stop()
	store, _ = h.Start(t)
	wantMarks(t, store, id, marksOf(7, 3))
}

func marksPast(t *testing.T, h Harness[feed.Marks]) {
	store, _ := h.Start(t)
	for _, until := range []time.Time{time.Now().Add(-time.Millisecond), time.Unix(1, 0), time.Unix(0, 0), time.Unix(-1, 0)} {
		swapped, kept := account.NewID(), account.NewID()
		mustSwapMarks(t, store, swapped, 0, changeTo(marksOf(5, 1)), until)
		mustSwapMarks(t, store, kept, 0, changeTo(marksOf(5, 1)), time.Time{})
		if err := store.Keep(background(t), kept, until); err != nil {
			t.Fatalf("keep until %v: %v", until, err)
		}
		for _, id := range []account.ID{swapped, kept} {
			wantMarks(t, store, id, feed.MarkSet{})
			mustSwapMarks(t, store, id, 0, changeTo(marksOf(6, 2)), time.Time{})
			wantMarks(t, store, id, marksOf(6, 2))
		}
	}
}

func marksKeep(t *testing.T, h Harness[feed.Marks]) {
	store, _ := h.Start(t)
	longer, forGood, shorter, witness := account.NewID(), account.NewID(), account.NewID(), account.NewID()
	until := time.Now().Add(soon)
	far := time.Now().Add(time.Hour) // not until: a slow machine may not be too late
	mustSwapMarks(t, store, longer, 0, changeTo(marksOf(1, 1)), far)
	mustSwapMarks(t, store, forGood, 0, changeTo(marksOf(2, 2)), far)
	mustSwapMarks(t, store, shorter, 0, changeTo(marksOf(3, 3)), time.Time{})
	for id, until := range map[account.ID]time.Time{longer: far.Add(time.Hour), forGood: {}, shorter: until} {
		if err := store.Keep(background(t), id, until); err != nil {
			t.Fatal(err)
		}
	}
	wantMarksGoneAt(t, store, shorter, until)
	wantMarks(t, store, longer, marksOf(1, 1))
	wantMarks(t, store, forGood, marksOf(2, 2))

	// The same with a time that does come: what Keep said last holds.
	until = time.Now().Add(soon)
	mustSwapMarks(t, store, witness, 0, changeTo(marksOf(5, 5)), until)
	for _, id := range []account.ID{longer, forGood} {
		if err := errors.Join(
			store.Keep(background(t), id, until.Add(time.Minute)),
			store.Keep(background(t), id, time.Time{}),
		); err != nil {
			t.Fatal(err)
		}
	}
	wantMarksGoneAt(t, store, witness, until)
	wantMarks(t, store, longer, marksOf(1, 1))
	wantMarks(t, store, forGood, marksOf(2, 2))
}

func marksSwapKeeps(t *testing.T, h Harness[feed.Marks]) {
	store, _ := h.Start(t)
	for wait := soon; ; wait *= 2 { // longer, on a machine that was too slow for two swaps
		id, witness := account.NewID(), account.NewID()
		until := time.Now().Add(wait)
		mustSwapMarks(t, store, id, 0, changeTo(marksOf(1, 1)), until)
		err := store.Swap(background(t), id, 1, changeTo(marksOf(2)), time.Time{})
		if errors.Is(err, feed.ErrMarksConflict) && !time.Now().Before(until) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		mustSwapMarks(t, store, witness, 0, changeTo(marksOf(1)), until)
		wantMarksGoneAt(t, store, witness, until)
		wantMarks(t, store, id, marksOf(2, 1))

		until = time.Now().Add(soon)
		mustSwapMarks(t, store, id, 2, changeTo(marksOf(3)), until)
		wantMarksGoneAt(t, store, id, until)
		return
	}
}

func marksKeepNothing(t *testing.T, h Harness[feed.Marks]) {
	store, _ := h.Start(t)
	for _, until := range []time.Time{{}, time.Now().Add(time.Hour), time.Now().Add(-time.Hour)} {
		id := account.NewID()
		if err := store.Keep(background(t), id, until); err != nil {
			t.Errorf("keep nothing until %v: %v", until, err)
		}
		wantMarks(t, store, id, feed.MarkSet{})
		mustSwapMarks(t, store, id, 0, changeTo(marksOf(1)), time.Time{})
	}
}

func marksDelete(t *testing.T, h Harness[feed.Marks]) {
	store, stop := h.Start(t)
	id, witness := account.NewID(), account.NewID()
	remove := func() {
		t.Helper()
		if err := store.Delete(background(t), id); err != nil {
			t.Fatalf("delete: %v", err)
		}
		wantMarks(t, store, id, feed.MarkSet{})
	}
	remove()
	until := time.Now().Add(soon)
	mustSwapMarks(t, store, id, 0, changeTo(marksOf(1, 1)), until)
	remove()
	remove()
	if err := store.Swap(background(t), id, 1, changeTo(marksOf(2)), time.Time{}); !errors.Is(err, feed.ErrMarksConflict) {
		t.Errorf("swap of a deleted set: %v, want ErrMarksConflict", err)
	}
	// The deleted set's time must not hit the one that came after it.
	mustSwapMarks(t, store, id, 0, changeTo(marksOf(3, 3)), time.Time{})
	mustSwapMarks(t, store, witness, 0, changeTo(marksOf(1)), until)
	wantMarksGoneAt(t, store, witness, until)
	wantMarks(t, store, id, marksOf(3, 3))
	remove()
	stop()
	store, _ = h.Start(t)
	wantMarks(t, store, id, feed.MarkSet{})
}

// wantMarksGoneAt waits until a set is gone, which must not be before its time.
func wantMarksGoneAt(t testing.TB, store feed.Marks, id account.ID, until time.Time) {
	t.Helper()
	until = until.Truncate(time.Millisecond) // as precise as stores are
	eventually(t, "the marks are gone", func() bool {
		got, err := store.Load(background(t), id)
		if err != nil {
			t.Fatalf("load: %v", err)
		}
		early := time.Now().Before(until)
		if got.Revision == 0 && early {
			t.Fatalf("the marks are gone %v before their time", time.Until(until))
		}
		return got.Revision == 0
	})
}
