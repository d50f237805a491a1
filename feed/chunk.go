package feed

import (
	"slices"
)

// This file is stage 2, judgement. Candidates come from stage 1 in chunks of
// chunkSize. Of a chunk, each story gets one place, at the score of its best
// article; the places are ordered by score and then spread, so that neighbours
// differ. All of it depends on the list, the edition and the constants alone:
// what a person may see now is decided when a card is written.
//
// No more of a chunk is judged than its first places need: what judging adds to a
// static key is bounded, so that candidates far down cannot come first (Fagin, Lotem
// and Naor's threshold algorithm, 2003).

// judgeBatch is how many candidates are judged at a time.
const judgeBatch = 48

// place is where a story stands in a chunk.
type place struct {
	score  int64
	opener hit      // the candidate that opened the place
	row    row      // the story's best article
	story  storyNum // 0: the story is its article
	lead   topicNum // the topic that the card is about, for the spread
	source topicNum
}

// chunk brings the next chunk; false when there is none. The first of a feed may have
// been kept from an earlier page.
func (w *walker) chunk(first bool) bool {
	w.chunks++
	if first && w.q.Cursor == nil && w.takeKept() {
		return true
	}
	if w.kept != nil { // read to its end: go on behind it
		w.m.begin(w.m.edition, w.last.key, w.m.view.id(w.last.row))
		w.kept, w.begun = nil, true
	}
	return w.judge()
}

// judge begins the next chunk of stage 1 and finds its first places; false when there
// is none.
func (w *walker) judge() bool {
	if !w.begun {
		w.m.begin(w.m.edition, w.start.Key, w.start.ID)
		w.begun = true
	}
	w.opened, w.keys, w.looked, w.judgedAll, w.arranged = w.opened[:0], w.keys[:0], 0, false, 0
	w.judged.reset()
	w.places = slices.Grow(w.room[:0], w.b.chunk)
	w.room = w.places
	for w.looked == 0 && !w.judgedAll {
		w.judgeMore()
	}
	return w.looked > 0
}

// judgeMore judges some more candidates of the chunk. last is the last of them, looked
// how many there were in the chunk so far.
func (w *walker) judgeMore() {
	if !w.fetch(min(w.b.batch, w.b.chunk-w.looked)) {
		w.judgedAll, w.more = true, w.m.more()
		return
	}
	if w.looked == 0 {
		w.top = w.fetched[0].key + maxJudged
	}
	opened := len(w.opened)
	w.judgeFetched()
	for i := opened; i < len(w.opened); i++ {
		w.queue(i)
	}
}

// judgeFetched finds the places that the fetched candidates open.
func (w *walker) judgeFetched() {
	for i := range w.fetched {
		c := &w.fetched[i]
		if !c.scanned {
			c.appraisal = w.m.appraise(c.key-c.from, c.meta, c.tags)
		}
		a := &c.appraisal
		if a.weight > c.from {
			continue // it came before, from the list of its best topic
		}
		w.last = c.hit
		w.looked++
		if c.story != 0 {
			if p := w.placeOf(c.story, c.row); p.opener.row == c.row {
				w.opened = append(w.opened, *p)
			}
		} else if a.allowed {
			w.opened = append(w.opened, place{a.score, c.hit, c.row, 0, a.lead, a.source})
		}
	}
}

// opens reports whether a candidate opens the place of its story.
func (w *walker) opens(h hit) bool {
	story := w.story(h.row)
	if story == 0 {
		return w.m.allows(h.row)
	}
	return w.placeOf(story, h.row).opener.row == h.row
}

// placeOf returns the place of a story that has an article of some row. It holds
// until the next call.
func (w *walker) placeOf(n storyNum, r row) *place {
	p, known := w.judged.find(n)
	if !known {
		w.judgeStory(p, several{n, r, w.membersOf(n)})
	}
	return p
}

// judgeStory finds the place of a story, in one look at its articles: there may be
// thousands. What opens it is the one that stage 1 gives first of those that the list
// allows, noRow if it allows none; what stands in it is the one that scores most.
func (w *walker) judgeStory(p *place, s several) {
	*p = place{opener: hit{row: noRow}, story: s.story}
	w.seen = w.seen[:0]
	if !slices.Contains(s.rows, s.first) {
		w.enter(p, s.first) // the writer is about to make it one of them
	}
	for _, r := range s.rows {
		w.enter(p, r)
	}
	p.score += coverage(len(w.seen)) // the same for all, so that it decides nothing among them
}

// enter makes an article one of a place, if it is alive.
func (w *walker) enter(p *place, r row) {
	v := &w.m.view
	if !v.alive(r, w.m.edition) {
		return
	}
	a := w.m.appraiseRow(r)
	if !slices.Contains(w.seen, a.source) {
		w.seen = append(w.seen, a.source)
	}
	if !a.allowed {
		return
	}
	h, first := hit{v.key(r) + a.weight, r}, p.opener.row == noRow
	if first || w.m.ranks(h, p.opener) {
		p.opener = h
	}
	if first || a.score > p.score || a.score == p.score && v.tieBefore(r, p.row) {
		p.score, p.row, p.lead, p.source = a.score, r, a.lead, a.source
	}
}

// member reports whether a row of a story takes part in its place.
func (w *walker) member(r row) bool {
	return w.m.view.alive(r, w.m.edition) && w.m.allows(r)
}

