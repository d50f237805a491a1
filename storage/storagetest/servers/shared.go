package servers

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
)

// The Shared… functions give one server for the whole test binary, started by
// the first test that asks. Suites of many cases stay fast so. Who kills or
// freezes a server takes one of their own; who shares one keeps to a database
// (Server.Database) or to accounts of their own.
//
// The package that uses them ends them in its TestMain:
//
//	func TestMain(m *testing.M) { servers.Main(m) }

// SharedRedis is Redis, once for the test binary.
func SharedRedis(t testing.TB) *Server {
	t.Helper()
	return shared.server(t, "redis", redisProgram(findRedis(t), false))
}

// SharedMongo is Mongo, once for the test binary.
func SharedMongo(t testing.TB) *Server {
	t.Helper()
	return shared.server(t, "mongo", mongoProgram(t, false))
}

// SharedMongoStandalone is MongoStandalone, once for the test binary.
func SharedMongoStandalone(t testing.TB) *Server {
	t.Helper()
	return shared.server(t, "mongo standalone", mongoProgram(t, true))
}

// SharedRedisCluster is RedisCluster, once for the test binary.
func SharedRedisCluster(t testing.TB) *Cluster {
	t.Helper()
	path := findRedis(t)
	c := &Cluster{fail: t.Fatalf}
	for i := range clusterNodes {
		c.Nodes = append(c.Nodes, shared.server(t, fmt.Sprint("redis cluster ", i), redisProgram(path, true)))
	}
	shared.Lock()
	defer shared.Unlock()
	if shared.formed {
		return c
	}
	if err := c.form(); err != nil {
		t.Fatal(err)
	}
	shared.formed = true
	return c
}

// Main runs the tests, ends the shared servers and exits.
func Main(m *testing.M) {
	code := m.Run()
	if err := CloseShared(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// CloseShared ends the shared servers, for a TestMain that does more than Main.
func CloseShared() error {
	shared.Lock()
	defer shared.Unlock()
	var errs []error
	for _, s := range shared.servers {
		errs = append(errs, s.close())
	}
	shared.servers, shared.formed = nil, false
	return errors.Join(errs...)
}

var shared sharedServers

type sharedServers struct {
	sync.Mutex // guards what follows; held while a server starts, so that it starts once
	servers    map[string]*Server
	formed     bool // the cluster has its slots
}

func (all *sharedServers) server(t testing.TB, name string, p program) *Server {
	t.Helper()
	all.Lock()
	defer all.Unlock()
	s := all.servers[name]
	if s == nil {
		var err error
		if s, err = launch(p); err != nil {
			t.Fatal(err)
		}
		if all.servers == nil {
			all.servers = map[string]*Server{}
		}
		all.servers[name] = s
	}
	t.Cleanup(func() { s.showLogIfFailed(t) })
	return s
}
