package feed_test

import (
	"bytes"
	"cmp"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"newsfeed/feed"
	"newsfeed/interests"
)

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
