package mongo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/bson"
	driver "go.mongodb.org/mongo-driver/mongo"
	"go.mongodb.org/mongo-driver/mongo/options"

	"newsfeed/feed"
)

// Articles returns the database's log of articles.
func (s *Store) Articles() feed.Articles {
	return &articles{log: s.db.Collection(collectionArticles), made: s.made}
}

// articles keeps feed.Articles. The unique _id is what gives an edition to one
// writer only.
type articles struct {
	log  *driver.Collection
	made time.Time
}

var withoutBody = bson.M{"body_html": 0}

// Top implements feed.Articles.
func (a *articles) Top(ctx context.Context) (feed.Edition, time.Time, error) {
	var newest entry
	err := a.log.FindOne(ctx, bson.M{}, options.FindOne().
		SetSort(bson.M{"_id": -1}).SetProjection(bson.M{"at": 1})).Decode(&newest)
	if errors.Is(err, driver.ErrNoDocuments) {
		return 0, a.made, nil
	}
	if err != nil {
		return 0, time.Time{}, fmt.Errorf("top of the log: %w", translate(ctx, err, feed.ErrUnavailable))
	}
	return feed.Edition(newest.Edition), newest.At, nil
}

// Append implements feed.Articles. An ordered insert stops at the first edition
// that is taken; what is before it is stored and stays.
func (a *articles) Append(ctx context.Context, entries []feed.Entry) (stored int, err error) {
	docs, err := documentsOf(entries)
	if err != nil {
		return 0, err
	}
	_, err = a.log.InsertMany(ctx, docs, options.InsertMany().SetOrdered(true))
	if err == nil {
		return len(entries), nil
	}
	what := fmt.Sprintf("append %d entries at edition %d", len(entries), entries[0].Edition)
	if isDuplicate(err) {
		stored := storedBefore(err)
		return stored, fmt.Errorf("%s: %w: %d, after %d were stored", what, feed.ErrEditionTaken, entries[stored].Edition, stored)
	}
	return 0, fmt.Errorf("%s: %w", what, translate(ctx, err, feed.ErrUnavailable))
}

// storedBefore is the place at which an ordered insert stopped.
func storedBefore(err error) int {
	var many driver.BulkWriteException
	if errors.As(err, &many) && len(many.WriteErrors) > 0 {
		return many.WriteErrors[0].Index
	}
	return 0
}

func documentsOf(entries []feed.Entry) ([]any, error) {
	if len(entries) == 0 {
		return nil, errors.New("append: no entries")
	}
	docs := make([]any, len(entries))
	for i, e := range entries {
		if want := entries[0].Edition + feed.Edition(i); e.Edition != want {
			return nil, fmt.Errorf("append: entry %d has edition %d, want %d", i, e.Edition, want)
		}
		docs[i] = documentOf(e)
	}
	return docs, nil
}

// Current implements feed.Articles in two questions. The first is answered from
// the index alone: all editions of the articles, of which there are few since
// superseded ones are pruned.
func (a *articles) Current(ctx context.Context, ids []feed.ArticleID) (map[feed.ArticleID]feed.Entry, error) {
	for {
		newest, err := a.newest(ctx, ids)
		if err != nil {
			return nil, fmt.Errorf("newest editions of %d articles: %w", len(ids), translate(ctx, err, feed.ErrUnavailable))
		}
		entries, err := a.find(ctx, bson.M{"_id": bson.M{"$in": newest}})
		if err != nil {
			return nil, fmt.Errorf("current versions of %d articles: %w", len(ids), translate(ctx, err, feed.ErrUnavailable))
		}
		current := make(map[feed.ArticleID]feed.Entry, len(entries))
		for _, e := range entries {
			if !e.Stub {
				current[e.Article.ID] = e
			}
		}
		if len(current) == len(newest) {
			return current, nil
		}
		// Superseded and pruned between the two questions: ask again.
	}
}

// newest returns the newest edition of each article there is.
func (a *articles) newest(ctx context.Context, ids []feed.ArticleID) ([]int64, error) {
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = id.String()
	}
	cursor, err := a.log.Find(ctx, bson.M{"article": bson.M{"$in": names}},
		options.Find().SetProjection(bson.M{"_id": 1, "article": 1}))
	if err != nil {
		return nil, err
	}
	var versions []entry
	if err := cursor.All(ctx, &versions); err != nil {
		return nil, err
	}
	byArticle := map[string]int64{}
	for _, v := range versions {
		byArticle[v.Article] = max(byArticle[v.Article], v.Edition)
	}
	editions := make([]int64, 0, len(byArticle))
	for _, edition := range byArticle {
		editions = append(editions, edition)
	}
	return editions, nil
}

