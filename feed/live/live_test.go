package live_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"newsfeed/feed/live"
	"newsfeed/interests/athand"
)

// A client that knows nothing is told both revisions; then it hears of each
// change that is told, at once, and of the newest only when it is slow.
func TestChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t, newStores())
		me, other := n.someone("iran"), n.someone()
		r := n.edit(me, "chad")
		s := n.open(me, nil)
		n.wantEvent(s, live.List, r)
		n.wantEvent(s, live.Marks, 0)
		began := time.Now()
		n.edit(other, "iran")
		n.wantEvent(s, live.List, n.edit(me, "cuba"))
		n.wantEvent(s, live.Marks, n.mark(me))
		if waited := time.Since(began); waited > 0 {
			t.Errorf("what was told took %v", waited)
		}
		for range 1000 {
			r = n.edit(me, "cuba")
		}
		n.wantEvent(s, live.List, r)
		if e, err := s.Next(14 * time.Second); !errors.Is(err, live.ErrQuiet) {
			t.Errorf("%v, %v: want nothing more", e, err)
		}
	})
}

// Whoever comes back with the state they were last told hears of what changed
// since, and of nothing else; on another node too.
func TestComeBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := newStores()
		a, b := newNode(t, all), newNode(t, all)
		me := a.someone("iran")
		s := a.open(me, nil)
		s.Now()
		first, _ := s.Now()
		s.Close()
		again := b.open(me, &first.State)
		if e, ok := again.Now(); ok {
			t.Errorf("nothing happened, and it is told %v", e)
		}
		again.Close()
		list, marks := b.edit(me, "chad"), b.mark(me)
		s = a.open(me, &first.State)
		half := a.wantEvent(s, live.List, list)
		s.Close() // in the middle
		s = b.open(me, &half)
		last := b.wantEvent(s, live.Marks, marks)
		if parsed, ok := live.ParseState(last.String()); !ok || parsed != last {
			t.Errorf("%+v is written %q and read %+v", last, last, parsed)
		}
	})
}

// What nobody told of is found: while the line is broken, and after it was; a
// record that lost edits is believed.
func TestUntold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := newStores()
		here, there := newNode(t, all), newNode(t, all)
		me := here.someone("iran")
		s := here.open(me, nil)
		s.Now()
		s.Now()
		before, err := all.lists.Load(t.Context(), me.session.Account)
		if err != nil {
			t.Fatal(err)
		}
		here.line.set(true)
		here.wantEvent(s, live.List, there.edit(me, "chad"))
		here.wantEvent(s, live.Marks, there.mark(me))
		r := there.edit(me, "cuba")
		time.Sleep(time.Millisecond)
		here.line.set(false)
		here.wantEvent(s, live.List, r)
		here.wantEvent(s, live.List, there.edit(me, "fiji"))

		all.set(true)
		here.line.set(true)
		r = there.edit(me, "peru") // by who still reaches the store
		time.Sleep(10 * time.Second)
		if e, ok := s.Now(); ok {
			t.Errorf("without a store it is told %v", e)
		}
		all.set(false)
		here.wantEvent(s, live.List, r)

		if err := all.lists.Delete(t.Context(), me.session.Account); err != nil {
			t.Fatal(err)
		}
		if err := all.lists.Swap(t.Context(), me.session.Account, 0, before, time.Time{}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Millisecond)
		here.line.set(false)
		here.wantEvent(s, live.List, before.Revision)
	})
}

// A stream ends within two seconds of its session, told of or not, and goes on
// when that cannot be known.
func TestSignedOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := newStores()
		here, there := newNode(t, all), newNode(t, all)
		for _, told := range []bool{true, false} {
			me := here.someone("iran")
			s := here.open(me, nil)
			here.line.set(!told)
			if err := there.People.End(t.Context(), me.token); err != nil {
				t.Fatal(err)
			}
			ended := time.Now()
			here.line.tell(athand.Change{Of: athand.Session, Key: athand.Key(me.token.Hash())})
			here.wantEnd(s, live.ErrSignedOut)
			if took := time.Since(ended); took > 2500*time.Millisecond {
				t.Errorf("told %t: the stream ended after %v", told, took)
			}
			if _, err := here.Open(t.Context(), here.asked(me, nil)); err != nil && !errors.Is(err, live.ErrSignedOut) {
				t.Errorf("a stream of a session that has ended: %v", err)
			}
		}
		me := here.someone("iran")
		s := here.open(me, nil)
		all.set(true)
		here.line.set(true)
		for {
			_, err := s.Next(time.Minute)
			if errors.Is(err, live.ErrQuiet) {
				break
			}
			if err != nil {
				t.Fatalf("the store is away, and the stream ends: %v", err)
			}
		}
	})
}

