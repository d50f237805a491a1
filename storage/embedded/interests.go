package embedded

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"time"

	"go.etcd.io/bbolt"

	"newsfeed/interests"
	"newsfeed/interests/account"
	"newsfeed/interests/athand"
)

// lists keeps [interests.Store]:
//
//	16 bytes of an account's id        → until when, and interests.List
//	these and 8 bytes of a number      → until when, and interests.Undo
//
// (see expiry.go). The entries of a journal are numbered as they come. Each has
// a time of its own, a day after it was written, at which Sweep takes it; the
// list's may be set back and forth. So they are read only together with the
// list, and a list that begins anew clears them.
//
// Swaps are transactions of their own, not bbolt's Batch: that waits up to 10 ms
// for company, longer than the disk takes for one, and runs everybody again
// after one caller's conflict.
type lists struct{ *Store }

// Lists is the file's [interests.Store].
func (s *Store) Lists() interests.Store { return lists{s} }

func (s lists) Load(ctx context.Context, id account.ID) (interests.List, error) {
	var list interests.List
	err := s.view(ctx, interests.ErrUnavailable, func(tx *bbolt.Tx) error { return readList(tx, id, &list) })
	if err != nil {
		return interests.List{}, fmt.Errorf("load list of %s: %w", id, err)
	}
	return list, nil
}

func readList(tx *bbolt.Tx, id account.ID, list *interests.List) error {
	text := live(tx.Bucket(bucketLists), id[:], time.Now())
	if text == nil {
		return nil
	}
	return json.Unmarshal(text, list)
}

func (s lists) Swap(ctx context.Context, id account.ID, from interests.Revision, next interests.List, until time.Time, undos ...interests.Undo) error {
	err := s.update(ctx, interests.ErrUnavailable, func(tx *bbolt.Tx) error {
		return swapIn(tx, id, from, next, until, undos)
	})
	s.ears.told(err, athand.List, id.Key(), uint64(next.Revision))
	if err != nil {
		return fmt.Errorf("swap list of %s: %w", id, err)
	}
	return nil
}

func swapIn(tx *bbolt.Tx, id account.ID, from interests.Revision, next interests.List, until time.Time, undos []interests.Undo) error {
	if err := expectIn(tx, id, from); err != nil {
		return err
	}
	b := tx.Bucket(bucketLists)
	j := journal{b, id}
	if live(b, id[:], time.Now()) == nil {
		if err := j.clear(); err != nil {
			return err
		}
	}
	if err := j.add(undos, time.Now()); err != nil {
		return err
	}
	return putUntil(b, id[:], next, millis(until))
}

// expectIn is ErrConflict when a list has another revision.
func expectIn(tx *bbolt.Tx, id account.ID, revision interests.Revision) error {
	var old struct{ Revision interests.Revision }
	if text := live(tx.Bucket(bucketLists), id[:], time.Now()); text != nil {
		if err := json.Unmarshal(text, &old); err != nil {
			return err
		}
	}
	if old.Revision != revision {
		return interests.ErrConflict
	}
	return nil
}

func (s lists) Journal(ctx context.Context, id account.ID, since interests.Revision) (interests.List, []interests.Undo, error) {
	var (
		list  interests.List
		undos []interests.Undo
	)
	err := s.view(ctx, interests.ErrUnavailable, func(tx *bbolt.Tx) (err error) {
		b, now := tx.Bucket(bucketLists), time.Now()
		if text := live(b, id[:], now); text != nil {
			if err = json.Unmarshal(text, &list); err == nil {
				undos, err = journal{b, id}.since(since, now)
			}
		}
		return err
	})
	if err == nil && !interests.LeadsBack(list.Revision, undos, since) {
		err = interests.ErrForgotten
	}
	if err != nil {
		return list, nil, fmt.Errorf("journal of list of %s since revision %d: %w", id, since, err)
	}
	return list, undos, nil
}

