package main

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"newsfeed/feed"
)

// madeLog is a log that nobody stores: it makes the entry that is asked for. The
// index is warmed from it as a node is from its store.
type madeLog struct {
	*maker
	feed.Articles // nil: a warming log calls Top and Read alone
}

func (l madeLog) Top(context.Context) (feed.Edition, time.Time, error) {
	return feed.Edition(l.Corpus.Articles), l.End, nil
}

func (l madeLog) Read(_ context.Context, r feed.Range) ([]feed.Entry, error) {
	if !r.NewestFirst || r.Before == 0 {
		return nil, fmt.Errorf("a made log is read downwards only, not %+v", r)
	}
	var entries []feed.Entry
	for i := int(r.Before) - 1; i > int(r.After) && len(entries) < r.Limit; i-- {
		entries = append(entries, l.entry(i))
	}
	return entries, nil
}

// index returns an index of the corpus, as warm as a node's after a start.
func (c *Corpus) index(ctx context.Context) (*feed.Index, error) {
	// A warming index is mostly garbage of entries; the machine's memory is for
	// the index.
	defer debug.SetGCPercent(debug.SetGCPercent(50))
	x := feed.NewIndex(0, func() time.Time { return c.End }, nil)
	log := feed.NewLog(madeLog{maker: c.maker()}, x, nil, feed.LogOptions{HalfLife: halfLife})
	if err := log.Warm(ctx, nil); err != nil {
		return nil, fmt.Errorf("make an index of %d articles: %w", c.Articles, err)
	}
	return x, nil
}
