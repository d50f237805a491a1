package feed

import (
	"slices"
	"strconv"
	"sync"
	"time"
)

// Limits of a page.
const (
	DefaultLimit    = 30
	MaxLimit        = 100
	MaxMustKnow     = 3
	DefaultMustKnow = 1
	maxCandidates   = 4000 // looked at for one page: it may be short then, and has a next
	maxNewer        = 99
	maxSources      = 10 // named on a card
)

// Query asks for a page.
type Query struct {
	// Person is the list that the order is made of: the cursor's.
	Person *Person
	// Present is the list as it is now, whose mutes count; nil: Person.
	Present *Person
	Marks   *MarkSet // nil: none

	Filter   Filter
	Unread   bool // leave out stories that are read
	Why      bool // give receipts
	MustKnow int  // size of that shelf, 0 to MaxMustKnow

	Limit  int     // 1 to MaxLimit
	Cursor *Cursor // nil: the first page
	Now    time.Time

	// Version is this query's, from [Builder.Version]: a first page is of its
	// moment then, and one that is kept under it is written again. Zero: the page
	// is of the newest edition.
	Version Version
}

func (q *Query) present() *Person {
	if q.Present != nil {
		return q.Present
	}
	return q.Person
}

// Page is what is known of a page beside its bytes.
type Page struct {
	Cards            int
	next, nextLength int // where the cursor of the next page stands
}

// Next returns the cursor of the next page, which is a part of the page's bytes;
// empty at the end.
func (p Page) Next(body []byte) []byte { return body[p.next : p.next+p.nextLength] }

// Builder makes pages. Safe for concurrent use.
type Builder struct {
	index   *Index
	chunk   int       // chunkSize, but in tests
	batch   int       // judgeBatch, likewise
	waste   int       // scanWaste, likewise
	scratch sync.Pool // *walker
}

// NewBuilder returns a builder over an index.
func NewBuilder(x *Index) *Builder {
	return &Builder{index: x, chunk: chunkSize, batch: judgeBatch, waste: scanWaste, scratch: sync.Pool{New: func() any { return new(walker) }}}
}

// Page appends a page of a person's feed to dst as JSON, the answer of GET /feed.
//
// The order is a function of the list, the edition, the filter and the constants
// alone; the edition is the cursor's, else the newest. Mutes, marks, withdrawals
// and the filter are of the present: they leave a place to the next article of
// its story, or empty, and move nothing.
func (b *Builder) Page(dst []byte, q Query) ([]byte, Page) {
	w := b.at(&q)
	defer w.end()
	if k := w.takeShown(); k != nil {
		return w.write(dst, k)
	}
	w.prepare()
	w.shows()
	w.keep()
	return w.write(dst, &w.page)
}

// walker is one page in the making. It is reused for other people's.
type walker struct {
	b      *Builder
	q      Query
	c      *corpus
	m      merge
	policy policy

	start   Cursor       // where the page begins
	now     Edition      // newest when the page was begun
	covered *postingHead // loaded before the view

	// The chunk at hand, and how it came here.
	opened    []place    // in rank order
	keys      []uint64   // a heap of those not in places yet, best on top
	top       int64      // no score is above it
	room      []place    // for places
	places    []place    // the best of them, by score; spread up to arranged
	arranged  int        // how many of places are in their order
	last      hit        // of the candidates that were judged
	looked    int        // how many those are
	judgedAll bool       // all candidates of the chunk were
	more      bool       // then: whether stage 1 has more after it
	begun     bool       // the merge stands behind the last candidate
	chunks    int        // brought so far
	kept      *keptChunk // what places were taken from; nil: they were judged

	touched, compactions uint64 // see keptChunk

	fetched []fetched
	stories []several // of the fetched, those not met before
	judged  placeTable
	warm    byte // of what was read so that it is in a cache; says nothing

	hits     []hit
	page     shown
	named    named // in page.names
	found    [][]byte
	seen     []topicNum
	gathered []row // of stories that were merged, see membersOf
	onShelf  []shelved
	taken    []bool
	rows     []row
	cursor   cursorRoom
}

// begin prepares a page.
func (b *Builder) begin(q *Query) *walker {
	w := b.at(q)
	w.prepare()
	return w
}

// at returns a walker that knows which moment the page is of, and nothing else.
func (b *Builder) at(q *Query) *walker {
	w := b.scratch.Get().(*walker)
	w.b, w.q, w.c = b, *q, q.Version.corpus
	at := q.Version.at
	if w.now = q.Version.edition; w.c == nil {
		w.c = b.index.corpus.Load()
		at = w.c.at.Load()
		w.now = Edition(w.c.edition.Load())
	}
	if q.Cursor != nil {
		w.start = *q.Cursor
	} else {
		w.start = Cursor{Edition: w.now, At: time.UnixMilli(at).UTC(), Revision: q.Person.Revision, Started: q.Now, Key: firstKey}
	}
	return w
}

// prepare loads what the page is made of, all of it at least as new as its moment.
func (w *walker) prepare() {
	w.compactions, w.gathered = w.c.compactions.Load(), w.gathered[:0]
	w.policy.prepare(w.c, &w.q)
	w.covered = w.c.list(covered).load()
	w.m.scan.waste = w.b.waste
	w.m.prepare(w.c, w.q.Person, w.start.At)
	w.m.edition, w.begun, w.chunks = w.c.short(w.start.Edition), false, 0
}

// end gives the walker back.
func (w *walker) end() {
	w.m.clear()
	w.policy.clear()
	clear(w.found)
	clear(w.stories)
	b := w.b
	w.b, w.q, w.c, w.covered, w.kept, w.places = nil, Query{}, nil, nil, nil, nil
	b.scratch.Put(w)
}

