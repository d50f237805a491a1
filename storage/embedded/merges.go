package embedded

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"go.etcd.io/bbolt"

	"newsfeed/interests"
	"newsfeed/interests/account"
	"newsfeed/interests/athand"
)

// merges keeps [interests.Merges]: 16 bytes of an account's id and 16 of the
// merge's → until when, and interests.Merge (see expiry.go).
type merges struct{ *Store }

// Merges is the file's [interests.Merges].
func (s *Store) Merges() interests.Merges { return merges{s} }

func mergeKey(id account.ID, merge uuid.UUID) []byte { return append(id[:], merge[:]...) }

func (s merges) Put(ctx context.Context, id account.ID, from interests.Revision, next interests.List, m interests.Merge, undos ...interests.Undo) error {
	err := s.update(ctx, interests.ErrUnavailable, func(tx *bbolt.Tx) error {
		b := tx.Bucket(bucketMerges)
		if live(b, mergeKey(id, m.ID), time.Now()) != nil && !m.Undone {
			return interests.ErrConflict
		}
		if next.Revision != from {
			if err := swapIn(tx, id, from, next, time.Time{}, undos); err != nil {
				return err
			}
		} else if err := expectIn(tx, id, from); err != nil {
			return err
		}
		if err := putUntil(b, mergeKey(id, m.ID), m, millis(m.At.Add(interests.MergeKept))); err != nil {
			return err
		}
		return trimMerges(b, id)
	})
	if next.Revision != from {
		s.ears.told(err, athand.List, id.Key(), uint64(next.Revision))
	}
	if err != nil {
		return fmt.Errorf("put merge %s of %s: %w", m.ID, id, err)
	}
	return nil
}

// keysOf returns the keys that begin with an account's id, in order: of merges,
// the oldest first.
func keysOf(b *bbolt.Bucket, id account.ID) (keys [][]byte) {
	c := b.Cursor()
	for key, _ := c.Seek(id[:]); bytes.HasPrefix(key, id[:]); key, _ = c.Next() {
		keys = append(keys, bytes.Clone(key))
	}
	return keys
}

func trimMerges(b *bbolt.Bucket, id account.ID) error {
	keys := keysOf(b, id)
	for len(keys) > interests.MaxMerges {
		if err := b.Delete(keys[0]); err != nil {
			return err
		}
		keys = keys[1:]
	}
	return nil
}

func (s merges) Merge(ctx context.Context, id account.ID, merge uuid.UUID) (m interests.Merge, err error) {
	err = s.view(ctx, interests.ErrUnavailable, func(tx *bbolt.Tx) error {
		text := live(tx.Bucket(bucketMerges), mergeKey(id, merge), time.Now())
		if text == nil {
			return interests.ErrNoMerge
		}
		return json.Unmarshal(text, &m)
	})
	if err != nil {
		return interests.Merge{}, fmt.Errorf("merge %s of %s: %w", merge, id, err)
	}
	return m, nil
}

func (s merges) Merges(ctx context.Context, id account.ID) (all []interests.Merge, err error) {
	err = s.view(ctx, interests.ErrUnavailable, func(tx *bbolt.Tx) error {
		b := tx.Bucket(bucketMerges)
		for _, key := range slices.Backward(keysOf(b, id)) {
			text := live(b, key, time.Now())
			if text == nil {
				continue
			}
			var m interests.Merge
			if err := json.Unmarshal(text, &m); err != nil {
				return err
			}
			all = append(all, m)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("merges of %s: %w", id, err)
	}
	return all, nil
}
