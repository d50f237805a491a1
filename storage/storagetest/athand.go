package storagetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"newsfeed/feed"
	"newsfeed/interests"
	"newsfeed/interests/account"
	"newsfeed/interests/athand"
	"newsfeed/interests/topic"
)

// AtHand proves that what nodes keep at hand over an implementation is never
// older than it may be.
func AtHand(t *testing.T, fresh Fresh[People]) {
	run(t, "at hand", fresh, []testCase[People]{
		{name: "with the revision of an edit, no node answers from before it; without, from two seconds before at most", run: atHandFresh},
		{name: "a node that does not listen while its channel vouches is caught", run: atHandDeaf},
		{name: "a session that was ended is refused at once here, and in two seconds by others", run: atHandSessions},
		{name: "a lost server leaves the last known feed, but none older than asked for, and no edits", server: true, run: atHandLost},
		{name: "when a server is back, what others edit is seen", server: true, run: atHandBack},
	})
}

// atHand is what one node knows of people.
type atHand struct {
	people *account.People
	feed.Belongings
	changes athand.Announcements
}

func remember(t testing.TB, p People) *atHand {
	n := &atHand{
		people:     account.NewPeople(p.Sessions, time.Now),
		Belongings: feed.Belongings{Lists: interests.NewLists(p.Lists, time.Now), Marks: feed.NewMarkSets(p.Marks, time.Now), Together: p.Together},
		changes:    p.Changes,
	}
	n.people.Remember(p.Changes, 100)
	n.Lists.Remember(p.Changes, 100)
	n.Marks.Remember(p.Changes, 100)
	t.Cleanup(func() {
		n.people.Close()
		n.Lists.Close()
		n.Marks.Close()
	})
	return n
}

func (n *atHand) await(t testing.TB) {
	t.Helper()
	eventually(t, "the channel is open", func() bool { return n.changes.Vouch(time.Now(), time.Now()) })
}

func rememberAll(t *testing.T, h Harness[People], nodes int) []*atHand {
	t.Helper()
	var all []*atHand
	for _, p := range h.Nodes(t, nodes) {
		n := remember(t, p)
		n.await(t)
		all = append(all, n)
	}
	return all
}

func atHandFresh(t *testing.T, h Harness[People]) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	nodes := rememberAll(t, h, 3)
	if stale, reads := huntStale(t, nodes, seed, 3*time.Second); stale > 0 {
		t.Errorf("%d of %d reads were stale", stale, reads)
	} else {
		t.Logf("%d reads, none stale", reads)
	}
}

// AtHandDisturbed proves the same of freshness while something disturbs the
// channel again and again.
func AtHandDisturbed(t *testing.T, fresh Fresh[People], disturb func()) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	nodes := rememberAll(t, fresh(t), 3)
	done := make(chan struct{})
	var disturber sync.WaitGroup
	disturber.Go(func() {
		for {
			select {
			case <-done:
				return
			case <-time.After(150 * time.Millisecond):
				disturb()
			}
		}
	})
	stale, reads := huntStale(t, nodes, seed, 4*time.Second)
	close(done)
	disturber.Wait()
	t.Logf("%d of %d reads were stale", stale, reads)
	if stale > 0 {
		t.Fail()
	}
}

// deaf vouches, and tells nobody.
type deaf struct{}

func (deaf) Listen(func(athand.Change)) func() { return func() {} }
func (deaf) Vouch(_, _ time.Time) bool         { return true }

func atHandDeaf(t *testing.T, h Harness[People]) {
	var nodes []*atHand
	for _, p := range h.Nodes(t, 2) {
		p.Changes = deaf{}
		nodes = append(nodes, remember(t, p))
	}
	if stale, reads := huntStale(t, nodes, 1, 3*time.Second); stale == 0 {
		t.Errorf("none of %d reads was stale", reads)
	}
}

// acknowledged is what a person's edits have come to.
type acknowledged struct {
	id   account.ID
	mu   sync.Mutex // guards past
	past []ackedList
}

type ackedList struct {
	at       time.Time
	revision interests.Revision
}

func (a *acknowledged) add(r interests.Revision) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.past = append(a.past, ackedList{time.Now(), r})
}

// before returns the greatest revision that was acknowledged before a moment.
func (a *acknowledged) before(at time.Time) (r interests.Revision) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, p := range a.past {
		if p.at.Before(at) {
			r = max(r, p.revision)
		}
	}
	return r
}

