package client

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
	"unicode/utf8"

	"newsfeed/interests"
	"newsfeed/interests/account"
	"newsfeed/interests/topic"
	"newsfeed/interests/wire"
)

// State is what a device knows of one account's list: the server's list as it
// last heard of it, and its own edits of which no result has come. What people
// see is both joined. A State is plain data that a [Store] keeps; the client
// alone changes it.
type State struct {
	Account account.ID      `json:"account"`
	Device  wire.Hex        `json:"device"`          // drawn once, for good
	Clock   interests.Stamp `json:"clock,omitzero"`  // the newest stamp made or seen
	SkewMS  int64           `json:"skew,omitzero"`   // the server's clock less this device's, in milliseconds; 0 when close
	Next    uint64          `json:"next"`            // number of the next edit
	Known   bool            `json:"known,omitzero"`  // Topics are the server's at Revision; false: ask for the whole list
	Pending []Edit          `json:"pending"`         // in the order they were made, one a topic
	Topics  registers       `json:"topics,omitzero"` // the server's, remembered removals included

	// Abandoned are the stamps that edits had which were then stamped anew or
	// replaced. A call with one may still be under way, and win when it arrives.
	Abandoned []interests.Stamp `json:"abandoned,omitempty"`

	Revision interests.Revision `json:"revision"`
}

type registers = map[topic.ID]interests.Register

// Edit is an edit that waits for its result.
type Edit struct {
	Number uint64          `json:"number"`
	Topic  topic.ID        `json:"topic"`
	Level  interests.Level `json:"level"` // interests.None removes
	At     interests.Stamp `json:"at"`
	Again  bool            `json:"again,omitzero"` // nobody's press: the server lost it, and it is sent again
}

func (e Edit) register() interests.Register { return interests.Register{Level: e.Level, At: e.At} }

// What the clock of a device may differ from the server's before it is corrected
// for, and how long and how many removals are remembered.
const (
	skewIgnored   = 30 * time.Second
	tombstoneKept = 90 * 24 * time.Hour
	maxAbandoned  = 256
)

// Errors of edits that no list can hold.
var (
	ErrTopic = errors.New("client: an id of a topic has 1 to 64 bytes of UTF-8")
	ErrLevel = errors.New("client: a level is follow, favourite, mute or none")
)

// ErrOtherAccount: the state belongs to another account. Edits are only ever sent
// for the account that made them.
var ErrOtherAccount = errors.New("client: what is stored belongs to another account")

// claim makes a new state the account's own.
func (s *State) claim(id account.ID) error {
	if s.Device == 0 {
		s.Device = newDevice()
	}
	switch s.Account {
	case account.ID{}:
		s.Account = id
	case id:
	default:
		return fmt.Errorf("%w: %s", ErrOtherAccount, s.Account)
	}
	return nil
}

func newDevice() wire.Hex {
	var b [8]byte
	for {
		rand.Read(b[:]) // never fails: crypto/rand ends the program instead
		if d := binary.BigEndian.Uint64(b[:]); d != 0 {
			return wire.Hex(d)
		}
	}
}

// set makes an edit. It takes the place of an earlier one of the topic that still
// waits: merging is by state, so the later one says all. What is at the server by
// then, because an answer was lost, the later one supersedes.
func (s *State) set(t topic.ID, level interests.Level, now time.Time) error {
	if len(t) == 0 || len(t) > wire.MaxTopicID || !utf8.ValidString(string(t)) {
		return fmt.Errorf("%w: %.80q", ErrTopic, t)
	}
	if level < interests.Follow || level > interests.None {
		return fmt.Errorf("%w: %s", ErrLevel, level)
	}
	s.Pending = slices.DeleteFunc(s.Pending, func(e Edit) bool {
		if e.Topic == t {
			s.abandon(e.At)
		}
		return e.Topic == t
	})
	s.queue(Edit{Topic: t, Level: level, At: s.tick(now.UnixMilli() + s.SkewMS)})
	return nil
}

func (s *State) queue(e Edit) {
	e.Number = s.Next
	s.Next++
	s.Pending = append(s.Pending, e)
}

// tick moves the clock to the smallest stamp that is not before a time and after
// all that was made or seen here (a hybrid logical clock: Kulkarni et al., 2014).
// Counters end where the server would refuse one that is ahead of its clock.
func (s *State) tick(ms int64) interests.Stamp {
	counter := 0
	if seen := s.Clock.Milli(); seen >= ms {
		if ms, counter = seen, int(s.Clock.Counter())+1; counter > interests.MaxAheadCounter {
			ms, counter = seen+1, 0
		}
	}
	s.Clock = interests.NewStamp(time.UnixMilli(ms), uint16(counter), interests.Device(s.Device))
	return s.Clock
}

// restamp gives all edits that wait new stamps in their order, from the server's
// time: theirs are of a clock that is ahead. They stay after everything that is
// in the list, which they were made in view of.
func (s *State) restamp(now time.Time) {
	s.Clock = interests.Stamp{}
	for _, r := range s.Topics {
		s.see(r.At)
	}
	for i := range s.Pending {
		s.abandon(s.Pending[i].At)
		s.Pending[i].At = s.tick(now.UnixMilli())
	}
}

// abandon remembers a stamp that no edit has any more; the oldest are forgotten.
func (s *State) abandon(at interests.Stamp) {
	s.Abandoned = append(s.Abandoned, at)
	s.Abandoned = s.Abandoned[max(0, len(s.Abandoned)-maxAbandoned):]
}

func (s *State) see(at interests.Stamp) {
	if at.Compare(s.Clock) > 0 {
		s.Clock = at
	}
}

// view is the list that people see: the server's joined with the edits that wait.
func (s *State) view() registers {
	v := make(registers, len(s.Topics)+len(s.Pending))
	maps.Copy(v, s.Topics)
	for _, e := range s.Pending {
		v[e.Topic] = interests.Join(v[e.Topic], e.register())
	}
	return v
}

// Interest is a topic that has a level, as a device shows it.
type Interest struct {
	Topic   topic.ID
	Level   interests.Level
	Pending bool // the server has not confirmed it
}

// interests returns the topics that have a level, sorted by topic.
func (s *State) interests() []Interest {
	list := interests.List{Topics: s.view()}
	out := []Interest{}
	for _, i := range list.Interests() {
		waits := slices.ContainsFunc(s.Pending, func(e Edit) bool { return e.Topic == i.Topic })
		out = append(out, Interest{i.Topic, i.Level, waits})
	}
	return out
}

// digest is the digest of the server's list as it is known here.
func (s *State) digest() uint64 { return (&interests.List{Topics: s.Topics}).Digest() }

// forget drops the oldest remembered removals, as the server does.
func (s *State) forget(now time.Time) {
	var tombs []interests.Stamp
	for _, r := range s.Topics {
		if r.Level == interests.None {
			tombs = append(tombs, r.At)
		}
	}
	slices.SortFunc(tombs, func(a, b interests.Stamp) int { return b.Compare(a) })
	keepFrom := interests.NewStamp(now.Add(-tombstoneKept), 0, 0)
	if len(tombs) > interests.MaxTombstones && tombs[interests.MaxTombstones-1].Compare(keepFrom) > 0 {
		keepFrom = tombs[interests.MaxTombstones-1]
	}
	maps.DeleteFunc(s.Topics, func(_ topic.ID, r interests.Register) bool {
		return r.Level == interests.None && r.At.Compare(keepFrom) < 0
	})
}
