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
//
// Where most articles match, an article of four followed topics comes up four times,
// each time among the heads of two hundred lists. There the list of all articles
// takes the place of those of weightFollow, and what does not match is passed over;
// see scan.go.

// hit is a row with its effective key.
type hit struct {
	key int64
	row row
}

// listed is a posting list that is to be merged.
type listed struct {
	head   *postingHead
	weight int64
}

// lane is a posting list in the merge, and how far it is read.
type lane struct {
	walk   walk
	weight int64
	scans  bool // it is of all articles
	taken  uint8
	read   uint8 // of ahead, from taken on: those that are not taken yet
	ahead  [lookAhead]upcoming
}

// lookAhead is how many rows of a lane are read at a time once some were taken.
const lookAhead = 4

// upcoming is a row of a lane that comes soon. It is read with its neighbours when one
// before them is taken: their keys are mostly in no cache, and come together, while
// others are sorted.
type upcoming struct {
	row   row
	alive bool
	key   int64
}

// leader is the row that a lane is at.
type leader struct {
	hit
	lane uint32
}

// merge gives the rows alive at an edition in rank order, for one person. It is
// reused from page to page.
type merge struct {
	view    view
	edition uint32
	lists   []listed
	scan    scan
	lanes   []lane
	heap    []leader // of the lanes that are not at their end
	last    row
	any     bool // last is set

	standings []standing // by topic number
	set       []topicNum // which of them are not 0
	graded    bool       // some followed topics weigh more than others
	cold      bool       // nothing is followed: everything matches
	judged    int64      // what stage 2 adds to a static key, at most
}

// prepare sets how a person stands to the topics, and finds the lists to be
// merged. What they name is in the view: see view for the order of the loads.
func (m *merge) prepare(c *corpus, p *Person, asOf time.Time) {
	m.graded, m.cold, m.lists = false, p.Cold(), m.lists[:0]
	numbers, at := p.numbers(c), asOf.UnixMilli()
	var follows, worth int64
	var fresh standing
	if n := numbers.topics; len(m.standings) < n {
		m.standings = append(m.standings, make([]standing, n+n/4-len(m.standings))...)
	}
	for i := range numbers.followed {
		f := &numbers.followed[i]
		m.lists = append(m.lists, listed{f.list.load(), f.level.weight()})
		s := newStanding(f.level, freshness(f.since, at))
		m.stand(f.topic, s)
		worth, fresh = worth+s.worth(maxSalience), max(fresh, s)
		if f.level == standingFavourite {
			m.graded = true
		} else {
			follows += f.list.live.Load()
		}
	}
	for _, n := range numbers.muted {
		m.stand(n, standingMuted)
	}
	m.judged = min(worth, maxInterest) + maxCoverage + maxKind + fresh.fresh()
	all := c.list(everything)
	if m.cold {
		m.lists = append(m.lists, listed{all.load(), weightFollow})
	}
	m.scan.prepare(all, follows)
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
	clear(m.lanes)
	m.scan.head = nil
	m.view = view{}
}

// begin starts the merge of an edition, after a place in the ranking. The lists
// are gone through once for each thing that must be fetched to know the next:
// mostly it is in no cache, and like this many are on their way at a time.
func (m *merge) begin(edition uint32, key int64, id ArticleID) {
	m.edition, m.any, m.lanes, m.heap = edition, false, m.lanes[:0], m.heap[:0]
	for i := range m.lists {
		if l := &m.lists[i]; m.scan.head == nil || l.weight != weightFollow {
			m.lanes = append(m.lanes, lane{walk: newWalk(l.head), weight: l.weight})
		}
	}
	if m.scan.head != nil {
		m.lanes = append(m.lanes, lane{walk: newWalk(m.scan.head), weight: weightFollow, scans: true})
	}
	if key != firstKey {
		for i := range m.lanes {
			l := &m.lanes[i]
			l.walk = seek(l.walk.head, func(r row) bool { return !m.after(r, l.weight, key, id) })
		}
	}
	for i := range m.lanes {
		if r, ok := m.lanes[i].walk.next(); ok {
			m.heap = append(m.heap, leader{hit{row: r}, uint32(i)})
		}
	}
	n := 0
	for _, l := range m.heap {
		if m.settle(&l) {
			m.heap[n] = l
			n++
		}
	}
	m.heap = m.heap[:n]
	if m.scan.failed {
		m.merges(key, id)
		return
	}
	for i := n/2 - 1; i >= 0; i-- {
		m.down(i)
	}
}

