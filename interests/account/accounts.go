package account

import (
	"context"
	"errors"
	"time"
)

// Account is a person who has signed up: with an e-mail address and a password, or
// by an identity.
type Account struct {
	ID       ID        `json:"id"`
	Version  int64     `json:"version"`           // 1, and one more with each change
	Email    Email     `json:"email"`             // unique; "": none
	Password string    `json:"password"`          // its hash, see [Passwords]; "": none
	Identity Identity  `json:"identity,omitzero"` // unique; the zero Identity: none
	Created  time.Time `json:"created"`           // milliseconds
	Reset    Reset     `json:"reset,omitzero"`
}

// Reset is a way to a new password for who has lost the old one. The zero Reset
// is none.
type Reset struct {
	Hash    Hash      `json:"hash"`
	Expires time.Time `json:"expires"` // milliseconds
}

// Accounts is the contract of a store for accounts; errors as in [Store].
type Accounts interface {
	// Create stores an account. ErrExists when its id, its e-mail or its identity is
	// taken.
	Create(ctx context.Context, a Account) error
	// Account returns an account; ErrNoAccount when there is none. It sees
	// everything that was acknowledged before the call.
	Account(ctx context.Context, id ID) (Account, error)
	// ByEmail is Account by e-mail, which is not empty.
	ByEmail(ctx context.Context, email Email) (Account, error)
	// ByIdentity is Account by identity, which is not zero.
	ByIdentity(ctx context.Context, who Identity) (Account, error)
	// Change replaces an account whose version is the one before the new one's.
	// ErrChanged when it is another, ErrNoAccount when there is none, ErrExists
	// when its new e-mail or identity is taken; nothing was changed then.
	Change(ctx context.Context, next Account) error
	// Delete removes an account; its e-mail and its identity are free again.
	// Deleting what is not there is a success.
	Delete(ctx context.Context, id ID) error
}

// Errors of the contract.
var (
	ErrNoAccount = errors.New("account: no such account")
	ErrChanged   = errors.New("account: the account was changed meanwhile")
)
