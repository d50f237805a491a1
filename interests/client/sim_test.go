package client

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"newsfeed/interests"
	"newsfeed/interests/account"
	"newsfeed/interests/topic"
	"newsfeed/interests/wire"
	"newsfeed/storage/storagetest"
)

var (
	simSteps = flag.Int("sim.steps", 3_000_000, "steps of the simulation of devices and a server")
	simSeed  = flag.Uint64("sim.seed", 1, "seed of the first world of the simulation")
)

// Devices and a server go through everything that may happen to calls, clocks and
// backups; then it is quiet, and all have the same list, in which nothing is lost
// that was acknowledged and that anybody still knew. The devices are this package's,
// the server is interests.Lists over the model store; what breaks, and the seed of
// its world, is printed.
func TestSimulation(t *testing.T) {
	began, steps, worlds := time.Now(), 0, uint64(0)
	want := *simSteps
	if testing.Short() {
		want = min(want, 300_000)
	}
	total := map[string]int{}
	for steps < want && !t.Failed() {
		w := newWorld(*simSeed + worlds)
		if err := w.run(); err != nil {
			t.Errorf("-sim.seed=%d -sim.steps=1: %v", *simSeed+worlds, err)
		}
		steps += w.steps
		worlds++
		for what, n := range w.seen {
			total[what] += n
		}
	}
	t.Logf("%d steps in %d worlds from -sim.seed=%d, %.0f steps/s: %v", steps, worlds, *simSeed, float64(steps)/time.Since(began).Seconds(), total)
	if worlds > 100 {
		for _, what := range []string{"applied", "duplicate", "superseded", "clock-ahead", "too-old", "full", "restored", "again", "damaged"} {
			if total[what] == 0 {
				t.Errorf("%s never happened: the simulation shows nothing about it", what)
			}
		}
	}
}

// Worlds in which something was lost once. In the first two an edit that had been
// stamped anew for its clock arrived late under its old stamp, and won over a later
// one; in the third a backup of 92 days ago is restored.
func TestWorldsOfOld(t *testing.T) {
	for _, seed := range []uint64{13192, 20056330, 25502} {
		if err := newWorld(seed).run(); err != nil {
			t.Errorf("-sim.seed=%d: %v", seed, err)
		}
	}
}

// world is one server and some devices of one person.
type world struct {
	*rand.Rand
	now     time.Time // the true time, and the server's
	store   *storagetest.ModelLists
	lists   *interests.Lists
	id      account.ID
	restore func() // the last backup; nil: none
	lost    int    // how often the server lost edits
	jumps   int    // how often the clock moved by more than the journal remembers
	big     bool   // the list is at its limits

	devices []*simDevice
	calls   []*simCall
	topics  []topic.ID
	steps   int
	seen    map[string]int
	err     error

	before interests.List       // what the server had before the edit that is being made
	gone   []interests.Revision // that the server lost: it never had them

	last    interests.Revision              // the greatest that ever was
	acked   map[topic.ID]interests.Register // the winner of all edits that were acknowledged and that somebody has
	removed map[topic.ID]interests.Stamp    // the latest acknowledged removal
	missing registers                       // of acked, what the server lost, and had no more when it was restored
}

// simDevice is one device; its tabs share its state.
type simDevice struct {
	State
	skew        time.Duration
	lost, jumps int                          // of the world, when it last heard of the server
	own         map[topic.ID]interests.Level // what its person last said
}

func (d *simDevice) id() interests.Device { return interests.Device(d.Device) }

// simCall is a call under way, or its answer.
type simCall struct {
	from *simDevice
	q    question
	a    *answer
	lost int // of the world, when the server answered
	jump int
}

func newWorld(seed uint64) *world {
	r := rand.New(rand.NewPCG(seed, seed))
	w := &world{
		Rand: r, now: time.UnixMilli(1_790_000_000_000), store: storagetest.NewModelLists(), id: account.ID{1},
		seen: map[string]int{}, acked: registers{}, removed: map[topic.ID]interests.Stamp{}, missing: registers{},
		big: seed%1000 == 7,
	}
	w.lists = interests.NewLists(rivals{w.store, w}, func() time.Time { return w.now })
	for i := range 2 + r.IntN(5) {
		w.topics = append(w.topics, topic.ID(fmt.Sprint("t", i)))
	}
	for i := range 2 + r.IntN(7) {
		d := &simDevice{own: map[topic.ID]interests.Level{}}
		d.Device, d.Account, d.Topics = wire.Hex(i+1), w.id, registers{}
		if r.IntN(3) > 0 {
			d.skew = time.Duration(r.Int64N(int64(48*time.Hour))) - 24*time.Hour
		}
		w.devices = append(w.devices, d)
	}
	if w.big {
		w.fill()
	}
	return w
}

