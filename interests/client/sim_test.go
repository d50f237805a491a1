package client

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"hash/fnv"
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

// judge holds the answer to an edit against the rules, as far as they can be said
// of it alone.
func (w *world) judge(before interests.List, ops []interests.Op, i int, r interests.Result) {
	ms, clock, at := ops[i].At.Milli(), w.now.UnixMilli(), ops[i].At
	switch {
	case r.Reason == interests.ClockAhead && (ms <= clock || ms <= clock+120_000 && at.Counter() <= 0x7fff):
		w.fail("%s is refused as ahead of %d", at, clock)
	case r.Reason == interests.TooOld && at.Compare(w.list().Floor) > 0:
		w.fail("%s is refused as older than the floor %s", at, w.list().Floor)
	case r.Reason == interests.ListFull && !w.big:
		w.fail("a list of %d topics is full", len(before.Topics))
	case r.Status != interests.Rejected && ms > clock+120_000:
		w.fail("%s is admitted at %d", at, clock)
	case r.Status != interests.Rejected && ms > clock && at.Counter() > 0x7fff:
		w.fail("%s is admitted at %d, with that counter", at, clock)
	}
	if len(ops) > 1 {
		return
	}
	old, present := before.Topics[ops[i].Topic]
	mine := interests.Register{Level: ops[i].Level, At: at}
	want := interests.Applied
	switch c := at.Compare(old.At); {
	case !present && !before.Floor.IsZero() && at.Compare(before.Floor) <= 0:
		want = interests.Rejected
	case present && c == 0 && old.Level == mine.Level:
		want = interests.Duplicate
	case present && (c < 0 || c == 0 && mine.Level < old.Level):
		want = interests.Superseded
	}
	if r.Status != want && r.Reason != interests.ClockAhead && r.Reason != interests.ListFull {
		w.fail("%+v onto %+v is %s %s, want %s", mine, old, r.Status, r.Reason, want)
	}
}

// look holds every list that the server has against what holds of all lists.
func (w *world) look(before, list interests.List) {
	if list.Revision != before.Revision {
		if list.Revision <= w.last || list.Revision < interests.Revision(w.now.UnixMilli()) {
			w.fail("revision %d after %d, at %d", list.Revision, w.last, w.now.UnixMilli())
		}
		w.last = list.Revision
		if list.Floor.Compare(before.Floor) < 0 {
			w.fail("the floor sank from %s to %s", before.Floor, list.Floor)
		}
	}
	var forgotten interests.Stamp // the latest removal that is remembered no more
	for id, r := range before.Topics {
		if _, ok := list.Topics[id]; !ok && r.At.Compare(forgotten) > 0 {
			forgotten = r.At
		}
	}
	tombs := 0
	for id, r := range list.Topics {
		if r.Level == interests.None {
			if tombs++; r.At.Compare(forgotten) < 0 {
				w.fail("the removal of %s, from %s, is remembered, and not that from %s", id, r.At, forgotten)
			}
			if list.Revision != before.Revision && w.now.Sub(time.UnixMilli(r.At.Milli())) > 90*24*time.Hour {
				w.fail("the removal of %s is kept from %s", id, r.At)
			}
			continue
		}
		if r.At.Compare(w.removed[id]) < 0 {
			w.fail("%s is back with %s, after it was removed with %s", id, r.At, w.removed[id])
		}
		if !w.big && (r.Since.After(w.now) || r.Since.IsZero()) {
			w.fail("%s is in the list since %s", id, r.Since)
		}
		if was, ok := before.Topics[id]; ok && was.Level != interests.None && !was.Since.Equal(r.Since) {
			w.fail("%s was in the list since %s, now since %s", id, was.Since, r.Since)
		}
	}
	if followed, muted := list.Count(); followed > 500 || muted > 500 || tombs > 1000 {
		w.fail("the list has %d followed, %d muted, %d removed", followed, muted, tombs)
	}
}

