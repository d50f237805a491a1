package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"newsfeed/interests"
	"newsfeed/interests/account"
	"newsfeed/interests/client"
	"newsfeed/interests/topic"
	"newsfeed/interests/wire"
)

// A trace is what a device does, what it must send, and what it is answered.
// client.js replays the same files (cmd/newsfeed/client_browser_test.go); how
// they are written is said in testdata/README.md.
type trace struct {
	About  string   `json:"about"`
	Device wire.Hex `json:"device"`
	Steps  []step   `json:"steps"`
}

type step struct {
	Do    string     `json:"do"` // set, sync, see, reload
	Tab   int        `json:"tab"`
	Now   *time.Time `json:"now"`
	Topic topic.ID   `json:"topic"`
	Level wire.Level `json:"level"`

	Calls    []call    `json:"calls"`
	Ends     string    `json:"ends"` // done, retry, stopped
	WaitMS   int64     `json:"wait_ms"`
	Problems []refused `json:"problems"`

	Interests []seen `json:"interests"`
	Waiting   int    `json:"waiting"`
}

type call struct {
	Sent      any               `json:"sent"`
	Meanwhile []step            `json:"meanwhile"`
	Lost      bool              `json:"lost"`
	Status    int               `json:"status"`
	Headers   map[string]string `json:"headers"`
	Answer    json.RawMessage   `json:"answer"`
}

type refused struct {
	Topic topic.ID   `json:"topic"`
	Level wire.Level `json:"level"`
	Type  string     `json:"type"`
}

type seen struct {
	Topic   topic.ID   `json:"topic"`
	Level   wire.Level `json:"level"`
	Pending bool       `json:"pending"`
}

var traceAccount = account.ID{0x01, 0xa2, 15: 1}

// Every trace is passed, whether the state is in memory or in a file.
func TestTraces(t *testing.T) {
	files, err := filepath.Glob("testdata/traces/*.json")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d traces, %v: that cannot be all", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".json"), func(t *testing.T) {
			replay(t, file, new(client.Memory))
		})
	}
	t.Run("in a file", func(t *testing.T) {
		store, err := client.NewFile(t.TempDir(), traceAccount)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files[:5] {
			replay(t, file, store)
			if err := store.Remove(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func replay(t *testing.T, file string, store client.Store) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	p := &player{t: t, store: store, tabs: map[int]*client.Client{}, problems: []refused{}}
	var tr trace
	if err := wire.Decode(text, &tr); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	if err := store.Update(func(s *client.State) error { s.Device = tr.Device; return nil }); err != nil {
		t.Fatal(err)
	}
	for i, s := range tr.Steps {
		p.where = fmt.Sprintf("%s, step %d", file, i)
		p.step(s)
	}
}

type player struct {
	t        *testing.T
	store    client.Store
	tabs     map[int]*client.Client
	now      time.Time
	where    string
	calls    []call // still to come
	problems []refused
}

func (p *player) step(s step) {
	p.t.Helper()
	if s.Now != nil {
		p.now = *s.Now
	}
	switch s.Do {
	case "set":
		if err := p.tab(s.Tab).Set(s.Topic, interests.Level(s.Level)); err != nil {
			p.t.Fatalf("%s: %v", p.where, err)
		}
	case "reload":
		delete(p.tabs, s.Tab)
	case "sync":
		p.sync(s)
	case "see":
		p.see(s)
	default:
		p.t.Fatalf("%s: no step is called %q", p.where, s.Do)
	}
}

func (p *player) tab(n int) *client.Client {
	p.t.Helper()
	if c := p.tabs[n]; c != nil {
		return c
	}
	c, err := client.Open(client.Options{
		URL: "https://news.example", Account: traceAccount, Token: "a-token", Store: p.store,
		HTTP: &http.Client{Transport: p}, Now: func() time.Time { return p.now }, Random: func() float64 { return 0.5 },
	})
	if err != nil {
		p.t.Fatalf("%s: %v", p.where, err)
	}
	c.Subscribe(func(e client.Event) {
		for _, r := range e.Problems {
			p.problems = append(p.problems, refused{r.Topic, wire.Level(r.Level), r.Type})
		}
	})
	p.tabs[n] = c
	return c
}

func (p *player) sync(s step) {
	p.t.Helper()
	p.calls = s.Calls
	err := p.tab(s.Tab).Sync(context.Background())
	ends, wait := "done", int64(0)
	var u *client.Unavailable
	switch {
	case errors.Is(err, client.ErrSignedOut):
		ends = "stopped"
	case errors.As(err, &u):
		ends, wait = "retry", u.Wait.Milliseconds()
	case err != nil:
		p.t.Fatalf("%s: %v", p.where, err)
	}
	if ends != s.Ends || wait != s.WaitMS {
		p.t.Fatalf("%s: ended with %s, to wait %d ms (%v); want %s, %d ms", p.where, ends, wait, err, s.Ends, s.WaitMS)
	}
	if len(p.calls) > 0 {
		p.t.Fatalf("%s: %d calls were not made", p.where, len(p.calls))
	}
	if want := append([]refused{}, s.Problems...); !reflect.DeepEqual(p.problems, want) {
		p.t.Fatalf("%s: refused %v, want %v", p.where, p.problems, want)
	}
	p.problems = []refused{}
}

// RoundTrip answers a call as the trace says.
func (p *player) RoundTrip(r *http.Request) (*http.Response, error) {
	p.t.Helper()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	if len(p.calls) == 0 {
		p.t.Errorf("%s: one more call was made: %s", p.where, text)
		return nil, errors.New("no such call in the trace")
	}
	c := p.calls[0]
	p.calls = p.calls[1:]
	var sent any
	if err := json.Unmarshal(text, &sent); err != nil || !reflect.DeepEqual(sent, c.Sent) {
		want, _ := json.Marshal(c.Sent)
		p.t.Errorf("%s: sent\n%s, want\n%s (%v)", p.where, text, want, err)
	}
	if got := r.Method + " " + r.URL.String() + " " + r.Header.Get("Authorization"); got != "POST https://news.example/interests/sync Bearer a-token" {
		p.t.Errorf("%s: %s", p.where, got)
	}
	for _, s := range c.Meanwhile {
		p.step(s)
	}
	if c.Lost {
		return nil, errors.New("the connection broke")
	}
	response := &http.Response{StatusCode: c.Status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(string(c.Answer))), Request: r}
	for name, value := range c.Headers {
		response.Header.Set(name, value)
	}
	return response, nil
}

func (p *player) see(s step) {
	p.t.Helper()
	c := p.tab(s.Tab)
	list, err := c.Interests()
	waiting, err2 := c.Waiting()
	if err := errors.Join(err, err2); err != nil {
		p.t.Fatalf("%s: %v", p.where, err)
	}
	got := []seen{}
	for _, i := range list {
		got = append(got, seen{i.Topic, wire.Level(i.Level), i.Pending})
	}
	if want := append([]seen{}, s.Interests...); !reflect.DeepEqual(got, want) || waiting != s.Waiting {
		p.t.Fatalf("%s: sees %v, %d waiting; want %v, %d", p.where, got, waiting, want, s.Waiting)
	}
}