func (s lists) Undos(ctx context.Context, id account.ID) (undos []interests.Undo, err error) {
	err = s.view(ctx, interests.ErrUnavailable, func(tx *bbolt.Tx) (err error) {
		b, now := tx.Bucket(bucketLists), time.Now()
		if live(b, id[:], now) != nil {
			undos, err = journal{b, id}.newerThan(0, now)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("journal of list of %s: %w", id, err)
	}
	return undos, nil
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
		b := tx.Bucket(bucketLists)
		if err := (journal{b, id}).clear(); err != nil {
			return err
		}
		for _, key := range keysOf(tx.Bucket(bucketMerges), id) {
			if err := tx.Bucket(bucketMerges).Delete(key); err != nil {
				return err
			}
		}
		return b.Delete(id[:])
	})
	s.ears.told(err, athand.List, id.Key(), 0)
	if err != nil {
		return fmt.Errorf("delete list of %s: %w", id, err)
	}
	return nil
}

// journal is the entries of one list's journal, in a transaction.
type journal struct {
	b  *bbolt.Bucket
	id account.ID
}

func (j journal) key(n uint64) []byte { return append(j.id[:len(j.id):len(j.id)], number(n)...) }

// number of an entry, by its key. False for a key of something else.
func (j journal) number(key []byte) (uint64, bool) {
	if len(key) != len(j.id)+8 || !bytes.HasPrefix(key, j.id[:]) {
		return 0, false
	}
	return numberOf(key[len(j.id):]), true
}

// ends returns the numbers of the oldest and the newest entry.
func (j journal) ends() (oldest, newest uint64, ok bool) {
	c := j.b.Cursor()
	key, _ := c.Seek(j.key(0))
	if oldest, ok = j.number(key); !ok {
		return 0, 0, false
	}
	if key, _ = c.Seek(j.key(math.MaxUint64)); key == nil {
		key, _ = c.Last()
	} else {
		key, _ = c.Prev()
	}
	newest, ok = j.number(key)
	return oldest, newest, ok
}

// add writes undos behind the newest entry, and trims the journal by it.
func (j journal) add(undos []interests.Undo, now time.Time) error {
	if len(undos) == 0 {
		return nil
	}
	_, newest, _ := j.ends()
	for _, u := range undos {
		newest++
		if err := putUntil(j.b, j.key(newest), u, millis(now.Add(interests.JournalMost))); err != nil {
			return err
		}
	}
	return j.trim(undos[len(undos)-1].At)
}

// trim counts entries by their numbers: an entry that Sweep took after the clock
// had been set back is counted too, and it was a day old.
func (j journal) trim(at time.Time) error {
	for range interests.JournalTrim {
		oldest, newest, _ := j.ends()
		var u interests.Undo
		if err := j.read(oldest, &u); err != nil {
			return err
		}
		if !u.Outlived(at, int(newest-oldest+1)) {
			return nil
		}
		if err := j.b.Delete(j.key(oldest)); err != nil {
			return err
		}
	}
	return nil
}

func (j journal) read(n uint64, u *interests.Undo) error {
	key := j.key(n)
	value := j.b.Get(key)
	if len(value) < untilSize {
		return fmt.Errorf("damaged value under %x", key)
	}
	if err := json.Unmarshal(value[untilSize:], u); err != nil {
		return fmt.Errorf("damaged value under %x: %w", key, err)
	}
	return nil
}

// since returns the entries newer than a revision, newest first; none when the
// oldest does not lead that far back: a device that was away for a week does not
// cost a day of edits.
func (j journal) since(revision interests.Revision, now time.Time) (undos []interests.Undo, err error) {
	oldest, _, ok := j.ends()
	if !ok {
		return nil, nil
	}
	var first interests.Undo
	if err := j.read(oldest, &first); err != nil || first.Previous > revision {
		return nil, err
	}
	return j.newerThan(revision, now)
}

// newerThan returns the entries newer than a revision, newest first.
func (j journal) newerThan(revision interests.Revision, now time.Time) (undos []interests.Undo, err error) {
	oldest, newest, ok := j.ends()
	for n := newest; ok && n >= oldest && live(j.b, j.key(n), now) != nil; n-- {
		var u interests.Undo
		if err := j.read(n, &u); err != nil || u.Revision <= revision {
			return undos, err
		}
		undos = append(undos, u)
	}
	return undos, nil
}

// clear removes all entries.
func (j journal) clear() error {
	oldest, newest, ok := j.ends()
	for n := oldest; ok && n <= newest; n++ {
		if err := j.b.Delete(j.key(n)); err != nil {
			return err
		}
	}
	return nil
}
