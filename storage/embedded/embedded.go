// Package embedded keeps everything in one local file (bbolt), for one process:
// the default when no address of a server is given. It is not a mock: what it
// has acknowledged is on the disk, and someone may live on it.
//
// It keeps the contracts of feed, interests, topic and account and decides
// nothing. It is not for several processes: [Open] refuses the second one.
package embedded

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"newsfeed/storage/internal/bell"
)

// Errors of Open, wrapped with the path of the file.
var (
	ErrInUse = errors.New("embedded: the file is in use by another process")
	ErrNewer = errors.New("embedded: the file was written by a newer version of the program")
)

// The buckets of the file. Numbers in keys are big-endian, so that their order
// is that of the bytes. Values are JSON unless said otherwise.
var (
	bucketMeta        = []byte("meta")         // "schema" → schema; "sown" → topic.Sown
	bucketLog         = []byte("log")          // edition → feed.Entry without body
	bucketBodies      = []byte("bodies")       // edition → sanitised HTML
	bucketArticles    = []byte("articles")     // 16 bytes of an article's id → its newest edition, 8 bytes
	bucketTopics      = []byte("topics")       // topic id → topic.Topic
	bucketTopicNames  = []byte("topic_names")  // topic.NameKey → topic id
	bucketKeys        = []byte("keys")         // 16 bytes of a key's id → account.Key
	bucketLists       = []byte("lists")        // see interests.go
	bucketSessions    = []byte("sessions")     // see sessions.go
	bucketMarks       = []byte("marks")        // see marks.go
	bucketDevices     = []byte("devices")      // see sessions.go
	bucketAccounts    = []byte("accounts")     // see accounts.go
	bucketEmails      = []byte("emails")       // and identities, see accounts.go
	bucketMerges      = []byte("merges")       // see merges.go
	bucketErasures    = []byte("erasures")     // see erasures.go
	bucketStoryMerges = []byte("story-merges") // 16 bytes of a story's id, 8 of the edition of a merge that names it → nothing
	bucketSources     = []byte("sources")      // 16 bytes of an address's id → ingest.Address
)

const (
	lockPatience = time.Second // for another process to let go of the file
	mapAhead     = 1 << 30     // see options
)

// Store is an open file. Its contracts may be used from any goroutine until Close.
type Store struct {
	db   *bbolt.DB
	made time.Time // when the file was made
	from int       // schema version found by Open
	bell *bell.Bell
	ears *changes

	limits limits
}

// Open opens the file, and makes it and its folder when they are not there. It
// returns [ErrInUse] when another process has the file and [ErrNewer] when a
// newer version of the program has written it; a file of an older one is
// migrated (see [Store.Migrated]).
func Open(path string) (*Store, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of %s: %w", path, err)
	}
	db, err := bbolt.Open(path, 0o600, options())
	if errors.Is(err, bolterrors.ErrTimeout) {
		return nil, fmt.Errorf("open %s: %w (is newsfeed running already?)", path, ErrInUse)
	}
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	s := &Store{db: db, bell: bell.New(), ears: new(changes)}
	if err = s.migrate(); err == nil && s.from == 0 {
		err = syncFolder(path)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", path, err), db.Close())
	}
	return s, nil
}

// syncFolder makes sure that a new file is found after a power cut: bbolt writes
// the file to the disk, not its name. Windows has no such call and no such need.
func syncFolder(path string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// options leave bbolt's fsync at each commit on. Growing its memory map makes
// bbolt wait for all who read, a backup among them, so the map starts large: it
// is address space, not memory. Except on Windows, where it would be a file of
// that size, and where addresses have 32 bits.
func options() *bbolt.Options {
	o := *bbolt.DefaultOptions
	o.Timeout = lockPatience
	o.FreelistType = bbolt.FreelistMapType
	if runtime.GOOS != "windows" && strconv.IntSize == 64 {
		o.InitialMmapSize = mapAhead
	}
	return &o
}

// Close waits for running transactions and closes the file. Closing twice is
// closing once. Calls after it return the ErrUnavailable of their contract.
func (s *Store) Close() error {
	s.bell.Close()
	s.ears.close()
	return s.db.Close()
}

// Path is the file's.
func (s *Store) Path() string { return s.db.Path() }

// view runs f in a read-only transaction. Errors of f are returned as they are,
// those of the file wrapped with the contract's ErrUnavailable, the context's as
// they are. Slices that f gets from bbolt are good only until it returns.
func (s *Store) view(ctx context.Context, unavailable error, f func(tx *bbolt.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	var errF error
	err := s.db.View(func(tx *bbolt.Tx) error {
		errF = f(tx)
		return errF
	})
	return blame(err, errF, unavailable)
}

// update runs f in the only writing transaction there is at a time; nil means
// that it is on the disk. An error of f takes back all that f did. A caller who
// has gone while waiting for the turn writes nothing.
func (s *Store) update(ctx context.Context, unavailable error, f func(tx *bbolt.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	var errF error
	err := s.db.Update(func(tx *bbolt.Tx) error {
		if errF = ctx.Err(); errF == nil {
			errF = f(tx)
		}
		return errF
	})
	return blame(err, errF, unavailable)
}

// blame tells an error of the function in a transaction from one of the file: a
// full or failing disk, a closed store.
func blame(err, errF, unavailable error) error {
	if err == nil || errF != nil {
		return errF
	}
	return fmt.Errorf("%w: %w", unavailable, err)
}

// put writes a value as JSON.
func put(b *bbolt.Bucket, key []byte, value any) error {
	data, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return b.Put(key, data)
}

// get reads a JSON value into v and reports whether it was there.
func get(b *bbolt.Bucket, key []byte, v any) (bool, error) {
	data := b.Get(key)
	if data == nil {
		return false, nil
	}
	if err := json.Unmarshal(data, v); err != nil {
		return true, fmt.Errorf("damaged value under %q: %w", key, err)
	}
	return true, nil
}

// number is the key of a number; numberOf reads it back.
func number(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

func numberOf(key []byte) uint64 { return binary.BigEndian.Uint64(key) }
