package feed_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"newsfeed/feed"
	"newsfeed/interests"
	"newsfeed/interests/account"
	"newsfeed/interests/topic"
	"newsfeed/storage/storagetest"
)

var marksNoon = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

// markAt is a stamp some time from noon.
func markAt(d time.Duration, counter uint16) interests.Stamp {
	return interests.NewStamp(marksNoon.Add(d), counter, 9)
}

// markStory names a story by a number; ids sort as the numbers do.
func markStory(i int) feed.StoryID {
	return feed.StoryID{13: byte(i >> 16), 14: byte(i >> 8), 15: byte(i)}
}

func drawMarkRegister(t *rapid.T, name string) feed.MarkRegister {
	return feed.MarkRegister{
		Value: rapid.Bool().Draw(t, name),
		At: interests.NewStamp(marksNoon.Add(time.Duration(rapid.IntRange(0, 2).Draw(t, name+" ms"))*time.Millisecond),
			uint16(rapid.IntRange(0, 1).Draw(t, name+" counter")), interests.Device(rapid.IntRange(0, 1).Draw(t, name+" device"))),
	}
}

// The join is total (one of the two), commutative, associative and idempotent,
// and a later edit wins.
func TestJoinMarksLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := drawMarkRegister(t, "a"), drawMarkRegister(t, "b"), drawMarkRegister(t, "c")
		ab := feed.JoinMarks(a, b)
		if ab != a && ab != b {
			t.Fatal("made something new")
		}
		if ab != feed.JoinMarks(b, a) {
			t.Fatal("not commutative")
		}
		if feed.JoinMarks(a, feed.JoinMarks(b, c)) != feed.JoinMarks(ab, c) {
			t.Fatal("not associative")
		}
		if feed.JoinMarks(a, a) != a {
			t.Fatal("not idempotent")
		}
		if a.At.Compare(b.At) > 0 && ab != a {
			t.Fatal("the earlier edit won")
		}
		if a.At == b.At && ab.Value != (a.Value || b.Value) {
			t.Fatal("of equal stamps the one that is set did not win")
		}
	})
}

// Ops that are admitted make the same set in any order, one by one or together,
// once or twice.
func TestApplyMarksInAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ops := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) feed.MarkOp {
			r := drawMarkRegister(t, "register")
			return feed.MarkOp{Story: markStory(rapid.IntRange(1, 3).Draw(t, "story")),
				Mark: rapid.SampledFrom([]feed.Mark{feed.Read, feed.Saved, feed.Hidden}).Draw(t, "mark"), Value: r.Value, At: r.At}
		}), 1, 12).Draw(t, "ops")
		change, _ := feed.ApplyMarks(feed.MarkSet{}, ops, marksNoon)
		together := feed.MarkSet{}.With(change)
		apart := feed.MarkSet{}
		for _, op := range append(rapid.Permutation(ops).Draw(t, "order"), ops...) {
			if change, _ := feed.ApplyMarks(apart, []feed.MarkOp{op}, marksNoon); !change.IsZero() {
				apart = apart.With(change)
			}
		}
		if !sameMarks(together.Stories, apart.Stories) {
			t.Fatalf("together %v, apart %v", together.Stories, apart.Stories)
		}
	})
}

// sameMarks compares marks, by whatever edits they were made.
func sameMarks(a, b map[feed.StoryID]feed.StoryMarks) bool {
	return maps.EqualFunc(a, b, func(a, b feed.StoryMarks) bool {
		a.Edited, b.Edited = 0, 0
		return a == b
	})
}

