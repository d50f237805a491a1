package storagetest

import (
	"context"
	"errors"
	"sync"
	"testing"

	"newsfeed/feed"
)

// The cases of feed.Articles about callers who do not wait and servers that do
// not answer.

// articlesCalls are the methods of the contract with arguments that succeed.
func articlesCalls(store feed.Articles) []storeCall {
	var mu sync.Mutex // guards next
	next := feed.Edition(1)
	return []storeCall{
		{"Top", func(ctx context.Context) error { _, _, err := store.Top(ctx); return err }},
		{"Append", func(ctx context.Context) error {
			mu.Lock()
			defer mu.Unlock()
			for {
				_, err := store.Append(ctx, versions(next, 1))
				taken := errors.Is(err, feed.ErrEditionTaken) // by an Append that did not hear its answer
				if err == nil || taken {
					next++
				}
				if !taken {
					return err
				}
			}
		}},
		{"Current", func(ctx context.Context) error {
			_, err := store.Current(ctx, []feed.ArticleID{articleID(1), articleID(2)})
			return err
		}},
		{"Body", func(ctx context.Context) error { _, err := store.Body(ctx, 1); return err }},
		{"Read", func(ctx context.Context) error { _, err := store.Read(ctx, feed.Range{Limit: 5}); return err }},
		{"Merges", func(ctx context.Context) error {
			_, err := store.Merges(ctx, []feed.StoryID{feed.StoryID(articleID(1))})
			return err
		}},
		{"Prune", func(ctx context.Context) error { return store.Prune(ctx, []feed.Edition{1}) }},
	}
}

func articlesContext(t *testing.T, h Harness[feed.Articles]) {
	store, _ := h.Start(t)
	log := versions(1, 2)
	mustAppend(t, store, log)
	if stored, err := store.Append(cancelled(), versions(3, 1)); stored != 0 || !errors.Is(err, context.Canceled) {
		t.Errorf("append with a cancelled context: %d, %v; want 0, context.Canceled", stored, err)
	}
	if err := store.Prune(cancelled(), []feed.Edition{1}); !errors.Is(err, context.Canceled) {
		t.Errorf("prune with a cancelled context: %v, want context.Canceled", err)
	}
	same(t, "the log", read(t, store, feed.Range{Limit: 10}), bare(log))
	wantContext(t, articlesCalls(store))
}

func articlesFrozen(t *testing.T, h Harness[feed.Articles]) {
	store, _ := h.Start(t)
	wantDeadlines(t, h.Freeze, h.Thaw, articlesCalls(store))
}

func articlesLost(t *testing.T, h Harness[feed.Articles]) {
	store, _ := h.Start(t)
	wantLostAndBack(t, h.Lose, h.Heal, articlesCalls(store), feed.ErrUnavailable)
}
