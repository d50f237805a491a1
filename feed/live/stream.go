package live

import (
	"errors"
	"sync"
	"time"

	"newsfeed/feed"
	"newsfeed/interests/account"
)

// Why a stream ends, or does not begin.
var (
	// ErrSignedOut: the session has ended or expired.
	ErrSignedOut = errors.New("live: the session has ended")
	// ErrCrowded: the person has opened MaxAPerson streams since.
	ErrCrowded = errors.New("live: the person has opened other streams")
	// ErrClosed: the node stops.
	ErrClosed = errors.New("live: the node stops")
	// ErrFull: there are MaxStreams streams on this node.
	ErrFull = errors.New("live: the node has as many streams as it takes")
	// ErrQuiet: nothing happened for as long as was waited.
	ErrQuiet = errors.New("live: nothing happened")
)

// Stream is one client's, who is told what it does not know yet, never twice the
// same and always the newest. However slow it is, nobody waits for it, and nothing
// piles up. Next is called by one goroutine at a time.
type Stream struct {
	hub    *Hub
	person *person
	token  account.Secret
	hash   account.Hash
	until  *time.Timer // ends the stream; nil: the session does

	wake chan struct{} // there may be news; room for one
	over chan struct{} // closed when the stream has ended
	once sync.Once
	why  error // set before over is closed

	// What the client was told, Next's alone. A fresh one knows nothing.
	told  State
	fresh bool

	// How newer is counted: the opener's alone until it is ready, then of who
	// holds person.counting.
	query   feed.Query
	bound   bool         // to a page that the client has
	counted feed.Edition // as of which it was, last

	ready   bool         // to be counted for; guarded by person.mu
	newer   int          // guarded by person.mu
	edition feed.Edition // that it is counted from; guarded by person.mu
}

func newStream(h *Hub, a Asked) *Stream {
	s := &Stream{hub: h, token: a.Token, hash: a.Token.Hash(), query: a.Query, bound: a.Query.Cursor != nil,
		wake: make(chan struct{}, 1), over: make(chan struct{}), fresh: a.Known == nil}
	if a.Known != nil {
		s.told, s.newer = *a.Known, a.Known.Newer
	}
	if !a.Until.IsZero() {
		s.until = time.AfterFunc(a.Until.Sub(h.Now()), func() { s.end(ErrSignedOut) })
	}
	return s
}

// open finds what newer is counted from: the client's page, else what it knows
// already, else now.
func (s *Stream) open() error {
	select {
	case <-s.over:
		return s.why
	default:
	}
	p, edition := s.person, s.hub.Index.Edition()
	p.mu.Lock()
	list, set := p.copy, p.set
	p.mu.Unlock()
	from := edition
	switch {
	case s.bound:
		from = s.query.Cursor.Edition
	case !s.fresh && s.told.Edition <= edition:
		from = s.told.Edition
	case !s.fresh:
		s.newer = 0 // the client knows another log
	}
	s.adopt(from, feed.PersonOf(list), set)
	p.mu.Lock()
	s.counted, s.edition, s.ready = from, from, true
	p.by = nil
	p.mu.Unlock()
	s.hub.count(p, time.Now())
	return nil
}

// Next returns what the client is to be told next. It waits as long as the
// patience lasts (ErrQuiet then), or until the stream ends: ErrSignedOut,
// ErrCrowded or ErrClosed.
func (s *Stream) Next(patience time.Duration) (Event, error) {
	quiet := time.NewTimer(patience)
	defer quiet.Stop()
	for {
		select {
		case <-s.over:
			return Event{}, s.why
		default:
		}
		if e, ok := s.news(); ok {
			return e, nil
		}
		select {
		case <-s.over:
		case <-s.wake:
		case <-quiet.C:
			return Event{}, ErrQuiet
		}
	}
}

// Now returns what Next would without waiting; false when there is nothing.
func (s *Stream) Now() (Event, bool) { return s.news() }

// news compares what the client was told with what is so.
func (s *Stream) news() (Event, bool) {
	p := s.person
	p.mu.Lock()
	list, marks, newer, edition := p.list, p.marks, s.newer, s.edition
	p.mu.Unlock()
	s.told.Edition = edition
	switch {
	case s.told.List != list || s.fresh:
		if s.told.List = list; s.fresh {
			s.fresh, s.told.Marks = false, ^marks // whatever they are, they are news
			return Event{List, uint64(list), State{List: list, Edition: edition}}, true
		}
		return Event{List, uint64(list), s.told}, true
	case s.told.Marks != marks:
		s.told.Marks = marks
		return Event{Marks, uint64(marks), s.told}, true
	case s.told.Newer != newer:
		s.told.Newer = newer
		return Event{Newer, uint64(newer), s.told}, true
	}
	return Event{}, false
}

// Close ends the stream, once its client has gone, by the goroutine that calls
// Next. What was counted for it and not told is counted anew for who comes back.
// Closing twice is closing once.
func (s *Stream) Close() {
	if s.until != nil {
		s.until.Stop()
	}
	s.end(ErrClosed)
	s.hub.leave(s)
}

func (s *Stream) end(why error) {
	s.once.Do(func() {
		s.why = why
		close(s.over)
	})
}

func (s *Stream) nudge() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}
