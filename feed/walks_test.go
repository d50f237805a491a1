package feed

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"
	"testing"

	"newsfeed/interests"
)

// A walk while articles enter, change and go, and while its person mutes, follows,
// reads and hides, repeats no story, keeps the order of its first page, and
// misses no story of which an article could be seen all the while.
func TestWalkIsFrozen(t *testing.T) {
	var all faults
	cards := 0
	cases(t, 3000, 1, func(i int, w *world) {
		walk := w.disturbedWalk(t, (*world).builderPages)
		f := walk.faults()
		if f.first != "" {
			f.first = fmt.Sprintf("walk %d: %s; got %v", i, f.first, walk.got)
		}
		all.add(f)
		cards += len(walk.got)
	})
	t.Logf("%d cards, %s", cards, all)
	if all.first != "" {
		t.Errorf("%s\nfirst in %s", all, all.first)
	}
}

// The simulation has teeth: of a plain twin of the builder it finds nothing,
// and it finds the repeats and the skips that come of two mistakes.
func TestWalkFindsMistakes(t *testing.T) {
	if testing.Short() {
		t.Skip("mistakes of the plan, which one goroutine walks: the race detector has nothing to find")
	}
	for _, c := range []struct {
		name           string
		mistake        mistake
		repeats, skips bool
	}{
		{"none", mistake{}, false, false},
		{"the filters of the present before the chunking", mistake{filtersFirst: true}, true, true},
		{"each article of a story opens a place", mistake{allOpen: true}, true, false},
		{"a story opens a place in each chunk", mistake{chunkOpens: true}, true, false},
		{"two stories that were merged since show two cards", mistake{mergedShow: true}, true, false},
		{"an article that may not be seen now opens no place", mistake{seenOpen: true}, true, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			var all faults
			cases(t, 1000, 1, func(_ int, w *world) {
				all.add(w.disturbedWalk(t, c.mistake.pages).faults())
			})
			t.Logf("%s; first: %s", all, cmp.Or(all.first, "none"))
			if *oracleCases < 1000 && c.mistake != (mistake{}) {
				return // too few to be sure to find anything
			}
			if all.repeats > 0 != c.repeats || all.skips > 0 != c.skips || all.strays > 0 && !c.repeats {
				t.Errorf("%s; want repeats %t, skips %t", all, c.repeats, c.skips)
			}
		})
	}
}

// disturbed is a walk whose world and person change meanwhile.
type disturbed struct {
	w        *world
	plan     *plan
	got      []ArticleID
	asOf     Edition
	presents []present // as each page saw them
	when     []Edition // of the index, when each article of got was given
}

// pager makes the page after a cursor; next is nil at the end.
type pager func(n *present, limit int, c *Cursor) (ids []ArticleID, next *Cursor)

func (w *world) disturbedWalk(t *testing.T, pages func(*world, *testing.T, *interests.List) pager) *disturbed {
	for range 40 {
		w.step()
	}
	w.steps(100)
	l := w.list()
	d := &disturbed{w: w, asOf: w.index.Edition(), plan: w.o.plan(&l, w.index.Edition(), testChunk)}
	page := pages(w, t, &l)
	now := present{list: &l, marks: &MarkSet{}, unread: w.r.IntN(2) == 0}
	for c := (*Cursor)(nil); ; {
		d.presents = append(d.presents, now)
		ids, next := page(&now, w.anyLimit(), c)
		for range ids {
			d.when = append(d.when, w.index.Edition())
		}
		if d.got = append(d.got, ids...); next == nil {
			return d
		}
		c = next
		for range w.r.IntN(4) {
			w.step()
		}
		w.change(&now)
	}
}

// change edits the list and the marks of a present.
func (w *world) change(now *present) {
	l := w.edit(*now.list)
	now.list = &l
	if w.r.IntN(3) == 0 {
		marks := &MarkSet{Revision: now.marks.Revision + 1, Stories: map[StoryID]StoryMarks{}}
		maps.Copy(marks.Stories, now.marks.Stories)
		w.mark(marks.Stories)
		now.marks = marks
	}
}

// builderPages are pages by the builder.
func (w *world) builderPages(t *testing.T, l *interests.List) pager {
	b, p := newTestBuilder(w.index), NewPerson(l)
	return func(n *present, limit int, c *Cursor) ([]ArticleID, *Cursor) {
		body, page := b.Page(nil, Query{Person: p, Present: NewPerson(n.list), Marks: n.marks, Unread: n.unread,
			Limit: limit, Cursor: c, Now: w.start})
		if page.nextLength == 0 {
			return idsOf(t, body, page), nil
		}
		return idsOf(t, body, page), w.cursor(t, body, page)
	}
}

// mistake is what one could do wrong in a builder; the zero mistake is none.
type mistake struct {
	filtersFirst bool // chunks are cut from what may be seen now
	allOpen      bool // each article of a story opens a place
	chunkOpens   bool // a story opens a place in each chunk
	mergedShow   bool // stories that were merged since show two cards
	seenOpen     bool // the first article that may be seen now opens the place
}

