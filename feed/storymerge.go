package feed

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
)

// Two stories may turn out to be one: an entry of the log says so ([StoryMerge]).
// Articles keep the story that their entry names; what is merged stands in the
// stories: each knows which one took it over and at which edition, and the one
// that survives knows the others. So a walk as of an edition sees the stories as
// they were then, and the present sees one.

// always is an edition by which every merge has happened.
const always = math.MaxUint32

// root returns the story that a story is of at an edition.
func (s *stories) root(n storyNum, edition uint32) storyNum {
	for n != 0 {
		into := s.record(n).into.Load()
		if into == 0 || uint32(into>>32) > edition {
			break
		}
		n = storyNum(into)
	}
	return n
}

// merged reports whether a story was ever merged with another.
func (s *stories) merged(n storyNum) bool {
	r := s.record(n)
	return r.into.Load() != 0 || r.next.Load() != 0
}

// set calls back with a story's number and those of all that are one with it now,
// the one that survived first.
func (s *stories) set(n storyNum, yield func(storyNum) bool) {
	for n = s.root(n, always); n != 0; n = s.record(n).next.Load() {
		if !yield(n) {
			return
		}
	}
}

// rowsAt returns the rows of all that were one story with a story at an edition,
// all versions. Not to be changed.
func (s *stories) rowsAt(n storyNum, edition uint32) []row {
	if n == 0 || !s.merged(n) {
		return s.members(n)
	}
	return s.appendRows(nil, n, edition)
}

// appendRows appends the rows of rowsAt.
func (s *stories) appendRows(rows []row, n storyNum, edition uint32) []row {
	root := s.root(n, edition)
	for part := range s.all(n) {
		if s.root(part, edition) == root {
			rows = append(rows, s.members(part)...)
		}
	}
	return rows
}

// all is set as an iterator.
func (s *stories) all(n storyNum) func(func(storyNum) bool) {
	return func(yield func(storyNum) bool) { s.set(n, yield) }
}

// take makes a story another's from an edition on; both are roots. The writer's.
func (s *stories) take(kept, gone storyNum, edition uint32) {
	a, b := s.record(kept), s.record(gone)
	b.into.Store(uint64(edition)<<32 | uint64(kept))
	tail := kept
	for next := a.next.Load(); next != 0; next = s.record(tail).next.Load() {
		tail = next
	}
	s.record(tail).next.Store(gone)
}

// lastRow reports whether no story of a set has a row.
func (s *stories) lastRow(n storyNum) bool {
	for part := range s.all(n) {
		if len(s.members(part)) > 0 {
			return false
		}
	}
	return true
}

// applyMerge makes two stories one.
func (x *Index) applyMerge(c *corpus, e *Entry) {
	v := c.view()
	m := e.Merge
	c.window.merge(m.Kept, m.KeptNum, m.Gone)
	kept, gone, ok := c.mergeable(&v, m)
	if !ok {
		return
	}
	c.stories.take(kept, gone, c.short(e.Edition))
	c.touchMembers(&v, kept, e.Edition)
	c.list(everything).touched.Store(uint64(e.Edition))
	c.cover(&v, kept)
}

// mergeable returns the numbers of two stories that are to be one; ok is false
// when they are one already. Stories whose articles are all beyond the horizon are
// numbered too: a later version may bring one of them back.
func (c *corpus) mergeable(v *view, m *StoryMerge) (kept, gone storyNum, ok bool) {
	kept, gone = c.stories.root(c.whole(v, m.Kept), always), c.stories.root(c.whole(v, m.Gone), always)
	return kept, gone, kept != gone
}

// whole is several, and makes members of the versions of the story's first article
// that were superseded while it was alone: a walk may show them.
func (c *corpus) whole(v *view, id StoryID) storyNum {
	n := c.several(v, id)
	for i, b := range v.blocks {
		if b == nil {
			continue
		}
		for _, e := range load(&b.ends) {
			if r := row(i)<<blockBits + e.row; !c.isDropped(r) && v.story(r) == 0 && v.id(r) == ArticleID(id) {
				c.member(v, n, r)
			}
		}
	}
	return n
}

// several returns a story's number, making its one article a member.
func (c *corpus) several(v *view, id StoryID) storyNum {
	n := c.stories.lookup(id)
	if n == 0 {
		n = c.stories.number(id)
		if first, _, ok := c.ids.find(ArticleID(id), c.view); ok && v.to(first) == open {
			c.member(v, n, first)
		}
	}
	return n
}

