package interests

import (
	"cmp"
	"hash/fnv"
	"maps"
	"math"
	"slices"
	"time"

	"newsfeed/interests/topic"
)

// Op is one edit of a list: set a topic to a level, or remove it ([None]).
type Op struct {
	ID    string // chosen by the client; only ties the answer to the op
	Topic topic.ID
	Level Level
	At    Stamp
}

// Status is what became of an op.
type Status string

// What can become of an op.
const (
	Applied    Status = "applied"    // the list has changed
	Superseded Status = "superseded" // a later edit of the topic stands
	Duplicate  Status = "duplicate"  // the list says exactly this already
	Rejected   Status = "rejected"   // not admitted, see Result.Reason
)

// Reason says why an op was rejected; the words are those of the API.
type Reason string

// Why an op can be rejected.
const (
	ClockAhead Reason = "clock-ahead" // stamped too far ahead of the server's clock
	TooOld     Reason = "too-old"     // older than any removal the server still remembers
	ListFull   Reason = "list-full"   // beyond MaxFollowed or MaxMuted
)

// Result is the answer to one op.
type Result struct {
	ID     string
	Status Status
	Reason Reason // set when Status is Rejected
}

// How far a stamp may be ahead of the server's clock, and the greatest counter
// of one that is: so nobody can use up the counters of the next two minutes.
const (
	MaxAhead        = 120 * time.Second
	MaxAheadCounter = 0x7fff
	tombstoneAge    = 90 * 24 * time.Hour
)

// Join returns the register that stands when both were set: the one with the
// greater stamp, of equal stamps the one with the greater level. It is total,
// commutative, associative and idempotent but for Since, which follows the
// register that won.
func Join(a, b Register) Register {
	if c := cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Level, b.Level)); c < 0 {
		return b
	}
	return a
}

// Apply admits ops one after the other, joins those admitted into the list, and
// answers each. The list given is not changed. If any op was applied, the new
// list has a greater revision. now is the server's clock.
func Apply(l List, ops []Op, now time.Time) (List, []Result) {
	next := List{Revision: l.Revision, Floor: l.Floor, Topics: maps.Clone(l.Topics)}
	if next.Topics == nil {
		next.Topics = make(map[topic.ID]Register, len(ops))
	}
	results := make([]Result, len(ops))
	changed := false
	for i, op := range ops {
		status, reason := next.apply(op, now)
		results[i] = Result{op.ID, status, reason}
		changed = changed || status == Applied
	}
	if !changed {
		return l, results
	}
	next.forget(now)
	next.Revision = max(l.Revision+1, Revision(now.UnixMilli()))
	return next, results
}

// apply changes the list in place by one op.
func (l *List) apply(op Op, now time.Time) (Status, Reason) {
	old, present := l.Topics[op.Topic]
	if reason := l.refuse(op, present, now); reason != "" {
		return Rejected, reason
	}
	next := Register{Level: op.Level, At: op.At}
	if present && Join(old, next) == old {
		if old.At == op.At && old.Level == op.Level {
			return Duplicate, ""
		}
		return Superseded, ""
	}
	if l.full(op.Level, old.Level) {
		return Rejected, ListFull
	}
	if op.Level != None {
		if next.Since = old.Since; !present || old.Level == None {
			next.Since = now.UTC().Truncate(time.Millisecond)
		}
	}
	l.Topics[op.Topic] = next
	return Applied, ""
}

// refuse applies the rules of admission that do not depend on limits.
func (l *List) refuse(op Op, present bool, now time.Time) Reason {
	if !present && !l.Floor.IsZero() && op.At.Compare(l.Floor) <= 0 {
		return TooOld
	}
	return Admit(op.At, l.newest(), now)
}

// Admit says whether the stamp of an edit is admitted, by list or by marks:
// ClockAhead when not, else empty. newest is the greatest stamp in what is
// edited, its floor included; now is the server's clock. The stamp that the
// server itself would give is admitted whatever it is, else a device that is
// ahead with the greatest counter would close the list to the server's own edits.
func Admit(at, newest Stamp, now time.Time) Reason {
	ms, clock := at.Milli(), now.UnixMilli()
	switch {
	case ms <= clock || at == NextStamp(newest, now):
		return ""
	case at.Counter() > MaxAheadCounter:
		return ClockAhead
	case ms <= clock+MaxAhead.Milliseconds():
		return ""
	case ms == newest.Milli() && at.Counter() > newest.Counter():
		return ""
	}
	return ClockAhead
}

// full reports whether a topic that goes from old to level would break a limit.
func (l *List) full(level, old Level) bool {
	followed, muted := l.Count()
	switch level {
	case Follow, Favourite:
		return old != Follow && old != Favourite && followed >= MaxFollowed
	case Mute:
		return old != Mute && muted >= MaxMuted
	}
	return false
}

// forget drops the oldest tombstones beyond age and number, and raises the floor
// to the latest it dropped, so that what they removed cannot come back.
func (l *List) forget(now time.Time) {
	var tombs []Interest
	for id, r := range l.Topics {
		if r.Level == None {
			tombs = append(tombs, Interest{id, r})
		}
	}
	slices.SortFunc(tombs, func(a, b Interest) int {
		return cmp.Or(b.At.Compare(a.At), cmp.Compare(a.Topic, b.Topic))
	})
	oldest := now.Add(-tombstoneAge).UnixMilli()
	for i, t := range tombs {
		if i >= MaxTombstones || t.At.Milli() < oldest {
			delete(l.Topics, t.Topic)
			if t.At.Compare(l.Floor) > 0 {
				l.Floor = t.At
			}
		}
	}
}

// newest returns the greatest stamp in the list, its floor included.
func (l *List) newest() Stamp {
	top := l.Floor
	for _, r := range l.Topics {
		if r.At.Compare(top) > 0 {
			top = r.At
		}
	}
	return top
}

// NextStamp returns the stamp for an edit by the server itself: the smallest
// with device 0 that is not before now and greater than every stamp in the list.
func (l *List) NextStamp(now time.Time) Stamp { return NextStamp(l.newest(), now) }

// NextStamp returns the smallest stamp with device 0 that is not before now and
// greater than newest.
func NextStamp(newest Stamp, now time.Time) Stamp {
	if s := NewStamp(now, 0, 0); s.Compare(newest) > 0 {
		return s
	}
	if newest.Counter() == math.MaxUint16 {
		return NewStamp(time.UnixMilli(newest.Milli()+1), 0, 0)
	}
	return NewStamp(time.UnixMilli(newest.Milli()), newest.Counter()+1, 0)
}

// Digest is a sum over the topics that have a level, equal for equal lists
// whatever their history: FNV-1a 64 of topic, 0, level, 0, stamp as text, added
// modulo 2^64. The empty list has digest 0. JSON shows it as 16 hex digits.
func (l *List) Digest() uint64 {
	var sum uint64
	for id, r := range l.Topics {
		if r.Level == None {
			continue
		}
		h := fnv.New64a()
		h.Write([]byte(id))
		h.Write([]byte{0})
		h.Write([]byte(r.Level.String()))
		h.Write([]byte{0})
		h.Write([]byte(r.At.String()))
		sum += h.Sum64()
	}
	return sum
}
