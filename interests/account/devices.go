package account

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

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
	if err := p.makeRoom(ctx, id, UseDevice, MaxSessions-1); err != nil {
		return Session{}, "", err
	}
	return s, token, p.write(token.Hash(), func() error { return p.store.Create(ctx, token.Hash(), s) }, s)
}

// makeRoom ends all but so many of a member's sessions of one use, those that were
// seen least lately.
func (p *People) makeRoom(ctx context.Context, id ID, use Use, most int) error {
	held, err := p.Sessions(ctx, id)
	if err != nil {
		return err
	}
	held = slices.DeleteFunc(held, func(h Held) bool { return h.Use != use })
	for _, h := range held[min(most, len(held)):] {
		if err := p.end(ctx, h.Hash); err != nil {
			return err
		}
	}
	return nil
}

// MaxLabel is the greatest name that a person gives a device or a link, in characters.
const MaxLabel = 100

// Label is a name of a device or a link, without the space around it. False: it is too
// long.
func Label(text string) (string, bool) {
	text = strings.TrimSpace(text)
	return text, utf8.RuneCountInString(text) <= MaxLabel
}

// Sessions returns a member's sessions, last seen first, those included that are
// good for one thing only.
func (p *People) Sessions(ctx context.Context, id ID) ([]Held, error) {
	held, err := p.own(ctx, id, false)
	return lastSeenFirst(held), err
}

// GuestSessions is Sessions for a guest who asks by the given one.
func (p *People) GuestSessions(ctx context.Context, asks Session) ([]Held, error) {
	held, err := p.own(ctx, asks.Account, true)
	return append([]Held{{Session: asks}}, lastSeenFirst(held)...), err
}

func lastSeenFirst(held []Held) []Held {
	slices.SortFunc(held, func(a, b Held) int {
		if c := b.Seen().Compare(a.Seen()); c != 0 {
			return c
		}
		return slices.Compare(b.ID[:], a.ID[:])
	})
	return held
}

// own returns a member's sessions without those that a guest made, or a guest's
// that are good for one thing only.
func (p *People) own(ctx context.Context, id ID, guest bool) ([]Held, error) {
	held, err := p.store.Of(ctx, id)
	return slices.DeleteFunc(held, func(h Held) bool { return h.Guest != guest || !h.Merged.IsZero() }), err
}

// EndSession ends one session of the person who asks by another one: it signs a
// device out, as End does. ErrNoSession when they have none with this id.
func (p *People) EndSession(ctx context.Context, asks Session, session uuid.UUID) error {
	held, err := p.own(ctx, asks.Account, asks.Guest)
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

// EndOthers signs out all of a member's devices but one, and the buttons on others'
// pages; the zero Hash: all. Links to the feed stay: whoever has one reads, and can
// do nothing else.
func (p *People) EndOthers(ctx context.Context, id ID, but Hash) error {
	held, err := p.own(ctx, id, false)
	if err != nil {
		return err
	}
	for _, h := range held {
		if h.Hash != but && h.Use != UseFeed {
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
