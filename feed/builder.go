package feed

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"math"
	"slices"
	"strconv"
	"sync"
	"time"

	"newsfeed/interests/topic"
)

// Limits of a page.
const (
	DefaultLimit  = 30
	MaxLimit      = 100
	maxCandidates = 4000 // looked at for one page: it may be short then, and has a next
	maxNewer      = 99
)

// Filter narrows a feed to cards that have one of the named kinds, one of the
// languages and one of the topics. An empty set does not narrow.
type Filter struct {
	Kinds     []Kind
	Languages []string
	Topics    []topic.ID
}

// Query asks for a page.
type Query struct {
	Person *Person
	Filter Filter
	Limit  int     // 1 to MaxLimit
	Cursor *Cursor // nil: the first page
	Now    time.Time
}

// Page is what is known of a page beside its bytes.
type Page struct {
	Cards int
	Next  string // cursor of the next page; empty at the end
}

// Builder makes pages. Safe for concurrent use.
type Builder struct {
	index   *Index
	scratch sync.Pool // *merge
}

// NewBuilder returns a builder over an index.
func NewBuilder(x *Index) *Builder {
	return &Builder{index: x, scratch: sync.Pool{New: func() any { return new(merge) }}}
}

// Page appends a page of a person's feed to dst as JSON, the answer of GET /feed.
// The order comes from the query and the edition alone: that of the cursor, else
// the newest. An article that was withdrawn since, that the person has muted
// since, or that the filter leaves out takes no place.
func (b *Builder) Page(dst []byte, q Query) ([]byte, Page) {
	w := b.open(&q)
	defer w.close()
	dst = w.open(dst)
	dst = append(dst, `"items":[`...)
	page := Page{}
	var last, lastCard hit // the last candidate, and the last that became a card
	looked := 0
	for looked < maxCandidates && page.Cards < q.Limit {
		h, ok := w.m.next()
		if !ok {
			break
		}
		last = h
		looked++
		if !w.shown(h.row) {
			continue
		}
		lastCard = h
		if page.Cards++; page.Cards > 1 {
			dst = append(dst, ',')
		}
		dst = w.card(dst, h.row)
	}
	dst = append(dst, ']')
	if page.Cards == 0 {
		lastCard = last
	}
	if len(w.m.heap) > 0 && looked > 0 {
		page.Next = w.nextCursor(last, lastCard).String()
		dst = append(dst, `,"next":"`...)
		dst = append(dst, page.Next...)
		dst = append(dst, '"')
	}
	dst = append(dst, `,"newer":`...)
	dst = strconv.AppendInt(dst, int64(w.newer()), 10)
	return append(dst, '}'), page
}

// walker is one page in the making.
type walker struct {
	b      *Builder
	q      *Query
	c      *corpus
	m      *merge
	start  Cursor // moments of the walk; position set when a cursor was given
	now    Edition
	numbed []topicNum // topics with an entry in m.levels
	kinds  uint32     // bit per kind; 0: all
	langs  []uint16   // nil: all
	topics []topicNum // nil: all
}

// noNumber stands in filters for what no article has.
const noNumber = math.MaxUint32

// open prepares a page. The order of the loads matters: see view.
func (b *Builder) open(q *Query) *walker {
	c := b.index.corpus.Load()
	w := &walker{b: b, q: q, c: c, m: b.scratch.Get().(*merge)}
	at := c.at.Load()
	w.now = Edition(c.edition.Load())
	if q.Cursor != nil {
		w.start = *q.Cursor
	} else {
		w.start = Cursor{Edition: w.now, At: time.UnixMilli(at).UTC(), Revision: q.Person.Revision, Started: q.Now}
	}
	w.filters()
	w.prepare(c.short(w.start.Edition))
	var after *hit
	if q.Cursor != nil {
		after = &hit{key: w.start.Key}
	}
	w.fill(after, w.start.ID)
	return w
}

func (w *walker) filters() {
	for _, k := range w.q.Filter.Kinds {
		w.kinds |= 1 << kindNum(k)
	}
	for _, l := range w.q.Filter.Languages {
		n, _ := w.c.languages.Load(l)
		num, _ := n.(uint16)
		w.langs = append(w.langs, num) // 0: a language nobody writes
	}
	for _, id := range w.q.Filter.Topics {
		n, ok := w.c.lookup(id)
		if !ok {
			n = noNumber
		}
		w.topics = append(w.topics, n)
	}
}

// prepare sets the person's levels, by topic number.
func (w *walker) prepare(edition uint32) {
	m, p := w.m, w.q.Person
	m.edition, m.heap, m.any, m.graded = edition, m.heap[:0], false, false
	if n := len(load(&w.c.lists)); len(m.levels) < n {
		m.levels = append(m.levels, make([]int8, n+n/4-len(m.levels))...)
	}
	set := func(id topic.ID, level int8) {
		if n, ok := w.c.lookup(id); ok && int(n) < len(m.levels) {
			m.levels[n] = level
			w.numbed = append(w.numbed, n)
		}
	}
	for _, f := range p.followed {
		if f.weight == weightFavourite {
			m.graded = true
			set(f.topic, levelFavourite)
		} else {
			set(f.topic, levelFollow)
		}
	}
	for _, id := range p.muted {
		set(id, levelMuted)
	}
}

