package feed

import (
	"bytes"
	"cmp"
	"context"
	"hash/fnv"
	"slices"
	"time"

	"newsfeed/interests"
	"newsfeed/interests/account"
)

// PastMarks is a revision that a set had: its digest, and the stories that the
// edit which made it forgot.
type PastMarks struct {
	Revision interests.Revision
	Digest   uint64
	Forgot   []StoryID
}

// What a set remembers of its past, 4 KB of each person's that is written with
// every edit. A device that has an older revision gets everything.
const (
	MaxPast       = 256  // revisions
	MaxPastForgot = 1000 // stories that they forgot, together
)

// Digest is to marks what [interests.List.Digest] is to a list: the sum modulo
// 2^64 of FNV-1a 64 over story, byte 0, mark, byte 0, stamp as text, for each
// mark that is set.
func (s MarkSet) Digest() uint64 {
	if n := len(s.Past); n > 0 && s.Past[n-1].Revision == s.Revision {
		return s.Past[n-1].Digest
	}
	var sum uint64
	for id, marks := range s.Stories {
		sum += marks.digest(id)
	}
	return sum
}

// digest is the part of a story in the digest of its set.
func (s StoryMarks) digest(id StoryID) (sum uint64) {
	for m := Read; m <= Hidden; m++ {
		r := s.Of(m)
		if !r.Value {
			continue
		}
		h := fnv.New64a()
		h.Write([]byte(id.String()))
		h.Write([]byte{0})
		h.Write([]byte(m.String()))
		h.Write([]byte{0})
		h.Write([]byte(r.At.String()))
		sum += h.Sum64()
	}
	return sum
}

// remember returns the past of the set that a change makes: the present is added
// and the oldest go. What the set was is counted anew when that is not known, of
// one that was never edited or has no past yet.
func (e *marksEdit) remember() []PastMarks {
	past := e.base.Past
	if n := len(past); n == 0 || past[n-1].Revision != e.base.Revision {
		past = []PastMarks{{Revision: e.base.Revision, Digest: e.base.Digest()}}
	}
	now := PastMarks{Revision: e.change.Revision, Digest: past[len(past)-1].Digest}
	for id, marks := range e.change.Stories {
		now.Digest += marks.digest(id) - e.base.Stories[id].digest(id)
		if marks.IsZero() {
			now.Forgot = append(now.Forgot, id)
		}
	}
	slices.SortFunc(now.Forgot, compareStories)
	past = append(slices.Clip(past), now)
	forgot := 0
	for i, p := range slices.Backward(past) {
		if forgot += len(p.Forgot); len(past)-i > MaxPast || forgot > MaxPastForgot {
			return slices.Clone(past[i+1:])
		}
	}
	return past
}

// MarkNow is what stands of one mark of a story. The zero register: it is
// forgotten.
type MarkNow struct {
	Story StoryID
	Mark  Mark
	MarkRegister
}

// Since returns what changed since a set had a revision and a digest, by story
// and mark. False when it is not remembered that it had them.
func (s MarkSet) Since(revision interests.Revision, digest uint64) ([]MarkNow, bool) {
	if revision == s.Revision {
		return nil, digest == s.Digest()
	}
	i := slices.IndexFunc(s.Past, func(p PastMarks) bool { return p.Revision == revision && p.Digest == digest })
	if i < 0 {
		return nil, false
	}
	var changed []MarkNow
	for id, marks := range s.Stories {
		if marks.Edited > revision {
			changed = append(changed, marks.now(id)...)
		}
	}
	for _, p := range s.Past[i+1:] {
		for _, id := range p.Forgot {
			if _, back := s.Stories[id]; !back {
				changed = append(changed, MarkNow{Story: id, Mark: Read}, MarkNow{Story: id, Mark: Saved}, MarkNow{Story: id, Mark: Hidden})
			}
		}
	}
	return sortMarks(changed), true
}

// All returns all registers, by story and mark.
func (s MarkSet) All() []MarkNow {
	var all []MarkNow
	for id, marks := range s.Stories {
		all = append(all, marks.now(id)...)
	}
	return sortMarks(all)
}

// now returns the registers that were ever edited.
func (s StoryMarks) now(id StoryID) (registers []MarkNow) {
	for m := Read; m <= Hidden; m++ {
		if r := s.Of(m); !r.At.IsZero() {
			registers = append(registers, MarkNow{id, m, r})
		}
	}
	return registers
}

// sortMarks sorts, and leaves one of those that are equal.
func sortMarks(marks []MarkNow) []MarkNow {
	slices.SortFunc(marks, func(a, b MarkNow) int {
		return cmp.Or(compareStories(a.Story, b.Story), cmp.Compare(a.Mark, b.Mark))
	})
	return slices.Compact(marks)
}

func compareStories(a, b StoryID) int { return bytes.Compare(a[:], b[:]) }

// MarksSynced is to marks what [interests.Synced] is to a list.
type MarksSynced struct {
	Set     MarkSet
	Results []interests.Result
	Full    bool
	Changes []MarkNow
}

// Sync applies ops as [MarkSets.Apply] does and returns what a device lacks then,
// given what it has; nil: that is not known. Without ops it is answered from what
// is at hand. Errors: ErrMarksBusy, and those of the store.
func (m *MarkSets) Sync(ctx context.Context, id account.ID, has *interests.Known, ops []MarkOp, until time.Time) (s MarksSynced, err error) {
	if len(ops) > 0 {
		s.Set, s.Results, err = m.Apply(ctx, id, ops, until)
	} else {
		var at interests.Revision
		if has != nil {
			at = has.Revision
		}
		var set *MarkSet
		if set, err = m.AtLeast(ctx, id, at); err == nil {
			s.Set = *set
		}
	}
	if err != nil {
		return MarksSynced{}, err
	}
	known := false
	if has != nil {
		s.Changes, known = s.Set.Since(has.Revision, has.Digest)
	}
	if s.Full = !known; s.Full {
		s.Changes = s.Set.All()
		return s, nil
	}
	for i, r := range s.Results {
		if op := ops[i]; r.Status == interests.Superseded {
			s.Changes = append(s.Changes, MarkNow{op.Story, op.Mark, s.Set.Stories[op.Story].Of(op.Mark)})
		}
	}
	s.Changes = sortMarks(s.Changes)
	return s, nil
}