// Streams have their bounds: a person's ninth ends the first, a node is full at
// some time, a closed one takes none.
func TestBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t, newStores())
		me := n.someone("iran")
		var mine []*live.Stream
		for range live.MaxAPerson + 2 {
			mine = append(mine, n.open(me, nil))
		}
		n.wantEnd(mine[0], live.ErrCrowded)
		n.wantEnd(mine[1], live.ErrCrowded)
		n.wantEvent(mine[2], live.List, n.edit(me, "iran"))
		if got := n.Streams(); got != live.MaxAPerson+2 {
			t.Errorf("%d streams before the ended ones have left", got)
		}
		for _, s := range mine[:3] {
			s.Close()
			s.Close()
		}
		if got := n.Streams(); got != live.MaxAPerson-1 {
			t.Errorf("%d streams, want %d", got, live.MaxAPerson-1)
		}
		n.SetMost(live.MaxAPerson)
		n.open(me, nil)
		if _, err := n.Open(t.Context(), n.asked(me, nil)); !errors.Is(err, live.ErrFull) {
			t.Errorf("on a full node: %v", err)
		}
		n.Close()
		n.wantEnd(mine[3], live.ErrClosed)
		if _, err := n.Open(t.Context(), n.asked(me, nil)); !errors.Is(err, live.ErrClosed) {
			t.Errorf("on a closed node: %v", err)
		}
	})
}

// Newer is told at once, then at most once in 15 seconds; counted from the
// beginning of the stream, also by one who comes back; and only to those whose
// topics an entry touched.
func TestNewer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t, newStores())
		for range 3 {
			n.publish("iran")
		}
		me, other := n.someone("iran"), n.someone("chad")
		s, theirs := n.open(me, nil), n.open(other, nil)
		for _, stream := range []*live.Stream{s, theirs} {
			stream.Now()
			stream.Now()
		}
		n.publish("iran")
		n.wantEvent(s, live.Newer, 1)
		began := time.Now()
		for range 10 {
			n.publish("iran")
			time.Sleep(time.Second)
		}
		known := n.wantEvent(s, live.Newer, 11)
		if took := time.Since(began); took < 14*time.Second {
			t.Errorf("told again after %v", took)
		}
		s.Close()
		n.publish("iran")
		time.Sleep(time.Minute)
		s = n.open(me, &known)
		n.wantEvent(s, live.Newer, 12)
		if e, ok := theirs.Now(); ok {
			t.Errorf("who follows something else is told %v", e)
		}
		// Nobody gets round the pace by coming back.
		told := 0
		for began := time.Now(); time.Since(began) < time.Minute; {
			n.publish("iran")
			s.Close()
			s = n.open(me, &known)
			if e, err := s.Next(time.Second); err == nil {
				known = e.State
				told++
			}
		}
		if told > 5 || told < 3 {
			t.Errorf("told %d times in a minute", told)
		}
		// A follow brings what entered since, and only that.
		_, quiet := theirs.Next(time.Second)
		n.publish("peru")
		n.edit(other, "iran")
		list, err := theirs.Next(time.Minute)
		newer, err2 := theirs.Next(time.Minute)
		if err = errors.Join(err, err2); err != nil || list.Of != live.List || newer.Of != live.Newer || newer.Value == 0 || newer.Value > 99 {
			t.Errorf("after a follow: %v %v, %v (%v)", list, newer, err, quiet)
		}
	})
}

// A log that was restored begins anew: newer is counted from there.
func TestRestoredLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t, newStores())
		n.publish("iran")
		me := n.someone("iran")
		s := n.open(me, &live.State{Edition: 70, Newer: 5})
		n.wantEvent(s, live.List, n.edit(me, "iran"))
		n.wantEvent(s, live.Newer, 0)
		n.publish("iran")
		n.wantEvent(s, live.Newer, 1)
	})
}

// What is no state is none.
func TestParseState(t *testing.T) {
	for _, text := range []string{"", "1", "1-2-3", "1-2-3-4-5", "a-2-3-4", "1-2-3-100", "-1-2-3-4", "1-2-3-", "1-2-3-4 ", "9223372036854775808-1-1-1", "1-2--3"} {
		if s, ok := live.ParseState(text); ok {
			t.Errorf("%q is read as %+v", text, s)
		}
	}
}

// Random edits on two nodes, by several people with several clients that break
// off and come back to any node, while lines break and announcements get lost
// with them, stores go away, and records lose edits: after quiet every client
// knows what is so, and none was ever told the same twice.
func TestNobodyMissesAnything(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	for _, complaint := range hunt(t, seed, false) {
		t.Error(complaint)
	}
}

// The hunt finds nodes that are told nothing while their lines vouch for it.
func TestDeafNodesAreCaught(t *testing.T) {
	if len(hunt(t, 1, true)) == 0 {
		t.Error("nodes that hear nothing were not caught")
	}
}

