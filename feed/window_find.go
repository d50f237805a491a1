package feed

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// This file is how the window finds the story of an article, and which stories
// turn out to be one.

// Bounds of a search.
const (
	searchLooked     = 4000 // stories in the lists of an article's terms, rarest first
	searchCandidates = 24   // of them that are compared in full
)

// candidate is a story that an article may be of.
type candidate struct {
	story    uint32
	likeness float64
}

// probe is an article that looks for its story: its terms as a member's are.
type probe struct {
	words     []uint32
	published int64
	source    uint32
	all       int32 // rarityOf(N + K)
	square    int64 // of the length of its weighted terms
	spoken    int   // of its terms: words
}

func (w *window) all() int32 { return rarityOf(float64(w.told) + priorStories) }

func (w *window) probe(r *wmember) *probe {
	p := &probe{words: w.slab.run(r.words, int(r.terms)), published: r.published, source: r.source, all: w.all()}
	for _, word := range p.words {
		weight, use := w.terms.weight(word>>useBits, p.all), int64(word&(1<<useBits-1))
		p.square += weight * weight * use * use
		if key := w.terms.terms[word>>useBits].key; key&keyTerm == 0 && termKind(key>>kindShift) == wordTerm {
			p.spoken++
		}
	}
	return p
}

// candidates returns the stories that share the most with an article, by its
// rarest terms.
func (w *window) candidates(p *probe) []candidate {
	if p.spoken < minTextWords {
		return nil
	}
	leading := make([]uint32, 0, len(p.words))
	for _, word := range p.words {
		if r := &w.terms.terms[word>>useBits]; word&(1<<useBits-1) > 0 && r.list.n > 0 {
			leading = append(leading, word)
		}
	}
	slices.SortFunc(leading, func(a, b uint32) int {
		x, y := &w.terms.terms[a>>useBits], &w.terms.terms[b>>useBits]
		return cmp.Or(cmp.Compare(x.list.n, y.list.n), cmp.Compare(x.key, y.key))
	})
	w.found = w.found[:0]
	looked := 0
	for _, word := range leading {
		slot := word >> useBits
		list := w.terms.terms[slot].list.words(&w.slab)
		if looked += len(list); looked > searchLooked && len(w.found) > 0 {
			break
		}
		weight := w.terms.weight(slot, p.all)
		gain := weight * weight * int64(word&(1<<useBits-1))
		for _, s := range list {
			if w.scores[s] == 0 {
				if !w.near(&w.stories[s], p.published) {
					continue
				}
				w.found = append(w.found, s)
			}
			w.scores[s] += gain
		}
	}
	slices.SortFunc(w.found, func(a, b uint32) int {
		return cmp.Or(cmp.Compare(w.scores[b], w.scores[a]), cmp.Compare(w.stories[a].number, w.stories[b].number))
	})
	for _, s := range w.found {
		w.scores[s] = 0
	}
	w.nearest = w.nearest[:0]
	for _, s := range w.found[:min(len(w.found), searchCandidates)] {
		if likeness := w.likeness(p, s); likeness > 0 {
			w.nearest = append(w.nearest, candidate{s, likeness})
		}
	}
	slices.SortFunc(w.nearest, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(b.likeness, a.likeness), cmp.Compare(w.stories[a.story].number, w.stories[b.story].number))
	})
	return w.nearest
}

// near reports whether a story may take an article published at a time.
func (w *window) near(st *wstory, published int64) bool {
	gap, span := storyGap.Milliseconds(), storySpan.Milliseconds()
	return st.nth < storyMembers && st.size < storyMembers &&
		published >= st.from-gap && published <= st.until+gap &&
		max(published, st.until)-min(published, st.from) <= span
}

// likeness is how like an article is to a story, 0 to 1.
func (w *window) likeness(p *probe, s uint32) float64 {
	st := &w.stories[s]
	var dot, square int64
	rest := p.words
	shared := 0 // that lead to stories
	sums := w.slab.run(st.words, int(2*st.terms))
	for i := 0; i < len(sums); i += 2 {
		slot, sum := sums[i], int64(sums[i+1]&(useOne-1))
		weight := w.terms.weight(slot, p.all)
		square += weight * weight * sum * sum
		for len(rest) > 0 && rest[0]>>useBits < slot {
			rest = rest[1:]
		}
		if len(rest) > 0 && rest[0]>>useBits == slot {
			if use := int64(rest[0] & (1<<useBits - 1)); use > 0 && sum > 0 {
				dot += weight * weight * sum * use
				if w.terms.terms[slot].leads {
					shared++
				}
			}
		}
	}
	if shared == 0 {
		return 0
	}
	likeness := cosine(dot, p.square, square)
	if shared == 1 {
		likeness *= 1 - loneLoss
	}
	if likeness < joinLikeness*lookLikeness {
		return 0
	}
	gap, own := w.gap(st, p)
	if gap > storyGap {
		return 0
	}
	n := float64(st.size)
	return likeness * gapFactor(gap) * (1 - sourceLoss*float64(own)/n) * (1 - aloneLoss/n)
}

