package feed

import (
	"encoding/binary"
	"sync/atomic"

	"github.com/cespare/xxhash/v2"

	"newsfeed/interests/topic"
)

// topics finds the number of a topic by its id, and holds the ids and the names of
// sources as JSON. One writer, lock-free readers; all of it is in a few large pieces
// without a pointer, so that twenty thousand topics cost the garbage collector
// nothing. What belongs to one topic is in its posting list.
type topics struct {
	numbers hashTable // topic.ID → topicNum
	texts   arena[byte]

	spare []postings // lists that are not given out yet; the writer's
}

const (
	textHead  = 2   // a text's length stands before it
	spareList = 256 // lists are made so many at a time
)

// list returns a new topic's list. The writer's.
func (t *topics) list(id topic.ID) *postings {
	if len(t.spare) == 0 {
		t.spare = make([]postings, spareList)
	}
	p := &t.spare[0]
	t.spare = t.spare[1:]
	p.id = t.put(`"` + string(id) + `"`) // letters, digits and hyphens
	return p
}

// numbered makes a topic found, whose list stands at its number. The writer's.
func (t *topics) numbered(lists []*postings, id topic.ID, n topicNum) {
	t.numbers.set(hashTopic(id), uint32(n), func(n uint32) bool { return t.is(lists[n], id) },
		func(n uint32) uint64 { return hashTopic(t.id(lists[n])) })
}

// lookup returns the number of a topic.
func (t *topics) lookup(all *atomic.Pointer[[]*postings], id topic.ID) (topicNum, bool) {
	var lists []*postings
	n, ok := t.numbers.find(hashTopic(id), func(n uint32) bool {
		if int(n) >= len(lists) {
			lists = load(all) // the first, or a topic that came since
		}
		return t.is(lists[n], id)
	})
	return topicNum(n), ok
}

func hashTopic(id topic.ID) uint64 { return xxhash.Sum64String(string(id)) }

func (t *topics) is(p *postings, id topic.ID) bool {
	q := t.quoted(p)
	return string(q[1:len(q)-1]) == string(id)
}

// id returns the id of a list's topic.
func (t *topics) id(p *postings) topic.ID {
	q := t.quoted(p)
	return topic.ID(q[1 : len(q)-1])
}

// quoted returns the id of a list's topic as JSON. Not to be changed.
func (t *topics) quoted(p *postings) []byte { return t.text(p.id) }

// sourceName returns the name, as JSON, of the source whose topic it is. Not to be
// changed.
func (t *topics) sourceName(p *postings) (name []byte, ok bool) {
	if at := p.name.Load(); at != 0 {
		return t.text(at), true
	}
	return nil, false
}

// nameSource makes a text the name of a topic's source. An earlier one stays, for
// those who read it. The writer's.
func (t *topics) nameSource(p *postings, name []byte) { p.name.Store(t.put(string(name))) }

func (t *topics) put(text string) (at uint32) {
	place, b := t.texts.room(textHead + len(text))
	binary.LittleEndian.PutUint16(b, uint16(len(text)))
	copy(b[textHead:], text)
	return uint32(place)
}

func (t *topics) text(at uint32) []byte {
	b := load(&t.texts.segments)[at>>segmentBits][at%segmentSize:]
	return b[textHead:][:binary.LittleEndian.Uint16(b)]
}
