package embedded

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"newsfeed/feed"
	"newsfeed/interests"
	"newsfeed/interests/account"
	"newsfeed/interests/athand"
)

// marks keeps [feed.Marks]: 16 bytes of an account's id → a bucket of that
// person's own, so that an edit writes its stories and not all 30,000. In it:
//
//	"head"                    → until when (as in expiry.go), revision, floor, past
//	16 bytes of a story's id  → feed.StoryMarks in binary
type marks struct{ *Store }

// Marks is the file's [feed.Marks].
func (s *Store) Marks() feed.Marks { return marks{s} }

var keyHead = []byte("head")

// headSize is 8 bytes of time, 8 of revision, 16 of floor; what follows is the past.
const headSize = untilSize + 8 + len(interests.Stamp{})

var errMarksHead = errors.New("damaged head of marks")

func (s marks) Load(ctx context.Context, id account.ID) (feed.MarkSet, error) {
	var set feed.MarkSet
	err := s.view(ctx, feed.ErrMarksUnavailable, func(tx *bbolt.Tx) error { return readMarks(tx, id, &set) })
	if err != nil {
		return feed.MarkSet{}, fmt.Errorf("load marks of %s: %w", id, err)
	}
	return set, nil
}

func readMarks(tx *bbolt.Tx, id account.ID, set *feed.MarkSet) error {
	b, head, err := liveMarks(tx, id, time.Now())
	if err != nil || b == nil {
		return err
	}
	set.Revision = interests.Revision(numberOf(head[untilSize:]))
	copy(set.Floor[:], head[untilSize+8:])
	if set.Past, err = feed.ParsePast(head[headSize:]); err != nil {
		return err
	}
	set.Stories = map[feed.StoryID]feed.StoryMarks{}
	return b.ForEach(func(key, value []byte) error {
		if len(key) != len(feed.StoryID{}) {
			return nil // the head
		}
		story, of := feed.StoryID(key), feed.StoryMarks{}
		if err := of.UnmarshalBinary(value); err != nil {
			return fmt.Errorf("read story %s: %w", story, err)
		}
		set.Stories[story] = of
		return nil
	})
}

func (s marks) Swap(ctx context.Context, id account.ID, from interests.Revision, change feed.MarkChange, until time.Time) error {
	err := s.update(ctx, feed.ErrMarksUnavailable, func(tx *bbolt.Tx) error {
		b, head, err := liveMarks(tx, id, time.Now())
		if err != nil {
			return err
		}
		now := interests.Revision(0)
		if b != nil {
			now = interests.Revision(numberOf(head[untilSize:]))
		}
		if now != from {
			return feed.ErrMarksConflict
		}
		if b == nil {
			if b, err = newMarks(tx, id); err != nil {
				return err
			}
		}
		return putMarks(b, change, millis(until))
	})
	s.ears.told(err, athand.Marks, id.Key(), uint64(change.Revision))
	if err != nil {
		return fmt.Errorf("swap marks of %s: %w", id, err)
	}
	return nil
}

func (s marks) Keep(ctx context.Context, id account.ID, until time.Time) error {
	err := s.update(ctx, feed.ErrMarksUnavailable, func(tx *bbolt.Tx) error {
		b, head, err := liveMarks(tx, id, time.Now())
		if err != nil || b == nil {
			return err
		}
		return b.Put(keyHead, append(number(millis(until)), head[untilSize:]...))
	})
	if err != nil {
		return fmt.Errorf("keep marks of %s: %w", id, err)
	}
	return nil
}

func (s marks) Delete(ctx context.Context, id account.ID) error {
	err := s.update(ctx, feed.ErrMarksUnavailable, func(tx *bbolt.Tx) error { return removeMarks(tx, id[:]) })
	s.ears.told(err, athand.Marks, id.Key(), 0)
	if err != nil {
		return fmt.Errorf("delete marks of %s: %w", id, err)
	}
	return nil
}

// liveMarks returns a person's bucket and its head, nil when there is none at a
// time, or no more.
func liveMarks(tx *bbolt.Tx, id account.ID, now time.Time) (b *bbolt.Bucket, head []byte, err error) {
	b = tx.Bucket(bucketMarks).Bucket(id[:])
	if b == nil {
		return nil, nil, nil
	}
	if head = b.Get(keyHead); len(head) < headSize {
		return nil, nil, errMarksHead
	}
	if isPast(head, now) {
		return nil, nil, nil
	}
	return b, head, nil
}

// newMarks makes an empty bucket, and takes away one whose time has come.
func newMarks(tx *bbolt.Tx, id account.ID) (*bbolt.Bucket, error) {
	if err := removeMarks(tx, id[:]); err != nil {
		return nil, err
	}
	return tx.Bucket(bucketMarks).CreateBucket(id[:])
}

func removeMarks(tx *bbolt.Tx, id []byte) error {
	all := tx.Bucket(bucketMarks)
	if all.Bucket(id) == nil {
		return nil
	}
	return all.DeleteBucket(id)
}

func putMarks(b *bbolt.Bucket, change feed.MarkChange, until uint64) error {
	head := binary.BigEndian.AppendUint64(number(until), uint64(change.Revision))
	if err := b.Put(keyHead, feed.AppendPast(append(head, change.Floor[:]...), change.Past)); err != nil {
		return err
	}
	for story, of := range change.Stories {
		if of.IsZero() {
			if err := b.Delete(story[:]); err != nil {
				return err
			}
			continue
		}
		value, err := of.MarshalBinary()
		if err != nil {
			return err
		}
		if err := b.Put(story[:], value); err != nil {
			return err
		}
	}
	return nil
}

// sweepMarks removes the marks that have passed their time, of a few people at
// once, so that others do not wait for the disk for long.
func (s *Store) sweepMarks(ctx context.Context, now time.Time) (removed int, err error) {
	const atOnce = 50
	for {
		past, err := s.pastMarks(ctx, now, atOnce)
		if err != nil || len(past) == 0 {
			return removed, err
		}
		n := 0
		err = s.update(ctx, feed.ErrMarksUnavailable, func(tx *bbolt.Tx) error {
			for _, id := range past {
				// Looked at again: they may have been kept longer meanwhile.
				if !marksArePast(tx, id, now) {
					continue
				}
				if err := removeMarks(tx, id); err != nil {
					return err
				}
				n++
			}
			return nil
		})
		if err != nil {
			return removed, fmt.Errorf("sweep marks: %w", err)
		}
		removed += n
	}
}

// pastMarks returns at most n accounts whose marks have passed their time.
func (s *Store) pastMarks(ctx context.Context, now time.Time, n int) (past [][]byte, err error) {
	err = s.view(ctx, feed.ErrMarksUnavailable, func(tx *bbolt.Tx) error {
		cursor := tx.Bucket(bucketMarks).Cursor()
		for id, _ := cursor.First(); id != nil && len(past) < n; id, _ = cursor.Next() {
			if marksArePast(tx, id, now) {
				past = append(past, append([]byte(nil), id...))
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("sweep marks: %w", err)
	}
	return past, nil
}

func marksArePast(tx *bbolt.Tx, id []byte, now time.Time) bool {
	b := tx.Bucket(bucketMarks).Bucket(id)
	if b == nil {
		return false
	}
	head := b.Get(keyHead)
	return len(head) >= headSize && isPast(head, now)
}
