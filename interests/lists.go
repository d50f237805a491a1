package interests

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"newsfeed/interests/account"
	"newsfeed/interests/athand"
	"newsfeed/interests/topic"
)

// Errors of Lists beside those of the Store.
var (
	// ErrFull: the edit would go beyond MaxFollowed or MaxMuted.
	ErrFull = errors.New("interests: the list is full")
	// ErrMuted: the topic is muted, and whoever edits may not lift that.
	ErrMuted = errors.New("interests: the topic is muted")
	// ErrNotTheirs: whoever edits did not add the topic.
	ErrNotTheirs = errors.New("interests: the topic was added by another")
	// ErrBusy: others edited the list each time this edit was tried.
	ErrBusy = errors.New("interests: too many edits of this list at once")
)

// Lists reads and edits people's lists, and keeps those lately used at hand (see
// [Lists.Remember]). Safe for concurrent use.
type Lists struct {
	store Store
	now   func() time.Time
	hand  *athand.Cache[*Copy] // nil: every question goes to the store
}

// NewLists returns the lists in a store; now is the server's clock.
func NewLists(store Store, now func() time.Time) *Lists { return &Lists{store: store, now: now} }

// Get returns a person's list as the store has it now, the zero List when they
// have none. [Lists.AtLeast] costs less.
func (l *Lists) Get(ctx context.Context, id account.ID) (List, error) {
	return l.store.Load(ctx, id)
}

// At returns a person's list as it was at a revision, which is remembered for an
// hour at least after an edit replaced it; at revision 0 it is the zero List.
// ErrForgotten when it cannot be rebuilt: it was too long ago, the list never
// had that revision, or it had and lost edits. One round trip.
//
// None at all when the list at hand has that revision.
func (l *Lists) At(ctx context.Context, id account.ID, revision Revision) (List, error) {
	if c, ok := l.AtHand(id, revision); ok && c.Revision == revision {
		return c.List, nil
	}
	list, undos, err := l.store.Journal(ctx, id, revision)
	if err != nil {
		return List{}, err
	}
	return Rewind(list, undos, revision)
}

// Set puts one topic at a level ([None] removes it) with the server's own stamp,
// which is later than everything in the list, and returns the list after it. The
// list is kept until the given time, for good when that is zero. Setting what is
// set already still counts as an edit: it wins over an older one that arrives
// late. Errors: ErrFull, ErrBusy, and those of the Store.
func (l *Lists) Set(ctx context.Context, id account.ID, t topic.ID, level Level, until time.Time) (List, error) {
	list, results, err := l.edit(ctx, id, until, func(list *List, now time.Time) []Op {
		return []Op{{Topic: t, Level: level, At: list.NextStamp(now)}}
	})
	switch {
	case err != nil:
		return List{}, fmt.Errorf("set %s to %s: %w", t, level, err)
	case results[0].Reason == ListFull:
		return list, ErrFull
	case results[0].Status != Applied:
		return list, fmt.Errorf("set %s to %s: %s %s", t, level, results[0].Status, results[0].Reason)
	}
	return list, nil
}

// Add follows a topic for an app that may only add topics and remove those: its
// stamps have a device of its own, by which it is known later what it added. A topic
// that is followed already, by whatever level, is left as it is. ErrMuted, and the
// errors of Set.
func (l *Lists) Add(ctx context.Context, id account.ID, by Device, t topic.ID, until time.Time) (List, error) {
	return l.touch(ctx, id, by, Op{Topic: t, Level: Follow}, until, func(is Register) (bool, error) {
		if is.Level == Mute {
			return false, ErrMuted
		}
		return is.Level == None || is.Level == 0, nil
	})
}

// Take removes what Add added by the same device. A topic that is not in the list
// is no error; ErrNotTheirs when it stands there by somebody else's edit.
func (l *Lists) Take(ctx context.Context, id account.ID, by Device, t topic.ID, until time.Time) (List, error) {
	return l.touch(ctx, id, by, Op{Topic: t, Level: None}, until, func(is Register) (bool, error) {
		switch {
		case is.Level == None || is.Level == 0:
			return false, nil
		case is.At.Device() != by:
			return false, ErrNotTheirs
		}
		return true, nil
	})
}

// touch does an edit if may says so of the newest register of its topic.
func (l *Lists) touch(ctx context.Context, id account.ID, by Device, op Op, until time.Time, may func(Register) (bool, error)) (List, error) {
	var refused error
	list, results, err := l.edit(ctx, id, until, func(list *List, now time.Time) []Op {
		var yes bool
		if yes, refused = may(list.Topics[op.Topic]); !yes {
			return nil
		}
		next := list.NextStamp(now)
		op.At = NewStamp(time.UnixMilli(next.Milli()), next.Counter(), by)
		return []Op{op}
	})
	switch {
	case err != nil:
		return List{}, fmt.Errorf("set %s to %s: %w", op.Topic, op.Level, err)
	case refused != nil || len(results) == 0:
		return list, refused
	case results[0].Reason == ListFull:
		return list, ErrFull
	case results[0].Status != Applied: // a device is ahead of us, with many edits
		return list, ErrBusy
	}
	return list, nil
}

