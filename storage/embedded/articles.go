package embedded

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"newsfeed/feed"
)

// Articles returns the store's log of articles.
func (s *Store) Articles() feed.Articles { return &articles{store: s} }

// articles keeps feed.Articles. Bodies lie apart from entries, so that a scan of
// the log does not read them.
type articles struct{ store *Store }

// errGap is not in the contract: the caller has not kept its side of it.
var errGap = errors.New("embedded: the log would get a gap")

// fillPercent of pages that are only appended to; bbolt's own 50 is for keys
// that come in any order, and would make the file half as large again.
const fillPercent = 0.95

// Top implements feed.Articles.
func (a *articles) Top(ctx context.Context) (top feed.Edition, at time.Time, err error) {
	err = a.store.view(ctx, feed.ErrUnavailable, func(tx *bbolt.Tx) error {
		key, value := tx.Bucket(bucketLog).Cursor().Last()
		if key == nil {
			at = a.store.made
			return nil
		}
		e, err := decodeEntry(key, value)
		top, at = e.Edition, e.At
		return err
	})
	if err != nil {
		return 0, time.Time{}, fmt.Errorf("top of the log: %w", err)
	}
	return top, at, nil
}

// Append implements feed.Articles. A batch is one transaction: all or nothing.
func (a *articles) Append(ctx context.Context, entries []feed.Entry) (stored int, err error) {
	encoded, err := encodeEntries(entries)
	if err != nil {
		return 0, err
	}
	err = a.store.update(ctx, feed.ErrUnavailable, func(tx *bbolt.Tx) error {
		if err := checkNext(tx, entries); err != nil {
			return err
		}
		return insert(tx, entries, encoded)
	})
	if err != nil {
		return 0, fmt.Errorf("append %d entries at edition %d: %w", len(entries), entries[0].Edition, err)
	}
	return len(entries), nil
}

// encodeEntries happens before the transaction, so that writers wait for each
// other only for the disk.
func encodeEntries(entries []feed.Entry) ([][]byte, error) {
	if len(entries) == 0 {
		return nil, errors.New("append: no entries")
	}
	encoded := make([][]byte, len(entries))
	for i, e := range entries {
		if want := entries[0].Edition + feed.Edition(i); e.Edition != want {
			return nil, fmt.Errorf("append: entry %d has edition %d, want %d", i, e.Edition, want)
		}
		e.Article.BodyHTML = ""
		data, err := json.Marshal(e)
		if err != nil {
			return nil, fmt.Errorf("encode edition %d: %w", e.Edition, err)
		}
		encoded[i] = data
	}
	return encoded, nil
}

func checkNext(tx *bbolt.Tx, entries []feed.Entry) error {
	next := uint64(1)
	if top, _ := tx.Bucket(bucketLog).Cursor().Last(); top != nil {
		next = numberOf(top) + 1
	}
	first := uint64(entries[0].Edition)
	if first < next {
		return feed.ErrEditionTaken
	}
	if first > next {
		return fmt.Errorf("%w: its top is %d", errGap, next-1)
	}
	return nil
}

func insert(tx *bbolt.Tx, entries []feed.Entry, encoded [][]byte) error {
	log, bodies, newest := tx.Bucket(bucketLog), tx.Bucket(bucketBodies), tx.Bucket(bucketArticles)
	log.FillPercent, bodies.FillPercent = fillPercent, fillPercent
	for i, e := range entries {
		key := number(uint64(e.Edition))
		if err := log.Put(key, encoded[i]); err != nil {
			return err
		}
		if body := e.Article.BodyHTML; body != "" {
			if err := bodies.Put(key, []byte(body)); err != nil {
				return err
			}
		}
		if e.Merge != nil {
			if err := noteMerge(tx, key, e.Merge); err != nil {
				return err
			}
		}
		if id := e.Article.ID; !id.IsZero() {
			if err := newest.Put(id[:], key); err != nil {
				return err
			}
		}
	}
	return nil
}

