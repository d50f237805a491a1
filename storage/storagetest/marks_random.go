package storagetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"newsfeed/feed"
	"newsfeed/interests"
	"newsfeed/interests/account"
)

// marksRandom does random operations to a store and to the model and compares
// each answer. Times are an hour off, so that no clock decides.
func marksRandom(t *testing.T, fresh Fresh[feed.Marks]) {
	checkRandom(t, fresh, 25, func(r *rapid.T, h Harness[feed.Marks]) {
		store, stop := h.Start(t)
		defer func() { stop() }()
		w := marksWorld{model: NewModelMarks(), store: store, ids: []account.ID{account.NewID(), account.NewID()}}
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

type marksWorld struct {
	model *ModelMarks
	store feed.Marks
	ids   []account.ID
}

func (w *marksWorld) swap(r *rapid.T) {
	id := rapid.SampledFrom(w.ids).Draw(r, "account")
	from := must(w.model.Load(context.Background(), id)).Revision
	if rapid.IntRange(0, 3).Draw(r, "mistaken") == 0 {
		from = interests.Revision(rapid.Uint64().Draw(r, "from"))
	}
	change := drawMarkChange(r)
	change.Revision = from + 1 + interests.Revision(rapid.Uint64Range(0, 1<<40).Draw(r, "step"))
	if change.Revision < from {
		return // beyond the greatest
	}
	until := drawUntil(r)
	w.agree(r, "Swap", w.model.Swap(context.Background(), id, from, change, until),
		w.store.Swap(context.Background(), id, from, change, until))
}

func (w *marksWorld) keep(r *rapid.T) {
	id, until := rapid.SampledFrom(w.ids).Draw(r, "account"), drawUntil(r)
	w.agree(r, "Keep", w.model.Keep(context.Background(), id, until), w.store.Keep(context.Background(), id, until))
}

func (w *marksWorld) remove(r *rapid.T) {
	id := rapid.SampledFrom(w.ids).Draw(r, "account")
	w.agree(r, "Delete", w.model.Delete(context.Background(), id), w.store.Delete(context.Background(), id))
}

func (w *marksWorld) compare(r *rapid.T) {
	for _, id := range w.ids {
		want := must(w.model.Load(context.Background(), id))
		got, err := w.store.Load(context.Background(), id)
		if err != nil {
			r.Fatalf("load: %v", err)
		}
		if diff := diffMarks(want, got); diff != "" {
			r.Fatalf("the marks are not the model's (-model +store):\n%s", diff)
		}
	}
}

func (w *marksWorld) agree(r *rapid.T, what string, want, got error) {
	if errors.Is(want, feed.ErrMarksConflict) != errors.Is(got, feed.ErrMarksConflict) || (want == nil) != (got == nil) {
		r.Fatalf("%s: %v, the model says %v", what, got, want)
	}
}

// drawMarkChange draws of few stories, so that changes meet.
func drawMarkChange(r *rapid.T) feed.MarkChange {
	register := rapid.Custom(func(r *rapid.T) feed.MarkRegister {
		if rapid.Bool().Draw(r, "never edited") {
			return feed.MarkRegister{}
		}
		return feed.MarkRegister{
			Value: rapid.Bool().Draw(r, "value"),
			At: interests.NewStamp(time.UnixMilli(rapid.Int64Range(1, 1<<48-1).Draw(r, "ms")),
				rapid.Uint16().Draw(r, "counter"), interests.Device(rapid.Uint64().Draw(r, "device"))),
		}
	})
	marks := rapid.Custom(func(r *rapid.T) feed.StoryMarks {
		m := feed.StoryMarks{Read: register.Draw(r, "read"), Saved: register.Draw(r, "saved"), Hidden: register.Draw(r, "hidden")}
		if !m.IsZero() {
			m.Edited = interests.Revision(rapid.Uint64().Draw(r, "edited"))
		}
		return m
	})
	story := rapid.Custom(func(r *rapid.T) feed.StoryID { return storyID(rapid.IntRange(0, 15).Draw(r, "story")) })
	past := rapid.Custom(func(r *rapid.T) feed.PastMarks {
		return feed.PastMarks{
			Revision: interests.Revision(rapid.Uint64().Draw(r, "revision")), Digest: rapid.Uint64().Draw(r, "digest"),
			Forgot: rapid.SliceOfN(story, 0, 3).Draw(r, "forgot"),
		}
	})
	return feed.MarkChange{
		Floor:   register.Draw(r, "floor").At,
		Stories: rapid.MapOfN(story, marks, 0, 12).Draw(r, "stories"),
		Past:    rapid.SliceOfN(past, 0, 4).Draw(r, "past"),
	}
}