func hunt(t *testing.T, seed uint64, deaf bool) (complaints []string) {
	synctest.Test(t, func(t *testing.T) {
		all := newStores()
		nodes := []*node{newNode(t, all), newNode(t, all)}
		var (
			mu       sync.Mutex
			group    sync.WaitGroup
			quiet    = make(chan struct{})
			finish   = make(chan struct{})
			everyone []someone
		)
		news := rand.New(rand.NewPCG(seed, 100))
		all.announce = func(c athand.Change) { // a little later, in no order
			for _, n := range nodes {
				late := time.Duration(news.IntN(300)) * time.Millisecond
				time.AfterFunc(late, func() {
					if !deaf {
						n.line.tell(c)
					}
				})
			}
		}
		complain := func(format string, args ...any) {
			mu.Lock()
			defer mu.Unlock()
			complaints = append(complaints, fmt.Sprintf(format, args...))
		}
		for range 4 {
			everyone = append(everyone, nodes[0].someone("iran"))
		}
		for i := range 12 {
			random := rand.New(rand.NewPCG(seed, uint64(i)))
			c := &client{who: everyone[i%4], nodes: nodes, random: random, complain: complain}
			group.Go(func() { c.listen(t, quiet, finish) })
		}
		random := rand.New(rand.NewPCG(seed, 99))
		for range 600 {
			time.Sleep(time.Duration(random.IntN(200)) * time.Millisecond)
			who, at := everyone[random.IntN(4)], nodes[random.IntN(2)]
			switch dice := random.IntN(100); {
			case deaf:
				at.edit(who, "chad")
			case dice < 2:
				all.set(true)
				time.Sleep(time.Duration(random.IntN(4000)) * time.Millisecond)
				all.set(false)
			case dice < 10:
				at.line.set(random.IntN(2) == 0)
			case dice < 12:
				loseEdits(t, all, who)
				for _, n := range nodes {
					n.line.set(false) // a restart of the store breaks lines
				}
			case dice < 60:
				at.edit(who, "chad")
			default:
				at.mark(who)
			}
		}
		close(quiet)
		time.Sleep(20 * time.Second)
		close(finish)
		group.Wait()
	})
	return complaints
}

// loseEdits takes a record back to nothing, as a server does that comes back
// without its last second.
func loseEdits(t *testing.T, all *stores, who someone) {
	list, err := all.lists.Load(t.Context(), who.session.Account)
	if err == nil {
		err = all.lists.Delete(t.Context(), who.session.Account)
	}
	if err == nil && list.Revision > 10 {
		list.Revision -= 10
		err = all.lists.Swap(t.Context(), who.session.Account, 0, list, time.Time{})
	}
	if err != nil {
		t.Error(err)
	}
}

// client is one that listens, breaks off, and comes back.
type client struct {
	who      someone
	nodes    []*node
	random   *rand.Rand
	known    *live.State
	complain func(string, ...any)
}

func (c *client) listen(t *testing.T, quiet, finish chan struct{}) {
	for {
		n := c.nodes[c.random.IntN(2)]
		s, err := n.Open(t.Context(), n.asked(c.who, c.known))
		if err != nil { // the store is away
			time.Sleep(time.Second)
			continue
		}
		over := make(chan struct{})
		stop := time.AfterFunc(time.Duration(c.random.IntN(8000))*time.Millisecond, func() {
			select {
			case <-quiet:
			default:
				close(over)
			}
		})
		done := c.hear(s, over, finish)
		stop.Stop()
		s.Close()
		if done {
			c.check(t)
			return
		}
	}
}

// hear listens until it breaks off; true at the end of all.
func (c *client) hear(s *live.Stream, over, finish chan struct{}) bool {
	for {
		select {
		case <-finish:
			return true
		case <-over:
			return false
		default:
		}
		e, err := s.Next(100 * time.Millisecond)
		if errors.Is(err, live.ErrQuiet) {
			continue
		}
		if err != nil {
			c.complain("the stream ended: %v", err)
			return false
		}
		if c.known != nil && *c.known == e.State && c.known.Marks != 0 {
			c.complain("told again what was known: %+v", e)
		}
		c.known = &e.State
	}
}

func (c *client) check(t *testing.T) {
	list, err := c.nodes[0].lists.Load(t.Context(), c.who.session.Account)
	set, err2 := c.nodes[0].marks.Load(t.Context(), c.who.session.Account)
	if err = errors.Join(err, err2); err != nil {
		t.Error(err)
	}
	if c.known == nil || c.known.List != list.Revision || c.known.Marks != set.Revision {
		c.complain("a client knows %+v, and the revisions are %d and %d", c.known, list.Revision, set.Revision)
	}
}