// shown is what a page shows, and where the next one begins.
type shown struct {
	showing
	shelf int    // how many of the cards stand on the must-know shelf: the first
	next  Cursor // its Key, ID, Offset, and on a first page First and FirstID
	more  bool   // there is a next page
}

// shows finds out what the page shows.
func (w *walker) shows() {
	p := &w.page
	p.reset()
	w.named.reset()
	if w.q.MustKnow > 0 && w.q.Cursor == nil {
		w.mustKnow()
	}
	p.shelf = p.cards
	w.items()
}

// items adds the cards of the feed.
func (w *walker) items() {
	var (
		items = 0
		next  = w.start
		last  = hit{row: noRow} // the opener of the last card
		more  = true
	)
	for looked := 0; items < w.q.Limit && looked < maxCandidates && more; looked += w.looked {
		if more = w.chunk(looked == 0); !more {
			break
		}
		at := int(next.Offset)
		for ; items < w.q.Limit; at++ {
			p := w.arrange(at)
			if p == nil {
				break
			}
			r, ok := w.shown(p)
			if !ok || w.told(p, at) {
				continue
			}
			items++
			w.show(p.story, r, true)
			if w.q.Why {
				w.why(w.terms(r, w.sources(p.story)))
			}
			last = p.opener
		}
		if next.Offset = uint16(at); w.drawn(at) {
			next.Key, next.ID, next.Offset = w.last.key, w.m.view.id(w.last.row), 0
			more = w.more
		}
	}
	if w.q.Cursor == nil && last.row != noRow {
		next.First, next.FirstID = last.key, w.m.view.id(last.row)
	}
	w.page.next, w.page.more = next, more
}

// write writes a page.
func (w *walker) write(dst []byte, p *shown) ([]byte, Page) {
	dst = w.open(dst)
	cards := writer{showing: &p.showing, view: &w.m.view}
	cards.find(w.found)
	w.found = cards.found
	if w.q.MustKnow > 0 && w.q.Cursor == nil {
		dst = append(dst, `"must_know":[`...)
		dst = cards.write(dst, p.shelf)
		dst = append(dst, `],`...)
	}
	dst = append(dst, `"items":[`...)
	page := Page{Cards: p.cards - p.shelf}
	dst = cards.write(dst, page.Cards)
	dst = append(dst, ']')
	if p.more {
		next := p.next
		next.Edition, next.At, next.Revision, next.Started = w.start.Edition, w.start.At, w.start.Revision, w.start.Started
		dst = append(dst, `,"next":"`...)
		page.next = len(dst)
		dst = next.appendText(dst, &w.cursor)
		page.nextLength = len(dst) - page.next
		dst = append(dst, '"')
	}
	dst = append(dst, `,"newer":`...)
	dst = strconv.AppendInt(dst, int64(w.newer()), 10)
	return append(dst, '}'), page
}

// open writes what stands before the cards.
func (w *walker) open(dst []byte) []byte {
	dst = append(dst, `{"as_of":{"edition":`...)
	dst = strconv.AppendUint(dst, uint64(w.start.Edition), 10)
	dst = append(dst, `,"revision":`...)
	dst = strconv.AppendUint(dst, uint64(w.q.Person.Revision), 10)
	dst = append(dst, `,"time":"`...)
	dst = w.start.At.AppendFormat(dst, time.RFC3339Nano)
	dst = append(dst, `"},`...)
	if w.q.Person.Cold() {
		dst = append(dst, `"cold":true,`...)
	}
	return dst
}

// shown returns the row whose card stands in a place: the best article of the
// story that the person may see now.
func (w *walker) shown(p *place) (row, bool) {
	v := &w.m.view
	if w.policy.allows(v, p.row) {
		return p.row, true
	}
	if p.story == 0 {
		return 0, false
	}
	w.rows = w.rows[:0]
	w.rows = w.allowed(w.rows, p.story, p.row)
	if len(w.rows) == 0 {
		for _, sibling := range w.siblings(p.story) {
			w.rows = w.allowed(w.rows, sibling, p.row)
		}
	}
	if len(w.rows) == 0 {
		return 0, false
	}
	return slices.MaxFunc(w.rows, func(a, b row) int {
		if sa, sb := w.score(a, 1), w.score(b, 1); sa != sb {
			return int(min(max(sa-sb, -1), 1))
		}
		if v.tieBefore(a, b) {
			return 1
		}
		return -1
	}), true
}

// allowed appends the rows of a story, but one, that may stand in its place and
// that the person may see now.
func (w *walker) allowed(rows []row, story storyNum, but row) []row {
	for _, r := range w.membersOf(story) {
		if r != but && w.member(r) && w.policy.allows(&w.m.view, r) {
			rows = append(rows, r)
		}
	}
	return rows
}

// newer counts the stories that entered since the walk's edition and would stand
// before the last card of its first page, up to maxNewer.
func (w *walker) newer() int {
	if w.q.Cursor == nil || w.now == w.start.Edition {
		return 0
	}
	since := w.m.edition
	w.judged.reset()
	w.m.begin(w.c.short(w.now), firstKey, ArticleID{})
	n := 0
	for looked := 0; n < maxNewer && looked < maxCandidates; looked++ {
		h, ok := w.m.next()
		if !ok || h.key < w.start.First || h.key == w.start.First && w.m.compareID(h.row, w.start.FirstID) >= 0 {
			break
		}
		if w.born(h.row) > since && w.opens(h) {
			if _, ok := w.shown(&place{row: h.row, story: w.story(h.row)}); ok {
				n++
			}
		}
	}
	return n
}

// Newer counts what Page gives as newer, alone.
func (b *Builder) Newer(q Query) int {
	w := b.begin(&q)
	defer w.end()
	return w.newer()
}

func bit(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}
