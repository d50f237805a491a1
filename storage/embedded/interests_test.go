package embedded_test

import (
	"path/filepath"
	"testing"

	"newsfeed/feed"
	"newsfeed/interests"
	"newsfeed/storage/embedded"
	"newsfeed/storage/storagetest"
)

// placeOf is a new file, seen through one of its contracts.
func placeOf[T any](contract func(*embedded.Store) T) storagetest.Fresh[T] {
	return func(t testing.TB) storagetest.Harness[T] {
		path := filepath.Join(t.TempDir(), "newsfeed.db")
		return storagetest.Harness[T]{Name: "embedded", Open: func(t testing.TB) (T, func() error) {
			t.Helper()
			store, err := embedded.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			return contract(store), store.Close
		}}
	}
}

func TestLists(t *testing.T) {
	storagetest.Lists(t, placeOf(func(s *embedded.Store) interests.Store { return s.Lists() }))
}

func TestAnnouncements(t *testing.T) {
	storagetest.Announcements(t, placeOf(func(s *embedded.Store) feed.Announcements { return s.Announcements() }))
}
