package feed

import (
	"bytes"
	"cmp"
	"slices"
	"time"

	"newsfeed/interests"
)

// MarkOp is one edit of a set: set a story's mark, or take it back.
type MarkOp struct {
	ID    string // chosen by the client; only ties the answer to the op
	Story StoryID
	Mark  Mark
	Value bool
	At    interests.Stamp
}

// JoinMarks returns the register that stands when both were set: the one with
// the greater stamp; of equal stamps (only a faulty device makes them) the one
// that is set, since what is set can be seen and taken back. It is total,
// commutative, associative and idempotent.
func JoinMarks(a, b MarkRegister) MarkRegister {
	if c := a.At.Compare(b.At); c < 0 || c == 0 && b.Value {
		return b
	}
	return a
}

// ApplyMarks admits ops one after the other (see [interests.Admit]), joins those
// admitted into the set, and answers each. It returns what changes, which is
// zero if no op was applied; the set given is not changed. now is the server's
// clock. Every op names a mark.
//
// An op at or below the floor on a register that was never edited is rejected as
// too old. Saving a story when MaxSaved are saved is rejected as list-full.
//
// When more than MaxMarked stories are marked without being saved, the excess is
// forgotten. Of these stories go first those not edited by this call, then those
// that are not hidden (read, or with every mark taken back), then those whose
// latest edit is the oldest, then those with the smaller id. A mark that was set
// is then not set, and nothing more: an older edit finds the story unmarked. One
// that was taken back raises the floor to its stamp, so that what it took back
// cannot return.
func ApplyMarks(s MarkSet, ops []MarkOp, now time.Time) (MarkChange, []interests.Result) {
	e := editMarks(s)
	results := make([]interests.Result, len(ops))
	for i, op := range ops {
		status, reason := e.apply(op, now)
		results[i] = interests.Result{ID: op.ID, Status: status, Reason: reason}
	}
	if !e.changed {
		return MarkChange{}, results
	}
	e.forget()
	e.change.Revision = max(s.Revision+1, interests.Revision(now.UnixMilli()))
	return e.change, results
}

// NextStamp returns the stamp for an edit by the server itself: the smallest
// with device 0 that is not before now and greater than every stamp in the set.
func (s MarkSet) NextStamp(now time.Time) interests.Stamp {
	return interests.NextStamp(editMarks(s).newest, now)
}

// marksEdit is a set while it is edited: what was, and what changes of it. What
// would take a look at every story is counted once and kept up to date.
type marksEdit struct {
	base    MarkSet
	change  MarkChange
	changed bool
	newest  interests.Stamp // the greatest in the set, its floor included
	saved   int
	others  int
}

func editMarks(s MarkSet) *marksEdit {
	e := &marksEdit{
		base:   s,
		change: MarkChange{Floor: s.Floor, Stories: map[StoryID]StoryMarks{}},
		newest: s.Floor,
	}
	for _, marks := range s.Stories {
		e.count(marks, 1)
		e.newest = later(e.newest, marks.Touched())
	}
	return e
}

// count adds n of a story with these marks.
func (e *marksEdit) count(marks StoryMarks, n int) {
	switch {
	case marks.Saved.Value:
		e.saved += n
	case !marks.IsZero():
		e.others += n
	}
}

// apply changes the set by one op.
func (e *marksEdit) apply(op MarkOp, now time.Time) (interests.Status, interests.Reason) {
	before, ok := e.change.Stories[op.Story]
	if !ok {
		before = e.base.Stories[op.Story]
	}
	after := before
	register := after.register(op.Mark)
	old, next := *register, MarkRegister{op.Value, op.At}
	switch {
	case old.At.IsZero() && !e.base.Floor.IsZero() && op.At.Compare(e.base.Floor) <= 0:
		return interests.Rejected, interests.TooOld
	case interests.Admit(op.At, e.newest, now) != "":
		return interests.Rejected, interests.Admit(op.At, e.newest, now)
	case next == old:
		return interests.Duplicate, ""
	case JoinMarks(old, next) == old:
		return interests.Superseded, ""
	case op.Mark == Saved && op.Value && !old.Value && e.saved >= MaxSaved:
		return interests.Rejected, interests.ListFull
	}
	*register = next
	e.count(before, -1)
	e.count(after, 1)
	e.change.Stories[op.Story] = after
	e.newest = later(e.newest, op.At)
	e.changed = true
	return interests.Applied, ""
}

// forgettable is a story that may have to go.
type forgettable struct {
	story  StoryID
	marks  StoryMarks
	edited bool // by this call
}

// forget drops the stories beyond MaxMarked; see [ApplyMarks] for which.
func (e *marksEdit) forget() {
	excess := e.others - MaxMarked
	if excess <= 0 {
		return
	}
	for _, f := range e.unsaved()[:excess] {
		if _, stored := e.base.Stories[f.story]; stored {
			e.change.Stories[f.story] = StoryMarks{}
		} else {
			delete(e.change.Stories, f.story)
		}
		for m := Read; m <= Hidden; m++ {
			if r := f.marks.Of(m); !r.Value {
				e.change.Floor = later(e.change.Floor, r.At)
			}
		}
	}
}

// unsaved returns the stories that are not saved, those that go first at the
// front.
func (e *marksEdit) unsaved() []forgettable {
	stories := make([]forgettable, 0, e.others)
	add := func(id StoryID, marks StoryMarks, edited bool) {
		if !marks.Saved.Value {
			stories = append(stories, forgettable{id, marks, edited})
		}
	}
	for id, marks := range e.base.Stories {
		if _, edited := e.change.Stories[id]; !edited {
			add(id, marks, false)
		}
	}
	for id, marks := range e.change.Stories {
		add(id, marks, true)
	}
	slices.SortFunc(stories, func(a, b forgettable) int {
		return cmp.Or(trueLast(a.edited, b.edited), trueLast(a.marks.Hidden.Value, b.marks.Hidden.Value),
			a.marks.Touched().Compare(b.marks.Touched()), bytes.Compare(a.story[:], b.story[:]))
	})
	return stories
}

func trueLast(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

func later(a, b interests.Stamp) interests.Stamp {
	if b.Compare(a) > 0 {
		return b
	}
	return a
}
