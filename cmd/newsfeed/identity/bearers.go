package identity

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/maypok86/otter/v2"

	"newsfeed/interests/account"
)

// How many JWTs are at hand, and for how long the account of one is: as long as
// what is read may be that old, and as long as an edit may be of an account that
// another node has just erased.
const (
	maxBearers = 10_000
	readAge    = time.Minute
	editAge    = 2 * time.Second
)

// Bearer is who sent a JWT.
type Bearer struct {
	Identity account.Identity
	Account  account.ID
	Expires  time.Time // the JWT; no later than it can be used
}

// bearers are those whose JWTs were verified lately. A JWT is at hand until it
// expires at most.
type bearers struct {
	held *otter.Cache[account.Hash, *bearer]
}

type bearer struct {
	identity account.Identity
	expires  time.Time

	mu      sync.Mutex // guards below; held while the account is asked for
	account account.ID // zero: not known yet
	asked   time.Time
}

func newBearers() *bearers {
	return &bearers{otter.Must(&otter.Options[account.Hash, *bearer]{MaximumSize: maxBearers})}
}

// Reads reports whether a token is for [Issuer.Bearer]: it has the form of a JWT,
// and JWTs are taken. Ours have no dots.
func (i *Issuer) Reads(token account.Secret) bool {
	return i != nil && i.settings.Audience != "" && strings.Count(string(token), ".") == 2
}

// Bearer returns whose a JWT is: verified, with the account that enter finds for
// it. edits says that the account must be there now. Errors: ErrToken, ErrAway, and
// those of enter; but when enter cannot be asked, the account is the last known.
func (i *Issuer) Bearer(ctx context.Context, token account.Secret, edits bool, enter func(account.Identity) (account.ID, error)) (Bearer, error) {
	h := token.Hash()
	b, ok := i.bearers.held.GetIfPresent(h)
	if !ok || !b.expires.After(i.now()) {
		var err error
		if b, err = i.verified(ctx, token); err != nil {
			i.bearers.held.Invalidate(h)
			return Bearer{}, err
		}
		i.bearers.held.Set(h, b)
	}
	id, err := b.owner(i.now(), edits, enter)
	return Bearer{b.identity, id, b.expires}, err
}

// Forget forgets whose a JWT is: its account was erased.
func (i *Issuer) Forget(token account.Secret) { i.bearers.held.Invalidate(token.Hash()) }

func (i *Issuer) verified(ctx context.Context, token account.Secret) (*bearer, error) {
	f, err := i.find(ctx)
	if err != nil {
		return nil, err
	}
	t, err := verify(ctx, f.bearers, string(token))
	if err != nil {
		return nil, err
	}
	return &bearer{identity: i.identity(t.Subject), expires: t.Expiry.Add(skew)}, nil
}

func (i *Issuer) identity(subject string) account.Identity {
	return account.Identity{Issuer: i.settings.Issuer, Subject: subject}
}

// owner returns the bearer's account, and asks for it when that was too long ago.
func (b *bearer) owner(now time.Time, edits bool, enter func(account.Identity) (account.ID, error)) (account.ID, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	age := readAge
	if edits {
		age = editAge
	}
	if !b.account.IsZero() && now.Sub(b.asked) < age {
		return b.account, nil
	}
	id, err := enter(b.identity)
	if err == nil {
		b.account, b.asked = id, now
	}
	if b.account.IsZero() {
		return id, err
	}
	return b.account, nil
}

// isSubject reports whether a subject can be kept.
func isSubject(s string) bool {
	return s != "" && len(s) <= account.MaxSubject && !strings.ContainsRune(s, 0)
}
