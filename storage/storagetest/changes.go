package storagetest

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"newsfeed/feed"
	"newsfeed/interests"
	"newsfeed/interests/account"
	"newsfeed/interests/athand"
)

// People are the contracts of what belongs to people, as one node has them open.
type People struct {
	Lists    interests.Store
	Marks    feed.Marks
	Sessions account.Store
	Together feed.Together
	Changes  athand.Announcements
}

// Changes proves that an implementation keeps the contract of
// [athand.Announcements].
func Changes(t *testing.T, fresh Fresh[People]) {
	run(t, "athand.Announcements", fresh, []testCase[People]{
		{name: "every node hears of every edit, with its revision", run: changesHeard},
		{name: "who is vouched to has heard of all that was acknowledged before", run: changesVouched},
		{name: "what was refused or not there to renew is not announced", run: changesRefused},
		{name: "who stops listening hears no more, and the others do", run: changesStop},
		{name: "after Close nothing is heard and nothing vouched for", run: changesClose},
		{name: "a lost server is noticed in two seconds, what it told meanwhile is not vouched for, and all is heard when it is back", server: true, run: changesLost},
		{name: "a frozen server is noticed in two seconds and keeps not even Close waiting", server: true, run: changesFrozen},
		{name: "list and marks are loaded together as they are alone", run: changesTogether},
	})
}

// ear remembers what it hears.
type ear struct {
	mu    sync.Mutex // guards heard
	heard []athand.Change
	stop  func()
}

func listen(t *testing.T, a athand.Announcements) *ear {
	t.Helper()
	e := new(ear)
	e.stop = a.Listen(func(c athand.Change) {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.heard = append(e.heard, c)
	})
	t.Cleanup(e.stop)
	eventually(t, "the channel is open", func() bool { return a.Vouch(time.Now(), time.Now()) })
	return e
}

func (e *ear) has(c athand.Change) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Contains(e.heard, c)
}

func (e *ear) of(k athand.Key) []athand.Change {
	e.mu.Lock()
	defer e.mu.Unlock()
	var of []athand.Change
	for _, c := range e.heard {
		if c.Key == k {
			of = append(of, c)
		}
	}
	return of
}

// editing is every way in which a record changes, and what is to be heard.
type editing struct {
	name string
	do   func() error
	want athand.Change
}

func edits(t *testing.T, p People) []editing {
	id, h := account.NewID(), account.NewSecret().Hash()
	until := time.Now().Add(time.Hour)
	session := account.Session{Account: id, Expires: until}
	if err := p.Sessions.Create(background(t), h, session); err != nil {
		t.Fatal(err)
	}
	const big = 1<<53 + 1 // no Lua number
	return []editing{
		{"first list", func() error { return p.Lists.Swap(background(t), id, 0, list(1, "iran"), until) },
			athand.Change{Of: athand.List, Key: id.Key(), Revision: 1}},
		{"next list", func() error { return p.Lists.Swap(background(t), id, 1, list(big, "iran"), time.Time{}) },
			athand.Change{Of: athand.List, Key: id.Key(), Revision: big}},
		{"no list", func() error { return p.Lists.Delete(background(t), id) },
			athand.Change{Of: athand.List, Key: id.Key()}},
		{"first marks", func() error { return p.Marks.Swap(background(t), id, 0, feed.MarkChange{Revision: 3}, until) },
			athand.Change{Of: athand.Marks, Key: id.Key(), Revision: 3}},
		{"next marks", func() error {
			return p.Marks.Swap(background(t), id, 3, feed.MarkChange{Revision: big}, time.Time{})
		}, athand.Change{Of: athand.Marks, Key: id.Key(), Revision: big}},
		{"no marks", func() error { return p.Marks.Delete(background(t), id) },
			athand.Change{Of: athand.Marks, Key: id.Key()}},
		{"session renewed", func() error { return p.Sessions.Renew(background(t), h, session) },
			athand.Change{Of: athand.Session, Key: athand.Key(h)}},
		{"session ended", func() error { return p.Sessions.End(background(t), h) },
			athand.Change{Of: athand.Session, Key: athand.Key(h)}},
	}
}

