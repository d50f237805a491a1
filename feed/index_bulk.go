package feed

import (
	"bytes"
	"math"
	"slices"
	"time"

	"newsfeed/interests/topic"
)

// bulk collects versions of a log read from its newest entry down, and builds a
// corpus of them in one go.
type bulk struct {
	x      *Index
	c      *corpus
	newest map[ArticleID]Edition // the oldest version seen so far of each article
	rows   [][]row               // by topic number
	told   []told
	merges []Entry          // newest first
	merged map[StoryID]bool // named by them
	topics []*topic.Topic   // newest first
}

// told is a row and the story that its entry names.
type told struct {
	story   StoryID
	article ArticleID
	row     row
	news    time.Time
}

func (x *Index) newBulk(top Edition, at time.Time) *bulk {
	c := newCorpus(top-min(top, math.MaxUint32/2), at)
	c.edition.Store(uint64(top))
	c.backwards = true
	return &bulk{x: x, c: c, newest: make(map[ArticleID]Edition), merged: map[StoryID]bool{}}
}

// add takes the next older entry. A version that another superseded is kept, as
// long as the log holds it: cursors may name it.
func (b *bulk) add(e *Entry) {
	if e.Stub {
		return
	}
	if e.Merge != nil {
		b.merges = append(b.merges, *e)
		b.merged[e.Merge.Kept], b.merged[e.Merge.Gone] = true, true
		return
	}
	if e.Topic != nil {
		b.topics = append(b.topics, e.Topic)
		return
	}
	for _, id := range e.Left {
		b.touch(b.c.number(id), e.Edition)
	}
	id := e.Article.ID
	next, superseded := b.newest[id]
	b.newest[id] = e.Edition
	if e.Previous != 0 {
		b.c.superseded = append(b.c.superseded, supersededRow{e.Previous, e.Edition, e.At})
	}
	if e.Withdrawn || !b.x.within(e.Article.Published) {
		return
	}
	b.x.noteTopics(b.c, e)
	r := b.c.add(e)
	v := b.c.view()
	if superseded {
		v.blocks[r>>blockBits].close(r%blockRows, b.c.short(next))
	} else {
		b.c.ids.set(&v, id, r)
	}
	for t := range v.tagsOf(r).all() {
		b.enter(t.topic(), r, !superseded, e.Edition)
	}
	b.enter(everything, r, !superseded, e.Edition)
	b.told = append(b.told, told{e.Story, id, r, e.News})
	if !superseded {
		b.c.window.note(e)
	}
}

func (b *bulk) enter(n topicNum, r row, live bool, e Edition) {
	for int(n) >= len(b.rows) {
		b.rows = append(b.rows, nil)
	}
	b.rows[n] = append(b.rows[n], r)
	if live {
		b.c.list(n).live.Add(1)
	}
	b.touch(n, e)
}

func (b *bulk) touch(n topicNum, e Edition) {
	if p := b.c.list(n); p.touched.Load() < uint64(e) {
		p.touched.Store(uint64(e))
	}
}

// publish sorts the lists and makes the corpus the index's.
func (b *bulk) publish() {
	v := b.c.view()
	b.stories(&v)
	b.merge(&v)
	for n, rows := range b.rows {
		b.c.list(topicNum(n)).head.Store(sorted(&v, rows))
	}
	slices.SortFunc(b.c.superseded, func(a, b supersededRow) int { return a.at.Compare(b.at) })
	// The catalogue was read from its store before the top of the log was: what the
	// log says may be newer, and every node goes by the log.
	for _, t := range slices.Backward(b.topics) {
		b.c.told.note(t)
		b.x.onTopic(*t)
	}
	b.c.backwards = false
	b.x.corpus.Store(b.c)
}

// stories makes the stories that have several articles.
func (b *bulk) stories(v *view) {
	slices.SortStableFunc(b.told, func(x, y told) int { return bytes.Compare(x.story[:], y.story[:]) })
	for rest := b.told; len(rest) > 0; {
		n := 1
		for n < len(rest) && rest[n].story == rest[0].story {
			n++
		}
		b.story(v, rest[:n])
		rest = rest[n:]
	}
	b.told = nil
}

// story makes one story of its members, newest first.
func (b *bulk) story(v *view, members []told) {
	alone := !b.merged[members[0].story] && !slices.ContainsFunc(members, func(m told) bool { return m.article != ArticleID(m.story) || !m.news.IsZero() })
	if alone {
		return
	}
	n := b.c.stories.number(members[0].story)
	rows := make([]row, 0, len(members))
	for _, m := range slices.Backward(members) {
		v.at(m.row).story.Store(n)
		rows = append(rows, m.row)
		b.c.stories.record(n).tell(m.news)
	}
	b.c.stories.add(n, rows...)
	b.touchMembers(v, members, 0)
	if b.c.sources(v, n) < mustKnowSources {
		return
	}
	for int(covered) >= len(b.rows) {
		b.rows = append(b.rows, nil)
	}
	b.c.stories.record(n).covered = true
	for _, m := range members {
		b.rows[covered] = append(b.rows[covered], m.row)
	}
}

// touchMembers notes the newest entry that touched the story: of those of its
// articles, and one more.
func (b *bulk) touchMembers(v *view, members []told, newest uint32) {
	for _, m := range members {
		newest = max(newest, v.from(m.row))
		if to := v.to(m.row); to != open {
			newest = max(newest, to)
		}
	}
	e := Edition(b.c.base + uint64(newest))
	for _, m := range members {
		if v.to(m.row) == open {
			for t := range v.tagsOf(m.row).all() {
				b.touch(t.topic(), e)
			}
		}
	}
	b.touch(covered, e)
}

// merge makes those stories one that the log says are, the oldest merge first.
func (b *bulk) merge(v *view) {
	for _, e := range slices.Backward(b.merges) {
		b.c.window.merge(e.Merge.Kept, e.Merge.KeptNum, e.Merge.Gone)
		if kept, gone, ok := b.c.mergeable(v, e.Merge); ok {
			b.c.stories.take(kept, gone, b.c.short(e.Edition))
			b.touch(everything, e.Edition)
		}
	}
	done := map[storyNum]bool{}
	for _, e := range b.merges {
		n := b.c.stories.root(b.c.stories.lookup(e.Merge.Kept), always)
		if n == 0 || done[n] {
			continue
		}
		done[n] = true
		b.mergeTouched(v, n)
	}
}

// mergeTouched notes the newest entry that touched a merged story, and makes it
// covered if it is.
func (b *bulk) mergeTouched(v *view, n storyNum) {
	rows, newest := b.c.stories.rowsAt(n, always), uint32(0)
	for part := range b.c.stories.all(n) {
		newest = max(newest, uint32(b.c.stories.record(part).into.Load()>>32))
	}
	var members []told
	for _, r := range rows {
		members = append(members, told{row: r})
	}
	b.touchMembers(v, members, newest)
	if b.c.sources(v, n) < mustKnowSources {
		return
	}
	for part := range b.c.stories.all(n) {
		if story := b.c.stories.record(part); !story.covered {
			story.covered = true
			for len(b.rows) <= int(covered) {
				b.rows = append(b.rows, nil)
			}
			b.rows[covered] = append(b.rows[covered], b.c.stories.members(part)...)
		}
	}
}
