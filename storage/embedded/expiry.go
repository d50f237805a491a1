package embedded

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"newsfeed/interests"
)

// Lists and sessions live until a time of their own. What has passed its time is
// read as absent from that moment on; [Store.Sweep] takes it off the disk.
//
// A value is 8 bytes, big-endian, of milliseconds since 1970 (0: for good), then
// JSON. The time stands in front so that it is read and changed without the rest.
const untilSize = 8

// millis is a time as it stands in a value.
func millis(until time.Time) uint64 {
	if until.IsZero() {
		return 0
	}
	return uint64(max(1, until.UnixMilli())) // before 1970 is as long ago as 1970
}

func putUntil(b *bbolt.Bucket, key []byte, value any, until uint64) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return b.Put(key, append(number(until), text...))
}

// live returns the JSON of what is kept under a key at a time, nil when nothing
// is, or no more.
func live(b *bbolt.Bucket, key []byte, now time.Time) []byte {
	value := b.Get(key)
	if len(value) < untilSize || isPast(value, now) {
		return nil
	}
	return value[untilSize:]
}

func isPast(value []byte, now time.Time) bool {
	until := binary.BigEndian.Uint64(value)
	return until > 0 && until <= uint64(now.UnixMilli())
}

// Sweep removes the lists, sessions and marks that have passed their time and returns
// how many they were. Nothing depends on it but the size of the file; the
// program calls it every hour.
func (s *Store) Sweep(ctx context.Context, now time.Time) (int, error) {
	removed := 0
	for _, bucket := range [][]byte{bucketLists, bucketSessions, bucketMerges} {
		for {
			n, err := s.sweep(ctx, bucket, now)
			removed += n
			if err != nil {
				return removed, fmt.Errorf("sweep %s: %w", bucket, err)
			}
			if n == 0 {
				break
			}
		}
	}
	if err := s.sweepDevices(ctx); err != nil {
		return removed, fmt.Errorf("sweep %s: %w", bucketDevices, err)
	}
	n, err := s.sweepMarks(ctx, now)
	return removed + n, err
}

// sweep removes what is past in a bucket, but not so much at once that others
// would wait for the disk.
func (s *Store) sweep(ctx context.Context, bucket []byte, now time.Time) (removed int, err error) {
	const atOnce = 1000
	var past [][]byte
	errFull := errors.New("enough for now")
	err = s.view(ctx, interests.ErrUnavailable, func(tx *bbolt.Tx) error {
		return tx.Bucket(bucket).ForEach(func(key, value []byte) error {
			if len(past) == atOnce {
				return errFull
			}
			if len(value) >= untilSize && isPast(value, now) {
				past = append(past, append([]byte(nil), key...))
			}
			return nil
		})
	})
	if err != nil && !errors.Is(err, errFull) || len(past) == 0 {
		return 0, err
	}
	err = s.update(ctx, interests.ErrUnavailable, func(tx *bbolt.Tx) error {
		removed = 0
		b := tx.Bucket(bucket)
		for _, key := range past {
			// Looked at again: it may have been kept longer meanwhile.
			if value := b.Get(key); len(value) < untilSize || !isPast(value, now) {
				continue
			}
			if err := b.Delete(key); err != nil {
				return err
			}
			removed++
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return removed, nil
}
