package feed

import (
	"cmp"
	"slices"
)

// The must-know shelf stands beside the items, on a first page: stories that at
// least mustKnowSources independent sources cover and that no interest of the
// person matches. A mute keeps a story off it as it does everywhere.
//
// No interest matches what stands there, so its scores are the same for everybody:
// what may stand on a shelf is gathered and sorted once for all, and each page
// takes the first that this person may see.

// shelf is what may stand on a must-know shelf. It is never changed, and holds as
// long as no entry touches a covered story.
type shelf struct {
	compactions uint64 // of the corpus: rows may have gone since
	touched     uint64 // the newest edition that touched a covered story
	articles    []shelved
	topics      [][]topicNum // of each story: all that its articles carry
}

// shelved is an article of a covered story.
type shelved struct {
	score int64
	row   row
	story storyNum
	order uint32 // of the story, in topics
}

// mustKnow adds the shelf's cards. The receipt of each has one term.
func (w *walker) mustKnow() {
	for _, s := range w.shelf() {
		w.show(s.story, s.row, false)
		if w.q.Why {
			w.why([]Term{{Name: "must_know", Value: s.score}})
		}
	}
}

// shelf returns what stands on the person's shelf, best first: of the covered
// stories that no interest matches, those whose best article scores most.
func (w *walker) shelf() []shelved {
	w.onShelf = w.onShelf[:0]
	if w.m.cold {
		return nil // everything matches
	}
	s := w.shelfAtHand()
	w.taken = append(w.taken[:0], make([]bool, len(s.topics))...)
	for _, a := range s.articles { // best first: a story's first that may stand is its best
		if len(w.onShelf) == w.q.MustKnow {
			break
		}
		if w.taken[a.order] {
			continue
		}
		if w.matchesAny(s.topics[a.order]) {
			w.taken[a.order] = true
		} else if !w.mutes(a.row) && w.policy.allows(&w.m.view, a.row) {
			w.taken[a.order] = true
			w.onShelf = append(w.onShelf, a)
		}
	}
	return w.onShelf
}

// shelfAtHand returns what may stand on a shelf as of the edition of a first page:
// the newest, or one that was a moment ago.
func (w *walker) shelfAtHand() *shelf {
	touched := w.c.list(covered).touched.Load()
	s := w.c.shelf.Load()
	if s != nil && s.compactions == w.compactions && s.touched == touched && touched <= uint64(w.start.Edition) {
		return s
	}
	s = w.newShelf()
	s.compactions, s.touched = w.compactions, touched
	if touched <= uint64(w.start.Edition) { // else an entry is being applied: it holds for this page alone
		w.c.shelf.Store(s)
	}
	return s
}

// newShelf gathers the stories of the first shelfLook articles that stage 1 would
// give of those whose story was ever covered.
func (w *walker) newShelf() *shelf {
	v, s := &w.m.view, new(shelf)
	var told []storyNum
	for walk, looked := newWalk(w.covered), 0; looked < shelfLook; {
		r, ok := walk.next()
		if !ok {
			break
		}
		if !v.alive(r, w.m.edition) {
			continue // not counted: a live blog has hundreds of versions side by side
		}
		if looked++; slices.Contains(told, w.story(r)) {
			continue
		}
		told = append(told, w.story(r))
		w.shelve(s, w.story(r))
	}
	slices.SortFunc(s.articles, func(a, b shelved) int {
		if a.score != b.score {
			return cmp.Compare(b.score, a.score)
		}
		if v.tieBefore(a.row, b.row) {
			return -1
		}
		return 1
	})
	return s
}

// shelve adds the articles of a story, if that is covered.
func (w *walker) shelve(s *shelf, n storyNum) {
	sources := w.sources(n)
	if sources < mustKnowSources {
		return
	}
	v := &w.m.view
	var topics []topicNum
	for _, r := range w.membersOf(n) {
		if !v.alive(r, w.m.edition) {
			continue
		}
		score := v.key(r) + coverage(sources) + kindWorth[v.kind(r)]
		s.articles = append(s.articles, shelved{score, r, n, uint32(len(s.topics))})
		for t := range v.tagsOf(r).all() {
			topics = append(topics, t.topic())
		}
	}
	slices.Sort(topics)
	s.topics = append(s.topics, slices.Compact(topics))
}

func (w *walker) matchesAny(topics []topicNum) bool {
	return slices.ContainsFunc(topics, func(n topicNum) bool { return w.m.standing(n).matched() })
}

// matches reports whether an interest of the person matches a row.
func (w *walker) matches(r row) bool {
	for t := range w.m.view.tagsOf(r).all() {
		if w.m.standing(t.topic()).matched() {
			return true
		}
	}
	return false
}

// mutes reports whether the list that the order is of mutes a row.
func (w *walker) mutes(r row) bool {
	for t := range w.m.view.tagsOf(r).all() {
		if w.m.standing(t.topic()).muted() {
			return true
		}
	}
	return false
}
