package storagetest

import (
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"newsfeed/interests"
	"newsfeed/interests/account"
	"newsfeed/interests/topic"
)

// history is a list that is edited as package interests edits it, with
// everything it ever was.
type history struct {
	id  account.ID
	all []interests.List // the zero List first
}

func newHistory() *history { return &history{account.NewID(), make([]interests.List, 1)} }

func (h *history) last() interests.List { return h.all[len(h.all)-1] }

// edit sets a topic to a level.
func (h *history) edit(t testing.TB, store interests.Store, id topic.ID, level interests.Level, at time.Time) {
	t.Helper()
	before := h.last()
	after, results := interests.Apply(before, []interests.Op{{Topic: id, Level: level, At: before.NextStamp(at)}}, at)
	if results[0].Status != interests.Applied {
		t.Fatalf("edit: %v", results)
	}
	h.swap(t, store, after, at)
}

func (h *history) swap(t testing.TB, store interests.Store, after interests.List, at time.Time) {
	t.Helper()
	before := h.last()
	undo := interests.NewUndo(before, after, at)
	if err := store.Swap(background(t), h.id, before.Revision, after, time.Time{}, undo); err != nil {
		t.Fatalf("swap of revision %d for %d: %v", before.Revision, after.Revision, err)
	}
	h.all = append(h.all, after)
}

// want rebuilds what the list was from its n-th edit on (0: before the first);
// all before that must be forgotten.
func (h *history) want(t testing.TB, store interests.Store, n int) {
	t.Helper()
	for i, want := range h.all {
		list, undos, err := store.Journal(background(t), h.id, want.Revision)
		if diff := diffLists(h.last(), list); diff != "" {
			t.Fatalf("the list is another (-want +got):\n%s", diff)
		}
		if i < n {
			if !errors.Is(err, interests.ErrForgotten) || len(undos) > 0 {
				t.Fatalf("edit %d of %d: %d undos, %v, want ErrForgotten", i, len(h.all)-1, len(undos), err)
			}
			continue
		}
		if err != nil || len(undos) != len(h.all)-1-i {
			t.Fatalf("edit %d of %d: %d undos, %v, want %d", i, len(h.all)-1, len(undos), err, len(h.all)-1-i)
		}
		then, err := interests.Rewind(list, undos, want.Revision)
		if diff := diffLists(want, then); diff != "" || err != nil {
			t.Fatalf("rewound to edit %d of %d: %v, not what was stored (-want +got):\n%s", i, len(h.all)-1, err, diff)
		}
	}
}

func journalRebuilds(t *testing.T, h Harness[interests.Store]) {
	store, stop := h.Start(t)
	was, now := newHistory(), time.Now()
	for i := range 30 {
		level := interests.Level(i%int(interests.None)) + interests.Follow
		was.edit(t, store, topic.ID(fmt.Sprint("topic ", i*i%11)), level, now)
		was.want(t, store, 0)
	}
	// An edit of everything at once, at which a list also forgets removals.
	all := interests.List{Revision: was.last().Revision + 7, Floor: interests.NewStamp(now, 1, 2), Topics: map[topic.ID]interests.Register{}}
	for i := range interests.MaxFollowed + interests.MaxMuted + interests.MaxTombstones {
		all.Topics[longID(i)] = register(interests.Mute, i)
	}
	was.swap(t, store, all, now)
	was.swap(t, store, list(all.Revision+1, "iran"), now)
	was.want(t, store, 0)
	for range 2 {
		stop()
		store, stop = h.Start(t)
		was.want(t, store, 0)
	}
	stop()
	nodes := h.Nodes(t, 2)
	for i := range 6 {
		was.edit(t, nodes[i%2], "golf", interests.Level(i%2)+interests.Follow, now)
		was.want(t, nodes[(i+1)%2], 0)
	}
}