func cosine(dot, a, b int64) float64 {
	if dot == 0 {
		return 0
	}
	return float64(dot) / (math.Sqrt(float64(a)) * math.Sqrt(float64(b)))
}

// gap returns the time between an article's publication and that of the nearest
// of a story, and how many of the story are of its source.
func (w *window) gap(st *wstory, p *probe) (gap time.Duration, own int) {
	nearest := int64(math.MaxInt64)
	for m := st.head; m != 0; m = w.members[m-1].next {
		r := &w.members[m-1]
		nearest = min(nearest, max(r.published-p.published, p.published-r.published))
		if r.source == p.source {
			own++
		}
	}
	return time.Duration(min(nearest, math.MaxInt64/int64(time.Millisecond))) * time.Millisecond, own
}

// certain returns the story of an article that has the same external id or text,
// the one with most of them.
func (w *window) certain(p *probe) (uint32, bool) {
	for _, word := range p.words {
		slot := word >> useBits
		if r := &w.terms.terms[slot]; r.key&keyTerm == 0 || r.list.n == 0 {
			continue
		}
		best, ok := uint32(0), false
		for _, s := range w.terms.terms[slot].list.words(&w.slab) {
			st := &w.stories[s]
			if gap, _ := w.gap(st, p); gap > storyGap || !w.near(st, p.published) {
				continue
			}
			if !ok || cmp.Or(cmp.Compare(st.size, w.stories[best].size), cmp.Compare(w.stories[best].number, st.number)) > 0 {
				best, ok = s, true
			}
		}
		if ok {
			return best, true
		}
	}
	return 0, false
}

// alike is how like two stories are, 0 to 1.
func (w *window) alike(a, b uint32) float64 {
	x, y := &w.stories[a], &w.stories[b]
	all := w.all()
	var dot, left, right int64
	p, q := w.slab.run(x.words, int(2*x.terms)), w.slab.run(y.words, int(2*y.terms))
	for i, j := 0, 0; i < len(p) || j < len(q); {
		switch {
		case j == len(q) || i < len(p) && p[i] < q[j]:
			weight, sum := w.terms.weight(p[i], all), int64(p[i+1]&(useOne-1))
			left += weight * weight * sum * sum
			i += 2
		case i == len(p) || q[j] < p[i]:
			weight, sum := w.terms.weight(q[j], all), int64(q[j+1]&(useOne-1))
			right += weight * weight * sum * sum
			j += 2
		default:
			weight, s, t := w.terms.weight(p[i], all), int64(p[i+1]&(useOne-1)), int64(q[j+1]&(useOne-1))
			left, right, dot = left+weight*weight*s*s, right+weight*weight*t*t, dot+weight*weight*s*t
			i, j = i+2, j+2
		}
	}
	between := max(x.from-y.until, y.from-x.until, 0)
	share := w.greatestShare(x, y)
	return cosine(dot, left, right) * gapFactor(time.Duration(between)*time.Millisecond) * (1 - sourceLoss*share*share)
}

// greatestShare returns the share that the source with the most articles has of
// two stories together.
func (w *window) greatestShare(stories ...*wstory) float64 {
	var sources []uint32
	for _, st := range stories {
		for m := st.head; m != 0; m = w.members[m-1].next {
			sources = append(sources, w.members[m-1].source)
		}
	}
	slices.Sort(sources)
	greatest, run := 0, 0
	for i, s := range sources {
		if run++; i > 0 && s != sources[i-1] {
			run = 1
		}
		greatest = max(greatest, run)
	}
	return float64(greatest) / float64(len(sources))
}

// uniteable reports whether two stories would be one within the limits of one.
func (w *window) uniteable(a, b uint32) bool {
	x, y := &w.stories[a], &w.stories[b]
	return x.nth+y.nth <= storyMembers && max(x.from-y.until, y.from-x.until) <= storyGap.Milliseconds() &&
		max(x.until, y.until)-min(x.from, y.from) <= storySpan.Milliseconds()
}