// huntStale lets workers edit and read a few people on all nodes in turn, and
// counts reads that are older than they may be: than the revision asked for, than
// what was acknowledged two seconds before, and on the node that edited, than that.
func huntStale(t *testing.T, nodes []*atHand, seed uint64, length time.Duration) (stale, reads int64) {
	const people, workers = 6, 8
	var (
		folk       [people]acknowledged
		bad, count atomic.Int64
		group      sync.WaitGroup
		stop       = time.Now().Add(length)
	)
	for i := range folk {
		folk[i].id = account.NewID()
	}
	for w := range workers {
		random := rand.New(rand.NewPCG(seed, uint64(w)))
		group.Go(func() {
			for step := 0; time.Now().Before(stop); step++ {
				i, node := random.IntN(people), nodes[random.IntN(len(nodes))]
				who := &folk[i]
				if random.IntN(50) == 0 && time.Until(stop) > length/4 {
					if err := editAtHand(t, node, who, w, step); err != nil {
						bad.Add(1)
						t.Logf("worker %d, step %d: %v", w, step, err)
					}
					continue
				}
				begin, least := time.Now(), interests.Revision(0)
				if i%2 == 0 {
					least = who.before(begin)
				}
				bound := max(least, who.before(begin.Add(-athand.MaxAge)))
				got, ok := node.AtHand(who.id, least)
				if !ok {
					var err error
					if got, err = node.Find(background(t), who.id, least); err != nil {
						t.Errorf("worker %d, step %d: %v", w, step, err)
						return
					}
				}
				count.Add(1)
				if got.Copy.Revision < bound || got.Person.Revision != got.Copy.Revision {
					bad.Add(1)
				}
				if random.IntN(10) == 0 {
					time.Sleep(time.Millisecond)
				}
			}
		})
	}
	group.Wait()
	// At rest, all nodes come to say what the record says.
	deadline := time.Now().Add(athand.MaxAge + slack)
	for i := range folk {
		for _, n := range nodes {
			list, err := n.Lists.Get(background(t), folk[i].id)
			marks, errM := n.Marks.Get(background(t), folk[i].id)
			if err := errors.Join(err, errM); err != nil {
				t.Fatal(err)
			}
			for {
				got, err := n.Find(background(t), folk[i].id, 0)
				if err == nil && got.Copy.Digest() == list.Digest() && got.Copy.Revision == list.Revision && got.Marks.Revision == marks.Revision {
					break
				}
				if time.Now().After(deadline) {
					bad.Add(1)
					break
				}
				time.Sleep(5 * time.Millisecond)
			}
		}
	}
	return bad.Load(), count.Load()
}

// editAtHand edits a list or marks on a node, which then has it.
func editAtHand(t *testing.T, n *atHand, who *acknowledged, w, step int) error {
	if step%2 == 0 {
		set, err := n.Marks.Set(background(t), who.id, feed.StoryID{byte(w), byte(step)}, map[feed.Mark]bool{feed.Read: true}, time.Now().Add(time.Hour))
		if err != nil {
			return err
		}
		if got, err := n.Marks.AtLeast(background(t), who.id, 0); err != nil || got.Revision < set.Revision {
			return fmt.Errorf("after marks of revision %d: %v, %w", set.Revision, got, err)
		}
		return nil
	}
	list, err := n.Lists.Set(background(t), who.id, topic.ID(fmt.Sprintf("t%d", step%20)), interests.Follow, time.Now().Add(time.Hour))
	if err != nil {
		return err
	}
	who.add(list.Revision)
	if got, err := n.Lists.AtLeast(background(t), who.id, 0); err != nil || got.Revision < list.Revision {
		return fmt.Errorf("after a list of revision %d: %v, %w", list.Revision, got, err)
	}
	return nil
}

func atHandSessions(t *testing.T, h Harness[People]) {
	nodes := rememberAll(t, h, 2)
	for i := range 10 {
		here, there := nodes[i%2], nodes[(i+1)%2]
		session, token, err := here.people.NewGuest(background(t))
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := here.people.AtHand(token.Hash()); !ok || got != session {
			t.Errorf("who has just been made is not at hand: %+v, want %+v", got, session)
		}
		for name, n := range map[string]*atHand{"here": here, "there": there} {
			if got, err := n.people.Who(background(t), token); err != nil || got != session {
				t.Errorf("%s: %+v, %v", name, got, err)
			}
		}
		kept, err := here.people.Keep(background(t), token.Hash(), session)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := here.people.Who(background(t), token); err != nil || !got.Expires.Equal(kept.Expires) {
			t.Errorf("after it was kept: %+v, %v", got, err)
		}
		eventually(t, "the other node knows that it was kept", func() bool {
			got, err := there.people.Who(background(t), token)
			return err == nil && got.Kept
		})
		if err := here.people.End(background(t), token); err != nil {
			t.Fatal(err)
		}
		ended := time.Now()
		if _, err := here.people.Who(background(t), token); !errors.Is(err, account.ErrNoSession) {
			t.Errorf("after it was ended here: %v", err)
		}
		eventually(t, "the other node refuses it", func() bool {
			_, err := there.people.Who(background(t), token)
			return errors.Is(err, account.ErrNoSession)
		})
		if took := time.Since(ended); took > athand.MaxAge {
			t.Errorf("the other node refused it after %v", took)
		}
		if _, _, err := there.people.WhoLastKnown(background(t), token); !errors.Is(err, account.ErrNoSession) {
			t.Errorf("the last known session of one that was ended: %v", err)
		}
	}
}

