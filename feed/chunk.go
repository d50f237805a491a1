package feed

import (
	"math"
	"slices"
)

// This file is stage 2, judgement. Candidates come from stage 1 in chunks of
// chunkSize. Of a chunk, each story gets one place, at the score of its best
// article; the places are ordered by score and then spread, so that neighbours
// differ. All of it depends on the list, the edition and the constants alone:
// what a person may see now is decided when a card is written.

// place is where a story stands in a chunk.
type place struct {
	score  int64
	opener hit      // the candidate that opened the place
	row    row      // the story's best article
	story  storyNum // 0: the story is its article
	lead   topicNum // the topic that the card is about, for the spread; of drawn places
	source topicNum
}

// chunk brings the next chunk, and returns how many candidates it had. The first
// of a feed may have been kept from an earlier page.
func (w *walker) chunk(first bool) int {
	w.chunks++
	if first && w.q.Cursor == nil && w.takeKept() {
		return w.looked
	}
	if w.kept != nil { // read to its end: go on behind it
		w.m.begin(w.m.edition, w.last.key, w.m.view.id(w.last.row))
		w.kept, w.begun = nil, true
	}
	_, n := w.judge()
	return n
}

// judge takes the next chunk from stage 1 and finds its places. last is its last
// candidate; n is how many there were.
func (w *walker) judge() (last hit, n int) {
	if !w.begun {
		w.m.begin(w.m.edition, w.start.Key, w.start.ID)
		w.begun = true
	}
	w.opened, w.looked = w.opened[:0], 0
	for w.looked < w.b.chunk {
		h, ok := w.m.next()
		if !ok {
			break
		}
		w.last = h
		w.looked++
		if story := w.story(h.row); story != 0 {
			if p, opens := w.place(h, story); opens {
				w.opened = append(w.opened, p)
			}
		} else if score, ok := w.appraise(h.row); ok {
			w.opened = append(w.opened, place{score: score, opener: h, row: h.row, source: w.m.view.source(h.row)})
		}
	}
	w.more = w.m.more()
	w.queue()
	return w.last, w.looked
}

// appraise scores an article that is a story of its own, if the list allows it:
// allows and score in one look at its tags.
func (w *walker) appraise(r row) (score int64, ok bool) {
	v := &w.m.view
	var worth, fresh int64
	matched := w.m.cold
	tags := v.tagsOf(r)
	for i := range tags.n {
		t := tags.at(i)
		switch s := w.m.standing(t.topic()); {
		case s == 0:
		case s.muted():
			return 0, false
		default:
			matched = true
			worth += s.worth(t.salience())
			fresh = max(fresh, s.fresh())
		}
	}
	return v.key(r) + min(worth, maxInterest) + kindWorth[v.kind(r)] + fresh, matched
}

// opens reports whether a candidate opens the place of its story.
func (w *walker) opens(h hit) bool {
	story := w.story(h.row)
	if story == 0 {
		return w.m.allows(h.row)
	}
	_, opens := w.place(h, story)
	return opens
}

// place judges the story of a candidate, in one look at its articles. The candidate
// opens the place if the list allows it, and no other that the list allows came
// before it, in this chunk or an earlier one.
func (w *walker) place(h hit, story storyNum) (p place, opens bool) {
	v := &w.m.view
	score, opens := w.appraise(h.row)
	p = place{score: score, opener: h, row: h.row, story: story}
	w.seen = append(w.seen[:0], v.source(h.row))
	for _, r := range w.membersOf(story) {
		if r == h.row || !v.alive(r, w.m.edition) {
			continue
		}
		if s := v.source(r); !slices.Contains(w.seen, s) {
			w.seen = append(w.seen, s)
		}
		score, allowed := w.appraise(r)
		if !allowed {
			continue
		}
		opens = opens && !w.m.ranks(hit{v.key(r) + w.m.weight(r), r}, h)
		if score > p.score || score == p.score && v.tieBefore(r, p.row) {
			p.score, p.row = score, r
		}
	}
	p.score += coverage(len(w.seen)) // the same for all, so that it decides nothing among them
	p.source = v.source(p.row)
	return p, opens
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
	score, _ := w.appraise(r)
	return score + coverage(sources)
}

// lead returns the topic that a card is about: the most salient one that
// matches, a source only if nothing else does.
func (w *walker) lead(r row) topicNum {
	source := w.m.view.source(r)
	for t := range w.m.view.tagsOf(r).all() {
		if n := t.topic(); n != source && (w.m.cold || w.m.standing(n).matched()) {
			return n
		}
	}
	return source
}

// queue makes a heap of the places, by score, of equal scores by their openers. A
// page reads a fifth of them: sorting all took a fifth of its time.
func (w *walker) queue() {
	w.keys = w.keys[:0]
	top := int64(math.MinInt64)
	for i := range w.opened {
		top = max(top, w.opened[i].score)
	}
	for i := range w.opened { // they were opened in rank order, so the index breaks ties
		w.keys = append(w.keys, uint64(top-w.opened[i].score)<<16|uint64(i))
	}
	for i := len(w.keys)/2 - 1; i >= 0; i-- {
		sink(w.keys, i)
	}
	w.size, w.arranged = len(w.keys), 0
	w.room = slices.Grow(w.room[:0], w.size)
	w.places = w.room[:0]
}

// draw moves the best place of the heap to the end of places.
func (w *walker) draw() {
	n := len(w.keys) - 1
	p := w.opened[w.keys[0]&0xffff]
	p.lead = w.lead(p.row)
	w.places = append(w.places, p)
	w.keys[0] = w.keys[n]
	w.keys = w.keys[:n]
	sink(w.keys, 0)
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

// arrange spreads the places up to one of them: a place whose card would make
// three in a row from one source or of one topic, or five of one topic in ten,
// waits for the next that would not. When nothing that is left of the chunk has
// anything else to say, the rule gives way.
func (w *walker) arrange(upTo int) *place {
	if w.kept != nil && upTo >= w.arranged {
		w.kept = nil
		w.judge() // the same chunk: what was kept is only as far as it was read
	}
	for ; w.arranged <= upTo; w.arranged++ {
		i := w.arranged
		bars := barsAfter(w.places[:i])
		for j := i; j < w.size; j++ {
			if j == len(w.places) {
				w.draw()
			}
			if p := &w.places[j]; bars.allow(p) {
				moved := *p
				copy(w.places[i+1:j+1], w.places[i:j])
				w.places[i] = moved
				break
			}
		}
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
