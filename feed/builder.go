package feed

import (
	"encoding/binary"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/cespare/xxhash/v2"
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
}

func (q *Query) present() *Person {
	if q.Present != nil {
		return q.Present
	}
	return q.Person
}

// Page is what is known of a page beside its bytes.
type Page struct {
	Cards int
	Next  string // cursor of the next page; empty at the end
}

// Builder makes pages. Safe for concurrent use.
type Builder struct {
	index   *Index
	chunk   int       // chunkSize, but in tests
	scratch sync.Pool // *walker
}

// NewBuilder returns a builder over an index.
func NewBuilder(x *Index) *Builder {
	return &Builder{index: x, chunk: chunkSize, scratch: sync.Pool{New: func() any { return new(walker) }}}
}

// Page appends a page of a person's feed to dst as JSON, the answer of GET /feed.
//
// The order is a function of the list, the edition, the filter and the constants
// alone; the edition is the cursor's, else the newest. Mutes, marks, withdrawals
// and the filter are of the present: they leave a place to the next article of
// its story, or empty, and move nothing.
func (b *Builder) Page(dst []byte, q Query) ([]byte, Page) {
	w := b.begin(&q)
	defer w.end()
	dst = w.open(dst)
	dst, page := w.cards(dst)
	dst = append(dst, `,"newer":`...)
	dst = strconv.AppendInt(dst, int64(w.newer()), 10)
	return append(dst, '}'), page
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
	opened   []place    // in rank order
	keys     []uint64   // to sort them by
	room     []place    // for places
	places   []place    // by score; spread up to arranged
	size     int        // how many there are in the chunk
	arranged int        // how many of them are in their order
	last     hit        // of the chunk's candidates
	looked   int        // how many candidates it had
	more     bool       // whether stage 1 has more after it
	begun    bool       // the merge stands behind the chunk
	chunks   int        // brought so far
	kept     *keptChunk // what places were taken from; nil: they were judged

	touched, compactions uint64 // see keptChunk

	seen    []topicNum
	told    []storyNum
	shelved []place
	rows    []row
	cursor  cursorRoom
}

// begin prepares a page.
func (b *Builder) begin(q *Query) *walker {
	w := b.scratch.Get().(*walker)
	w.b, w.q, w.c = b, *q, b.index.corpus.Load()
	at := w.c.at.Load()
	w.now = Edition(w.c.edition.Load())
	if q.Cursor != nil {
		w.start = *q.Cursor
	} else {
		w.start = Cursor{Edition: w.now, At: time.UnixMilli(at).UTC(), Revision: q.Person.Revision, Started: q.Now, Key: firstKey}
	}
	w.policy.prepare(w.c, q)
	w.covered = w.c.list(covered).load()
	w.m.prepare(w.c, q.Person, w.start.At)
	w.m.edition, w.begun, w.chunks = w.c.short(w.start.Edition), false, 0
	return w
}

// end gives the walker back.
func (w *walker) end() {
	w.m.clear()
	w.policy.clear()
	b := w.b
	w.b, w.q, w.c, w.covered, w.kept, w.places = nil, Query{}, nil, nil, nil, nil
	b.scratch.Put(w)
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
	if w.m.cold {
		dst = append(dst, `"cold":true,`...)
	}
	if w.q.MustKnow > 0 && w.q.Cursor == nil {
		dst = w.mustKnow(dst)
	}
	return dst
}

// cards writes the items and the cursor after them.
func (w *walker) cards(dst []byte) ([]byte, Page) {
	dst = append(dst, `"items":[`...)
	var (
		page  Page
		next  = w.start
		first = next.First
		id    = next.FirstID
		more  = true
	)
	for looked := 0; page.Cards < w.q.Limit && looked < maxCandidates && more; {
		n := w.chunk(looked == 0)
		if looked += n; n == 0 {
			more = false
			break
		}
		at := min(int(next.Offset), w.size)
		for ; at < w.size && page.Cards < w.q.Limit; at++ {
			p := w.arrange(at)
			r, ok := w.shown(p)
			if !ok {
				continue
			}
			if page.Cards++; page.Cards > 1 {
				dst = append(dst, ',')
			}
			dst = w.card(dst, p.story, r)
			first, id = p.opener.key, w.m.view.id(p.opener.row)
		}
		if next.Offset = uint16(at); at == w.size {
			next.Key, next.ID, next.Offset = w.last.key, w.m.view.id(w.last.row), 0
			more = w.more
		}
	}
	w.keep()
	dst = append(dst, ']')
	if !more {
		return dst, page
	}
	if w.q.Cursor == nil {
		next.First, next.FirstID = first, id
	}
	dst = append(dst, `,"next":"`...)
	at := len(dst)
	dst = next.appendText(dst, &w.cursor)
	page.Next = string(dst[at:])
	return append(dst, '"'), page
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
	for _, r := range w.c.stories.members(p.story) {
		if r != p.row && w.member(r) && w.policy.allows(v, r) {
			w.rows = append(w.rows, r)
		}
	}
	if len(w.rows) == 0 {
		return 0, false
	}
	sources := w.sources(p.story)
	return slices.MaxFunc(w.rows, func(a, b row) int {
		if sa, sb := w.score(a, sources), w.score(b, sources); sa != sb {
			return int(min(max(sa-sb, -1), 1))
		}
		if v.tieBefore(a, b) {
			return 1
		}
		return -1
	}), true
}

