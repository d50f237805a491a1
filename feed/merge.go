package feed

import "bytes"

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

// merge gives the rows alive at an edition in rank order. It is reused from page
// to page: see scratch.
type merge struct {
	view    view
	edition uint32
	heap    []lane
	levels  []int8 // by topic number: 0 none, weight+1 of a followed one, muted
	graded  bool   // some followed topics weigh more than others
	last    row
	any     bool // last is set
}

// Marks in merge.levels.
const (
	levelMuted     = -1
	levelFollow    = 1
	levelFavourite = 2
)

// add puts a list into the merge, from the place after a hit, if that is given.
func (m *merge) add(h *postingHead, weight int64, after *hit, id ArticleID) {
	s := lane{weight: weight, walk: newWalk(h)}
	if after != nil {
		s.walk = seek(h, func(r row) bool { return !m.after(r, weight, after.key, id) })
	}
	if m.advance(&s) {
		m.heap = append(m.heap, s)
	}
}

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

// init orders the heap once all lists are added.
func (m *merge) init() {
	for i := len(m.heap)/2 - 1; i >= 0; i-- {
		m.down(i)
	}
}

// next returns the next row, each once.
func (m *merge) next() (hit, bool) {
	for len(m.heap) > 0 {
		top := m.heap[0].hit
		weight := m.heap[0].weight
		m.step()
		if m.any && top.row == m.last {
			continue
		}
		if m.graded && weight < weightFavourite && m.best(top.row) > weight {
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

// best returns the weight of the best topic that a row carries and the person
// follows.
func (m *merge) best(r row) int64 {
	for _, t := range m.view.tagsOf(r) {
		if m.level(t.topic()) == levelFavourite {
			return weightFavourite
		}
	}
	return weightFollow
}

// compareID compares the row's article with an id.
func (m *merge) compareID(r row, id ArticleID) int {
	return bytes.Compare(m.view.head(r)[:16], id[:])
}

// level returns how the person stands to a topic.
func (m *merge) level(n topicNum) int8 {
	if int(n) < len(m.levels) {
		return m.levels[n]
	}
	return 0
}