func (w *world) acknowledge(id topic.ID, r interests.Register) {
	if old, ok := w.acked[id]; !ok || !greater(old, r) {
		w.acked[id] = r
		delete(w.missing, id)
	}
	if r.Level == interests.None && r.At.Compare(w.removed[id]) > 0 {
		w.removed[id] = r.At
	}
}

// greater is the rule of the join, said once more.
func greater(a, b interests.Register) bool {
	return a.At.String() > b.At.String() || a.At == b.At && a.Level > b.Level
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

// digest is what the contract says of it, said once more.
func digest(list interests.List) (sum uint64) {
	for id, r := range list.Topics {
		if r.Level != interests.None {
			h := fnv.New64a()
			fmt.Fprintf(h, "%s\x00%s\x00%s", id, r.Level, r.At)
			sum += h.Sum64()
		}
	}
	return sum
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

func (w *world) list() interests.List {
	list, err := w.store.Load(context.Background(), w.id)
	if err != nil {
		w.fail("load: %v", err)
	}
	return list
}

// tooOld: a removal that is remembered no more; or what the server itself lost when
// it was restored, and what has it came back only when the removals of that time
// were forgotten, 90 days later. It cannot be told then from what was removed and
// the removal forgotten, and that may not come undone (DECISIONS.md, "What a server
// lost can be too old for it").
func (w *world) tooOld(id topic.ID, acked interests.Register, list interests.List) bool {
	if acked.At.Compare(list.Floor) > 0 {
		return false
	}
	age := w.now.Sub(time.UnixMilli(acked.At.Milli()))
	return acked.Level == interests.None || w.missing[id] == acked && (age >= 90*24*time.Hour || w.big)
}

// quiet: no call is lost any more, and all devices ask until they have nothing to
// say. Then all is equal, and everything is there.
func (w *world) quiet() {
	w.calls = nil
	for range 4 {
		w.now = w.now.Add(3 * time.Minute)
		for _, d := range w.devices {
			for try := 0; (try == 0 || len(d.Pending) > 0) && w.err == nil; try++ {
				c := &simCall{from: d, q: d.question()}
				if w.serve(c); w.err == nil {
					w.hear(c)
				}
				if try > 40 {
					w.fail("device %d never comes to rest: %+v", d.Device, d.Pending)
				}
			}
		}
	}
	if w.err != nil {
		return
	}
	for _, revision := range w.gone {
		if _, err := w.lists.At(context.Background(), w.id, revision); !errors.Is(err, interests.ErrForgotten) && revision > 0 {
			w.fail("the list at revision %d, which it lost, is %v", revision, err)
		}
	}
	list := w.list()
	if got, want := list.Digest(), digest(list); got != want {
		w.fail("the digest is %016x, want %016x", got, want)
	}
	for _, d := range w.devices {
		if wire.Hex(d.digest()) != wire.Hex(list.Digest()) || d.Revision != list.Revision {
			w.fail("device %d has revision %d, digest %016x; the server %d, %016x", d.Device, d.Revision, d.digest(), list.Revision, list.Digest())
		}
		for id, r := range list.Topics {
			if got := d.Topics[id]; got.Level != r.Level && r.Level != interests.None {
				w.fail("device %d has %+v of %s, the server %+v", d.Device, got, id, r)
			}
		}
	}
	for id, want := range w.acked {
		got, ok := list.Topics[id]
		switch {
		case !ok && w.tooOld(id, want, list):
			if want.Level != interests.None {
				w.seen["lost and too old"]++
			}
		case !ok || greater(want, got):
			w.fail("%s was acknowledged with %+v, and is %+v (floor %s)", id, want, got, list.Floor)
		}
	}
	for _, d := range w.devices {
		for id, level := range d.own {
			r, ok := list.Topics[id]
			mine := r.At == interests.NewStamp(time.UnixMilli(r.At.Milli()), r.At.Counter(), d.id())
			if ok && mine && r.Level != level {
				w.fail("device %d last said %s of %s, and its %s stands", d.Device, level, id, r.Level)
			}
		}
	}
}
