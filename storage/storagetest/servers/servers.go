// Package servers starts real servers for tests (redis-server, mongod or its
// wire-compatible stand-in) and owns their whole life: a free loopback port, a
// temporary folder, waiting until they answer, killing, freezing, restarting,
// and the certain end when the test ends, failed or not.
//
// It speaks just enough of the two protocols to know that a server is ready. It
// imports no driver, so that every package may use it, and it knows nothing of
// what is stored.
//
// A server that is not installed skips the test, unless NEWSFEED_REQUIRE (a
// comma list of redis, mongo, gcc, chromium) names it: then the test fails and says
// how to install it. So do the packs of test data (testdata) and the addresses of
// loopback (loopback). CI sets it, so nothing is skipped there in silence.
package servers

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	startPatience = 60 * time.Second      // half a second is usual; a busy machine is no failure
	stopPatience  = 10 * time.Second      // SIGTERM to exit; after it SIGKILL
	pollEvery     = 20 * time.Millisecond // between two looks at a starting server
	askPatience   = 5 * time.Second       // one question to a server, on a machine that is busy
	startTries    = 3                     // another process may take our port first
	logLines      = 40                    // of its log, shown when something failed
)

var errEnded = errors.New("it ended before it was ready")

// A Server is one running process. Its methods may be called from any
// goroutine, one after the other; each leaves the server in the state that its
// name says, whatever the state before.
//
// What cannot fail in a healthy world (Restart of a server that started once)
// ends the test when it does, instead of returning an error to each caller.
type Server struct {
	program program
	dir     string
	port    int
	kind    string
	url     string
	fail    func(format string, args ...any) // t.Fatalf, or a panic for a shared server

	mu      sync.Mutex // guards what follows
	running *running   // nil when killed or stopped
	lastPID int
}

// program is what differs between one server and another.
type program struct {
	path string                              // of the binary
	args func(dir string, port int) []string // may write files into dir
	env  func(dir string) []string           // beside ours; may be nil
	prep func(addr string) error             // once, after the first start; may be nil
	look func(addr string) (identity, error) // nil error: it is ready
	name func(path, version string) string   // for logs
	db   func(id identity, db string) string // URL of a database; "" is the default one
}

// identity is what a ready server says of itself.
type identity struct {
	addr, version, replicaSet string
}

// running is one process from its start to its end.
type running struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when the process has ended and was waited for
}

// URL is the address that the program's settings take (MONGODB_URI, REDIS_URL).
// It stays the same over restarts.
func (s *Server) URL() string { return s.url }

// Addr is host:port.
func (s *Server) Addr() string { return loopback(s.port) }

// Database is the URL of a database of that name on a MongoDB server, so that
// cases that share a server do not meet. On Redis it is URL.
func (s *Server) Database(name string) string {
	id := identity{addr: s.Addr()}
	if _, set, found := strings.Cut(s.url, "replicaSet="); found {
		id.replicaSet = set
	}
	return s.program.db(id, name)
}

// Kind is the server's name and version, for logs: a number measured on a
// stand-in must never be read as MongoDB's.
func (s *Server) Kind() string { return s.kind }

// PID is the process id of the server, or of the last one when it is down.
func (s *Server) PID() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lastPID
}

// Log is what the server has printed since its first start.
func (s *Server) Log() string {
	text, err := os.ReadFile(s.logPath())
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// Kill ends the server with SIGKILL, as a power cut would, and waits until it is
// gone. Frozen servers die too.
func (s *Server) Kill() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kill()
}

// Stop asks the server to end in order and waits; one that does not listen is
// killed. Stopping twice is stopping once. The data stay for Restart until the
// test ends.
func (s *Server) Stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stop()
}

// Restart starts the server again on the same port and folder and waits until it
// is ready. One that still runs is stopped first.
func (s *Server) Restart() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stop()
	if err := s.start(); err != nil {
		s.fail("restart %s: %v", s.kind, err)
	}
}

// Freeze stops the process in its tracks (SIGSTOP): connections stay open and
// nothing answers. Thaw lets it go on.
func (s *Server) Freeze() { s.signal("freeze", freezeProcess) }

// Thaw lets a frozen server go on. A server that is not frozen does not notice.
func (s *Server) Thaw() { s.signal("thaw", thawProcess) }

func (s *Server) signal(what string, send func(pid int) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running == nil {
		s.fail("%s %s: it is not running", what, s.kind)
		return
	}
	if err := send(s.running.cmd.Process.Pid); err != nil {
		s.fail("%s %s: %v", what, s.kind, err)
	}
}

// forTest is a new server that lives as long as the test.
func forTest(t testing.TB, p program) *Server {
	t.Helper()
	s, err := launch(p)
	if err != nil {
		t.Fatal(err)
	}
	s.fail = func(format string, args ...any) {
		t.Helper()
		t.Fatalf(format, args...)
	}
	t.Cleanup(func() {
		s.showLogIfFailed(t)
		if err := s.close(); err != nil {
			t.Errorf("clean up after %s: %v", s.Kind(), err)
		}
	})
	return s
}

func (s *Server) showLogIfFailed(t testing.TB) {
	t.Helper()
	if t.Failed() {
		t.Logf("%s, process %d, said:\n%s", s.Kind(), s.PID(), lastLines(s.Log(), logLines))
	}
}

