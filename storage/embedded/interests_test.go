package embedded_test

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"newsfeed/feed"
	"newsfeed/interests"
	"newsfeed/interests/account"
	"newsfeed/storage/embedded"
	"newsfeed/storage/storagetest"
)

// placeOf is a new file, seen through one of its contracts.
func placeOf[T any](contract func(*embedded.Store) T) storagetest.Fresh[T] {
	return func(t testing.TB) storagetest.Harness[T] {
		path := filepath.Join(t.TempDir(), "newsfeed.db")
		return storagetest.Harness[T]{Name: "embedded", Open: func(t testing.TB) (T, func() error) {
			t.Helper()
			store, err := embedded.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			return contract(store), store.Close
		}}
	}
}

func TestLists(t *testing.T) {
	storagetest.Lists(t, placeOf(func(s *embedded.Store) interests.Store { return s.Lists() }))
}

// A sweep takes each undo off the disk a day after its edit, though its list
// stays, and of a list that was deleted nothing is left to take.
func TestSweepJournal(t *testing.T) {
	store, err := embedded.Open(filepath.Join(t.TempDir(), "newsfeed.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	ctx, lists, began := t.Context(), store.Lists(), time.Now()
	kept, deleted := account.NewID(), account.NewID()
	for _, id := range []account.ID{kept, deleted} {
		for to := range interests.Revision(3) {
			before, after := interests.List{Revision: to}, interests.List{Revision: to + 1}
			if err := lists.Swap(ctx, id, to, after, time.Time{}, interests.NewUndo(before, after, began)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := lists.Delete(ctx, deleted); err != nil {
		t.Fatal(err)
	}
	for _, sweep := range []struct {
		after time.Duration
		want  int
	}{{interests.JournalMost - time.Second, 0}, {interests.JournalMost + time.Minute, 3}, {2 * interests.JournalMost, 0}} {
		got, err := store.Sweep(ctx, began.Add(sweep.after))
		if err != nil || got != sweep.want {
			t.Errorf("sweep after %v: removed %d, %v, want %d", sweep.after, got, err, sweep.want)
		}
	}
	if list, _, err := lists.Journal(ctx, kept, 3); err != nil || list.Revision != 3 {
		t.Errorf("after that: revision %d, %v, want 3", list.Revision, err)
	}
	if _, _, err := lists.Journal(ctx, kept, 2); !errors.Is(err, interests.ErrForgotten) {
		t.Errorf("since revision 2: %v, want ErrForgotten", err)
	}
}

func TestAnnouncements(t *testing.T) {
	storagetest.Announcements(t, placeOf(func(s *embedded.Store) feed.Announcements { return s.Announcements() }))
}
