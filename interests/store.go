package interests

import (
	"context"
	"errors"
	"time"

	"newsfeed/interests/account"
)

// Store is the contract of a store for lists. It offers compare-and-swap and
// decides nothing. Safe for concurrent use by several processes. Every method
// returns ctx.Err() (wrapped) when the context ended first and ErrUnavailable
// (wrapped) when the store could not be reached or refuses to work; then nothing
// is known about whether a write happened. What a method has acknowledged is
// durable.
//
// Times are cut to milliseconds and judged by the store's clock. A list whose
// time has come is as if it were deleted: it is loaded as the zero List, and
// swapped from 0. A time in the past is no error; the list is gone at once.
//
// Beside a list stands its journal, the undos of its edits. The two change at the
// same moment, and with the list the journal is gone. When undos enter it, the
// oldest entries leave, one after the other, as long as [Undo.Outlived] says so
// at the newest one's time, JournalTrim at most. A store may also let an entry go
// when JournalMost has passed by its own clock.
type Store interface {
	// Load returns a person's list; the zero List when there is none. It sees
	// every Swap that was acknowledged before the call.
	Load(ctx context.Context, id account.ID) (List, error)
	// Swap replaces a list if its revision still is from (0: there is none).
	// ErrConflict when it is another; nothing was changed then, neither by this
	// call nor by an attempt of its own whose answer was lost. next.Revision is
	// greater than from. The list is kept until the given time, for good when
	// that is zero, whatever was said before. undos are what the journal gains,
	// oldest first: one for an edit. After a swap without any, nothing from
	// before it can be rebuilt.
	Swap(ctx context.Context, id account.ID, from Revision, next List, until time.Time, undos ...Undo) error
	// Journal returns a person's list as Load does and, of the same moment, the
	// undos that take it back to the revision since, newest first; none when it
	// has that revision. ErrForgotten when there is no such way back: since is
	// too long ago, or never was a revision of this list, or is newer than the
	// list; the list is returned even so, without undos.
	Journal(ctx context.Context, id account.ID, since Revision) (List, []Undo, error)
	// Undos returns all that the journal of a list has, newest first; none when
	// there is no list.
	Undos(ctx context.Context, id account.ID) ([]Undo, error)
	// Keep changes how long a list is kept (zero: for good). Keeping what is
	// not there is a success and makes nothing.
	Keep(ctx context.Context, id account.ID, until time.Time) error
	// Delete removes a list, its journal and everything else kept about it.
	// Deleting what is not there is a success.
	Delete(ctx context.Context, id account.ID) error
}

// Errors of the contract.
var (
	ErrConflict    = errors.New("interests: the list was edited meanwhile")
	ErrForgotten   = errors.New("interests: the list at that revision is not remembered")
	ErrUnavailable = errors.New("interests: the store of lists is unavailable")
	// ErrUnconfirmed comes with ErrUnavailable, of lists and of marks: the store has
	// the edit, but fewer replicas than were asked for have confirmed it, so that it
	// may be lost with the store's server.
	ErrUnconfirmed = errors.New("interests: the edit is stored and not confirmed by enough replicas")
)