// Admission and the answer to one op.
func TestApplyMarks(t *testing.T) {
	set := feed.MarkSet{Revision: 5, Floor: markAt(-time.Hour, 0), Stories: map[feed.StoryID]feed.StoryMarks{
		markStory(1): {Read: feed.MarkRegister{Value: true, At: markAt(-time.Minute, 0)}},
		markStory(2): {Saved: feed.MarkRegister{At: markAt(-time.Minute, 0)}},
	}}
	before := maps.Clone(set.Stories)
	for _, c := range []struct {
		name   string
		story  int
		mark   feed.Mark
		value  bool
		at     interests.Stamp
		status interests.Status
		reason interests.Reason
		after  bool // the mark's value
	}{
		{"a new mark", 3, feed.Saved, true, markAt(0, 0), interests.Applied, "", true},
		{"another mark of a story", 1, feed.Hidden, true, markAt(0, 0), interests.Applied, "", true},
		{"taking back what was never set", 3, feed.Read, false, markAt(0, 0), interests.Applied, "", false},
		{"taking back", 1, feed.Read, false, markAt(0, 0), interests.Applied, "", false},
		{"the same again", 1, feed.Read, true, markAt(-time.Minute, 0), interests.Duplicate, "", true},
		{"the same, later", 1, feed.Read, true, markAt(0, 0), interests.Applied, "", true},
		{"an earlier edit", 1, feed.Read, false, markAt(-2*time.Minute, 0), interests.Superseded, "", true},
		{"an earlier edit of what was taken back", 2, feed.Saved, true, markAt(-2*time.Minute, 0), interests.Superseded, "", false},
		{"of equal stamps, taking back", 1, feed.Read, false, markAt(-time.Minute, 0), interests.Superseded, "", true},
		{"of equal stamps, setting", 2, feed.Saved, true, markAt(-time.Minute, 0), interests.Applied, "", true},
		{"at the floor, of an absent story", 3, feed.Read, true, markAt(-time.Hour, 0), interests.Rejected, interests.TooOld, false},
		{"above the floor, of an absent story", 3, feed.Read, true, markAt(-time.Hour, 1), interests.Applied, "", true},
		{"below the floor, of a mark never edited", 1, feed.Saved, true, markAt(-2*time.Hour, 0), interests.Rejected, interests.TooOld, false},
		{"below the floor, of a mark that was edited", 1, feed.Read, false, markAt(-2*time.Hour, 0), interests.Superseded, "", true},
		{"120 s ahead", 3, feed.Read, true, markAt(120*time.Second, 0x7fff), interests.Applied, "", true},
		{"120.001 s ahead", 3, feed.Read, true, markAt(120*time.Second+time.Millisecond, 0), interests.Rejected, interests.ClockAhead, false},
		{"ahead with a great counter", 3, feed.Read, true, markAt(time.Second, 0x8000), interests.Rejected, interests.ClockAhead, false},
		{"not ahead with a great counter", 3, feed.Read, true, markAt(0, 0xffff), interests.Applied, "", true},
	} {
		op := feed.MarkOp{ID: c.name, Story: markStory(c.story), Mark: c.mark, Value: c.value, At: c.at}
		change, results := feed.ApplyMarks(set, []feed.MarkOp{op}, marksNoon)
		if want := (interests.Result{ID: c.name, Status: c.status, Reason: c.reason}); results[0] != want {
			t.Errorf("%s: %+v, want %+v", c.name, results[0], want)
		}
		next := set
		if applied := c.status == interests.Applied; applied == change.IsZero() {
			t.Errorf("%s: change %+v", c.name, change)
		} else if applied {
			next = set.With(change)
			if next.Revision != interests.Revision(marksNoon.UnixMilli()) || len(change.Stories) != 1 {
				t.Errorf("%s: revision %d, %d stories change", c.name, next.Revision, len(change.Stories))
			}
		}
		if got := next.Has(op.Story, c.mark); got != c.after {
			t.Errorf("%s: %s is %v afterwards, want %v", c.name, c.mark, got, c.after)
		}
		if !maps.Equal(set.Stories, before) {
			t.Fatalf("%s: the set that was given has changed", c.name)
		}
	}
}

