package client_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"testing"
	"time"

	"newsfeed/interests"
	"newsfeed/interests/client"
	"newsfeed/interests/topic"
	"newsfeed/interests/wire"
	"newsfeed/storage/storagetest"
)

var (
	steps = flag.Int("steps", 12_000, "steps of the random devices")
	seed  = flag.Uint64("seed", 0, "of the random devices; 0: another each time")
)

// Devices whose clocks differ by a day edit one list through a bad line (calls and
// answers get lost, repeated, late), in two tabs, at a server that now and then
// loses edits and forgets old removals. After quiet all show what the server has,
// and nothing that a device ever knew to be at the server is undone by something
// older.
func TestRandomDevices(t *testing.T) {
	worldSeed := *seed
	if worldSeed == 0 {
		worldSeed = rand.Uint64()
	}
	left := *steps
	if testing.Short() {
		left = min(left, 2000)
	}
	t.Logf("seed %d, %d steps", worldSeed, left)
	for ; left > 0; left -= 200 {
		w := newWorld(t, worldSeed)
		for i := range 200 {
			w.where = fmt.Sprintf("-seed %d, step %d", worldSeed, i)
			w.step()
		}
		w.quiet()
		worldSeed++
	}
}

type world struct {
	t       *testing.T
	r       *rand.Rand
	where   string
	now     time.Time
	store   *storagetest.ModelLists
	lists   *interests.Lists
	backup  *storagetest.ModelLists
	devices []*device
	late    [][]byte // calls that arrive again, later
	bad     bool     // the line
	best    map[topic.ID]interests.Register
}

type device struct {
	*client.Client
	store client.Store
}

func newWorld(t *testing.T, seed uint64) *world {
	w := &world{t: t, r: rand.New(rand.NewPCG(seed, 7)), now: time.Date(2040, 1, 1, 0, 0, 0, 0, time.UTC), bad: true, best: map[topic.ID]interests.Register{}}
	w.use(storagetest.NewModelLists())
	w.backup = w.copy()
	for len(w.devices) < 2+w.r.IntN(4) {
		var store client.Store = new(client.Memory)
		if n := len(w.devices); n > 0 && w.r.IntN(3) == 0 {
			store = w.devices[n-1].store // another tab
		}
		skew := time.Duration(0)
		if w.r.IntN(2) == 0 {
			skew = time.Duration(w.r.Int64N(int64(48*time.Hour))) - 24*time.Hour
		}
		c, err := client.Open(client.Options{URL: "https://news.example", Account: traceAccount, Token: "a-token", Store: store,
			HTTP: &http.Client{Transport: w}, Now: func() time.Time { return w.now.Add(skew) }})
		if err != nil {
			t.Fatal(err)
		}
		w.devices = append(w.devices, &device{c, store})
	}
	return w
}

func (w *world) use(s *storagetest.ModelLists) {
	w.store, w.lists = s, interests.NewLists(s, func() time.Time { return w.now })
}

// copy is a backup of the server.
func (w *world) copy() *storagetest.ModelLists {
	list, err := w.store.Load(context.Background(), traceAccount)
	_, undos, err2 := w.store.Journal(context.Background(), traceAccount, 0)
	if errors.Is(err2, interests.ErrForgotten) {
		undos, err2 = nil, nil
	}
	c := storagetest.NewModelLists()
	slices.Reverse(undos)
	if err := errors.Join(err, err2, c.Swap(context.Background(), traceAccount, 0, list, time.Time{}, undos...)); err != nil {
		w.t.Fatal(err)
	}
	return c
}

var someTopics = []topic.ID{"iran", "cuba", "peru", "fiji", "oman", "chad", "são-tomé"}

func (w *world) step() {
	w.now = w.now.Add(time.Duration(w.r.Int64N(int64(3 * time.Second))))
	d := w.devices[w.r.IntN(len(w.devices))]
	id, level := someTopics[w.r.IntN(len(someTopics))], interests.Follow+interests.Level(w.r.IntN(4))
	switch n := w.r.IntN(100); {
	case n < 45:
		if err := d.Set(id, level); err != nil {
			w.t.Fatalf("%s: %v", w.where, err)
		}
	case n < 80:
		w.sync(d)
	case n < 90:
		if _, err := w.lists.Set(context.Background(), traceAccount, id, level, time.Time{}); err != nil {
			w.t.Fatalf("%s: %v", w.where, err)
		}
	case n < 94 && len(w.late) > 0:
		w.answer(w.late[w.r.IntN(len(w.late))])
	case n == 94:
		w.backup = w.copy()
	case n == 95:
		w.use(w.backup)
		w.backup = w.copy()
	case n == 96:
		w.now = w.now.Add(time.Duration(w.r.Int64N(int64(48 * time.Hour))))
	case n == 97:
		w.now = w.now.Add(time.Duration(w.r.Int64N(int64(60 * 24 * time.Hour))))
	}
}

