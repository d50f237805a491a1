package feed

import (
	"container/heap"
	"slices"
	"time"
)

// A trial is what deciding a batch does to the window: each article is entered as
// soon as its story is decided, so that the next one finds it. In the end all is
// taken back, for what counts is the log: what of it was stored comes again when
// the log is applied.
type trial struct {
	steps []trialStep
	like  [][2]StoryID // pairs of stories that may be one
}

// trialStep is one thing done to a member.
type trialStep struct {
	what   trialWhat
	member uint32
	story  StoryID // that it was of before
	number Edition
}

type trialWhat uint8

const (
	entered trialWhat = iota
	removed
	moved
)

// begin begins a trial, and keeps everybody else out until end.
func (w *window) begin() {
	w.mu.Lock()
	w.trial = &trial{}
}

// end takes back what was done since begin.
func (w *window) end() {
	steps := w.trial.steps
	w.trial = nil
	for _, step := range slices.Backward(steps) {
		r := &w.members[step.member]
		switch step.what {
		case entered:
			w.removeMember(step.member)
		case removed:
			w.byArticle[r.id] = step.member
			heap.Push(&w.oldest, step.member)
			w.attach(step.member, w.story(step.story, step.number))
		case moved:
			w.detach(step.member)
			w.attach(step.member, w.story(step.story, step.number))
		}
	}
	w.mu.Unlock()
}

// step notes a step of a trial, before it is done.
func (w *window) step(what trialWhat, m uint32) {
	if w.trial == nil {
		return
	}
	s := trialStep{what: what, member: m}
	if what != entered {
		st := &w.stories[w.members[m].story]
		s.story, s.number = st.id, st.number
	}
	w.trial.steps = append(w.trial.steps, s)
}

// Real updates.
const (
	newsShare = 0.2       // of an article's weighted terms that are new to its story
	newsEvery = time.Hour // between two of a story
)

