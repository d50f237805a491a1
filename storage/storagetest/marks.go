package storagetest

import (
	"errors"
	"maps"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"

	"newsfeed/feed"
	"newsfeed/interests"
	"newsfeed/interests/account"
)

// Marks proves that an implementation keeps the contract of [feed.Marks].
func Marks(t *testing.T, fresh Fresh[feed.Marks]) {
	run(t, "feed.Marks", fresh, []testCase[feed.Marks]{
		{name: "marks that were never stored are the zero set", run: marksZero},
		{name: "every register comes back as it was swapped in", run: marksRoundTrip},
		{name: "a swap changes the stories it names and no others", run: marksChange},
		{name: "30,000 stories come back whole, and are edited and forgotten in any number", run: marksFull},
		{name: "a swap from another revision is a conflict and changes nothing", run: marksConflict},
		{name: "revisions are compared exactly, up to the greatest", run: marksExact},
		{name: "marks of two accounts do not meet", run: marksApart},
		{name: "a set that was loaded stays as it was", run: marksValue},
		{name: "a set is gone when its time has come, not before, and none of it comes back", run: marksExpire},
		{name: "a set with a time in the past is gone at once", run: marksPast},
		{name: "Keep prolongs, shortens, and keeps for good", run: marksKeep},
		{name: "a swap sets anew how long a set is kept", run: marksSwapKeeps},
		{name: "keeping what is not there makes nothing", run: marksKeepNothing},
		{name: "Delete removes everything, and may be repeated", run: marksDelete},
		{name: "a store that is opened again has what it had", run: marksReopen},
		{name: "what one node acknowledged every node reads at once", run: marksReadYourWrites},
		{name: "16 writers on several nodes lose no acknowledged swap and repeat no revision", run: marksWriters},
		{name: "a context that has ended ends every call and writes nothing", run: marksContext},
		{name: "a lost server is unavailable, and back when it is back", server: true, run: marksLost},
		{name: "a killed server has every acknowledged swap", server: true, run: marksKilled},
		{name: "a frozen server keeps no call beyond its deadline", server: true, run: marksFrozen},
	})
	t.Run("random operations agree with the model", func(t *testing.T) { marksRandom(t, fresh) })
}

func marksZero(t *testing.T, h Harness[feed.Marks]) {
	store, _ := h.Start(t)
	wantMarks(t, store, account.NewID(), feed.MarkSet{})
}

func marksRoundTrip(t *testing.T, h Harness[feed.Marks]) {
	store, _ := h.Start(t)
	last := interests.Stamp{}
	for i := range last {
		last[i] = 0xff
	}
	first := interests.Stamp{15: 1}
	for name, set := range map[string]feed.MarkSet{
		"no stories": {Revision: 1},
		"floor":      {Revision: 2, Floor: last},
		"every mark": {Revision: 3, Floor: first, Stories: map[feed.StoryID]feed.StoryMarks{
			storyID(1): {Read: feed.MarkRegister{Value: true, At: first}},
			storyID(2): {Read: feed.MarkRegister{At: last}},
			storyID(3): {Saved: feed.MarkRegister{Value: true, At: last}},
			storyID(4): {Saved: feed.MarkRegister{At: first}},
			storyID(5): {Hidden: feed.MarkRegister{Value: true, At: markStamp(5)}},
			storyID(6): {Hidden: feed.MarkRegister{At: markStamp(6)}},
			storyID(7): {
				Read:   feed.MarkRegister{Value: true, At: markStamp(1)},
				Saved:  feed.MarkRegister{At: markStamp(2)},
				Hidden: feed.MarkRegister{Value: true, At: markStamp(3)},
			},
			storyID(8): {Read: feed.MarkRegister{Value: true, At: first}, Hidden: feed.MarkRegister{At: last}, Edited: 1},
			storyID(9): {Saved: feed.MarkRegister{Value: true, At: last}, Edited: math.MaxUint64},
			{}:         readAt(8),
			{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}: readAt(9),
			feed.StoryID([]byte("revision\x00\r\n$-1\r\n")):                                                  readAt(10),
		}},
		"past": {Revision: 4, Stories: map[feed.StoryID]feed.StoryMarks{storyID(1): readAt(1)}, Past: []feed.PastMarks{
			{}, {Revision: math.MaxUint64, Digest: math.MaxUint64, Forgot: []feed.StoryID{storyID(1), {}}}, {Revision: 4},
		}},
	} {
		id := account.NewID()
		mustSwapMarks(t, store, id, 0, changeTo(set), time.Time{})
		t.Log(name)
		wantMarks(t, store, id, set)
	}
}

