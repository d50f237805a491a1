package feed

import (
	"container/heap"
	"hash/fnv"
	"math"
	"slices"
	"strings"
	"sync"
	"time"
)

// window knows the newest articles by publication, by their features and their
// stories: what the writer asks for the story of an article. Every node keeps it
// from the log, and what it finds is a function of the articles it holds, not of
// the order in which they came.
type window struct {
	mu sync.Mutex // guards all below

	slab  slab
	terms termTable

	members     []wmember
	freeMembers []uint32
	byArticle   map[ArticleID]uint32
	oldest      oldestFirst // of the members

	stories     []wstory
	freeStories []uint32
	byStory     map[StoryID]uint32
	told        int // stories that have members

	trial *trial // what is to be taken back; nil: nothing is

	// For one search at a time.
	scores  []int64 // by story
	found   []uint32
	nearest []candidate
}

// windowArticles is how many articles the window holds.
const windowArticles = 200_000

// wmember is an article of the window.
type wmember struct {
	id        ArticleID
	published int64 // ms
	news      int64 // ms; of its entry; 0: none
	at        int64 // ms; when it was accepted
	source    uint32
	story     uint32
	next      uint32 // of its story, plus one; 0: the last
	previous  uint32 // likewise
	nth       uint32 // article of its story, from 1; of its entry
	from      int64  // first publication of its story, ms; of its entry
	words     uint32 // place of its terms in the slab, in the order of their slots
	terms     uint32 // how many
	place     int32  // in oldest
}

// wstory is a story of the window. Its terms are pairs of words: slot, and the
// sum of the uses by its articles.
type wstory struct {
	id     StoryID
	number Edition
	head   uint32 // its first member, plus one; 0: none
	size   uint32
	nth    uint32 // articles that it ever had
	from   int64  // its first publication, ms
	until  int64  // its last one in the window, ms
	news   int64
	made   int64 // the first of its articles was accepted, ms
	words  uint32
	terms  uint32
}

// A member's term in the slab: its slot, and how much the use counts.
const useBits = 3

func memberTerm(slot, use uint32) uint32 { return slot<<useBits | use }

func newWindow() *window {
	w := &window{byArticle: map[ArticleID]uint32{}, byStory: map[StoryID]uint32{}}
	w.terms = termTable{slots: map[uint64]uint32{}, slab: &w.slab}
	w.oldest.w = w
	return w
}

// keysOf returns the keys by which an article meets others of its story for
// certain: its external id and its whole text.
func keysOf(e *Entry) (keys [2]uint64, n int) {
	if id := e.Article.ExternalID; id != "" {
		if !strings.ContainsAny(id, ":-") { // no urn, tag, address or uuid: unique within its source only
			id = e.Article.Source.ID + "\x00" + id
		}
		h := fnv.New64a()
		h.Write([]byte(id))
		keys[n] = h.Sum64()&^textKey | keyTerm
		n++
	}
	if text := e.Features.print(); text != 0 {
		keys[n] = text | keyTerm | textKey
		n++
	}
	return keys, n
}

// intern writes an entry's terms into the slab and counts their use.
func (w *window) intern(e *Entry) (at, terms uint32) {
	keys, nkeys := keysOf(e)
	n := e.Features.terms() + nkeys
	if n == 0 {
		return 0, 0
	}
	at = w.slab.take(n)
	words := w.slab.run(at, n)
	for i := range e.Features.terms() {
		t := e.Features.term(i)
		words[i] = memberTerm(w.terms.slot(uint64(t.hash())), t.use())
	}
	for i, key := range keys[:nkeys] {
		words[e.Features.terms()+i] = memberTerm(w.terms.slot(key), 0)
	}
	slices.Sort(words)
	for _, word := range words {
		w.terms.use(word>>useBits, 1)
	}
	return at, uint32(n)
}

// release gives an article's terms back.
func (w *window) release(at, n uint32) {
	for _, word := range w.slab.run(at, int(n)) {
		w.terms.use(word>>useBits, -1)
	}
	w.slab.give(at, int(n))
}

