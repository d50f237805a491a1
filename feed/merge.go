package feed

import (
	"bytes"
	"time"
)

// This file is stage 1, retrieval: the exact k-way merge over the posting lists
// of the topics a person follows.
//
// An article's effective key is its static key plus the weight of the best
// matching interest. Each list is sorted by static key, hence also by static key
// plus that list's weight; a heap over the heads of the lists gives rows in the
// order of effective key, ties by article id. A row comes up once for each
// matching topic. From lists of equal weight it comes up at equal scores, that
// is, in immediate succession; from a list of lower weight it comes up later,
// and is known to have been given by its tags (the list's weight is not the best
// of its matching topics). So no set of rows seen is needed.

// hit is a row with its effective key.
type hit struct {
	key int64
	row row
}

// lane is a posting list in the merge, with its current row.
type lane struct {
	hit
	weight int64
	walk   walk
}

// listed is a posting list that is to be merged.
type listed struct {
	head   *postingHead
	weight int64
}

// merge gives the rows alive at an edition in rank order, for one person. It is
// reused from page to page.
type merge struct {
	view    view
	edition uint32
	lists   []listed
	heap    []lane
	last    row
	any     bool // last is set

	standings []standing // by topic number
	set       []topicNum // which of them are not 0
	graded    bool       // some followed topics weigh more than others
	cold      bool       // nothing is followed: everything matches
}

// prepare sets how a person stands to the topics, and finds the lists to be
// merged. What they name is in the view: see view for the order of the loads.
func (m *merge) prepare(c *corpus, p *Person, asOf time.Time) {
	m.graded, m.cold, m.lists = false, p.Cold(), m.lists[:0]
	numbers, lists := p.numbers(c), load(&c.lists) // in this order: the lists are as many or more
	if n := numbers.topics; len(m.standings) < n {
		m.standings = append(m.standings, make([]standing, n+n/4-len(m.standings))...)
	}
	for i, n := range numbers.followed {
		if n == noNumber {
			continue
		}
		f := &p.followed[i]
		m.stand(n, newStanding(f.level, freshness(f.since, asOf)))
		m.graded = m.graded || f.weight != weightFollow
		m.lists = append(m.lists, listed{lists[n].load(), f.weight})
	}
	for _, n := range numbers.muted {
		if n != noNumber {
			m.stand(n, standingMuted)
		}
	}
	if m.cold {
		m.lists = append(m.lists, listed{c.list(everything).load(), weightFollow})
	}
	m.view = c.view()
}

func (m *merge) stand(n topicNum, s standing) {
	m.standings[n] = s
	m.set = append(m.set, n)
}

// clear makes the merge ready for another person, and lets go of what it read.
func (m *merge) clear() {
	for _, n := range m.set {
		m.standings[n] = 0
	}
	m.set = m.set[:0]
	clear(m.lists)
	clear(m.heap[:cap(m.heap)])
	m.view = view{}
}

// begin starts the merge of an edition, after a place in the ranking.
func (m *merge) begin(edition uint32, key int64, id ArticleID) {
	m.edition, m.any, m.heap = edition, false, m.heap[:0]
	for _, l := range m.lists {
		s := lane{weight: l.weight, walk: newWalk(l.head)}
		if key != firstKey {
			s.walk = seek(l.head, func(r row) bool { return !m.after(r, l.weight, key, id) })
		}
		if m.advance(&s) {
			m.heap = append(m.heap, s)
		}
	}
	for i := len(m.heap)/2 - 1; i >= 0; i-- {
		m.down(i)
	}
}

// more reports whether next may give another row.
func (m *merge) more() bool { return len(m.heap) > 0 }

// after reports whether a row, at a weight, ranks after a key and article id.
func (m *merge) after(r row, weight, key int64, id ArticleID) bool {
	k := m.view.key(r) + weight
	return k < key || k == key && m.compareID(r, id) > 0
}

// advance moves a lane to its next row that is alive.
func (m *merge) advance(s *lane) bool {
	for {
		r, ok := s.walk.next()
		if !ok {
			return false
		}
		if m.view.alive(r, m.edition) {
			s.hit = hit{m.view.key(r) + s.weight, r}
			return true
		}
	}
}

// next returns the next row, each once.
func (m *merge) next() (hit, bool) {
	for len(m.heap) > 0 {
		top, weight := m.heap[0].hit, m.heap[0].weight
		m.step()
		if m.any && top.row == m.last {
			continue
		}
		if m.graded && weight < weightFavourite && m.weight(top.row) > weight {
			continue // given already, at the weight of its best topic
		}
		m.last, m.any = top.row, true
		return top, true
	}
	return hit{}, false
}

// step moves the top lane on and restores the heap.
func (m *merge) step() {
	if !m.advance(&m.heap[0]) {
		n := len(m.heap) - 1
		m.heap[0] = m.heap[n]
		m.heap = m.heap[:n]
	}
	m.down(0)
}

// down sifts a lane down to its place.
func (m *merge) down(i int) {
	h := m.heap
	for {
		c := 2*i + 1
		if c >= len(h) {
			return
		}
		if c+1 < len(h) && m.ranks(h[c+1].hit, h[c].hit) {
			c++
		}
		if !m.ranks(h[c].hit, h[i].hit) {
			return
		}
		h[i], h[c] = h[c], h[i]
		i = c
	}
}

// ranks reports whether a comes before b.
func (m *merge) ranks(a, b hit) bool {
	if a.key != b.key {
		return a.key > b.key
	}
	return a.row != b.row && m.view.tieBefore(a.row, b.row)
}

// weight returns the weight of the best topic that a row carries and the person
// follows.
func (m *merge) weight(r row) int64 {
	if m.graded {
		for t := range m.view.tagsOf(r).all() {
			if s := m.standing(t.topic()); s.matched() && s.level() == standingFavourite {
				return weightFavourite
			}
		}
	}
	return weightFollow
}

// allows reports whether the list that the merge is of lets a row stand in the
// feed: something matches, nothing is muted.
func (m *merge) allows(r row) bool {
	matched := m.cold
	for t := range m.view.tagsOf(r).all() {
		s := m.standing(t.topic())
		if s.muted() {
			return false
		}
		matched = matched || s.matched()
	}
	return matched
}

// standing returns how the person stands to a topic.
func (m *merge) standing(n topicNum) standing {
	if int(n) < len(m.standings) {
		return m.standings[n]
	}
	return 0 // a topic that came after the page was begun
}

// compareID compares the row's article with an id.
func (m *merge) compareID(r row, id ArticleID) int {
	return bytes.Compare(m.view.head(r)[:16], id[:])
}