// Imported is what became of each topic that a list was to take in.
type Imported struct {
	Added   []topic.ID
	Kept    []topic.ID // in the list already, at whatever level
	LeftOut []topic.ID // beyond MaxFollowed or MaxMuted
}

// Import adds topics at their levels, all at once, and leaves as it is what the list
// has already: what somebody muted here stays muted. Errors: ErrBusy, and those of
// the Store.
func (l *Lists) Import(ctx context.Context, id account.ID, wanted []Op, until time.Time) (List, Imported, error) {
	var told Imported
	var ops []Op
	list, results, err := l.edit(ctx, id, until, func(list *List, now time.Time) []Op {
		told, ops = Imported{}, nil
		at := list.newest()
		for _, op := range wanted {
			if list.Level(op.Topic) != 0 {
				told.Kept = append(told.Kept, op.Topic)
				continue
			}
			at = NextStamp(at, now)
			ops = append(ops, Op{Topic: op.Topic, Level: op.Level, At: at})
		}
		return ops
	})
	if err != nil {
		return List{}, Imported{}, fmt.Errorf("import %d topics: %w", len(wanted), err)
	}
	for i, r := range results {
		if r.Status == Applied {
			told.Added = append(told.Added, ops[i].Topic)
		} else {
			told.LeftOut = append(told.LeftOut, ops[i].Topic)
		}
	}
	return list, told, nil
}

// Undos returns the journal of a person's list; see [Store.Undos].
func (l *Lists) Undos(ctx context.Context, id account.ID) ([]Undo, error) {
	return l.store.Undos(ctx, id)
}

// Delete removes a person's list and all that is kept beside it, here and on the
// nodes that have it at hand.
func (l *Lists) Delete(ctx context.Context, id account.ID) error {
	l.hand.Forget(id.Key()) // also if we never learn what became of it
	err := l.store.Delete(ctx, id)
	l.hand.Forget(id.Key()) // what was read meanwhile
	return err
}

// Keep changes how long a list is kept; see [Store.Keep]. A list at hand may
// outlive its time: keep it longer than the session by which it is asked for.
func (l *Lists) Keep(ctx context.Context, id account.ID, until time.Time) error {
	return l.store.Keep(ctx, id, until)
}

// attempts bounds how often an edit is tried against others.
const attempts = 12

// edit applies ops to the newest list until no other edit came between. It tries
// the list at hand first, which saves a round trip: if that is not the newest,
// the swap is refused. What it says of ops that change nothing is no answer,
// since the newest might say otherwise.
func (l *Lists) edit(ctx context.Context, id account.ID, until time.Time, ops func(*List, time.Time) []Op) (List, []Result, error) {
	if c, ok := l.AtHand(id, 0); ok {
		next, results, err := l.apply(ctx, id, c.List, until, ops)
		if err == nil && next.Revision != c.Revision || err != nil && !errors.Is(err, ErrConflict) {
			return next, results, err
		}
	}
	for try := range attempts {
		list, err := l.store.Load(ctx, id)
		if err != nil {
			return List{}, nil, err
		}
		next, results, err := l.apply(ctx, id, list, until, ops)
		if !errors.Is(err, ErrConflict) {
			return next, results, err
		}
		if err := pause(ctx, try); err != nil {
			return List{}, nil, err
		}
	}
	return List{}, nil, ErrBusy
}

// apply applies ops to a list, and swaps the result in if it is another.
func (l *Lists) apply(ctx context.Context, id account.ID, list List, until time.Time, ops func(*List, time.Time) []Op) (List, []Result, error) {
	now := l.now()
	next, results := Apply(list, ops(&list, now), now)
	if next.Revision == list.Revision {
		return list, results, nil
	}
	if err := l.swap(ctx, id, list.Revision, next, until, NewUndo(list, next, now)); err != nil {
		return List{}, nil, err
	}
	return next, results, nil
}

// swap replaces a list in the store, and has the new one at hand then.
func (l *Lists) swap(ctx context.Context, id account.ID, from Revision, next List, until time.Time, undo Undo) error {
	ticket := l.hand.Begin(id.Key())
	defer ticket.End()
	if err := l.store.Swap(ctx, id, from, next, until, undo); err != nil {
		l.hand.Doubt(id.Key())
		return err
	}
	ticket.Keep(keeping(next))
	return nil
}

// pause waits a random time that grows with the number of tries.
func pause(ctx context.Context, try int) error {
	t := time.NewTimer(time.Duration(rand.Int64N(int64(time.Millisecond) << min(try, 6))))
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
