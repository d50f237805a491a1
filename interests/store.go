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
type Store interface {
	// Load returns a person's list; the zero List when there is none. It sees
	// every Swap that was acknowledged before the call.
	Load(ctx context.Context, id account.ID) (List, error)
	// Swap replaces a list if its revision still is from (0: there is none).
	// ErrConflict when it is another; nothing was changed then, neither by this
	// call nor by an attempt of its own whose answer was lost. next.Revision is
	// greater than from. The list is kept until the given time, for good when
	// that is zero, whatever was said before.
	Swap(ctx context.Context, id account.ID, from Revision, next List, until time.Time) error
	// Keep changes how long a list is kept (zero: for good). Keeping what is
	// not there is a success and makes nothing.
	Keep(ctx context.Context, id account.ID, until time.Time) error
	// Delete removes a list and everything kept about it. Deleting what is not
	// there is a success.
	Delete(ctx context.Context, id account.ID) error
}

// Errors of the contract.
var (
	ErrConflict    = errors.New("interests: the list was edited meanwhile")
	ErrUnavailable = errors.New("interests: the store of lists is unavailable")
)