// merges goes on without a scan that failed, after a place in the ranking.
func (m *merge) merges(key int64, id ArticleID) {
	m.scan.head, m.scan.failed = nil, false
	m.begin(m.edition, key, id)
}

// more reports whether next may give another row.
func (m *merge) more() bool { return len(m.heap) > 0 }

// after reports whether a row, at a weight, ranks after a key and article id.
func (m *merge) after(r row, weight, key int64, id ArticleID) bool {
	k := m.view.key(r) + weight
	return k < key || k == key && m.compareID(r, id) > 0
}

// look reads a row.
func (m *merge) look(r row) upcoming {
	key, alive := m.view.keyAt(r, m.edition)
	return upcoming{r, alive, key}
}

// settle finds the key of a lane's first row, or if that is not to be given moves the
// lane on. Few first rows are taken: none is read ahead.
func (m *merge) settle(l *leader) bool {
	lane := &m.lanes[l.lane]
	first := m.look(l.row)
	if first.alive && !lane.scans {
		l.key = first.key + lane.weight
		return true
	}
	lane.ahead[0], lane.read = first, 1
	return m.advance(l)
}

// advance moves a lane to its next row that is alive.
func (m *merge) advance(l *leader) bool {
	lane := &m.lanes[l.lane]
	if lane.scans {
		return m.scan.advance(m, lane, l)
	}
	for {
		next, ok := lane.take(m)
		if !ok {
			return false
		}
		if next.alive {
			l.hit = hit{next.key + lane.weight, next.row}
			return true
		}
	}
}

// take returns the next row of a lane's list. When that was the last one read, it
// reads on.
func (l *lane) take(m *merge) (next upcoming, ok bool) {
	if l.taken == l.read {
		r, ok := l.walk.next()
		if !ok {
			return next, false
		}
		l.ahead[0], l.taken, l.read = m.look(r), 0, 1
	}
	next = l.ahead[l.taken]
	if l.taken++; l.taken == l.read {
		l.readOn(m)
	}
	return next, true
}

// readOn reads more rows than the last time, up to lookAhead.
func (l *lane) readOn(m *merge) {
	n := min(2*l.read, lookAhead)
	l.taken, l.read = 0, 0
	for l.read < n {
		r, ok := l.walk.next()
		if !ok {
			break
		}
		l.ahead[l.read] = m.look(r)
		l.read++
	}
}

// next returns the next row, each once.
func (m *merge) next() (hit, bool) {
	for {
		var c fetched
		if !m.pop(&c) {
			return hit{}, false
		}
		if !m.graded || c.scanned || c.from == weightFavourite || m.weight(c.row) == c.from {
			return c.hit, true
		}
	}
}

// pop gives the next row, with the weight of the list that it came from: each row
// once from the lists of a weight. A row of a favourite comes again, later, from a
// list of a lower weight than its best.
func (m *merge) pop(c *fetched) bool {
	for len(m.heap) > 0 {
		top := &m.heap[0]
		lane := &m.lanes[top.lane]
		c.hit, c.from, c.scanned = top.hit, lane.weight, lane.scans
		if lane.scans {
			c.appraisal = m.scan.at
		}
		m.step(top)
		again := m.any && c.row == m.last
		m.last, m.any = c.row, true
		if m.scan.failed {
			m.merges(c.key, m.view.id(c.row))
		}
		if !again {
			return true
		}
	}
	return false
}

// step moves the top lane on and restores the heap.
func (m *merge) step(top *leader) {
	if !m.advance(top) {
		n := len(m.heap) - 1
		m.heap[0] = m.heap[n]
		m.heap = m.heap[:n]
	}
	m.down(0)
}

// down sifts a lane down to its place.
func (m *merge) down(i int) {
	h := m.heap
	if i >= len(h) {
		return
	}
	l := h[i]
	for c := 2*i + 1; c < len(h); c = 2*i + 1 {
		if c+1 < len(h) && m.leads(&h[c+1], &h[c]) {
			c++
		}
		if !m.leads(&h[c], &l) {
			break
		}
		h[i] = h[c]
		i = c
	}
	h[i] = l
}

// leads is ranks for the heap.
func (m *merge) leads(a, b *leader) bool {
	return a.key > b.key || a.key == b.key && a.row != b.row && m.view.tieBefore(a.row, b.row)
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
	if !m.graded {
		return weightFollow
	}
	return m.appraiseRow(r).weight
}

// allows reports whether the list that the merge is of lets a row stand in the
// feed: something matches, nothing is muted.
func (m *merge) allows(r row) bool { return m.appraiseRow(r).allowed }

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