// Current implements feed.Articles.
func (a *articles) Current(ctx context.Context, ids []feed.ArticleID) (map[feed.ArticleID]feed.Entry, error) {
	current := make(map[feed.ArticleID]feed.Entry, len(ids))
	err := a.store.view(ctx, feed.ErrUnavailable, func(tx *bbolt.Tx) error {
		log, newest := tx.Bucket(bucketLog), tx.Bucket(bucketArticles)
		var keys, values [][]byte
		for _, id := range ids {
			if key := newest.Get(id[:]); key != nil {
				keys, values = append(keys, key), append(values, log.Get(key))
			}
		}
		entries, err := decodeEntries(keys, values)
		for _, e := range entries {
			current[e.Article.ID] = e
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("current versions of %d articles: %w", len(ids), err)
	}
	return current, nil
}

// Body implements feed.Articles.
func (a *articles) Body(ctx context.Context, e feed.Edition) (body string, err error) {
	err = a.store.view(ctx, feed.ErrUnavailable, func(tx *bbolt.Tx) error {
		body = string(tx.Bucket(bucketBodies).Get(number(uint64(e))))
		return nil
	})
	if err != nil {
		return "", fmt.Errorf("body of edition %d: %w", e, err)
	}
	return body, nil
}

// Read implements feed.Articles.
func (a *articles) Read(ctx context.Context, r feed.Range) ([]feed.Entry, error) {
	var entries []feed.Entry
	err := a.store.view(ctx, feed.ErrUnavailable, func(tx *bbolt.Tx) error {
		keys, values := scan(tx.Bucket(bucketLog).Cursor(), r)
		var err error
		entries, err = decodeEntries(keys, values)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the log after %d before %d: %w", r.After, r.Before, err)
	}
	return entries, nil
}

// scan returns the keys and values of a range in its order. They are bbolt's.
func scan(c *bbolt.Cursor, r feed.Range) (keys, values [][]byte) {
	after, before := number(uint64(r.After)), number(uint64(r.Before))
	if r.Before == 0 {
		before = number(uint64(feed.LastEdition))
	}
	step := c.Next
	var key, value []byte
	if !r.NewestFirst {
		key, value = c.Seek(number(uint64(r.After) + 1))
	} else {
		step = c.Prev
		if key, _ = c.Seek(before); key == nil {
			key, value = c.Last()
		} else {
			key, value = c.Prev()
		}
	}
	for ; key != nil && len(keys) < r.Limit; key, value = step() {
		if bytes.Compare(key, after) <= 0 || bytes.Compare(key, before) >= 0 {
			break
		}
		keys, values = append(keys, key), append(values, value)
	}
	return keys, values
}

// noteMerge files the edition of a merge under both its stories.
func noteMerge(tx *bbolt.Tx, edition []byte, m *feed.StoryMerge) error {
	for _, id := range []feed.StoryID{m.Kept, m.Gone} {
		if err := tx.Bucket(bucketStoryMerges).Put(append(id[:], edition...), nil); err != nil {
			return err
		}
	}
	return nil
}

// Merges implements feed.Articles.
func (a *articles) Merges(ctx context.Context, ids []feed.StoryID) (found []feed.StoryMerge, err error) {
	err = a.store.view(ctx, feed.ErrUnavailable, func(tx *bbolt.Tx) error {
		log, filed := tx.Bucket(bucketLog), tx.Bucket(bucketStoryMerges).Cursor()
		editions := map[string]bool{}
		for _, id := range ids {
			for key, _ := filed.Seek(id[:]); bytes.HasPrefix(key, id[:]); key, _ = filed.Next() {
				editions[string(key[len(id):])] = true
			}
		}
		for edition := range editions {
			e, err := decodeEntry([]byte(edition), log.Get([]byte(edition)))
			if err != nil {
				return err
			}
			if e.Merge != nil {
				found = append(found, *e.Merge)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("merges of %d stories: %w", len(ids), err)
	}
	return found, nil
}

// Prune implements feed.Articles.
func (a *articles) Prune(ctx context.Context, editions []feed.Edition) error {
	err := a.store.update(ctx, feed.ErrUnavailable, func(tx *bbolt.Tx) error {
		for _, edition := range editions {
			if err := prune(tx, number(uint64(edition))); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("prune %d editions: %w", len(editions), err)
	}
	return nil
}

func prune(tx *bbolt.Tx, key []byte) error {
	log := tx.Bucket(bucketLog)
	value := log.Get(key)
	if value == nil {
		return nil
	}
	e, err := decodeEntry(key, value)
	if err != nil || e.Stub {
		return err
	}
	if err := tx.Bucket(bucketBodies).Delete(key); err != nil {
		return err
	}
	return put(log, key, feed.Entry{Edition: e.Edition, At: e.At, Call: e.Call, Seq: e.Seq, Stub: true})
}
