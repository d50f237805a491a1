package storagetest

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"newsfeed/interests"
	"newsfeed/interests/account"
	"newsfeed/interests/topic"
)

// ListsAndMerges are the two contracts of one place for data.
type ListsAndMerges struct {
	Lists  interests.Store
	Merges interests.Merges
}

// Merges proves that an implementation keeps the contract of [interests.Merges].
func Merges(t *testing.T, fresh Fresh[ListsAndMerges]) {
	run(t, "interests.Merges", fresh, []testCase[ListsAndMerges]{
		{name: "a merge comes back whole, and the list is the one swapped in", run: mergesRoundTrip},
		{name: "without a change the list stays, and must be of its revision all the same", run: mergesNoChange},
		{name: "another revision is a conflict and stores nothing, neither list nor merge", run: mergesConflict},
		{name: "a merge is stored once, and once more when it is undone", run: mergesOnce},
		{name: "the newest twenty are kept, each for its time", run: mergesMost},
		{name: "merges go with Delete, and an account's are its own", run: mergesDelete},
		{name: "of 12 who put one merge on several nodes one succeeds", run: mergesRace},
		{name: "a context that has ended ends every call", run: func(t *testing.T, h Harness[ListsAndMerges]) {
			store, _ := h.Start(t)
			wantContext(t, mergeCalls(store))
		}},
		{name: "a lost server is unavailable, and back when it is back", server: true, run: func(t *testing.T, h Harness[ListsAndMerges]) {
			store, _ := h.Start(t)
			wantLostAndBack(t, h.Lose, h.Heal, mergeCalls(store), interests.ErrUnavailable)
		}},
	})
}

func newMerge(at time.Time) interests.Merge {
	return interests.Merge{ID: uuid.Must(uuid.NewV7()), Guest: account.NewID(), Token: newHash(), At: at.UTC().Truncate(time.Millisecond)}
}

func mergedList(revision interests.Revision) interests.List {
	return interests.List{Revision: revision, Topics: map[topic.ID]interests.Register{
		"iran": {Level: interests.Follow, At: interests.NewStamp(time.UnixMilli(int64(revision)), 0, 0)}}}
}

func mergesRoundTrip(t *testing.T, h Harness[ListsAndMerges]) {
	store, stop := h.Start(t)
	id, m := account.NewID(), newMerge(time.Now())
	m.Added, m.Unchanged, m.LeftOut = []topic.ID{"iran", "한국"}, []topic.ID{"chad"}, []topic.ID{"peru"}
	m.Overridden = []interests.Override{{Topic: "mali", Kept: interests.None, Dropped: interests.Mute}}
	m.Written = []interests.MergeEdit{{Topic: "iran", Before: interests.None, At: interests.NewStamp(m.At, 7, 9)}}
	m.Marks = interests.NewStamp(m.At, 1, 2)
	wantNoMerge(t, store, id, m.ID)
	if err := store.Merges.Put(background(t), id, 0, mergedList(5), m, interests.Undo{Revision: 5}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		wantMerge(t, store, id, m)
		wantList(t, store.Lists, id, mergedList(5))
		if _, undos, err := store.Lists.Journal(background(t), id, 0); err != nil || len(undos) != 1 {
			t.Errorf("journal: %v, %v", undos, err)
		}
		stop()
		store, stop = h.Start(t)
	}
	stop()
}

func mergesNoChange(t *testing.T, h Harness[ListsAndMerges]) {
	store, _ := h.Start(t)
	id := account.NewID()
	for _, revision := range []interests.Revision{0, 5} { // without and with a list
		if revision > 0 {
			mustSwap(t, store.Lists, id, 0, mergedList(revision), time.Time{})
		}
		m := newMerge(time.Now())
		if err := store.Merges.Put(background(t), id, revision+1, interests.List{Revision: revision + 1}, m); !errors.Is(err, interests.ErrConflict) {
			t.Errorf("a merge without a change at another revision: %v, want ErrConflict", err)
		}
		wantNoMerge(t, store, id, m.ID)
		if err := store.Merges.Put(background(t), id, revision, interests.List{Revision: revision}, m); err != nil {
			t.Fatal(err)
		}
		wantMerge(t, store, id, m)
	}
	wantList(t, store.Lists, id, mergedList(5))
}

func mergesConflict(t *testing.T, h Harness[ListsAndMerges]) {
	store, _ := h.Start(t)
	id, m := account.NewID(), newMerge(time.Now())
	mustSwap(t, store.Lists, id, 0, mergedList(5), time.Time{})
	for _, from := range []interests.Revision{0, 4, 6} {
		if err := store.Merges.Put(background(t), id, from, mergedList(9), m); !errors.Is(err, interests.ErrConflict) {
			t.Errorf("from %d: %v, want ErrConflict", from, err)
		}
	}
	wantNoMerge(t, store, id, m.ID)
	wantList(t, store.Lists, id, mergedList(5))
}

