package storagetest

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"newsfeed/interests"
	"newsfeed/interests/account"
)

// ModelLists is also a store of merges.

// Put implements interests.Merges.
func (m *ModelLists) Put(ctx context.Context, id account.ID, from interests.Revision, next interests.List, merge interests.Merge, undos ...interests.Undo) error {
	return m.do(ctx, id, func() error {
		kept, stored := m.lists[id], m.merges[id]
		old := slices.IndexFunc(stored, func(s interests.Merge) bool { return s.ID == merge.ID })
		if kept.list.Revision != from || old >= 0 && !merge.Undone {
			return fmt.Errorf("put merge of %s: %w", id, interests.ErrConflict)
		}
		if next.Revision != from {
			m.lists[id] = keptList{next, time.Time{}, appendUndos(kept.journal, undos)}
		}
		if old >= 0 {
			stored = slices.Delete(stored, old, old+1)
		}
		stored = append(stored, merge)
		slices.SortFunc(stored, func(a, b interests.Merge) int { return bytes.Compare(b.ID[:], a.ID[:]) })
		if m.merges == nil {
			m.merges = map[account.ID][]interests.Merge{}
		}
		m.merges[id] = stored[:min(len(stored), interests.MaxMerges)]
		return nil
	})
}

// Merge implements interests.Merges.
func (m *ModelLists) Merge(ctx context.Context, id account.ID, merge uuid.UUID) (found interests.Merge, err error) {
	all, err := m.Merges(ctx, id)
	if err != nil {
		return found, err
	}
	for _, s := range all {
		if s.ID == merge {
			return s, nil
		}
	}
	return found, fmt.Errorf("merge of %s: %w", id, interests.ErrNoMerge)
}

// Merges implements interests.Merges.
func (m *ModelLists) Merges(ctx context.Context, id account.ID) (all []interests.Merge, err error) {
	err = m.do(ctx, id, func() error {
		for _, s := range m.merges[id] {
			if time.Since(s.At) < interests.MergeKept {
				all = append(all, s)
			}
		}
		return nil
	})
	return all, err
}
