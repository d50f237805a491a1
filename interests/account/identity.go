package account

import (
	"context"
	"errors"
	"time"
)

// Identity is who a person is elsewhere: the subject of an issuer (OpenID Connect
// Core §2), both exactly as the issuer writes them. The pair alone says who it is:
// an e-mail address that an issuer tells is not looked at, since not every issuer
// has proved it and addresses change hands.
type Identity struct {
	Issuer  string `json:"issuer"`
	Subject string `json:"subject"`
}

// IsZero reports whether it is nobody.
func (i Identity) IsZero() bool { return i == Identity{} }

// MaxSubject is the greatest subject, in bytes (OpenID Connect Core §2).
const MaxSubject = 255

// ErrNoPassword: the account has no password; its holder signs in elsewhere.
var ErrNoPassword = errors.New("account: the account has no password")

// Enter returns the account of an identity that was verified. At its first use it
// is made, with an id that is a guest's, who keeps what is theirs, or new; of
// several who try at the same moment all get the one that was made. ErrMerged when
// the id is another account's: the guest has signed up before.
func (m *Members) Enter(ctx context.Context, id ID, who Identity) (Account, error) {
	a, err := m.store.ByIdentity(ctx, who)
	if !errors.Is(err, ErrNoAccount) {
		return a, err
	}
	a = Account{ID: id, Version: 1, Identity: who, Created: m.now().UTC().Truncate(time.Millisecond)}
	if err = m.store.Create(ctx, a); !errors.Is(err, ErrExists) {
		return a, err
	}
	if a, err = m.store.ByIdentity(ctx, who); errors.Is(err, ErrNoAccount) {
		err = ErrMerged
	}
	return a, err
}
