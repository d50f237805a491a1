package storagetest_test

import (
	"testing"

	"newsfeed/feed"
	"newsfeed/feed/ingest"
	"newsfeed/interests/account"
	"newsfeed/interests/topic"
	"newsfeed/storage/storagetest"
)

// The models pass the suites: so the suites ask for nothing impossible, and the
// models are fit to be oracles.

func TestModelArticles(t *testing.T) {
	storagetest.Articles(t, func(testing.TB) storagetest.Harness[feed.Articles] {
		return inMemory[feed.Articles](storagetest.NewModelArticles())
	})
}

func TestModelSowing(t *testing.T) {
	storagetest.Sowing(t, func(testing.TB) storagetest.Harness[topic.Store] {
		return inMemory[topic.Store](&storagetest.ModelTopics{})
	})
}

func TestModelTopics(t *testing.T) {
	storagetest.Topics(t, func(testing.TB) storagetest.Harness[topic.Store] {
		return inMemory[topic.Store](&storagetest.ModelTopics{})
	})
}

func TestModelKeys(t *testing.T) {
	storagetest.Keys(t, func(testing.TB) storagetest.Harness[account.Keys] {
		return inMemory[account.Keys](&storagetest.ModelKeys{})
	})
}

func TestModelErasures(t *testing.T) {
	storagetest.Erasures(t, func(testing.TB) storagetest.Harness[account.Erasures] {
		return inMemory[account.Erasures](&storagetest.ModelErasures{})
	})
}

func TestModelSources(t *testing.T) {
	storagetest.Sources(t, func(testing.TB) storagetest.Harness[ingest.Sources] {
		return inMemory[ingest.Sources](&storagetest.ModelSources{})
	})
}

func TestModelAccounts(t *testing.T) {
	storagetest.Accounts(t, func(testing.TB) storagetest.Harness[account.Accounts] {
		return inMemory[account.Accounts](&storagetest.ModelAccounts{})
	})
}

// A line that is good is no hindrance.
func TestFlakyWithoutFaults(t *testing.T) {
	storagetest.Articles(t, func(testing.TB) storagetest.Harness[feed.Articles] {
		model := storagetest.NewModelArticles()
		h := inMemory[feed.Articles](model)
		flaky := storagetest.NewFlaky(model, 1, storagetest.Faults{})
		h.Name = "flaky model without faults"
		h.Open = func(testing.TB) (feed.Articles, func() error) { return flaky, func() error { return nil } }
		return h
	})
}

// inMemory is the harness of a model: to open it is to look at it again.
func inMemory[T any, M interface {
	Lose(testing.TB)
	Heal(testing.TB)
	Freeze(testing.TB)
	Thaw(testing.TB)
}](model M) storagetest.Harness[T] {
	return storagetest.Harness[T]{
		Name:   "model",
		Open:   func(testing.TB) (T, func() error) { return any(model).(T), func() error { return nil } },
		Shared: true,
		Lose:   model.Lose, Heal: model.Heal, Freeze: model.Freeze, Thaw: model.Thaw,
	}
}