func marksChange(t *testing.T, h Harness[feed.Marks]) {
	store, stop := h.Start(t)
	id, set := account.NewID(), marksOf(1, 1, 2, 3, 4)
	mustSwapMarks(t, store, id, 0, changeTo(set), time.Time{})
	for i, stories := range []map[feed.StoryID]feed.StoryMarks{
		{storyID(2): savedAt(2)},
		{storyID(5): readAt(5)},
		{storyID(1): {}},
		{storyID(1): {}, storyID(99): {}}, // not there: nothing to forget
		{storyID(1): readAt(7), storyID(3): {}, storyID(4): savedAt(8), storyID(6): {}},
		nil,
		{storyID(1): {}, storyID(2): {}, storyID(4): {}, storyID(5): {}},
		{storyID(2): readAt(9)},
	} {
		change := feed.MarkChange{Revision: set.Revision + 1, Floor: markStamp(i), Stories: stories}
		mustSwapMarks(t, store, id, set.Revision, change, time.Time{})
		set = set.With(change)
		wantMarks(t, store, id, set)
	}
	stop()
	store, _ = h.Start(t)
	wantMarks(t, store, id, set)
}

// The limits of a set, each story with every mark, in one swap and in parts.
func marksFull(t *testing.T, h Harness[feed.Marks]) {
	store, stop := h.Start(t)
	const all = feed.MaxSaved + feed.MaxMarked
	id, set := account.NewID(), feed.MarkSet{Revision: 1, Stories: map[feed.StoryID]feed.StoryMarks{}}
	for i := range all {
		r := feed.MarkRegister{Value: true, At: markStamp(i)}
		set.Stories[storyID(i)] = feed.StoryMarks{Read: r, Saved: r, Hidden: r}
	}
	mustSwapMarks(t, store, id, 0, changeTo(set), time.Time{})
	wantMarks(t, store, id, set)
	for _, n := range []int{1, 499, 500, 501, 1000, 7000} { // around the pieces that a script is sent in
		change := feed.MarkChange{Revision: set.Revision + 1, Stories: map[feed.StoryID]feed.StoryMarks{}}
		for i := range n {
			change.Stories[storyID(i*4)] = feed.StoryMarks{}
			change.Stories[storyID(i*4+1)] = savedAt(i)
			change.Stories[storyID(all+i)] = readAt(i)
		}
		mustSwapMarks(t, store, id, set.Revision, change, time.Time{})
		set = set.With(change)
		wantMarks(t, store, id, set)
	}
	stop()
	store, _ = h.Start(t)
	wantMarks(t, store, id, set)
	if err := store.Delete(background(t), id); err != nil {
		t.Fatal(err)
	}
	wantMarks(t, store, id, feed.MarkSet{})
}

func marksConflict(t *testing.T, h Harness[feed.Marks]) {
	store, _ := h.Start(t)
	id := account.NewID()
	if err := store.Swap(background(t), id, 5, changeTo(marksOf(6, 1)), time.Time{}); !errors.Is(err, feed.ErrMarksConflict) {
		t.Errorf("swap of nothing from revision 5: %v, want ErrMarksConflict", err)
	}
	wantMarks(t, store, id, feed.MarkSet{})

	before := marksOf(10, 1, 2)
	mustSwapMarks(t, store, id, 0, changeTo(before), time.Time{})
	change := changeTo(marksOf(200, 2, 3))
	change.Stories[storyID(1)] = feed.StoryMarks{}
	for _, from := range []interests.Revision{0, 1, 9, 11, 100, math.MaxUint64} {
		if err := store.Swap(background(t), id, from, change, time.Now().Add(-time.Hour)); !errors.Is(err, feed.ErrMarksConflict) {
			t.Errorf("swap of revision 10 from %d: %v, want ErrMarksConflict", from, err)
		}
		wantMarks(t, store, id, before)
	}
	mustSwapMarks(t, store, id, 10, change, time.Time{})
	wantMarks(t, store, id, before.With(change))
}

// 2^53 + 1 is the first whole number that a float64 does not have.
func marksExact(t *testing.T, h Harness[feed.Marks]) {
	store, _ := h.Start(t)
	const odd = 1<<53 + 1
	for _, revision := range []interests.Revision{1, odd, math.MaxInt64, math.MaxInt64 + 1, math.MaxUint64 - 1} {
		id := account.NewID()
		mustSwapMarks(t, store, id, 0, changeTo(marksOf(revision)), time.Time{})
		for _, from := range []interests.Revision{revision - 1, revision + 1} {
			err := store.Swap(background(t), id, from, changeTo(marksOf(math.MaxUint64)), time.Time{})
			if !errors.Is(err, feed.ErrMarksConflict) {
				t.Errorf("swap of revision %d from %d: %v, want ErrMarksConflict", revision, from, err)
			}
		}
		mustSwapMarks(t, store, id, revision, changeTo(marksOf(revision+1)), time.Time{})
		wantMarks(t, store, id, marksOf(revision+1))
	}
}

