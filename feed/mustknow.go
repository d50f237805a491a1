package feed

import (
	"cmp"
	"slices"
)

// The must-know shelf stands beside the items, on a first page: stories that at
// least mustKnowSources independent sources cover and that no interest of the
// person matches. A mute keeps a story off it as it does everywhere.

// mustKnow adds the shelf's cards: of the covered stories that stage 1 would give
// first, those with the greatest scores. The receipt of each has one term.
func (w *walker) mustKnow() {
	shelf := w.shelf()
	for _, p := range shelf[:min(len(shelf), w.q.MustKnow)] {
		w.show(p.story, p.row, false)
		if w.q.Why {
			w.why([]Term{{Name: "must_know", Value: p.score}})
		}
	}
}

// shelf returns the stories that may stand on the shelf, best first.
func (w *walker) shelf() []place {
	if w.m.cold {
		return nil // everything matches
	}
	told, shelf := w.told[:0], w.shelved[:0]
	v := &w.m.view
	for walk, looked := newWalk(w.covered), 0; looked < shelfLook; {
		r, ok := walk.next()
		if !ok {
			break
		}
		if !v.alive(r, w.m.edition) {
			continue // not counted: a live blog has hundreds of versions side by side
		}
		if looked++; slices.Contains(told, v.story(r)) {
			continue
		}
		told = append(told, v.story(r))
		if p, ok := w.shelfPlace(v.story(r)); ok {
			shelf = append(shelf, p)
		}
	}
	w.told, w.shelved = told, shelf
	slices.SortFunc(shelf, func(a, b place) int {
		if a.score != b.score {
			return cmp.Compare(b.score, a.score)
		}
		if v.tieBefore(a.row, b.row) {
			return -1
		}
		return 1
	})
	return shelf
}

// shelfPlace judges one story for the shelf.
func (w *walker) shelfPlace(n storyNum) (p place, ok bool) {
	sources := w.sources(n)
	if sources < mustKnowSources {
		return p, false
	}
	for _, r := range w.c.stories.members(n) {
		if !w.m.view.alive(r, w.m.edition) {
			continue
		}
		if w.matches(r) {
			return p, false
		}
		if w.mutes(r) || !w.policy.allows(&w.m.view, r) {
			continue
		}
		if s := w.score(r, sources); !ok || s > p.score || s == p.score && w.m.view.tieBefore(r, p.row) {
			p, ok = place{score: s, row: r, story: n}, true
		}
	}
	return p, ok
}

// matches reports whether an interest of the person matches a row.
func (w *walker) matches(r row) bool {
	return slices.ContainsFunc(w.m.view.tagsOf(r), func(t tag) bool { return w.m.standing(t.topic()).matched() })
}

// mutes reports whether the list that the order is of mutes a row.
func (w *walker) mutes(r row) bool {
	return slices.ContainsFunc(w.m.view.tagsOf(r), func(t tag) bool { return w.m.standing(t.topic()).muted() })
}