// sources counts the independent sources that cover a story, as of the edition.
func (w *walker) sources(n storyNum) int {
	if n == 0 {
		return 1
	}
	w.seen = w.seen[:0]
	for _, r := range w.membersOf(n) {
		if !w.m.view.alive(r, w.m.edition) {
			continue
		}
		if s := w.m.view.source(r); !slices.Contains(w.seen, s) {
			w.seen = append(w.seen, s)
		}
	}
	return len(w.seen)
}

// score is the sum of the terms of an article; see terms.
func (w *walker) score(r row, sources int) int64 {
	return w.m.appraiseRow(r).score + coverage(sources)
}

// queue puts a place that was opened on the heap, by score, of equal scores by their
// openers: they were opened in rank order, so the index breaks ties. A page reads a
// fifth of them: to sort all took a fifth of its time.
func (w *walker) queue(i int) {
	w.keys = append(w.keys, uint64(w.top-w.opened[i].score)<<16|uint64(i))
	rise(w.keys)
}

// draw moves the best place that is left of the chunk to the end of places; false when
// there is none. As soon as no candidate can score more than that, the rest of them
// need not be judged: for who follows what is seldom written about, most need not.
func (w *walker) draw() bool {
	for !w.judgedAll && (len(w.keys) == 0 || w.opened[w.keys[0]&0xffff].score < w.last.key+w.m.judged) {
		w.judgeMore()
	}
	n := len(w.keys) - 1
	if n < 0 {
		return false
	}
	w.places = append(w.places, w.opened[w.keys[0]&0xffff])
	w.keys[0] = w.keys[n]
	w.keys = w.keys[:n]
	sink(w.keys, 0)
	return true
}

// drawn reports whether the chunk has no more places than so many.
func (w *walker) drawn(places int) bool {
	if w.kept != nil {
		return w.judgedAll && places >= w.kept.size
	}
	for len(w.keys) == 0 && !w.judgedAll {
		w.judgeMore()
	}
	return len(w.keys) == 0 && places >= len(w.places)
}

// rise sifts the last key of a heap with the smallest on top up.
func rise(h []uint64) {
	i := len(h) - 1
	k := h[i]
	for i > 0 && k < h[(i-1)/2] {
		h[i] = h[(i-1)/2]
		i = (i - 1) / 2
	}
	h[i] = k
}

// sink sifts a key down a heap with the smallest on top.
func sink(h []uint64, i int) {
	if i >= len(h) {
		return
	}
	k := h[i]
	for c := 2*i + 1; c < len(h); c = 2*i + 1 {
		if c+1 < len(h) && h[c+1] < h[c] {
			c++
		}
		if k <= h[c] {
			break
		}
		h[i] = h[c]
		i = c
	}
	h[i] = k
}

// arrange returns the place that stands at a position of the chunk, nil behind the last.
// It spreads them: a place whose card would make three in a row from one source or of
// one topic, or five of one topic in ten, waits for the next that would not. When
// nothing that is left of the chunk has anything else to say, the rule gives way.
func (w *walker) arrange(upTo int) *place {
	if w.kept != nil && upTo >= w.arranged {
		if w.drawn(upTo) {
			return nil
		}
		w.kept = nil
		w.judge() // the same chunk: what was kept is only as far as it was read
	}
	for ; w.arranged <= upTo; w.arranged++ {
		i := w.arranged
		if i == len(w.places) && !w.draw() {
			return nil
		}
		j, bars := i, barsAfter(w.places[:i])
		for !bars.allow(&w.places[j]) {
			if j++; j == len(w.places) && !w.draw() {
				j = i
				break
			}
		}
		moved := w.places[j]
		copy(w.places[i+1:j+1], w.places[i:j])
		w.places[i] = moved
	}
	return &w.places[upTo]
}

// bars are what may not come next: a source and topics. It is found once for all
// that wait. noNumber bars nothing.
type bars struct {
	source topicNum
	topics [1 + (spreadWindow-1)/maxInWindow]topicNum
}

// barsAfter returns what may not follow places.
func barsAfter(before []place) bars {
	b := bars{source: noNumber}
	for i := range b.topics {
		b.topics[i] = noNumber
	}
	n := len(before)
	if n < maxNeighbours {
		return b
	}
	if row := before[n-maxNeighbours:]; alike(row, func(p *place) topicNum { return p.source }) {
		b.source = row[0].source
	}
	if row := before[n-maxNeighbours:]; alike(row, func(p *place) topicNum { return p.lead }) {
		b.topics[0] = row[0].lead
	}
	window := before[max(0, n-spreadWindow+1):]
	for i, k := 0, 1; i+maxInWindow <= len(window); i++ {
		topics := 1
		for j := i + 1; j < len(window); j++ {
			if window[j].lead == window[i].lead {
				topics++
			}
		}
		if topics == maxInWindow { // counted from its first: once
			b.topics[k] = window[i].lead
			k++
		}
	}
	return b
}

func alike(row []place, of func(*place) topicNum) bool {
	for i := range row[1:] {
		if of(&row[i+1]) != of(&row[0]) {
			return false
		}
	}
	return true
}

// allow reports whether a place may come next.
func (b *bars) allow(p *place) bool {
	if p.source == b.source {
		return false
	}
	for _, t := range b.topics {
		if p.lead == t {
			return false
		}
	}
	return true
}
