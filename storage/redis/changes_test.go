package redis_test

import (
	"testing"
	"time"

	"newsfeed/interests"
	"newsfeed/interests/account"
	"newsfeed/interests/athand"
	"newsfeed/storage/redis"
	"newsfeed/storage/storagetest"
	"newsfeed/storage/storagetest/servers"
)

func TestChangesServer(t *testing.T)  { storagetest.Changes(t, oneServer(people)) }
func TestChangesCluster(t *testing.T) { storagetest.Changes(t, threeNodes(people)) }

func TestAtHandServer(t *testing.T)  { storagetest.AtHand(t, oneServer(people)) }
func TestAtHandCluster(t *testing.T) { storagetest.AtHand(t, threeNodes(people)) }

func people(s *redis.Store) storagetest.People {
	return storagetest.People{Lists: s.Lists(), Marks: s.Marks(), Sessions: s.Sessions(), Together: s.Together(), Changes: s.Changes()}
}

// Lines that are cut again and again cost hits, and no read is stale.
func TestCutLines(t *testing.T) {
	cluster := servers.SharedRedisCluster(t)
	storagetest.AtHandDisturbed(t, threeNodes(people), func() {
		for _, node := range cluster.Nodes {
			if err := direct(t, node.URL()).Do(t.Context(), "CLIENT", "KILL", "TYPE", "pubsub").Err(); err != nil {
				t.Error(err)
			}
		}
	})
}

// A line that goes dead without a word (a cable, a firewall) is not vouched for
// after two seconds, though the server lives and others edit; and then it is
// replaced.
func TestMuteLine(t *testing.T) {
	s := servers.SharedRedis(t)
	proxy := startProxy(t, s.Addr())
	here, there := open(t, proxy.url()).Changes(), open(t, s.URL())
	heard := make(chan athand.Change, 100)
	defer here.Listen(func(c athand.Change) { heard <- c })()
	wait := func(what string, came func() bool) time.Duration {
		t.Helper()
		begin := time.Now()
		for !came() {
			if time.Since(begin) > 30*time.Second {
				t.Fatalf("it is not so that %s", what)
			}
			time.Sleep(time.Millisecond)
		}
		return time.Since(begin)
	}
	wait("the line is up", func() bool { return here.Vouch(time.Now(), time.Now()) })
	read := time.Now()
	wait("what was read is vouched for", func() bool { return here.Vouch(read, time.Now()) })
	id := account.NewID()
	edit := func(to interests.Revision) {
		t.Helper()
		if err := there.Lists().Swap(t.Context(), id, to-1, interests.List{Revision: to}, time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	proxy.mute()
	edit(1)
	dead, vouched := time.Now(), time.Duration(0)
	wait("it is not vouched for", func() bool {
		at := time.Now()
		if !here.Vouch(read, at) {
			return true
		}
		vouched = at.Sub(dead)
		return false
	})
	if vouched > athand.MaxAge {
		t.Errorf("it was vouched for %v after the line went dead", vouched)
	}
	wait("the line is up again", func() bool { return here.Vouch(time.Now(), time.Now()) })
	if here.Vouch(read, time.Now()) {
		t.Error("what was read before is vouched for")
	}
	edit(2)
	if c := <-heard; c.Revision != 2 {
		t.Errorf("heard %+v, want revision 2", c)
	}
}
