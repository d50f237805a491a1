package embedded

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"go.etcd.io/bbolt"

	"newsfeed/interests/account"
)

// Keys returns the store's keys of publishers and editors.
func (s *Store) Keys() account.Keys { return &keys{store: s} }

// keys keeps account.Keys. There are a few dozen, so all are read to compare.
type keys struct{ store *Store }

// CreateKey implements account.Keys.
func (s *keys) CreateKey(ctx context.Context, k account.Key) error {
	err := s.store.update(ctx, account.ErrUnavailable, func(tx *bbolt.Tx) error {
		b := tx.Bucket(bucketKeys)
		all, err := allKeys(b)
		if err != nil {
			return err
		}
		for _, other := range all {
			if other.ID == k.ID || other.Hash == k.Hash {
				return account.ErrExists
			}
		}
		return put(b, k.ID[:], k)
	})
	if err != nil {
		return fmt.Errorf("create key %s: %w", k.ID, err)
	}
	return nil
}

// Keys implements account.Keys.
func (s *keys) Keys(ctx context.Context) (all []account.Key, err error) {
	err = s.store.view(ctx, account.ErrUnavailable, func(tx *bbolt.Tx) error {
		all, err = allKeys(tx.Bucket(bucketKeys))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("load keys: %w", err)
	}
	return all, nil
}

// RevokeKey implements account.Keys.
func (s *keys) RevokeKey(ctx context.Context, id uuid.UUID) error {
	err := s.store.update(ctx, account.ErrUnavailable, func(tx *bbolt.Tx) error {
		b := tx.Bucket(bucketKeys)
		if b.Get(id[:]) == nil {
			return account.ErrNoKey
		}
		return b.Delete(id[:])
	})
	if err != nil {
		return fmt.Errorf("revoke key %s: %w", id, err)
	}
	return nil
}

// allKeys returns the keys of the bucket, oldest first; of one moment, by id.
func allKeys(b *bbolt.Bucket) ([]account.Key, error) {
	var all []account.Key
	err := b.ForEach(func(id, value []byte) error {
		var k account.Key
		if err := json.Unmarshal(value, &k); err != nil {
			return fmt.Errorf("key %x is damaged: %w", id, err)
		}
		all = append(all, k)
		return nil
	})
	slices.SortStableFunc(all, func(a, b account.Key) int {
		return cmp.Or(a.Created.Compare(b.Created), slices.Compare(a.ID[:], b.ID[:]))
	})
	return all, err
}
