package ingest

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/google/uuid"

	"newsfeed/feed"
)

// Remove stops polling a source and forgets its addresses, of which it returns
// the number. With withdraw it also withdraws every article that belongs to the
// source, and returns how many; the same call again goes on where one was cut
// short. Polls of the source by this node end first, so that none stores what was
// just withdrawn; one by another node may, for as long as its lease. ErrNoSource
// when there was nothing of the source.
func (d *Desk) Remove(ctx context.Context, source string, withdraw bool) (addresses, withdrawn int, err error) {
	all, err := d.All(ctx)
	if err != nil {
		return 0, 0, err
	}
	if addresses, err = d.Sources.Remove(ctx, source); err != nil {
		return 0, 0, err
	}
	for _, a := range all {
		if a.Source == source {
			d.polls.end(ctx, a.ID)
		}
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

// polls are those under way on this node.
type polls struct {
	mu       sync.Mutex // guards below
	underWay map[uuid.UUID][]*onePoll
	removed  map[uuid.UUID]bool // addresses that were; an id is not used again
}

type onePoll struct {
	cancel context.CancelFunc
	done   chan struct{}
}

// begin notes a poll, whose context ends when the address is removed; done is
// called when it has ended.
func (p *polls) begin(ctx context.Context, id uuid.UUID) (polling context.Context, done func()) {
	polling, cancel := context.WithCancel(ctx)
	one := &onePoll{cancel, make(chan struct{})}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.removed[id] {
		cancel()
	}
	p.underWay[id] = append(p.underWay[id], one)
	return polling, func() {
		cancel()
		p.mu.Lock()
		defer p.mu.Unlock()
		close(one.done)
		p.underWay[id] = slices.DeleteFunc(p.underWay[id], func(o *onePoll) bool { return o == one })
		if len(p.underWay[id]) == 0 {
			delete(p.underWay, id)
		}
	}
}

// end ends the polls of an address that was removed, and waits for them.
func (p *polls) end(ctx context.Context, id uuid.UUID) {
	p.mu.Lock()
	p.removed[id] = true
	underWay := slices.Clone(p.underWay[id])
	p.mu.Unlock()
	for _, one := range underWay {
		one.cancel()
		select {
		case <-one.done:
		case <-ctx.Done():
		}
	}
}
