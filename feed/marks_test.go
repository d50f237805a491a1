package feed_test

import (
	"bytes"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"newsfeed/feed"
	"newsfeed/interests"
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