// A newest stamp beyond the two minutes is followed by its next counter.
func TestApplyMarksAfterTheNewest(t *testing.T) {
	far := markAt(time.Hour, 7) // the server's clock was set back
	set := feed.MarkSet{Revision: 5, Stories: map[feed.StoryID]feed.StoryMarks{markStory(1): {Read: feed.MarkRegister{Value: true, At: far}}}}
	for _, c := range []struct {
		at   interests.Stamp
		want interests.Reason
	}{
		{markAt(time.Hour, 8), ""}, {markAt(time.Hour, 6), interests.ClockAhead}, {markAt(time.Hour+1e6, 8), interests.ClockAhead},
	} {
		_, results := feed.ApplyMarks(set, []feed.MarkOp{{Story: markStory(2), Mark: feed.Read, Value: true, At: c.at}}, marksNoon)
		if results[0].Reason != c.want {
			t.Errorf("%s: %q, want %q", c.at, results[0].Reason, c.want)
		}
	}
}

// The revision grows also when the clock does not.
func TestMarksRevision(t *testing.T) {
	for _, before := range []interests.Revision{0, 5, interests.Revision(marksNoon.UnixMilli()), 1 << 60} {
		set := feed.MarkSet{Revision: before}
		change, _ := feed.ApplyMarks(set, []feed.MarkOp{{Mark: feed.Read, Value: true, At: markAt(0, 0)}}, marksNoon)
		if want := max(before+1, interests.Revision(marksNoon.UnixMilli())); change.Revision != want {
			t.Errorf("after %d: %d, want %d", before, change.Revision, want)
		}
	}
}

// fullMarks is a set with so many saved, and so many others of which the first
// are hidden and the rest read. Story i was touched at second i.
func fullMarks(saved, hidden, read int) feed.MarkSet {
	set := feed.MarkSet{Revision: 1, Stories: map[feed.StoryID]feed.StoryMarks{}}
	for i := range saved + hidden + read {
		r, marks := feed.MarkRegister{Value: true, At: markAt(-24*time.Hour+time.Duration(i)*time.Second, 0)}, feed.StoryMarks{}
		switch {
		case i < saved:
			marks.Saved = r
		case i < saved+hidden:
			marks.Hidden = r
		default:
			marks.Read = r
		}
		set.Stories[markStory(i)] = marks
	}
	return set
}

// The 10,001st save is refused until one is taken back; what is saved already
// can be saved again, and other marks of saved stories count for nothing.
func TestMaxSaved(t *testing.T) {
	set := fullMarks(feed.MaxSaved, 0, 0)
	counter := uint16(0)
	edit := func(story int, mark feed.Mark, value bool) interests.Reason {
		counter++
		change, results := feed.ApplyMarks(set, []feed.MarkOp{{Story: markStory(story), Mark: mark, Value: value, At: markAt(0, counter)}}, marksNoon)
		if !change.IsZero() {
			set = set.With(change)
		}
		return results[0].Reason
	}
	const more = feed.MaxSaved + 7
	for i, c := range []struct {
		story int
		mark  feed.Mark
		value bool
		want  interests.Reason
	}{
		{more, feed.Saved, true, interests.ListFull},
		{3, feed.Saved, true, ""},
		{3, feed.Read, true, ""},
		{more, feed.Read, true, ""},
		{more, feed.Saved, true, interests.ListFull},
		{more, feed.Saved, false, ""},
		{4, feed.Saved, false, ""},
		{more, feed.Saved, true, ""},
		{4, feed.Saved, true, interests.ListFull},
	} {
		if got := edit(c.story, c.mark, c.value); got != c.want {
			t.Errorf("step %d: story %d %s %v: %q, want %q", i, c.story, c.mark, c.value, got, c.want)
		}
	}
	if saved := set.Saved(); len(saved) != feed.MaxSaved || saved[0].Story != markStory(more) || saved[1].Story != markStory(3) ||
		saved[2].Story != markStory(feed.MaxSaved-1) {
		t.Errorf("%d saved, first %v", len(saved), saved[:3])
	}
}