// card writes a card: the part that was encoded when the article entered the
// index, then what differs from person to person.
func (w *walker) card(dst []byte, story storyNum, r row) []byte {
	dst = append(dst, w.m.view.cardOf(r)...)
	dst = w.also(dst, story, r)
	dst = append(dst, `,"matched":[`...)
	ids := load(&w.c.topicIDs)
	comma := false
	for _, t := range w.m.view.tagsOf(r) {
		if !w.m.standing(t.topic()).matched() {
			continue
		}
		if comma {
			dst = append(dst, ',')
		}
		comma = true
		dst = append(dst, '"')
		dst = append(dst, ids[t.topic()]...) // letters, digits and hyphens
		dst = append(dst, '"')
	}
	dst = append(dst, ']')
	if w.q.Person.Known {
		dst = w.mark(dst, r)
	}
	if w.q.Why {
		dst = append(dst, `,"why":`...)
		dst = appendReceipt(dst, w.terms(r, w.sources(story)))
	}
	return append(dst, '}')
}

// also writes how many other articles of the story there are for the person, and
// from whom.
func (w *walker) also(dst []byte, story storyNum, shown row) []byte {
	v := &w.m.view
	articles, sources := 0, w.seen[:0]
	for _, r := range w.c.stories.members(story) {
		if r == shown || !v.alive(r, w.m.edition) || !w.policy.allows(v, r) {
			continue
		}
		articles++
		if s := v.source(r); len(sources) < maxSources && !slices.Contains(sources, s) {
			sources = append(sources, s)
		}
	}
	dst = append(dst, `,"also":{"articles":`...)
	dst = strconv.AppendInt(dst, int64(articles), 10)
	dst = append(dst, `,"sources":[`...)
	for i, s := range sources {
		if i > 0 {
			dst = append(dst, ',')
		}
		if name, ok := w.c.sourceNames.Load(s); ok {
			dst = append(dst, name.([]byte)...)
		}
	}
	w.seen = sources[:0]
	return append(dst, `]}`...)
}

func (w *walker) mark(dst []byte, r row) []byte {
	var marks StoryMarks
	if w.q.Marks != nil && len(w.q.Marks.Stories) > 0 {
		marks = w.q.Marks.Stories[w.c.storyID(&w.m.view, r)]
	}
	dst = append(dst, `,"mark":{"read":`...)
	dst = strconv.AppendBool(dst, marks.Read.Value)
	dst = append(dst, `,"saved":`...)
	dst = strconv.AppendBool(dst, marks.Saved.Value)
	return append(dst, '}')
}

// newer counts the stories that entered since the walk's edition and would stand
// before the last card of its first page, up to maxNewer.
func (w *walker) newer() int {
	if w.q.Cursor == nil || w.now == w.start.Edition {
		return 0
	}
	since := w.m.edition
	w.m.begin(w.c.short(w.now), firstKey, ArticleID{})
	n := 0
	for looked := 0; n < maxNewer && looked < maxCandidates; looked++ {
		h, ok := w.m.next()
		if !ok || h.key < w.start.First || h.key == w.start.First && w.m.compareID(h.row, w.start.FirstID) >= 0 {
			break
		}
		if w.m.view.born(h.row) > since && w.opens(h) {
			if _, ok := w.shown(&place{row: h.row, story: w.m.view.story(h.row)}); ok {
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

// Version is a number that changes whenever the page of a query may: what an
// ETag is made of. It costs no page. account is whose page it is, empty for
// nobody's. What changes by itself (as_of, and with it the cursor) does not count.
//
// A page within a walk may show versions that have been superseded since, and
// what befalls their articles later need not touch the topics they had: there,
// every article counts.
func (b *Builder) Version(q *Query, account string) uint64 {
	c := b.index.corpus.Load()
	edition := c.edition.Load() // before what was touched: an entry's topics are, before its page is
	asOf := time.UnixMilli(c.at.Load())
	var touched, fresh uint64
	for i, n := range q.Person.numbers(c).followed {
		fresh = fresh*31 + uint64(freshness(q.Person.followed[i].since, asOf))
		if n != noNumber {
			touched = max(touched, c.list(n).touched.Load())
		}
	}
	if q.Person.Cold() || q.Cursor != nil {
		touched = c.list(everything).touched.Load()
	}
	var room [256]byte
	buf := append(room[:0], account...)
	number := func(n uint64) { buf = binary.BigEndian.AppendUint64(buf, n) }
	number(uint64(len(account)))
	number(uint64(q.Limit)<<8 | uint64(q.MustKnow)<<3 | bit(q.Unread)<<2 | bit(q.Why)<<1 | bit(q.Person.Known))
	for _, n := range [...]uint64{uint64(q.Person.Revision), q.Person.Digest, uint64(rankerVersion), min(touched, edition),
		uint64(q.Now.Unix() / (15 * 60)), uint64(q.present().Revision), q.present().Digest} {
		number(n)
	}
	if q.Cursor == nil {
		number(fresh) // in a walk it is the cursor's
	}
	if q.MustKnow > 0 {
		number(min(c.list(covered).touched.Load(), edition))
	}
	if q.Marks != nil {
		number(uint64(q.Marks.Revision))
	}
	buf = q.Filter.appendText(buf)
	if q.Cursor != nil {
		buf = append(buf, q.Cursor.String()...)
	}
	return xxhash.Sum64(buf)
}

func bit(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}