func mergesOnce(t *testing.T, h Harness[ListsAndMerges]) {
	store, _ := h.Start(t)
	id, m := account.NewID(), newMerge(time.Now())
	if err := store.Merges.Put(background(t), id, 0, mergedList(5), m); err != nil {
		t.Fatal(err)
	}
	for _, next := range []interests.List{mergedList(5), mergedList(6)} {
		if err := store.Merges.Put(background(t), id, 5, next, m); !errors.Is(err, interests.ErrConflict) {
			t.Errorf("put twice: %v, want ErrConflict", err)
		}
	}
	wantList(t, store.Lists, id, mergedList(5))
	m.Undone = true
	if err := store.Merges.Put(background(t), id, 5, mergedList(6), m); err != nil {
		t.Fatal(err)
	}
	wantMerge(t, store, id, m)
	wantList(t, store.Lists, id, mergedList(6))
}

func mergesMost(t *testing.T, h Harness[ListsAndMerges]) {
	store, _ := h.Start(t)
	id := account.NewID()
	old := newMerge(time.Now().Add(-interests.MergeKept - time.Minute))
	var merges []interests.Merge
	for range interests.MaxMerges + 2 {
		merges = append(merges, newMerge(time.Now()))
	}
	for _, m := range append([]interests.Merge{old}, merges...) {
		if err := store.Merges.Put(background(t), id, 0, interests.List{}, m); err != nil {
			t.Fatal(err)
		}
	}
	wantNoMerge(t, store, id, old.ID)
	all, err := store.Merges.Merges(background(t), id)
	if err != nil || len(all) != interests.MaxMerges {
		t.Fatalf("%d merges, %v, want %d", len(all), err, interests.MaxMerges)
	}
	for i, m := range all {
		if want := merges[len(merges)-1-i]; m.ID != want.ID {
			t.Errorf("merge %d is %s, want %s", i, m.ID, want.ID)
		}
	}
}

func mergesDelete(t *testing.T, h Harness[ListsAndMerges]) {
	store, _ := h.Start(t)
	ann, ben, m := account.NewID(), account.NewID(), newMerge(time.Now())
	for _, id := range []account.ID{ann, ben} {
		if err := store.Merges.Put(background(t), id, 0, mergedList(5), m); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if err := store.Lists.Delete(background(t), ann); err != nil {
			t.Fatal(err)
		}
		wantNoMerge(t, store, ann, m.ID)
	}
	wantMerge(t, store, ben, m)
}

func mergesRace(t *testing.T, h Harness[ListsAndMerges]) {
	nodes := h.Nodes(t, 3)
	id, m := account.NewID(), newMerge(time.Now())
	var done atomic.Int32
	inParallel(12, func(i int) {
		from, next := interests.Revision(0), mergedList(5)
		if i%2 == 0 {
			next = interests.List{}
		}
		switch err := nodes[i%len(nodes)].Merges.Put(background(t), id, from, next, m); {
		case err == nil:
			done.Add(1)
		case !errors.Is(err, interests.ErrConflict):
			t.Errorf("put: %v", err)
		}
	})
	if done.Load() != 1 {
		t.Errorf("one merge was stored %d times", done.Load())
	}
}

func mergeCalls(store ListsAndMerges) []storeCall {
	return []storeCall{
		{"Put", func(ctx context.Context) error {
			return store.Merges.Put(ctx, account.NewID(), 0, mergedList(1), newMerge(time.Now()))
		}},
		{"Merge", func(ctx context.Context) error {
			_, err := store.Merges.Merge(ctx, account.NewID(), uuid.New())
			if errors.Is(err, interests.ErrNoMerge) { // it was asked
				return nil
			}
			return err
		}},
		{"Merges", func(ctx context.Context) error { _, err := store.Merges.Merges(ctx, account.NewID()); return err }},
	}
}

func wantMerge(t testing.TB, store ListsAndMerges, id account.ID, want interests.Merge) {
	t.Helper()
	got, err := store.Merges.Merge(background(t), id, want.ID)
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Fatalf("merge: %v (-want +got)\n%s", err, diff)
	}
}

func wantNoMerge(t testing.TB, store ListsAndMerges, id account.ID, merge uuid.UUID) {
	t.Helper()
	if got, err := store.Merges.Merge(background(t), id, merge); !errors.Is(err, interests.ErrNoMerge) {
		t.Fatalf("merge: %+v, %v, want ErrNoMerge", got, err)
	}
}
