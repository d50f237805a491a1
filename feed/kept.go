package feed

import (
	"math"
	"slices"
	"sync/atomic"
)

// What was judged for a person may be kept beside their list: the first chunk, as
// far as pages have read it. It holds as long as no entry touches a topic that the
// person follows, and no follow grows a day older: the order is a function of
// these.

// keptChunk is the beginning of a person's first chunk. It is never changed.
type keptChunk struct {
	corpus      *corpus
	compactions uint64 // of the corpus: rows may have gone since
	touched     uint64 // the newest edition that touched a followed topic
	until       int64  // ms of the as-of: then a follow is a day older
	places      []place
	size        int // how many places were found: all if all of the chunk was judged
	judgedAll   bool
	looked      int
	last        hit
	more        bool
}

// Keep makes the person's first chunk be kept from page to page. It is for
// persons that live longer than a request.
func (p *Person) Keep() { p.keeps.Store(true) }

// keeping is what a Person has for it.
type keeping struct {
	keeps atomic.Bool
	chunk atomic.Pointer[keptChunk]
	shown atomic.Pointer[keptShown]
	at    atomic.Pointer[reached]
}

// keptShown is what the person's last first page shows. It holds as long as the
// query's version is the same. It is never changed.
type keptShown struct {
	shown
	version     uint64
	corpus      *corpus
	compactions uint64 // of the corpus: rows may have gone since
}

// takeShown returns what the page shows if that is kept.
func (w *walker) takeShown() *shown {
	v := &w.q.Version
	if v.corpus == nil {
		return nil
	}
	k := w.q.Person.shown.Load()
	if k == nil || k.version != v.Sum || k.corpus != v.corpus {
		return nil
	}
	if w.m.view = w.c.view(); k.compactions != w.c.compactions.Load() { // in this order: what has gone since stays for a minute
		return nil
	}
	return &k.shown
}

// touched returns the newest edition that touched a topic that the person
// follows.
func (p *Person) touched(c *corpus) (touched uint64) {
	if p.Cold() {
		return c.list(everything).touched.Load()
	}
	followed := p.numbers(c).followed
	for i := range followed {
		touched = max(touched, followed[i].list.touched.Load())
	}
	return touched
}

// takeKept makes the kept chunk the page's, if there is one and it holds.
func (w *walker) takeKept() bool {
	p := w.q.Person
	if !p.keeps.Load() {
		return false
	}
	w.touched = p.touched(w.c)
	k := p.chunk.Load()
	if k == nil || k.corpus != w.c || k.compactions != w.compactions || k.touched != w.touched || w.start.At.UnixMilli() >= k.until ||
		w.touched > uint64(w.start.Edition) {
		return false
	}
	w.kept, w.opened, w.places, w.arranged = k, w.opened[:0], k.places, len(k.places)
	w.judgedAll, w.looked, w.last, w.more = k.judgedAll, k.looked, k.last, k.more
	return true
}

// keep keeps of a first page what it shows, and the chunk as far as it was read.
func (w *walker) keep() {
	p := w.q.Person
	if w.q.Cursor != nil || !p.keeps.Load() {
		return
	}
	if w.q.Version.corpus != nil && !w.q.Why {
		w.keepShown()
	}
	if w.kept != nil || w.looked == 0 || w.chunks != 1 || w.touched > uint64(w.start.Edition) {
		return
	}
	k := &keptChunk{corpus: w.c, compactions: w.compactions, touched: w.touched, until: p.untilOlder(w.start.At.UnixMilli()),
		size: len(w.places) + len(w.keys), judgedAll: w.judgedAll, looked: w.looked, last: w.last, more: w.more}
	k.places = slices.Clone(w.places[:w.arranged])
	p.chunk.Store(k)
}

func (w *walker) keepShown() {
	k := &keptShown{shown: w.page, version: w.q.Version.Sum, corpus: w.c, compactions: w.compactions}
	room := slices.Concat(w.page.rows, w.page.text, w.page.names)
	text := len(w.page.rows)
	names := text + len(w.page.text)
	k.rows, k.text, k.names, k.whys, k.whyEnd = room[:text], room[text:names], room[names:], nil, nil
	w.q.Person.shown.Store(k)
}

// untilOlder returns the first moment after another, both in ms, at which a follow
// is a day older.
func (p *Person) untilOlder(at int64) int64 {
	until := int64(math.MaxInt64)
	for i := range p.followed {
		if since := p.followed[i].since; freshness(since, at) > 0 {
			until = min(until, since+(max(at-since, 0)/day+1)*day)
		}
	}
	return until
}
