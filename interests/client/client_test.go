package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"newsfeed/interests"
	"newsfeed/interests/account"
	"newsfeed/interests/client"
	"newsfeed/interests/topic"
)

// answers makes a transport of a function from bodies to statuses and bodies.
type answers func(sent string) (status int, body string)

func (f answers) RoundTrip(r *http.Request) (*http.Response, error) {
	sent, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	status, body := f(string(sent))
	return &http.Response{StatusCode: status, Header: http.Header{"Retry-After": {"20"}}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

func open(t *testing.T, store client.Store, f answers) *client.Client {
	t.Helper()
	c, err := client.Open(client.Options{URL: "https://news.example", Account: traceAccount, Token: "a-token", Store: store,
		HTTP: &http.Client{Transport: f}, Random: func() float64 { return 0 }})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Run syncs at once, after an edit, and after a failure when the server said and
// no sooner, whatever is edited meanwhile; a 401 ends it.
func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began, statuses := time.Now(), []int{503, 503, 401}
		var calls []string
		c := open(t, new(client.Memory), func(sent string) (int, string) {
			status := statuses[0]
			statuses = statuses[1:]
			calls = append(calls, fmt.Sprintf("%v %d edits", time.Since(began), strings.Count(sent, `"topic"`)))
			return status, `{}`
		})
		ended := make(chan error)
		go func() { ended <- c.Run(t.Context()) }()
		synctest.Wait()
		if err := c.Set("iran", interests.Follow); err != nil {
			t.Fatal(err)
		}
		if err := <-ended; !errors.Is(err, client.ErrSignedOut) {
			t.Errorf("ended with %v", err)
		}
		// 20 s as the server said, and half of 1 s; then of 2 s.
		if got, want := fmt.Sprint(calls), "[0s 0 edits 20.5s 1 edits 41.5s 1 edits]"; got != want {
			t.Errorf("calls at %s, want %s", got, want)
		}
		if n, err := c.Waiting(); n != 1 || err != nil {
			t.Errorf("%d edits wait, %v", n, err)
		}
	})
}

// Run wakes for each edit, and ends with its context.
func TestRunWakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls []string
		c := open(t, new(client.Memory), func(sent string) (int, string) {
			calls = append(calls, sent)
			results := ""
			if strings.Contains(sent, `"id":"0"`) {
				results = `{"id":"0","status":"rejected","problem":{"type":"list-full","title":"Conflict","status":409}}`
			}
			return 200, `{"revision":0,"now":"2040-01-01T00:00:00.000Z","full":true,"digest":"0000000000000000","changes":[],"results":[` + results + `]}`
		})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- c.Run(ctx) }()
		synctest.Wait()
		if err := c.Set("iran", interests.Follow); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) || len(calls) != 2 {
			t.Errorf("ended with %v after %d calls: %s", err, len(calls), calls)
		}
	})
}

// Edits that no list can hold are refused before they are stamped.
func TestSetRefuses(t *testing.T) {
	c := open(t, new(client.Memory), nil)
	for _, id := range []topic.ID{"", topic.ID(strings.Repeat("x", 65)), "a\xff"} {
		if err := c.Set(id, interests.Follow); !errors.Is(err, client.ErrTopic) {
			t.Errorf("topic %q: %v", id, err)
		}
	}
	for _, level := range []interests.Level{0, interests.None + 1} {
		if err := c.Set("iran", level); !errors.Is(err, client.ErrLevel) {
			t.Errorf("level %d: %v", level, err)
		}
	}
	if n, _ := c.Waiting(); n != 0 {
		t.Errorf("%d edits wait", n)
	}
}

