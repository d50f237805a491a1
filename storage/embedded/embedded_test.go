package embedded

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"newsfeed/feed"
	"newsfeed/interests/account"
	"newsfeed/interests/topic"
	"newsfeed/storage/storagetest"
)

func TestArticles(t *testing.T) { storagetest.Articles(t, contract((*Store).Articles)) }

func TestTopics(t *testing.T) { storagetest.Topics(t, contract((*Store).Topics)) }

func TestSowing(t *testing.T) { storagetest.Sowing(t, contract((*Store).Topics)) }

func TestKeys(t *testing.T) { storagetest.Keys(t, contract((*Store).Keys)) }

func TestErasures(t *testing.T) { storagetest.Erasures(t, contract((*Store).Erasures)) }
func TestSources(t *testing.T)  { storagetest.Sources(t, contract((*Store).Sources)) }

func TestAccounts(t *testing.T) { storagetest.Accounts(t, contract((*Store).Accounts)) }

func TestMerges(t *testing.T) {
	storagetest.Merges(t, contract(func(s *Store) storagetest.ListsAndMerges {
		return storagetest.ListsAndMerges{Lists: s.Lists(), Merges: s.Merges()}
	}))
}

func TestLimits(t *testing.T) { storagetest.Limits(t, contract((*Store).Limits)) }

// The log keeps its promise over this store.
func TestLog(t *testing.T) {
	storagetest.Log(t, contract((*Store).Articles), storagetest.LogLoad{
		Nodes: 3, Writers: 3, Readers: 1, Puts: 20, Seed: 5, Zombie: 50 * time.Millisecond})
}

// contract gives a suite one contract of a file in a folder of its own.
func contract[T any](of func(*Store) T) storagetest.Fresh[T] {
	return func(t testing.TB) storagetest.Harness[T] {
		path := filepath.Join(t.TempDir(), "newsfeed.db")
		return storagetest.Harness[T]{
			Name: "embedded",
			Open: func(t testing.TB) (T, func() error) {
				s := open(t, path)
				return of(s), s.Close
			},
		}
	}
}

func open(t testing.TB, path string) *Store {
	t.Helper()
	s, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// Opening makes the folder, and is told from migrating.
func TestOpenMakes(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "a", "b", "newsfeed.db"))
	if from, migrated := s.Migrated(); migrated {
		t.Errorf("a new file was migrated from %d", from)
	}
}

// A second process is refused, with the file's name, while the first has it.
func TestInUse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "newsfeed.db")
	s := open(t, path)
	_, err := Open(path)
	if !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), path) {
		t.Errorf("second open here: %v, want ErrInUse and the path", err)
	}
	if got := helper(t, "open", path); !strings.Contains(got, ErrInUse.Error()) {
		t.Errorf("another process: %q, want %q", got, ErrInUse)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if got := helper(t, "open", path); got != "opened" {
		t.Errorf("another process after Close: %q", got)
	}
}

// A file of a newer program is refused and left as it is; one of an older
// program is migrated, once, and keeps its data.
func TestSchema(t *testing.T) {
	path := filepath.Join(t.TempDir(), "newsfeed.db")
	s := open(t, path)
	appendOne(t, s, 1)
	made := s.made
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	now := migrations
	defer func() { migrations = now }()
	migrations = append(now[:len(now):len(now)], func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucket([]byte("made by the next version"))
		return err
	})
	for opened, want := range []bool{true, false} {
		s := open(t, path)
		from, migrated := s.Migrated()
		if migrated != want || want && from != len(now) {
			t.Errorf("open %d: migrated %v from %d, want %v from %d", opened, migrated, from, want, len(now))
		}
		if top, _, err := s.Articles().Top(t.Context()); err != nil || top != 1 || !s.made.Equal(made) {
			t.Errorf("after migration: top %d, %v, made %v; want 1, made %v", top, err, s.made, made)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}

	migrations = now
	if _, err := Open(path); !errors.Is(err, ErrNewer) || !strings.Contains(err.Error(), path) {
		t.Errorf("open a newer file: %v, want ErrNewer and the path", err)
	}
	if _, err := Open(path); errors.Is(err, ErrInUse) {
		t.Error("a refused file stays locked")
	}
}

// A migration that fails leaves the file as it was.
func TestSchemaFails(t *testing.T) {
	path := filepath.Join(t.TempDir(), "newsfeed.db")
	if err := open(t, path).Close(); err != nil {
		t.Fatal(err)
	}
	now, broken := migrations, errors.New("broken")
	defer func() { migrations = now }()
	migrations = append(now[:len(now):len(now)], func(tx *bbolt.Tx) error {
		return errors.Join(tx.DeleteBucket(bucketLog), broken)
	})
	if _, err := Open(path); !errors.Is(err, broken) {
		t.Fatalf("open: %v, want the migration's error", err)
	}
	migrations = now
	appendOne(t, open(t, path), 1)
}

