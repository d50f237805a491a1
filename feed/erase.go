package feed

import (
	"context"
	"errors"
	"fmt"
	"time"

	"newsfeed/interests/account"
)

// Eraser erases people: their account, their sessions, what belongs to them, and
// what belonged to the guests that were merged into them. Safe for concurrent
// use, also by several nodes.
type Eraser struct {
	Accounts   account.Accounts
	Erasures   account.Erasures
	People     *account.People
	Belongings *Belongings
	Now        func() time.Time

	// Settle is after how long no node takes the token of a session that has
	// ended, see athand.MaxAge. What was written until then is removed too.
	Settle time.Duration
}

// Erased is how much was removed from each store.
type Erased struct {
	Accounts  int `json:"accounts"`
	Sessions  int `json:"sessions"`  // spent tokens of guests included
	Interests int `json:"interests"` // topics of the list, remembered removals included
	Journal   int `json:"journal"`   // earlier states of the list
	Marks     int `json:"marks"`     // stories with marks
	Merges    int `json:"merges"`
	Guests    int `json:"guests"` // that were merged into the account, and of which something was left
}

func (e *Erased) add(more Erased) {
	e.Accounts += more.Accounts
	e.Sessions += more.Sessions
	e.Interests += more.Interests
	e.Journal += more.Journal
	e.Marks += more.Marks
	e.Merges += more.Merges
	e.Guests += more.Guests
}

// interrupted is the age at which an erasure is taken for one that nobody is at.
const interrupted = time.Minute

// Erase erases a person, whose session of that token is the last to end. The
// intent is stored first: what is interrupted, at whichever point, is done when
// it is repeated, or by [Eraser.Finish]. It returns what this call has removed.
func (e *Eraser) Erase(ctx context.Context, id account.ID, token account.Hash) (Erased, error) {
	it := account.Erasure{Account: id, Token: token, Begun: e.Now().UTC().Truncate(time.Millisecond)}
	if err := e.Erasures.Begin(ctx, it); err != nil {
		return Erased{}, err
	}
	removed, err := e.remove(ctx, it)
	if err == nil {
		err = pauseUntilSettled(ctx, e.Settle)
	}
	if err == nil {
		var late Erased
		late, err = e.remove(ctx, it)
		removed.add(late)
	}
	if err == nil {
		err = e.Erasures.Done(ctx, id)
	}
	return removed, err
}

func pauseUntilSettled(ctx context.Context, settle time.Duration) error {
	t := time.NewTimer(settle)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// Pending reports whether an erasure of an account has begun and is not done.
func (e *Eraser) Pending(ctx context.Context, id account.ID) (bool, error) {
	all, err := e.Erasures.Pending(ctx)
	for _, it := range all {
		if it.Account == id {
			return true, err
		}
	}
	return false, err
}

// Finish finishes the erasures that were interrupted, and returns how many.
func (e *Eraser) Finish(ctx context.Context) (finished int, err error) {
	all, err := e.Erasures.Pending(ctx)
	if err != nil {
		return 0, err
	}
	var errs []error
	for _, it := range all {
		if e.Now().Sub(it.Begun) < interrupted {
			continue
		}
		_, err := e.remove(ctx, it)
		if err == nil {
			err = e.Erasures.Done(ctx, it.Account)
		}
		if err == nil {
			finished++
		}
		errs = append(errs, err)
	}
	return finished, errors.Join(errs...)
}

// remove removes all that there is. The account goes first, so that nobody signs
// in any more; then what the other devices and the guests have, so that they write
// no more; and last the session that asked, so that who is told of a failure can
// ask again.
func (e *Eraser) remove(ctx context.Context, it account.Erasure) (removed Erased, err error) {
	if removed.Accounts, err = e.removeAccount(ctx, it.Account); err != nil {
		return removed, err
	}
	held, err := e.People.All(ctx, it.Account)
	if err != nil {
		return removed, fmt.Errorf("find the sessions to erase: %w", err)
	}
	for _, h := range held {
		if h.Hash == it.Token {
			continue
		}
		if err := e.removeGuest(ctx, it.Account, h.Account, &removed); err != nil {
			return removed, err
		}
		if err := e.People.EndHeld(ctx, h.Hash); err != nil {
			return removed, err
		}
		removed.Sessions++
	}
	if err := e.removeMerged(ctx, it.Account, &removed); err != nil {
		return removed, err
	}
	if _, err := e.Belongings.remove(ctx, it.Account, &removed); err != nil {
		return removed, err
	}
	return removed, e.removeLastSession(ctx, it, &removed)
}

func (e *Eraser) removeAccount(ctx context.Context, id account.ID) (int, error) {
	_, err := e.Accounts.Account(ctx, id)
	if errors.Is(err, account.ErrNoAccount) {
		return 0, nil
	}
	if err == nil {
		err = e.Accounts.Delete(ctx, id)
	}
	return 1, err
}

// removeMerged removes what is left of the guests that merges tell of.
func (e *Eraser) removeMerged(ctx context.Context, id account.ID, removed *Erased) error {
	merges, err := e.Belongings.Merger.All(ctx, id)
	if err != nil {
		return err
	}
	for _, m := range merges {
		if err := e.removeGuest(ctx, id, m.Guest, removed); err != nil {
			return err
		}
	}
	return nil
}

// removeGuest removes what belonged to a guest who was merged into an account,
// unless that guest is somebody: itself, or one who has signed up.
func (e *Eraser) removeGuest(ctx context.Context, into, guest account.ID, removed *Erased) error {
	if guest == into {
		return nil
	}
	_, err := e.Accounts.Account(ctx, guest)
	if !errors.Is(err, account.ErrNoAccount) {
		return err
	}
	some, err := e.Belongings.remove(ctx, guest, removed)
	if some {
		removed.Guests++
	}
	return err
}

func (e *Eraser) removeLastSession(ctx context.Context, it account.Erasure, removed *Erased) error {
	_, err := e.People.Stored(ctx, it.Token)
	switch {
	case err == nil:
		removed.Sessions++
	case !errors.Is(err, account.ErrNoSession):
		return err
	}
	if err := e.People.EndHeld(ctx, it.Token); err != nil {
		return err
	}
	return e.People.Unlist(ctx, it.Account)
}

// remove removes what belongs to one account, counts it, and reports whether
// there was anything.
func (b *Belongings) remove(ctx context.Context, id account.ID, removed *Erased) (some bool, err error) {
	set, err := b.Marks.Get(ctx, id)
	if err != nil {
		return false, fmt.Errorf("find the marks to erase: %w", err)
	}
	list, err := b.Lists.Get(ctx, id)
	if err != nil {
		return false, fmt.Errorf("find the list to erase: %w", err)
	}
	undos, err := b.Lists.Undos(ctx, id)
	if err != nil {
		return false, fmt.Errorf("find the journal to erase: %w", err)
	}
	merges, err := b.Merger.All(ctx, id)
	if err != nil {
		return false, fmt.Errorf("find the merges to erase: %w", err)
	}
	if err := b.Marks.Delete(ctx, id); err != nil {
		return false, err
	}
	if err := b.Lists.Delete(ctx, id); err != nil {
		return false, err
	}
	removed.add(Erased{Interests: len(list.Topics), Journal: len(undos), Marks: len(set.Stories), Merges: len(merges)})
	return list.Revision != 0 || set.Revision != 0 || len(merges) > 0, nil
}