func journalRoundTrip(t *testing.T, h Harness[interests.Store]) {
	store, _ := h.Start(t)
	id := account.NewID()
	undos := []interests.Undo{ // newest first
		{Revision: math.MaxUint64, Previous: math.MaxUint64 - 1, At: epoch.Add(time.Hour)},
		{Revision: math.MaxUint64 - 1, Previous: 1<<53 + 1, At: epoch, Floor: interests.NewStamp(epoch, math.MaxUint16, math.MaxUint64)},
		{Revision: 1<<53 + 1, Previous: 1 << 53, At: epoch.Add(time.Minute)}, // by a node whose clock is ahead
		{Revision: 1 << 53, Previous: 9, At: epoch, Topics: map[topic.ID]interests.Register{
			"absent": {}, "golf": register(interests.None, 1), `<a href="&">'\`: register(interests.Mute, 2), "北朝鮮": register(interests.Follow, 3),
			"\u2028\x00\n": {Level: interests.Favourite, At: interests.NewStamp(epoch, 1, 2), Since: epoch.Add(time.Nanosecond)},
		}},
		{Revision: 9, Previous: 0, At: epoch},
	}
	before := interests.List{}
	for i := len(undos) - 1; i >= 0; i-- {
		next := list(undos[i].Revision, "iran")
		if err := store.Swap(background(t), id, before.Revision, next, time.Time{}, undos[i]); err != nil {
			t.Fatal(err)
		}
		before = next
	}
	for i := range len(undos) + 1 {
		since := interests.Revision(0)
		if i < len(undos) {
			since = undos[i].Revision
		}
		got, journal := mustJournal(t, store, id, since)
		if diff := cmp.Diff(undos[:i], journal, cmpopts.EquateEmpty()) + diffLists(before, got); diff != "" {
			t.Errorf("since revision %d (-want +got):\n%s", since, diff)
		}
	}
	wantUndos(t, store, id, undos)
}

// wantUndos looks at the whole journal, newest first.
func wantUndos(t testing.TB, store interests.Store, id account.ID, want []interests.Undo) {
	t.Helper()
	got, err := store.Undos(background(t), id)
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); err != nil || diff != "" {
		t.Errorf("the whole journal: %v (-want +got):\n%s", err, diff)
	}
}

func journalForgotten(t *testing.T, h Harness[interests.Store]) {
	store, _ := h.Start(t)
	was := newHistory()
	was.want(t, store, 0) // of nothing, revision 0
	for _, revision := range []interests.Revision{10, 20, 30} {
		was.swap(t, store, list(revision, "iran"), epoch)
	}
	for _, since := range []interests.Revision{1, 9, 11, 19, 29, 31, math.MaxUint64} {
		wantForgotten(t, store, was.id, since, was.last())
		wantForgotten(t, store, account.NewID(), since, interests.List{})
	}
	was.want(t, store, 0)
}

func journalConflict(t *testing.T, h Harness[interests.Store]) {
	store, _ := h.Start(t)
	was := newHistory()
	for _, revision := range []interests.Revision{10, 20} {
		was.swap(t, store, list(revision, "iran"), epoch)
	}
	for _, from := range []interests.Revision{0, 10, 21} {
		next := list(99)
		undo := interests.NewUndo(list(from), next, epoch.Add(1000*time.Hour)) // at which all before it would go
		if err := store.Swap(background(t), was.id, from, next, time.Now().Add(-time.Hour), undo); !errors.Is(err, interests.ErrConflict) {
			t.Errorf("swap from %d: %v, want ErrConflict", from, err)
		}
		was.want(t, store, 0)
	}
}

func journalCut(t *testing.T, h Harness[interests.Store]) {
	store, _ := h.Start(t)
	was := newHistory()
	was.swap(t, store, list(10, "iran"), epoch)
	mustSwap(t, store, was.id, 10, list(20, "golf"), time.Time{})
	was.all = append(was.all, list(20, "golf"))
	was.want(t, store, 2)
	was.swap(t, store, list(30), epoch)
	was.want(t, store, 2)
}

func journalDay(t *testing.T, h Harness[interests.Store]) {
	store, _ := h.Start(t)
	was := newHistory()
	for i, at := range []time.Duration{0, 0, time.Hour, interests.JournalMost} {
		was.swap(t, store, list(interests.Revision(i+1), "iran"), epoch.Add(at))
	}
	was.want(t, store, 0) // the oldest are a day old, not older
	was.swap(t, store, list(5), epoch.Add(interests.JournalMost+time.Millisecond))
	was.want(t, store, 2)
	was.swap(t, store, list(6), epoch) // by a node whose clock is behind
	was.want(t, store, 2)
	was.swap(t, store, list(7), epoch.Add(3*interests.JournalMost))
	was.want(t, store, 6)
}

// A swap may bring many undos: so this case needs few.
func journalHour(t *testing.T, h Harness[interests.Store]) {
	store, _ := h.Start(t)
	id, revision, at := account.NewID(), interests.Revision(0), epoch
	edit := func(times int, step time.Duration) {
		t.Helper()
		from := revision
		var undos []interests.Undo
		for range times {
			at = at.Add(step)
			undos = append(undos, interests.Undo{Revision: revision + 1, Previous: revision, At: at})
			revision++
		}
		if err := store.Swap(background(t), id, from, list(revision), time.Time{}, undos...); err != nil {
			t.Fatal(err)
		}
	}
	remembers := func(n interests.Revision) {
		t.Helper()
		got, undos := mustJournal(t, store, id, revision-n)
		if then, err := interests.Rewind(got, undos, revision-n); err != nil || then.Revision != revision-n {
			t.Fatalf("rewound to %d: revision %d, %v", revision-n, then.Revision, err)
		}
		if n < revision {
			wantForgotten(t, store, id, revision-n-1, got)
		}
	}
	for range 13 {
		edit(500, 500*time.Millisecond)
		remembers(revision) // up to 6,500 edits within an hour
	}
	edit(1, 10*time.Minute) // the first that is an hour old, not older, is the 500th
	remembers(revision - 499)
	edit(1, 2*time.Hour) // now all are older; no more go at once than may
	remembers(revision - 499 - interests.JournalTrim)
	for range 3 {
		edit(1, 0)
		remembers(interests.JournalSize)
	}
	at = at.Add(interests.JournalMost)
	for range 5 {
		edit(1, time.Millisecond)
	}
	remembers(5)
}

func journalGoes(t *testing.T, h Harness[interests.Store]) {
	store, stop := h.Start(t)
	until := time.Now().Add(soon)
	deleted, kept, past, expired := newHistory(), newHistory(), newHistory(), newHistory()
	all := []*history{deleted, kept, past, expired}
	for _, was := range all {
		was.swap(t, store, list(10, "iran"), epoch)
		was.swap(t, store, list(20, "golf"), epoch)
	}
	// Times set back and forth before they come do not touch it.
	if err := errors.Join(
		store.Keep(background(t), kept.id, time.Now().Add(time.Hour)),
		store.Keep(background(t), kept.id, time.Time{}),
	); err != nil {
		t.Fatal(err)
	}
	kept.want(t, store, 0)
	if err := errors.Join(
		store.Delete(background(t), deleted.id),
		store.Keep(background(t), kept.id, time.Now().Add(-time.Second)),
		store.Swap(background(t), past.id, 20, list(30), time.Now().Add(-time.Second), interests.NewUndo(past.last(), list(30), epoch)),
		store.Keep(background(t), expired.id, until),
	); err != nil {
		t.Fatal(err)
	}
	wantGoneAt(t, store, expired.id, until)
	for _, was := range all {
		for _, since := range []interests.Revision{10, 20, 30} {
			wantForgotten(t, store, was.id, since, interests.List{})
		}
		if _, undos := mustJournal(t, store, was.id, 0); len(undos) > 0 {
			t.Errorf("a list that is gone has %d undos", len(undos))
		}
		wantUndos(t, store, was.id, nil)
	}
	stop()
	store, _ = h.Start(t)
	for _, was := range all {
		// The next list has the revisions of the old one, and not its undos.
		was.all = was.all[:1]
		newest := list(20, "cuba")
		if was == past {
			newest.Revision = 30
		}
		mustSwap(t, store, was.id, 0, newest, time.Time{})
		for _, since := range []interests.Revision{0, 10} {
			wantForgotten(t, store, was.id, since, newest)
		}
		if err := store.Delete(background(t), was.id); err != nil {
			t.Fatal(err)
		}
		was.swap(t, store, list(10, "cuba"), epoch)
		was.swap(t, store, list(20), epoch)
		was.want(t, store, 0)
	}
}

func mustJournal(t testing.TB, store interests.Store, id account.ID, since interests.Revision) (interests.List, []interests.Undo) {
	t.Helper()
	list, undos, err := store.Journal(background(t), id, since)
	if err != nil {
		t.Fatalf("journal since revision %d: %v", since, err)
	}
	return list, undos
}

func wantForgotten(t testing.TB, store interests.Store, id account.ID, since interests.Revision, want interests.List) {
	t.Helper()
	got, undos, err := store.Journal(background(t), id, since)
	if !errors.Is(err, interests.ErrForgotten) || len(undos) > 0 {
		t.Errorf("journal since revision %d: %d undos, %v, want ErrForgotten", since, len(undos), err)
	}
	if diff := diffLists(want, got); diff != "" {
		t.Errorf("the list is another (-want +got):\n%s", diff)
	}
}
