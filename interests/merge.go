package interests

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"

	"newsfeed/interests/account"
	"newsfeed/interests/topic"
)

// Merge is the record of how a guest's list went into an account's: what the
// person is told of it, and what it takes to undo it.
type Merge struct {
	ID    uuid.UUID    `json:"id"` // version 7
	Guest account.ID   `json:"guest"`
	Token account.Hash `json:"token"` // of the guest's session
	At    time.Time    `json:"at"`    // milliseconds

	Added      []topic.ID `json:"added,omitempty"`      // the account did not have them
	Unchanged  []topic.ID `json:"unchanged,omitempty"`  // it had them at the same level
	Overridden []Override `json:"overridden,omitempty"` // the two disagreed, and the later edit stands
	LeftOut    []topic.ID `json:"left_out,omitempty"`   // the limits of a list forbade them

	Written []MergeEdit `json:"written,omitempty"`
	Marks   Stamp       `json:"marks,omitzero"`  // the greatest in the guest's marks
	Undone  bool        `json:"undone,omitzero"` // it was taken back, and stays so
}

// Override is a topic of which two lists said different things. None is a removal,
// which only the account's list can bring.
type Override struct {
	Topic   topic.ID `json:"topic"`
	Kept    Level    `json:"kept"`
	Dropped Level    `json:"dropped"`
}

// MergeEdit is what a merge wrote: as long as the topic has that stamp, nobody has
// edited it since.
type MergeEdit struct {
	Topic  topic.ID `json:"topic"`
	Before Level    `json:"before"`
	At     Stamp    `json:"at"`
}

// How long a merge is kept, a day longer than it can be undone; and how many of
// one account are, the newest.
const (
	MergeKept = account.MergeLife + 24*time.Hour
	MaxMerges = 20
)

// Merges is the contract of a store for merges, which stand beside lists; errors
// as in [Store]. A merge is kept until MergeKept after its time, and no longer than
// the [MaxMerges] newest of its account, by id. [Store.Delete] removes an account's.
type Merges interface {
	// Put stores a merge of an account and swaps its list, as [Store.Swap] does,
	// at the same moment; the list is kept for good. When next has the revision
	// from, the list stays as it is, and must be of that revision all the same.
	// ErrConflict, and nothing is changed, when it is not, or when the merge is
	// stored already and this one is not Undone.
	Put(ctx context.Context, id account.ID, from Revision, next List, m Merge, undos ...Undo) error
	// Merge returns a merge of an account; ErrNoMerge when there is none.
	Merge(ctx context.Context, id account.ID, merge uuid.UUID) (Merge, error)
	// Merges returns all merges of an account, newest first.
	Merges(ctx context.Context, id account.ID) ([]Merge, error)
}

// ErrNoMerge is the error of what is not remembered, or never was.
var ErrNoMerge = errors.New("interests: no such merge")

// JoinLists joins into a list what a guest's list holds, never what the guest
// removed: of each topic the register stands that [Join] says. What changes are
// edits of the server's own, with stamps later than all in the list, so that every
// device hears of them. Of what the limits forbid, the guest's oldest edits are
// left out. The lists given are not changed. It fills in what m says of topics;
// without a change the list returned has the same revision.
func JoinLists(into, guest List, m Merge, now time.Time) (List, Merge) {
	next := List{Revision: into.Revision, Floor: into.Floor, Topics: maps.Clone(into.Topics)}
	if next.Topics == nil {
		next.Topics = map[topic.ID]Register{}
	}
	for _, held := range latestFirst(guest.Interests()) {
		next.join(held, &m, now)
	}
	m.sort()
	if len(m.Written) == 0 {
		return into, m
	}
	next.forget(now)
	next.Revision = max(into.Revision+1, Revision(now.UnixMilli()))
	return next, m
}

// join joins one interest of a guest.
func (l *List) join(held Interest, m *Merge, now time.Time) {
	old, present := l.Topics[held.Topic]
	if !present {
		old = Register{Level: None, At: l.Floor} // the latest removal that may have been forgotten
	}
	won := Join(old, held.Register)
	switch {
	case old.Level == held.Level:
		m.Unchanged = append(m.Unchanged, held.Topic)
		return
	case won.At == old.At && won.Level == old.Level:
		m.Overridden = append(m.Overridden, Override{held.Topic, old.Level, held.Level})
		return
	}
	at := l.NextStamp(now)
	switch status, _ := l.apply(Op{Topic: held.Topic, Level: held.Level, At: at}, now); {
	case status != Applied:
		m.LeftOut = append(m.LeftOut, held.Topic)
		return
	case old.Level == None:
		m.Added = append(m.Added, held.Topic)
	default:
		m.Overridden = append(m.Overridden, Override{held.Topic, held.Level, old.Level})
	}
	m.Written = append(m.Written, MergeEdit{held.Topic, old.Level, at})
}

func latestFirst(held []Interest) []Interest {
	slices.SortStableFunc(held, func(a, b Interest) int { return b.At.Compare(a.At) })
	return held
}

// AdoptList is JoinLists where the account is the guest, who has signed up: the
// list is the account's as it is, which had none before.
func AdoptList(list List, m Merge) Merge {
	for _, i := range list.Interests() {
		m.Added = append(m.Added, i.Topic)
		m.Written = append(m.Written, MergeEdit{i.Topic, None, i.At})
	}
	return m
}

func (m *Merge) sort() {
	slices.Sort(m.Added)
	slices.Sort(m.Unchanged)
	slices.Sort(m.LeftOut)
	slices.SortFunc(m.Overridden, func(a, b Override) int { return cmp.Compare(a.Topic, b.Topic) })
}

// Unmerge restores, by edits of the server's own, the earlier level of each topic
// that nobody edited since the merge. The list given is not changed; without a
// change the one returned has the same revision.
func Unmerge(l List, m Merge, now time.Time) List {
	next := List{Revision: l.Revision, Floor: l.Floor, Topics: maps.Clone(l.Topics)}
	changed := false
	restore := func(removals bool) {
		for _, w := range m.Written {
			r, ok := next.Topics[w.Topic]
			if !ok || r.At != w.At || r.Level == None || (w.Before == None) != removals {
				continue
			}
			status, _ := next.apply(Op{Topic: w.Topic, Level: w.Before, At: next.NextStamp(now)}, now)
			changed = changed || status == Applied
		}
	}
	restore(true) // makes room
	restore(false)
	if !changed {
		return l
	}
	next.forget(now)
	next.Revision = max(l.Revision+1, Revision(now.UnixMilli()))
	return next
}
