package interests_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"newsfeed/interests"
	"newsfeed/interests/account"
	"newsfeed/interests/topic"
	"newsfeed/storage/storagetest"
)

var noon = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

// losingLists refuses every swap.
type losingLists struct{ interests.Store }

func (losingLists) Swap(context.Context, account.ID, interests.Revision, interests.List, time.Time, ...interests.Undo) error {
	return interests.ErrConflict
}

// registers is what a device has of a list: what it was told, and nothing else.
type registers map[topic.ID]interests.Register

// hear returns what a device that has some registers has after an answer.
func (r registers) hear(s interests.Synced) registers {
	next := registers{}
	if !s.Full {
		for id, register := range r {
			next[id] = register
		}
	}
	for _, c := range s.Changes {
		next[c.Topic] = interests.Register{Level: c.Level, At: c.At}
	}
	return next
}

func (r registers) list() interests.List { return interests.List{Topics: r} }

// Any device that hears of what changed since any earlier revision has what the
// server has, whatever was edited and forgotten between: what has a level is the
// same, and so is the digest; of removals it knows at least what the server does.
func TestSyncTellsWhatChanged(t *testing.T) {
	ctx := t.Context()
	rapid.Check(t, func(r *rapid.T) {
		clock, id := noon, account.NewID()
		lists := interests.NewLists(storagetest.NewModelLists(), func() time.Time { return clock })
		type device struct {
			has  interests.Known
			have registers
		}
		devices := []device{{}}
		for range rapid.IntRange(1, 12).Draw(r, "calls") {
			clock = clock.Add(rapid.SampledFrom([]time.Duration{0, time.Millisecond, 40 * time.Minute}).Draw(r, "step"))
			d := rapid.SampledFrom(devices).Draw(r, "device")
			ops := make([]interests.Op, rapid.IntRange(0, 4).Draw(r, "ops"))
			for i := range ops {
				ops[i] = interests.Op{
					Topic: topic.ID(fmt.Sprint("t", rapid.IntRange(0, 3).Draw(r, "topic"))),
					Level: interests.Level(rapid.IntRange(int(interests.Follow), int(interests.None)).Draw(r, "level")),
					At:    interests.NewStamp(clock.Add(rapid.SampledFrom([]time.Duration{0, -time.Second, -91 * 24 * time.Hour, -92 * 24 * time.Hour}).Draw(r, "age")), uint16(i), 7),
				}
			}
			s, err := lists.Sync(ctx, id, &d.has, ops, time.Time{})
			if err != nil {
				r.Fatal(err)
			}
			d.have = d.have.hear(s)
			d.has = interests.Known{Revision: s.List.Revision, Digest: s.List.Digest()}
			got := d.have.list()
			for topic, register := range s.List.Topics {
				if have := got.Topics[topic]; have.Level != register.Level || have.At != register.At {
					r.Fatalf("the device has %v of %s, the server %v", have, topic, register)
				}
			}
			if got.Digest() != s.List.Digest() {
				r.Fatalf("the device has %v, the server %v", got, s.List)
			}
			for i, result := range s.Results {
				if register := got.Topics[ops[i].Topic]; result.Status == interests.Superseded && register.At.Compare(ops[i].At) < 0 {
					r.Fatalf("op %+v was superseded, and the device does not hear by what: %+v", ops[i], register)
				}
			}
			devices = append(devices, d)
		}
	})
}