func changesHeard(t *testing.T, h Harness[People]) {
	nodes := h.Nodes(t, 3)
	var ears []*ear
	for _, n := range nodes {
		ears = append(ears, listen(t, n.Changes))
	}
	for from, n := range nodes {
		for range 3 { // a cluster has an account's keys on one of its servers
			for _, e := range edits(t, n) {
				if err := e.do(); err != nil {
					t.Fatalf("node %d, %s: %v", from, e.name, err)
				}
				for to, ear := range ears {
					eventually(t, e.name+" is heard", func() bool { return ear.has(e.want) })
					if t.Failed() {
						t.Fatalf("from node %d to %d", from, to)
					}
				}
			}
		}
	}
}

func changesVouched(t *testing.T, h Harness[People]) {
	nodes := h.Nodes(t, 2)
	ear := listen(t, nodes[1].Changes)
	begin := time.Now()
	for range 6 { // accounts, on a cluster on any of its servers
		all := edits(t, nodes[0])
		for _, e := range all {
			if err := e.do(); err != nil {
				t.Fatalf("%s: %v", e.name, err)
			}
		}
		acked := time.Now().Add(time.Nanosecond)
		// At that moment, all that was acknowledged until MaxAge before it counts.
		eventually(t, "the edits are vouched for", func() bool { return nodes[1].Changes.Vouch(begin, acked.Add(athand.MaxAge)) })
		for _, e := range all {
			if !ear.has(e.want) {
				t.Errorf("%s was vouched for and not heard", e.name)
			}
		}
	}
}

func changesRefused(t *testing.T, h Harness[People]) {
	nodes := h.Nodes(t, 2)
	ear := listen(t, nodes[1].Changes)
	id, hash, until := account.NewID(), account.NewSecret().Hash(), time.Now().Add(time.Hour)
	for name, err := range map[string]error{
		"list":    nodes[0].Lists.Swap(background(t), id, 7, list(8), until),
		"marks":   nodes[0].Marks.Swap(background(t), id, 7, feed.MarkChange{Revision: 8}, until),
		"session": nodes[0].Sessions.Renew(background(t), hash, account.Session{Expires: until}),
	} {
		if !errors.Is(err, interests.ErrConflict) && !errors.Is(err, feed.ErrMarksConflict) && !errors.Is(err, account.ErrNoSession) {
			t.Errorf("%s: %v, want a refusal", name, err)
		}
	}
	wantEdit(t, nodes[0], ear)
	if heard := append(ear.of(id.Key()), ear.of(athand.Key(hash))...); len(heard) > 0 {
		t.Errorf("heard %+v, want nothing", heard)
	}
}

// wantEdit edits on a node until an ear has heard of one.
func wantEdit(t *testing.T, node People, ear *ear) {
	t.Helper()
	id := account.NewID()
	revision := interests.Revision(0)
	eventually(t, "an edit is heard", func() bool {
		if node.Lists.Swap(background(t), id, revision, list(revision+1), time.Now().Add(time.Minute)) == nil {
			revision++
		}
		return len(ear.of(id.Key())) > 0
	})
}

func changesStop(t *testing.T, h Harness[People]) {
	node, _ := h.Start(t)
	stopped, other := listen(t, node.Changes), listen(t, node.Changes)
	wantEdit(t, node, stopped)
	stopped.stop()
	stopped.stop()
	before := len(stopped.heard) // nobody writes to it any more: the race detector agrees
	wantEdit(t, node, other)
	if after := len(stopped.heard); after != before {
		t.Errorf("heard %d changes after it had stopped", after-before)
	}
}

