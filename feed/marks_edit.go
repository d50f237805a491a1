package feed

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"newsfeed/interests"
	"newsfeed/interests/account"
	"newsfeed/interests/athand"
)

// Errors of MarkSets beside those of the store.
var (
	// ErrMarksFull: MaxSaved stories are saved already.
	ErrMarksFull = errors.New("feed: no more stories can be saved")
	// ErrMarksBusy: others edited the marks each time this edit was tried.
	ErrMarksBusy = errors.New("feed: too many edits of these marks at once")
)

// MarkSets reads and edits people's marks, and keeps those lately used at hand
// (see [MarkSets.Remember]). Safe for concurrent use.
type MarkSets struct {
	store Marks
	now   func() time.Time
	hand  *athand.Cache[*MarkSet] // nil: every question goes to the store
}

// NewMarkSets returns the sets in a store; now is the server's clock.
func NewMarkSets(store Marks, now func() time.Time) *MarkSets {
	return &MarkSets{store: store, now: now}
}

// Get returns a person's marks as the store has them now, the zero MarkSet when
// they have none. [MarkSets.AtLeast] costs less.
func (m *MarkSets) Get(ctx context.Context, id account.ID) (MarkSet, error) {
	return m.store.Load(ctx, id)
}

// Set sets (true) or takes back (false) the named marks of a story, all or none
// of them, with one stamp of the server's own that is later than everything in
// the set, and returns the set after it. The set is kept until the given time,
// for good when that is zero. Setting what is set already still counts as an
// edit: it wins over an older one that arrives late. Stories that were merged with
// this one get the same. Errors: ErrMarksFull,
// ErrMarksBusy, and those of the store.
func (m *MarkSets) Set(ctx context.Context, id account.ID, story StoryID, marks map[Mark]bool, until time.Time, merged ...StoryID) (MarkSet, error) {
	set, _, err := m.edit(ctx, id, until, func(s MarkSet, now time.Time) (MarkChange, []interests.Result, error) {
		at, ops := s.NextStamp(now), make([]MarkOp, 0, len(marks))
		for mark, value := range marks {
			for _, story := range append(merged, story) {
				ops = append(ops, MarkOp{Story: story, Mark: mark, Value: value, At: at})
			}
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

// Delete removes a person's marks, here and on the nodes that have them at hand.
func (m *MarkSets) Delete(ctx context.Context, id account.ID) error {
	m.hand.Forget(id.Key()) // also if we never learn what became of them
	err := m.store.Delete(ctx, id)
	m.hand.Forget(id.Key()) // what was read meanwhile
	return err
}

// Keep changes how long a person's marks are kept; see [Marks.Keep].
func (m *MarkSets) Keep(ctx context.Context, id account.ID, until time.Time) error {
	return m.store.Keep(ctx, id, until)
}

// markAttempts bounds how often an edit is tried against others.
const markAttempts = 12

// marksEditor says what an edit makes of a set.
type marksEditor func(MarkSet, time.Time) (MarkChange, []interests.Result, error)

// edit makes a change of the newest set until no other edit came between. It
// tries the set at hand first, which saves a round trip of up to 30,000 marks: if
// that is not the newest, the swap is refused. What it says of an edit that fails
// or changes nothing is no answer, since the newest might say otherwise.
func (m *MarkSets) edit(ctx context.Context, id account.ID, until time.Time, by marksEditor) (MarkSet, []interests.Result, error) {
	if set, ok := m.AtHand(id, 0); ok {
		if c, results, err := by(*set, m.now()); err == nil && !c.IsZero() {
			next, err := m.swap(ctx, id, *set, c, until)
			switch {
			case err == nil:
				return next, results, nil
			case !errors.Is(err, ErrMarksConflict):
				return MarkSet{}, nil, err
			}
		}
	}
	for try := range markAttempts {
		set, err := m.store.Load(ctx, id)
		if err != nil {
			return MarkSet{}, nil, err
		}
		c, results, err := by(set, m.now())
		switch {
		case err != nil:
			return MarkSet{}, nil, err
		case c.IsZero():
			return set, results, nil
		}
		next, err := m.swap(ctx, id, set, c, until)
		switch {
		case err == nil:
			return next, results, nil
		case !errors.Is(err, ErrMarksConflict):
			return MarkSet{}, nil, err
		}
		if err := pauseForOthers(ctx, try); err != nil {
			return MarkSet{}, nil, err
		}
	}
	return MarkSet{}, nil, ErrMarksBusy
}

// swap makes a change of a set, if that is the newest, and returns what it makes.
func (m *MarkSets) swap(ctx context.Context, id account.ID, set MarkSet, c MarkChange, until time.Time) (MarkSet, error) {
	ticket := m.hand.Begin(id.Key())
	defer ticket.End()
	if err := m.store.Swap(ctx, id, set.Revision, c, until); err != nil {
		m.hand.Doubt(id.Key())
		return MarkSet{}, err
	}
	next := set.With(c)
	ticket.Keep(keepingMarks(next))
	return next, nil
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
