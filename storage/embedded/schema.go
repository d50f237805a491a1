package embedded

import (
	"bytes"
	"cmp"
	"fmt"
	"time"

	"go.etcd.io/bbolt"
)

// schema is what the file says of itself.
type schema struct {
	Version int       `json:"version"`
	Made    time.Time `json:"made"` // milliseconds, UTC
}

var keySchema = []byte("schema")

// migrations lead from version i to i+1; an empty file has version 0. What is
// written here once is never changed: files of that version are out there.
var migrations = []func(tx *bbolt.Tx) error{
	func(tx *bbolt.Tx) error {
		for _, name := range [][]byte{bucketLog, bucketBodies, bucketArticles, bucketTopics,
			bucketTopicNames, bucketKeys, bucketLists, bucketSessions} {
			if _, err := tx.CreateBucketIfNotExists(name); err != nil {
				return fmt.Errorf("make bucket %s: %w", name, err)
			}
		}
		return nil
	},
	func(tx *bbolt.Tx) error {
		if _, err := tx.CreateBucketIfNotExists(bucketMarks); err != nil {
			return fmt.Errorf("make bucket %s: %w", bucketMarks, err)
		}
		return nil
	},
	func(tx *bbolt.Tx) error {
		for _, name := range [][]byte{bucketDevices, bucketAccounts, bucketEmails, bucketMerges} {
			if _, err := tx.CreateBucketIfNotExists(name); err != nil {
				return fmt.Errorf("make bucket %s: %w", name, err)
			}
		}
		return nil
	},
	func(tx *bbolt.Tx) error {
		if _, err := tx.CreateBucketIfNotExists(bucketErasures); err != nil {
			return fmt.Errorf("make bucket %s: %w", bucketErasures, err)
		}
		return nil
	},
	func(tx *bbolt.Tx) error {
		if _, err := tx.CreateBucketIfNotExists(bucketSources); err != nil {
			return fmt.Errorf("make bucket %s: %w", bucketSources, err)
		}
		return nil
	},
	func(tx *bbolt.Tx) error {
		if _, err := tx.CreateBucketIfNotExists(bucketStoryMerges); err != nil {
			return fmt.Errorf("make bucket %s: %w", bucketStoryMerges, err)
		}
		return tx.Bucket(bucketLog).ForEach(func(key, value []byte) error {
			if !bytes.Contains(value, []byte(`"merge":`)) {
				return nil
			}
			e, err := decodeEntry(key, value)
			if err != nil || e.Merge == nil {
				return err
			}
			return noteMerge(tx, key, e.Merge)
		})
	},
	// The names of sources' topics are apart from the others, behind a line break.
	func(tx *bbolt.Tx) error {
		names := tx.Bucket(bucketTopicNames)
		var sources [][2][]byte
		err := names.ForEach(func(name, id []byte) error {
			if bytes.HasPrefix(id, []byte("source-")) {
				sources = append(sources, [2][]byte{bytes.Clone(name), bytes.Clone(id)})
			}
			return nil
		})
		for _, s := range sources {
			err = cmp.Or(err, names.Delete(s[0]), names.Put(append([]byte("\n"), s[0]...), s[1]))
		}
		return err
	},
}

// SchemaVersion is the version of the file's layout that this program writes.
func SchemaVersion() int { return len(migrations) }

// Migrated reports whether Open migrated the file, and from which version. A
// file that Open made was not migrated.
func (s *Store) Migrated() (from int, migrated bool) {
	return s.from, s.from > 0 && s.from < len(migrations)
}

// migrate brings the file to this program's version, in one transaction: it has
// either the old layout or the new one, whatever happens.
func (s *Store) migrate() error {
	found, err := s.readSchema()
	if err != nil {
		return err
	}
	s.from, s.made = found.Version, found.Made
	if found.Version > len(migrations) {
		return fmt.Errorf("%w: it has version %d, this program knows up to %d", ErrNewer, found.Version, len(migrations))
	}
	if found.Version == len(migrations) {
		return nil
	}
	return s.db.Update(func(tx *bbolt.Tx) error {
		for i, step := range migrations[found.Version:] {
			if err := step(tx); err != nil {
				return fmt.Errorf("migrate from version %d: %w", found.Version+i, err)
			}
		}
		if found.Version == 0 {
			s.made = time.Now().UTC().Truncate(time.Millisecond)
		}
		b, err := tx.CreateBucketIfNotExists(bucketMeta)
		if err != nil {
			return err
		}
		return put(b, keySchema, schema{Version: len(migrations), Made: s.made})
	})
}

func (s *Store) readSchema() (found schema, err error) {
	err = s.db.View(func(tx *bbolt.Tx) error {
		b := tx.Bucket(bucketMeta)
		if b == nil {
			return nil
		}
		_, err := get(b, keySchema, &found)
		return err
	})
	return found, err
}
