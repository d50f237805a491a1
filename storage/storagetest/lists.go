package storagetest

import (
	"errors"
	"math"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"newsfeed/interests"
	"newsfeed/interests/account"
	"newsfeed/interests/topic"
)

// Lists proves that an implementation keeps the contract of [interests.Store].
func Lists(t *testing.T, fresh Fresh[interests.Store]) {
	run(t, "interests.Store", fresh, []testCase[interests.Store]{
		{name: "a list that was never stored is the zero list", run: listsZero},
		{name: "every field comes back as it was swapped in", run: listsRoundTrip},
		{name: "a list at its limits comes back whole", run: listsFull},
		{name: "a swap from another revision is a conflict and changes nothing", run: listsConflict},
		{name: "revisions are compared exactly, up to the greatest", run: listsExact},
		{name: "lists of two accounts do not meet", run: listsApart},
		{name: "a list is gone when its time has come, not before", run: listsExpire},
		{name: "a list with a time in the past is gone at once", run: listsPast},
		{name: "Keep prolongs, shortens, and keeps for good", run: listsKeep},
		{name: "a swap sets anew how long a list is kept", run: listsSwapKeeps},
		{name: "keeping what is not there makes nothing", run: listsKeepNothing},
		{name: "Delete removes everything, and may be repeated", run: listsDelete},
		{name: "a store that is opened again has what it had", run: listsReopen},
		{name: "what one node acknowledged every node reads at once", run: listsReadYourWrites},
		{name: "16 writers on several nodes lose no acknowledged swap and repeat no revision", run: listsWriters},
		{name: "a context that has ended ends every call", run: listsContext},
		{name: "each earlier revision can be rebuilt as it was stored, on every node and after a reopening", run: journalRebuilds},
		{name: "the entries of a journal come back whole, newest first, those newer than asked", run: journalRoundTrip},
		{name: "a revision that the list never had, or has not yet, is forgotten; the list is told even so", run: journalForgotten},
		{name: "a conflict leaves the journal as it was", run: journalConflict},
		{name: "after a swap without an undo nothing from before it can be rebuilt", run: journalCut},
		{name: "an entry goes when it is older than a day", run: journalDay},
		{name: "however many the edits, none goes within an hour; beyond 5,000 the older ones do", run: journalHour},
		{name: "the journal goes with its list, by Delete, Keep or time, and begins anew with the next", run: journalGoes},
		{name: "a lost server is unavailable, and back when it is back", server: true, run: listsLost},
		{name: "a killed server has every acknowledged swap", server: true, run: listsKilled},
		{name: "a frozen server keeps no call beyond its deadline", server: true, run: listsFrozen},
	})
	t.Run("many histories agree with the model", func(t *testing.T) { listsHistories(t, fresh(t)) })
	t.Run("random operations agree with the model", func(t *testing.T) { listsRandom(t, fresh) })
}

func listsZero(t *testing.T, h Harness[interests.Store]) {
	store, _ := h.Start(t)
	wantList(t, store, account.NewID(), interests.List{})
}