// fill puts the lists of the followed topics into the merge.
func (w *walker) fill(after *hit, id ArticleID) {
	type listed struct {
		head   *postingHead
		weight int64
	}
	heads := make([]listed, 0, len(w.q.Person.followed)+1)
	for _, f := range w.q.Person.followed {
		if n, ok := w.c.lookup(f.topic); ok {
			heads = append(heads, listed{w.c.list(n).load(), f.weight})
		}
	}
	if w.q.Person.Cold() {
		heads = append(heads, listed{w.c.list(everything).load(), weightFollow})
	}
	w.m.view = w.c.view()
	for _, h := range heads {
		w.m.add(h.head, h.weight, after, id)
	}
	w.m.init()
}

// close gives the scratch back.
func (w *walker) close() {
	for _, n := range w.numbed {
		w.m.levels[n] = 0
	}
	w.m.view = view{}
	clear(w.m.heap[:cap(w.m.heap)])
	w.b.scratch.Put(w.m)
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

// shown is the policy: whether the person may see the row, judged by the version
// shown and by the newest version of its article.
func (w *walker) shown(r row) bool {
	if !w.allowed(r) {
		return false
	}
	if w.m.view.to(r) == open {
		return true
	}
	newest, v, ok := w.c.ids.find(w.m.view.id(r), w.c.view)
	if !ok || v.to(newest) != open {
		return false // withdrawn since
	}
	view := w.m.view
	w.m.view = v
	defer func() { w.m.view = view }()
	return w.allowed(newest)
}

// allowed judges one version.
func (w *walker) allowed(r row) bool {
	v := &w.m.view
	if w.kinds != 0 && w.kinds&(1<<v.kind(r)) == 0 {
		return false
	}
	if w.langs != nil && !slices.Contains(w.langs, v.language(r)) {
		return false
	}
	wanted := w.topics == nil
	for _, t := range v.tagsOf(r) {
		if w.m.level(t.topic()) == levelMuted {
			return false
		}
		wanted = wanted || slices.Contains(w.topics, t.topic())
	}
	return wanted
}

// card writes a card: the part that was encoded when the article entered the
// index, then what differs from person to person.
func (w *walker) card(dst []byte, r row) []byte {
	dst = append(dst, w.m.view.cardOf(r)...)
	dst = append(dst, `,"matched":[`...)
	ids := load(&w.c.topicIDs)
	first := true
	for _, t := range w.m.view.tagsOf(r) {
		if w.m.level(t.topic()) <= 0 {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = append(dst, '"')
		dst = append(dst, ids[t.topic()]...) // letters, digits and hyphens
		dst = append(dst, '"')
	}
	dst = append(dst, ']')
	if w.q.Person.Known {
		dst = append(dst, `,"mark":{"read":false,"saved":false}`...)
	}
	return append(dst, '}')
}

// nextCursor returns the place after the last candidate.
func (w *walker) nextCursor(last, lastCard hit) Cursor {
	next := w.start
	next.Key, next.ID = last.key, w.m.view.id(last.row)
	if w.q.Cursor == nil {
		next.First, next.FirstID = lastCard.key, w.m.view.id(lastCard.row)
	}
	return next
}

// newer counts the cards that entered since the walk's edition and would stand
// before the last card of its first page, up to maxNewer.
func (w *walker) newer() int {
	if w.q.Cursor == nil || w.now == w.start.Edition {
		return 0
	}
	since := w.m.edition
	w.m.edition, w.m.heap, w.m.any = w.c.short(w.now), w.m.heap[:0], false
	w.fill(nil, ArticleID{})
	n := 0
	for looked := 0; n < maxNewer && looked < maxCandidates; looked++ {
		h, ok := w.m.next()
		if !ok || h.key < w.start.First || h.key == w.start.First && w.m.compareID(h.row, w.start.FirstID) >= 0 {
			break
		}
		if w.m.view.born(h.row) > since && w.shown(h.row) {
			n++
		}
	}
	return n
}

// Version is a number that changes whenever the first page of a query may: what
// an ETag is made of. It costs no page.
func (b *Builder) Version(q *Query, account string) uint64 {
	c := b.index.corpus.Load()
	h := fnv.New64a()
	fmt.Fprintf(h, "%s|%d|%v|%d|%x|%v|%d", account, q.Limit, q.Filter, q.Person.Revision, q.Person.Digest, q.Person.Known, rankerVersion)
	var touched uint64
	for _, f := range q.Person.followed {
		if n, ok := c.lookup(f.topic); ok {
			touched = max(touched, c.list(n).touched.Load())
		}
	}
	if q.Person.Cold() {
		touched = c.list(everything).touched.Load()
	}
	var buf [16]byte
	binary.BigEndian.PutUint64(buf[:], touched)
	binary.BigEndian.PutUint64(buf[8:], uint64(q.Now.Unix()/(15*60)))
	h.Write(buf[:])
	if q.Cursor != nil {
		h.Write([]byte(q.Cursor.String()))
	}
	return h.Sum64()
}