// launch starts p in a folder and on a port of its own. Between our look at the
// port and the server's, another process may take it: then another is tried.
func launch(p program) (*Server, error) {
	dir, err := os.MkdirTemp("", "newsfeed-server-")
	if err != nil {
		return nil, fmt.Errorf("make a folder for %s: %w", p.path, err)
	}
	s := &Server{program: p, dir: dir, kind: filepath.Base(p.path)}
	s.fail = func(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }
	for range startTries {
		if s.port, err = freePort(); err != nil {
			break
		}
		if err = s.start(); err == nil {
			return s, nil
		}
		if !errors.Is(err, errEnded) {
			break
		}
	}
	err = fmt.Errorf("start %s: %w; it said:\n%s", p.path, err, lastLines(s.Log(), logLines))
	return nil, errors.Join(err, s.close())
}

// start runs the program and waits until it is ready. s.mu is held, or s is not
// known to others yet.
func (s *Server) start() error {
	run, err := s.spawn()
	if err != nil {
		return err
	}
	s.running, s.lastPID = run, run.cmd.Process.Pid
	id, err := s.awaitReady(run)
	if err != nil {
		s.kill()
		return err
	}
	if s.url == "" { // never written again, so that it is read without the lock
		s.url = s.program.db(id, "")
		s.kind = s.program.name(s.program.path, id.version)
	}
	return nil
}

func (s *Server) spawn() (*running, error) {
	log, err := os.OpenFile(s.logPath(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close() // the process has its own copy

	cmd := exec.Command(s.program.path, s.program.args(s.dir, s.port)...)
	cmd.Dir = s.dir
	if s.program.env != nil {
		cmd.Env = append(os.Environ(), s.program.env(s.dir)...)
	}
	// Files, not pipes: a pipe would keep Wait until the last grandchild is gone.
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = ownGroup()
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	run := &running{cmd: cmd, done: make(chan struct{})}
	go func() {
		defer close(run.done)
		_ = cmd.Wait() // how it ended is in its log
	}()
	return run, nil
}

// awaitReady asks until the server answers as it should, it ended, or patience
// did. There is no event to wait for on a port that nobody listens on.
func (s *Server) awaitReady(run *running) (identity, error) {
	deadline := time.After(startPatience)
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	prep := s.program.prep
	if s.url != "" {
		prep = nil // not its first start
	}
	for {
		err := error(nil)
		if prep != nil {
			if err = prep(s.Addr()); err == nil {
				prep = nil
			}
		}
		if err == nil {
			var id identity
			if id, err = s.program.look(s.Addr()); err == nil && !run.ended() {
				return id, nil
			}
		}
		select {
		case <-run.done:
			return identity{}, fmt.Errorf("%w (%v)", errEnded, run.cmd.ProcessState)
		case <-deadline:
			return identity{}, fmt.Errorf("not ready after %v: %w", startPatience, err)
		case <-tick.C:
		}
	}
}

func (r *running) ended() bool {
	select {
	case <-r.done:
		return true
	default:
		return false
	}
}

// kill and stop end what runs. s.mu is held.
func (s *Server) kill() {
	if s.running == nil {
		return
	}
	if !s.running.ended() {
		killProcess(s.running.cmd.Process)
	}
	<-s.running.done
	s.running = nil
}

func (s *Server) stop() {
	if s.running == nil {
		return
	}
	if !s.running.ended() {
		stopProcess(s.running.cmd.Process)
	}
	select {
	case <-s.running.done:
	case <-time.After(stopPatience):
	}
	s.kill()
}

// close ends the server and removes its folder. Nobody will read the data again,
// so it is not asked to write them down in order.
func (s *Server) close() error {
	s.Kill()
	return os.RemoveAll(s.dir)
}

func (s *Server) logPath() string { return filepath.Join(s.dir, "server.log") }

// TestData returns the folder of the packs of test data, which lie outside of the
// tree; without one the test is skipped, or fails, as [Missing] says.
func TestData(t testing.TB) string {
	t.Helper()
	folder := os.Getenv("NEWSFEED_TESTDATA")
	if folder == "" {
		Missing(t, "testdata", "NEWSFEED_TESTDATA names the folder of the packs")
	}
	return folder
}

// Missing skips the test because what ("redis", "mongo", "gcc", "chromium", …) is not
// there, or fails it when NEWSFEED_REQUIRE names what.
func Missing(t testing.TB, what, install string) {
	t.Helper()
	if required(what) {
		t.Fatalf("NEWSFEED_REQUIRE names %s and it was not found: %s", what, install)
	}
	t.Skipf("%s was not found: %s", what, install)
}

func required(what string) bool {
	for name := range strings.SplitSeq(os.Getenv("NEWSFEED_REQUIRE"), ",") {
		if strings.TrimSpace(name) == what {
			return true
		}
	}
	return false
}

// mustWrite writes a configuration into a folder that we have just made.
func mustWrite(dir, name, text string) string {
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		panic(err)
	}
	return path
}

func lastLines(text string, n int) string {
	lines := bytes.Split(bytes.TrimRight([]byte(text), "\n"), []byte("\n"))
	if len(lines) > n {
		lines = lines[len(lines)-n:]
	}
	return string(bytes.Join(lines, []byte("\n")))
}
