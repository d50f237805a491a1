package account

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
)

// Use is what a session is good for.
type Use string

// A device's session is good for everything that its person may do. Any other is
// good for one thing only: [People.Who] does not know it, so that what is not made
// for it refuses it.
const (
	UseDevice Use = ""
	UseFeed   Use = "feed"   // a link: to read the feed in another app
	UseWidget Use = "widget" // to add and remove topics from the pages of one origin
)

// Limits of sessions that are good for one thing only. One of too many links is
// refused, since it would end another that some app reads; of widgets the one that
// was seen least lately ends.
const (
	MaxLinks   = 50
	MaxWidgets = 100
)

// How long they live: a link half a year from the last use, a widget's token 90
// days from its making. usedAge is how exactly the last use is known.
const (
	LinkKept   = MemberKept
	WidgetKept = 90 * 24 * time.Hour
	usedAge    = time.Hour
)

// NewLink makes a link to the feed of the person who asks by a session, stored under
// a hash. A guest's ends with the session of the guest: when they sign in, sign up
// or are gone, since whoever had that device before has it no more. ErrManyLinks.
func (p *People) NewLink(ctx context.Context, asks Session, by Hash, label string) (Session, Secret, error) {
	held, err := p.own(ctx, asks.Account, asks.Guest)
	if err != nil {
		return Session{}, "", err
	}
	links := 0
	for _, h := range held {
		if h.Use == UseFeed {
			links++
		}
	}
	if links >= MaxLinks {
		return Session{}, "", ErrManyLinks
	}
	now := p.clock()
	s := Session{ID: uuid.Must(uuid.NewV7()), Account: asks.Account, Guest: asks.Guest, Use: UseFeed,
		Created: now, Expires: now.Add(LinkKept), Label: label}
	if asks.Guest {
		s.Maker = by
	}
	return p.make(ctx, s)
}

// NewWidget makes a token of a member for the pages of an origin.
func (p *People) NewWidget(ctx context.Context, id ID, origin string) (Session, Secret, error) {
	if err := p.makeRoom(ctx, id, UseWidget, MaxWidgets-1); err != nil {
		return Session{}, "", err
	}
	now := p.clock()
	return p.make(ctx, Session{ID: uuid.Must(uuid.NewV7()), Account: id, Use: UseWidget, Origin: origin,
		Created: now, Expires: now.Add(WidgetKept)})
}

// make stores a new session and returns it with its token.
func (p *People) make(ctx context.Context, s Session) (Session, Secret, error) {
	token := NewSecret()
	h := token.Hash()
	return s, token, p.write(h, func() error { return p.store.Create(ctx, h, s) }, s)
}

// Limited returns the session of a token that is good for one thing only;
// ErrNoSession when it is of none that holds.
func (p *People) Limited(ctx context.Context, token Secret) (Session, error) {
	s, err := p.find(ctx, token.Hash())
	if err != nil {
		return Session{}, err
	}
	if s.Use == UseDevice {
		return Session{}, fmt.Errorf("look up a token: %w", ErrNoSession)
	}
	if s.Maker == (Hash{}) {
		return s, nil
	}
	maker, err := p.find(ctx, s.Maker)
	if err == nil && !maker.Merged.IsZero() {
		err = ErrMerged
	}
	if err != nil {
		return Session{}, fmt.Errorf("look up who made a link: %w", err)
	}
	return s, nil
}

// Touch notes that a session was used that is good for one thing only, at most once
// in an hour, and reports whether it did. A link lives longer by it.
func (p *People) Touch(ctx context.Context, token Secret, s Session) (bool, error) {
	now := p.clock()
	if now.Sub(s.Used) < usedAge {
		return false, nil
	}
	if s.Used = now; s.Use == UseFeed {
		s.Expires = now.Add(LinkKept)
	}
	h := token.Hash()
	return true, p.write(h, func() error { return p.store.Renew(ctx, h, s) }, s)
}

// Maker returns the guest's session that made a link, and the hash it is under;
// false when it was no guest's.
func (p *People) Maker(ctx context.Context, s Session) (Session, Hash, bool, error) {
	if s.Maker == (Hash{}) {
		return Session{}, Hash{}, false, nil
	}
	maker, err := p.find(ctx, s.Maker)
	return maker, s.Maker, err == nil, err
}

// EndLinks ends what a guest made who was merged into an account.
func (p *People) EndLinks(ctx context.Context, guest ID) error {
	held, err := p.own(ctx, guest, true)
	if err != nil {
		return err
	}
	for _, h := range held {
		err = errors.Join(err, p.end(ctx, h.Hash))
	}
	return err
}
