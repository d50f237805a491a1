package embedded_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"

	"newsfeed/interests"
	"newsfeed/interests/account"
	"newsfeed/interests/topic"
	"newsfeed/storage/embedded"
	"newsfeed/storage/storagetest"
)

func TestSessions(t *testing.T) {
	storagetest.Sessions(t, placeOf(func(s *embedded.Store) account.Store { return s.Sessions() }))
}

// A sweep removes what has passed its time, however much, and nothing else;
// sweeping again removes nothing.
func TestSweep(t *testing.T) {
	store, err := embedded.Open(filepath.Join(t.TempDir(), "newsfeed.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	ctx, lists, sessions := t.Context(), store.Lists(), store.Sessions()
	now := time.Now().Truncate(time.Millisecond)
	hour, ids, hashes := now.Add(time.Hour), map[account.ID]time.Time{}, map[account.Hash]time.Time{}
	for i, until := range []time.Time{{}, hour, hour.Add(time.Millisecond), hour.Add(time.Hour)} {
		id, hash := account.NewID(), account.NewSecret().Hash()
		ids[id], hashes[hash] = until, until
		list := interests.List{Revision: interests.Revision(i + 1), Topics: map[topic.ID]interests.Register{}}
		if err := lists.Swap(ctx, id, 0, list, until); err != nil {
			t.Fatal(err)
		}
		if err := sessions.Create(ctx, hash, account.Session{ID: uuid.Must(uuid.NewV7()), Expires: now.Add(24 * time.Hour)}); err != nil {
			t.Fatal(err)
		}
	}
	for _, sweep := range []struct {
		at   time.Time
		want int
	}{{now, 0}, {hour.Add(-time.Millisecond), 0}, {hour, 1}, {hour, 0}, {hour.Add(2 * time.Hour), 2}, {now.Add(48 * time.Hour), 4}} {
		got, err := store.Sweep(ctx, sweep.at)
		if err != nil || got != sweep.want {
			t.Errorf("sweep at %v: removed %d, %v, want %d", sweep.at.Sub(now), got, err, sweep.want)
		}
	}
	for id, until := range ids {
		if list, err := lists.Load(ctx, id); err != nil || (list.Revision > 0) != until.IsZero() {
			t.Errorf("list kept until %v: %+v, %v", until, list, err)
		}
	}

	ended, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := store.Sweep(ended, hour); !errors.Is(err, context.Canceled) {
		t.Errorf("sweep with a cancelled context: %v", err)
	}
}

// A closed store is unavailable.
func TestClosed(t *testing.T) {
	store, err := embedded.Open(filepath.Join(t.TempDir(), "newsfeed.db"))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(store.Close(), store.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Lists().Load(t.Context(), account.NewID()); !errors.Is(err, interests.ErrUnavailable) {
		t.Errorf("load: %v", err)
	}
	if err := store.Sessions().End(t.Context(), account.Hash{}); !errors.Is(err, account.ErrUnavailable) {
		t.Errorf("end: %v", err)
	}
}
