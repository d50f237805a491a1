// Package interests keeps a person's list of interests: which topics they
// follow, favour or mute, when each was last set, and how edits combine. The
// rules ([Join], [Apply]) are pure; [Lists] applies them to a [Store]. The
// package knows nothing of articles or HTTP.
package interests

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"newsfeed/interests/topic"
)

// Level is how a person stands to a topic. The order of the values breaks ties
// between edits with one stamp: the greater wins.
type Level uint8

// The levels. None is a remembered removal, a tombstone.
const (
	Follow Level = iota + 1
	Favourite
	Mute
	None
)

var levelNames = [...]string{Follow: "follow", Favourite: "favourite", Mute: "mute", None: "none"}

// ParseLevel reads "follow", "favourite" or "mute".
func ParseLevel(s string) (Level, error) {
	for l := Follow; l < None; l++ {
		if levelNames[l] == s {
			return l, nil
		}
	}
	return 0, fmt.Errorf("%q is no level: use follow, favourite or mute", s)
}

func (l Level) String() string {
	if int(l) < len(levelNames) && l > 0 {
		return levelNames[l]
	}
	return fmt.Sprintf("level %d", uint8(l))
}

// MarshalText makes a level its word; None is "none".
func (l Level) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (l *Level) UnmarshalText(b []byte) error {
	if string(b) == levelNames[None] {
		*l = None
		return nil
	}
	v, err := ParseLevel(string(b))
	*l = v
	return err
}

// Revision numbers the accepted edits of one list: it grows with each and never
// repeats, since it is never below the server's clock in milliseconds. 0 is the
// list that was never edited.
type Revision uint64

// Register is one topic's entry in a list.
type Register struct {
	Level Level     `json:"level,omitzero"`
	At    Stamp     `json:"at,omitzero"`
	Since time.Time `json:"since,omitzero"` // when the topic last entered the list; the server's note, outside join and digest
}

// Limits of a list.
const (
	MaxFollowed   = 500                    // topics followed, favourites included
	MaxMuted      = 500                    // topics muted
	MaxImport     = MaxFollowed + MaxMuted // topics that come in by one call: a full list
	MaxTombstones = 1000                   // removals remembered, each for 90 days
)

// List is all interests of one person. A List is a value: what edits it makes a
// new one, and the map of a list that was handed out is never changed.
type List struct {
	Revision Revision              `json:"revision"`
	Floor    Stamp                 `json:"floor,omitzero"` // no removal with a later stamp was ever forgotten
	Topics   map[topic.ID]Register `json:"topics"`
}

// Level returns the person's level for a topic, 0 when there is none.
func (l *List) Level(id topic.ID) Level {
	if r, ok := l.Topics[id]; ok && r.Level != None {
		return r.Level
	}
	return 0
}

// Count returns how many topics are followed (favourites included) and muted.
func (l *List) Count() (followed, muted int) {
	for _, r := range l.Topics {
		switch r.Level {
		case Follow, Favourite:
			followed++
		case Mute:
			muted++
		}
	}
	return followed, muted
}

// Interest is a topic that has a level.
type Interest struct {
	Topic topic.ID
	Register
}

// Interests returns the topics that have a level, sorted by topic.
func (l *List) Interests() []Interest {
	out := make([]Interest, 0, len(l.Topics))
	for _, id := range slices.Sorted(maps.Keys(l.Topics)) {
		if r := l.Topics[id]; r.Level != None {
			out = append(out, Interest{id, r})
		}
	}
	return out
}
