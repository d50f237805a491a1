package feed

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"time"

	"newsfeed/interests"
	"newsfeed/interests/account"
)

// Merge joins into a person's marks those that are set in a guest's, and returns
// the greatest stamp in the guest's set. They keep their stamps, so that saved
// stories stay in the order in which they were saved, and merging twice is merging
// once. What the guest took back is not merged, nor what would be the person's
// anyway, nor what the limits forbid. Errors: ErrMarksBusy, and those of the store.
func (m *MarkSets) Merge(ctx context.Context, into, guest account.ID) (interests.Stamp, error) {
	theirs, err := m.store.Load(ctx, guest)
	if err != nil {
		return interests.Stamp{}, err
	}
	newest := editMarks(theirs).newest
	if into == guest {
		return newest, nil
	}
	_, _, err = m.edit(ctx, into, time.Time{}, func(s MarkSet, now time.Time) (MarkChange, []interests.Result, error) {
		change, results := ApplyMarks(s, mergeOps(s, theirs), now)
		return change, results, nil
	})
	return newest, err
}

// mergeOps are the marks that are set in a guest's and not in a person's.
func mergeOps(into, guest MarkSet) (ops []MarkOp) {
	for story, marks := range guest.Stories {
		mine := into.Stories[story]
		for mark := Read; mark <= Hidden; mark++ {
			if r := marks.Of(mark); r.Value && !mine.Of(mark).Value {
				ops = append(ops, MarkOp{Story: story, Mark: mark, Value: true, At: r.At})
			}
		}
	}
	slices.SortFunc(ops, func(a, b MarkOp) int { // the latest first, should a limit cut them off
		return cmp.Or(b.At.Compare(a.At), bytes.Compare(a.Story[:], b.Story[:]))
	})
	return ops
}

// Unmerge takes back, by edits of the server's own, the marks that came from a
// guest and that nobody edited since: those that have the same stamp in both sets,
// none greater than newest. Guest and person may be one.
func (m *MarkSets) Unmerge(ctx context.Context, from, guest account.ID, newest interests.Stamp) error {
	theirs, err := m.store.Load(ctx, guest)
	if err != nil {
		return err
	}
	_, _, err = m.edit(ctx, from, time.Time{}, func(s MarkSet, now time.Time) (MarkChange, []interests.Result, error) {
		at := s.NextStamp(now)
		var ops []MarkOp
		for story, marks := range theirs.Stories {
			mine := s.Stories[story]
			for mark := Read; mark <= Hidden; mark++ {
				r := marks.Of(mark)
				if r.Value && r == mine.Of(mark) && r.At.Compare(newest) <= 0 {
					ops = append(ops, MarkOp{Story: story, Mark: mark, Value: false, At: at})
				}
			}
		}
		change, results := ApplyMarks(s, ops, now)
		return change, results, nil
	})
	return err
}
