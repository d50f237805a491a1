package interests

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"newsfeed/interests/account"
)

// Merger merges guests' lists into accounts', and takes merges back. Safe for
// concurrent use, also by several nodes.
type Merger struct {
	lists *Lists
	store Merges
}

// NewMerger returns the merger of lists, whose merges are kept in a store.
func NewMerger(lists *Lists, store Merges) *Merger { return &Merger{lists, store} }

// Merge joins the list of m's guest into an account's, once: a merge that was
// stored before is returned as it is. List and record change at one moment, so
// what was interrupted was not done, or was done whole. m has ID, Guest, Token and
// Marks. Errors: ErrBusy, and those of the stores.
func (g *Merger) Merge(ctx context.Context, into account.ID, m Merge) (Merge, error) {
	m.At = g.lists.now().UTC().Truncate(time.Millisecond)
	for try := range attempts {
		stored, err := g.store.Merge(ctx, into, m.ID)
		if !errors.Is(err, ErrNoMerge) {
			return stored, err
		}
		list, next, merged, err := g.plan(ctx, into, m)
		if err != nil {
			return Merge{}, err
		}
		if err = g.put(ctx, into, list, next, merged); !errors.Is(err, ErrConflict) {
			return merged, err
		}
		if err := pause(ctx, try); err != nil {
			return Merge{}, err
		}
	}
	return Merge{}, ErrBusy
}

// Preview returns what Merge would do now. It writes nothing.
func (g *Merger) Preview(ctx context.Context, into account.ID, guest account.ID) (Merge, error) {
	_, _, m, err := g.plan(ctx, into, Merge{Guest: guest})
	return m, err
}

// plan reads both lists and joins them.
func (g *Merger) plan(ctx context.Context, into account.ID, m Merge) (list, next List, merged Merge, err error) {
	if list, err = g.lists.store.Load(ctx, into); err != nil {
		return list, next, merged, err
	}
	if into == m.Guest {
		return list, list, AdoptList(list, m), nil
	}
	guest, err := g.lists.store.Load(ctx, m.Guest)
	if err != nil {
		return list, next, merged, err
	}
	next, merged = JoinLists(list, guest, m, g.lists.now())
	return list, next, merged, nil
}

// put stores a merge, and has the list at hand then.
func (g *Merger) put(ctx context.Context, id account.ID, list, next List, m Merge) error {
	if next.Revision == list.Revision {
		return g.store.Put(ctx, id, list.Revision, next, m)
	}
	ticket := g.lists.hand.Begin(id.Key())
	defer ticket.End()
	if err := g.store.Put(ctx, id, list.Revision, next, m, NewUndo(list, next, g.lists.now())); err != nil {
		g.lists.hand.Doubt(id.Key())
		return err
	}
	ticket.Keep(keeping(next))
	return nil
}

// Find returns a merge of an account; ErrNoMerge when it is not remembered or can
// be undone no more.
func (g *Merger) Find(ctx context.Context, id account.ID, merge uuid.UUID) (Merge, error) {
	m, err := g.store.Merge(ctx, id, merge)
	if err == nil && g.lists.now().Sub(m.At) > account.MergeLife {
		err = fmt.Errorf("merge %s: %w", merge, ErrNoMerge)
	}
	return m, err
}

// All returns the merges of an account, newest first.
func (g *Merger) All(ctx context.Context, id account.ID) ([]Merge, error) {
	return g.store.Merges(ctx, id)
}

// Undo takes a merge back, see [Unmerge], once, and returns the list after it.
func (g *Merger) Undo(ctx context.Context, id account.ID, merge uuid.UUID) (List, error) {
	for try := range attempts {
		m, err := g.Find(ctx, id, merge)
		if err != nil {
			return List{}, err
		}
		list, err := g.lists.store.Load(ctx, id)
		if err != nil || m.Undone {
			return list, err
		}
		m.Undone = true
		next := Unmerge(list, m, g.lists.now())
		if err = g.put(ctx, id, list, next, m); !errors.Is(err, ErrConflict) {
			return next, err
		}
		if err := pause(ctx, try); err != nil {
			return List{}, err
		}
	}
	return List{}, ErrBusy
}