func changesClose(t *testing.T, h Harness[People]) {
	node, stop := h.Start(t)
	ear := listen(t, node.Changes)
	wantEdit(t, node, ear)
	stop()
	before := len(ear.heard)
	if now := time.Now(); node.Changes.Vouch(now, now) || node.Changes.Vouch(now.Add(-time.Minute), now) {
		t.Error("it vouches after Close")
	}
	node.Changes.Listen(func(athand.Change) {})()
	again, _ := h.Start(t)
	wantEdit(t, again, listen(t, again.Changes))
	if after := len(ear.heard); after != before {
		t.Errorf("heard %d changes after Close", after-before)
	}
}

// slack is what a busy machine may add to two seconds before a test complains.
const slack = time.Second

func changesLost(t *testing.T, h Harness[People]) {
	nodes := h.Nodes(t, 2)
	ear := listen(t, nodes[1].Changes)
	wantEdit(t, nodes[0], ear)
	before := time.Now()
	eventually(t, "what was read is vouched for", func() bool { return nodes[1].Changes.Vouch(before, time.Now()) })
	h.Lose(t)
	wantSilence(t, nodes[1].Changes, before)
	h.Heal(t)
	wantEdit(t, nodes[0], ear)
	after := time.Now()
	eventually(t, "what is read when it is back is vouched for", func() bool { return nodes[1].Changes.Vouch(after, time.Now()) })
	if nodes[1].Changes.Vouch(before, time.Now()) {
		t.Error("it vouches for what was told while the server was lost")
	}
	wantEdit(t, nodes[1], ear)
}

func wantSilence(t *testing.T, a athand.Announcements, since time.Time) {
	t.Helper()
	lost := time.Now()
	eventually(t, "it vouches no more", func() bool { return !a.Vouch(since, time.Now()) })
	if took := time.Since(lost); took > athand.MaxAge+slack {
		t.Errorf("it vouched for %v after the server was lost", took)
	}
}

func changesFrozen(t *testing.T, h Harness[People]) {
	node, stop := h.Start(t)
	other, _ := h.Start(t)
	ear := listen(t, other.Changes)
	wantEdit(t, node, ear)
	before := time.Now()
	eventually(t, "what was read is vouched for", func() bool { return other.Changes.Vouch(before, time.Now()) })
	h.Freeze(t)
	wantSilence(t, other.Changes, before)
	begin := time.Now()
	stop()
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("Close took %v", took)
	}
	h.Thaw(t)
	wantEdit(t, other, ear)
	after := time.Now()
	eventually(t, "what is read after it is vouched for", func() bool { return other.Changes.Vouch(after, time.Now()) })
}

func changesTogether(t *testing.T, h Harness[People]) {
	node, _ := h.Start(t)
	id := account.NewID()
	want := func(name string) {
		t.Helper()
		l, m, err := node.Together.LoadTogether(background(t), id)
		alone, errL := node.Lists.Load(background(t), id)
		marks, errM := node.Marks.Load(background(t), id)
		if err := errors.Join(err, errL, errM); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := diffLists(alone, l) + cmp.Diff(marks, m); diff != "" {
			t.Errorf("%s together (-alone +together):\n%s", name, diff)
		}
	}
	want("nothing")
	until := time.Now().Add(time.Hour)
	mustSwap(t, node.Lists, id, 0, list(1, "iran", "north-korea"), until)
	want("a list")
	change := feed.MarkChange{Revision: 5, Stories: map[feed.StoryID]feed.StoryMarks{
		{7}: {Read: feed.MarkRegister{Value: true, At: interests.Stamp{1}}},
	}}
	if err := node.Marks.Swap(background(t), id, 0, change, until); err != nil {
		t.Fatal(err)
	}
	want("both")
	if _, _, err := node.Together.LoadTogether(cancelled(), id); err == nil {
		t.Error("with a cancelled context: no error")
	}
	if h.Lose == nil {
		return
	}
	h.Lose(t)
	if _, _, err := node.Together.LoadTogether(background(t), id); !errors.Is(err, interests.ErrUnavailable) {
		t.Errorf("without a server: %v, want ErrUnavailable", err)
	}
	h.Heal(t)
}