// Body implements feed.Articles.
func (a *articles) Body(ctx context.Context, e feed.Edition) (string, error) {
	var doc entry
	err := a.log.FindOne(ctx, bson.M{"_id": int64(e)},
		options.FindOne().SetProjection(bson.M{"body_html": 1})).Decode(&doc)
	if err != nil && !errors.Is(err, driver.ErrNoDocuments) {
		return "", fmt.Errorf("body of edition %d: %w", e, translate(ctx, err, feed.ErrUnavailable))
	}
	return doc.BodyHTML, nil
}

// Read implements feed.Articles. The log is dense, so the editions of a range are
// known, and are asked for one by one by their key: no server need scan for them,
// or find out that there is nothing after the top.
//
// Downwards it has to begin at the top where the range goes beyond it. A bound
// below the top, as that of a node that warms its index, costs no question for
// the top: that is asked when something is missing.
func (a *articles) Read(ctx context.Context, r feed.Range) ([]feed.Entry, error) {
	if r.Before == 0 || r.Before > feed.LastEdition {
		r.Before = feed.LastEdition
	}
	var entries []feed.Entry
	var err error
	missing := r.Before == feed.LastEdition
	if !r.NewestFirst || !missing {
		entries, missing, err = a.read(ctx, r)
	}
	if err == nil && missing && r.NewestFirst {
		var top feed.Edition
		if top, _, err = a.Top(ctx); err != nil {
			return nil, err
		}
		r.Before = min(r.Before, top+1)
		entries, _, err = a.read(ctx, r)
	}
	if err != nil {
		return nil, fmt.Errorf("read the log after %d before %d: %w", r.After, r.Before, translate(ctx, err, feed.ErrUnavailable))
	}
	return entries, nil
}

// read asks for the editions of a range, and reports whether some are missing.
func (a *articles) read(ctx context.Context, r feed.Range) (entries []feed.Entry, missing bool, err error) {
	editions := editionsOf(r)
	if entries, err = a.find(ctx, bson.M{"_id": bson.M{"$in": editions}}); err != nil {
		return nil, false, err
	}
	slices.SortFunc(entries, func(a, b feed.Entry) int {
		if r.NewestFirst {
			a, b = b, a
		}
		return cmp.Compare(a.Edition, b.Edition)
	})
	return entries, len(entries) < len(editions), nil
}

// editionsOf returns the editions of a range, at most its limit, from the end
// that it is read from.
func editionsOf(r feed.Range) []int64 {
	if r.Before <= r.After+1 {
		return []int64{}
	}
	editions := make([]int64, min(uint64(r.Limit), uint64(r.Before-r.After-1)))
	for i := range editions {
		if r.NewestFirst {
			editions[i] = int64(r.Before) - 1 - int64(i)
		} else {
			editions[i] = int64(r.After) + 1 + int64(i)
		}
	}
	return editions
}

// find returns entries without their bodies.
func (a *articles) find(ctx context.Context, filter any, o ...*options.FindOptions) ([]feed.Entry, error) {
	cursor, err := a.log.Find(ctx, filter, append(o, options.Find().SetProjection(withoutBody))...)
	if err != nil {
		return nil, err
	}
	var docs []entry
	if err := cursor.All(ctx, &docs); err != nil {
		return nil, err
	}
	entries := make([]feed.Entry, len(docs))
	for i, doc := range docs {
		if entries[i], err = doc.entry(); err != nil {
			return nil, err
		}
	}
	return entries, nil
}

// Merges implements feed.Articles.
func (a *articles) Merges(ctx context.Context, ids []feed.StoryID) ([]feed.StoryMerge, error) {
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = id.String()
	}
	any := bson.M{"$in": names}
	entries, err := a.find(ctx, bson.M{"$or": bson.A{bson.M{"merge.kept": any}, bson.M{"merge.gone": any}}})
	if err != nil {
		return nil, fmt.Errorf("merges of %d stories: %w", len(ids), translate(ctx, err, feed.ErrUnavailable))
	}
	found := make([]feed.StoryMerge, len(entries))
	for i, e := range entries {
		found[i] = *e.Merge
	}
	return found, nil
}

// Prune implements feed.Articles.
func (a *articles) Prune(ctx context.Context, editions []feed.Edition) error {
	ids := make([]int64, len(editions))
	for i, e := range editions {
		ids[i] = int64(e)
	}
	// A pipeline, which names what stays: a list of what goes would be forgotten
	// by whoever adds a field.
	_, err := a.log.UpdateMany(ctx, bson.M{"_id": bson.M{"$in": ids}, "stub": bson.M{"$ne": true}}, driver.Pipeline{
		{{Key: "$project", Value: bson.M{"at": 1, "call": 1, "seq": 1}}},
		{{Key: "$set", Value: bson.M{"stub": true}}},
	})
	if err != nil {
		return fmt.Errorf("prune %d editions: %w", len(editions), translate(ctx, err, feed.ErrUnavailable))
	}
	return nil
}
