package storagetest

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"newsfeed/interests"
	"newsfeed/interests/account"
	"newsfeed/interests/topic"
)

var (
	histories     = flag.Int("lists.histories", 0, "random histories of lists to compare with the model (0: 500, of a cluster 5,000)")
	historiesSeed = flag.Uint64("lists.seed", 1, "seed of the first of them")
)

// listsHistories compares many short histories with the model, each of a person
// of their own, several at once on one store: what random operations with a fresh
// store each, see [listsRandom], are too slow for.
func listsHistories(t *testing.T, h Harness[interests.Store]) {
	store, _ := h.Start(t)
	n := *histories
	switch {
	case n > 0:
	case strings.Contains(strings.ToLower(h.Name), "cluster"):
		n = 5000
	default:
		n = 500
	}
	var (
		next, calls atomic.Int64
		workers     sync.WaitGroup
	)
	for range 8 {
		workers.Go(func() {
			for i := next.Add(1); i <= int64(n) && !t.Failed(); i = next.Add(1) {
				seed := *historiesSeed + uint64(i) - 1
				w := listHistory{Rand: rand.New(rand.NewPCG(seed, 7)), model: NewModelLists(), store: store, id: account.NewID(), clock: epoch}
				if err := w.run(); err != nil {
					t.Errorf("-lists.seed=%d -lists.histories=1: %v", seed, err)
				}
				calls.Add(int64(w.calls))
			}
		})
	}
	workers.Wait()
	t.Logf("%s: %d histories from -lists.seed=%d, %d calls compared", h.Name, n, *historiesSeed, calls.Load())
}

// listHistory is what happens to one list, in a store and in the model.
type listHistory struct {
	*rand.Rand
	model *ModelLists
	store interests.Store
	id    account.ID
	clock time.Time // of the edits
	had   []interests.Revision
	calls int
}

func (w *listHistory) run() error {
	for range 4 + w.IntN(12) {
		w.calls++
		var err error
		switch w.IntN(10) {
		case 0, 1, 2, 3, 4:
			err = w.edit()
		case 5, 6, 7:
			err = w.look()
		case 8:
			until := w.until()
			err = w.agree("Keep", w.model.Keep(context.Background(), w.id, until), w.store.Keep(context.Background(), w.id, until))
		case 9:
			if w.IntN(3) == 0 {
				err = w.agree("Delete", w.model.Delete(context.Background(), w.id), w.store.Delete(context.Background(), w.id))
			}
		}
		if err != nil {
			return fmt.Errorf("call %d: %w", w.calls, err)
		}
	}
	return w.look()
}

// edit applies ops to the list as the model has it, and swaps the result in, from
// another revision at times.
func (w *listHistory) edit() error {
	list := must(w.model.Load(context.Background(), w.id))
	w.clock = w.clock.Add(steps[w.IntN(len(steps))])
	ops := make([]interests.Op, 1+w.IntN(4))
	for i := range ops {
		ops[i] = interests.Op{
			Topic: topic.ID(fmt.Sprint("topic-", w.IntN(6))), Level: interests.Level(1 + w.IntN(4)),
			At: interests.NewStamp(w.clock.Add(-time.Duration(w.IntN(100))*24*time.Hour), uint16(i), interests.Device(w.Uint64())),
		}
	}
	next, _ := interests.Apply(list, ops, w.clock)
	if next.Revision == list.Revision {
		return nil
	}
	from, until := list.Revision, w.until()
	if w.IntN(8) == 0 {
		from += interests.Revision(w.IntN(3)) - 1
	}
	var undos []interests.Undo
	if w.IntN(12) > 0 {
		undos = append(undos, interests.NewUndo(list, next, w.clock))
	}
	w.had = append(w.had, next.Revision, list.Revision)
	return w.agree("Swap", w.model.Swap(context.Background(), w.id, from, next, until, undos...),
		w.store.Swap(context.Background(), w.id, from, next, until, undos...))
}

func (w *listHistory) until() time.Time {
	return []time.Time{{}, {}, {}, time.Now().Add(time.Hour), time.Now().Add(-time.Hour)}[w.IntN(5)]
}

// look compares the list and its journal since some revision.
func (w *listHistory) look() error {
	since := interests.Revision(w.IntN(3))
	if len(w.had) > 0 && w.IntN(4) > 0 {
		since = w.had[w.IntN(len(w.had))]
	}
	wantList, want, wantErr := w.model.Journal(context.Background(), w.id, since)
	got, undos, err := w.store.Journal(context.Background(), w.id, since)
	if diff := cmp.Diff(want, undos, cmpopts.EquateEmpty()) + diffLists(wantList, got); diff != "" {
		return fmt.Errorf("the list and its journal since %d are not the model's (-model +store):\n%s", since, diff)
	}
	if err := w.agree("Journal", wantErr, err); err != nil {
		return err
	}
	got, err = w.store.Load(context.Background(), w.id)
	if diff := diffLists(wantList, got); diff != "" || err != nil {
		return fmt.Errorf("%w: the list is not the model's (-model +store):\n%s", err, diff)
	}
	return nil
}

func (w *listHistory) agree(what string, want, got error) error {
	for _, e := range []error{interests.ErrConflict, interests.ErrForgotten} {
		if errors.Is(want, e) != errors.Is(got, e) {
			return fmt.Errorf("%s: %w, the model says %w", what, got, want)
		}
	}
	if (want == nil) != (got == nil) {
		return fmt.Errorf("%s: %w, the model says %w", what, got, want)
	}
	return nil
}
