package redis_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"newsfeed/interests"
	"newsfeed/interests/account"
	"newsfeed/storage/redis"
	"newsfeed/storage/storagetest/servers"
)

// The journal of a list that nobody edits is off the server a day after the last
// edit, though the list stays.
func TestJournalExpires(t *testing.T) {
	s := servers.SharedRedis(t)
	store, client, id := open(t, s.URL()), direct(t, s.URL()), account.NewID()
	key := "newsfeed:{" + id.String() + "}:journal"
	edit(t, store, id, 1)
	if err := client.Expire(t.Context(), key, time.Hour).Err(); err != nil {
		t.Fatal(err)
	}
	edit(t, store, id, 2)
	left, err := client.TTL(t.Context(), key).Result()
	if err != nil || left > interests.JournalMost || left < interests.JournalMost-time.Minute {
		t.Errorf("it has %v left, %v", left, err)
	}
	if err := client.Del(t.Context(), key).Err(); err != nil {
		t.Fatal(err)
	}
	for since, want := range map[interests.Revision]error{0: interests.ErrForgotten, 1: interests.ErrForgotten, 2: nil} {
		list, _, err := store.Lists().Journal(t.Context(), id, since)
		if !errors.Is(err, want) || list.Revision != 2 {
			t.Errorf("since %d: revision %d, %v, want %v", since, list.Revision, err, want)
		}
	}
	if err := store.Lists().Delete(t.Context(), id); err != nil {
		t.Fatal(err)
	}
}

// Nothing of a person is left after Delete, under whatever key.
func TestDeleteLeavesNothing(t *testing.T) {
	s := servers.SharedRedis(t)
	store, client, id := open(t, s.URL()), direct(t, s.URL()), account.NewID()
	edit(t, store, id, 1)
	pattern := "*" + id.String() + "*"
	if keys, err := client.Keys(t.Context(), pattern).Result(); err != nil || len(keys) != 2 {
		t.Errorf("keys before: %q, %v, want list and journal", keys, err)
	}
	if err := store.Lists().Delete(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if keys, err := client.Keys(t.Context(), pattern).Result(); err != nil || len(keys) != 0 {
		t.Errorf("keys after: %q, %v", keys, err)
	}
}

// A swap that a full server refuses, or that meets a damaged journal, is not
// done by half: neither the list nor the journal has it.
func TestSwapWholeOrNot(t *testing.T) {
	s := servers.Redis(t)
	store, client, id := open(t, s.URL()), direct(t, s.URL()), account.NewID()
	key := "newsfeed:{" + id.String() + "}:journal"
	edit(t, store, id, 1)
	want := func(revision interests.Revision) {
		t.Helper()
		list, undos, err := store.Lists().Journal(t.Context(), id, 0)
		if err != nil || list.Revision != revision || len(undos) != int(revision) {
			t.Errorf("revision %d, %d undos, %v, want %d of both", list.Revision, len(undos), err, revision)
		}
	}
	if err := client.ConfigSet(t.Context(), "maxmemory", "1").Err(); err != nil {
		t.Fatal(err)
	}
	if err := swapTo(t, store, id, 2); !errors.Is(err, interests.ErrUnavailable) {
		t.Errorf("swap on a full server: %v, want ErrUnavailable", err)
	}
	if err := swapTo(t, store, account.NewID(), 1); !errors.Is(err, interests.ErrUnavailable) {
		t.Errorf("first swap on a full server: %v, want ErrUnavailable", err)
	}
	want(1)
	if err := client.ConfigSet(t.Context(), "maxmemory", "0").Err(); err != nil {
		t.Fatal(err)
	}
	edit(t, store, id, 2)
	want(2)

	if err := client.Set(t.Context(), key, "no list", 0).Err(); err != nil {
		t.Fatal(err)
	}
	_, _, journal := store.Lists().Journal(t.Context(), id, 0)
	for call, err := range map[string]error{"swap": swapTo(t, store, id, 3), "journal": journal} {
		if err == nil || errors.Is(err, interests.ErrUnavailable) || errors.Is(err, interests.ErrConflict) || errors.Is(err, interests.ErrForgotten) {
			t.Errorf("%s with a key of another type: %v, want an error of no contract", call, err)
		}
	}
	if list, err := store.Lists().Load(t.Context(), id); err != nil || list.Revision != 2 {
		t.Errorf("after a swap that failed: revision %d, %v, want 2", list.Revision, err)
	}
}

// Entries that are none are an error, not a panic, and leave in their turn.
func TestDamagedJournal(t *testing.T) {
	s := servers.SharedRedis(t)
	store, client, id := open(t, s.URL()), direct(t, s.URL()), account.NewID()
	key := "newsfeed:{" + id.String() + "}:journal"
	for _, damaged := range []string{"", "x", strings.Repeat("9", 57), strings.Repeat("9", 58), strings.Repeat("9", 58) + "{"} {
		edit(t, store, id, 1)
		if err := client.LPush(t.Context(), key, damaged).Err(); err != nil {
			t.Fatal(err)
		}
		if _, _, err := store.Lists().Journal(t.Context(), id, 0); err == nil {
			t.Errorf("journal with %q: no error", damaged)
		}
		if err := store.Lists().Delete(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		if err := client.RPush(t.Context(), key, damaged).Err(); err != nil {
			t.Fatal(err)
		}
		edit(t, store, id, 1)
		if _, undos, err := store.Lists().Journal(t.Context(), id, 0); err != nil || len(undos) != 1 {
			t.Errorf("journal that began after %q: %d undos, %v", damaged, len(undos), err)
		}
		if err := store.Lists().Delete(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
}

func edit(t *testing.T, store *redis.Store, id account.ID, to interests.Revision) {
	t.Helper()
	if err := swapTo(t, store, id, to); err != nil {
		t.Fatal(err)
	}
}

func swapTo(t *testing.T, store *redis.Store, id account.ID, to interests.Revision) error {
	t.Helper()
	before, after := interests.List{Revision: to - 1}, interests.List{Revision: to}
	return store.Lists().Swap(t.Context(), id, to-1, after, time.Time{}, interests.NewUndo(before, after, time.Now()))
}
