package feed

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"sync/atomic"
	"time"
	"unsafe"
)

// stories are the stories of more than one article, as readers see them: what
// most articles do not have, and so does not stand in the columns. They stand in
// pointer-free blocks by number, the rows of their articles in an arena.
type stories struct {
	blocks atomic.Pointer[[]*storyBlock]
	ids    hashTable  // StoryID → storyNum
	rows   arena[row] // of each story, in order of arrival

	// The writer's.
	last   storyNum // given
	living []int    // stories with rows, in each block
	stale  []uint64 // places in rows that a reader may hold
}

// storyNum numbers a story of several articles on this node; 0 is a story that
// is its article.
type storyNum = uint32

const (
	storyBits   = 10
	storyBlocks = 1 << storyBits // stories in a block
)

type storyBlock [storyBlocks]storyRecord

// storyRecord is what is known of a story.
type storyRecord struct {
	id      StoryID
	members atomic.Uint64 // place of the first row in the arena (40 bits), and how many
	into    atomic.Uint64 // the story that took it over, and at which edition (high 32 bits); 0: none did
	next    atomic.Uint32 // the next of those that are one story with it; 0: the last
	news    atomic.Int64  // when it last told news after its first, ms; 0: it did not
	covered bool          // its rows are in the list of that name; the writer's
}

const memberBits = 24 // of how many

func unpackMembers(w uint64) (at uint64, n int) { return w >> memberBits, int(w & (1<<memberBits - 1)) }

// record returns what is known of a story; nil when it was let go.
func (s *stories) record(n storyNum) *storyRecord {
	b := load(&s.blocks)[n>>storyBits]
	if b == nil {
		return nil
	}
	return &b[n%storyBlocks]
}

// id returns the id of a story.
func (s *stories) id(n storyNum) StoryID { return s.record(n).id }

// lookup returns a story's number, 0 when it is not known to have several articles.
func (s *stories) lookup(id StoryID) storyNum {
	n, _ := s.ids.find(hashStory(id), s.is(id))
	return n
}

// number returns a story's number, giving it one when it has none. The writer's.
func (s *stories) number(id StoryID) storyNum {
	if n := s.lookup(id); n != 0 {
		return n
	}
	s.last++
	blocks := load(&s.blocks)
	if int(s.last>>storyBits) >= len(blocks) {
		blocks = append(blocks, new(storyBlock))
		s.living = append(s.living, 0)
		s.blocks.Store(&blocks)
	}
	s.record(s.last).id = id
	s.living[s.last>>storyBits]++
	s.ids.set(hashStory(id), s.last, s.is(id), s.hashOf)
	return s.last
}

func (s *stories) is(id StoryID) func(storyNum) bool {
	return func(n storyNum) bool { r := s.record(n); return r != nil && r.id == id }
}

func (s *stories) hashOf(n storyNum) uint64 { return hashStory(s.id(n)) }

// hashStory mixes what is random already: a warming index numbers stories in the order
// of their ids, and the table would fill from one end.
func hashStory(id StoryID) uint64 { return binary.BigEndian.Uint64(id[:8]) * 0x9e3779b97f4a7c15 }

// members returns the rows of a story of several articles, all versions. Not to
// be changed.
func (s *stories) members(n storyNum) []row {
	if n == 0 {
		return nil
	}
	at, count := unpackMembers(s.record(n).members.Load())
	if count == 0 {
		return nil
	}
	return load(&s.rows.segments)[at>>segmentBits][at%segmentSize:][:count:count]
}

// add makes rows members. There is room for a power of two: a full one is copied,
// else what comes is written behind what readers see. The writer's.
func (s *stories) add(n storyNum, more ...row) {
	r := s.record(n)
	at, have := unpackMembers(r.members.Load())
	old := s.members(n)
	if need := have + len(more); have == 0 || need > roomFor(have) {
		if have > 0 {
			s.stale = append(s.stale, at)
		}
		var rows []row
		at, rows = s.rows.room(roomFor(need))
		copy(rows, old)
	}
	rows := load(&s.rows.segments)[at>>segmentBits][at%segmentSize:]
	copy(rows[have:], more)
	r.members.Store(at<<memberBits | uint64(have+len(more)))
}

func roomFor(n int) int { return max(2, 1<<bits.Len(uint(n-1))) }

// remove takes dead rows out, and returns the story when it has no others, with all
// that are one with it: forget then ends them. The writer's.
func (s *stories) remove(n storyNum, dead func(row) bool) (gone []storyNum) {
	r := s.record(n)
	at, have := unpackMembers(r.members.Load())
	left := slices.DeleteFunc(slices.Clone(s.members(n)), dead)
	if len(left) == have {
		return nil
	}
	r.members.Store(0)
	if have > 0 {
		s.stale = append(s.stale, at)
	}
	if len(left) > 0 {
		s.add(n, left...)
		return nil
	}
	if !s.lastRow(n) {
		return nil // what it was merged with is found by it
	}
	for part := range s.all(n) {
		s.living[part>>storyBits]--
		gone = append(gone, part)
	}
	return gone
}

// forget makes stories that are gone found no more. The writer's.
func (s *stories) forget(gone map[storyNum]bool) {
	if len(gone) > 0 {
		s.ids.keep(func(n storyNum) bool { return !gone[n] }, s.hashOf)
	}
}

// bytes is what the stories take.
func (s *stories) bytes() int {
	n := s.ids.bytes()
	for _, b := range load(&s.blocks) {
		if b != nil {
			n += int(unsafe.Sizeof(*b))
		}
	}
	for _, segment := range load(&s.rows.segments) {
		n += len(segment) * int(unsafe.Sizeof(row(0)))
	}
	return n
}

// letGo returns what lets go of the room that nothing names any more: to be called
// when no reader holds it. The writer's.
func (s *stories) letGo() func() {
	stale := s.stale
	s.stale = nil
	return func() {
		for _, at := range stale {
			s.rows.drop(at)
		}
		blocks := slices.Clone(load(&s.blocks))
		for i := range blocks {
			if s.living[i] == 0 && storyNum(i) < s.last>>storyBits {
				blocks[i] = nil
			}
		}
		s.blocks.Store(&blocks)
	}
}

// tell notes that a story told news, which is never taken back.
func (r *storyRecord) tell(news time.Time) {
	if !news.IsZero() {
		r.news.Store(max(r.news.Load(), news.UnixMilli()))
	}
}