func marksApart(t *testing.T, h Harness[feed.Marks]) {
	store, _ := h.Start(t)
	a, b := account.NewID(), account.NewID()
	mustSwapMarks(t, store, a, 0, changeTo(marksOf(1, 1, 2)), time.Time{})
	mustSwapMarks(t, store, b, 0, changeTo(marksOf(2, 2, 3)), time.Time{})
	if err := store.Delete(background(t), a); err != nil {
		t.Fatal(err)
	}
	wantMarks(t, store, a, feed.MarkSet{})
	wantMarks(t, store, b, marksOf(2, 2, 3))
}

// Neither a later swap nor a change of what a swap was given reaches a set that
// was handed out or stored.
func marksValue(t *testing.T, h Harness[feed.Marks]) {
	store, _ := h.Start(t)
	id, change := account.NewID(), changeTo(marksOf(1, 1, 2))
	mustSwapMarks(t, store, id, 0, change, time.Time{})
	clear(change.Stories)
	loaded, err := store.Load(background(t), id)
	if err != nil {
		t.Fatal(err)
	}
	mustSwapMarks(t, store, id, 1, feed.MarkChange{Revision: 2, Stories: map[feed.StoryID]feed.StoryMarks{
		storyID(1): {}, storyID(2): savedAt(5), storyID(3): readAt(6)}}, time.Time{})
	if diff := diffMarks(marksOf(1, 1, 2), loaded); diff != "" {
		t.Errorf("the loaded set has changed (-before +now):\n%s", diff)
	}
}

func marksReopen(t *testing.T, h Harness[feed.Marks]) {
	store, stop := h.Start(t)
	kept, removed, past := account.NewID(), account.NewID(), account.NewID()
	hour := time.Now().Add(time.Hour)
	mustSwapMarks(t, store, kept, 0, changeTo(marksOf(1, 1)), time.Time{})
	mustSwapMarks(t, store, kept, 1, changeTo(marksOf(2, 2)), hour)
	mustSwapMarks(t, store, removed, 0, changeTo(marksOf(3, 3)), hour)
	mustSwapMarks(t, store, past, 0, changeTo(marksOf(3, 3)), time.Time{})
	if err := errors.Join(
		store.Delete(background(t), removed),
		store.Keep(background(t), past, time.Now().Add(-time.Second)),
	); err != nil {
		t.Fatal(err)
	}
	want := marksOf(1, 1).With(changeTo(marksOf(2, 2)))
	for range 2 {
		stop()
		store, stop = h.Start(t)
		wantMarks(t, store, kept, want)
		wantMarks(t, store, removed, feed.MarkSet{})
		wantMarks(t, store, past, feed.MarkSet{})
	}
}

// marksOf is a set of a revision in which the stories are read.
func marksOf(revision interests.Revision, stories ...int) feed.MarkSet {
	set := feed.MarkSet{Revision: revision, Stories: map[feed.StoryID]feed.StoryMarks{}}
	for _, i := range stories {
		set.Stories[storyID(i)] = readAt(i)
	}
	return set
}

// changeTo is the change that makes the set of nothing.
func changeTo(s feed.MarkSet) feed.MarkChange {
	return feed.MarkChange(s)
}

// storyID is one of many ids, as mixed as they are.
func storyID(i int) feed.StoryID {
	return feed.StoryID(uuid.NewSHA1(uuid.NameSpaceURL, []byte{byte(i >> 24), byte(i >> 16), byte(i >> 8), byte(i)}))
}

func markStamp(i int) interests.Stamp { return register(interests.Follow, i).At }

func readAt(i int) feed.StoryMarks {
	return feed.StoryMarks{Read: feed.MarkRegister{Value: true, At: markStamp(i)}}
}

func savedAt(i int) feed.StoryMarks {
	return feed.StoryMarks{Saved: feed.MarkRegister{Value: true, At: markStamp(i)}}
}

func mustSwapMarks(t testing.TB, store feed.Marks, id account.ID, from interests.Revision, change feed.MarkChange, until time.Time) {
	t.Helper()
	if err := store.Swap(background(t), id, from, change, until); err != nil {
		t.Fatalf("swap of revision %d for %d: %v", from, change.Revision, err)
	}
}

func wantMarks(t testing.TB, store feed.Marks, id account.ID, want feed.MarkSet) {
	t.Helper()
	got, err := store.Load(background(t), id)
	if err != nil {
		t.Fatalf("load: %v", err)
	}
	if diff := diffMarks(want, got); diff != "" {
		t.Fatalf("the marks are others (-want +got):\n%s", diff)
	}
}

// diffMarks says what differs, no stories by their absence. It compares the
// stories that differ only: cmp takes seconds for 30,000.
func diffMarks(want, got feed.MarkSet) string {
	want.Stories, got.Stories = maps.Clone(want.Stories), maps.Clone(got.Stories)
	for id, marks := range want.Stories {
		if other, ok := got.Stories[id]; ok && other == marks {
			delete(want.Stories, id)
			delete(got.Stories, id)
		}
	}
	return cmp.Diff(want, got, cmpopts.EquateEmpty())
}
