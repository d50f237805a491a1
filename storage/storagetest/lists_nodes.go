package storagetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"newsfeed/interests"
	"newsfeed/interests/account"
	"newsfeed/interests/topic"
)

func listsReadYourWrites(t *testing.T, h Harness[interests.Store]) {
	nodes := h.Nodes(t, 2)
	id := account.NewID()
	const rounds = 50
	for i := range interests.Revision(rounds) {
		writer, reader := nodes[i%2], nodes[(i+1)%2]
		mustSwap(t, writer, id, i, list(i+1, "iran"), time.Time{})
		wantList(t, reader, id, list(i+1, "iran"))
		if i%10 == 9 {
			if err := writer.Delete(background(t), id); err != nil {
				t.Fatal(err)
			}
			wantList(t, reader, id, interests.List{})
			mustSwap(t, reader, id, 0, list(i+1), time.Time{})
		}
	}
}

// Each writer adds topics of its own, one with each swap. The acknowledged swaps
// must be one chain from nothing to the last list, which has every topic, and
// from which the journal leads back over each of them.
func listsWriters(t *testing.T, h Harness[interests.Store]) {
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
				from, to, err := addTopic(background(t), nodes[w%len(nodes)], id, writerTopic(w, i))
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
	last := interests.Revision(0)
	for range writers * swaps {
		to, ok := next[last]
		if !ok {
			t.Fatalf("no acknowledged swap leads on from revision %d, %d of %d in", last, len(next), writers*swaps)
		}
		last = to
	}
	got, err := nodes[0].Load(background(t), id)
	if err != nil {
		t.Fatal(err)
	}
	if got.Revision != last || len(got.Topics) != writers*swaps {
		t.Errorf("the list has revision %d and %d topics, want %d and %d", got.Revision, len(got.Topics), last, writers*swaps)
	}
	_, undos := mustJournal(t, nodes[1], id, 0)
	if len(undos) != writers*swaps {
		t.Errorf("the journal has %d entries, want %d", len(undos), writers*swaps)
	}
	for i, u := range undos {
		then, err := interests.Rewind(got, undos, u.Previous)
		if next[u.Previous] != u.Revision || err != nil || len(then.Topics) != len(undos)-1-i {
			t.Errorf("entry from revision %d to %d, acknowledged was %d; before it %d topics, %v, want %d",
				u.Previous, u.Revision, next[u.Previous], len(then.Topics), err, len(undos)-1-i)
		}
	}
}

func writerTopic(w, i int) topic.ID { return topic.ID(fmt.Sprintf("writer-%d-%d", w, i)) }

// addTopic follows a topic as package interests edits a list: load, swap, and
// again after a conflict.
func addTopic(ctx context.Context, store interests.Store, id account.ID, added topic.ID) (from, to interests.Revision, err error) {
	for {
		before, err := store.Load(ctx, id)
		if err != nil {
			return 0, 0, err
		}
		after := interests.List{
			Revision: max(before.Revision+1, interests.Revision(time.Now().UnixMilli())),
			Topics:   map[topic.ID]interests.Register{added: register(interests.Follow, 1)},
		}
		for t, r := range before.Topics {
			after.Topics[t] = r
		}
		err = store.Swap(ctx, id, before.Revision, after, time.Now().Add(time.Hour), interests.NewUndo(before, after, time.Now()))
		if !errors.Is(err, interests.ErrConflict) {
			return before.Revision, after.Revision, err
		}
	}
}

// storeCall is one method of a store with arguments that would succeed.
type storeCall struct {
	name string
	do   func(ctx context.Context) error
}

func listCalls(store interests.Store) []storeCall {
	id := account.NewID()
	return []storeCall{
		{"Load", func(ctx context.Context) error { _, err := store.Load(ctx, id); return err }},
		{"Swap", func(ctx context.Context) error {
			return store.Swap(ctx, account.NewID(), 0, list(1), time.Now().Add(time.Hour))
		}},
		{"Journal", func(ctx context.Context) error { _, _, err := store.Journal(ctx, id, 0); return err }},
		{"Undos", func(ctx context.Context) error { _, err := store.Undos(ctx, id); return err }},
		{"Keep", func(ctx context.Context) error { return store.Keep(ctx, id, time.Now().Add(time.Hour)) }},
		{"Delete", func(ctx context.Context) error { return store.Delete(ctx, id) }},
	}
}

func listsContext(t *testing.T, h Harness[interests.Store]) {
	store, _ := h.Start(t)
	wantContext(t, listCalls(store))
}

func listsLost(t *testing.T, h Harness[interests.Store]) {
	store, _ := h.Start(t)
	wantLostAndBack(t, h.Lose, h.Heal, listCalls(store), interests.ErrUnavailable)
}

func listsFrozen(t *testing.T, h Harness[interests.Store]) {
	store, _ := h.Start(t)
	wantDeadlines(t, h.Freeze, h.Thaw, listCalls(store))
}

// What was acknowledged to four writers before the server was killed is there
// when it is back, and of the rest at most the swap whose answer was lost. The
// journal has exactly the swaps that the list has.
func listsKilled(t *testing.T, h Harness[interests.Store]) {
	const writers = 4
	store, stop := h.Start(t)
	var (
		ids   [writers]account.ID
		acked [writers]int
	)
	for w := range writers {
		ids[w] = account.NewID()
	}
	writeUntilKilled(t, h.Lose, writers, interests.ErrUnavailable, func(ctx context.Context, w, i int) error {
		_, _, err := addTopic(ctx, store, ids[w], writerTopic(w, i))
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
			if _, ok := got.Topics[writerTopic(w, i)]; !ok {
				t.Errorf("writer %d: of %d acknowledged swaps the one of %s is lost", w, acked[w], writerTopic(w, i))
			}
		}
		if _, undos := mustJournal(t, store, ids[w], 0); len(undos) != len(got.Topics) {
			t.Errorf("writer %d: the journal has %d entries after %d swaps", w, len(undos), len(got.Topics))
		}
		if extra := len(got.Topics) - acked[w]; extra > 1 {
			t.Errorf("writer %d: %d topics more than were acknowledged, want at most 1", w, extra)
		}
	}
}
