package ingest

import (
	"context"
	"fmt"

	"newsfeed/feed"
)

// Remove stops polling a source and forgets its addresses, of which it returns
// the number. With withdraw it also withdraws every article that belongs to the
// source, and returns how many; the same call again goes on where one was cut
// short. ErrNoSource when there was nothing of the source.
func (d *Desk) Remove(ctx context.Context, source string, withdraw bool) (addresses, withdrawn int, err error) {
	if addresses, err = d.Sources.Remove(ctx, source); err != nil {
		return 0, 0, err
	}
	if withdraw {
		if withdrawn, err = d.withdraw(ctx, source); err != nil {
			return addresses, withdrawn, fmt.Errorf("withdraw the articles of %s: %w", source, err)
		}
	}
	if addresses+withdrawn == 0 {
		return 0, 0, fmt.Errorf("remove source %s: %w", source, ErrNoSource)
	}
	return addresses, withdrawn, nil
}

// withdraw takes back what belongs to a source. The log is read from its end:
// the first entry seen of an article is its newest.
func (d *Desk) withdraw(ctx context.Context, source string) (withdrawn int, err error) {
	seen := map[feed.ArticleID]bool{}
	for before := feed.LastEdition; ; {
		entries, err := d.Articles.Read(ctx, feed.Range{Before: before, NewestFirst: true, Limit: 2 * chunkArticles})
		if err != nil || len(entries) == 0 {
			return withdrawn, err
		}
		var changes []feed.Change
		for i := range entries {
			e := &entries[i]
			id := e.Article.ID
			if id.IsZero() || seen[id] {
				continue
			}
			seen[id] = true
			if e.Owner == source && !e.Withdrawn {
				changes = append(changes, feed.Change{Withdraw: id})
			}
		}
		for len(changes) > 0 {
			n := min(chunkArticles, len(changes))
			results, _, err := d.Log.Put(ctx, changes[:n])
			for _, r := range results {
				if r.Outcome == feed.Updated {
					withdrawn++
				}
			}
			if err != nil {
				return withdrawn, err
			}
			changes = changes[n:]
		}
		before = entries[len(entries)-1].Edition
	}
}