// Beyond 20,000 others the oldest that is not hidden goes, hidden ones after all
// of these, saved ones and those just edited never.
func TestForgetMarks(t *testing.T) {
	mark := func(story int, m feed.Mark, value bool) feed.MarkOp {
		return feed.MarkOp{Story: markStory(story), Mark: m, Value: value, At: markAt(0, 0)}
	}
	reads := func(from, to int) (ops []feed.MarkOp) {
		for i := from; i < to; i++ {
			ops = append(ops, mark(i, feed.Read, true))
		}
		return ops
	}
	stories := func(from, to int) (ids []int) {
		for i := from; i < to; i++ {
			ids = append(ids, i)
		}
		return ids
	}
	const all = 100 + feed.MaxMarked // of the sets with 100 saved
	for _, c := range []struct {
		name string
		set  feed.MarkSet
		ops  []feed.MarkOp
		gone []int
	}{
		{"at the limit nothing goes", fullMarks(100, 50, feed.MaxMarked-51), reads(all, all+1), nil},
		{"the oldest read goes", fullMarks(100, 50, feed.MaxMarked-50), reads(all, all+1), []int{150}},
		{"as many go as are too many", fullMarks(100, 50, feed.MaxMarked-50), reads(all, all+200), stories(150, 350)},
		{"a new hidden story drives out a read one", fullMarks(100, 50, feed.MaxMarked-50), []feed.MarkOp{mark(all, feed.Hidden, true)}, []int{150}},
		{"a save drives out nothing", fullMarks(100, 50, feed.MaxMarked-50), []feed.MarkOp{mark(all, feed.Saved, true)}, nil},
		{"one that was saved becomes one of the others", fullMarks(100, 50, feed.MaxMarked-50), []feed.MarkOp{mark(0, feed.Saved, false)}, []int{150}},
		{"of hidden stories the oldest", fullMarks(100, feed.MaxMarked, 0), reads(all, all+2), []int{100, 101}},
		{"read stories before hidden ones", fullMarks(100, feed.MaxMarked-1, 1), reads(all, all+2), []int{all - 1, 100}},
		{"what was just edited stays", fullMarks(100, 50, feed.MaxMarked-50),
			append(reads(all, all+1), mark(150, feed.Read, false)), []int{151}},
		{"a story becomes younger by any edit", fullMarks(100, 50, feed.MaxMarked-50).With(feed.MarkChange{Revision: 2,
			Stories: map[feed.StoryID]feed.StoryMarks{markStory(150): {Read: feed.MarkRegister{Value: true, At: markAt(-24*time.Hour, 0)},
				Saved: feed.MarkRegister{At: markAt(-time.Second, 0)}}}}), reads(all, all+1), []int{151}},
		{"a call of more than there is room for keeps its newest", fullMarks(0, 0, 3), reads(3, 6+feed.MaxMarked),
			stories(0, 6)},
	} {
		change, results := feed.ApplyMarks(c.set, c.ops, marksNoon)
		for i, r := range results {
			if r.Status != interests.Applied {
				t.Fatalf("%s: op %d: %+v", c.name, i, r)
			}
		}
		next := c.set.With(change)
		want := slices.Clone(c.gone)
		slices.Sort(want)
		var gone []int
		for i := range all + 300 {
			_, was := c.set.Stories[markStory(i)]
			edited := slices.ContainsFunc(c.ops, func(op feed.MarkOp) bool { return op.Story == markStory(i) })
			if _, is := next.Stories[markStory(i)]; !is && (was || edited) {
				gone = append(gone, i)
			}
		}
		if !slices.Equal(gone, want) {
			t.Errorf("%s: gone are %v, want %v", c.name, gone, want)
		}
		if len(change.Stories) > len(c.ops)+len(want) {
			t.Errorf("%s: %d stories are written for %d ops", c.name, len(change.Stories), len(c.ops))
		}
	}
}