// pages are pages by the twin, with the mistake.
func (m mistake) pages(w *world, _ *testing.T, l *interests.List) pager {
	asOf := w.index.Edition()
	p := w.o.plan(l, asOf, testChunk)
	return func(n *present, limit int, c *Cursor) (ids []ArticleID, _ *Cursor) {
		hidden := func(v Entry) bool { rule, _ := w.o.rule(n, &v); return rule != "" }
		rest, next := p.ranking, Cursor{}
		if c != nil {
			next = *c
			rest = rest[slices.IndexFunc(append(rest, Entry{}), func(v Entry) bool { return !p.behind(&v, c) }):]
		}
		if m.filtersFirst {
			rest = slices.DeleteFunc(slices.Clone(rest), hidden)
		}
		for len(ids) < limit && len(rest) > 0 {
			chunk := rest[:min(testChunk, len(rest))]
			places := p.judge(chunk, m.opens(p, chunk, hidden))
			at := min(int(next.Offset), len(places))
			for ; at < len(places) && len(ids) < limit; at++ {
				if v, ok := m.card(p, n, places[at]); ok {
					ids = append(ids, v.Article.ID)
				}
			}
			if next.Offset = uint16(at); at == len(places) {
				last := chunk[len(chunk)-1]
				next.Key, _ = p.effective(&last)
				next.ID, next.Offset, next.Edition = last.Article.ID, 0, asOf
				rest = rest[len(chunk):]
			}
		}
		if len(rest) == 0 {
			return ids, nil
		}
		return ids, &next
	}
}

// card is what a place shows now, with the mistake.
func (m mistake) card(p *plan, n *present, place planned) (Entry, bool) {
	at := slices.IndexFunc(p.places, func(o planned) bool { return o[0].Story == place[0].Story })
	if m.mergedShow || at < 0 {
		return p.shown(n, place)
	}
	return p.cardOf(n, at)
}

// behind reports whether an article is not after a cursor's chunk.
func (p *plan) behind(v *Entry, c *Cursor) bool {
	key, _ := p.effective(v)
	return c.Edition != 0 && v.Edition != 0 && (key > c.Key || key == c.Key && bytes.Compare(v.Article.ID[:], c.ID[:]) <= 0)
}

// opens is the story rule, with the mistake.
func (m mistake) opens(p *plan, chunk []Entry, hidden func(Entry) bool) func(*Entry) bool {
	first := func(among planned, v *Entry) bool { return p.opener(among).Edition == v.Edition }
	switch {
	case m.allOpen:
		return func(*Entry) bool { return true }
	case m.chunkOpens:
		return func(v *Entry) bool {
			elsewhere := func(m Entry) bool {
				return !slices.ContainsFunc(chunk, func(e Entry) bool { return e.Edition == m.Edition })
			}
			return first(slices.DeleteFunc(p.members(v.Story), elsewhere), v)
		}
	case m.seenOpen:
		return func(v *Entry) bool {
			return !hidden(*v) && first(slices.DeleteFunc(p.members(v.Story), hidden), v)
		}
	}
	return p.opens
}

// faults are what is wrong with a walk.
type faults struct {
	repeats int // cards of a story that had one
	strays  int // cards out of order, or that should not be there at all
	skips   int // stories that could be seen all the while and had no card
	first   string
}

func (f faults) String() string {
	return fmt.Sprintf("%d repeats, %d cards out of order, %d skips", f.repeats, f.strays, f.skips)
}

func (f *faults) add(g faults) {
	f.repeats, f.strays, f.skips = f.repeats+g.repeats, f.strays+g.strays, f.skips+g.skips
	f.first = cmp.Or(f.first, g.first)
}

func (d *disturbed) faults() (f faults) {
	at := map[ArticleID]int{}
	for i, p := range d.plan.places {
		for _, v := range p {
			at[v.Article.ID] = i
		}
	}
	last, shown := -1, map[int]bool{}
	name := func(i int, e Edition) StoryID { return d.w.o.root(d.plan.places[i][0].Story, e) }
	for k, id := range d.got {
		i, ok := at[id]
		for j := range shown {
			if ok && j != i && name(i, d.when[k]) == name(j, d.when[k]) {
				f.add(faults{repeats: 1, first: fmt.Sprintf("%s repeats a story that was merged", id)})
			}
		}
		switch {
		case !ok:
			f.add(faults{strays: 1, first: fmt.Sprintf("%s has no place", id)})
			continue
		case shown[i]:
			f.add(faults{repeats: 1, first: fmt.Sprintf("%s repeats its story", id)})
		case i < last:
			f.add(faults{strays: 1, first: fmt.Sprintf("%s is out of order", id)})
		}
		last, shown[i] = i, true
	}
	for i, p := range d.plan.places {
		merged := false // with one that had a card
		for j := range shown {
			merged = merged || name(i, d.w.index.Edition()) == name(j, d.w.index.Edition())
		}
		if !shown[i] && !merged && slices.ContainsFunc(p, d.steady) {
			f.add(faults{skips: 1, first: fmt.Sprintf("place %d was skipped", i)})
		}
	}
	return f
}

// hides reports whether marks keep a story away.
func (w *world) hides(n present, id StoryID) bool {
	read, _, hidden := w.o.marks(n.marks, id)
	return hidden || n.unread && read
}

// steady reports whether an article could be seen all the while.
func (d *disturbed) steady(v Entry) bool {
	versions := []Entry{v}
	for _, e := range d.w.o.entries[d.asOf:] {
		if e.Article.ID == v.Article.ID {
			versions = append(versions, e)
		}
	}
	for _, e := range versions {
		for _, n := range d.presents {
			mutes := func(t Tag) bool { return n.list.Level(t.Topic) == interests.Mute }
			if e.Withdrawn || slices.ContainsFunc(e.Article.Tags, mutes) ||
				d.w.hides(n, v.Story) {
				return false
			}
		}
	}
	return true
}
