package account

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"newsfeed/interests/athand"
)

// People makes guests and says who holds a token. Safe for concurrent use.
type People struct {
	store   Store
	now     func() time.Time
	hand    *athand.Cache[Session] // nil: every question goes to the store
	unknown strangers
	room    room
	limits  Limits // nil: nothing is counted
}

// NewPeople returns the people whose sessions are in a store.
func NewPeople(store Store, now func() time.Time) *People { return &People{store: store, now: now} }

// Remember keeps up to so many sessions at hand from now on. It is called before
// any other method, and Close ends it.
func (p *People) Remember(changes athand.Announcements, sessions int) {
	p.hand = athand.New[Session](athand.Session, changes, uint64(sessions))
}

// MindRoom has no more guests made when fill says that the store has only
// room for people's edits left. It is called before any other method.
func (p *People) MindRoom(fill Fill) { p.room.fill = fill }

// Close forgets what is at hand. Closing twice is closing once.
func (p *People) Close() { p.hand.Close() }

// NewGuest makes a guest, who lives for [GuestUnused] unless an edit is made,
// and returns the token of its only session. ErrNoRoom; see [People.MindRoom].
func (p *People) NewGuest(ctx context.Context) (Session, Secret, error) {
	now := p.clock()
	if p.room.isFull(ctx, now) {
		return Session{}, "", ErrNoRoom
	}
	token := NewSecret()
	s := Session{
		ID:      uuid.Must(uuid.NewV7()),
		Account: NewID(),
		Guest:   true,
		Created: now,
		Expires: now.Add(GuestUnused),
	}
	return s, token, p.write(token.Hash(), func() error { return p.store.Create(ctx, token.Hash(), s) }, s)
}

// Who returns the session of a token; ErrNoSession when it is unknown, ended or
// expired, ErrMerged when it was a guest's and was merged. One that was ended on
// another node is known here for two seconds at most.
func (p *People) Who(ctx context.Context, token Secret) (Session, error) {
	s, err := p.Holder(ctx, token)
	if err == nil && !s.Merged.IsZero() {
		return Session{}, ErrMerged
	}
	return s, err
}

// Holder is Who for sign-in and sign-up: it returns merged sessions too.
func (p *People) Holder(ctx context.Context, token Secret) (Session, error) {
	h := token.Hash()
	if s, ok := p.AtHand(h); ok {
		return s, nil
	}
	s, err := p.find(ctx, h)
	if err == nil && s.Use != UseDevice {
		return Session{}, ErrOtherUse
	}
	return s, err
}

// find returns the session of a hash, whatever it is good for.
func (p *People) find(ctx context.Context, h Hash) (Session, error) {
	if p.hand != nil && p.unknown.have(h) {
		return Session{}, fmt.Errorf("look up session: %w", ErrNoSession)
	}
	s, err := p.hand.Load(ctx, athand.Key(h), 0, p.reading(h))
	return p.verdict(h, s, athand.Unreachable(err, ErrUnavailable))
}

// AtHand returns the session of a token if it need not be asked for. It is for
// calls that must not even make a context, and allocates nothing.
func (p *People) AtHand(h Hash) (Session, bool) {
	s, ok := p.hand.Get(athand.Key(h), 0)
	if !ok || p.expired(s) || !s.Merged.IsZero() || s.Use != UseDevice {
		return Session{}, false
	}
	return s, true
}

// WhoLastKnown is Who for what may be shown even when the store is unreachable:
// then it returns the last known session, and true, if there is one that has not
// expired and was not ended as far as this node has heard.
func (p *People) WhoLastKnown(ctx context.Context, token Secret) (s Session, stale bool, err error) {
	h := token.Hash()
	if p.hand != nil && p.unknown.have(h) {
		return Session{}, false, fmt.Errorf("look up session: %w", ErrNoSession)
	}
	s, stale, err = p.hand.LoadOrLastKnown(ctx, athand.Key(h), 0, p.reading(h), func(err error) bool {
		return errors.Is(athand.Unreachable(err, ErrUnavailable), ErrUnavailable)
	})
	s, err = p.verdict(h, s, athand.Unreachable(err, ErrUnavailable))
	switch {
	case err == nil && s.Use != UseDevice:
		return Session{}, false, ErrOtherUse
	case err == nil && !s.Merged.IsZero():
		return Session{}, false, ErrMerged
	}
	return s, stale && err == nil, err
}

// End signs a token out: here at once, on other nodes within two seconds. Ending
// what is not there is a success.
func (p *People) End(ctx context.Context, token Secret) error { return p.end(ctx, token.Hash()) }

func (p *People) end(ctx context.Context, h Hash) error {
	p.hand.Forget(athand.Key(h)) // also if we never learn what became of it
	err := p.store.End(ctx, h)
	p.hand.Forget(athand.Key(h)) // what was read meanwhile
	return err
}

func (p *People) reading(h Hash) func(context.Context) (athand.Read[Session], error) {
	return func(ctx context.Context) (athand.Read[Session], error) {
		s, err := p.store.Session(ctx, h)
		return athand.Read[Session]{Value: s, Weight: 1}, err
	}
}

// verdict is what a reading comes to. A session that has expired is none, by
// whichever clock.
func (p *People) verdict(h Hash, s Session, err error) (Session, error) {
	if err == nil && p.expired(s) {
		err = fmt.Errorf("look up session: %w", ErrNoSession)
	}
	switch {
	case err == nil:
		return s, nil
	case errors.Is(err, ErrNoSession) && p.hand != nil:
		p.hand.Forget(athand.Key(h))
		p.unknown.add(h)
	}
	return Session{}, err
}

func (p *People) expired(s Session) bool { return !s.Expires.After(p.now()) }

// Due reports whether a session's life should be prolonged, because its holder
// was seen: a member's device's and a kept guest's, at most once a day.
func (p *People) Due(s Session) bool {
	return s.Use == UseDevice && (!s.Guest || s.Kept) && s.Merged.IsZero() && s.Expires.Sub(p.now()) < s.life()-24*time.Hour
}

func (s Session) life() time.Duration {
	if s.Guest {
		return GuestKept
	}
	return MemberKept
}

// Keep prolongs a session to [GuestKept] or [MemberKept] from now and returns it
// as it is then. It is called before a guest's first edit is stored, so that an
// edit is never acknowledged whose owner is gone the next day, and when it is [Due].
func (p *People) Keep(ctx context.Context, h Hash, s Session) (Session, error) {
	s.Kept, s.Expires = s.Guest, p.clock().Add(s.life())
	return s, p.write(h, func() error { return p.store.Renew(ctx, h, s) }, s)
}

// write makes or renews a session, and keeps it at hand.
func (p *People) write(h Hash, write func() error, s Session) error {
	_, err := p.spend(h, func() (Session, error) { return s, write() })
	return err
}

// spend writes a session that is what the store says then, and keeps it at hand.
func (p *People) spend(h Hash, write func() (Session, error)) (Session, error) {
	ticket := p.hand.Begin(athand.Key(h))
	defer ticket.End()
	s, err := write()
	if err != nil {
		p.hand.Doubt(athand.Key(h))
		return Session{}, err
	}
	p.unknown.remove(h)
	ticket.Keep(athand.Read[Session]{Value: s, Weight: 1})
	return s, nil
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
