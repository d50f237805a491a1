package storagetest

import (
	"context"
	"fmt"
	"sync"
	"time"

	"newsfeed/feed"
	"newsfeed/interests"
	"newsfeed/interests/account"
)

// ModelMarks is a store of marks as plain as can be: a map. It passes the suite
// and is the oracle of its random operations.
type ModelMarks struct {
	outage
	mu   sync.Mutex // guards sets
	sets map[account.ID]keptMarks
}

type keptMarks struct {
	set   feed.MarkSet
	until time.Time // zero: for good
}

// NewModelMarks makes an empty store.
func NewModelMarks() *ModelMarks { return &ModelMarks{sets: map[account.ID]keptMarks{}} }

// Load implements feed.Marks.
func (m *ModelMarks) Load(ctx context.Context, id account.ID) (set feed.MarkSet, err error) {
	err = m.do(ctx, id, func() error { set = m.sets[id].set; return nil })
	return set, err
}

// Swap implements feed.Marks.
func (m *ModelMarks) Swap(ctx context.Context, id account.ID, from interests.Revision, change feed.MarkChange, until time.Time) error {
	return m.do(ctx, id, func() error {
		set := m.sets[id].set
		if set.Revision != from {
			return fmt.Errorf("swap marks of %s: %w", id, feed.ErrMarksConflict)
		}
		m.sets[id] = keptMarks{set.With(change), until}
		return nil
	})
}

// Keep implements feed.Marks.
func (m *ModelMarks) Keep(ctx context.Context, id account.ID, until time.Time) error {
	return m.do(ctx, id, func() error {
		if kept, ok := m.sets[id]; ok {
			m.sets[id] = keptMarks{kept.set, until}
		}
		return nil
	})
}

// Delete implements feed.Marks.
func (m *ModelMarks) Delete(ctx context.Context, id account.ID) error {
	return m.do(ctx, id, func() error { delete(m.sets, id); return nil })
}

// do is one call: alone, and with a set whose time has come out of the way.
func (m *ModelMarks) do(ctx context.Context, id account.ID, call func() error) error {
	if err := m.check(ctx, feed.ErrMarksUnavailable); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if until := m.sets[id].until; !until.IsZero() && !until.After(time.Now()) {
		delete(m.sets, id)
	}
	return call()
}
