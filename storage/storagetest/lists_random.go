package storagetest

import (
	"context"
	"errors"
	"testing"
	"time"

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
		w := listsWorld{model: NewModelLists(), store: store, ids: []account.ID{account.NewID(), account.NewID()}}
		r.Repeat(map[string]func(*rapid.T){
			"swap":   w.swap,
			"keep":   w.keep,
			"delete": w.remove,
			"reopen": func(*rapid.T) {
				stop()
				w.store, stop = h.Start(t)
			},
			"": w.compare,
		})
	})
}

type listsWorld struct {
	model *ModelLists
	store interests.Store
	ids   []account.ID
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
	until := drawUntil(r)
	w.agree(r, "Swap", w.model.Swap(context.Background(), id, from, next, until),
		w.store.Swap(context.Background(), id, from, next, until))
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
