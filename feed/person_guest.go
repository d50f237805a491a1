package feed

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"newsfeed/interests"
	"newsfeed/interests/account"
)

// MergeGuest merges what belongs to a guest who signs in into the account, once;
// nil when nothing is to be told of it: the guest has ended meanwhile, or the merge
// is not remembered any more. The guest's token is spent first, so that of two
// sign-ins at the same moment, on whichever nodes, one merges. Repeating a sign-in
// that was interrupted goes on where it ended. ErrMerged when what was the guest's
// is another account's.
func (b *Belongings) MergeGuest(ctx context.Context, people *account.People, token account.Secret, s account.Session, into account.ID) (*interests.Merge, error) {
	guest, err := people.Spend(ctx, token, s, account.Merged{Merge: uuid.Must(uuid.NewV7()), Account: into})
	switch {
	case errors.Is(err, account.ErrNoSession):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("spend the token of the guest %s: %w", s.Account, err)
	case guest.Merged.Account != into:
		return nil, account.ErrMerged
	case guest.Merged.Done:
		return b.Merged(ctx, into, guest.Merged.Merge)
	}
	m, err := b.Merge(ctx, into, interests.Merge{ID: guest.Merged.Merge, Guest: guest.Account, Token: token.Hash()})
	if err != nil {
		return nil, fmt.Errorf("merge the guest %s: %w", guest.Account, err)
	}
	if err := people.EndLinks(ctx, guest.Account); err != nil {
		return nil, fmt.Errorf("end the links of the guest %s: %w", guest.Account, err)
	}
	if err := people.Spent(ctx, token, guest); err != nil && !errors.Is(err, account.ErrNoSession) {
		return nil, fmt.Errorf("note that the guest %s was merged: %w", guest.Account, err)
	}
	return &m, nil
}

// Merged returns a merge that was done; nil when it is not remembered any more.
func (b *Belongings) Merged(ctx context.Context, into account.ID, id uuid.UUID) (*interests.Merge, error) {
	m, err := b.Merger.Find(ctx, into, id)
	if errors.Is(err, interests.ErrNoMerge) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &m, nil
}
