package feed

import (
	"bytes"
	"cmp"
	"container/heap"
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
	for id, marks := range e.change.Stories {
		if !marks.IsZero() {
			marks.Edited = e.change.Revision
			e.change.Stories[id] = marks
		}
	}
	e.change.Past = e.remember()
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

// forget drops the stories beyond MaxMarked; see [ApplyMarks] for which.
func (e *marksEdit) forget() {
	excess := e.others - MaxMarked
	if excess <= 0 {
		return
	}
	for _, f := range e.firstToGo(excess) {
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

// firstToGo returns the n stories that are to go, of n or more that are not
// saved. It keeps those on a heap while it looks at each story once: with sorting
// them all, an edit of a set at its limits took 30 ms; so it takes 6.
func (e *marksEdit) firstToGo(n int) []forgettable {
	first := make(goingLast, 0, n)
	look := func(id StoryID, marks StoryMarks, edited bool) {
		if marks.Saved.Value {
			return
		}
		f := forgettable{id, marks, marks.Touched(), edited}
		if len(first) < n {
			heap.Push(&first, f)
		} else if f.compare(&first[0]) < 0 {
			first[0] = f
			heap.Fix(&first, 0)
		}
	}
	for id, marks := range e.base.Stories {
		if _, edited := e.change.Stories[id]; !edited {
			look(id, marks, false)
		}
	}
	for id, marks := range e.change.Stories {
		look(id, marks, true)
	}
	return first
}

// forgettable is a story that may have to go.
type forgettable struct {
	story   StoryID
	marks   StoryMarks
	touched interests.Stamp
	edited  bool // by this call
}

// compare returns -1 when f goes before g; see [ApplyMarks].
func (f *forgettable) compare(g *forgettable) int {
	return cmp.Or(trueLast(f.edited, g.edited), trueLast(f.marks.Hidden.Value, g.marks.Hidden.Value),
		f.touched.Compare(g.touched), bytes.Compare(f.story[:], g.story[:]))
}

// goingLast is a heap with the story on top that goes last.
type goingLast []forgettable

func (g goingLast) Len() int           { return len(g) }
func (g goingLast) Less(i, j int) bool { return g[i].compare(&g[j]) > 0 }
func (g goingLast) Swap(i, j int)      { g[i], g[j] = g[j], g[i] }
func (g *goingLast) Push(f any)        { *g = append(*g, f.(forgettable)) }
func (g *goingLast) Pop() any          { panic("nothing is taken from it") }

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