// The answer is full exactly when the contract says so.
func TestSyncFull(t *testing.T) {
	ctx, clock, id := t.Context(), noon, account.NewID()
	lists := interests.NewLists(storagetest.NewModelLists(), func() time.Time { return clock })
	had := []interests.Known{{}}
	for i := range 3 {
		clock = clock.Add(time.Second)
		l, err := lists.Set(ctx, id, topic.ID(fmt.Sprint("t", i)), interests.Mute, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		had = append(had, interests.Known{Revision: l.Revision, Digest: l.Digest()})
	}
	last := had[3]
	for _, c := range []struct {
		name    string
		has     *interests.Known
		full    bool
		changes int
	}{
		{"nothing known", nil, true, 3},
		{"before the first edit", &had[0], false, 3},
		{"the first", &had[1], false, 2},
		{"the second", &had[2], false, 1},
		{"the last", &last, false, 0},
		{"a later revision", &interests.Known{Revision: last.Revision + 1, Digest: last.Digest}, true, 3},
		{"a revision that never was", &interests.Known{Revision: last.Revision - 1, Digest: had[2].Digest}, true, 3},
		{"another digest", &interests.Known{Revision: had[1].Revision, Digest: had[2].Digest}, true, 3},
		{"another digest of the last", &interests.Known{Revision: last.Revision, Digest: 0}, true, 3},
		{"another digest of nothing", &interests.Known{Digest: 1}, true, 3},
	} {
		s, err := lists.Sync(ctx, id, c.has, nil, time.Time{})
		if err != nil || s.Full != c.full || len(s.Changes) != c.changes || s.List.Revision != last.Revision {
			t.Errorf("%s: full %v with %d changes, %v; want %v with %d", c.name, s.Full, len(s.Changes), err, c.full, c.changes)
		}
	}
	clock = clock.Add(25 * time.Hour)
	s, err := lists.Sync(ctx, id, &had[1], []interests.Op{{Topic: "t9", Level: interests.Follow, At: interests.NewStamp(clock, 0, 7)}}, time.Time{})
	if err != nil || s.Full || len(s.Changes) != 3 {
		t.Errorf("with the edit after which it is too old: %+v, %v", s, err)
	}
	s, err = lists.Sync(ctx, id, &had[1], nil, time.Time{})
	if err != nil || !s.Full || len(s.Changes) != 4 {
		t.Errorf("a day later: %+v, %v", s, err)
	}
}

// Remembered removals are part of a full answer, the winning entry is told where
// an edit was superseded though the device should have it, and each op has its
// answer.
func TestSyncAnswers(t *testing.T) {
	ctx, clock, id := t.Context(), noon, account.NewID()
	lists := interests.NewLists(storagetest.NewModelLists(), func() time.Time { return clock })
	at := func(d time.Duration) interests.Stamp { return interests.NewStamp(clock.Add(d), 0, 7) }
	s, err := lists.Sync(ctx, id, nil, []interests.Op{
		{"a", "iran", interests.Follow, at(-time.Second)}, {"b", "iran", interests.None, at(0)}, {"c", "iran", interests.Mute, at(-2 * time.Second)},
		{"d", "golf", interests.Favourite, at(time.Hour)}, {"e", "cuba", interests.Mute, at(0)}, {"e", "cuba", interests.Mute, at(0)},
	}, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	want := interests.Synced{Full: true,
		Changes: []interests.Interest{
			{Topic: "cuba", Register: interests.Register{Level: interests.Mute, At: at(0), Since: clock}},
			{Topic: "iran", Register: interests.Register{Level: interests.None, At: at(0)}},
		},
		Results: []interests.Result{{"a", interests.Applied, ""}, {"b", interests.Applied, ""}, {"c", interests.Superseded, ""},
			{"d", interests.Rejected, interests.ClockAhead}, {"e", interests.Applied, ""}, {"e", interests.Duplicate, ""}},
	}
	if diff := cmp.Diff(want, s, cmpopts.IgnoreFields(interests.Synced{}, "List")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	has := interests.Known{Revision: s.List.Revision, Digest: s.List.Digest()}
	s, err = lists.Sync(ctx, id, &has, []interests.Op{{"f", "iran", interests.Follow, at(-time.Minute)}}, time.Time{})
	if err != nil || s.Full || len(s.Changes) != 1 || s.Changes[0].At != at(0) || s.Results[0].Status != interests.Superseded {
		t.Errorf("%+v, %v", s, err)
	}
}

// A sync without edits writes nothing; one that others are always ahead of ends.
func TestSyncWrites(t *testing.T) {
	store := &losingLists{Store: storagetest.NewModelLists()}
	lists := interests.NewLists(store, func() time.Time { return noon })
	if s, err := lists.Sync(t.Context(), account.NewID(), nil, nil, time.Time{}); err != nil || !s.Full {
		t.Errorf("%+v, %v", s, err)
	}
	op := interests.Op{Topic: "iran", Level: interests.Follow, At: interests.NewStamp(noon, 0, 7)}
	if _, err := lists.Sync(t.Context(), account.NewID(), nil, []interests.Op{op}, time.Time{}); !errors.Is(err, interests.ErrBusy) {
		t.Errorf("%v, want ErrBusy", err)
	}
}
