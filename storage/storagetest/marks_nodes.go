package storagetest

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"newsfeed/feed"
	"newsfeed/interests"
	"newsfeed/interests/account"
)

func marksReadYourWrites(t *testing.T, h Harness[feed.Marks]) {
	nodes := h.Nodes(t, 2)
	id, set := account.NewID(), feed.MarkSet{}
	for i := range 50 {
		writer, reader := nodes[i%2], nodes[(i+1)%2]
		change := changeTo(marksOf(set.Revision+1, i))
		mustSwapMarks(t, writer, id, set.Revision, change, time.Time{})
		set = set.With(change)
		wantMarks(t, reader, id, set)
		if i%10 == 9 {
			if err := writer.Delete(background(t), id); err != nil {
				t.Fatal(err)
			}
			set = feed.MarkSet{}
			wantMarks(t, reader, id, set)
		}
	}
}

// Each writer marks stories of its own, one with each swap. The acknowledged
// swaps must be one chain from nothing to the last set, which has every story.
func marksWriters(t *testing.T, h Harness[feed.Marks]) {
	const writers, swaps = 16, 10
	nodes := h.Nodes(t, 4)
	id := account.NewID()
	var (
		mu    sync.Mutex // guards next
		next  = map[interests.Revision]interests.Revision{}
		group sync.WaitGroup
	)
	for w := range writers {
		group.Go(func() {
			for i := range swaps {
				from, to, err := markStory(background(t), nodes[w%len(nodes)], id, w*swaps+i)
				if err != nil {
					t.Errorf("writer %d, swap %d: %v", w, i, err)
					return
				}
				mu.Lock()
				if other, taken := next[from]; taken {
					t.Errorf("from revision %d two swaps were acknowledged: to %d and to %d", from, other, to)
				}
				next[from] = to
				mu.Unlock()
			}
		})
	}
	group.Wait()
	if t.Failed() {
		return
	}
	want := feed.MarkSet{}
	for i := range writers * swaps {
		to, ok := next[want.Revision]
		if !ok {
			t.Fatalf("no acknowledged swap leads on from revision %d, %d of %d in", want.Revision, i, writers*swaps)
		}
		want = want.With(changeTo(marksOf(to, i)))
	}
	wantMarks(t, nodes[0], id, want)
}

// markStory marks a story as package feed edits a set: load, swap, and again
// after a conflict.
func markStory(ctx context.Context, store feed.Marks, id account.ID, story int) (from, to interests.Revision, err error) {
	for {
		before, err := store.Load(ctx, id)
		if err != nil {
			return 0, 0, err
		}
		to = max(before.Revision+1, interests.Revision(time.Now().UnixMilli()))
		err = store.Swap(ctx, id, before.Revision, changeTo(marksOf(to, story)), time.Now().Add(time.Hour))
		if !errors.Is(err, feed.ErrMarksConflict) {
			return before.Revision, to, err
		}
	}
}

func markCalls(store feed.Marks) []storeCall {
	id := account.NewID()
	return []storeCall{
		{"Load", func(ctx context.Context) error { _, err := store.Load(ctx, id); return err }},
		{"Swap", func(ctx context.Context) error {
			return store.Swap(ctx, account.NewID(), 0, changeTo(marksOf(1, 1)), time.Now().Add(time.Hour))
		}},
		{"Keep", func(ctx context.Context) error { return store.Keep(ctx, id, time.Now().Add(time.Hour)) }},
		{"Delete", func(ctx context.Context) error { return store.Delete(ctx, id) }},
	}
}

func marksContext(t *testing.T, h Harness[feed.Marks]) {
	store, _ := h.Start(t)
	wantContext(t, markCalls(store))
	id := account.NewID()
	mustSwapMarks(t, store, id, 0, changeTo(marksOf(1, 1)), time.Time{})
	for name, err := range map[string]error{
		"swap":   store.Swap(cancelled(), id, 1, changeTo(marksOf(2, 2)), time.Time{}),
		"keep":   store.Keep(cancelled(), id, time.Now().Add(-time.Hour)),
		"delete": store.Delete(cancelled(), id),
	} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v, want context.Canceled", name, err)
		}
	}
	wantMarks(t, store, id, marksOf(1, 1))
}

func marksLost(t *testing.T, h Harness[feed.Marks]) {
	store, _ := h.Start(t)
	wantLostAndBack(t, h.Lose, h.Heal, markCalls(store), feed.ErrMarksUnavailable)
}

func marksFrozen(t *testing.T, h Harness[feed.Marks]) {
	store, _ := h.Start(t)
	wantDeadlines(t, h.Freeze, h.Thaw, markCalls(store))
}

// What was acknowledged to four writers before the server was killed is there
// when it is back, and of the rest at most the swap whose answer was lost.
func marksKilled(t *testing.T, h Harness[feed.Marks]) {
	const writers = 4
	store, stop := h.Start(t)
	var (
		ids   [writers]account.ID
		acked [writers]int
	)
	for w := range writers {
		ids[w] = account.NewID()
	}
	writeUntilKilled(t, h.Lose, writers, feed.ErrMarksUnavailable, func(ctx context.Context, w, i int) error {
		_, _, err := markStory(ctx, store, ids[w], i)
		if err == nil {
			acked[w]++
		}
		return err
	})
	h.Heal(t)
	stop()
	store, _ = h.Start(t)
	for w := range writers {
		got, err := store.Load(background(t), ids[w])
		if err != nil {
			t.Fatal(err)
		}
		for i := range acked[w] {
			if !got.Has(storyID(i), feed.Read) {
				t.Errorf("writer %d: of %d acknowledged swaps the one of story %d is lost", w, acked[w], i)
			}
		}
		if extra := len(got.Stories) - acked[w]; extra > 1 {
			t.Errorf("writer %d: %d stories more than were acknowledged, want at most 1", w, extra)
		}
	}
}