// place decides, in a trial, what an entry's story makes of it, and enters it. A
// new article, whose Story is its own, may get another; an article that the log
// knows stays where it is. old is its entry before, nil for a new one. It sets
// Story, StoryNum, StoryNth, StoryFrom and News. An article that the index leaves
// out, being too old, is not entered.
func (w *window) place(e, old *Entry, within bool) {
	if old == nil {
		e.StoryNum, e.StoryNth, e.StoryFrom = e.Edition, 1, e.Article.Published
	} else {
		e.StoryNth, e.StoryFrom, e.News = old.StoryNth, old.StoryFrom, old.News
	}
	if e.Withdrawn {
		if m, ok := w.byArticle[e.Article.ID]; ok {
			w.removeMember(m)
		}
		return
	}
	r := wmember{published: e.Article.Published.UnixMilli(), source: sourceHash(e)}
	r.words, r.terms = w.intern(e)
	p := w.probe(&r)
	s, known := w.byStory[e.Story]
	if m, ok := w.byArticle[e.Article.ID]; ok {
		s, known = w.members[m].story, true // which may have another name now
	} else if old == nil {
		s, known = w.search(p)
	}
	if known {
		w.joins(e, p, s, old)
	} else if old != nil && w.tells(p, w.wordsOf(old), nil) && e.At.Sub(latest(old.News, old.At)) > newsEvery {
		e.News = e.At
	}
	if within && w.takes(r.published) {
		w.enter(e, r.words, r.terms)
	} else {
		w.release(r.words, r.terms)
	}
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// search returns the story of a new article, and notes which others are like it.
func (w *window) search(p *probe) (uint32, bool) {
	s, ok := w.certain(p)
	if !w.takes(p.published) {
		return s, ok
	}
	others := w.candidates(p)
	if !ok {
		if len(others) == 0 || others[0].likeness < joinLikeness {
			return 0, false
		}
		s = others[0].story
	}
	looked := 0
	for _, c := range others {
		if c.story != s && looked < 3 {
			w.trial.like = append(w.trial.like, [2]StoryID{w.stories[s].id, w.stories[c.story].id})
			looked++
		}
	}
	return s, true
}

// takes reports whether the window is for an article of a publication.
func (w *window) takes(published int64) bool {
	return len(w.oldest.members) < windowArticles || published >= w.members[w.oldest.members[0]].published
}

// joins makes an entry one of a story.
func (w *window) joins(e *Entry, p *probe, s uint32, old *Entry) {
	st := &w.stories[s]
	e.Story, e.StoryNum = st.id, st.number
	e.StoryFrom = time.UnixMilli(min(st.from, p.published)).UTC()
	last := time.UnixMilli(st.made)
	if e.News = (time.Time{}); st.news > 0 {
		e.News = time.UnixMilli(st.news).UTC()
		last = e.News
	}
	if old == nil {
		e.StoryNth = int(st.nth) + 1
	}
	if w.tells(p, nil, st) && e.At.Sub(last) > newsEvery {
		e.News = e.At
	}
}

// tells reports whether an article tells news: of its weighted words newsShare
// are neither in the words given nor among a story's terms, and its text is not
// one of theirs.
func (w *window) tells(p *probe, words []uint32, st *wstory) bool {
	var sums []uint32
	if st != nil {
		sums = w.slab.run(st.words, int(2*st.terms))
	}
	var all, fresh int64
	for _, word := range p.words {
		slot, use := word>>useBits, int64(word&(1<<useBits-1))
		for len(sums) > 0 && sums[0] < slot {
			sums = sums[2:]
		}
		for len(words) > 0 && words[0]>>useBits < slot {
			words = words[1:]
		}
		had := len(sums) > 0 && sums[0] == slot || len(words) > 0 && words[0]>>useBits == slot
		r := &w.terms.terms[slot]
		if r.key&keyTerm != 0 && had && r.key&textKey != 0 {
			return false
		}
		if r.key&keyTerm != 0 || termKind(r.key>>kindShift) != wordTerm {
			continue // a topic may come and go with one word of the title
		}
		all += w.terms.weight(slot, p.all) * use
		if !had {
			fresh += w.terms.weight(slot, p.all) * use
		}
	}
	return float64(fresh) >= newsShare*float64(all) && fresh > 0
}

// wordsOf returns an entry's terms as a member's are, those of the window's.
func (w *window) wordsOf(e *Entry) (words []uint32) {
	for i := range e.Features.terms() {
		if slot, ok := w.terms.slots[uint64(e.Features.term(i).hash())]; ok {
			words = append(words, memberTerm(slot, 1))
		}
	}
	slices.Sort(words)
	return words
}

// maxUnions is how many stories a batch unites at most.
const maxUnions = 20

// StoryMerge says that two stories turned out to be one.
type StoryMerge struct {
	Kept    StoryID `json:"kept" bson:"kept"` // the older one, whose id survives
	KeptNum Edition `json:"kept_num" bson:"kept_num"`
	Gone    StoryID `json:"gone" bson:"gone"` // its id is another name of Kept from now on
	GoneNum Edition `json:"gone_num" bson:"gone_num"`
}

// unions returns the stories that a trial's articles have shown to be one, each
// but the first of its kind united already when the next is looked at.
func (w *window) unions() (found []StoryMerge) {
	into := map[StoryID]StoryID{}
	for _, pair := range w.trial.like {
		for i := range pair {
			for next, ok := into[pair[i]]; ok; next, ok = into[pair[i]] {
				pair[i] = next
			}
		}
		a, okA := w.byStory[pair[0]]
		b, okB := w.byStory[pair[1]]
		if !okA || !okB || a == b || !w.uniteable(a, b) || w.alike(a, b) < uniteLikeness {
			continue
		}
		if w.stories[b].number < w.stories[a].number {
			a, b = b, a
		}
		kept, gone := w.stories[a], w.stories[b]
		found = append(found, StoryMerge{kept.id, kept.number, gone.id, gone.number})
		into[gone.id] = kept.id
		w.unite(a, b)
		if len(found) == maxUnions {
			break
		}
	}
	return found
}

// merge makes two stories one, as the log says.
func (w *window) merge(kept StoryID, number Edition, gone StoryID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if b, ok := w.byStory[gone]; ok {
		w.unite(w.story(kept, number), b)
	}
}

// unite moves all members of story b into a.
func (w *window) unite(a, b uint32) {
	var all []uint32
	for m := w.stories[b].head; m != 0; m = w.members[m-1].next {
		all = append(all, m-1)
	}
	for _, m := range all {
		w.step(moved, m)
		w.detach(m)
		w.attach(m, a)
	}
}
