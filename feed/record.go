package feed

import (
	"context"
	"fmt"
	"maps"
	"slices"
)

// Record reads stories as the store of articles has them, where the index alone
// cannot answer: whole articles, and stories that have left the horizon. Safe for
// concurrent use. Errors are those of the store.
type Record struct {
	Index    *Index
	Builder  *Builder
	Articles Articles
}

// MaxStoryArticles is how many articles of a story are shown at most: the newest.
// Stories that were told apart by their text have no more.
const MaxStoryArticles = 500

// Knows reports whether there ever was a story of an id: one in the index, or one
// whose first article, by whose id it goes, the store knows. newest is the edition
// that says so, which the index may not have reached; 0 when the index itself does.
func (r *Record) Knows(ctx context.Context, id StoryID) (known bool, newest Edition, err error) {
	if r.Index.HasStory(id) {
		return true, 0, nil
	}
	found, err := r.Articles.Current(ctx, []ArticleID{ArticleID(id)})
	if err != nil {
		return false, 0, fmt.Errorf("look for story %s: %w", id, err)
	}
	e, ok := found[ArticleID(id)]
	if !ok || e.Story != id {
		return false, 0, nil
	}
	return true, e.Edition, nil
}

// Merged returns of each story the ids of all that are one with it, the one that
// survived first. Of those that the index holds no more the store knows.
func (r *Record) Merged(ctx context.Context, ids ...StoryID) (map[StoryID][]StoryID, error) {
	one := make(map[StoryID][]StoryID, len(ids))
	var elsewhere []StoryID
	for _, id := range ids {
		if r.Index.HasStory(id) {
			one[id] = r.Index.Merged(id)
		} else {
			elsewhere = append(elsewhere, id)
		}
	}
	if len(elsewhere) == 0 {
		return one, nil
	}
	stored, err := MergedIn(ctx, r.Articles, elsewhere...)
	maps.Copy(one, stored)
	return one, err
}

// Story returns the articles of stories that are one, the one that survived first,
// that a query's person may see, newest first and without their bodies: what the
// index says, and the first articles, which it may hold no more. Their newest
// entries in the store, which may be ahead of the index, are looked at again.
func (r *Record) Story(ctx context.Context, q *Query, one []StoryID) ([]Entry, error) {
	ids := r.Builder.Story(*q, one[0])
	ids = ids[:min(len(ids), MaxStoryArticles)]
	for _, story := range one[:min(len(one), MaxStoryArticles)] {
		ids = append(ids, ArticleID(story))
	}
	found, err := r.Articles.Current(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("read the articles of story %s: %w", one[0], err)
	}
	var entries []Entry
	for _, article := range ids {
		if e, ok := found[article]; ok && slices.Contains(one, e.Story) {
			e.Story = one[0]
			entries = append(entries, e)
			delete(found, article)
		}
	}
	return q.Visible(entries, one), nil
}

// Stored reads stories that the index does not hold.
func (r *Record) Stored(ctx context.Context, ids []StoryID) (map[StoryID]StoredStory, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	articles := make([]ArticleID, len(ids))
	for i, id := range ids {
		articles[i] = ArticleID(id)
	}
	firsts, err := r.Articles.Current(ctx, articles)
	if err != nil {
		return nil, fmt.Errorf("read the first articles of %d stories: %w", len(ids), err)
	}
	one, err := MergedIn(ctx, r.Articles, ids...)
	if err != nil {
		return nil, err
	}
	stories := make(map[StoryID]StoredStory, len(ids))
	for _, id := range ids {
		if first, ok := firsts[ArticleID(id)]; ok && first.Story == id {
			stories[id] = StoredStory{IDs: one[id], First: first}
		}
	}
	return stories, nil
}
