package redis_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"newsfeed/feed"
	"newsfeed/interests"
	"newsfeed/interests/account"
	"newsfeed/storage/redis"
	"newsfeed/storage/storagetest"
	"newsfeed/storage/storagetest/servers"
)

// Nothing that a Store started is left when all are closed.
func TestMain(m *testing.M) {
	code := m.Run()
	if err := servers.CloseShared(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// Every contract is kept on one server and on a cluster of three.

func TestListsServer(t *testing.T)  { storagetest.Lists(t, oneServer(lists)) }
func TestListsCluster(t *testing.T) { storagetest.Lists(t, threeNodes(lists)) }

func TestMergesServer(t *testing.T)  { storagetest.Merges(t, oneServer(merges)) }
func TestMergesCluster(t *testing.T) { storagetest.Merges(t, threeNodes(merges)) }

func TestSessionsServer(t *testing.T)  { storagetest.Sessions(t, oneServer(sessions)) }
func TestSessionsCluster(t *testing.T) { storagetest.Sessions(t, threeNodes(sessions)) }

func TestLimitsServer(t *testing.T)  { storagetest.Limits(t, oneServer((*redis.Store).Limits)) }
func TestLimitsCluster(t *testing.T) { storagetest.Limits(t, threeNodes((*redis.Store).Limits)) }

func TestAnnouncementsServer(t *testing.T)  { storagetest.Announcements(t, oneServer(announcements)) }
func TestAnnouncementsCluster(t *testing.T) { storagetest.Announcements(t, threeNodes(announcements)) }

func lists(s *redis.Store) interests.Store { return s.Lists() }
func merges(s *redis.Store) storagetest.ListsAndMerges {
	return storagetest.ListsAndMerges{Lists: s.Lists(), Merges: s.Merges()}
}
func sessions(s *redis.Store) account.Store           { return s.Sessions() }
func announcements(s *redis.Store) feed.Announcements { return s.Announcements() }

// oneServer is the shared server, seen through one contract. Cases do not meet:
// their accounts and hashes are their own.
func oneServer[T any](contract func(*redis.Store) T) storagetest.Fresh[T] {
	return func(t testing.TB) storagetest.Harness[T] {
		s := servers.SharedRedis(t)
		return storagetest.Harness[T]{
			Name:   s.Kind(),
			Shared: true,
			Open:   opener(s.URL(), contract),
			Lose:   func(testing.TB) { s.Kill() },
			Heal:   func(testing.TB) { s.Restart() },
			Freeze: func(testing.TB) { s.Freeze() },
			Thaw:   func(testing.TB) { s.Thaw() },
		}
	}
}

func threeNodes[T any](contract func(*redis.Store) T) storagetest.Fresh[T] {
	return func(t testing.TB) storagetest.Harness[T] {
		c := servers.SharedRedisCluster(t)
		each := func(do func(*servers.Server)) {
			for _, node := range c.Nodes {
				do(node)
			}
		}
		return storagetest.Harness[T]{
			Name:   c.Kind(),
			Shared: true,
			Open:   opener(c.URL(), contract),
			Lose:   func(testing.TB) { each((*servers.Server).Kill) },
			Heal:   func(testing.TB) { each((*servers.Server).Restart); c.WaitOK() },
			Freeze: func(testing.TB) { each((*servers.Server).Freeze) },
			Thaw:   func(testing.TB) { each((*servers.Server).Thaw); c.WaitOK() },
		}
	}
}

func opener[T any](url string, contract func(*redis.Store) T) func(testing.TB) (T, func() error) {
	return func(t testing.TB) (T, func() error) {
		t.Helper()
		store := open(t, url)
		return contract(store), store.Close
	}
}

func open(t testing.TB, url string) *redis.Store {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	store, err := redis.Open(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return store
}

// direct is a client beside the store, for what no store does.
func direct(t testing.TB, url string) *goredis.Client {
	t.Helper()
	options, err := goredis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	client := goredis.NewClient(options)
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// One address of a cluster is enough: that it is one is found out.
func TestOneAddressOfACluster(t *testing.T) {
	c := servers.SharedRedisCluster(t)
	store := open(t, c.Nodes[1].URL())
	for range 20 { // of accounts on all nodes
		if err := store.Lists().Swap(t.Context(), account.NewID(), 0, interests.List{Revision: 1}, time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	for _, url := range []string{c.Nodes[1].URL() + "/3", strings.Replace(c.URL(), "?", "/3?", 1)} {
		if _, err := redis.Open(t.Context(), url); err == nil || !strings.Contains(err.Error(), "cluster") {
			t.Errorf("open %s: %v, want an error that a cluster has no such database", url, err)
		}
	}
}

// A server with a password takes the address's, and no error shows one.
func TestPassword(t *testing.T) {
	s := servers.Redis(t)
	client := direct(t, s.URL())
	if err := client.ConfigSet(t.Context(), "requirepass", "s3cret").Err(); err != nil {
		t.Fatal(err)
	}
	with := func(password string) string { return strings.Replace(s.URL(), "redis://", "redis://:"+password+"@", 1) }
	store := open(t, with("s3cret"))
	if err := store.Ping(t.Context()); err != nil {
		t.Error(err)
	}
	for _, url := range []string{
		s.URL(), with("wr0ng"), with("wr0ng") + "/x", with("wr0ng%zz"), with("wr0ng") + "?nonsense=1",
		"redis://:wr0ng@127.0.0.1:1", "redis://:wr0ng@127.0.0.1:a", "mongodb://:wr0ng@h", "",
	} {
		_, err := redis.Open(t.Context(), url)
		if err == nil || strings.Contains(err.Error(), "wr0ng") {
			t.Errorf("open %s: %v, want an error without the password", url, err)
		}
	}
}

// A store that is closed says so, however often, and has ended what it started.
func TestClosed(t *testing.T) {
	store := open(t, servers.SharedRedis(t).URL())
	heard := store.Announcements().Editions()
	if err := errors.Join(store.Close(), store.Close()); err != nil {
		t.Fatal(err)
	}
	for range heard { // until it is closed
	}
	for range store.Announcements().Editions() {
	}
	if _, err := store.Lists().Load(t.Context(), account.NewID()); !errors.Is(err, interests.ErrUnavailable) {
		t.Errorf("load: %v, want ErrUnavailable", err)
	}
	if err := store.Sessions().End(t.Context(), account.Hash{}); !errors.Is(err, account.ErrUnavailable) {
		t.Errorf("end: %v, want ErrUnavailable", err)
	}
	if err := store.Ping(t.Context()); err == nil {
		t.Error("ping of a closed store succeeded")
	}
}

// Our connections are known by name to who looks at the server.
func TestClientName(t *testing.T) {
	s := servers.SharedRedis(t)
	open(t, s.URL())
	list, err := direct(t, s.URL()).ClientList(t.Context()).Result()
	if err != nil || !strings.Contains(list, "name=newsfeed") {
		t.Errorf("no client newsfeed: %v\n%s", err, list)
	}
}
