package feed_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"newsfeed/feed"
	"newsfeed/interests"
	"newsfeed/interests/account"
	"newsfeed/storage/storagetest"
)

// mirror is what a device has of a set: what it was told, and nothing else.
type mirror struct {
	has   interests.Known
	marks map[feed.StoryID]map[feed.Mark]feed.MarkRegister
}

func (m *mirror) hear(s feed.MarksSynced) {
	if s.Full || m.marks == nil {
		m.marks = map[feed.StoryID]map[feed.Mark]feed.MarkRegister{}
	}
	for _, c := range s.Changes {
		if m.marks[c.Story] == nil {
			m.marks[c.Story] = map[feed.Mark]feed.MarkRegister{}
		}
		if m.marks[c.Story][c.Mark] = c.MarkRegister; c.At.IsZero() {
			delete(m.marks[c.Story], c.Mark)
		}
	}
	m.has = interests.Known{Revision: s.Set.Revision, Digest: s.Set.Digest()}
}

// set is what the device has, in the form of the server's.
func (m *mirror) set() feed.MarkSet {
	set := feed.MarkSet{Stories: map[feed.StoryID]feed.StoryMarks{}}
	for id, marks := range m.marks {
		of := feed.StoryMarks{Read: marks[feed.Read], Saved: marks[feed.Saved], Hidden: marks[feed.Hidden]}
		if !of.IsZero() {
			set.Stories[id] = of
		}
	}
	return set
}

// A device that hears of what changed has what the server has, digest included,
// whatever was edited and forgotten between, and is told everything only when it
// was away for too long.
func TestMarksSync(t *testing.T) {
	ctx := t.Context()
	rapid.Check(t, func(r *rapid.T) {
		now, id := marksNoon, account.NewID()
		store := storagetest.NewModelMarks()
		sets := feed.NewMarkSets(store, func() time.Time { return now })
		full := feed.MarkSet{Revision: 1, Stories: map[feed.StoryID]feed.StoryMarks{}}
		near := rapid.IntRange(0, 24).Draw(r, "near the limit") == 24
		for i := range feed.MaxMarked - 3 {
			if near {
				full.Stories[markStory(i)] = feed.StoryMarks{Read: feed.MarkRegister{Value: i%2 == 0, At: markAt(time.Duration(i-99_999)*time.Second, 0)}}
			}
		}
		if err := store.Swap(ctx, id, 0, feed.MarkChange(full), time.Time{}); err != nil {
			r.Fatal(err)
		}
		device, edits := mirror{}, 0
		r.Repeat(map[string]func(*rapid.T){
			"edit": func(r *rapid.T) {
				now = now.Add(time.Millisecond)
				op := feed.MarkOp{Story: markStory(rapid.IntRange(feed.MaxMarked-6, feed.MaxMarked+3).Draw(r, "story")),
					Mark: rapid.SampledFrom([]feed.Mark{feed.Read, feed.Saved, feed.Hidden}).Draw(r, "mark"), Value: rapid.Bool().Draw(r, "value"),
					At: markAt(time.Duration(rapid.IntRange(-2, 2).Draw(r, "s"))*time.Second, 0)}
				_, results, err := sets.Apply(ctx, id, []feed.MarkOp{op}, time.Time{})
				if err != nil {
					r.Fatal(err)
				}
				if results[0].Status == interests.Applied {
					edits++
				}
			},
			"sync": func(r *rapid.T) {
				s, err := sets.Sync(ctx, id, &device.has, nil, time.Time{})
				if err != nil {
					r.Fatal(err)
				}
				if first := device.marks == nil; s.Full != (first || edits >= feed.MaxPast) {
					r.Fatalf("full: %v after %d edits", s.Full, edits)
				}
				device.hear(s)
				edits = 0
				if got := device.set(); !sameMarks(got.Stories, s.Set.Stories) || got.Digest() != s.Set.Digest() {
					r.Fatalf("the device has %v,\nthe server %v", got, s.Set)
				}
			},
		})
	})
}

