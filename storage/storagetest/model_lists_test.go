package storagetest

import (
	"testing"

	"newsfeed/feed"
	"newsfeed/interests"
	"newsfeed/interests/account"
	"newsfeed/storage/internal/bell"
)

// The models pass their own suites, else the suites ask too much.

func TestModelLists(t *testing.T) {
	Lists(t, func(testing.TB) Harness[interests.Store] { return inMemory[interests.Store](NewModelLists()) })
}

func TestModelMerges(t *testing.T) {
	Merges(t, func(testing.TB) Harness[ListsAndMerges] {
		model := NewModelLists()
		return inMemory(ListsAndMerges{model, model})
	})
}

func TestModelSessions(t *testing.T) {
	Sessions(t, func(testing.TB) Harness[account.Store] { return inMemory[account.Store](NewModelSessions()) })
}

func TestModelLimits(t *testing.T) {
	Limits(t, func(testing.TB) Harness[account.Limits] { return inMemory[account.Limits](new(ModelLimits)) })
}

func TestBell(t *testing.T) {
	Announcements(t, func(testing.TB) Harness[feed.Announcements] {
		return Harness[feed.Announcements]{Name: "bell", Open: func(testing.TB) (feed.Announcements, func() error) {
			b := bell.New()
			return b, func() error { b.Close(); return nil }
		}}
	})
}

// inMemory is a place that is the store itself.
func inMemory[T any](store T) Harness[T] {
	return Harness[T]{Name: "model", Shared: true, Open: func(testing.TB) (T, func() error) {
		return store, func() error { return nil }
	}}
}
