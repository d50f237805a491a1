package account

import (
	"context"
	"crypto/sha256"
	"net/netip"
	"time"
)

// Limits is the contract of a store that counts, for all nodes together, what is
// allowed only so often. Errors as in [Store]. What it knows may be lost when its
// server or process ends: a key then has its whole allowance again.
type Limits interface {
	// Allow takes one call out of a key's allowance: n calls at once, and each
	// comes back after window/n (the generic cell rate algorithm, ITU-T I.371).
	// It returns 0, or, when nothing is left, how long until one is; nothing is
	// taken then. n and window are positive, and the same for a key each time.
	Allow(ctx context.Context, key Hash, n int, window time.Duration) (wait time.Duration, err error)
}

// LimitKey names an allowance by what is limited and for whom ("sign-in",
// e-mail). No store sees either of them.
func LimitKey(what, whom string) Hash { return sha256.Sum256([]byte(what + "\x00" + whom)) }

// Entering is what sign-ups and sign-ins from a network are counted under, at
// whichever door.
func Entering(network netip.Addr) Hash { return LimitKey("enter", network.String()) }