// What one person stored is never opened, shown or sent for another.
func TestOtherAccount(t *testing.T) {
	store := new(client.Memory)
	if err := open(t, store, nil).Set("iran", interests.Follow); err != nil {
		t.Fatal(err)
	}
	_, err := client.Open(client.Options{URL: "https://news.example", Account: account.ID{1}, Token: "theirs", Store: store})
	if !errors.Is(err, client.ErrOtherAccount) {
		t.Errorf("opened for another: %v", err)
	}
	mine := open(t, store, nil)
	if err := store.Update(func(s *client.State) error { s.Account = account.ID{1}; return nil }); err != nil {
		t.Fatal(err)
	}
	if list, err := mine.Interests(); !errors.Is(err, client.ErrOtherAccount) || len(list) != 0 {
		t.Errorf("shown of another are %v, %v", list, err)
	}
}

// noTurns is a store whose clients may sync at the same time.
type noTurns struct{ client.Store }

func (noTurns) Turn(context.Context) (func(), error) { return func() {}, nil }

// An answer that another client of the store has overtaken is not used: what is
// known by then is newer. The call is made again.
func TestAnswerOvertaken(t *testing.T) {
	store := noTurns{new(client.Memory)}
	answer := func(revision int) (int, string) {
		return 200, fmt.Sprintf(`{"revision":%d,"now":"2040-01-01T00:00:00.000Z","full":true,"digest":"0000000000000000","changes":[],"results":[]}`, revision)
	}
	fast := open(t, store, func(string) (int, string) { return answer(7) })
	calls := 0
	slow := open(t, store, func(sent string) (int, string) {
		if calls++; calls > 1 {
			if !strings.Contains(sent, `"since":7`) {
				t.Errorf("asked again with %s", sent)
			}
			return answer(7)
		}
		if err := fast.Sync(t.Context()); err != nil {
			t.Error(err)
		}
		return answer(5)
	})
	if err := slow.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s, err := store.Read(); err != nil || s.Revision != 7 || calls != 2 {
		t.Errorf("revision %d, %v, after %d calls; want 7 after 2", s.Revision, err, calls)
	}
}

