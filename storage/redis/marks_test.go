package redis_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"newsfeed/feed"
	"newsfeed/interests"
	"newsfeed/interests/account"
	"newsfeed/storage/redis"
	"newsfeed/storage/storagetest"
	"newsfeed/storage/storagetest/servers"
)

func TestMarksServer(t *testing.T)  { storagetest.Marks(t, oneServer(marks)) }
func TestMarksCluster(t *testing.T) { storagetest.Marks(t, threeNodes(marks)) }

func marks(s *redis.Store) feed.Marks { return s.Marks() }

// A swap of marks whose answer was lost is unavailable and was done once: sent
// again by the client, it would call itself a conflict.
func TestMarksLostAnswer(t *testing.T) {
	s := servers.SharedRedis(t)
	proxy := startProxy(t, s.Addr())
	through, straight, id := open(t, proxy.url()).Marks(), open(t, s.URL()).Marks(), account.NewID()
	// The server knows the script from here on.
	if err := straight.Swap(t.Context(), account.NewID(), 0, feed.MarkChange{Revision: 1}, time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	proxy.loseAnswerTo("evalsha")
	if err := through.Swap(t.Context(), id, 0, feed.MarkChange{Revision: 1}, time.Now().Add(time.Minute)); !errors.Is(err, feed.ErrMarksUnavailable) {
		t.Errorf("swap: %v, want ErrMarksUnavailable", err)
	}
	if got, err := straight.Load(t.Context(), id); err != nil || got.Revision != 1 {
		t.Errorf("the swap that reached the server: revision %d, %v, want 1", got.Revision, err)
	}

	// What may be repeated is, and nobody notices.
	proxy.loseAnswerTo("hgetall")
	if got, err := through.Load(t.Context(), id); err != nil || got.Revision != 1 {
		t.Errorf("load: revision %d, %v, want 1", got.Revision, err)
	}
	if err := straight.Delete(t.Context(), account.NewID()); err != nil {
		t.Fatal(err) // the server knows the script
	}
	proxy.loseAnswerTo("evalsha")
	if err := through.Delete(t.Context(), id); err != nil {
		t.Errorf("delete: %v", err)
	}
}

// A swap that a server refuses for want of memory or replicas, or since it is a
// replica, has changed nothing, also where it forgets stories.
func TestMarksRefusals(t *testing.T) {
	s := servers.Redis(t)
	store, client, id := open(t, s.URL()).Marks(), direct(t, s.URL()), account.NewID()
	story := feed.StoryID{1}
	read := feed.StoryMarks{Read: feed.MarkRegister{Value: true, At: interests.Stamp{1}}}
	if err := store.Swap(t.Context(), id, 0, feed.MarkChange{Revision: 1, Stories: map[feed.StoryID]feed.StoryMarks{story: read}}, time.Time{}); err != nil {
		t.Fatal(err)
	}
	change := feed.MarkChange{Revision: 2, Stories: map[feed.StoryID]feed.StoryMarks{story: {}, {2}: read}}
	refused := func(why string) {
		t.Helper()
		err := store.Swap(t.Context(), id, 1, change, time.Now().Add(-time.Hour))
		if !errors.Is(err, feed.ErrMarksUnavailable) || !strings.Contains(err.Error(), why) {
			t.Errorf("swap: %v, want ErrMarksUnavailable because of %s", err, why)
		}
		if got, err := store.Load(t.Context(), id); err != nil || got.Revision != 1 || len(got.Stories) != 1 || !got.Has(story, feed.Read) {
			t.Errorf("after %s: %+v, %v, want what was", why, got, err)
		}
	}
	for _, c := range []struct{ why, setting, value, back string }{
		{"OOM", "maxmemory", "1", "0"},
		{"NOREPLICAS", "min-replicas-to-write", "1", "0"},
	} {
		if err := client.ConfigSet(t.Context(), c.setting, c.value).Err(); err != nil {
			t.Fatal(err)
		}
		refused(c.why)
		if err := client.ConfigSet(t.Context(), c.setting, c.back).Err(); err != nil {
			t.Fatal(err)
		}
	}
	if err := client.ReplicaOf(t.Context(), "127.0.0.1", "1").Err(); err != nil {
		t.Fatal(err)
	}
	refused("READONLY")
}

// What is none of ours under the key is an error of no contract: it is neither
// waited for nor taken for marks.
func TestMarksDamaged(t *testing.T) {
	s := servers.SharedRedis(t)
	store, client := open(t, s.URL()).Marks(), direct(t, s.URL())
	id := account.NewID()
	key := "newsfeed:{" + id.String() + "}:marks"
	floor := interests.Stamp{}.String()
	check := func(what string, err error) {
		t.Helper()
		if err == nil || errors.Is(err, feed.ErrMarksUnavailable) || errors.Is(err, feed.ErrMarksConflict) {
			t.Errorf("%s: %v, want an error of no contract", what, err)
		}
	}
	for name, fields := range map[string][]any{
		"no revision": {"floor", floor},
		"bad floor":   {"revision", "1", "floor", "x"},
		"bad marks":   {"revision", "1", "floor", floor, strings.Repeat("s", 16), "x"},
	} {
		if err := errors.Join(client.Del(t.Context(), key).Err(), client.HSet(t.Context(), key, fields...).Err(),
			client.Expire(t.Context(), key, time.Minute).Err()); err != nil {
			t.Fatal(err)
		}
		_, err := store.Load(t.Context(), id)
		check("load of "+name, err)
	}
	if err := client.Set(t.Context(), key, "no hash", time.Minute).Err(); err != nil {
		t.Fatal(err)
	}
	_, err := store.Load(t.Context(), id)
	check("load of a string", err)
	check("swap of a string", store.Swap(t.Context(), id, 0, feed.MarkChange{Revision: 1}, time.Time{}))
}

// A set at its limits: its load, and a swap of one story, which must not grow
// with the set.
func BenchmarkMarks(b *testing.B) {
	s := servers.SharedRedis(b)
	store := open(b, s.URL()).Marks()
	for _, stories := range []int{100, 30_000} {
		id, change := account.NewID(), feed.MarkChange{Revision: 1, Stories: map[feed.StoryID]feed.StoryMarks{}}
		one := feed.StoryMarks{Read: feed.MarkRegister{Value: true, At: interests.Stamp{1}}}
		for i := range stories {
			change.Stories[feed.StoryID{byte(i), byte(i >> 8)}] = one
		}
		if err := store.Swap(b.Context(), id, 0, change, time.Now().Add(time.Hour)); err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprintf("load/stories=%d", stories), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if set, err := store.Load(b.Context(), id); err != nil || len(set.Stories) != stories {
					b.Fatal(len(set.Stories), err)
				}
			}
		})
		revision := interests.Revision(1)
		b.Run(fmt.Sprintf("swap/stories=%d", stories), func(b *testing.B) {
			for b.Loop() {
				change := feed.MarkChange{Revision: revision + 1, Stories: map[feed.StoryID]feed.StoryMarks{{}: one}}
				if err := store.Swap(b.Context(), id, revision, change, time.Now().Add(time.Hour)); err != nil {
					b.Fatal(err)
				}
				revision++
			}
		})
	}
}
