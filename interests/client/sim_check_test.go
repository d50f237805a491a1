package client

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"time"

	"newsfeed/interests"
	"newsfeed/interests/topic"
	"newsfeed/interests/wire"
)

// judge holds the answer to an edit against the rules, as far as they can be said
// of it alone.
func (w *world) judge(before interests.List, ops []interests.Op, i int, r interests.Result) {
	ms, clock, at := ops[i].At.Milli(), w.now.UnixMilli(), ops[i].At
	switch {
	case r.Reason == interests.ClockAhead && (ms <= clock || ms <= clock+120_000 && at.Counter() <= 0x7fff):
		w.fail("%s is refused as ahead of %d", at, clock)
	case r.Reason == interests.TooOld && at.Compare(w.list().Floor) > 0:
		w.fail("%s is refused as older than the floor %s", at, w.list().Floor)
	case r.Reason == interests.ListFull && !w.big:
		w.fail("a list of %d topics is full", len(before.Topics))
	case r.Status != interests.Rejected && ms > clock+120_000:
		w.fail("%s is admitted at %d", at, clock)
	case r.Status != interests.Rejected && ms > clock && at.Counter() > 0x7fff:
		w.fail("%s is admitted at %d, with that counter", at, clock)
	}
	if len(ops) > 1 {
		return
	}
	old, present := before.Topics[ops[i].Topic]
	mine := interests.Register{Level: ops[i].Level, At: at}
	want := interests.Applied
	switch c := at.Compare(old.At); {
	case !present && !before.Floor.IsZero() && at.Compare(before.Floor) <= 0:
		want = interests.Rejected
	case present && c == 0 && old.Level == mine.Level:
		want = interests.Duplicate
	case present && (c < 0 || c == 0 && mine.Level < old.Level):
		want = interests.Superseded
	}
	if r.Status != want && r.Reason != interests.ClockAhead && r.Reason != interests.ListFull {
		w.fail("%+v onto %+v is %s %s, want %s", mine, old, r.Status, r.Reason, want)
	}
}

// look holds every list that the server has against what holds of all lists.
func (w *world) look(before, list interests.List) {
	if list.Revision != before.Revision {
		if list.Revision <= w.last || list.Revision < interests.Revision(w.now.UnixMilli()) {
			w.fail("revision %d after %d, at %d", list.Revision, w.last, w.now.UnixMilli())
		}
		w.last = list.Revision
		if list.Floor.Compare(before.Floor) < 0 {
			w.fail("the floor sank from %s to %s", before.Floor, list.Floor)
		}
	}
	var forgotten interests.Stamp // the latest removal that is remembered no more
	for id, r := range before.Topics {
		if _, ok := list.Topics[id]; !ok && r.At.Compare(forgotten) > 0 {
			forgotten = r.At
		}
	}
	tombs := 0
	for id, r := range list.Topics {
		if r.Level == interests.None {
			if tombs++; r.At.Compare(forgotten) < 0 {
				w.fail("the removal of %s, from %s, is remembered, and not that from %s", id, r.At, forgotten)
			}
			if list.Revision != before.Revision && w.now.Sub(time.UnixMilli(r.At.Milli())) > 90*24*time.Hour {
				w.fail("the removal of %s is kept from %s", id, r.At)
			}
			continue
		}
		if r.At.Compare(w.removed[id]) < 0 {
			w.fail("%s is back with %s, after it was removed with %s", id, r.At, w.removed[id])
		}
		if !w.big && (r.Since.After(w.now) || r.Since.IsZero()) {
			w.fail("%s is in the list since %s", id, r.Since)
		}
		if was, ok := before.Topics[id]; ok && was.Level != interests.None && !was.Since.Equal(r.Since) {
			w.fail("%s was in the list since %s, now since %s", id, was.Since, r.Since)
		}
	}
	if followed, muted := list.Count(); followed > 500 || muted > 500 || tombs > 1000 {
		w.fail("the list has %d followed, %d muted, %d removed", followed, muted, tombs)
	}
}

