package feed_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"testing"
	"time"

	"newsfeed/feed"
	"newsfeed/interests"
	"newsfeed/interests/account"
	"newsfeed/interests/topic"
	"newsfeed/storage/storagetest"
)

// Set sets the named marks with one stamp after all others, and is kept as told.
func TestMarkSetsSet(t *testing.T) {
	store := storagetest.NewModelMarks()
	sets := feed.NewMarkSets(store, func() time.Time { return marksNoon })
	ctx, id := t.Context(), account.NewID()
	set, err := sets.Set(ctx, id, markStory(1), map[feed.Mark]bool{feed.Read: true, feed.Saved: true}, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	first := set.Stories[markStory(1)]
	if !first.Read.Value || !first.Saved.Value || first.Hidden != (feed.MarkRegister{}) || first.Read.At != first.Saved.At ||
		first.Read.At != interests.NewStamp(marksNoon, 0, 0) {
		t.Errorf("after two marks: %+v", first)
	}
	set, err = sets.Set(ctx, id, markStory(1), map[feed.Mark]bool{feed.Saved: false, feed.Read: true}, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	if second := set.Stories[markStory(1)]; second.Saved.Value || !second.Read.Value || second.Read.At.Compare(first.Read.At) <= 0 {
		t.Errorf("after taking one back: %+v", second)
	}
	if same, err := sets.Set(ctx, id, markStory(1), nil, time.Time{}); err != nil || same.Revision != set.Revision {
		t.Errorf("setting no marks: revision %d, %v, want %d", same.Revision, err, set.Revision)
	}
	got, err := sets.Get(ctx, id)
	if err != nil || got.Revision != set.Revision || !maps.Equal(got.Stories, set.Stories) {
		t.Errorf("got %+v, %v, want %+v", got, err, set)
	}
	if err := sets.Keep(ctx, id, time.Now().Add(-time.Second)); err != nil {
		t.Fatal(err)
	}
	if got, err := sets.Get(ctx, id); err != nil || got.Revision != 0 {
		t.Errorf("after its time: %+v, %v", got, err)
	}
}

// A save too many is ErrMarksFull, and no other mark of the call is set.
func TestMarkSetsFull(t *testing.T) {
	store, id := storagetest.NewModelMarks(), account.NewID()
	full := fullMarks(feed.MaxSaved, 0, 0)
	if err := store.Swap(t.Context(), id, 0, feed.MarkChange{Revision: 1, Stories: full.Stories}, time.Time{}); err != nil {
		t.Fatal(err)
	}
	sets := feed.NewMarkSets(store, func() time.Time { return marksNoon })
	_, err := sets.Set(t.Context(), id, markStory(feed.MaxSaved), map[feed.Mark]bool{feed.Read: true, feed.Saved: true}, time.Time{})
	if !errors.Is(err, feed.ErrMarksFull) {
		t.Errorf("got %v, want ErrMarksFull", err)
	}
	if got, err := sets.Get(t.Context(), id); err != nil || got.Revision != 1 || len(got.Stories) != feed.MaxSaved {
		t.Errorf("the set has changed: revision %d, %d stories, %v", got.Revision, len(got.Stories), err)
	}
}

// A device that is as far ahead as is admitted, with the greatest counters, does
// not close marks or list to the server's own edits.
func TestServerEditsAfterOneAhead(t *testing.T) {
	sets := feed.NewMarkSets(storagetest.NewModelMarks(), func() time.Time { return marksNoon })
	lists := interests.NewLists(storagetest.NewModelLists(), func() time.Time { return marksNoon })
	id, ahead := account.NewID(), markAt(interests.MaxAhead, interests.MaxAheadCounter)
	if _, results, err := sets.Apply(t.Context(), id, []feed.MarkOp{{Mark: feed.Read, Value: true, At: ahead}}, time.Time{}); err != nil || results[0].Status != interests.Applied {
		t.Fatal(results, err)
	}
	for i := range 3 {
		if _, err := sets.Set(t.Context(), id, markStory(i), map[feed.Mark]bool{feed.Saved: true}, time.Time{}); err != nil {
			t.Errorf("set: %v", err)
		}
	}
	list, _ := interests.Apply(interests.List{}, []interests.Op{{Topic: "iran", Level: interests.Follow, At: ahead}}, marksNoon)
	_, results := interests.Apply(list, []interests.Op{{Topic: "iran", Level: interests.Mute, At: list.NextStamp(marksNoon)}}, marksNoon)
	if results[0].Status != interests.Applied {
		t.Errorf("an edit of the list: %+v", results[0])
	}
	if _, err := lists.Set(t.Context(), id, topic.ID("iran"), interests.Mute, time.Time{}); err != nil {
		t.Errorf("set a topic: %v", err)
	}
	// Beyond it, the way stays closed to devices.
	_, results, err := sets.Apply(t.Context(), id, []feed.MarkOp{{Mark: feed.Read, At: markAt(interests.MaxAhead, 0x9000)}}, time.Time{})
	if err != nil || results[0].Reason != interests.ClockAhead {
		t.Errorf("a device's edit: %+v, %v, want clock-ahead", results, err)
	}
}

// Edits by many at once are all in the set, each with a revision of its own.
func TestMarkSetsConcurrent(t *testing.T) {
	sets := feed.NewMarkSets(storagetest.NewModelMarks(), time.Now)
	id := account.NewID()
	var mu sync.Mutex // guards revisions
	revisions := map[interests.Revision]bool{}
	var writers sync.WaitGroup
	for w := range 8 {
		writers.Go(func() {
			for i := range 20 {
				set, err := sets.Set(context.Background(), id, markStory(w*20+i), map[feed.Mark]bool{feed.Read: true}, time.Time{})
				if err != nil {
					t.Errorf("writer %d, edit %d: %v", w, i, err)
					return
				}
				mu.Lock()
				if revisions[set.Revision] {
					t.Errorf("revision %d was given twice", set.Revision)
				}
				revisions[set.Revision] = true
				mu.Unlock()
			}
		})
	}
	writers.Wait()
	if set, err := sets.Get(t.Context(), id); err != nil || len(set.Stories) != 160 {
		t.Fatalf("%d stories, want 160; %v", len(set.Stories), err)
	}
}

// Who loses every race is told so after a bounded number of tries; other errors
// of the store, and the end of the context, come through at once.
func TestMarkSetsErrors(t *testing.T) {
	id := account.NewID()
	store := &losingMarks{Marks: storagetest.NewModelMarks(), err: feed.ErrMarksConflict}
	sets := feed.NewMarkSets(store, time.Now)
	set := func(ctx context.Context) error {
		_, err := sets.Set(ctx, id, markStory(1), map[feed.Mark]bool{feed.Read: true}, time.Time{})
		return err
	}
	if err := set(t.Context()); !errors.Is(err, feed.ErrMarksBusy) || store.swaps != 12 {
		t.Errorf("after %d swaps: %v, want ErrMarksBusy after 12", store.swaps, err)
	}
	store.err, store.swaps = feed.ErrMarksUnavailable, 0
	if err := set(t.Context()); !errors.Is(err, feed.ErrMarksUnavailable) || store.swaps != 1 {
		t.Errorf("after %d swaps: %v, want ErrMarksUnavailable after 1", store.swaps, err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := set(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("with a cancelled context: %v", err)
	}
}

// losingMarks refuses every swap.
type losingMarks struct {
	feed.Marks
	err   error
	swaps int
}

func (l *losingMarks) Swap(context.Context, account.ID, interests.Revision, feed.MarkChange, time.Time) error {
	l.swaps++
	return l.err
}

// At the limits: one look, and the edit of one story.
func BenchmarkMarkSet(b *testing.B) {
	for _, stories := range []int{100, feed.MaxMarked} {
		set := fullMarks(feed.MaxSaved*stories/feed.MaxMarked, stories/2, stories/2)
		b.Run(fmt.Sprintf("has/stories=%d", len(set.Stories)), func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				set.Has(markStory(i%(2*stories)), feed.Hidden)
			}
		})
		b.Run(fmt.Sprintf("edit/stories=%d", len(set.Stories)), func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				change, _ := feed.ApplyMarks(set, []feed.MarkOp{{Story: markStory(1 << 20), Mark: feed.Read, Value: true, At: set.NextStamp(marksNoon)}}, marksNoon)
				set.With(change)
			}
		})
	}
}
