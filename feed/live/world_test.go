package live_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"newsfeed/feed"
	"newsfeed/feed/live"
	"newsfeed/interests"
	"newsfeed/interests/account"
	"newsfeed/interests/athand"
	"newsfeed/interests/topic"
	"newsfeed/storage/storagetest"
)

// line is [athand.Announcements] in the hand of a test. It vouches for what was
// read since it was mended, unless it is broken.
type line struct {
	mu     sync.Mutex
	last   int
	ears   map[int]func(athand.Change)
	since  time.Time
	broken bool
}

func (l *line) Listen(hear func(athand.Change)) func() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ears == nil {
		l.ears = map[int]func(athand.Change){}
	}
	l.last++
	number := l.last
	l.ears[number] = hear
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.ears, number)
	}
}

func (l *line) Vouch(since, _ time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.broken && !since.Before(l.since)
}

func (l *line) set(broken bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.broken, l.since = broken, time.Now()
}

func (l *line) tell(c athand.Change) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broken {
		return
	}
	for _, hear := range l.ears {
		hear(c)
	}
}

// stores are what all nodes share. They can be out of reach.
type stores struct {
	lists    *storagetest.ModelLists
	marks    *storagetest.ModelMarks
	sessions *storagetest.ModelSessions
	lines    []*line
	announce func(athand.Change) // what the stores do with every change

	mu   sync.Mutex // guards away
	away bool
}

func newStores() *stores {
	s := &stores{lists: storagetest.NewModelLists(), marks: storagetest.NewModelMarks(), sessions: storagetest.NewModelSessions()}
	s.announce = func(c athand.Change) {
		for _, l := range s.lines {
			l.tell(c)
		}
	}
	return s
}

func (s *stores) set(away bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.away = away
}

func (s *stores) reach(unavailable error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away {
		return fmt.Errorf("away: %w", unavailable)
	}
	return nil
}

type gatedLists struct {
	interests.Store
	*stores
}

func (g gatedLists) Load(ctx context.Context, id account.ID) (interests.List, error) {
	if err := g.reach(interests.ErrUnavailable); err != nil {
		return interests.List{}, err
	}
	return g.Store.Load(ctx, id)
}

type gatedSessions struct {
	account.Store
	*stores
}

func (g gatedSessions) Session(ctx context.Context, h account.Hash) (account.Session, error) {
	if err := g.reach(account.ErrUnavailable); err != nil {
		return account.Session{}, err
	}
	return g.Store.Session(ctx, h)
}

// people are as many as a node keeps at hand.
const people = 20_000

// node is one node over shared stores, with a line of its own.
type node struct {
	testing.TB
	*live.Hub
	*stores
	line *line
}

func newNode(t testing.TB, s *stores) *node {
	n := &node{TB: t, stores: s, line: new(line)}
	index := feed.NewIndex(720*time.Hour, time.Now, nil)
	n.Hub = live.New(live.Deps{
		People: account.NewPeople(gatedSessions{s.sessions, s}, time.Now),
		Lists:  interests.NewLists(gatedLists{s.lists, s}, time.Now),
		Marks:  feed.NewMarkSets(s.marks, time.Now),
		Index:  index, Builder: feed.NewBuilder(index), Changes: n.line,
	})
	s.lines = append(s.lines, n.line)
	n.People.Remember(n.line, people)
	n.Lists.Remember(n.line, people)
	n.Marks.Remember(n.line, people)
	t.Cleanup(n.Close)
	return n
}

// someone is a person with a token.
type someone struct {
	session account.Session
	token   account.Secret
}

func (n *node) someone(follows ...topic.ID) someone {
	n.Helper()
	session, token, err := n.People.NewGuest(n.Context())
	if err != nil {
		n.Fatal(err)
	}
	who := someone{session, token}
	for _, t := range follows {
		n.edit(who, t)
	}
	return who
}

// edit is an edit through this node. It returns the revision.
func (n *node) edit(who someone, t topic.ID) interests.Revision {
	n.Helper()
	list, err := n.Lists.Set(n.Context(), who.session.Account, t, interests.Follow, time.Time{})
	if err != nil {
		n.Fatal(err)
	}
	n.announce(athand.Change{Of: athand.List, Key: who.session.Account.Key(), Revision: uint64(list.Revision)})
	return list.Revision
}

func (n *node) mark(who someone) interests.Revision {
	n.Helper()
	set, err := n.Marks.Set(n.Context(), who.session.Account, feed.StoryID{1}, map[feed.Mark]bool{feed.Read: true}, time.Time{})
	if err != nil {
		n.Fatal(err)
	}
	n.announce(athand.Change{Of: athand.Marks, Key: who.session.Account.Key(), Revision: uint64(set.Revision)})
	return set.Revision
}

func (n *node) asked(who someone, known *live.State) live.Asked {
	return live.Asked{Session: who.session, Token: who.token, Known: known, Query: feed.Query{Limit: feed.DefaultLimit, Now: time.Now()}}
}

func (n *node) open(who someone, known *live.State) *live.Stream {
	n.Helper()
	s, err := n.Open(n.Context(), n.asked(who, known))
	if err != nil {
		n.Fatal(err)
	}
	n.Cleanup(s.Close)
	return s
}

// wantEvent waits for the next event and compares it.
func (n *node) wantEvent(s *live.Stream, of live.Kind, value interests.Revision) live.State {
	n.Helper()
	e, err := s.Next(time.Minute)
	if err != nil || e.Of != of || e.Value != uint64(value) {
		n.Fatalf("event %d %d, %v; want %d %d", e.Of, e.Value, err, of, value)
	}
	return e.State
}

// wantEnd waits until a stream ends.
func (n *node) wantEnd(s *live.Stream, why error) {
	n.Helper()
	for {
		if _, err := s.Next(time.Minute); err != nil {
			if !errors.Is(err, why) {
				n.Fatalf("the stream ended: %v, want %v", err, why)
			}
			return
		}
	}
}

// publish adds an article of a topic to the index; its story is its own.
func (n *node) publish(t topic.ID) {
	e, now := n.Index.Edition()+1, time.Now()
	id := feed.NewArticleID(fmt.Sprint("https://news.example/", e))
	n.Index.Apply(feed.Entry{Edition: e, At: now, Key: feed.Key(1, now, 12*time.Hour), Story: feed.StoryID(id), StoryNum: e,
		Article: feed.Article{ID: id, Kind: feed.Kinds[0], Published: now, Source: feed.Source{ID: "s"}, Tags: []feed.Tag{{Topic: t, Salience: 1}}}})
}
