// Package live tells the open streams of people what has changed for them: the
// revision of their list, that of their marks, and how many stories entered that
// would stand on their first page. It keeps no history: what a stream is told
// follows from what its client knows and from what is so now, so that one that
// comes back with the state it was last told misses nothing, on whichever node.
//
// It writes no HTTP, and decides nothing about lists, marks or ranking.
package live

import (
	"strconv"
	"strings"

	"newsfeed/feed"
	"newsfeed/interests"
)

// State is what the client of a stream was told.
type State struct {
	List    interests.Revision
	Marks   interests.Revision
	Edition feed.Edition // newer is counted from it
	Newer   int          // up to 99
}

// String makes a state text: its numbers with hyphens between. It is the id of
// an event.
func (s State) String() string {
	var room [64]byte
	b := strconv.AppendUint(room[:0], uint64(s.List), 10)
	b = strconv.AppendUint(append(b, '-'), uint64(s.Marks), 10)
	b = strconv.AppendUint(append(b, '-'), uint64(s.Edition), 10)
	b = strconv.AppendUint(append(b, '-'), uint64(s.Newer), 10)
	return string(b)
}

// maxNewer is as far as newer is counted.
const maxNewer = 99

// ParseState reads what String wrote; false when it is something else.
func ParseState(text string) (s State, ok bool) {
	var numbers [4]uint64
	for i := range numbers {
		field, rest, more := strings.Cut(text, "-")
		n, err := strconv.ParseUint(field, 10, 63)
		if err != nil || more != (i < len(numbers)-1) {
			return State{}, false
		}
		numbers[i], text = n, rest
	}
	if numbers[3] > maxNewer {
		return State{}, false
	}
	return State{interests.Revision(numbers[0]), interests.Revision(numbers[1]), feed.Edition(numbers[2]), int(numbers[3])}, true
}

// Event is one thing that a client is told.
type Event struct {
	Of    Kind
	Value uint64 // the revision, or the count
	State State  // of the client who has heard it
}

// Kind says what an event is about.
type Kind uint8

// What clients are told of.
const (
	List  Kind = iota // the list has another revision
	Marks             // the marks have
	Newer             // so many stories entered
)