func (w *world) acknowledge(id topic.ID, r interests.Register) {
	if old, ok := w.acked[id]; !ok || !greater(old, r) {
		w.acked[id] = r
		delete(w.missing, id)
	}
	if r.Level == interests.None && r.At.Compare(w.removed[id]) > 0 {
		w.removed[id] = r.At
	}
}

// greater is the rule of the join, said once more.
func greater(a, b interests.Register) bool {
	return a.At.String() > b.At.String() || a.At == b.At && a.Level > b.Level
}

// digest is what the contract says of it, said once more.
func digest(list interests.List) (sum uint64) {
	for id, r := range list.Topics {
		if r.Level != interests.None {
			h := fnv.New64a()
			fmt.Fprintf(h, "%s\x00%s\x00%s", id, r.Level, r.At)
			sum += h.Sum64()
		}
	}
	return sum
}

func (w *world) list() interests.List {
	list, err := w.store.Load(context.Background(), w.id)
	if err != nil {
		w.fail("load: %v", err)
	}
	return list
}

// tooOld: a removal that is remembered no more; or what the server itself lost when
// it was restored, and what has it came back only when the removals of that time
// were forgotten, 90 days later. It cannot be told then from what was removed and
// the removal forgotten, and that may not come undone (DECISIONS.md, "What a server
// lost can be too old for it").
func (w *world) tooOld(id topic.ID, acked interests.Register, list interests.List) bool {
	if acked.At.Compare(list.Floor) > 0 {
		return false
	}
	age := w.now.Sub(time.UnixMilli(acked.At.Milli()))
	return acked.Level == interests.None || w.missing[id] == acked && (age >= 90*24*time.Hour || w.big)
}

// quiet: no call is lost any more, and all devices ask until they have nothing to
// say. Then all is equal, and everything is there.
func (w *world) quiet() {
	w.calls = nil
	for range 4 {
		w.now = w.now.Add(3 * time.Minute)
		for _, d := range w.devices {
			for try := 0; (try == 0 || len(d.Pending) > 0) && w.err == nil; try++ {
				c := &simCall{from: d, q: d.question()}
				if w.serve(c); w.err == nil {
					w.hear(c)
				}
				if try > 40 {
					w.fail("device %d never comes to rest: %+v", d.Device, d.Pending)
				}
			}
		}
	}
	if w.err != nil {
		return
	}
	for _, revision := range w.gone {
		if _, err := w.lists.At(context.Background(), w.id, revision); !errors.Is(err, interests.ErrForgotten) && revision > 0 {
			w.fail("the list at revision %d, which it lost, is %v", revision, err)
		}
	}
	list := w.list()
	if got, want := list.Digest(), digest(list); got != want {
		w.fail("the digest is %016x, want %016x", got, want)
	}
	for _, d := range w.devices {
		if wire.Hex(d.digest()) != wire.Hex(list.Digest()) || d.Revision != list.Revision {
			w.fail("device %d has revision %d, digest %016x; the server %d, %016x", d.Device, d.Revision, d.digest(), list.Revision, list.Digest())
		}
		for id, r := range list.Topics {
			if got := d.Topics[id]; got.Level != r.Level && r.Level != interests.None {
				w.fail("device %d has %+v of %s, the server %+v", d.Device, got, id, r)
			}
		}
	}
	for id, want := range w.acked {
		got, ok := list.Topics[id]
		switch {
		case !ok && w.tooOld(id, want, list):
			if want.Level != interests.None {
				w.seen["lost and too old"]++
			}
		case !ok || greater(want, got):
			w.fail("%s was acknowledged with %+v, and is %+v (floor %s)", id, want, got, list.Floor)
		}
	}
	for _, d := range w.devices {
		for id, level := range d.own {
			r, ok := list.Topics[id]
			mine := r.At == interests.NewStamp(time.UnixMilli(r.At.Milli()), r.At.Counter(), d.id())
			if ok && mine && r.Level != level {
				w.fail("device %d last said %s of %s, and its %s stands", d.Device, level, id, r.Level)
			}
		}
	}
}
