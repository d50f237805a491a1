package feed

import (
	"slices"
	"sort"
	"sync/atomic"
)

// A posting list holds the rows that carry one topic, ordered from the worst
// rank to the best, so that news is appended at the end. It is cut into packed
// chunks and a tail of plain rows: a late article costs a copy of one chunk and of
// the chunk table, a fresh one nothing but a new head. What was published is never
// changed: readers load the head once and walk it from the end.
type postings struct {
	head    atomic.Pointer[postingHead]
	touched atomic.Uint64 // the newest edition that touched the topic
	live    atomic.Int64  // rows in the list that are newest versions

	id   uint32        // where the topic's id stands, see topics
	name atomic.Uint32 // where the source's name stands, of whom the topic is; 0: of none
}

// postingHead is one published state: the chunks, then the tail.
type postingHead struct {
	chunks []packed
	tail   []row
}

const (
	chunkRows = 1024
	tailRows  = 2 * frameRows
)

var noPostings postingHead

func (p *postings) load() *postingHead {
	if h := p.head.Load(); h != nil {
		return h
	}
	return &noPostings
}

// len returns the number of rows.
func (h *postingHead) len() int {
	n := len(h.tail)
	for i := range h.chunks {
		n += h.chunks[i].n
	}
	return n
}

// last returns the best row.
func (h *postingHead) last() (row, bool) {
	if n := len(h.tail); n > 0 {
		return h.tail[n-1], true
	}
	if n := len(h.chunks); n > 0 {
		c := &h.chunks[n-1]
		return c.at(c.n - 1), true
	}
	return 0, false
}

// insert adds a row at its rank. Only the writer calls it.
func (p *postings) insert(v *view, r row) {
	h := p.load()
	if best, ok := h.last(); !ok || v.before(r, best) {
		p.head.Store(h.push(r))
		return
	}
	p.head.Store(h.splice(v, r))
}

// push appends the best row. The tail's spare room is written to: no reader has
// been given it yet.
func (h *postingHead) push(r row) *postingHead {
	if len(h.tail) == tailRows {
		h = h.settle()
	}
	return &postingHead{h.chunks, append(h.tail, r)}
}

// settle packs the worse frame of a full tail.
func (h *postingHead) settle() *postingHead {
	chunks, settled := h.chunks, h.tail[:frameRows]
	tail := append(make([]row, 0, tailRows), h.tail[frameRows:]...)
	if n := len(chunks); n > 0 && chunks[n-1].n+frameRows <= chunkRows {
		settled = append(chunks[n-1].rows(), settled...)
		chunks = append(make([]packed, 0, n+1), chunks[:n-1]...)
	}
	return &postingHead{append(chunks, pack(settled)), tail}
}

// splice puts a row among others, in copies of what it changes.
func (h *postingHead) splice(v *view, r row) *postingHead {
	// The first chunk whose best row ranks before r holds r's place.
	i := sort.Search(len(h.chunks), func(i int) bool { c := &h.chunks[i]; return v.before(c.at(c.n-1), r) })
	if i == len(h.chunks) {
		h = &postingHead{h.chunks, insertRow(v, h.tail, r)}
		if len(h.tail) > tailRows {
			h = h.settle()
		}
		return h
	}
	rows := insertRow(v, h.chunks[i].rows(), r)
	chunks := append(make([]packed, 0, len(h.chunks)+1), h.chunks[:i]...)
	if half := len(rows) / 2; len(rows) >= 2*chunkRows {
		chunks = append(chunks, pack(rows[:half]), pack(rows[half:]))
	} else {
		chunks = append(chunks, pack(rows))
	}
	return &postingHead{append(chunks, h.chunks[i+1:]...), h.tail}
}

func insertRow(v *view, rows []row, r row) []row {
	at := sort.Search(len(rows), func(i int) bool { return v.before(rows[i], r) })
	out := make([]row, 0, len(rows)+1+len(rows)/8)
	return append(append(append(out, rows[:at]...), r), rows[at:]...)
}

// sorted makes a head of rows in any order.
func sorted(v *view, rows []row) *postingHead {
	slices.SortFunc(rows, func(a, b row) int {
		switch {
		case a == b:
			return 0
		case v.before(a, b):
			return 1
		}
		return -1
	})
	return chunked(rows)
}

// chunked makes a head of rows in their order, which it does not keep.
func chunked(rows []row) *postingHead {
	h := &postingHead{}
	for len(rows) >= tailRows {
		n := min(chunkRows, (len(rows)-frameRows)/frameRows*frameRows)
		h.chunks = append(h.chunks, pack(rows[:n]))
		rows = rows[n:]
	}
	h.chunks = slices.Clip(h.chunks)
	h.tail = slices.Clip(append([]row(nil), rows...))
	return h
}

// without returns the head less the rows that are dead.
func (h *postingHead) without(dead func(row) bool) *postingHead {
	rows := make([]row, 0, h.len())
	for i := range h.chunks {
		rows = append(rows, h.chunks[i].rows()...)
	}
	return chunked(slices.DeleteFunc(append(rows, h.tail...), dead))
}

// walk is a reader's place in a posting list, moving from the best row to the
// worst.
type walk struct {
	head  *postingHead
	chunk int // in head.chunks; len(head.chunks) is the tail
	pos   int // rows of the chunk before it are still to come
}

func newWalk(h *postingHead) walk { return walk{h, len(h.chunks), len(h.tail)} }

// seek returns a place before the first row for which past is false; past must
// be true for a prefix of the ranking and false after.
func seek(h *postingHead, past func(row) bool) walk {
	first := func(i int) (row, bool) {
		if i < len(h.chunks) {
			return h.chunks[i].at(0), true
		}
		if len(h.tail) > 0 {
			return h.tail[0], true
		}
		return 0, false
	}
	// Chunks run from worst to best: skip from the end those whose worst row is past.
	c := sort.Search(len(h.chunks)+1, func(i int) bool { r, ok := first(i); return !ok || past(r) })
	if c--; c < 0 {
		return walk{h, 0, 0}
	}
	if c == len(h.chunks) {
		return walk{h, c, sort.Search(len(h.tail), func(i int) bool { return past(h.tail[i]) })}
	}
	chunk := &h.chunks[c]
	return walk{h, c, sort.Search(chunk.n, func(i int) bool { return past(chunk.at(i)) })}
}

// next returns the next row.
func (w *walk) next() (row, bool) {
	for w.pos == 0 {
		if w.chunk == 0 {
			return 0, false
		}
		w.chunk--
		w.pos = w.head.chunks[w.chunk].n
	}
	w.pos--
	if w.chunk < len(w.head.chunks) {
		return w.head.chunks[w.chunk].at(w.pos), true
	}
	return w.head.tail[w.pos], true
}
