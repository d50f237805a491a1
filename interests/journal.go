package interests

import (
	"fmt"
	"maps"
	"time"

	"newsfeed/interests/topic"
)

// Undo takes one edit of a list back. The undos of a list, kept beside it, are
// its journal: earlier revisions are rebuilt from it (see [Rewind]).
type Undo struct {
	Revision Revision  `json:"revision"` // of the edit
	Previous Revision  `json:"previous"` // before it
	At       time.Time `json:"at"`       // of the edit, by the server's clock, in milliseconds

	Floor  Stamp                 `json:"floor,omitzero"`   // before it
	Topics map[topic.ID]Register `json:"topics,omitempty"` // those it changed, as they were; the zero Register: absent
}

// How long a journal remembers. An earlier revision can be rebuilt for an hour
// after the edit that replaced it, however many edits there were: a cursor of
// the feed names one. The rest bounds what one person can have us keep.
const (
	JournalLeast = time.Hour      // no entry goes before
	JournalMost  = 24 * time.Hour // each entry goes after
	JournalSize  = 5000           // with more entries, those older than JournalLeast go
	JournalTrim  = 1000           // entries that leave with one edit at most, so that none takes long
)

// NewUndo is what takes the edit back that made after of before at a time.
func NewUndo(before, after List, at time.Time) Undo {
	u := Undo{
		Revision: after.Revision, Previous: before.Revision, At: at.UTC().Truncate(time.Millisecond),
		Floor: before.Floor, Topics: map[topic.ID]Register{},
	}
	for id, was := range before.Topics {
		if is, ok := after.Topics[id]; !ok || !was.equal(is) {
			u.Topics[id] = was
		}
	}
	for id := range after.Topics {
		if _, ok := before.Topics[id]; !ok {
			u.Topics[id] = Register{}
		}
	}
	return u
}

func (r Register) equal(other Register) bool {
	return r.Level == other.Level && r.At == other.At && r.Since.Equal(other.Since)
}

// Outlived reports whether an entry is to leave a journal that has so many, at
// the time of its newest.
func (u Undo) Outlived(newest time.Time, entries int) bool {
	age := newest.Sub(u.At)
	return age > JournalMost || age > JournalLeast && entries > JournalSize
}

// LeadsBack reports whether undos, newest first, take a list from one revision
// back to another without a gap. Older ones behind them do no harm.
func LeadsBack(from Revision, undos []Undo, to Revision) bool {
	for _, u := range undos {
		if from == to || from != u.Revision {
			break
		}
		from = u.Previous
	}
	return from == to
}

// Rewind returns the list as it was at an earlier revision, given the undos of
// the edits since, newest first. ErrForgotten when they do not lead there. The
// list given is not changed.
func Rewind(list List, undos []Undo, to Revision) (List, error) {
	if !LeadsBack(list.Revision, undos, to) {
		return List{}, fmt.Errorf("rewind list from revision %d to %d: %w", list.Revision, to, ErrForgotten)
	}
	if list.Revision == to {
		return list, nil
	}
	then := List{Topics: make(map[topic.ID]Register, len(list.Topics))}
	maps.Copy(then.Topics, list.Topics)
	for _, u := range undos {
		u.apply(&then)
		if then.Revision == to {
			break
		}
	}
	return then, nil
}

// apply changes the list in place.
func (u Undo) apply(l *List) {
	l.Revision, l.Floor = u.Previous, u.Floor
	for id, was := range u.Topics {
		if was.Level == 0 {
			delete(l.Topics, id)
		} else {
			l.Topics[id] = was
		}
	}
}
