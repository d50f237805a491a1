package account

import (
	"context"
	"time"

	"github.com/google/uuid"
)

// People makes guests and says who holds a token. Safe for concurrent use.
type People struct {
	store Store
	now   func() time.Time
}

// NewPeople returns the people whose sessions are in a store.
func NewPeople(store Store, now func() time.Time) *People { return &People{store, now} }

// NewGuest makes a guest, who lives for [GuestUnused] unless an edit is made,
// and returns the token of its only session.
func (p *People) NewGuest(ctx context.Context) (Session, Secret, error) {
	now := p.clock()
	token := NewSecret()
	s := Session{
		ID:      uuid.Must(uuid.NewV7()),
		Account: NewID(),
		Guest:   true,
		Created: now,
		Expires: now.Add(GuestUnused),
	}
	return s, token, p.store.Create(ctx, token.Hash(), s)
}

// Who returns the session of a token; ErrNoSession when it is unknown, ended or
// expired.
func (p *People) Who(ctx context.Context, token Secret) (Session, error) {
	return p.store.Session(ctx, token.Hash())
}

// Due reports whether a session's life should be prolonged, because its holder
// was seen: a kept guest's, at most once a day.
func (p *People) Due(s Session) bool {
	return s.Guest && s.Kept && s.Expires.Sub(p.now()) < GuestKept-24*time.Hour
}

// Keep prolongs a guest's session to [GuestKept] from now and returns it as it is
// then. It is called before a guest's first edit is stored, so that an edit is
// never acknowledged whose owner is gone the next day, and when it is [Due].
func (p *People) Keep(ctx context.Context, token Secret, s Session) (Session, error) {
	if !s.Guest {
		return s, nil
	}
	s.Kept, s.Expires = true, p.clock().Add(GuestKept)
	return s, p.store.Renew(ctx, token.Hash(), s)
}

// Until returns how long what belongs to the holder of a session is kept: a
// guest's until the session ends, a person's for good (zero). A day more than
// the session, so that a list never goes before its owner.
func (s Session) Until() time.Time {
	if !s.Guest {
		return time.Time{}
	}
	return s.Expires.Add(24 * time.Hour)
}

func (p *People) clock() time.Time { return p.now().UTC().Truncate(time.Millisecond) }
