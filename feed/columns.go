package feed

import (
	"bytes"
	"encoding/binary"
	"math"
	"sync/atomic"
)

// The records hold what is known of each row, a row being one version of one
// article. They stand in pointer-free blocks that one writer fills and any number of
// readers read without a lock: a row is written before its number is published
// in a posting list, and is never changed after, but for the edition that
// closed it.

// row numbers a version of an article on this node, in order of arrival.
type row = uint32

const (
	blockBits = 12
	blockRows = 1 << blockBits
	open      = math.MaxUint32 // closed edition of a version that is the newest
)

// block is blockRows rows.
type block [blockRows]record

// record is what is known of a row and of a fixed size, 48 bytes side by side:
// who looks at a candidate looks at most of it. Tags and cards are apart.
type record struct {
	key       int64
	card      uint64 // place in the card arena
	from      uint32 // edition of the version's entry, less the corpus's base
	to        atomic.Uint32
	born      uint32        // edition of the story's first entry, likewise
	story     atomic.Uint32 // storyNum; 0 until the story has a second article
	tags      uint32        // place of the first tag in the tag arena
	source    topicNum      // the source's topic
	published uint32        // seconds since 1970, 0 if before
	language  uint16
	ntags     uint8
	kind      uint8
}

// tag is a topic number (25 bits) and a salience in hundredths (7 bits).
type tag uint32

func newTag(n topicNum, salience uint8) tag { return tag(uint32(n)<<7 | uint32(salience)) }
func (t tag) topic() topicNum               { return topicNum(t >> 7) }
func (t tag) salience() uint8               { return uint8(t & 0x7f) }

// An arena holds what is of no fixed size: segments that one writer fills and
// readers read. A segment none of whose records is needed any more is let go.
type arena[T any] struct {
	segments atomic.Pointer[[][]T]
	live     []int // records in each segment that are needed; the writer's
	end      int   // of the last segment; the writer's
}

const (
	segmentBits = 20
	segmentSize = 1 << segmentBits
)

// room returns a place for n values, side by side in one segment, to be filled
// before the place is published. A record beyond a segment's size gets a segment
// as large as it is.
func (a *arena[T]) room(n int) (at uint64, values []T) {
	segments := load(&a.segments)
	if len(segments) == 0 || a.end+n > len(segments[len(segments)-1]) {
		size := segmentSize >> max(0, 8-len(segments)) // the first are small, for small corpora
		segments = append(segments, make([]T, max(size, n)))
		a.live, a.end = append(a.live, 0), 0
		a.segments.Store(&segments)
	}
	last := len(segments) - 1
	at = uint64(last)<<segmentBits | uint64(a.end)
	values = segments[last][a.end : a.end+n]
	a.end += n
	a.live[last]++
	return at, values
}

// drop says that the record at a place is needed no more. Readers that hold its
// segment keep it.
func (a *arena[T]) drop(at uint64) {
	s := at >> segmentBits
	if a.live[s]--; a.live[s] > 0 || int(s) == len(a.live)-1 {
		return
	}
	segments := append([][]T(nil), load(&a.segments)...)
	segments[s] = nil
	a.segments.Store(&segments)
}

// putCard stores an article's id (16 bytes), the length of its card (4 bytes)
// and the card.
func putCard(a *arena[byte], id ArticleID, card []byte) uint64 {
	at, b := a.room(cardHead + len(card))
	copy(b, id[:])
	binary.LittleEndian.PutUint32(b[16:], uint32(len(card)))
	copy(b[cardHead:], card)
	return at
}

const cardHead = 20

func load[T any](p *atomic.Pointer[[]T]) []T {
	if v := p.Load(); v != nil {
		return *v
	}
	return nil
}

// view is what a reader holds while it reads: the arrays as they were published
// at one moment. Load the posting lists first, then the view: then it holds
// every row that they name.
type view struct {
	blocks []*block
	tags   [][]tag
	cards  [][]byte
}

// at returns the record of a row that the view holds.
func (v *view) at(r row) *record { return &v.blocks[r>>blockBits][r%blockRows] }

func (v *view) key(r row) int64       { return v.at(r).key }
func (v *view) from(r row) uint32     { return v.at(r).from }
func (v *view) to(r row) uint32       { return v.at(r).to.Load() }
func (v *view) born(r row) uint32     { return v.at(r).born }
func (v *view) story(r row) storyNum  { return v.at(r).story.Load() }
func (v *view) source(r row) topicNum { return v.at(r).source }
func (v *view) kind(r row) uint8      { return v.at(r).kind }
func (v *view) language(r row) uint16 { return v.at(r).language }

// alive reports whether the row was the newest version at an edition. It may be
// asked of rows that are newer than the view, or let go.
func (v *view) alive(r row, edition uint32) bool {
	n := int(r >> blockBits)
	if n >= len(v.blocks) || v.blocks[n] == nil {
		return false
	}
	b := &v.blocks[n][r%blockRows]
	return b.from <= edition && edition < b.to.Load()
}

// tagsOf returns the row's tags, most salient first. Not to be changed.
func (v *view) tagsOf(r row) []tag {
	b := v.at(r)
	return v.tags[b.tags>>segmentBits][b.tags%segmentSize:][:b.ntags]
}

func (v *view) head(r row) []byte {
	at := v.at(r).card
	return v.cards[at>>segmentBits][at%segmentSize:]
}

// id returns the id of the row's article.
func (v *view) id(r row) ArticleID { return ArticleID(v.head(r)[:16]) }

// cardOf returns the row's encoded card. Not to be changed.
func (v *view) cardOf(r row) []byte {
	b := v.head(r)
	n := binary.LittleEndian.Uint32(b[16:])
	return b[cardHead : cardHead+n : cardHead+n]
}

// before reports whether row a ranks before row b: greater key first, then
// smaller article id, then the older version.
func (v *view) before(a, b row) bool {
	if ka, kb := v.key(a), v.key(b); ka != kb {
		return ka > kb
	}
	return v.tieBefore(a, b)
}

// tieBefore orders rows of equal score.
func (v *view) tieBefore(a, b row) bool {
	if c := bytes.Compare(v.head(a)[:16], v.head(b)[:16]); c != 0 {
		return c < 0
	}
	return a < b
}
