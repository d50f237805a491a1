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
	lead   topicNum // the topic that the card is about, for the spread; 0: not looked up yet
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
		if story := w.m.view.story(h.row); story != 0 {
			if w.opens(h) {
				w.opened = append(w.opened, w.place(h, story))
			}
		} else if score, ok := w.appraise(h.row); ok {
			w.opened = append(w.opened, place{score: score, opener: h, row: h.row, source: w.m.view.source(h.row)})
		}
	}
	w.more = w.m.more()
	w.sort()
	return w.last, w.looked
}

// appraise scores an article that is a story of its own, if the list allows it:
// allows and score in one look at its tags.
func (w *walker) appraise(r row) (score int64, ok bool) {
	v := &w.m.view
	var worth, fresh int64
	matched := w.m.cold
	for _, t := range v.tagsOf(r) {
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

// opens reports whether an article of a story opens its place: the list allows
// it, and no other that the list allows came before it, in this chunk or an
// earlier one.
func (w *walker) opens(h hit) bool {
	if !w.m.allows(h.row) {
		return false
	}
	for _, r := range w.c.stories.members(w.m.view.story(h.row)) {
		if r != h.row && w.member(r) && w.m.ranks(hit{w.m.view.key(r) + w.m.weight(r), r}, h) {
			return false
		}
	}
	return true
}

// member reports whether a row of a story takes part in its place.
func (w *walker) member(r row) bool {
	return w.m.view.alive(r, w.m.edition) && w.m.allows(r)
}

// place judges the story of a candidate.
func (w *walker) place(h hit, story storyNum) place {
	sources := w.sources(story)
	p := place{score: w.score(h.row, sources), opener: h, row: h.row, story: story}
	for _, r := range w.c.stories.members(story) {
		if r == h.row || !w.member(r) {
			continue
		}
		if s := w.score(r, sources); s > p.score || s == p.score && w.m.view.tieBefore(r, p.row) {
			p.score, p.row = s, r
		}
	}
	p.source = w.m.view.source(p.row)
	return p
}

// sources counts the independent sources that cover a story, as of the edition.
func (w *walker) sources(n storyNum) int {
	if n == 0 {
		return 1
	}
	w.seen = w.seen[:0]
	for _, r := range w.c.stories.members(n) {
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
	for _, t := range w.m.view.tagsOf(r) {
		if n := t.topic(); n != source && (w.m.cold || w.m.standing(n).matched()) {
			return n
		}
	}
	return source
}

// sort orders the places by score, of equal scores by their openers.
func (w *walker) sort() {
	w.keys = w.keys[:0]
	top := int64(math.MinInt64)
	for i := range w.opened {
		top = max(top, w.opened[i].score)
	}
	for i := range w.opened { // they were opened in rank order, so the index breaks ties
		w.keys = append(w.keys, uint64(top-w.opened[i].score)<<16|uint64(i))
	}
	slices.Sort(w.keys)
	w.room = slices.Grow(w.room[:0], len(w.keys))[:len(w.keys)]
	w.places, w.size = w.room, len(w.keys)
	for i, k := range w.keys {
		w.places[i] = w.opened[k&0xffff]
	}
	w.arranged = 0
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
		for j := i; j < w.size; j++ {
			p := &w.places[j]
			if p.lead == 0 {
				p.lead = w.lead(p.row)
			}
			if spread(w.places[:i], p) {
				moved := *p
				copy(w.places[i+1:j+1], w.places[i:j])
				w.places[i] = moved
				break
			}
		}
	}
	return &w.places[upTo]
}

// spread reports whether a place may follow others.
func spread(before []place, p *place) bool {
	n := len(before)
	topics, sources := 0, 0
	for i := 1; i <= min(n, maxNeighbours); i++ {
		if before[n-i].lead == p.lead {
			topics++
		}
		if before[n-i].source == p.source {
			sources++
		}
	}
	if topics == maxNeighbours || sources == maxNeighbours {
		return false
	}
	for i := maxNeighbours + 1; i <= min(n, spreadWindow-1); i++ {
		if before[n-i].lead == p.lead {
			topics++
		}
	}
	return topics < maxInWindow
}
