package servers

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"
)

func TestMain(m *testing.M) { Main(m) }

// A redis-server keeps over a kill what it acknowledged, and its address.
func TestRedisRestartKeepsData(t *testing.T) {
	s := Redis(t)
	t.Log(s.Kind(), s.URL())
	mustAsk(t, s, "SET", "k", "v")
	url, pid := s.URL(), s.PID()

	s.Kill()
	if _, err := askRedis(s.Addr(), "PING"); err == nil {
		t.Fatal("a killed server answers")
	}
	s.Restart()
	if got := mustAsk(t, s, "GET", "k"); got != "v" {
		t.Errorf("after kill and restart k = %q, want v", got)
	}
	if s.URL() != url || s.PID() == pid {
		t.Errorf("restarted: URL %s (was %s), process %d (was %d)", s.URL(), url, s.PID(), pid)
	}
	s.Restart() // of a server that runs
	if got := mustAsk(t, s, "GET", "k"); got != "v" {
		t.Errorf("after restart k = %q, want v", got)
	}
}

// A redis-server has the settings with which the product is run.
func TestRedisIsDurable(t *testing.T) {
	s := SharedRedis(t)
	info := mustAsk(t, s, "INFO")
	for _, want := range []string{"aof_enabled:1", "maxmemory_policy:noeviction"} {
		if !strings.Contains(info, want) {
			t.Errorf("INFO has no %s", want)
		}
	}
}

// A frozen server accepts a connection and answers nothing; thawed it goes on;
// killed while frozen it dies.
func TestFreeze(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a process cannot be frozen there")
	}
	s := Redis(t)
	s.Freeze()
	if err := impatientPing(s.Addr()); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("PING of a frozen server: %v, want a timeout", err)
	}
	s.Thaw()
	mustAsk(t, s, "PING")
	s.Freeze()
	s.Kill()
	s.Restart()
	s.Freeze()
	s.Stop() // must wake it, or would wait for long
	s.Restart()
	mustAsk(t, s, "PING")
}

// Stopping, killing and stopping again is stopping once.
func TestStopTwice(t *testing.T) {
	s := Redis(t)
	s.Stop()
	s.Stop()
	s.Kill()
	s.Stop()
	s.Restart()
	mustAsk(t, s, "PING")
}

// At the end of a test, also of a failed one, neither process nor folder is left.
func TestNothingIsLeft(t *testing.T) {
	var s *Server
	t.Run("inner", func(t *testing.T) { s = Redis(t) })
	if _, err := askRedis(s.Addr(), "PING"); err == nil {
		t.Error("the server still answers after its test")
	}
	if _, err := os.Stat(s.dir); !os.IsNotExist(err) {
		t.Errorf("the folder is still there: %v", err)
	}
}

// On Linux a server dies with the test binary, even one that is killed.
func TestDiesWithUs(t *testing.T) {
	if os.Getenv("SERVERS_TEST_CHILD") != "" {
		s := Redis(t)
		fmt.Printf("\naddr=%s\n", s.Addr())
		select {} // until killed
	}
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has it")
	}
	findRedis(t)
	child := exec.Command(os.Args[0], "-test.run=^TestDiesWithUs$")
	child.Env = append(os.Environ(), "SERVERS_TEST_CHILD=1", "TMPDIR="+t.TempDir())
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	var addr string
	for buf := make([]byte, 0, 4096); ; {
		n, err := out.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if _, after, found := strings.Cut(string(buf), "addr="); found && strings.Contains(after, "\n") {
			addr, _, _ = strings.Cut(after, "\n")
			break
		}
		if err != nil {
			t.Fatalf("the child said %q: %v", buf, err)
		}
	}
	if _, err := askRedis(addr, "PING"); err != nil {
		t.Fatalf("the child's server does not answer: %v", err)
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait() // killed, as we know
	gone := time.Now().Add(5 * time.Second)
	for time.Now().Before(gone) {
		if _, err := askRedis(addr, "PING"); err != nil {
			return
		}
	}
	t.Error("the child's server outlived it by 5 s")
}

// The cluster is whole, stays so over a restart, and each key has one home.
func TestRedisCluster(t *testing.T) {
	c := RedisCluster(t)
	t.Log(c.Kind(), c.URL())
	homes := 0
	for _, node := range c.Nodes {
		switch _, err := askRedis(node.Addr(), "SET", "{account}", "v"); {
		case err == nil:
			homes++
		case !strings.HasPrefix(err.Error(), "MOVED"):
			t.Errorf("SET on %s: %v", node.Addr(), err)
		}
	}
	if homes != 1 {
		t.Errorf("the key has %d homes", homes)
	}
	if want := "redis://" + c.Nodes[0].Addr() + "?addr=" + c.Nodes[1].Addr() + "&addr=" + c.Nodes[2].Addr(); c.URL() != want {
		t.Errorf("URL is %s, want %s", c.URL(), want)
	}
	c.Nodes[1].Kill()
	c.Nodes[1].Restart()
	c.WaitOK()
}

