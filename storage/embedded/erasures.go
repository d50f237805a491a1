package embedded

import (
	"context"
	"fmt"

	"go.etcd.io/bbolt"

	"newsfeed/interests/account"
)

// erasures keeps [account.Erasures]: 16 bytes of an account's id → account.Erasure.
type erasures struct{ *Store }

// Erasures is the file's [account.Erasures].
func (s *Store) Erasures() account.Erasures { return erasures{s} }

func (s erasures) Begin(ctx context.Context, e account.Erasure) error {
	err := s.update(ctx, account.ErrUnavailable, func(tx *bbolt.Tx) error {
		return put(tx.Bucket(bucketErasures), e.Account[:], e)
	})
	if err != nil {
		return fmt.Errorf("begin to erase %s: %w", e.Account, err)
	}
	return nil
}

func (s erasures) Pending(ctx context.Context) (all []account.Erasure, err error) {
	err = s.view(ctx, account.ErrUnavailable, func(tx *bbolt.Tx) error {
		b := tx.Bucket(bucketErasures)
		return b.ForEach(func(key, _ []byte) error {
			var e account.Erasure
			_, err := get(b, key, &e)
			all = append(all, e)
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("erasures under way: %w", err)
	}
	return all, nil
}

func (s erasures) Done(ctx context.Context, id account.ID) error {
	err := s.update(ctx, account.ErrUnavailable, func(tx *bbolt.Tx) error {
		return tx.Bucket(bucketErasures).Delete(id[:])
	})
	if err != nil {
		return fmt.Errorf("note that %s is erased: %w", id, err)
	}
	return nil
}
