package feed

import (
	"context"
	"fmt"

	"newsfeed/interests"
	"newsfeed/interests/account"
)

// Taken is all that belongs to a person, as the stores have it.
type Taken struct {
	List    interests.List
	Journal []interests.Undo // newest first
	Marks   MarkSet
	Merges  []interests.Merge // newest first
}

// Take returns all that belongs to a person. It is not of one moment: each part
// is.
func (b *Belongings) Take(ctx context.Context, id account.ID) (t Taken, err error) {
	if t.List, err = b.Lists.Get(ctx, id); err != nil {
		return t, fmt.Errorf("take the list: %w", err)
	}
	if t.Journal, err = b.Lists.Undos(ctx, id); err != nil {
		return t, fmt.Errorf("take the journal: %w", err)
	}
	if t.Marks, err = b.Marks.Get(ctx, id); err != nil {
		return t, fmt.Errorf("take the marks: %w", err)
	}
	if t.Merges, err = b.Merger.All(ctx, id); err != nil {
		return t, fmt.Errorf("take the merges: %w", err)
	}
	return t, nil
}