// A file that is none of ours is refused, not overwritten.
func TestOpenOther(t *testing.T) {
	path := filepath.Join(t.TempDir(), "newsfeed.db")
	other := []byte(strings.Repeat("This is somebody's novel. ", 1000))
	if err := os.WriteFile(path, other, 0o600); err != nil {
		t.Fatal(err)
	}
	if s, err := Open(path); err == nil {
		t.Error("opened a novel", s.Close())
	}
	if now, err := os.ReadFile(path); err != nil || string(now) != string(other) {
		t.Errorf("the novel was changed: %v", err)
	}
}

// A closed store is unavailable in each contract's own words.
func TestClosed(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "newsfeed.db"))
	for range 2 {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	_, errArticles := s.Articles().Append(t.Context(), []feed.Entry{{Edition: 1}})
	_, errTopics := s.Topics().All(t.Context())
	_, errKeys := s.Keys().Keys(t.Context())
	for want, err := range map[error]error{
		feed.ErrUnavailable: errArticles, topic.ErrUnavailable: errTopics, account.ErrUnavailable: errKeys,
	} {
		if !errors.Is(err, want) {
			t.Errorf("%v, want %v", err, want)
		}
	}
}

// A caller who goes while waiting for the turn to write writes nothing.
func TestGoneWhileWaiting(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "newsfeed.db"))
	ctx := &goesLater{Context: t.Context()}
	if _, err := s.Articles().Append(ctx, []feed.Entry{{Edition: 1}}); !errors.Is(err, context.Canceled) {
		t.Fatalf("append: %v, want context.Canceled", err)
	}
	if top, _, err := s.Articles().Top(t.Context()); top != 0 || err != nil {
		t.Fatalf("top %d, %v; want 0", top, err)
	}
}

// goesLater is a context that has ended when it is asked the second time.
type goesLater struct {
	context.Context
	asked bool
}

func (c *goesLater) Err() error {
	if !c.asked {
		c.asked = true
		return nil
	}
	return context.Canceled
}

// The log refuses what its caller promised not to ask for.
func TestAppendRefuses(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "newsfeed.db"))
	appendOne(t, s, 1)
	for name, entries := range map[string][]feed.Entry{
		"a gap before":     {{Edition: 3}},
		"a gap within":     {{Edition: 2}, {Edition: 4}},
		"a repeat within":  {{Edition: 2}, {Edition: 2}},
		"nothing":          {},
		"edition 0":        {{Edition: 0}},
		"a greater gap":    {{Edition: feed.LastEdition}},
		"the wrong way up": {{Edition: 3}, {Edition: 2}},
	} {
		stored, err := s.Articles().Append(t.Context(), entries)
		if err == nil || stored != 0 || errors.Is(err, feed.ErrUnavailable) {
			t.Errorf("%s: %d, %v; want a refusal", name, stored, err)
		}
	}
	if _, err := s.Articles().Append(t.Context(), []feed.Entry{{Edition: 3}}); !errors.Is(err, errGap) {
		t.Errorf("a gap: %v, want %v", err, errGap)
	}
	appendOne(t, s, 2)
}

// A backup is a file that opens and holds what was acknowledged before it
// began, while others go on writing.
func TestBackup(t *testing.T) {
	dir := t.TempDir()
	s := open(t, filepath.Join(dir, "newsfeed.db"))
	appendOne(t, s, 1)
	ctx, cancel := context.WithCancel(t.Context())
	written := make(chan error, 1)
	go func() {
		e := feed.Edition(2)
		for ; ctx.Err() == nil; e++ {
			if _, err := s.Articles().Append(context.Background(), []feed.Entry{{Edition: e}}); err != nil {
				written <- err
				return
			}
		}
		written <- nil
	}()
	for i := range 5 {
		before, _, err := s.Articles().Top(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, fmt.Sprint("copy-", i))
		if err := s.Backup(path); err != nil {
			t.Fatal(err)
		}
		if err := s.Backup(path); !errors.Is(err, os.ErrExist) {
			t.Errorf("backup over a backup: %v, want os.ErrExist", err)
		}
		copied := open(t, path)
		top, _, err := copied.Articles().Top(t.Context())
		entries, errRead := copied.Articles().Read(t.Context(), feed.Range{Limit: 100_000})
		if err != nil || errRead != nil || top < before || int(top) != len(entries) {
			t.Errorf("copy: top %d of at least %d, %d entries, %v, %v", top, before, len(entries), err, errRead)
		}
	}
	cancel()
	if err := <-written; err != nil {
		t.Error(err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*.part")); len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
}

func appendOne(t testing.TB, s *Store, e feed.Edition) {
	t.Helper()
	if _, err := s.Articles().Append(context.Background(), []feed.Entry{{Edition: e}}); err != nil {
		t.Fatal(err)
	}
}
