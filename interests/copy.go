package interests

import (
	"context"
	"errors"
	"sync/atomic"

	"newsfeed/interests/account"
	"newsfeed/interests/athand"
)

// Copy is a list that a node has at hand, with what was made of it. All who ask
// get the same one, and nobody changes it.
type Copy struct {
	List
	made atomic.Value
}

// Made returns what a function makes of the list. It is made once, by whoever
// asks first, so a program has one such function, whose results have one type.
func (c *Copy) Made(by func(*List) any) any {
	if made := c.made.Load(); made != nil {
		return made
	}
	c.made.CompareAndSwap(nil, by(&c.List))
	return c.made.Load()
}

// topicsAPerson is the room in memory for one person, in topics, which take about
// 200 bytes each with what a feed makes of them: 50,000 people take 500 MB at
// most. A list without any takes as much as copyWeight of them.
const (
	topicsAPerson = 50
	copyWeight    = 10
)

// Remember keeps the lists of up to so many people at hand from now on, fewer if
// they have more than 40 topics each. It is called before any other method, and
// Close ends it.
func (l *Lists) Remember(changes athand.Announcements, people int) {
	l.hand = athand.New[*Copy](athand.List, changes, uint64(people)*topicsAPerson)
}

// Close forgets what is at hand. Closing twice is closing once.
func (l *Lists) Close() { l.hand.Close() }

// AtHand returns a person's list if it need not be asked for and is not older
// than a revision. It is for calls that must not even make a context, and
// allocates nothing.
func (l *Lists) AtHand(id account.ID, least Revision) (*Copy, bool) {
	return l.hand.Get(id.Key(), uint64(least))
}

// AtLeast returns a person's list, from memory unless that may have been edited
// more than two seconds ago or is older than a revision. What the store has is
// returned even if it is older: then the record has lost edits. ErrUnavailable
// when the store could not be reached and nothing at hand would do.
func (l *Lists) AtLeast(ctx context.Context, id account.ID, least Revision) (*Copy, error) {
	return l.AtLeastFrom(ctx, id, least, l.load)
}

// Loader reads a list from the store, as [Store.Load] does.
type Loader func(context.Context, account.ID) (List, error)

// AtLeastFrom is AtLeast with a way to the store of the caller's, who can read
// something else on it.
func (l *Lists) AtLeastFrom(ctx context.Context, id account.ID, least Revision, load Loader) (*Copy, error) {
	c, err := l.hand.Load(ctx, id.Key(), uint64(least), reader(id, load))
	return c, athand.Unreachable(err, ErrUnavailable)
}

// LastKnown is AtLeast for a feed, which is shown even when the store is
// unreachable: then it returns the last known list that is not older than a
// revision, and true.
func (l *Lists) LastKnown(ctx context.Context, id account.ID, least Revision) (c *Copy, stale bool, err error) {
	return l.LastKnownFrom(ctx, id, least, l.load)
}

// LastKnownFrom is to LastKnown what AtLeastFrom is to AtLeast.
func (l *Lists) LastKnownFrom(ctx context.Context, id account.ID, least Revision, load Loader) (c *Copy, stale bool, err error) {
	c, stale, err = l.hand.LoadOrLastKnown(ctx, id.Key(), uint64(least), reader(id, load), func(err error) bool {
		return errors.Is(athand.Unreachable(err, ErrUnavailable), ErrUnavailable)
	})
	return c, stale, athand.Unreachable(err, ErrUnavailable)
}

func (l *Lists) load(ctx context.Context, id account.ID) (List, error) { return l.store.Load(ctx, id) }

func reader(id account.ID, load Loader) func(context.Context) (athand.Read[*Copy], error) {
	return func(ctx context.Context) (athand.Read[*Copy], error) {
		list, err := load(ctx, id)
		if err != nil {
			return athand.Read[*Copy]{}, err
		}
		return keeping(list), nil
	}
}

func keeping(list List) athand.Read[*Copy] {
	return athand.Read[*Copy]{Value: &Copy{List: list}, Revision: uint64(list.Revision), Weight: copyWeight + uint32(len(list.Topics))}
}
