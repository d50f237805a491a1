package account

import (
	"context"
	"time"
)

// Erasure is the intent to erase a person: it is stored before anything is
// removed, and removed when nothing else is left. It names nobody by e-mail.
type Erasure struct {
	Account ID
	Token   Hash      // of the session that asked; a guest's is found by it only
	Begun   time.Time // milliseconds
}

// Erasures is the contract of a store for erasures that are under way; errors as
// in [Store].
type Erasures interface {
	// Begin stores an erasure, in the place of an earlier one of its account.
	Begin(ctx context.Context, e Erasure) error
	// Pending returns all erasures, in no order. It sees everything that was
	// acknowledged before the call.
	Pending(ctx context.Context) ([]Erasure, error)
	// Done removes an erasure. Removing what is not there is a success.
	Done(ctx context.Context, id ID) error
}
