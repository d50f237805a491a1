package interests

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"newsfeed/interests/account"
	"newsfeed/interests/topic"
)

// Known is what a device says that it has of a list: all of a revision, and the
// digest of that.
type Known struct {
	Revision Revision
	Digest   uint64
}

// Synced is what a device is told.
type Synced struct {
	List    List // with the device's edits
	Results []Result

	// Full: Changes is the whole list, remembered removals included. Else it is
	// what changed since the revision that the device has, and what stands where
	// one of its edits was superseded. Sorted by topic; a removal has the level
	// None, and one that is not remembered has the floor for its stamp, which is
	// not before the one it had.
	Full    bool
	Changes []Interest
}

// Sync applies ops of a device to a person's list (see [Apply]) and returns what
// the device then lacks, given what it has; nil: that is not known. The list is
// kept until the given time, for good when that is zero, unless no op was
// applied. Errors: ErrBusy and those of the Store.
func (l *Lists) Sync(ctx context.Context, id account.ID, has *Known, ops []Op, until time.Time) (Synced, error) {
	for try := range attempts {
		list, undos, err := l.journal(ctx, id, has)
		if err != nil {
			return Synced{}, err
		}
		now := l.now()
		next, results := Apply(list, ops, now)
		if next.Revision != list.Revision {
			undo := NewUndo(list, next, now)
			undos = slices.Insert(undos, 0, undo)
			err = l.swap(ctx, id, list.Revision, next, until, undo)
		}
		if err == nil {
			return lacking(next, undos, has, ops, results), nil
		}
		if !errors.Is(err, ErrConflict) {
			return Synced{}, err
		}
		if err := pause(ctx, try); err != nil {
			return Synced{}, err
		}
	}
	return Synced{}, fmt.Errorf("sync list of %s: %w", id, ErrBusy)
}

// journal reads the newest list, and the way back to what a device has if there
// is one.
func (l *Lists) journal(ctx context.Context, id account.ID, has *Known) (List, []Undo, error) {
	if has == nil {
		list, err := l.store.Load(ctx, id)
		return list, nil, err
	}
	list, undos, err := l.store.Journal(ctx, id, has.Revision)
	if errors.Is(err, ErrForgotten) {
		return list, nil, nil
	}
	return list, undos, err
}

// lacking says what a device that has something lacks of a list.
func lacking(list List, undos []Undo, has *Known, ops []Op, results []Result) Synced {
	s := Synced{List: list, Results: results}
	topics, ok := changed(list, undos, has)
	if s.Full = !ok; s.Full {
		topics = map[topic.ID]bool{}
		for id := range list.Topics {
			topics[id] = true
		}
	}
	for i, r := range results {
		if r.Status == Superseded {
			topics[ops[i].Topic] = true
		}
	}
	for _, id := range slices.Sorted(maps.Keys(topics)) {
		r, ok := list.Topics[id]
		if !ok {
			r = Register{Level: None, At: list.Floor}
		}
		s.Changes = append(s.Changes, Interest{id, r})
	}
	return s
}

// maxChanges is how many changes are told: as many as a list holds. What is
// beyond is not remembered.
const maxChanges = MaxFollowed + MaxMuted + MaxTombstones

// changed returns the topics that changed since what a device has, unless that is
// not known.
func changed(list List, undos []Undo, has *Known) (map[topic.ID]bool, bool) {
	topics := map[topic.ID]bool{}
	for _, u := range undos {
		for id := range u.Topics {
			topics[id] = true
		}
	}
	return topics, leadsTo(list, undos, has) && len(topics) <= maxChanges
}

// leadsTo reports whether undos take a list back to exactly what a device has.
func leadsTo(list List, undos []Undo, has *Known) bool {
	if has == nil {
		return false
	}
	then, err := Rewind(list, undos, has.Revision)
	return err == nil && then.Digest() == has.Digest
}
