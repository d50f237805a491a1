package interests

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"newsfeed/interests/topic"
)

// From any later list each earlier one is rebuilt exactly as it was, also by
// undos that were written as JSON, and the later one is not changed.
func TestRewind(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := noon
		lists := []List{{}}
		var undos []Undo // newest first
		for range rapid.IntRange(0, 12).Draw(t, "edits") {
			before := lists[len(lists)-1]
			now = now.Add(rapid.SampledFrom([]time.Duration{0, time.Millisecond, tombstoneAge + time.Hour}).Draw(t, "step"))
			after, _ := Apply(before, drawOps(t, before, now), now)
			if after.Revision == before.Revision {
				continue
			}
			lists = append(lists, after)
			undos = slices.Insert(undos, 0, asJSON(t, NewUndo(before, after, now)))
		}
		last := lists[len(lists)-1]
		kept := asJSON(t, last)
		for _, want := range lists {
			got, err := Rewind(last, undos, want.Revision)
			if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); err != nil || diff != "" {
				t.Fatalf("rewound to %d: %v (-want +got):\n%s", want.Revision, err, diff)
			}
		}
		if diff := cmp.Diff(kept, last, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("the list that was given has changed (-before +after):\n%s", diff)
		}
	})
}

func drawOps(t *rapid.T, list List, now time.Time) []Op {
	ops := make([]Op, rapid.IntRange(1, 3).Draw(t, "ops"))
	for i := range ops {
		ops[i] = Op{
			Topic: topic.ID(fmt.Sprint("t", rapid.IntRange(0, 4).Draw(t, "topic"))),
			Level: Level(rapid.IntRange(int(Follow), int(None)).Draw(t, "level")),
			At:    list.NextStamp(now),
		}
		if rapid.Bool().Draw(t, "early") {
			ops[i].At = NewStamp(now.Add(-time.Minute), uint16(i), 7)
		}
	}
	return ops
}

func asJSON[V any](t *rapid.T, v V) (copied V) {
	text, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(text, &copied)
	}
	if err != nil {
		t.Fatal(err)
	}
	return copied
}

// A way back with a gap is none, wherever the gap is.
func TestRewindGap(t *testing.T) {
	undos := []Undo{{Revision: 40, Previous: 30}, {Revision: 30, Previous: 20}, {Revision: 20, Previous: 0}}
	gap := func(i int) []Undo { return slices.Delete(slices.Clone(undos), i, i+1) }
	for _, c := range []struct {
		name  string
		undos []Undo
		to    Revision
		ok    bool
	}{
		{"here", nil, 40, true},
		{"here, with what is not needed", undos, 40, true},
		{"one edit", undos[:1], 30, true},
		{"two edits", undos, 20, true},
		{"before the first", undos, 0, true},
		{"two edits, one known", undos[:1], 20, false},
		{"never", undos, 25, false},
		{"newer", undos, 41, false},
		{"newer, between undos that are not this list's", []Undo{{Revision: 50, Previous: 41}}, 41, false},
		{"older than the first", undos, 1, false},
		{"without the newest", gap(0), 30, false},
		{"without the newest, before the gap", gap(0), 20, false},
		{"behind a gap", gap(1), 20, false},
		{"up to a gap", gap(1), 30, true},
	} {
		got, err := Rewind(List{Revision: 40}, c.undos, c.to)
		if ok := err == nil; ok != c.ok || ok && got.Revision != c.to || !ok && !errors.Is(err, ErrForgotten) {
			t.Errorf("%s: revision %d, %v", c.name, got.Revision, err)
		}
	}
}

// An undo holds what the edit changed and no more.
func TestNewUndo(t *testing.T) {
	at := func(counter uint16) Stamp { return NewStamp(noon, counter, 0) }
	follow := Register{Level: Follow, At: at(1), Since: noon}
	before := List{Revision: 7, Floor: at(3), Topics: map[topic.ID]Register{
		"same": follow, "changed": follow, "gone": {Level: None, At: at(2)},
		"same elsewhere": {Level: Follow, At: at(1), Since: noon.In(time.FixedZone("", 3600))},
	}}
	after := List{Revision: 9, Floor: at(4), Topics: map[topic.ID]Register{
		"same": follow, "changed": {Level: None, At: at(5)}, "new": follow, "same elsewhere": follow,
	}}
	want := Undo{Revision: 9, Previous: 7, At: noon, Floor: at(3), Topics: map[topic.ID]Register{
		"changed": follow, "gone": {Level: None, At: at(2)}, "new": {},
	}}
	if diff := cmp.Diff(want, NewUndo(before, after, noon.Add(999*time.Microsecond))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestOutlived(t *testing.T) {
	for _, c := range []struct {
		age     time.Duration
		entries int
		want    bool
	}{
		{-time.Hour, 100 * JournalSize, false},
		{time.Hour, 100 * JournalSize, false},
		{time.Hour + 1, JournalSize, false},
		{time.Hour + 1, JournalSize + 1, true},
		{24 * time.Hour, JournalSize, false},
		{24*time.Hour + 1, 1, true},
	} {
		if got := (Undo{At: noon}).Outlived(noon.Add(c.age), c.entries); got != c.want {
			t.Errorf("%v old, one of %d: %v", c.age, c.entries, got)
		}
	}
}
