package account

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"time"
)

// ResetLife is how long the link to a new password is good.
const ResetLife = time.Hour

// ErrMailBusy is the error of who sends the letters with those links: there are too
// many on their way.
var ErrMailBusy = errors.New("account: too many letters are being sent")

// resetSize is the bytes of a reset's secret: the account's id, by which it is
// found, and 256 random bits.
const resetSize = len(ID{}) + 32

// NewReset begins a reset of the account with an address, in the place of one
// under way, and returns the only copy of its secret, for [ResetLife] good for
// one new password. ErrNoAccount when there is none.
func (m *Members) NewReset(ctx context.Context, email Email) (Secret, time.Time, error) {
	const tries = 3
	for range tries {
		a, err := m.store.ByEmail(ctx, email)
		if err != nil {
			return "", time.Time{}, err
		}
		var b [resetSize]byte
		copy(b[:], a.ID[:])
		rand.Read(b[len(a.ID):])
		secret := Secret(base64.RawURLEncoding.EncodeToString(b[:]))
		a.Version++
		a.Reset = Reset{secret.Hash(), m.now().UTC().Add(ResetLife).Truncate(time.Millisecond)}
		if err := m.store.Change(ctx, a); !errors.Is(err, ErrChanged) {
			return secret, a.Reset.Expires, err
		}
	}
	return "", time.Time{}, fmt.Errorf("begin a reset: %w", ErrChanged)
}

// Reset sets a new password by the secret of a reset, once, and ends all sessions
// of the account. ErrBadReset when the secret has expired, was used or is none.
func (m *Members) Reset(ctx context.Context, secret Secret, next Password) error {
	if _, err := next.Normal(); err != nil {
		return err // the link is still good
	}
	var b [resetSize]byte
	if n, err := base64.RawURLEncoding.Strict().Decode(b[:], []byte(secret[:min(len(secret), base64.RawURLEncoding.EncodedLen(resetSize))])); err != nil || n != resetSize || len(secret) != base64.RawURLEncoding.EncodedLen(resetSize) {
		return ErrBadReset
	}
	a, err := m.store.Account(ctx, ID(b[:len(ID{})]))
	if errors.Is(err, ErrNoAccount) {
		return ErrBadReset
	}
	if err != nil {
		return err
	}
	h := secret.Hash()
	if subtle.ConstantTimeCompare(h[:], a.Reset.Hash[:]) == 0 || !a.Reset.Expires.After(m.now()) {
		return ErrBadReset
	}
	err = m.setPassword(ctx, a, Hash{}, next)
	if errors.Is(err, ErrChanged) {
		return ErrBadReset // somebody was faster with this link or got a newer one
	}
	return err
}