// cover puts a story's rows into the list of those that many sources cover, once
// they do.
func (c *corpus) cover(v *view, n storyNum) {
	if c.sources(v, n) < mustKnowSources {
		return
	}
	for part := range c.stories.all(n) {
		story := c.stories.record(part)
		if story.covered {
			continue
		}
		story.covered = true
		for _, m := range c.stories.members(part) {
			c.list(covered).insert(v, m)
		}
	}
}

// Merged returns the ids of all stories that are one with a story, the one that
// survived first; the story itself alone when it was never merged, or the index
// knows no article of it.
func (x *Index) Merged(id StoryID) []StoryID {
	s := &x.corpus.Load().stories
	n := s.lookup(id)
	if n == 0 || !s.merged(n) {
		return []StoryID{id}
	}
	return s.idsOf(n)
}

// MergedIn is Merged of several stories by what the store says, also of stories whose
// articles have all left the index. Errors: those of the store.
func MergedIn(ctx context.Context, store Articles, ids ...StoryID) (map[StoryID][]StoryID, error) {
	known, into := slices.Clone(ids), map[StoryID]StoryID{}
	for asked := 0; asked < len(known); {
		merges, err := store.Merges(ctx, known[asked:])
		if err != nil {
			return nil, fmt.Errorf("look for what %d stories were merged with: %w", len(ids), err)
		}
		asked = len(known)
		for _, m := range merges {
			into[m.Gone] = m.Kept
			for _, other := range []StoryID{m.Kept, m.Gone} {
				if !slices.Contains(known, other) {
					known = append(known, other)
				}
			}
		}
	}
	survivor := func(id StoryID) StoryID {
		for range into { // as often as there are merges, so that it ends also on a damaged log
			if kept, gone := into[id]; gone {
				id = kept
			}
		}
		return id
	}
	one := make(map[StoryID][]StoryID, len(ids))
	for _, id := range ids {
		root := survivor(id)
		one[id] = []StoryID{root}
		for _, other := range known {
			if other != root && survivor(other) == root && !slices.Contains(one[id], other) {
				one[id] = append(one[id], other)
			}
		}
	}
	return one, nil
}

// marksOf returns the marks on a row's story, read through what was merged. A story
// that told news since it was read counts as unread, and is updated.
func (c *corpus) marksOf(marks *MarkSet, v *view, r row) (m StoryMarks, updated bool) {
	n := v.story(r)
	if n == 0 {
		return marks.Stories[StoryID(v.id(r))], false
	}
	news := c.stories.record(n).news.Load()
	if c.stories.merged(n) {
		first := true
		for part := range c.stories.all(n) {
			other := marks.Stories[c.stories.id(part)]
			if m = m.with(other); first {
				m, first = other, false
			}
			news = max(news, c.stories.record(part).news.Load())
		}
	} else {
		m = marks.Stories[c.stories.id(n)]
	}
	if m.Read.Value && news > m.Read.At.Milli() {
		m.Read.Value, updated = false, true
	}
	return m, updated
}

// renamed returns the id by which a row's story goes now, if that is another than
// its card says.
func (w *walker) renamed(r row) (id StoryID, ok bool) {
	n := w.m.view.story(r)
	if n == 0 || !w.c.stories.merged(n) {
		return id, false
	}
	root := w.c.stories.root(n, always)
	return w.c.stories.id(root), root != n
}

// repeats reports whether a saved story is one with another that is saved too and
// comes before it. ids are those of all that are one with it.
func (w *walker) repeats(s SavedStory, ids []StoryID) bool {
	for _, id := range ids {
		other := w.q.Marks.Stories[id].Saved
		if c := other.At.Compare(s.At); id != s.Story && other.Value && (c > 0 || c == 0 && bytes.Compare(id[:], s.Story[:]) < 0) {
			return true
		}
	}
	return false
}

// idsOf returns the ids of a story's set.
func (s *stories) idsOf(n storyNum) (ids []StoryID) {
	for part := range s.all(n) {
		ids = append(ids, s.id(part))
	}
	return ids
}

