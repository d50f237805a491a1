package feed

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"iter"
	"math"
	"slices"
	"sync/atomic"
)

// The columns hold what is known of each row, a row being one version of one
// article. They stand in blocks that one writer fills and any number of readers
// read without a lock: a row is written before its number is published in a posting
// list, and is never changed after, but for its story and the edition that closed
// it. What few rows have stands apart, in short lists of each block.

// row numbers a version of an article on this node, in order of arrival.
type row = uint32

const (
	blockBits = 12
	blockRows = 1 << blockBits
	open      = math.MaxUint32 // closed edition of a version that is the newest
	noRow     = math.MaxUint32
)

// block is blockRows rows. What stage 1 looks at, keys and which rows are closed,
// is side by side, apart from the records.
type block struct {
	ends atomic.Pointer[[]ending]  // of the closed rows, in their order
	wide atomic.Pointer[[]wideKey] // of the rows whose key says so, in their order

	base    int64         // that keys are counted from
	newest  atomic.Uint32 // the greatest edition in from
	ended   atomic.Uint32 // the greatest edition that closed a row
	closed  [blockRows / 64]atomic.Uint64
	keys    [blockRows]int32
	records [blockRows]record

	// The writer's.
	oldest uint32 // of the rows that were not dropped, the first published
	left   int    // how many those are
}

// isWide in the place of a key says that it is too far from the block's base: a
// hundred years at half-lives of twelve hours.
const isWide = math.MinInt32

// ending is the edition that closed a row, wideKey the key of one.
type (
	ending  struct{ row, to uint32 }
	wideKey struct {
		row row
		key int64
	}
)

// record is what is known of a row beside its key: who looks at a candidate looks
// at most of it. Tags and cards are in arenas.
type record struct {
	from  uint32        // edition of the version's entry, less the corpus's base
	story atomic.Uint32 // storyNum; 0 until the story has a second article
	tags  uint32        // place in the tag arena
	card  uint32        // place in the card arena, in cardUnits
	meta  meta
}

// meta is how many tags there are (8 bits), which of them is the source's (8, one
// behind the last if the article does not carry it), the language (12), the kind
// (3), and whether tags take four bytes (1).
type meta uint32

const (
	maxTags     = math.MaxUint8
	maxLanguage = 1<<12 - 1
)

func newMeta(ntags, source int, language uint16, kind uint8, wide bool) meta {
	return meta(ntags | source<<8 | int(language)<<16 | int(kind)<<28 | int(bit(wide))<<31)
}

func (m meta) ntags() int       { return int(m & 0xff) }
func (m meta) source() int      { return int(m >> 8 & 0xff) }
func (m meta) language() uint16 { return uint16(m >> 16 & maxLanguage) }
func (m meta) kind() uint8      { return uint8(m >> 28 & 7) }
func (m meta) wide() bool       { return m>>31 != 0 }

// tag is a topic number (25 bits) and a salience in hundredths.
type tag uint32

const salienceBits = 7

func newTag(n topicNum, salience uint8) tag { return tag(uint32(n)<<salienceBits | uint32(salience)) }
func (t tag) topic() topicNum               { return topicNum(t >> salienceBits) }
func (t tag) salience() uint8               { return uint8(t & (1<<salienceBits - 1)) }

// tags are a row's tags, most salient first: three bytes each while all topics of
// the row are among the first 131,072, else four.
type tags struct {
	n     int
	width int
	mask  uint32
	bytes []byte
}

func (t *tags) at(i int) tag {
	return tag(binary.LittleEndian.Uint32(t.bytes[i*t.width:]) & t.mask)
}

// all gives the tags in their order.
func (t tags) all() iter.Seq[tag] {
	return func(yield func(tag) bool) {
		for i := range t.n {
			if !yield(t.at(i)) {
				return
			}
		}
	}
}

const tagMargin = 1 // that the last of three bytes may be read as four

// putTags stores tags.
func putTags(a *arena[byte], tags []tag) (at uint32, wide bool) {
	width := 3
	if slices.ContainsFunc(tags, func(t tag) bool { return t >= 1<<24 }) {
		width = 4
	}
	place, b := a.room(len(tags)*width + tagMargin)
	for i, t := range tags {
		for k := range width {
			b[i*width+k] = byte(t >> (8 * k))
		}
	}
	return uint32(place), width == 4
}

// A card stands in the card arena behind its head: the article's id (16 bytes), the
// length of the card, the second the article was published (0 if before 1970), and
// the edition of the story's first entry, less the corpus's base (4 bytes each).
const (
	cardHead = 28
	cardUnit = 16 // cards begin at multiples of it
)

func putCard(a *arena[byte], id ArticleID, published, born uint32, card []byte) uint32 {
	at, b := a.room((cardHead + len(card) + cardUnit - 1) &^ (cardUnit - 1))
	copy(b, id[:])
	binary.LittleEndian.PutUint32(b[16:], uint32(len(card)))
	binary.LittleEndian.PutUint32(b[20:], published)
	binary.LittleEndian.PutUint32(b[24:], born)
	copy(b[cardHead:], card)
	return uint32(at / cardUnit)
}

