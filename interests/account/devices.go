package account

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
)

// SignIn makes a session of a member and returns its token. Label is what the
// person calls the device. Beyond [MaxSessions] the one that was seen least
// lately is ended.
func (p *People) SignIn(ctx context.Context, id ID, label string) (Session, Secret, error) {
	now, token := p.clock(), NewSecret()
	s := Session{
		ID:      uuid.Must(uuid.NewV7()),
		Account: id,
		Label:   label,
		Created: now,
		Expires: now.Add(MemberKept),
	}
	held, err := p.Sessions(ctx, id)
	if err != nil {
		return Session{}, "", err
	}
	for i := MaxSessions - 1; i < len(held); i++ {
		if err := p.end(ctx, held[i].Hash); err != nil {
			return Session{}, "", err
		}
	}
	return s, token, p.write(token.Hash(), func() error { return p.store.Create(ctx, token.Hash(), s) }, s)
}

// Sessions returns a member's sessions, last seen first.
func (p *People) Sessions(ctx context.Context, id ID) ([]Held, error) {
	held, err := p.own(ctx, id)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(held, func(a, b Held) int {
		if c := b.Seen().Compare(a.Seen()); c != 0 {
			return c
		}
		return slices.Compare(b.ID[:], a.ID[:])
	})
	return held, nil
}

// own returns a member's sessions, without those of guests that were merged.
func (p *People) own(ctx context.Context, id ID) ([]Held, error) {
	held, err := p.store.Of(ctx, id)
	return slices.DeleteFunc(held, func(h Held) bool { return h.Guest }), err
}

// EndSession signs out one of a member's devices, as End does. ErrNoSession when
// they have none with this id.
func (p *People) EndSession(ctx context.Context, id ID, session uuid.UUID) error {
	held, err := p.own(ctx, id)
	if err != nil {
		return err
	}
	for _, h := range held {
		if h.ID == session {
			return p.end(ctx, h.Hash)
		}
	}
	return fmt.Errorf("end session %s: %w", session, ErrNoSession)
}

// EndOthers signs out all of a member's devices but one; the zero Hash: all.
func (p *People) EndOthers(ctx context.Context, id ID, but Hash) error {
	held, err := p.own(ctx, id)
	if err != nil {
		return err
	}
	for _, h := range held {
		if h.Hash != but {
			err = errors.Join(err, p.end(ctx, h.Hash))
		}
	}
	return err
}

// MergeLife is how long a merge can be undone and its sign-in repeated.
const MergeLife = 30 * 24 * time.Hour

// Spend makes a guest's token good for nothing but repeating a sign-in, for
// [MergeLife] at most, and returns the session as it is then. When it was spent
// before, that stands: the caller looks at whose it is. ErrNoSession when it is
// no guest's or has ended.
func (p *People) Spend(ctx context.Context, token Secret, s Session, by Merged) (Session, error) {
	if !s.Guest {
		return Session{}, fmt.Errorf("spend a session: %w", ErrNoSession)
	}
	s.Merged = by
	if most := p.clock().Add(MergeLife); s.Expires.After(most) {
		s.Expires = most
	}
	return p.spend(token.Hash(), func() (Session, error) { return p.store.Spend(ctx, token.Hash(), s) })
}

// Spent notes that a merge is done.
func (p *People) Spent(ctx context.Context, token Secret, s Session) error {
	s.Merged.Done = true
	return p.write(token.Hash(), func() error { return p.store.Renew(ctx, token.Hash(), s) }, s)
}

// All returns a member's sessions and those of guests that were merged into the
// account, in no order.
func (p *People) All(ctx context.Context, id ID) ([]Held, error) { return p.store.Of(ctx, id) }

// EndHeld signs a device out, as End does.
func (p *People) EndHeld(ctx context.Context, h Hash) error { return p.end(ctx, h) }

// Stored returns a session as the store has it now.
func (p *People) Stored(ctx context.Context, h Hash) (Session, error) { return p.store.Session(ctx, h) }

// Unlist forgets an account all of whose sessions have ended; see [Store.Unlist].
func (p *People) Unlist(ctx context.Context, id ID) error { return p.store.Unlist(ctx, id) }