// The digest kept along the way is the one that is counted.
func TestMarksDigest(t *testing.T) {
	set := feed.MarkSet{}
	for i := range 2000 {
		change, _ := feed.ApplyMarks(set, []feed.MarkOp{
			{Story: markStory(i % 7), Mark: feed.Read, Value: i%3 > 0, At: markAt(0, uint16(i))},
			{Story: markStory(i % 5), Mark: feed.Saved, Value: i%2 > 0, At: markAt(0, uint16(i))},
		}, marksNoon)
		set = set.With(change)
		if got, want := set.Digest(), (feed.MarkSet{Stories: set.Stories}).Digest(); got != want {
			t.Fatalf("after %d edits the digest is %016x, counted %016x", i+1, got, want)
		}
		if len(set.Past) > feed.MaxPast {
			t.Fatalf("%d revisions are remembered", len(set.Past))
		}
	}
}

// A server that lost edits is noticed: by a revision that it never had, and by a
// digest that was another.
func TestMarksSyncAfterLoss(t *testing.T) {
	set := feed.MarkSet{}
	var had []interests.Known
	for i := range 3 {
		change, _ := feed.ApplyMarks(set, []feed.MarkOp{{Story: markStory(1), Mark: feed.Read, Value: true, At: markAt(0, uint16(i))}}, marksNoon)
		set = set.With(change)
		had = append(had, interests.Known{Revision: set.Revision, Digest: set.Digest()})
	}
	for _, c := range []struct {
		name  string
		has   interests.Known
		known bool
	}{
		{"nothing", interests.Known{}, true},
		{"the first", had[0], true},
		{"the second", had[1], true},
		{"the last", had[2], true},
		{"another digest", interests.Known{Revision: had[1].Revision, Digest: 1}, false},
		{"another digest of the last", interests.Known{Revision: had[2].Revision, Digest: 1}, false},
		{"a later revision", interests.Known{Revision: had[2].Revision + 1, Digest: had[2].Digest}, false},
		{"a revision between", interests.Known{Revision: had[0].Revision - 1, Digest: had[0].Digest}, false},
	} {
		if _, known := set.Since(c.has.Revision, c.has.Digest); known != c.known {
			t.Errorf("%s: known %v", c.name, known)
		}
	}
}

func TestPastBinary(t *testing.T) {
	past := []feed.PastMarks{{}, {Revision: 7, Digest: 1 << 63, Forgot: []feed.StoryID{markStory(1), markStory(2)}}, {Revision: 1 << 63}}
	b := feed.AppendPast(nil, past)
	got, err := feed.ParsePast(b)
	if diff := cmp.Diff(past, got, cmpopts.EquateEmpty()); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	whole := []int{0, 18, 18 + 18 + 32, len(b)}
	for n := range b {
		if _, err := feed.ParsePast(b[:n]); (err == nil) != slices.Contains(whole, n) {
			t.Errorf("cut after %d bytes: %v", n, err)
		}
	}
}

// Without ops nothing is written and nobody is in the way.
func TestMarksSyncWrites(t *testing.T) {
	store := &losingMarks{Marks: storagetest.NewModelMarks(), err: feed.ErrMarksConflict}
	sets := feed.NewMarkSets(store, func() time.Time { return marksNoon })
	s, err := sets.Sync(t.Context(), account.NewID(), nil, nil, time.Time{})
	if err != nil || !s.Full || len(s.Changes) > 0 {
		t.Errorf("%+v, %v", s, err)
	}
	op := feed.MarkOp{Story: markStory(1), Mark: feed.Read, Value: true, At: markAt(0, 0)}
	if _, err := sets.Sync(t.Context(), account.NewID(), nil, []feed.MarkOp{op}, time.Time{}); !errors.Is(err, feed.ErrMarksBusy) {
		t.Errorf("%v, want ErrMarksBusy", err)
	}
}
