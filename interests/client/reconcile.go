package client

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"newsfeed/interests"
	"newsfeed/interests/topic"
	"newsfeed/interests/wire"
)

// Problem is an edit that the server refused for good, and why. The edit is gone.
type Problem struct {
	Edit
	wire.Problem
}

// errAnswer: the server's answer is none that the contract allows.
var errAnswer = errors.New("client: the answer is not one of this call's")

// What a call is, and how it is answered.
type (
	question = wire.Sync[wire.Op]
	answer   = wire.Synced[wire.Change]
)

// question is the next call: as many edits as one takes, and what is known here.
// A topic has at most 64 bytes, so that 200 edits are less than half of the
// 256 KiB that a body may have.
func (s *State) question() question {
	q := question{Device: s.Device, Ops: []wire.Op{}}
	if s.Known {
		since, digest := s.Revision, wire.Hex(s.digest())
		q.Since, q.Digest = &since, &digest
	}
	for _, e := range s.Pending[:min(len(s.Pending), wire.MaxOps)] {
		q.Ops = append(q.Ops, wire.Op{ID: e.id(), Topic: e.Topic, Level: wire.Level(e.Level), At: e.At})
	}
	return q
}

func (e Edit) id() string { return strconv.FormatUint(e.Number, 10) }

// asks reports whether the state still is the one that a question was made of.
// Edits may have come since; an answer by then taken would be older than what is
// known, and is not used.
func (s *State) asks(q question) bool {
	return s.Known == (q.Since != nil) && (q.Since == nil || *q.Since == s.Revision)
}

// reconcile takes an answer in: the changes into the list, the results onto the
// edits. What the device holds that is newer than the answer or, when that is
// the whole list, missing from it, is queued to be sent again: the server has
// lost it. Without the results of its edits a state is as it was.
func (s *State) reconcile(q question, a answer, now time.Time) ([]Problem, error) {
	if err := check(q, a); err != nil {
		return nil, err
	}
	s.SkewMS = skew(a.Now.Sub(now))
	held := s.Topics
	s.Topics = make(registers, len(held)+len(a.Changes))
	if !a.Full {
		maps.Copy(s.Topics, held)
	}
	for _, c := range a.Changes {
		s.Topics[c.Topic] = interests.Register{Level: interests.Level(c.Level), At: c.At}
		s.see(c.At)
	}
	strays := s.strays(held, a.Changes)
	problems, late := s.settle(q.Ops, a.Results, strays)
	late = s.takeBack(held, strays, a.Now.Time) || late
	s.sendAgain(held)
	s.forget(a.Now.Time)
	s.Revision = a.Revision
	s.Known = wire.Hex(s.digest()) == a.Digest
	if late {
		s.restamp(a.Now.Time)
	}
	return problems, nil
}

// check refuses an answer that is not to a question, before any of it is used.
func check(q question, a answer) error {
	switch {
	case len(a.Results) != len(q.Ops):
		return fmt.Errorf("%w: %d results of %d edits", errAnswer, len(a.Results), len(q.Ops))
	case a.Now.IsZero():
		return fmt.Errorf("%w: it has no time", errAnswer)
	case q.Since == nil && !a.Full:
		return fmt.Errorf("%w: not the whole list, to who knows nothing", errAnswer)
	}
	for _, c := range a.Changes {
		if c.Topic == "" || c.Level == 0 {
			return fmt.Errorf("%w: a change of %.80q", errAnswer, c.Topic)
		}
	}
	for i, r := range a.Results {
		if r.ID != q.Ops[i].ID || !slices.Contains(statuses, r.Status) || r.Status == interests.Rejected && r.Problem == nil {
			return fmt.Errorf("%w: result %d, of %.80q", errAnswer, i, r.ID)
		}
	}
	return nil
}

var statuses = []interests.Status{interests.Applied, interests.Superseded, interests.Duplicate, interests.Rejected}

// skew is what is corrected for of a difference between two clocks.
func skew(d time.Duration) int64 {
	if d.Abs() <= skewIgnored {
		return 0
	}
	return d.Milliseconds()
}

// settle ends the edits that have a result. late: one was refused for the clock,
// and all have to be stamped anew.
func (s *State) settle(ops []wire.Op, results []wire.Result, strays []topic.ID) (problems []Problem, late bool) {
	for n, r := range results {
		i := slices.IndexFunc(s.Pending, func(e Edit) bool { return e.id() == r.ID })
		if i < 0 {
			continue // a later edit of the topic has taken its place
		}
		e := s.Pending[i]
		if e.At != ops[n].At {
			continue // stamped anew meanwhile: this is no answer to what it is now
		}
		switch r.Status {
		case interests.Superseded:
			if slices.Contains(strays, e.Topic) {
				late = true
				continue
			}
		case interests.Applied, interests.Duplicate:
			s.Topics[e.Topic] = interests.Join(s.Topics[e.Topic], e.register())
		case interests.Rejected:
			if r.Problem.Type == string(interests.ClockAhead) {
				late = true
				continue
			}
			// What is sent again and is too old was removed elsewhere, long ago.
			if !e.Again || r.Problem.Type != string(interests.TooOld) {
				problems = append(problems, Problem{e, *r.Problem})
			}
		}
		s.Pending = slices.Delete(s.Pending, i, i+1)
	}
	return problems, late
}

// strays lists the topics that the list now has by an abandoned stamp: an edit of
// this device's own that had been stamped anew, or replaced, arrived after all, and
// won over what its person said later.
func (s *State) strays(held registers, changes []wire.Change) (topics []topic.ID) {
	for _, c := range changes {
		if held[c.Topic].At != c.At && slices.Contains(s.Abandoned, c.At) {
			topics = append(topics, c.Topic)
		}
	}
	return topics
}

// takeBack says again what strays have won over: what waits is to be stamped anew
// (late), and what was held is edited anew.
func (s *State) takeBack(held registers, strays []topic.ID, now time.Time) (late bool) {
	for _, id := range strays {
		is := s.Topics[id]
		i := slices.IndexFunc(s.Pending, func(e Edit) bool { return e.Topic == id })
		was, ok := held[id]
		switch {
		case i >= 0:
			late = late || s.Pending[i].At.Compare(is.At) < 0
		case ok && was.Level != is.Level && was.At.Compare(is.At) < 0:
			s.queue(Edit{Topic: id, Level: was.Level, At: s.tick(now.UnixMilli())})
		}
	}
	return late
}

// sendAgain queues, before the edits of the person, what was held before an
// answer and is newer than it or missing from it.
func (s *State) sendAgain(held registers) {
	lost := map[topic.ID]interests.Register{}
	for id, r := range held {
		is, ok := s.Topics[id]
		if !ok || is != r && interests.Join(is, r) == r {
			lost[id] = r
		}
	}
	for _, e := range s.Pending {
		if r, ok := lost[e.Topic]; ok && interests.Join(r, e.register()) == e.register() {
			delete(lost, e.Topic)
		}
	}
	edits := s.Pending
	s.Pending = []Edit{}
	ids := slices.SortedFunc(maps.Keys(lost), func(a, b topic.ID) int {
		return cmp.Or(lost[a].At.Compare(lost[b].At), cmp.Compare(a, b))
	})
	for _, id := range ids {
		s.queue(Edit{Topic: id, Level: lost[id].Level, At: lost[id].At, Again: true})
	}
	s.Pending = append(s.Pending, edits...)
}
