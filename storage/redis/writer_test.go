package redis_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"newsfeed/feed"
	"newsfeed/interests"
	"newsfeed/interests/account"
	"newsfeed/storage/redis"
	"newsfeed/storage/storagetest/servers"
)

// With wait_replicas=1, what was acknowledged is on the replica; what the replica
// does not confirm is stored on the master and not acknowledged.
func TestConfirmed(t *testing.T) {
	master := servers.Redis(t)
	replica := servers.RedisReplica(t, master)
	store := open(t, master.URL()+"?wait_replicas=1&wait_timeout=2s")
	id := account.NewID()
	var revision interests.Revision
	swap := func() error {
		err := store.Lists().Swap(t.Context(), id, revision, interests.List{Revision: revision + 1}, time.Time{})
		if err == nil || errors.Is(err, interests.ErrUnconfirmed) {
			revision++
		}
		return err
	}
	if err := swap(); err != nil { // the replica has all that was written before, too
		t.Fatal(err)
	}
	copied := open(t, replica.URL())
	for range 100 {
		if err := swap(); err != nil {
			t.Fatal(err)
		}
		if got, err := copied.Lists().Load(t.Context(), id); err != nil || got.Revision != revision {
			t.Fatalf("revision %d was acknowledged; the replica has %d, %v", revision, got.Revision, err)
		}
	}
	if err := direct(t, master.URL()).ScriptFlush(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	if err := swap(); err != nil {
		t.Errorf("with a script that the server has forgotten: %v", err)
	}
	if err := store.Lists().Swap(t.Context(), id, revision+5, interests.List{Revision: revision + 6}, time.Time{}); !errors.Is(err, interests.ErrConflict) {
		t.Errorf("swap from a revision that is not there: %v, want ErrConflict", err)
	}
	change := feed.MarkChange{Revision: 1, Stories: map[feed.StoryID]feed.StoryMarks{}}
	if err := store.Marks().Swap(t.Context(), id, 0, change, time.Time{}); err != nil {
		t.Errorf("marks: %v", err)
	}
	wantRisks(t, store)

	store = open(t, master.URL()+"?wait_replicas=1&wait_timeout=50ms")
	replica.Freeze()
	wantUnconfirmed(t, swap(), interests.ErrUnavailable)
	var many sync.WaitGroup
	for range 32 { // each on a connection of its own, the question too
		many.Go(func() {
			wantUnconfirmed(t, store.Lists().Swap(t.Context(), account.NewID(), 0, interests.List{Revision: 1}, time.Time{}), interests.ErrUnavailable)
		})
	}
	many.Wait()
	change.Revision = 2
	wantUnconfirmed(t, store.Marks().Swap(t.Context(), id, 1, change, time.Time{}), feed.ErrMarksUnavailable)
	if got, err := store.Lists().Load(t.Context(), id); err != nil || got.Revision != revision {
		t.Errorf("the edit that was not confirmed: revision %d, %v, want %d", got.Revision, err, revision)
	}
	replica.Thaw()
	replica.Stop()
	wantUnconfirmed(t, swap(), interests.ErrUnavailable)
	wantRisks(t, store, "0 of the 1 replicas")
	replica.Restart()
	// It first takes over all that the master has, in its own time.
	for err, until := swap(), time.Now().Add(30*time.Second); err != nil; err = swap() {
		if wantUnconfirmed(t, err, interests.ErrUnavailable); t.Failed() || time.Now().After(until) {
			t.Fatalf("after the replica is back: %v", err)
		}
	}
	wantRisks(t, store)
}

func wantUnconfirmed(t *testing.T, err, unavailable error) {
	t.Helper()
	if !errors.Is(err, interests.ErrUnconfirmed) || !errors.Is(err, unavailable) {
		t.Errorf("%v, want ErrUnconfirmed and %v", err, unavailable)
	}
}

// An edit whose answer was lost is unavailable, not unconfirmed: it may not have
// been stored at all. It is not sent again.
func TestConfirmedAnswerLost(t *testing.T) {
	s := servers.SharedRedis(t)
	proxy := startProxy(t, s.Addr())
	store, id := open(t, proxy.url()+"?wait_replicas=1&wait_timeout=10ms"), account.NewID()
	wantUnconfirmed(t, store.Lists().Swap(t.Context(), id, 0, interests.List{Revision: 1}, time.Now().Add(time.Minute)), interests.ErrUnavailable)
	proxy.loseAnswerTo("evalsha")
	err := store.Lists().Swap(t.Context(), id, 1, interests.List{Revision: 2}, time.Now().Add(time.Minute))
	if !errors.Is(err, interests.ErrUnavailable) || errors.Is(err, interests.ErrUnconfirmed) || errors.Is(err, interests.ErrConflict) {
		t.Errorf("swap: %v, want ErrUnavailable only", err)
	}
}

// On a cluster each edit is confirmed by the replicas of its own master; here it
// has none.
func TestConfirmedCluster(t *testing.T) {
	c := servers.SharedRedisCluster(t)
	store := open(t, c.URL()+"&wait_replicas=1&wait_timeout=10ms")
	for range 20 { // on all masters
		id := account.NewID()
		wantUnconfirmed(t, store.Lists().Swap(t.Context(), id, 0, interests.List{Revision: 1}, time.Now().Add(time.Minute)), interests.ErrUnavailable)
		if got, err := store.Lists().Load(t.Context(), id); err != nil || got.Revision != 1 {
			t.Errorf("the edit: revision %d, %v, want 1", got.Revision, err)
		}
	}
}

// What an address may say of it.
func TestConfirmationsParsed(t *testing.T) {
	s := servers.SharedRedis(t)
	for _, bad := range []string{"wait_replicas=x", "wait_replicas=-1", "wait_replicas=11", "wait_timeout=1s",
		"wait_replicas=1&wait_timeout=0", "wait_replicas=1&wait_timeout=3s", "wait_replicas=1&wait_timeout=fast"} {
		if _, err := redis.Open(t.Context(), s.URL()+"?"+bad); err == nil || !strings.Contains(err.Error(), "wait_") {
			t.Errorf("%s: %v, want an error that says how to mend it", bad, err)
		}
	}
	store := open(t, s.URL()+"?wait_replicas=0")
	if err := store.Lists().Swap(t.Context(), account.NewID(), 0, interests.List{Revision: 1}, time.Now().Add(time.Minute)); err != nil {
		t.Error(err)
	}
}
