package embedded

import (
	"context"
	"fmt"

	"go.etcd.io/bbolt"

	"newsfeed/feed"
	"newsfeed/interests"
	"newsfeed/interests/account"
)

// together keeps [feed.Together] in one transaction.
type together struct{ *Store }

// Together is the file's [feed.Together].
func (s *Store) Together() feed.Together { return together{s} }

func (s together) LoadTogether(ctx context.Context, id account.ID) (list interests.List, set feed.MarkSet, err error) {
	err = s.view(ctx, interests.ErrUnavailable, func(tx *bbolt.Tx) error {
		if err := readList(tx, id, &list); err != nil {
			return err
		}
		return readMarks(tx, id, &set)
	})
	if err != nil {
		return interests.List{}, feed.MarkSet{}, fmt.Errorf("load list and marks of %s: %w", id, err)
	}
	return list, set, nil
}
