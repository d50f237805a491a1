package feed

import (
	"context"
	"errors"
	"fmt"

	"newsfeed/interests"
	"newsfeed/interests/account"
)

// PersonOf returns the person that a list at hand is made ready for, which is
// made once.
func PersonOf(c *interests.Copy) *Person { return c.Made(makePerson).(*Person) }

func makePerson(l *interests.List) any {
	p := NewPerson(l)
	p.Keep()
	return p
}

// Together is the contract of a store that reads a person's list and marks in one
// round trip, of one moment or not; errors are those of [interests.Store] and
// [Marks].
type Together interface {
	LoadTogether(ctx context.Context, id account.ID) (interests.List, MarkSet, error)
}

// Belongings finds what a page needs to know of a person: their list, made ready,
// and their marks. Safe for concurrent use.
type Belongings struct {
	Lists    *interests.Lists
	Marks    *MarkSets
	Together Together // nil: list and marks are asked for one after the other
	Merger   *interests.Merger
}

// Belonging is what was found.
type Belonging struct {
	Copy   *interests.Copy // the list
	Person *Person         // of the list
	Marks  *MarkSet
	Stale  bool // the store is unreachable: this is the last known
}

// AtHand returns what need not be asked for, if the list is not older than a
// revision. It is for calls that must not even make a context, and allocates
// nothing.
func (b *Belongings) AtHand(id account.ID, least interests.Revision) (Belonging, bool) {
	c, ok := b.Lists.AtHand(id, least)
	if !ok {
		return Belonging{}, false
	}
	marks, ok := b.Marks.AtHand(id, 0)
	if !ok {
		return Belonging{}, false
	}
	return Belonging{Copy: c, Person: PersonOf(c), Marks: marks}, true
}

// Find returns a list as [interests.Lists.AtLeast] does, and marks as of two
// seconds ago at most. A person of whom nothing is at hand costs one round trip.
func (b *Belongings) Find(ctx context.Context, id account.ID, least interests.Revision) (Belonging, error) {
	c, err := b.Lists.AtLeastFrom(ctx, id, least, b.load)
	if err != nil {
		return Belonging{}, fmt.Errorf("find the list of %s: %w", id, err)
	}
	marks, err := b.Marks.AtLeast(ctx, id, 0)
	if err != nil {
		return Belonging{}, fmt.Errorf("find the marks of %s: %w", id, err)
	}
	return Belonging{Copy: c, Person: PersonOf(c), Marks: marks}, nil
}

// LastKnown is Find for GET /feed, which is answered even when the store is
// unreachable: then it returns what was last known, and says that it is stale. A
// list not older than the revision must be at hand, else ErrUnavailable of
// interests; without marks nothing is marked.
func (b *Belongings) LastKnown(ctx context.Context, id account.ID, least interests.Revision) (Belonging, error) {
	c, stale, err := b.Lists.LastKnownFrom(ctx, id, least, b.load)
	if err != nil {
		return Belonging{}, fmt.Errorf("find the list of %s: %w", id, err)
	}
	marks, staleMarks, err := b.Marks.LastKnown(ctx, id)
	switch {
	case errors.Is(err, ErrMarksUnavailable):
		marks, staleMarks = new(MarkSet), true
	case err != nil:
		return Belonging{}, fmt.Errorf("find the marks of %s: %w", id, err)
	}
	return Belonging{Copy: c, Person: PersonOf(c), Marks: marks, Stale: stale || staleMarks}, nil
}

// At returns the person as their list was at a revision, as [interests.Lists.At]
// does; made once if that is the list at hand.
func (b *Belongings) At(ctx context.Context, id account.ID, revision interests.Revision) (*Person, error) {
	if c, ok := b.Lists.AtHand(id, revision); ok && c.Revision == revision {
		return PersonOf(c), nil
	}
	list, err := b.Lists.At(ctx, id, revision)
	if err != nil {
		return nil, err
	}
	return NewPerson(&list), nil
}

// load reads a list, and the marks with it if those are not at hand.
func (b *Belongings) load(ctx context.Context, id account.ID) (interests.List, error) {
	if b.Together == nil {
		return b.Lists.Get(ctx, id)
	}
	if _, ok := b.Marks.AtHand(id, 0); ok {
		return b.Lists.Get(ctx, id)
	}
	ticket := b.Marks.hand.Begin(id.Key())
	defer ticket.End()
	list, marks, err := b.Together.LoadTogether(ctx, id)
	if err == nil {
		ticket.Keep(keepingMarks(marks))
	}
	return list, err
}
