package live

import (
	"slices"
	"time"

	"newsfeed/feed"
)

// How newer is counted: one goroutine does it for everybody, of each person at
// most once a pace, and only when an entry has touched what they follow; so an
// article that ten thousand people hear of is spread over seconds instead of
// stopping the node. A count costs some 10 µs of a processor, a turn of 1,000
// people for whom nothing happened some 2 ms (BenchmarkTurn).
const (
	pace       = 15 * time.Second
	countsTurn = 100 // streams that are counted for at a turn
)

// takeTurns looks at everybody once a second, until the hub is closed.
func (h *Hub) takeTurns() {
	tick := time.NewTicker(turn)
	defer tick.Stop()
	for {
		select {
		case <-h.ended.Done():
			return
		case <-tick.C:
			h.takeTurn()
		}
	}
}

// takeTurn looks at those whose turn it is.
func (h *Hub) takeTurn() {
	budget := countsTurn
	for _, p := range h.whoseTurn() {
		if !h.atHand(p) {
			h.lookSoon(p)
		}
		if budget > 0 {
			budget -= h.count(p, time.Now())
		}
	}
}

// whoseTurn returns the next tenth of the people, and forgets who has no stream
// and may be told something again.
func (h *Hub) whoseTurn() []*person {
	h.mu.Lock()
	defer h.mu.Unlock()
	var out []*person
	now := time.Now()
	for range (len(h.ring) + turns - 1) / turns {
		if h.next >= len(h.ring) {
			h.next = 0
		}
		p := h.ring[h.next]
		p.mu.Lock()
		idle := len(p.streams) == 0
		over := idle && now.After(p.again)
		p.mu.Unlock()
		switch {
		case over:
			last := len(h.ring) - 1
			h.ring[h.next], h.ring[last] = h.ring[last], nil
			h.ring = h.ring[:last]
			delete(h.people, p.id)
		case idle:
			h.next++
		default:
			out = append(out, p)
			h.next++
		}
		if len(h.ring) == 0 {
			break
		}
	}
	return out
}

// count counts newer for the streams of a person, if it is time, and returns for
// how many.
func (h *Hub) count(p *person, now time.Time) (counted int) {
	p.counting.Lock()
	defer p.counting.Unlock()
	edition := h.Index.Edition()
	p.mu.Lock()
	list, set := p.copy, p.set
	var ready []*Stream
	if !now.Before(p.again) && (p.looked != edition || p.by != list) {
		p.looked, p.by = edition, list
		for _, s := range p.streams {
			if s.ready {
				ready = append(ready, s)
			}
		}
	}
	p.mu.Unlock()
	for _, s := range ready {
		if n, ok := s.count(edition, feed.PersonOf(list), set); ok {
			s.tell(n, now.Add(pace))
			counted++
		}
	}
	return counted
}

// tell sets what newer is, and when its person is counted for again: of a stream
// that is gone nobody was told.
func (s *Stream) tell(newer int, again time.Time) {
	p := s.person
	p.mu.Lock()
	defer p.mu.Unlock()
	if !slices.Contains(p.streams, s) {
		return
	}
	p.again = again
	if s.newer != newer {
		s.newer = newer
		s.nudge()
	}
}

// count counts newer as of an edition, if something happened since it did last.
func (s *Stream) count(edition feed.Edition, who *feed.Person, marks *feed.MarkSet) (newer int, ok bool) {
	s.adopt(edition, who, marks)
	if s.hub.Builder.Touched(s.query.Person) <= s.counted {
		return 0, false
	}
	s.counted = edition
	return s.hub.Builder.Newer(s.query), true
}

// adopt makes the query one of the present list and marks. The page that newer is
// counted by is another when the list is, and the client's walk goes on by the
// list it began with. After a restored backup, editions are those of another log,
// and counting begins anew.
func (s *Stream) adopt(edition feed.Edition, who *feed.Person, marks *feed.MarkSet) {
	q := &s.query
	q.Now, q.Present, q.Marks = s.hub.Now(), who, nil
	if len(marks.Stories) > 0 {
		q.Marks = marks
	}
	from := edition
	if q.Cursor != nil {
		from = min(q.Cursor.Edition, edition)
	}
	restored := s.counted > edition
	if !s.bound {
		q.Person = who
	}
	if q.Cursor == nil || !s.bound && q.Cursor.Revision != who.Revision || restored {
		since := s.hub.Builder.Since(*q, from)
		q.Cursor, s.counted = &since, from
		s.person.mu.Lock()
		s.edition = from
		if restored {
			s.newer = 0
		}
		s.person.mu.Unlock()
	}
}
