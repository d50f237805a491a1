package feed

import (
	"context"
	"errors"

	"newsfeed/interests"
	"newsfeed/interests/account"
	"newsfeed/interests/athand"
)

// storiesAPerson is the room in memory for one person, in stories with marks,
// which take about 100 bytes each: 50,000 people take 250 MB at most. A set
// without any takes as much as setWeight of them.
const (
	storiesAPerson = 50
	setWeight      = 5
)

// Remember keeps the marks of up to so many people at hand from now on, fewer if
// they have marked more than 45 stories each. It is called before any other
// method, and Close ends it.
func (m *MarkSets) Remember(changes athand.Announcements, people int) {
	m.hand = athand.New[*MarkSet](athand.Marks, changes, uint64(people)*storiesAPerson)
}

// Close forgets what is at hand. Closing twice is closing once.
func (m *MarkSets) Close() { m.hand.Close() }

// AtHand returns a person's marks if they need not be asked for and are not older
// than a revision of theirs. It is for calls that must not even make a context,
// and allocates nothing. Nobody changes the set.
func (m *MarkSets) AtHand(id account.ID, least interests.Revision) (*MarkSet, bool) {
	return m.hand.Get(id.Key(), uint64(least))
}

// AtLeast returns a person's marks, from memory unless those may have been edited
// more than two seconds ago or are older than a revision of theirs. Nobody
// changes the set. ErrMarksUnavailable when the store could not be reached and
// nothing at hand would do.
func (m *MarkSets) AtLeast(ctx context.Context, id account.ID, least interests.Revision) (*MarkSet, error) {
	set, err := m.hand.Load(ctx, id.Key(), uint64(least), m.reading(id))
	return set, athand.Unreachable(err, ErrMarksUnavailable)
}

// LastKnown is AtLeast for a feed, which is shown even when the store is
// unreachable: then it returns the last known marks, and true.
func (m *MarkSets) LastKnown(ctx context.Context, id account.ID) (set *MarkSet, stale bool, err error) {
	set, stale, err = m.hand.LoadOrLastKnown(ctx, id.Key(), 0, m.reading(id), func(err error) bool {
		return errors.Is(athand.Unreachable(err, ErrMarksUnavailable), ErrMarksUnavailable)
	})
	return set, stale, athand.Unreachable(err, ErrMarksUnavailable)
}

func (m *MarkSets) reading(id account.ID) func(context.Context) (athand.Read[*MarkSet], error) {
	return func(ctx context.Context) (athand.Read[*MarkSet], error) {
		set, err := m.store.Load(ctx, id)
		if err != nil {
			return athand.Read[*MarkSet]{}, err
		}
		return keepingMarks(set), nil
	}
}

func keepingMarks(set MarkSet) athand.Read[*MarkSet] {
	return athand.Read[*MarkSet]{Value: &set, Revision: uint64(set.Revision), Weight: setWeight + uint32(len(set.Stories))}
}
