package embedded

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"newsfeed/interests"
	"newsfeed/interests/account"
)

// lists keeps [interests.Store]: 16 bytes of an account's id → until when, and
// interests.List (see expiry.go).
//
// Swaps are transactions of their own, not bbolt's Batch: that waits up to 10 ms
// for company, longer than the disk takes for one, and runs everybody again
// after one caller's conflict.
type lists struct{ *Store }

// Lists is the file's [interests.Store].
func (s *Store) Lists() interests.Store { return lists{s} }

func (s lists) Load(ctx context.Context, id account.ID) (interests.List, error) {
	var list interests.List
	err := s.view(ctx, interests.ErrUnavailable, func(tx *bbolt.Tx) error {
		text := live(tx.Bucket(bucketLists), id[:], time.Now())
		if text == nil {
			return nil
		}
		return json.Unmarshal(text, &list)
	})
	if err != nil {
		return interests.List{}, fmt.Errorf("load list of %s: %w", id, err)
	}
	return list, nil
}

func (s lists) Swap(ctx context.Context, id account.ID, from interests.Revision, next interests.List, until time.Time) error {
	err := s.update(ctx, interests.ErrUnavailable, func(tx *bbolt.Tx) error {
		b := tx.Bucket(bucketLists)
		var now struct{ Revision interests.Revision }
		if text := live(b, id[:], time.Now()); text != nil {
			if err := json.Unmarshal(text, &now); err != nil {
				return err
			}
		}
		if now.Revision != from {
			return interests.ErrConflict
		}
		return putUntil(b, id[:], next, millis(until))
	})
	if err != nil {
		return fmt.Errorf("swap list of %s: %w", id, err)
	}
	return nil
}

func (s lists) Keep(ctx context.Context, id account.ID, until time.Time) error {
	err := s.update(ctx, interests.ErrUnavailable, func(tx *bbolt.Tx) error {
		b := tx.Bucket(bucketLists)
		text := live(b, id[:], time.Now())
		if text == nil {
			return nil
		}
		return b.Put(id[:], append(number(millis(until)), text...))
	})
	if err != nil {
		return fmt.Errorf("keep list of %s: %w", id, err)
	}
	return nil
}

func (s lists) Delete(ctx context.Context, id account.ID) error {
	err := s.update(ctx, interests.ErrUnavailable, func(tx *bbolt.Tx) error {
		return tx.Bucket(bucketLists).Delete(id[:])
	})
	if err != nil {
		return fmt.Errorf("delete list of %s: %w", id, err)
	}
	return nil
}
