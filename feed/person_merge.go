package feed

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"newsfeed/interests"
	"newsfeed/interests/account"
)

// Merge merges what belongs to m's guest, list and marks, into what belongs to an
// account, once: a merge that was stored before is returned as it is, and changes
// nothing, whatever became of it. Marks go first; then the list and the record of
// the merge, at one moment. What was interrupted is done whole when it is repeated.
// Where the account is the guest, who has signed up, what they have is kept for
// good. m has ID, Guest and Token.
func (b *Belongings) Merge(ctx context.Context, into account.ID, m interests.Merge) (interests.Merge, error) {
	stored, err := b.Merger.Find(ctx, into, m.ID)
	if !errors.Is(err, interests.ErrNoMerge) {
		return stored, err
	}
	if err := b.keep(ctx, into, m.Guest); err != nil {
		return interests.Merge{}, fmt.Errorf("keep what is %s's: %w", m.Guest, err)
	}
	if m.Marks, err = b.Marks.Merge(ctx, into, m.Guest); err != nil {
		return interests.Merge{}, fmt.Errorf("merge the marks of %s: %w", m.Guest, err)
	}
	if m, err = b.Merger.Merge(ctx, into, m); err != nil {
		return interests.Merge{}, fmt.Errorf("merge the list of %s: %w", m.Guest, err)
	}
	return m, nil
}

// keep keeps an account's own for good, and a guest's marks for as long as a merge
// can be undone, for it is told by them.
func (b *Belongings) keep(ctx context.Context, into, guest account.ID) error {
	if into != guest {
		return b.Marks.Keep(ctx, guest, time.Now().Add(interests.MergeKept))
	}
	if err := b.Lists.Keep(ctx, guest, time.Time{}); err != nil {
		return err
	}
	return b.Marks.Keep(ctx, guest, time.Time{})
}

// Unmerge takes back a merge of an account, once, and returns the list after it.
// ErrNoMerge when it is not remembered or was longer ago than account.MergeLife.
func (b *Belongings) Unmerge(ctx context.Context, id account.ID, merge uuid.UUID) (interests.List, error) {
	m, err := b.Merger.Find(ctx, id, merge)
	if err != nil {
		return interests.List{}, err
	}
	if !m.Undone {
		if err := b.Marks.Unmerge(ctx, id, m.Guest, m.Marks); err != nil {
			return interests.List{}, fmt.Errorf("take back the marks of merge %s: %w", merge, err)
		}
	}
	return b.Merger.Undo(ctx, id, merge)
}