// What is forgotten is what sorting all stories would forget, also where stamps
// are equal, and the floor is the greatest stamp of what was taken back in it.
func TestForgetMarksAsSorted(t *testing.T) {
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 0))
		register := func() (r feed.MarkRegister) {
			if random.IntN(2) == 0 {
				r = feed.MarkRegister{Value: random.IntN(3) > 0, At: markAt(-time.Duration(random.IntN(300))*time.Second, 0)}
			}
			return r
		}
		set := feed.MarkSet{Stories: map[feed.StoryID]feed.StoryMarks{}}
		for i := range feed.MaxMarked + random.IntN(300) {
			marks := feed.StoryMarks{Read: register(), Hidden: register()}
			if marks.IsZero() {
				marks.Saved.At = markAt(-time.Hour, 0)
			}
			set.Stories[markStory(i)] = marks
		}
		var ops []feed.MarkOp
		for range 1 + random.IntN(200) {
			ops = append(ops, feed.MarkOp{Story: markStory(random.IntN(feed.MaxMarked + 600)), Mark: feed.Hidden, Value: random.IntN(2) == 0, At: markAt(0, 0)})
		}
		change, _ := feed.ApplyMarks(set, ops, marksNoon)
		got, want := set.With(change), sortedAndForgotten(set, ops)
		if !sameMarks(got.Stories, want.Stories) || got.Floor != want.Floor {
			t.Errorf("seed %d: %d stories, floor %s; want %d, floor %s", seed, len(got.Stories), got.Floor, len(want.Stories), want.Floor)
		}
	}
}

// sortedAndForgotten is ApplyMarks of hiding in its plainest form.
func sortedAndForgotten(set feed.MarkSet, ops []feed.MarkOp) feed.MarkSet {
	next := feed.MarkSet{Stories: maps.Clone(set.Stories)}
	edited := map[feed.StoryID]bool{}
	for _, op := range ops {
		marks := next.Stories[op.Story]
		marks.Hidden = feed.JoinMarks(marks.Hidden, feed.MarkRegister{Value: op.Value, At: op.At})
		next.Stories[op.Story], edited[op.Story] = marks, true
	}
	rank := func(id feed.StoryID) int {
		rank := 0
		if next.Stories[id].Hidden.Value {
			rank++
		}
		if edited[id] {
			rank += 2
		}
		return rank
	}
	ids := slices.SortedFunc(maps.Keys(next.Stories), func(a, b feed.StoryID) int {
		return cmp.Or(rank(a)-rank(b), next.Stories[a].Touched().Compare(next.Stories[b].Touched()), bytes.Compare(a[:], b[:]))
	})
	for _, id := range ids[:max(0, len(ids)-feed.MaxMarked)] {
		for _, r := range []feed.MarkRegister{next.Stories[id].Read, next.Stories[id].Saved, next.Stories[id].Hidden} {
			if !r.Value && r.At.Compare(next.Floor) > 0 {
				next.Floor = r.At
			}
		}
		delete(next.Stories, id)
	}
	return next
}

// A save that was taken back and forgotten stays taken back; a mark that was set
// and forgotten raises no floor.
func TestForgottenMarkStaysTakenBack(t *testing.T) {
	set := fullMarks(0, 0, feed.MaxMarked)
	old, back := markAt(-48*time.Hour, 0), markAt(-47*time.Hour, 0)
	set.Stories[markStory(0)] = feed.StoryMarks{Saved: feed.MarkRegister{At: back}}
	apply := func(story int, m feed.Mark, at interests.Stamp) interests.Result {
		change, results := feed.ApplyMarks(set, []feed.MarkOp{{Story: markStory(story), Mark: m, Value: true, At: at}}, marksNoon)
		if !change.IsZero() {
			set = set.With(change)
		}
		return results[0]
	}
	apply(feed.MaxMarked, feed.Read, markAt(0, 0))
	if _, kept := set.Stories[markStory(0)]; kept || set.Floor != back {
		t.Fatalf("story 0 is kept: %v, floor %s, want %s", kept, set.Floor, back)
	}
	if r := apply(0, feed.Saved, old); r.Reason != interests.TooOld {
		t.Errorf("the old save: %+v, want too-old", r)
	}
	apply(0, feed.Read, markAt(0, 1)) // the story is there again; story 1 goes
	if r := apply(0, feed.Saved, old); r.Reason != interests.TooOld || set.Has(markStory(0), feed.Saved) {
		t.Errorf("the old save, the story being there again: %+v, want too-old", r)
	}
	if _, kept := set.Stories[markStory(1)]; kept || set.Floor != back {
		t.Errorf("story 1 is kept: %v, floor %s, want %s", kept, set.Floor, back)
	}
}

