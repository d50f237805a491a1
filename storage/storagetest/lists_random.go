package storagetest

import (
	"context"
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"newsfeed/interests"
	"newsfeed/interests/account"
	"newsfeed/interests/topic"
)

// listsRandom does random operations to a store and to the model and compares
// each answer. Times are an hour off, so that no clock decides.
func listsRandom(t *testing.T, fresh Fresh[interests.Store]) {
	checkRandom(t, fresh, 25, func(r *rapid.T, h Harness[interests.Store]) {
		store, stop := h.Start(t)
		defer func() { stop() }()
		w := listsWorld{
			model: NewModelLists(), store: store, ids: []account.ID{account.NewID(), account.NewID()},
			stored: map[account.ID]map[interests.Revision]interests.List{}, clock: epoch,
		}
		r.Repeat(map[string]func(*rapid.T){
			"swap":    w.swap,
			"keep":    w.keep,
			"delete":  w.remove,
			"journal": w.journal,
			"reopen": func(*rapid.T) {
				stop()
				w.store, stop = h.Start(t)
			},
			"": w.compare,
		})
	})
}

type listsWorld struct {
	model  *ModelLists
	store  interests.Store
	ids    []account.ID
	stored map[account.ID]map[interests.Revision]interests.List // since the list began
	clock  time.Time                                            // of the edits
}

func (w *listsWorld) swap(r *rapid.T) {
	id := rapid.SampledFrom(w.ids).Draw(r, "account")
	now := must(w.model.Load(context.Background(), id))
	from := now.Revision
	if rapid.IntRange(0, 3).Draw(r, "mistaken") == 0 {
		from = interests.Revision(rapid.Uint64().Draw(r, "from"))
	}
	next := drawList(r)
	next.Revision = from + 1 + interests.Revision(rapid.Uint64Range(0, 1<<40).Draw(r, "step"))
	if next.Revision < from {
		return // beyond the greatest
	}
	w.clock = w.clock.Add(rapid.SampledFrom(steps).Draw(r, "step"))
	until, undos := drawUntil(r), []interests.Undo{interests.NewUndo(now, next, w.clock)}
	if rapid.IntRange(0, 9).Draw(r, "no undo") == 0 {
		undos = nil
	}
	want := w.model.Swap(context.Background(), id, from, next, until, undos...)
	w.agree(r, "Swap", want, w.store.Swap(context.Background(), id, from, next, until, undos...))
	if want == nil {
		if from == 0 {
			w.stored[id] = map[interests.Revision]interests.List{0: {}}
		}
		w.stored[id][next.Revision] = next
	}
}

// steps of the edits' clock; the last is a clock that was set back.
var steps = []time.Duration{0, time.Millisecond, time.Minute, interests.JournalLeast, interests.JournalMost, interests.JournalMost + time.Millisecond, -time.Hour}

// journal compares what is remembered, and with it rebuilds what was stored.
func (w *listsWorld) journal(r *rapid.T) {
	id := rapid.SampledFrom(w.ids).Draw(r, "account")
	since := rapid.OneOf(
		rapid.SampledFrom(append(slices.Sorted(maps.Keys(w.stored[id])), 0)),
		rapid.Map(rapid.Uint64(), func(n uint64) interests.Revision { return interests.Revision(n) }),
	).Draw(r, "since")
	wantList, want, wantErr := w.model.Journal(context.Background(), id, since)
	got, undos, err := w.store.Journal(context.Background(), id, since)
	if errors.Is(wantErr, interests.ErrForgotten) != errors.Is(err, interests.ErrForgotten) || (wantErr == nil) != (err == nil) {
		r.Fatalf("Journal since %d: %v, the model says %v", since, err, wantErr)
	}
	if diff := cmp.Diff(want, undos, cmpopts.EquateEmpty()) + diffLists(wantList, got); diff != "" {
		r.Fatalf("the journal since %d is not the model's (-model +store):\n%s", since, diff)
	}
	if err != nil {
		return
	}
	then, err := interests.Rewind(got, undos, since)
	if diff := diffLists(w.stored[id][since], then); diff != "" || err != nil {
		r.Fatalf("rewound to %d: %v, not what was stored (-stored +rewound):\n%s", since, err, diff)
	}
}

func (w *listsWorld) keep(r *rapid.T) {
	id, until := rapid.SampledFrom(w.ids).Draw(r, "account"), drawUntil(r)
	w.agree(r, "Keep", w.model.Keep(context.Background(), id, until), w.store.Keep(context.Background(), id, until))
}

func (w *listsWorld) remove(r *rapid.T) {
	id := rapid.SampledFrom(w.ids).Draw(r, "account")
	w.agree(r, "Delete", w.model.Delete(context.Background(), id), w.store.Delete(context.Background(), id))
}

func (w *listsWorld) compare(r *rapid.T) {
	for _, id := range w.ids {
		want := must(w.model.Load(context.Background(), id))
		got, err := w.store.Load(context.Background(), id)
		if err != nil {
			r.Fatalf("load: %v", err)
		}
		if diff := diffLists(want, got); diff != "" {
			r.Fatalf("the list is not the model's (-model +store):\n%s", diff)
		}
	}
}

func (w *listsWorld) agree(r *rapid.T, what string, want, got error) {
	if errors.Is(want, interests.ErrConflict) != errors.Is(got, interests.ErrConflict) || (want == nil) != (got == nil) {
		r.Fatalf("%s: %v, the model says %v", what, got, want)
	}
}

func drawUntil(r *rapid.T) time.Time {
	switch rapid.IntRange(0, 5).Draw(r, "until") {
	case 0:
		return time.Now().Add(-time.Hour)
	case 1, 2:
		return time.Now().Add(time.Hour)
	default:
		return time.Time{}
	}
}

func drawList(r *rapid.T) interests.List {
	stamp := rapid.Custom(func(r *rapid.T) interests.Stamp {
		return interests.NewStamp(time.UnixMilli(rapid.Int64Range(0, 1<<48-1).Draw(r, "ms")),
			rapid.Uint16().Draw(r, "counter"), interests.Device(rapid.Uint64().Draw(r, "device")))
	})
	one := rapid.Custom(func(r *rapid.T) interests.Register {
		register := interests.Register{
			Level: interests.Level(rapid.IntRange(int(interests.Follow), int(interests.None)).Draw(r, "level")),
			At:    stamp.Draw(r, "at"),
		}
		if rapid.Bool().Draw(r, "was in") {
			register.Since = time.UnixMilli(rapid.Int64Range(0, 1<<42).Draw(r, "since")).UTC()
		}
		return register
	})
	id := rapid.Custom(func(r *rapid.T) topic.ID { return topic.ID(rapid.StringN(1, 20, 64).Draw(r, "id")) })
	return interests.List{
		Floor:  rapid.OneOf(rapid.Just(interests.Stamp{}), stamp).Draw(r, "floor"),
		Topics: rapid.MapOfN(id, one, 0, 12).Draw(r, "topics"),
	}
}

// must is for the model, which has no errors of its own.
func must[V any](v V, err error) V {
	if err != nil {
		panic(err)
	}
	return v
}