// fill makes a list that is almost at its limits.
func (w *world) fill() {
	list := interests.List{Revision: 1, Topics: map[topic.ID]interests.Register{}}
	for i := range interests.MaxFollowed + interests.MaxMuted + interests.MaxTombstones - 1 {
		level := []interests.Level{interests.None, interests.Mute, interests.None, interests.Follow}[i%4]
		r := interests.Register{Level: level, At: interests.NewStamp(w.now.Add(time.Duration(i-5000)*time.Second), 0, 0)}
		list.Topics[topic.ID(fmt.Sprint("x", i))] = r
	}
	if err := w.store.Swap(context.Background(), w.id, 0, list, time.Time{}); err != nil {
		panic(err)
	}
	w.last = 1
}

// rivals is the store, into which another node writes now and then between what
// is read and what is written.
type rivals struct {
	*storagetest.ModelLists
	w *world
}

// Swap lets another edit come first, at times.
func (r rivals) Swap(ctx context.Context, id account.ID, from interests.Revision, next interests.List, until time.Time, undos ...interests.Undo) error {
	if w := r.w; w.IntN(100) == 0 {
		ours, node := w.lists, interests.NewLists(w.store, func() time.Time { return w.now })
		w.lists = node
		w.put()
		w.lists, w.before = ours, w.list()
	}
	return r.ModelLists.Swap(ctx, id, from, next, until, undos...)
}

func (w *world) fail(format string, args ...any) {
	if w.err == nil {
		w.err = fmt.Errorf("step %d: "+format, append([]any{w.steps}, args...)...)
	}
}

func (w *world) run() error {
	most := 400
	if w.big {
		most = 60
	}
	for w.steps < most && w.err == nil {
		w.steps++
		w.step()
	}
	w.quiet()
	return w.err
}

func (w *world) step() {
	d := w.devices[w.IntN(len(w.devices))]
	switch n := w.IntN(1000); {
	case n < 220:
		w.edit(d)
	case n < 480:
		w.ask(d)
	case n < 780:
		w.arrive()
	case n < 830:
		w.put()
	case n < 980:
		w.now = w.now.Add(time.Duration(w.IntN(4000)) * time.Millisecond)
	case n < 984:
		w.move(time.Duration(w.IntN(120)) * time.Minute)
	case n < 986:
		w.move(time.Duration(w.IntN(95*24)) * time.Hour)
	case n < 992:
		w.restore = w.store.Backup()
	case n == 994:
		w.damage(d)
	case n < 994 && w.restore != nil:
		w.now = w.now.Add(time.Second) // which is what keeps revisions from repeating
		revision := w.list().Revision
		if w.restore(); w.list().Revision != revision {
			w.gone = append(w.gone, revision)
		}
		w.afterRestore()
	}
}

func (w *world) move(d time.Duration) {
	w.now = w.now.Add(d)
	w.jumps++
}

// edit is a person's press on a device.
func (w *world) edit(d *simDevice) {
	id, level := w.topics[w.IntN(len(w.topics))], interests.Level(1+w.IntN(4))
	if w.big && w.IntN(2) == 0 {
		id, level = topic.ID(fmt.Sprint("y", w.IntN(2000))), interests.None
	}
	if err := d.set(id, level, w.now.Add(d.skew)); err != nil {
		w.fail("%v", err)
	}
	d.own[id] = level
	if w.IntN(300) == 0 { // a counter that would close the next second to everybody else
		last := &d.Pending[len(d.Pending)-1]
		last.At = interests.NewStamp(w.now.Add(time.Second), uint16(0x8000+w.IntN(0x8000)), d.id())
		d.see(last.At)
	}
}

// ask sends a call, unless both tabs wait for an answer.
func (w *world) ask(d *simDevice) {
	waiting := 0
	for _, c := range w.calls {
		if c.from == d {
			waiting++
		}
	}
	if waiting < 2 {
		w.calls = append(w.calls, &simCall{from: d, q: d.question()})
	}
}

// arrive lets one of the calls or answers under way arrive, in any order; or it
// is lost, or arrives and will arrive again.
func (w *world) arrive() {
	if len(w.calls) == 0 {
		return
	}
	i := w.IntN(len(w.calls))
	c := w.calls[i]
	fate := w.IntN(20)
	if fate < 3 {
		w.calls = slices.Delete(w.calls, i, i+1)
		return
	}
	if c.a == nil {
		w.serve(c)
		if fate < 5 {
			w.calls = append(w.calls, &simCall{from: c.from, q: c.q})
		}
		return
	}
	if fate >= 5 {
		w.calls = slices.Delete(w.calls, i, i+1)
	}
	w.hear(c)
}