// Of the clients of one store, one calls at a time.
func TestOneSyncsAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, began := new(client.Memory), time.Now()
		var all sync.WaitGroup
		for range 4 {
			c := open(t, store, func(string) (int, string) {
				time.Sleep(time.Second) // of the test's own clock
				return 200, `{"revision":0,"now":"2040-01-01T00:00:00.000Z","full":true,"digest":"0000000000000000","changes":[],"results":[]}`
			})
			all.Go(func() {
				if err := c.Sync(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if took := time.Since(began); took != 4*time.Second {
			t.Errorf("four calls of a second took %v", took)
		}
	})
}

// Removals beyond a thousand are forgotten, the oldest first.
func TestRemovalsAreBounded(t *testing.T) {
	store, now := new(client.Memory), time.Date(2040, 1, 1, 0, 0, 0, 0, time.UTC)
	c := open(t, store, func(string) (int, string) {
		return 200, `{"revision":9,"now":"2040-01-01T00:00:00.000Z","full":false,"digest":"0000000000000000","changes":[],"results":[]}`
	})
	const extra = 100
	err := store.Update(func(s *client.State) error {
		s.Known, s.Revision, s.Topics = true, 9, map[topic.ID]interests.Register{}
		for i := range interests.MaxTombstones + extra {
			at := interests.NewStamp(now.Add(time.Duration(i-9999)*time.Second), 0, 1)
			s.Topics[topic.ID(fmt.Sprintf("t-%04d", i))] = interests.Register{Level: interests.None, At: at}
		}
		return nil
	})
	if err := errors.Join(err, c.Sync(t.Context())); err != nil {
		t.Fatal(err)
	}
	s, err := store.Read()
	if err != nil {
		t.Fatal(err)
	}
	_, oldest := s.Topics["t-0100"]
	_, older := s.Topics["t-0099"]
	if len(s.Topics) != interests.MaxTombstones || !oldest || older {
		t.Errorf("%d removals are remembered, the oldest that fits: %v, the one before it: %v", len(s.Topics), oldest, older)
	}
}

// Clients that have a file each way at once, as two processes do, lose nothing;
// what lies there is their owner's alone, and holds no token.
func TestFileSharedByClients(t *testing.T) {
	folder := t.TempDir()
	const clients, edits = 4, 25
	var all sync.WaitGroup
	for n := range clients {
		store, err := client.NewFile(folder, traceAccount)
		if err != nil {
			t.Fatal(err)
		}
		c := open(t, store, nil)
		all.Go(func() {
			for i := range edits {
				if err := c.Set(topic.ID(fmt.Sprintf("t-%d-%d", n, i)), interests.Follow); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	store, err := client.NewFile(folder, traceAccount)
	if err != nil {
		t.Fatal(err)
	}
	state, err := store.Read()
	if err != nil || len(state.Pending) != clients*edits || state.Next != clients*edits {
		t.Errorf("%d edits wait, the next is %d, %v; want %d", len(state.Pending), state.Next, err, clients*edits)
	}
	for i, e := range state.Pending[1:] {
		if e.At.Compare(state.Pending[i].At) <= 0 {
			t.Fatalf("edit %d is stamped %s, not after %s", i+1, e.At, state.Pending[i].At)
		}
	}
	path := filepath.Join(folder, traceAccount.String()+".json")
	text, err := os.ReadFile(path)
	info, err2 := os.Stat(path)
	if err := errors.Join(err, err2); err != nil || info.Mode().Perm() != 0o600 || strings.Contains(string(text), "a-token") {
		t.Errorf("mode %v, %v, %.300s", info.Mode(), err, text)
	}
}

// A file that is cut off is an error that names it, and is left as it is. A new
// one that was never finished does not count.
func TestFileDamaged(t *testing.T) {
	folder := t.TempDir()
	store, err := client.NewFile(folder, traceAccount)
	if err != nil {
		t.Fatal(err)
	}
	if err := open(t, store, nil).Set("iran", interests.Follow); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(folder, traceAccount.String()+".json")
	if err := os.WriteFile(path+".next", []byte(`{"acc`), 0o600); err != nil {
		t.Fatal(err)
	}
	if n, err := open(t, store, nil).Waiting(); n != 1 || err != nil {
		t.Errorf("%d edits wait, %v", n, err)
	}
	if err := os.Truncate(path, 40); err != nil {
		t.Fatal(err)
	}
	_, err = store.Read()
	if err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("read: %v", err)
	}
	if err := store.Update(func(*client.State) error { return nil }); err == nil {
		t.Error("a damaged state was edited")
	}
	if info, err := os.Stat(path); err != nil || info.Size() != 40 {
		t.Errorf("the damaged file is gone: %v, %v", info, err)
	}
}

// One syncs at a time; who waits can give up; a turn ends with its holder.
func TestTurn(t *testing.T) {
	folder := t.TempDir()
	file := func() client.Store {
		f, err := client.NewFile(folder, traceAccount)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	memory := new(client.Memory)
	for name, stores := range map[string][2]client.Store{"file": {file(), file()}, "memory": {memory, memory}} {
		done, err := stores[0].Turn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := stores[1].Turn(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: a second turn: %v", name, err)
		}
		done()
		if done, err = stores[1].Turn(t.Context()); err != nil {
			t.Errorf("%s: after the first: %v", name, err)
		} else {
			done()
		}
	}
}

// Who forgets a list leaves nothing of it but the locks.
func TestForget(t *testing.T) {
	folder := t.TempDir()
	store, err := client.NewFile(folder, traceAccount)
	if err != nil {
		t.Fatal(err)
	}
	c := open(t, store, nil)
	for range 2 {
		if err := c.Forget(); err != nil {
			t.Fatal(err)
		}
	}
	if list, err := c.Interests(); err != nil || len(list) != 0 {
		t.Errorf("shows %v, %v", list, err)
	}
	if _, err := os.Stat(filepath.Join(folder, traceAccount.String()+".json")); !os.IsNotExist(err) {
		t.Errorf("the file: %v", err)
	}
}