// note makes an entry's article a member, in place of its older version. Members
// beyond windowArticles go, those published first.
func (w *window) note(e *Entry) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.takes(e.Article.Published.UnixMilli()) {
		return
	}
	words, n := w.intern(e)
	w.enter(e, words, n)
	for len(w.oldest.members) > windowArticles {
		w.removeMember(w.oldest.members[0])
	}
}

// enter makes an entry's article, whose terms stand at a place, a member. mu is
// held.
func (w *window) enter(e *Entry, words, n uint32) {
	if old, ok := w.byArticle[e.Article.ID]; ok {
		w.removeMember(old)
	}
	var m uint32
	if n := len(w.freeMembers); n > 0 {
		m, w.freeMembers = w.freeMembers[n-1], w.freeMembers[:n-1]
	} else {
		m = uint32(len(w.members))
		w.members = append(w.members, wmember{})
	}
	w.members[m] = wmember{
		id: e.Article.ID, published: e.Article.Published.UnixMilli(), source: sourceHash(e),
		nth: uint32(e.StoryNth), from: timeMilli(e.StoryFrom, e.Article.Published), news: timeMilli(e.News, time.UnixMilli(0)), at: e.At.UnixMilli(),
		words: words, terms: n,
	}
	w.byArticle[e.Article.ID] = m
	heap.Push(&w.oldest, m)
	w.attach(m, w.story(e.Story, e.StoryNum))
	w.step(entered, m)
}

func sourceHash(e *Entry) uint32 { return hashTerm(sourceTerm, e.Article.Source.ID) }

func timeMilli(t, absent time.Time) int64 {
	if t.IsZero() {
		t = absent
	}
	return t.UnixMilli()
}

// forget takes an article out, of which the window may know nothing.
func (w *window) forget(id ArticleID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if m, ok := w.byArticle[id]; ok {
		w.removeMember(m)
	}
}

// forgetBefore takes out what was published before a time.
func (w *window) forgetBefore(t time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.oldest.members) > 0 && w.members[w.oldest.members[0]].published < t.UnixMilli() {
		w.removeMember(w.oldest.members[0])
	}
}

// removeMember takes a member out; in a trial it is kept aside.
func (w *window) removeMember(m uint32) {
	r := &w.members[m]
	delete(w.byArticle, r.id)
	heap.Remove(&w.oldest, int(r.place))
	w.step(removed, m)
	w.detach(m)
	if w.trial != nil {
		return
	}
	w.release(r.words, r.terms)
	w.freeMembers = append(w.freeMembers, m)
}

// story returns a story's place, which it is given when it has none.
func (w *window) story(id StoryID, number Edition) uint32 {
	if s, ok := w.byStory[id]; ok {
		return s
	}
	var s uint32
	if n := len(w.freeStories); n > 0 {
		s, w.freeStories = w.freeStories[n-1], w.freeStories[:n-1]
	} else {
		s = uint32(len(w.stories))
		w.stories = append(w.stories, wstory{})
		w.scores = append(w.scores, 0)
	}
	w.stories[s] = wstory{id: id, number: number, from: math.MaxInt64, until: math.MinInt64, made: math.MaxInt64}
	w.byStory[id] = s
	return s
}

// attach makes a member one of a story.
func (w *window) attach(m, s uint32) {
	r, st := &w.members[m], &w.stories[s]
	r.story, r.previous, r.next = s, 0, st.head
	if st.head != 0 {
		w.members[st.head-1].previous = m + 1
	}
	st.head = m + 1
	if st.size++; st.size == 1 {
		w.told++
	}
	st.count(r)
	w.addTerms(st, s, r)
}

// count makes a member count in what is known of its story.
func (st *wstory) count(r *wmember) {
	st.from = min(st.from, r.from, r.published)
	st.until = max(st.until, r.published)
	st.nth = max(st.nth, r.nth, st.size)
	st.news, st.made = max(st.news, r.news), min(st.made, r.at)
}

