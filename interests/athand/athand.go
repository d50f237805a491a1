// Package athand keeps in a node's memory what it has lately read of people's
// things: their sessions, lists and marks. It knows when that may still be
// trusted, since other nodes edit the same records, and never answers from what
// is older than was asked for. It reads no store and decides nothing about what
// it keeps; account, interests and feed each have a [Cache] of their own.
package athand

import "time"

// MaxAge is how old an answer from memory can be in the worst case: how long
// what was read is trusted when nobody vouches for it, and how long a word of
// [Announcements] counts.
const MaxAge = 2 * time.Second

// Kind says what is kept under a key.
type Kind uint8

// What nodes keep at hand.
const (
	Session Kind = iota + 1
	List
	Marks
)

var kindNames = [...]string{Session: "session", List: "list", Marks: "marks"}

func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return ""
}

// Key names one record of a kind: the hash of a session's token, or an account's
// id with zeros behind it.
type Key [32]byte

// Change says that a record is not what it was.
type Change struct {
	Of       Kind
	Key      Key
	Revision uint64 // that it has now; 0: it is gone, or has none
}

// Announcements is the contract of what carries changes between nodes. A store
// announces each change by itself, at the moment at which it makes it, so that
// none is acknowledged that was not announced. Safe for concurrent use.
type Announcements interface {
	// Listen calls hear for every change that any node makes from now on, this
	// one's own included, maybe several times and in no certain order, until
	// stop returns. hear is called from several goroutines, must be quick, and
	// must not call stop. Changes that were made while the channel was broken
	// are not heard; Vouch tells.
	Listen(hear func(Change)) (stop func())
	// Vouch reports whether every change that was acknowledged between two
	// moments, until MaxAge before the second of them, was handed to all who
	// listened meanwhile. It is false when the channel was broken in between,
	// and when it has been silent for MaxAge, and after the store was closed.
	// It costs nanoseconds.
	Vouch(since, now time.Time) bool
}