func listsRoundTrip(t *testing.T, h Harness[interests.Store]) {
	store, _ := h.Start(t)
	since := time.Date(2026, 5, 17, 23, 59, 59, 987_000_000, time.UTC)
	last := interests.Stamp{}
	for i := range last {
		last[i] = 0xff
	}
	for name, list := range map[string]interests.List{
		"no topics": {Revision: 1, Topics: map[topic.ID]interests.Register{}},
		"floor":     {Revision: 2, Floor: interests.NewStamp(since, 9, math.MaxUint64), Topics: map[topic.ID]interests.Register{}},
		"levels": {Revision: 3, Topics: map[topic.ID]interests.Register{
			"north-korea": {Level: interests.Follow, At: interests.NewStamp(since, 0, 0), Since: since},
			"iran":        {Level: interests.Favourite, At: interests.NewStamp(since, math.MaxUint16, 1), Since: since.Add(time.Nanosecond)},
			"crude-oil":   {Level: interests.Mute, At: interests.NewStamp(since, 1, math.MaxUint64)},
			"golf":        {Level: interests.None, At: last},
		}},
		"ids": {Revision: 4, Topics: map[topic.ID]interests.Register{
			"北朝鮮":            register(interests.Follow, 1),
			"कोरिया":         register(interests.Follow, 2),
			"straße-å":       register(interests.Mute, 3),
			"source-abc.net": register(interests.Mute, 4),
			"👩‍🚀":            register(interests.Favourite, 5),
			`<a href="&">'\`: register(interests.Favourite, 6),
			"$gt.a":          register(interests.Favourite, 7),
			"\u2028\x00\n":   register(interests.Favourite, 8),
		}},
	} {
		id := account.NewID()
		mustSwap(t, store, id, 0, list, time.Time{})
		t.Log(name)
		wantList(t, store, id, list)
	}
}

// The limits of a list, each topic's id as long as an id may be.
func listsFull(t *testing.T, h Harness[interests.Store]) {
	store, stop := h.Start(t)
	id := account.NewID()
	full := interests.List{Revision: 7, Floor: interests.NewStamp(time.Now(), 1, 2), Topics: map[topic.ID]interests.Register{}}
	for i := range interests.MaxFollowed + interests.MaxMuted + interests.MaxTombstones {
		level := interests.Follow
		switch {
		case i >= interests.MaxFollowed+interests.MaxMuted:
			level = interests.None
		case i >= interests.MaxFollowed:
			level = interests.Mute
		}
		full.Topics[longID(i)] = register(level, i)
	}
	mustSwap(t, store, id, 0, full, time.Time{})
	wantList(t, store, id, full)
	empty := interests.List{Revision: 8, Topics: map[topic.ID]interests.Register{}}
	mustSwap(t, store, id, 7, empty, time.Time{})
	wantList(t, store, id, empty)
	mustSwap(t, store, id, 8, full, time.Time{})
	stop()
	store, _ = h.Start(t)
	wantList(t, store, id, full)
}

func listsConflict(t *testing.T, h Harness[interests.Store]) {
	store, _ := h.Start(t)
	id := account.NewID()
	if err := store.Swap(background(t), id, 5, list(6), time.Time{}); !errors.Is(err, interests.ErrConflict) {
		t.Errorf("swap of nothing from revision 5: %v, want ErrConflict", err)
	}
	wantList(t, store, id, interests.List{})

	before := list(10, "iran", "golf")
	mustSwap(t, store, id, 0, before, time.Time{})
	for _, from := range []interests.Revision{0, 1, 9, 11, 100, math.MaxUint64} {
		if err := store.Swap(background(t), id, from, list(200), time.Now().Add(-time.Hour)); !errors.Is(err, interests.ErrConflict) {
			t.Errorf("swap of revision 10 from %d: %v, want ErrConflict", from, err)
		}
		wantList(t, store, id, before)
	}
	mustSwap(t, store, id, 10, list(11, "golf"), time.Time{})
	wantList(t, store, id, list(11, "golf"))
}

// 2^53 + 1 is the first whole number that a float64 does not have.
func listsExact(t *testing.T, h Harness[interests.Store]) {
	store, _ := h.Start(t)
	const odd = 1<<53 + 1
	for _, revision := range []interests.Revision{1, odd, math.MaxInt64, math.MaxInt64 + 1, math.MaxUint64 - 1} {
		id := account.NewID()
		mustSwap(t, store, id, 0, list(revision), time.Time{})
		for _, from := range []interests.Revision{revision - 1, revision + 1} {
			if err := store.Swap(background(t), id, from, list(math.MaxUint64), time.Time{}); !errors.Is(err, interests.ErrConflict) {
				t.Errorf("swap of revision %d from %d: %v, want ErrConflict", revision, from, err)
			}
		}
		mustSwap(t, store, id, revision, list(revision+1), time.Time{})
		wantList(t, store, id, list(revision+1))
	}
}

func listsApart(t *testing.T, h Harness[interests.Store]) {
	store, _ := h.Start(t)
	a, b := account.NewID(), account.NewID()
	mustSwap(t, store, a, 0, list(1, "iran"), time.Time{})
	mustSwap(t, store, b, 0, list(2, "golf"), time.Time{})
	if err := store.Delete(background(t), a); err != nil {
		t.Fatal(err)
	}
	wantList(t, store, a, interests.List{})
	wantList(t, store, b, list(2, "golf"))
}

func listsReopen(t *testing.T, h Harness[interests.Store]) {
	store, stop := h.Start(t)
	kept, removed, past := account.NewID(), account.NewID(), account.NewID()
	soon := time.Now().Add(time.Hour)
	mustSwap(t, store, kept, 0, list(1, "iran"), time.Time{})
	mustSwap(t, store, kept, 1, list(2, "iran", "golf"), soon)
	mustSwap(t, store, removed, 0, list(3), soon)
	mustSwap(t, store, past, 0, list(3), time.Time{})
	if err := errors.Join(
		store.Delete(background(t), removed),
		store.Keep(background(t), past, time.Now().Add(-time.Second)),
	); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		stop()
		store, stop = h.Start(t)
		wantList(t, store, kept, list(2, "iran", "golf"))
		wantList(t, store, removed, interests.List{})
		wantList(t, store, past, interests.List{})
	}
}

// list is a list of a revision that follows the topics.
func list(revision interests.Revision, topics ...topic.ID) interests.List {
	l := interests.List{Revision: revision, Topics: map[topic.ID]interests.Register{}}
	for i, id := range topics {
		l.Topics[id] = register(interests.Follow, i)
	}
	return l
}

func register(level interests.Level, i int) interests.Register {
	at := time.UnixMilli(1_790_000_000_000 + int64(i)).UTC()
	r := interests.Register{Level: level, At: interests.NewStamp(at, uint16(i), interests.Device(i)*0x9e3779b97f4a7c15)}
	if level != interests.None {
		r.Since = at
	}
	return r
}

// longID is one of many ids of 64 bytes, the longest there are.
func longID(i int) topic.ID {
	const pad = "abcdefghijklmnopqrstuvwxyz-abcdefghijklmnopqrstuvwxyz-abcdefghij"
	number := strconv.Itoa(i)
	return topic.ID(pad[:len(pad)-len(number)] + number)
}

func mustSwap(t testing.TB, store interests.Store, id account.ID, from interests.Revision, next interests.List, until time.Time) {
	t.Helper()
	if err := store.Swap(background(t), id, from, next, until); err != nil {
		t.Fatalf("swap of revision %d for %d: %v", from, next.Revision, err)
	}
}

func wantList(t testing.TB, store interests.Store, id account.ID, want interests.List) {
	t.Helper()
	got, err := store.Load(background(t), id)
	if err != nil {
		t.Fatalf("load: %v", err)
	}
	if diff := diffLists(want, got); diff != "" {
		t.Fatalf("the list is another (-want +got):\n%s", diff)
	}
}

// diffLists says what differs: times by the moment, no topics by their absence.
func diffLists(want, got interests.List) string {
	return cmp.Diff(want, got, cmpopts.EquateEmpty())
}