// patient is the context of a caller who waits no longer for a server.
func patient(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func atHandLost(t *testing.T, h Harness[People]) {
	node := rememberAll(t, h, 1)[0]
	session, token, err := node.people.NewGuest(background(t))
	if err != nil {
		t.Fatal(err)
	}
	id := session.Account
	list, err := node.Lists.Set(background(t), id, "iran", interests.Follow, session.Until())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := node.Find(background(t), id, 0); err != nil {
		t.Fatal(err)
	}
	h.Lose(t)
	lost := time.Now()
	eventually(t, "nothing at hand is trusted", func() bool {
		_, list := node.AtHand(id, 0)
		_, session := node.people.AtHand(token.Hash())
		return !list && !session
	})
	if took := time.Since(lost); took > athand.MaxAge+slack {
		t.Errorf("what was at hand was trusted for %v", took)
	}
	if _, err := node.Find(patient(t), id, 0); !errors.Is(err, interests.ErrUnavailable) {
		t.Errorf("find: %v, want ErrUnavailable", err)
	}
	if _, err := node.people.Who(patient(t), token); !errors.Is(err, account.ErrUnavailable) {
		t.Errorf("who: %v, want ErrUnavailable", err)
	}
	for range 3 {
		got, err := node.LastKnown(patient(t), id, list.Revision)
		if err != nil || !got.Stale || got.Copy.Revision != list.Revision || got.Marks == nil {
			t.Errorf("last known: %+v, %v, want revision %d, stale", got, err, list.Revision)
		}
		who, stale, err := node.people.WhoLastKnown(patient(t), token)
		if err != nil || !stale || who.Account != id {
			t.Errorf("last known session: %+v, stale %t, %v", who, stale, err)
		}
	}
	if _, err := node.LastKnown(patient(t), id, list.Revision+1); !errors.Is(err, interests.ErrUnavailable) {
		t.Errorf("newer than the last known: %v, want ErrUnavailable", err)
	}
	if _, err := node.LastKnown(patient(t), account.NewID(), 0); !errors.Is(err, interests.ErrUnavailable) {
		t.Errorf("of a stranger: %v, want ErrUnavailable", err)
	}
	if _, err := node.Lists.Set(patient(t), id, "iran", interests.Mute, session.Until()); !errors.Is(err, interests.ErrUnavailable) {
		t.Errorf("edit: %v, want ErrUnavailable", err)
	}
	h.Heal(t)
}

func atHandBack(t *testing.T, h Harness[People]) {
	nodes := rememberAll(t, h, 2)
	id := account.NewID()
	follow := func(n *atHand, topic topic.ID) (list interests.List) {
		t.Helper()
		eventually(t, "it can be edited", func() bool {
			var err error
			list, err = n.Lists.Set(patient(t), id, topic, interests.Follow, time.Now().Add(time.Hour))
			return err == nil
		})
		return list
	}
	follow(nodes[0], "iran")
	for _, n := range nodes {
		if _, err := n.Find(background(t), id, 0); err != nil {
			t.Fatal(err)
		}
	}
	for _, break_ := range []struct{ off, on func(testing.TB) }{{h.Lose, h.Heal}, {h.Freeze, h.Thaw}} {
		break_.off(t)
		break_.on(t)
		list := follow(nodes[0], "north-korea")
		edited := time.Now()
		eventually(t, "the other node has it", func() bool {
			got, err := nodes[1].Find(patient(t), id, 0)
			return err == nil && got.Copy.Revision == list.Revision
		})
		if took := time.Since(edited); took > athand.MaxAge+slack {
			t.Errorf("the other node had it after %v", took)
		}
		for _, n := range nodes {
			n.await(t)
		}
	}
}
