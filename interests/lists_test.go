package interests_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"newsfeed/interests"
	"newsfeed/interests/account"
	"newsfeed/interests/topic"
	"newsfeed/storage/storagetest"
)

// Edits of one list by many at once: all are in the list, each with a revision of
// its own, at which the list can still be had.
func TestConcurrentEdits(t *testing.T) {
	lists := interests.NewLists(storagetest.NewModelLists(), time.Now)
	id := account.NewID()
	var mu sync.Mutex
	revisions := map[interests.Revision]interests.List{}
	var writers sync.WaitGroup
	for w := range 8 {
		writers.Go(func() {
			for i := range 20 {
				l, err := lists.Set(context.Background(), id, topic.ID(fmt.Sprintf("t%d-%d", w, i)), interests.Follow, time.Time{})
				if err != nil {
					t.Errorf("writer %d, edit %d: %v", w, i, err)
					return
				}
				mu.Lock()
				if _, twice := revisions[l.Revision]; twice {
					t.Errorf("revision %d was given twice", l.Revision)
				}
				revisions[l.Revision] = l
				mu.Unlock()
			}
		})
	}
	writers.Wait()
	l, err := lists.Get(context.Background(), id)
	if err != nil || len(l.Topics) != 160 {
		t.Fatalf("%d topics, want 160; %v", len(l.Topics), err)
	}
	for revision, want := range revisions {
		got, err := lists.At(context.Background(), id, revision)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("at revision %d: %v (-want +got):\n%s", revision, err, diff)
		}
	}
}

// The list at a revision is remembered for an hour after the edit that replaced
// it, and forgotten a day after.
func TestAt(t *testing.T) {
	clock := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	ctx, id := t.Context(), account.NewID()
	lists := interests.NewLists(storagetest.NewModelLists(), func() time.Time { return clock })
	set := func(level interests.Level) interests.List {
		t.Helper()
		l, err := lists.Set(ctx, id, "iran", level, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	want := func(l interests.List) {
		t.Helper()
		got, err := lists.At(ctx, id, l.Revision)
		if diff := cmp.Diff(l, got, cmpopts.EquateEmpty()); err != nil || diff != "" {
			t.Errorf("at revision %d: %v (-want +got):\n%s", l.Revision, err, diff)
		}
	}
	forgotten := func(revision interests.Revision) {
		t.Helper()
		if got, err := lists.At(ctx, id, revision); !errors.Is(err, interests.ErrForgotten) || got.Revision > 0 {
			t.Errorf("at revision %d: %+v, %v, want ErrForgotten", revision, got, err)
		}
	}
	want(interests.List{})
	forgotten(1)
	first := set(interests.Follow)
	clock = clock.Add(12 * time.Hour)
	second := set(interests.Mute)
	clock = clock.Add(time.Hour)
	third := set(interests.None)
	for _, l := range []interests.List{{}, first, second, third} {
		want(l)
	}
	forgotten(second.Revision + 1)
	forgotten(third.Revision + 1)
	clock = clock.Add(12 * time.Hour)
	fourth := set(interests.Follow)
	for _, l := range []interests.List{first, second, third, fourth} {
		want(l)
	}
	forgotten(0)
	clock = clock.Add(25 * time.Hour)
	want(fourth)
	set(interests.Favourite)
	want(fourth)
	forgotten(third.Revision)
}
