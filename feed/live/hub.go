package live

import (
	"context"
	"slices"
	"sync"
	"time"

	"newsfeed/feed"
	"newsfeed/interests"
	"newsfeed/interests/account"
	"newsfeed/interests/athand"
)

// Limits of a node.
const (
	MaxStreams = 10_000 // open at a time
	MaxAPerson = 8      // of them; the oldest ends when there is another
)

// How people are looked at. Each is once a second, a tenth of them at every turn;
// what is not at hand is looked up by a few, with a deadline.
const (
	turn      = 100 * time.Millisecond
	turns     = 10 // until everybody was looked at
	lookers   = 4
	lookLimit = 2 * time.Second // of one look-up
	lookRest  = time.Second     // after one that found no store
	queue     = 1024            // look-ups that wait; who finds no room waits for the next turn
)

// Deps is what a hub knows the present by.
type Deps struct {
	People  *account.People
	Lists   *interests.Lists
	Marks   *feed.MarkSets
	Builder *feed.Builder
	Index   *feed.Index
	Changes athand.Announcements // nil: nobody tells of changes, they are found within a second or two
	Now     func() time.Time     // by which pages are made
}

// Hub has the streams of one node. A change that an announcement tells of is
// passed on at once. Since announcements may get lost, each person is looked at
// once a second too: what is at hand and vouched for needs no store, see
// [athand.Announcements], and what is not is looked up.
//
// It has goroutines from the first stream until it is closed. Safe for concurrent
// use.
type Hub struct {
	Deps
	ended context.Context
	end   context.CancelFunc
	run   sync.WaitGroup
	due   chan *person // to be looked up
	most  int          // MaxStreams, but in tests

	mu       sync.RWMutex // guards below; taken before a person's
	begun    bool
	closed   bool
	deafen   func() // ends hearing changes; nil before begun
	people   map[account.ID]*person
	ring     []*person // the same, to be looked at in turn
	next     int       // whose turn it is
	sessions map[account.Hash]map[*Stream]struct{}
	streams  int

	restMu sync.Mutex // guards rest
	rest   time.Time  // nothing is looked up before
}

// New returns a hub without streams.
func New(d Deps) *Hub {
	if d.Now == nil {
		d.Now = time.Now
	}
	h := &Hub{Deps: d, due: make(chan *person, queue), most: MaxStreams,
		people: map[account.ID]*person{}, sessions: map[account.Hash]map[*Stream]struct{}{}}
	h.ended, h.end = context.WithCancel(context.Background())
	return h
}

// Asked is what a client wants a stream of.
type Asked struct {
	Session account.Session
	Token   account.Secret
	Until   time.Time          // when the stream ends, of a session that is in no store; zero: with the session
	Known   *State             // nil: nothing, so that it is told the present revisions
	Least   interests.Revision // of the list, that the client has heard of
	// Query is what newer is counted for. With a cursor it is that walk's, whose
	// list is Person; without one, Person and Marks are found here.
	Query feed.Query
}

// Open begins a stream. Whatever changed after its client learnt what it knows,
// it will be told. Errors: ErrFull, ErrClosed, ErrSignedOut, and those of reading
// lists and marks.
func (h *Hub) Open(ctx context.Context, a Asked) (*Stream, error) {
	s := newStream(h, a)
	if err := h.join(s, a.Session.Account); err != nil { // before it reads: from here on it hears
		return nil, err
	}
	err := h.look(ctx, s.person, max(a.Least, s.told.List), s.told.Marks)
	if err == nil {
		err = s.open()
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// join gives a stream its place, and takes the oldest of the person's when there
// are too many.
func (h *Hub) join(s *Stream, id account.ID) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.closed:
		return ErrClosed
	case h.streams >= h.most:
		return ErrFull
	}
	h.start()
	p := h.people[id]
	if p == nil {
		p = &person{id: id}
		h.people[id] = p
		h.ring = append(h.ring, p)
	}
	if h.sessions[s.hash] == nil {
		h.sessions[s.hash] = map[*Stream]struct{}{}
	}
	h.sessions[s.hash][s] = struct{}{}
	h.streams++
	s.person = p
	p.mu.Lock()
	defer p.mu.Unlock()
	p.streams = append(p.streams, s)
	if len(p.streams) > MaxAPerson {
		p.streams[len(p.streams)-MaxAPerson-1].end(ErrCrowded) // it leaves by itself
	}
	return nil
}

// leave takes a stream's place back. The person stays until their turn.
func (h *Hub) leave(s *Stream) {
	h.mu.Lock()
	defer h.mu.Unlock()
	of := h.sessions[s.hash]
	if _, there := of[s]; !there {
		return
	}
	if delete(of, s); len(of) == 0 {
		delete(h.sessions, s.hash)
	}
	h.streams--
	p := s.person
	p.mu.Lock()
	defer p.mu.Unlock()
	p.streams = slices.DeleteFunc(p.streams, func(other *Stream) bool { return other == s })
	if s.newer != s.told.Newer {
		p.again = time.Time{}
	}
}

// start starts what works in the background, once; mu is held.
func (h *Hub) start() {
	if h.begun {
		return
	}
	h.begun = true
	h.deafen = func() {}
	if h.Changes != nil {
		h.deafen = h.Changes.Listen(h.hear)
	}
	h.run.Go(h.takeTurns)
	for range lookers {
		h.run.Go(h.lookUp)
	}
}

// Close ends all streams with ErrClosed, and lets none begin any more. Closing
// twice is closing once.
func (h *Hub) Close() {
	h.mu.Lock()
	h.closed = true
	deafen := h.deafen
	h.deafen = nil
	for _, of := range h.sessions {
		for s := range of {
			s.end(ErrClosed)
		}
	}
	h.mu.Unlock()
	h.end()
	if deafen != nil {
		deafen()
	}
	h.run.Wait()
}

// Streams returns how many streams are open.
func (h *Hub) Streams() int {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.streams
}

// hear passes an announcement on. Of a session it does not say what became of it,
// nor of what is gone; that is looked up.
func (h *Hub) hear(c athand.Change) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	if c.Of == athand.Session {
		for s := range h.sessions[account.Hash(c.Key)] {
			h.lookSoon(s.person)
		}
		return
	}
	p := h.people[account.ID(c.Key[:len(account.ID{})])]
	if p == nil {
		return
	}
	switch {
	case c.Revision == 0:
		h.lookSoon(p)
	case c.Of == athand.List:
		p.raise(interests.Revision(c.Revision), 0)
	case c.Of == athand.Marks:
		p.raise(0, interests.Revision(c.Revision))
	}
}