func TestSavedOrder(t *testing.T) {
	set := feed.MarkSet{Stories: map[feed.StoryID]feed.StoryMarks{}}
	for i, at := range []interests.Stamp{markAt(2, 0), markAt(time.Hour, 0), markAt(time.Hour, 1), markAt(time.Hour, 1)} {
		set.Stories[markStory(i)] = feed.StoryMarks{Saved: feed.MarkRegister{Value: true, At: at}, Read: feed.MarkRegister{At: markAt(0, uint16(9-i))}}
	}
	set.Stories[markStory(9)] = feed.StoryMarks{Saved: feed.MarkRegister{At: markAt(2*time.Hour, 0)}}
	var got []feed.StoryID
	for _, s := range set.Saved() {
		got = append(got, s.Story)
	}
	if want := []feed.StoryID{markStory(2), markStory(3), markStory(1), markStory(0)}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// Has costs no allocation, of a marked story, of another, and of no set at all.
func TestHasAllocates(t *testing.T) {
	set := fullMarks(1, 1, 1000)
	if n := testing.AllocsPerRun(100, func() {
		if !set.Has(markStory(5), feed.Read) || set.Has(markStory(5), feed.Hidden) || set.Has(markStory(5000), feed.Read) ||
			(feed.MarkSet{}).Has(markStory(5), feed.Read) || set.Has(markStory(5), 0) || set.Has(markStory(5), 77) {
			t.Fatal("wrong answer")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestMarkText(t *testing.T) {
	for _, want := range []feed.Mark{feed.Read, feed.Saved, feed.Hidden} {
		text, _ := want.MarshalText()
		var got feed.Mark
		if err := got.UnmarshalText(text); err != nil || got != want {
			t.Errorf("%s: %s, %v", text, got, err)
		}
	}
	for _, bad := range []string{"", "READ", "mark 0", "none", "saved "} {
		if m, err := feed.ParseMark(bad); err == nil {
			t.Errorf("%q was taken for %s", bad, m)
		}
	}
}

// The stored form comes back as it was, and reading takes that form only: what it
// reads, it writes again as it was.
func FuzzStoryMarksBinary(f *testing.F) {
	at := markAt(0, 1)
	for _, marks := range []feed.StoryMarks{
		{}, {Read: feed.MarkRegister{Value: true, At: at}}, {Read: feed.MarkRegister{At: at}, Edited: 1 << 63}, {Saved: feed.MarkRegister{At: at}, Hidden: feed.MarkRegister{Value: true, At: at}},
		{Read: feed.MarkRegister{Value: true, At: at}, Saved: feed.MarkRegister{Value: true, At: at}, Hidden: feed.MarkRegister{Value: true, At: at}},
	} {
		b, err := marks.MarshalBinary()
		if err != nil {
			f.Fatal(err)
		}
		var got feed.StoryMarks
		if err := got.UnmarshalBinary(b); err != nil || got != marks {
			f.Errorf("%x: %+v, %v, want %+v", b, got, err, marks)
		}
		f.Add(b)
	}
	f.Add([]byte{})
	f.Add([]byte{0x80})
	f.Add(make([]byte, 17))
	f.Add(append([]byte{0x10}, make([]byte, 16)...))
	f.Fuzz(func(t *testing.T, b []byte) {
		var marks feed.StoryMarks
		if marks.UnmarshalBinary(b) != nil {
			return
		}
		if again, err := marks.MarshalBinary(); err != nil || !bytes.Equal(again, b) {
			t.Errorf("%x was read and written as %x, %v", b, again, err)
		}
	})
}

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