// serve answers a call as the server does.
func (w *world) serve(c *simCall) {
	var has *interests.Known
	if c.q.Since != nil {
		has = &interests.Known{Revision: *c.q.Since, Digest: uint64(*c.q.Digest)}
	}
	ops := make([]interests.Op, len(c.q.Ops))
	for i, op := range c.q.Ops {
		ops[i] = interests.Op{ID: op.ID, Topic: op.Topic, Level: interests.Level(op.Level), At: op.At}
	}
	w.before = w.list()
	s, err := w.lists.Sync(context.Background(), w.id, has, ops, time.Time{})
	if err != nil {
		w.fail("sync: %v", err)
		return
	}
	a := &answer{Revision: s.List.Revision, Now: wire.Moment{Time: w.now}, Full: s.Full, Digest: wire.Hex(s.List.Digest())}
	for _, change := range s.Changes {
		a.Changes = append(a.Changes, wire.Change{Topic: change.Topic, Level: wire.Level(change.Level), At: change.At})
	}
	for i, r := range s.Results {
		result := wire.Result{ID: r.ID, Status: r.Status}
		what := string(r.Status)
		if r.Status == interests.Rejected {
			result.Problem = &wire.Problem{Type: string(r.Reason)}
			what = string(r.Reason)
		}
		w.seen[what]++
		a.Results = append(a.Results, result)
		w.judge(w.before, ops, i, r)
		if r.Status != interests.Rejected {
			w.acknowledge(ops[i].Topic, interests.Register{Level: ops[i].Level, At: ops[i].At})
		}
	}
	c.a, c.lost, c.jump = a, w.lost, w.jumps
	w.look(w.before, s.List)
	if !s.Full && c.from.lost < 0 {
		if then, err := w.lists.At(context.Background(), w.id, has.Revision); err == nil && digest(then) != has.Digest {
			w.fail("not full to a device that had digest %016x at revision %d, where the list had %016x", has.Digest, has.Revision, digest(then))
		}
	}
	if s.Full && has != nil {
		w.seen["full"]++
		if d := c.from; d.lost == w.lost && d.jumps == w.jumps && d.asks(c.q) && wire.Hex(d.digest()) == *c.q.Digest {
			w.fail("full to a device that had revision %d, which is remembered", has.Revision)
		}
	}
}

// damage lets a device forget what it has of a topic, as a disk may. By the digest
// the server notices, and tells it everything.
func (w *world) damage(d *simDevice) {
	for id, r := range d.Topics {
		if r.Level == interests.None || slices.ContainsFunc(d.Pending, func(e Edit) bool { return e.Topic == id }) {
			continue
		}
		if r.At.Compare(w.list().Topics[id].At) <= 0 { // else nobody else may have it
			delete(d.Topics, id)
			d.lost = -1 // until a full answer, its digest is another
			w.seen["damaged"]++
		}
		return
	}
}

// put is an edit by another way than a sync: it wins over all that was before it.
func (w *world) put() {
	id, level := w.topics[w.IntN(len(w.topics))], interests.Level(1+w.IntN(4))
	w.before = w.list()
	list, err := w.lists.Set(context.Background(), w.id, id, level, time.Time{})
	if err != nil {
		if !w.big {
			w.fail("put: %v", err)
		}
		return
	}
	r, ok := list.Topics[id]
	if !ok || r.Level != level {
		w.fail("put %s of %s, and it is %+v", level, id, r)
	}
	w.acknowledge(id, interests.Register{Level: level, At: r.At})
	w.look(w.before, list)
}

// hear gives an answer to the device, if it still waits for that.
func (w *world) hear(c *simCall) {
	d := c.from
	if !d.asks(c.q) {
		return
	}
	problems, err := d.reconcile(c.q, *c.a, w.now.Add(d.skew))
	if err != nil {
		w.fail("reconcile: %v", err)
		return
	}
	if damaged := d.lost < 0; !d.Known && !damaged {
		w.fail("after an answer (full: %v) the device has digest %016x, the server %s", c.a.Full, d.digest(), c.a.Digest)
	}
	if d.lost >= 0 || c.a.Full {
		d.lost = c.lost
	}
	d.jumps = c.jump
	for _, p := range problems {
		delete(d.own, p.Topic)
	}
	for _, e := range d.Pending {
		if e.Again {
			w.seen["again"]++
		}
		if e.At == interests.NewStamp(time.UnixMilli(e.At.Milli()), e.At.Counter(), d.id()) {
			d.own[e.Topic] = e.Level
		}
	}
}

// afterRestore: what nobody has any more is no more to be found.
func (w *world) afterRestore() {
	w.lost++
	w.seen["restored"]++
	list := w.list()
	known := registers{}
	maps.Copy(known, list.Topics)
	for _, d := range w.devices {
		for id, r := range d.Topics {
			if old, ok := known[id]; !ok || greater(r, old) {
				known[id] = r
			}
		}
		waits := func(id topic.ID) bool {
			return slices.ContainsFunc(d.Pending, func(e Edit) bool { return e.Topic == id })
		}
		maps.DeleteFunc(d.own, func(id topic.ID, _ interests.Level) bool {
			_, has := d.Topics[id]
			return !has && !waits(id) // a removal that was forgotten for its age, before the server forgot that it had
		})
	}
	for id, r := range w.acked {
		if k, ok := known[id]; !ok {
			delete(w.acked, id)
		} else if greater(r, k) {
			w.acked[id] = k
		}
	}
	for id, r := range w.acked {
		if is, ok := list.Topics[id]; !ok || greater(r, is) {
			w.missing[id] = r
		}
	}
	for id, at := range w.removed {
		if r, ok := list.Topics[id]; ok && r.At.Compare(at) < 0 || !ok && list.Floor.Compare(at) < 0 {
			delete(w.removed, id)
		}
	}
}