// detach takes a member out of its story, and the story away with its last.
func (w *window) detach(m uint32) {
	r := &w.members[m]
	s := r.story
	st := &w.stories[s]
	if r.previous != 0 {
		w.members[r.previous-1].next = r.next
	} else {
		st.head = r.next
	}
	if r.next != 0 {
		w.members[r.next-1].previous = r.previous
	}
	st.size--
	w.subtractTerms(st, s, r)
	if st.size == 0 {
		w.told--
		delete(w.byStory, st.id)
		w.freeStories = append(w.freeStories, s)
		return
	}
	st.from, st.until, st.nth, st.news, st.made = math.MaxInt64, math.MinInt64, 0, 0, math.MaxInt64
	for m := st.head; m != 0; m = w.members[m-1].next {
		st.count(&w.members[m-1])
	}
}

// addTerms adds a member's terms to its story's.
func (w *window) addTerms(st *wstory, s uint32, r *wmember) {
	have, more := w.slab.run(st.words, int(2*st.terms)), w.slab.run(r.words, int(r.terms))
	room := min(len(have)+2*len(more), slabPiece)
	at := w.slab.take(room)
	sum := w.slab.run(at, room)[:0]
	for len(have) > 0 || len(more) > 0 {
		switch {
		case len(more) == 0 || len(have) > 0 && have[0] < more[0]>>useBits:
			sum, have = append(sum, have[0], have[1]), have[2:]
		case len(have) == 0 || more[0]>>useBits < have[0]:
			w.terms.enter(more[0]>>useBits, s)
			sum, more = append(sum, more[0]>>useBits, more[0]&(1<<useBits-1)+useOne), more[1:]
		default:
			sum = append(sum, have[0], have[1]+more[0]&(1<<useBits-1)+useOne)
			have, more = have[2:], more[1:]
		}
	}
	w.replaceTerms(st, at, room, sum)
}

// useOne stands in a story's sum for each article that uses the term, above the
// sum of the uses itself, so that the last one's leaving is seen.
const useOne = 1 << 16

// subtractTerms takes a member's terms out of its story's.
func (w *window) subtractTerms(st *wstory, s uint32, r *wmember) {
	have, less := w.slab.run(st.words, int(2*st.terms)), w.slab.run(r.words, int(r.terms))
	room := len(have)
	if room == 0 {
		return
	}
	at := w.slab.take(room)
	rest := w.slab.run(at, room)[:0]
	for len(have) > 0 {
		slot, sum := have[0], have[1]
		have = have[2:]
		if len(less) > 0 && less[0]>>useBits == slot {
			sum -= less[0]&(1<<useBits-1) + useOne
			less = less[1:]
			if sum < useOne {
				w.terms.leave(slot, s)
				continue
			}
		}
		rest = append(rest, slot, sum)
	}
	w.replaceTerms(st, at, room, rest)
}

// replaceTerms makes terms that were written at a place a story's.
func (w *window) replaceTerms(st *wstory, at uint32, room int, terms []uint32) {
	w.slab.give(st.words, int(2*st.terms))
	st.words, st.terms = 0, uint32(len(terms)/2)
	if len(terms) == 0 {
		w.slab.give(at, room)
		return
	}
	if roomOf(len(terms)) == roomOf(room) {
		st.words = at
		return
	}
	st.words = w.slab.take(len(terms))
	copy(w.slab.run(st.words, len(terms)), terms)
	w.slab.give(at, room)
}

// oldestFirst is a heap of members, the one published first on top.
type oldestFirst struct {
	w       *window
	members []uint32
}

func (o *oldestFirst) Len() int { return len(o.members) }

func (o *oldestFirst) Less(i, j int) bool {
	a, b := &o.w.members[o.members[i]], &o.w.members[o.members[j]]
	if a.published != b.published {
		return a.published < b.published
	}
	return slices.Compare(a.id[:], b.id[:]) < 0
}

func (o *oldestFirst) Swap(i, j int) {
	m := o.members
	m[i], m[j] = m[j], m[i]
	o.w.members[m[i]].place, o.w.members[m[j]].place = int32(i), int32(j)
}

func (o *oldestFirst) Push(m any) {
	o.members = append(o.members, m.(uint32))
	o.w.members[m.(uint32)].place = int32(len(o.members) - 1)
}

func (o *oldestFirst) Pop() any {
	last := o.members[len(o.members)-1]
	o.members = o.members[:len(o.members)-1]
	return last
}
