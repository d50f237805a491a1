package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"newsfeed/interests"
	"newsfeed/interests/account"
	"newsfeed/interests/client"
	"newsfeed/interests/topic"
	"newsfeed/interests/wire"
)

var record = flag.Bool("record", false, "write the traces that were recorded against this server")

// The traces that the clients replay are what this server says: recorded again,
// they are the same. interests/client/testdata/README.md says what a trace is.
func TestTracesAreOfThisServer(t *testing.T) {
	const day = 24 * time.Hour
	for _, trace := range []struct {
		name, about string
		play        func(r *recorder)
	}{
		{"server-two-devices", "Edits come and go between this device and another one.", func(r *recorder) {
			r.sync()
			r.set("iran", interests.Follow)
			r.set("cuba", interests.Mute)
			r.sync()
			r.elsewhere("PUT", "/interests/iran", `{"level":"favourite"}`)
			r.elsewhere("PUT", "/interests/peru", `{"level":"follow"}`)
			r.elsewhere("DELETE", "/interests/cuba", "")
			r.sync()
			r.see()
			r.set("cuba", interests.Follow)
			r.set("peru", interests.None)
			r.reload()
			r.sync()
			r.see()
			r.sync()
		}},
		{"server-lost-answers", "Answers are lost after the server took the edits; another device edits in between.", func(r *recorder) {
			r.set("iran", interests.Follow)
			r.lose()
			r.sync()
			r.sync()
			r.set("iran", interests.None)
			r.set("cuba", interests.Favourite)
			r.lose()
			r.sync()
			r.elsewhere("PUT", "/interests/iran", `{"level":"mute"}`)
			r.see()
			r.sync()
			r.see()
		}},
		{"server-clock-ahead", "The device is a day ahead.", func(r *recorder) {
			r.skew = day
			r.set("iran", interests.Follow)
			r.set("cuba", interests.Mute)
			r.set("iran", interests.Favourite)
			r.sync()
			r.see()
			r.set("peru", interests.Follow)
			r.sync()
			r.see()
		}},
		{"server-late-edits", "An edit of yesterday arrives after one of today, and a topic that nobody knows.", func(r *recorder) {
			r.skew = -day
			r.set("iran", interests.Follow)
			r.set("no-such-topic-anywhere", interests.Follow)
			r.elsewhere("PUT", "/interests/iran", `{"level":"mute"}`)
			r.sync()
			r.see()
		}},
		{"server-lost-all", "The server lost the list, and this device gives it back.", func(r *recorder) {
			r.elsewhere("PUT", "/interests/iran", `{"level":"mute"}`)
			r.elsewhere("PUT", "/interests/cuba", `{"level":"follow"}`)
			r.elsewhere("DELETE", "/interests/cuba", "")
			r.sync()
			r.set("peru", interests.Follow)
			r.forgetList()
			r.sync()
			r.see()
			r.sync()
		}},
		{"server-signed-out", "The token is not taken, and then another one is.", func(r *recorder) {
			r.set("iran", interests.Follow)
			token := r.token
			r.token = account.NewSecret()
			r.sync()
			r.see()
			r.token = token
			r.sync()
			r.see()
		}},
	} {
		t.Run(trace.name, func(t *testing.T) {
			r := newRecorder(t)
			trace.play(r)
			got := r.text(trace.about)
			file := filepath.Join("..", "..", "..", "interests", "client", "testdata", "traces", trace.name+".json")
			if *record {
				if err := os.WriteFile(file, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s is not what this server says (%v): see what differs, and run with -record", file, err)
			}
		})
	}
}

// recorder plays the Go client against the real door, and writes down both.
type recorder struct {
	*House
	id     account.ID
	token  account.Secret
	store  *client.Memory
	client *client.Client
	skew   time.Duration // of the device's clock
	losing bool

	steps []map[string]any
	calls []map[string]any
	told  []map[string]any
}

const recordedDevice wire.Hex = 0xa1b2c3d4e5f60718

func newRecorder(t *testing.T) *recorder {
	r := &recorder{House: NewHouse(t), store: new(client.Memory)}
	r.Clock.Move(time.Date(2040, 1, 1, 0, 0, 0, 0, time.UTC).Sub(r.Clock.Now()))
	var made struct {
		Account struct{ ID account.ID }
		Token   account.Secret
	}
	r.Must(201, "POST", "/guests", "", "").JSON(t, &made)
	r.id, r.token = made.Account.ID, made.Token
	if err := r.store.Update(func(s *client.State) error { s.Device = recordedDevice; return nil }); err != nil {
		t.Fatal(err)
	}
	r.open()
	return r
}

func (r *recorder) open() {
	c, err := client.Open(client.Options{URL: r.URL, Account: r.id, Token: "a-token", Store: r.store,
		HTTP: &http.Client{Transport: r}, Now: r.now, Random: func() float64 { return 0.5 }})
	if err != nil {
		r.Fatal(err)
	}
	c.Subscribe(func(e client.Event) {
		for _, p := range e.Problems {
			r.told = append(r.told, map[string]any{"topic": p.Topic, "level": wire.Level(p.Level), "type": p.Type})
		}
	})
	r.client = c
}

func (r *recorder) now() time.Time { return r.Clock.Now().Add(r.skew) }

// step notes what was done, a second after the last.
func (r *recorder) step(do string, with map[string]any) {
	with["do"], with["now"] = do, wire.Moment{Time: r.now()}
	r.steps = append(r.steps, with)
	r.Clock.Move(time.Second)
}

func (r *recorder) set(t topic.ID, level interests.Level) {
	if err := r.client.Set(t, level); err != nil {
		r.Fatal(err)
	}
	r.step("set", map[string]any{"topic": t, "level": wire.Level(level)})
}

func (r *recorder) reload() {
	r.open()
	r.step("reload", map[string]any{})
}

func (r *recorder) see() {
	list, err := r.client.Interests()
	waiting, err2 := r.client.Waiting()
	if err := errors.Join(err, err2); err != nil {
		r.Fatal(err)
	}
	seen := []map[string]any{}
	for _, i := range list {
		seen = append(seen, map[string]any{"topic": i.Topic, "level": wire.Level(i.Level), "pending": i.Pending})
	}
	r.step("see", map[string]any{"interests": seen, "waiting": waiting})
}

func (r *recorder) sync() {
	r.calls, r.told = []map[string]any{}, []map[string]any{}
	with := map[string]any{"ends": "done"}
	err := r.client.Sync(context.Background())
	var away *client.Unavailable
	switch {
	case errors.Is(err, client.ErrSignedOut):
		with["ends"] = "stopped"
	case errors.As(err, &away):
		with["ends"], with["wait_ms"] = "retry", away.Wait.Milliseconds()
	case err != nil:
		r.Fatal(err)
	}
	with["calls"], with["problems"] = r.calls, r.told
	r.step("sync", with)
}

// lose loses the next answer.
func (r *recorder) lose() { r.losing = true }

// elsewhere is what another device does. It is not written down: the answers are.
func (r *recorder) elsewhere(method, path, body string) {
	r.Must(200, method, path, r.token, body)
	r.Clock.Move(time.Second)
}

func (r *recorder) forgetList() {
	if err := r.Store.Lists().Delete(context.Background(), r.id); err != nil {
		r.Fatal(err)
	}
}

// RoundTrip is the line between the client and the door.
func (r *recorder) RoundTrip(q *http.Request) (*http.Response, error) {
	sent, err := io.ReadAll(q.Body)
	if err != nil {
		return nil, err
	}
	got := r.Call("POST", "/interests/sync", r.token, string(sent))
	call := map[string]any{"sent": json.RawMessage(sent)}
	r.calls = append(r.calls, call)
	if r.losing {
		r.losing, call["lost"] = false, true
		return nil, errors.New("the answer is lost")
	}
	var answer map[string]any
	got.JSON(r, &answer)
	delete(answer, "request_id") // another each time
	call["status"], call["answer"] = got.StatusCode, answer
	got.Response.Body = io.NopCloser(bytes.NewReader(got.Body))
	return got.Response, nil
}

// text is the trace, a step a line.
func (r *recorder) text(about string) []byte {
	var b bytes.Buffer
	head, err := json.Marshal(about)
	if err != nil {
		r.Fatal(err)
	}
	b.WriteString(`{"about": ` + string(head) + ",\n" + ` "device": "` + recordedDevice.String() + `",` + "\n \"steps\": [\n")
	for i, s := range r.steps {
		line, err := json.Marshal(s)
		if err != nil {
			r.Fatal(err)
		}
		b.WriteString("  " + string(line))
		if i < len(r.steps)-1 {
			b.WriteByte(',')
		}
		b.WriteByte('\n')
	}
	b.WriteString(" ]}\n")
	return b.Bytes()
}
