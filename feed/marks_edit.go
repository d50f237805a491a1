package feed

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"newsfeed/interests"
	"newsfeed/interests/account"
)

// Errors of MarkSets beside those of the store.
var (
	// ErrMarksFull: MaxSaved stories are saved already.
	ErrMarksFull = errors.New("feed: no more stories can be saved")
	// ErrMarksBusy: others edited the marks each time this edit was tried.
	ErrMarksBusy = errors.New("feed: too many edits of these marks at once")
)

// MarkSets reads and edits people's marks. Safe for concurrent use.
type MarkSets struct {
	store Marks
	now   func() time.Time
}

// NewMarkSets returns the sets in a store; now is the server's clock.
func NewMarkSets(store Marks, now func() time.Time) *MarkSets { return &MarkSets{store, now} }

// Get returns a person's marks, the zero MarkSet when they have none.
func (m *MarkSets) Get(ctx context.Context, id account.ID) (MarkSet, error) {
	return m.store.Load(ctx, id)
}

// Set sets (true) or takes back (false) the named marks of a story, all or none
// of them, with one stamp of the server's own that is later than everything in
// the set, and returns the set after it. The set is kept until the given time,
// for good when that is zero. Setting what is set already still counts as an
// edit: it wins over an older one that arrives late. Errors: ErrMarksFull,
// ErrMarksBusy, and those of the store.
func (m *MarkSets) Set(ctx context.Context, id account.ID, story StoryID, marks map[Mark]bool, until time.Time) (MarkSet, error) {
	set, _, err := m.edit(ctx, id, until, func(s MarkSet, now time.Time) (MarkChange, []interests.Result, error) {
		at, ops := s.NextStamp(now), make([]MarkOp, 0, len(marks))
		for mark, value := range marks {
			ops = append(ops, MarkOp{Story: story, Mark: mark, Value: value, At: at})
		}
		change, results := ApplyMarks(s, ops, now)
		for _, r := range results {
			switch {
			case r.Reason == interests.ListFull:
				return MarkChange{}, nil, ErrMarksFull
			case r.Status != interests.Applied:
				return MarkChange{}, nil, fmt.Errorf("%s %s", r.Status, r.Reason)
			}
		}
		return change, results, nil
	})
	if err != nil {
		return MarkSet{}, fmt.Errorf("mark story %s: %w", story, err)
	}
	return set, nil
}

// Apply applies ops of a person's devices (see [ApplyMarks]) and returns the set
// after them and an answer to each. The set is kept until the given time, for
// good when that is zero, unless no op was applied. Errors: ErrMarksBusy, and
// those of the store.
func (m *MarkSets) Apply(ctx context.Context, id account.ID, ops []MarkOp, until time.Time) (MarkSet, []interests.Result, error) {
	return m.edit(ctx, id, until, func(s MarkSet, now time.Time) (MarkChange, []interests.Result, error) {
		change, results := ApplyMarks(s, ops, now)
		return change, results, nil
	})
}

// Keep changes how long a person's marks are kept; see [Marks.Keep].
func (m *MarkSets) Keep(ctx context.Context, id account.ID, until time.Time) error {
	return m.store.Keep(ctx, id, until)
}

// markAttempts bounds how often an edit is tried against others.
const markAttempts = 12

// edit makes a change of the newest set until no other edit came between.
func (m *MarkSets) edit(ctx context.Context, id account.ID, until time.Time,
	change func(MarkSet, time.Time) (MarkChange, []interests.Result, error)) (MarkSet, []interests.Result, error) {
	for try := range markAttempts {
		set, err := m.store.Load(ctx, id)
		if err != nil {
			return MarkSet{}, nil, err
		}
		c, results, err := change(set, m.now())
		if err != nil {
			return MarkSet{}, nil, err
		}
		if c.IsZero() {
			return set, results, nil
		}
		switch err := m.store.Swap(ctx, id, set.Revision, c, until); {
		case err == nil:
			return set.With(c), results, nil
		case !errors.Is(err, ErrMarksConflict):
			return MarkSet{}, nil, err
		}
		if err := pauseForOthers(ctx, try); err != nil {
			return MarkSet{}, nil, err
		}
	}
	return MarkSet{}, nil, ErrMarksBusy
}

// pauseForOthers waits a random time that grows with the number of tries.
func pauseForOthers(ctx context.Context, try int) error {
	t := time.NewTimer(time.Duration(rand.Int64N(int64(time.Millisecond) << min(try, 6))))
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
