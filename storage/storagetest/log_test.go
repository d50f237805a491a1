package storagetest_test

import (
	"testing"
	"time"

	"newsfeed/feed"
	"newsfeed/storage/storagetest"
)

func TestLogOverModel(t *testing.T) {
	model := func(t testing.TB) storagetest.Harness[feed.Articles] {
		m := storagetest.NewModelArticles()
		return storagetest.Harness[feed.Articles]{Name: "model", Shared: true,
			Open: func(testing.TB) (feed.Articles, func() error) { return m, func() error { return nil } }}
	}
	for seed := range uint64(3) {
		storagetest.Log(t, model, storagetest.LogLoad{
			Nodes: 4, Writers: 6, Readers: 2, Puts: 80, Seed: seed, Zombie: 60 * time.Millisecond})
	}
}
