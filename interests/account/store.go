package account

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
)

// Store is the contract of a store for sessions. Safe for concurrent use by
// several processes. Every method returns ctx.Err() (wrapped) when the context
// ended first and ErrUnavailable (wrapped) when the store could not be reached or
// refuses to work; then nothing is known about whether a write happened. What a
// method has acknowledged is durable.
//
// Expiry is cut to milliseconds and judged by the store's clock; a zero one has
// passed. A session that has expired is as if it were ended, and its hash is
// free. To create or renew one that has expired already is no error; it is gone
// at once.
type Store interface {
	// Create stores a session under the hash of its token until it expires.
	// ErrExists when the hash is taken; what is under it is unchanged then.
	Create(ctx context.Context, h Hash, s Session) error
	// Session returns what is stored; ErrNoSession when nothing is. It sees
	// everything that was acknowledged before the call.
	Session(ctx context.Context, h Hash) (Session, error)
	// Renew replaces the stored session, its expiry included. ErrNoSession when
	// there is none (ended or expired in the meantime): it is not made anew.
	// ErrMerged when it was merged, unless by the merge that the new one names.
	// The account and whether it is a guest's stay the same.
	Renew(ctx context.Context, h Hash, s Session) error
	// Spend replaces a session that was not merged by one that is, and returns
	// what is stored after the call: of several who try, all get the first's.
	// ErrNoSession when there is none.
	Spend(ctx context.Context, h Hash, merged Session) (Session, error)
	// End removes a session. Removing what is not there is a success.
	End(ctx context.Context, h Hash) error
	// Of returns the sessions of a member's account, those of guests that were
	// spent for it, and those that are good for one thing only (see
	// [Session.Owner]), in no order. It sees every one that was acknowledged before
	// the call. A guest's own is not among them: it is found by its token only.
	Of(ctx context.Context, id ID) ([]Held, error)
	// Unlist removes what a store keeps to find the sessions under an account. It
	// is called when all that Of returned have ended; of others nothing is known.
	Unlist(ctx context.Context, id ID) error
}

// Held is a session with the hash that it is stored under.
type Held struct {
	Hash Hash
	Session
}

// Keys is the contract of a store for keys; errors as in [Store].
type Keys interface {
	// CreateKey stores a key. ErrExists when its id or its hash is taken.
	CreateKey(ctx context.Context, k Key) error
	// Keys returns all keys that were not revoked, oldest first, those made at
	// the same time by id. A list without elements may come back nil.
	Keys(ctx context.Context) ([]Key, error)
	// RevokeKey removes a key; its id and hash are free again. ErrNoKey when
	// there is none.
	RevokeKey(ctx context.Context, id uuid.UUID) error
}

// Errors of the contracts.
var (
	ErrNoSession = errors.New("account: no such session")
	ErrNoKey     = errors.New("account: no such key")
	ErrExists    = errors.New("account: exists already")
	// ErrMerged: the session was a guest's, whose list was merged into an account.
	// It is an ErrNoSession.
	ErrMerged = fmt.Errorf("%w: it was merged into an account", ErrNoSession)
	// ErrOtherUse: the session is good for one thing only, and not for this. It is
	// an ErrNoSession.
	ErrOtherUse    = fmt.Errorf("%w: it is good for one thing only", ErrNoSession)
	ErrManyLinks   = fmt.Errorf("account: there are %d links to the feed already", MaxLinks)
	ErrNoRoom      = errors.New("account: there is no room for one more guest")
	ErrUnavailable = errors.New("account: the store of accounts is unavailable")
)