// setKey sets the key of a row that is not published yet.
func (b *block) setKey(i row, key int64) {
	if d := key - b.base; d > isWide && d <= math.MaxInt32 {
		b.keys[i] = int32(d)
		return
	}
	b.keys[i] = isWide
	wide := append(slices.Clone(load(&b.wide)), wideKey{i, key})
	b.wide.Store(&wide)
}

func (b *block) key(i row) int64 {
	if d := b.keys[i]; d != isWide {
		return b.base + int64(d)
	}
	wide := load(&b.wide)
	at, _ := slices.BinarySearchFunc(wide, i, func(w wideKey, i row) int { return cmp.Compare(w.row, i) })
	return wide[at].key
}

// close closes a row. What is at hand of it for readers is there before the bit
// says so.
func (b *block) close(i row, to uint32) {
	ends := load(&b.ends)
	at, _ := slices.BinarySearchFunc(ends, i, endingOf)
	ends = slices.Insert(slices.Clone(ends), at, ending{i, to})
	b.ends.Store(&ends)
	b.ended.Store(max(b.ended.Load(), to))
	b.closed[i/64].Or(1 << (i % 64))
}

func endingOf(e ending, i row) int { return cmp.Compare(e.row, i) }

// to returns the edition that closed a row; open if none did.
func (b *block) to(i row) uint32 {
	if b.closed[i/64].Load()&(1<<(i%64)) == 0 {
		return open
	}
	ends := load(&b.ends)
	if at, ok := slices.BinarySearchFunc(ends, i, endingOf); ok {
		return ends[at].to
	}
	return 0 // it was dropped
}

// view is what a reader holds while it reads: the arrays as they were published
// at one moment. Load the posting lists first, then the view: then it holds
// every row that they name.
type view struct {
	blocks []*block
	tags   [][]byte
	cards  [][]byte
}

// at returns the record of a row that the view holds.
func (v *view) at(r row) *record { return &v.blocks[r>>blockBits].records[r%blockRows] }

func (v *view) key(r row) int64       { return v.blocks[r>>blockBits].key(r % blockRows) }
func (v *view) from(r row) uint32     { return v.at(r).from }
func (v *view) to(r row) uint32       { return v.blocks[r>>blockBits].to(r % blockRows) }
func (v *view) story(r row) storyNum  { return v.at(r).story.Load() }
func (v *view) kind(r row) uint8      { return v.at(r).meta.kind() }
func (v *view) language(r row) uint16 { return v.at(r).meta.language() }

// alive reports whether the row was the newest version at an edition. It may be
// asked of rows that are newer than the view, or let go. Mostly nothing but the
// block's head is looked at.
func (v *view) alive(r row, edition uint32) bool {
	n, i := int(r>>blockBits), r%blockRows
	return n < len(v.blocks) && v.blocks[n] != nil && v.blocks[n].alive(i, edition)
}

// holds reports whether the view has a row: one that is newer has not come, one that
// was let go is no more.
func (v *view) holds(r row) bool {
	return int(r>>blockBits) < len(v.blocks) && v.blocks[r>>blockBits] != nil
}

func (b *block) alive(i row, edition uint32) bool {
	if b.closed[i/64].Load()&(1<<(i%64)) != 0 && (edition >= b.ended.Load() || edition >= b.to(i)) {
		return false // of a page of now the first is true, and nothing is searched
	}
	return edition >= b.newest.Load() || b.records[i].from <= edition
}

// keyAt returns the key of a row that was the newest version at an edition.
func (v *view) keyAt(r row, edition uint32) (key int64, ok bool) {
	n, i := int(r>>blockBits), r%blockRows
	if n >= len(v.blocks) || v.blocks[n] == nil || !v.blocks[n].alive(i, edition) {
		return 0, false
	}
	return v.blocks[n].key(i), true
}

// tagsOf returns the row's tags.
func (v *view) tagsOf(r row) tags {
	b := v.at(r)
	return v.tagsAt(b.meta, b.tags)
}

// tagsAt returns the tags of a row whose record says this.
func (v *view) tagsAt(m meta, at uint32) tags {
	t := tags{m.ntags(), 3, 1<<24 - 1, v.tags[at>>segmentBits][at%segmentSize:]}
	if m.wide() {
		t.width, t.mask = 4, math.MaxUint32
	}
	return t
}

// touchTags reads a byte of the tags at a place, so that they are on their way.
func (v *view) touchTags(at uint32) byte { return v.tags[at>>segmentBits][at%segmentSize] }

// source returns the topic of the row's source.
func (v *view) source(r row) topicNum {
	t := v.tagsOf(r)
	return t.at(v.at(r).meta.source()).topic()
}

func (v *view) head(r row) []byte {
	at := v.at(r).card
	return v.cards[at/(segmentSize/cardUnit)][at%(segmentSize/cardUnit)*cardUnit:]
}

// id returns the id of the row's article.
func (v *view) id(r row) ArticleID { return ArticleID(v.head(r)[:16]) }

// published returns the second in which the row's article was published.
func (v *view) published(r row) uint32 { return binary.LittleEndian.Uint32(v.head(r)[20:]) }

// born returns the edition of the first entry of the row's story.
func (v *view) born(r row) uint32 { return binary.LittleEndian.Uint32(v.head(r)[24:]) }

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