func (w *world) sync(d *device) {
	var away *client.Unavailable
	err := d.Sync(context.Background())
	if err != nil && (!w.bad || !errors.As(err, &away)) {
		w.t.Fatalf("%s: sync: %v", w.where, err)
	}
	s, err := d.store.Read()
	if err != nil {
		w.t.Fatal(err)
	}
	for id, r := range s.Topics {
		w.best[id] = interests.Join(w.best[id], r)
	}
}

// RoundTrip is the line.
func (w *world) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	fate := 99
	if w.bad {
		fate = w.r.IntN(10)
	}
	if fate == 0 {
		return nil, errors.New("the call is lost")
	}
	if fate == 1 {
		w.answer(body) // it arrives twice
	}
	if fate < 4 {
		w.late = append(w.late, body)
	}
	text := w.answer(body)
	if fate == 2 {
		return nil, errors.New("the answer is lost")
	}
	if fate == 3 { // another tab edits before the answer is here
		d := w.devices[w.r.IntN(len(w.devices))]
		if err := d.Set(someTopics[w.r.IntN(len(someTopics))], interests.Mute); err != nil {
			w.t.Fatal(err)
		}
	}
	return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(text)), Request: r}, nil
}

// answer is the server.
func (w *world) answer(body []byte) []byte {
	var q wire.Sync[wire.Op]
	if err := wire.Decode(body, &q); err != nil || len(q.Ops) > wire.MaxOps {
		w.t.Fatalf("%s: %v in %s", w.where, err, body)
	}
	var has *interests.Known
	if q.Since != nil && q.Digest != nil {
		has = &interests.Known{Revision: *q.Since, Digest: uint64(*q.Digest)}
	}
	ops := []interests.Op{}
	for _, o := range q.Ops {
		ops = append(ops, interests.Op{ID: o.ID, Topic: o.Topic, Level: interests.Level(o.Level), At: o.At})
	}
	s, err := w.lists.Sync(context.Background(), traceAccount, has, ops, time.Time{})
	if err != nil {
		w.t.Fatalf("%s: %v", w.where, err)
	}
	a := wire.Synced[wire.Change]{Revision: s.List.Revision, Now: wire.Moment{Time: w.now}, Full: s.Full, Digest: wire.Hex(s.List.Digest()),
		Changes: []wire.Change{}, Results: []wire.Result{}}
	for _, c := range s.Changes {
		a.Changes = append(a.Changes, wire.Change{Topic: c.Topic, Level: wire.Level(c.Level), At: c.At})
	}
	for _, r := range s.Results {
		result := wire.Result{ID: r.ID, Status: r.Status}
		if r.Status == interests.Rejected {
			result.Problem = &wire.Problem{Type: string(r.Reason)}
		}
		a.Results = append(a.Results, result)
	}
	text, err := json.Marshal(a)
	if err != nil {
		w.t.Fatal(err)
	}
	return text
}

// quiet ends the faults, lets everybody sync, and looks at what they have.
func (w *world) quiet() {
	w.bad = false
	for range 3 {
		for _, d := range w.devices {
			w.now = w.now.Add(time.Minute)
			w.sync(d)
		}
	}
	list, err := w.store.Load(context.Background(), traceAccount)
	if err != nil {
		w.t.Fatal(err)
	}
	want := []client.Interest{}
	for _, i := range list.Interests() {
		want = append(want, client.Interest{Topic: i.Topic, Level: i.Level})
	}
	for n, d := range w.devices {
		if got, err := d.Interests(); err != nil || !slices.Equal(got, want) {
			w.t.Fatalf("%s: device %d shows %v (%v), the server has %v", w.where, n, got, err, want)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(w.best)) {
		best, is := w.best[id], list.Topics[id]
		is.Since = time.Time{} // the server's own note
		if interests.Join(best, is) != is && best.At.Compare(list.Floor) > 0 && best.At.Milli() > w.now.Add(-91*24*time.Hour).UnixMilli() {
			w.t.Fatalf("%s: %s is %v, and was known to be %v", w.where, id, is, best)
		}
	}
}