// Through returns the marks of stories that are one: saved or hidden if any is,
// since its latest edit that says so; read only if every one is.
func (s MarkSet) Through(ids []StoryID) (m StoryMarks) {
	if len(ids) == 0 {
		return m
	}
	m = s.Stories[ids[0]]
	for _, id := range ids[1:] {
		m = m.with(s.Stories[id])
	}
	return m
}

// with returns the marks of two stories that are one.
func (s StoryMarks) with(other StoryMarks) StoryMarks {
	s.Saved, s.Hidden = anyOf(s.Saved, other.Saved), anyOf(s.Hidden, other.Hidden)
	s.Read = allOf(s.Read, other.Read)
	return s
}

func anyOf(a, b MarkRegister) MarkRegister {
	switch {
	case a.Value != b.Value && a.Value:
		return a
	case a.Value != b.Value:
		return b
	}
	return JoinMarks(a, b)
}

func allOf(a, b MarkRegister) MarkRegister {
	switch {
	case a.Value != b.Value && !a.Value:
		return a
	case a.Value != b.Value:
		return b
	case a.At.Compare(b.At) > 0:
		return b // read since the first of both was
	}
	return a
}

// story returns the story that a row was of as of the walk's edition.
func (w *walker) story(r row) storyNum {
	if n := w.m.view.story(r); n != 0 {
		return w.storyAt(n)
	}
	return 0
}

// storyAt returns the story that a story was of as of the walk's edition.
func (w *walker) storyAt(n storyNum) storyNum {
	if !w.c.stories.merged(n) {
		return n
	}
	return w.c.stories.root(n, w.m.edition)
}

// membersOf returns the rows of a story as of the walk's edition, all versions, in
// order of arrival. Not to be changed.
func (w *walker) membersOf(n storyNum) []row {
	if n == 0 || !w.c.stories.merged(n) {
		return w.c.stories.members(n)
	}
	v, before := &w.m.view, len(w.gathered)
	w.gathered = w.c.stories.appendRows(w.gathered, n, w.m.edition)
	rows := slices.DeleteFunc(w.gathered[before:len(w.gathered):len(w.gathered)], func(r row) bool { return !v.holds(r) })
	slices.SortFunc(rows, func(a, b row) int { return cmp.Compare(v.from(a), v.from(b)) })
	return rows
}

// siblings returns the stories that a story was merged with since the walk's
// edition, by their roots of that edition.
func (w *walker) siblings(n storyNum) (found []storyNum) {
	if n == 0 || !w.c.stories.merged(n) {
		return nil
	}
	own := w.c.stories.root(n, w.m.edition)
	for part := range w.c.stories.all(n) {
		if root := w.c.stories.root(part, w.m.edition); root != own && !slices.Contains(found, root) {
			found = append(found, root)
		}
	}
	return found
}

// told reports whether a place is of a story that was merged since with one whose
// place comes first: that shows the one card.
func (w *walker) told(p *place, at int) bool {
	siblings := w.siblings(p.story)
	if len(siblings) > 0 && w.kept != nil { // merged at this very moment: what was kept names no openers
		w.kept = nil
		w.judge()
		w.arrange(at)
	}
	for _, sibling := range siblings {
		if slices.ContainsFunc(w.opened, func(o place) bool { return o.story == sibling }) {
			if slices.ContainsFunc(w.places[:at], func(o place) bool { return o.story == sibling }) {
				return true
			}
			continue // its place is in this chunk, and comes later
		}
		if h, ok := w.openerOf(sibling); ok && w.m.ranks(h, p.opener) {
			return true
		}
	}
	return false
}

// openerOf returns the candidate that opens a story's place in the walk.
func (w *walker) openerOf(n storyNum) (first hit, ok bool) {
	for _, r := range w.membersOf(n) {
		if !w.member(r) {
			continue
		}
		if h := (hit{w.m.view.key(r) + w.m.weight(r), r}); !ok || w.m.ranks(h, first) {
			first, ok = h, true
		}
	}
	return first, ok
}

// born returns the edition of the first entry of a row's story as of the walk's
// edition, of several that are one of the oldest.
func (w *walker) born(r row) uint32 {
	v := &w.m.view
	born := v.born(r)
	if n := v.story(r); n != 0 && w.c.stories.merged(n) {
		for _, m := range w.membersOf(n) {
			born = min(born, v.born(m))
		}
	}
	return born
}