// A MongoDB server is writable in both topologies, keeps what it acknowledged
// over a kill, and keeps its address.
func TestMongo(t *testing.T) {
	for _, c := range []struct {
		name       string
		start      func(testing.TB) *Server
		replicaSet bool
	}{{"replica set", Mongo, true}, {"standalone", MongoStandalone, false}} {
		t.Run(c.name, func(t *testing.T) {
			s := c.start(t)
			t.Log(s.Kind(), s.URL(), s.Database("one"))
			if strings.Contains(s.URL(), "replicaSet=") != c.replicaSet {
				t.Errorf("URL is %s", s.URL())
			}
			insert := bson{}.str("insert", "things").
				array("documents", bson{}.str("_id", "kept-over-a-kill")).
				doc("writeConcern", bson{}.str("w", "majority"))
			if _, err := askMongo(s.Addr(), insert); err != nil {
				t.Fatal("insert:", err)
			}
			s.Kill()
			if _, err := lookAtMongo(s.Addr()); err == nil {
				t.Fatal("a killed server answers")
			}
			s.Restart()
			found, err := askMongo(s.Addr(), bson{}.str("find", "things"))
			if err != nil || found.text("_id") != "kept-over-a-kill" {
				t.Errorf("after kill and restart: %q, %v", found, err)
			}
			s.Stop()
			s.Stop()
		})
	}
}

// A shared server is started once.
func TestShared(t *testing.T) {
	if a, b := SharedRedis(t), SharedRedis(t); a != b {
		t.Errorf("two servers: %s and %s", a.URL(), b.URL())
	}
	if a, b := SharedRedisCluster(t), SharedRedisCluster(t); a.URL() != b.URL() {
		t.Errorf("two clusters: %s and %s", a.URL(), b.URL())
	}
	if a, b := SharedMongo(t), SharedMongo(t); a != b {
		t.Errorf("two servers: %s and %s", a.URL(), b.URL())
	}
	if a, b := SharedMongoStandalone(t), SharedMongo(t); a == b {
		t.Errorf("one server for both topologies: %s", a.URL())
	}
}

// A program that cannot start says so with what it printed.
func TestCannotStart(t *testing.T) {
	p := redisProgram(findRedis(t), false)
	p.args = func(string, int) []string { return []string{"--nonsense", "yes"} }
	if _, err := launch(p); err == nil || !strings.Contains(err.Error(), "nonsense") {
		t.Errorf("got %v, want an error with the server's own words", err)
	}
}

// NEWSFEED_REQUIRE turns "not found" into a failure that says how to install.
func TestMissing(t *testing.T) {
	for _, c := range []struct {
		require string
		failed  bool
	}{{"", false}, {"mongo", false}, {"mongo, redis", true}} {
		t.Setenv("NEWSFEED_REQUIRE", c.require)
		probe := &probeTB{TB: t}
		Missing(probe, "redis", installRedis)
		if probe.failed != c.failed || probe.skipped != !c.failed {
			t.Errorf("NEWSFEED_REQUIRE=%q: failed %v, skipped %v", c.require, probe.failed, probe.skipped)
		}
		t.Setenv("NEWSFEED_TESTDATA", "")
		if data := (&probeTB{TB: t}); TestData(data) != "" || data.failed || !data.skipped {
			t.Errorf("NEWSFEED_REQUIRE=%q without test data: failed %v, skipped %v", c.require, data.failed, data.skipped)
		}
	}
	t.Setenv("NEWSFEED_REQUIRE", "testdata")
	if data := (&probeTB{TB: t}); TestData(data) != "" || !data.failed {
		t.Errorf("test data that is required and not there: skipped %v", data.skipped)
	}
	t.Setenv("NEWSFEED_TESTDATA", "/data")
	if got := TestData(t); got != "/data" {
		t.Errorf("the folder is %q", got)
	}
}

// probeTB notes what would end a test, and goes on.
type probeTB struct {
	testing.TB
	failed, skipped bool
}

func (p *probeTB) Helper()               {}
func (p *probeTB) Fatalf(string, ...any) { p.failed = true }
func (p *probeTB) Skipf(string, ...any)  { p.skipped = !p.failed }

func impatientPing(addr string) error {
	conn, err := dial(addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(200 * time.Millisecond)); err != nil {
		return err
	}
	if _, err := conn.Write([]byte("PING\r\n")); err != nil {
		return err
	}
	_, err = conn.Read(make([]byte, 16))
	return err
}

func mustAsk(t *testing.T, s *Server, command ...string) string {
	t.Helper()
	answer, err := askRedis(s.Addr(), command...)
	if err != nil {
		t.Fatalf("%v: %v", command, err)
	}
	return answer
}
