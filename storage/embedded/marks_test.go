package embedded

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"newsfeed/feed"
	"newsfeed/interests"
	"newsfeed/interests/account"
	"newsfeed/storage/storagetest"
)

func TestMarks(t *testing.T) { storagetest.Marks(t, contract((*Store).Marks)) }

// A file of version 1, which had no marks, takes them after it was opened.
func TestMarksMigration(t *testing.T) {
	path := filepath.Join(t.TempDir(), "newsfeed.db")
	now := migrations
	defer func() { migrations = now }()
	migrations = now[:1]
	if err := open(t, path).Close(); err != nil {
		t.Fatal(err)
	}
	migrations = now
	s := open(t, path)
	if from, migrated := s.Migrated(); !migrated || from != 1 {
		t.Errorf("migrated %v from %d, want from 1", migrated, from)
	}
	if err := s.Marks().Swap(t.Context(), account.NewID(), 0, feed.MarkChange{Revision: 1}, time.Time{}); err != nil {
		t.Errorf("swap: %v", err)
	}
}

// A sweep removes the marks that have passed their time, however many people's,
// and nothing else; sweeping again removes nothing.
func TestSweepMarks(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "newsfeed.db"))
	now := time.Now()
	change := feed.MarkChange{Revision: 1, Stories: map[feed.StoryID]feed.StoryMarks{{1}: {Read: feed.MarkRegister{Value: true}}}}
	const past, hour = 120, 3
	swap := func(until time.Time) account.ID {
		t.Helper()
		id := account.NewID()
		if err := s.Marks().Swap(t.Context(), id, 0, change, until); err != nil {
			t.Fatal(err)
		}
		return id
	}
	s.db.NoSync = true // many commits, and no power cut
	for range past {
		swap(now.Add(-time.Second))
	}
	for range hour {
		swap(now.Add(time.Hour))
	}
	kept := swap(time.Time{})
	for _, c := range []struct {
		at   time.Time
		want int
	}{{now, past}, {now, 0}, {now.Add(2 * time.Hour), hour}, {now.Add(2 * time.Hour), 0}} {
		if n, err := s.Sweep(t.Context(), c.at); n != c.want || err != nil {
			t.Errorf("sweep at %v: %d, %v, want %d", c.at.Sub(now), n, err, c.want)
		}
	}
	if got, err := s.Marks().Load(t.Context(), kept); err != nil || len(got.Stories) != 1 {
		t.Errorf("the kept set: %+v, %v", got, err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Sweep(ended, now); !errors.Is(err, context.Canceled) {
		t.Errorf("sweep with a cancelled context: %v", err)
	}
}

// Damage is an error of no contract, and a closed file is unavailable.
func TestMarksDamaged(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "newsfeed.db"))
	id := account.NewID()
	if err := s.Marks().Swap(t.Context(), id, 0, feed.MarkChange{Revision: 1}, time.Time{}); err != nil {
		t.Fatal(err)
	}
	write := func(key, value []byte) {
		t.Helper()
		if err := s.db.Update(func(tx *bbolt.Tx) error { return tx.Bucket(bucketMarks).Bucket(id[:]).Put(key, value) }); err != nil {
			t.Fatal(err)
		}
	}
	check := func(what string, err error) {
		t.Helper()
		if err == nil || errors.Is(err, feed.ErrMarksUnavailable) || errors.Is(err, feed.ErrMarksConflict) {
			t.Errorf("%s: %v, want an error of no contract", what, err)
		}
	}
	write(make([]byte, 16), []byte("x"))
	_, err := s.Marks().Load(t.Context(), id)
	check("load of bad marks", err)
	write(keyHead, []byte("short"))
	_, err = s.Marks().Load(t.Context(), id)
	check("load of a bad head", err)
	check("swap of a bad head", s.Marks().Swap(t.Context(), id, 1, feed.MarkChange{Revision: 2}, time.Time{}))

	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Marks().Load(t.Context(), id); !errors.Is(err, feed.ErrMarksUnavailable) {
		t.Errorf("load of a closed file: %v, want ErrMarksUnavailable", err)
	}
}

// Where the bench of redis has its twin: see there.
func BenchmarkMarks(b *testing.B) {
	s, err := Open(filepath.Join(b.TempDir(), "newsfeed.db"))
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	const stories = 30_000
	id, change := account.NewID(), feed.MarkChange{Revision: 1, Stories: map[feed.StoryID]feed.StoryMarks{}}
	one := feed.StoryMarks{Read: feed.MarkRegister{Value: true, At: interests.Stamp{1}}}
	for i := range stories {
		change.Stories[feed.StoryID{byte(i), byte(i >> 8)}] = one
	}
	if err := s.Marks().Swap(b.Context(), id, 0, change, time.Time{}); err != nil {
		b.Fatal(err)
	}
	b.Run("load", func(b *testing.B) {
		for b.Loop() {
			if set, err := s.Marks().Load(b.Context(), id); err != nil || len(set.Stories) != stories {
				b.Fatal(len(set.Stories), err)
			}
		}
	})
	revision := interests.Revision(1)
	b.Run("swap", func(b *testing.B) {
		for b.Loop() {
			change := feed.MarkChange{Revision: revision + 1, Stories: map[feed.StoryID]feed.StoryMarks{{}: one}}
			if err := s.Marks().Swap(b.Context(), id, revision, change, time.Time{}); err != nil {
				b.Fatal(err)
			}
			revision++
		}
	})
}
