package feed

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"newsfeed/interests"
	"newsfeed/interests/account"
)

// Mark is what a person says of a story. The zero Mark is none.
type Mark uint8

// The marks.
const (
	Read Mark = iota + 1
	Saved
	Hidden
)

var markNames = [...]string{Read: "read", Saved: "saved", Hidden: "hidden"}

// ParseMark reads "read", "saved" or "hidden".
func ParseMark(s string) (Mark, error) {
	for m := Read; m <= Hidden; m++ {
		if markNames[m] == s {
			return m, nil
		}
	}
	return 0, fmt.Errorf("%.40q is no mark: use read, saved or hidden", s)
}

func (m Mark) String() string {
	if m >= Read && m <= Hidden {
		return markNames[m]
	}
	return fmt.Sprintf("mark %d", uint8(m))
}

// MarshalText makes a mark its word.
func (m Mark) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText reads the word of a mark.
func (m *Mark) UnmarshalText(b []byte) error {
	v, err := ParseMark(string(b))
	*m = v
	return err
}

// MarkRegister is one mark of one story: set or not, and since which edit. The
// zero MarkRegister was never edited, or that was forgotten.
type MarkRegister struct {
	Value bool
	At    interests.Stamp
}

// StoryMarks are a story's marks. The zero StoryMarks says nothing, and no set
// holds it.
type StoryMarks struct {
	Read, Saved, Hidden MarkRegister
	Edited              interests.Revision // of the set, by the latest edit of these marks; 0: before that was noted
}

// Of returns the register of a mark; the zero one of what is no mark.
func (s StoryMarks) Of(m Mark) MarkRegister {
	if r := s.register(m); r != nil {
		return *r
	}
	return MarkRegister{}
}

// IsZero reports whether no mark was ever edited.
func (s StoryMarks) IsZero() bool { return s == StoryMarks{Edited: s.Edited} }

// Touched returns the stamp of the latest edit.
func (s StoryMarks) Touched() interests.Stamp {
	latest := s.Read.At
	for _, at := range []interests.Stamp{s.Saved.At, s.Hidden.At} {
		if at.Compare(latest) > 0 {
			latest = at
		}
	}
	return latest
}

func (s *StoryMarks) register(m Mark) *MarkRegister {
	switch m {
	case Read:
		return &s.Read
	case Saved:
		return &s.Saved
	case Hidden:
		return &s.Hidden
	}
	return nil
}

// Limits of a set of marks; see [ApplyMarks] for what happens at them.
const (
	MaxSaved  = 10_000 // stories that are saved
	MaxMarked = 20_000 // other stories with marks, taken back ones included
)

// MarkSet is all marks of one person. A MarkSet is a value: what edits it makes
// a new one, and the map of a set that was handed out is never changed. The zero
// MarkSet is of who never marked anything.
type MarkSet struct {
	Revision interests.Revision // of the set: grows with each edit, never repeats
	Floor    interests.Stamp    // no mark that was taken back later than this was ever forgotten
	Stories  map[StoryID]StoryMarks
	Past     []PastMarks // revisions that it had lately, oldest first, the last its own
}

// Has reports whether a story has a mark. One look in a map, nothing allocated;
// who asks for two marks of a story looks in Stories once instead.
func (s MarkSet) Has(story StoryID, m Mark) bool { return s.Stories[story].Of(m).Value }

// SavedStory is a story that is saved.
type SavedStory struct {
	Story StoryID
	At    interests.Stamp // of the edit that saved it
}

// Saved returns the saved stories, last saved first, those saved by one edit by
// their ids.
func (s MarkSet) Saved() []SavedStory {
	var saved []SavedStory
	for id, marks := range s.Stories {
		if marks.Saved.Value {
			saved = append(saved, SavedStory{id, marks.Saved.At})
		}
	}
	slices.SortFunc(saved, func(a, b SavedStory) int {
		return cmp.Or(b.At.Compare(a.At), bytes.Compare(a.Story[:], b.Story[:]))
	})
	return saved
}

// With returns the set that a change makes of this one.
func (s MarkSet) With(c MarkChange) MarkSet {
	next := MarkSet{c.Revision, c.Floor, maps.Clone(s.Stories), c.Past}
	if next.Stories == nil {
		next.Stories = make(map[StoryID]StoryMarks, len(c.Stories))
	}
	for id, marks := range c.Stories {
		if marks.IsZero() {
			delete(next.Stories, id)
		} else {
			next.Stories[id] = marks
		}
	}
	return next
}

// MarkChange is what an edit writes: the new revision, floor and past, and the
// stories whose marks changed, whole. Zero StoryMarks are of a story that is forgotten.
// The zero MarkChange changes nothing.
type MarkChange struct {
	Revision interests.Revision
	Floor    interests.Stamp
	Stories  map[StoryID]StoryMarks
	Past     []PastMarks
}

// IsZero reports whether nothing is changed.
func (c MarkChange) IsZero() bool { return c.Revision == 0 }

// Marks is the contract of a store for marks. It offers compare-and-swap and
// decides nothing. Safe for concurrent use by several processes. Every method
// returns ctx.Err() (wrapped) when the context ended first and
// [ErrMarksUnavailable] (wrapped) when the store could not be reached or refuses
// to work; then nothing is known about whether a write happened. What a method
// has acknowledged is durable.
//
// Times are cut to milliseconds and judged by the store's clock. A set whose
// time has come is as if it were deleted: it is loaded as the zero MarkSet, and
// swapped from 0. A time in the past is no error; the set is gone at once.
type Marks interface {
	// Load returns a person's marks; the zero MarkSet when there are none. It
	// sees every Swap that was acknowledged before the call, whole.
	Load(ctx context.Context, id account.ID) (MarkSet, error)
	// Swap makes the change of a set whose revision still is from (0: there is
	// none), as [MarkSet.With] does, and writes no more than what changed.
	// ErrMarksConflict when it is another; nothing was changed then, neither by
	// this call nor by an attempt of its own whose answer was lost.
	// change.Revision is greater than from. The set is kept until the given
	// time, for good when that is zero, whatever was said before.
	Swap(ctx context.Context, id account.ID, from interests.Revision, change MarkChange, until time.Time) error
	// Keep changes how long a set is kept (zero: for good). Keeping what is not
	// there is a success and makes nothing.
	Keep(ctx context.Context, id account.ID, until time.Time) error
	// Delete removes a set. Deleting what is not there is a success.
	Delete(ctx context.Context, id account.ID) error
}

// Errors of the contract.
var (
	ErrMarksConflict    = errors.New("feed: the marks were edited meanwhile")
	ErrMarksUnavailable = errors.New("feed: the store of marks is unavailable")
)
