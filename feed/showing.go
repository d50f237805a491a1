package feed

import (
	"encoding/binary"
	"slices"
	"strconv"
)

// A page is made in two steps. First it is found out what it shows: which articles,
// and what their cards say to this person and to nobody else. Then it is written:
// cards were encoded when their articles entered the index, and what is the
// person's own goes between them. What was found out takes 10 to 20 bytes a card
// and can be kept, see kept.go; then only the second step is left.

// showing is what cards show to a person, in the order in which they stand.
//
// Of each card rows holds the row (4 bytes), and text flags, how many topics matched,
// and for each where in names its id stands (4 bytes); if its story goes by another
// id now than when the card was encoded, that (16 bytes); if it has other articles
// beside it, then how many (4 bytes), how many of their sources are named, and for
// each where its name stands (4 bytes). Numbers are little-endian. names holds ids
// and names as JSON, each after its length (2 bytes).
type showing struct {
	rows  []byte
	text  []byte
	names []byte
	cards int

	whys   []byte // receipts, side by side
	whyEnd []int  // where each ends; empty: none are asked for
}

// Flags of a card.
const (
	cardRead = 1 << iota
	cardSaved
	cardMarked  // says which marks there are
	cardOthers  // other articles of the story stand behind it
	cardRenamed // its story was merged into one with an older id
	cardUpdated // its story told news since it was read
)

// named remembers where in names the texts stand that a page names already: a topic's
// id at twice its number, a source's name behind it.
type named struct {
	at  []uint32 // 1 + where; 0: nowhere
	set []uint32 // which are not 0
}

func (n *named) reset() {
	for _, i := range n.set {
		n.at[i] = 0
	}
	n.set = n.set[:0]
}

// find returns where 1 + the place of a text stands, or is to be put.
func (n *named) find(t topicNum, isSource bool) *uint32 {
	i := uint32(t)<<1 | uint32(bit(isSource))
	if int(i) >= len(n.at) {
		n.at = append(n.at, make([]uint32, int(i)+1024-len(n.at))...)
	}
	if n.at[i] == 0 {
		n.set = append(n.set, i)
	}
	return &n.at[i]
}

func (s *showing) reset() {
	s.rows, s.text, s.names, s.cards = s.rows[:0], s.text[:0], s.names[:0], 0
	s.whys, s.whyEnd = s.whys[:0], s.whyEnd[:0]
}

// name adds where in names a topic's id, or a source's name, stands.
func (w *walker) name(n topicNum, isSource bool) {
	s := &w.page.showing
	at := w.named.find(n, isSource)
	if *at == 0 {
		*at = 1 + uint32(len(s.names))
		s.names = append(s.names, 0, 0)
		from := len(s.names)
		s.names = w.appendName(s.names, n, isSource)
		binary.LittleEndian.PutUint16(s.names[from-2:], uint16(len(s.names)-from))
	}
	s.text = binary.LittleEndian.AppendUint32(s.text, *at-1)
}

func (w *walker) appendName(dst []byte, n topicNum, isSource bool) []byte {
	if !isSource {
		return append(dst, w.c.topics.quoted(w.c.list(n))...)
	}
	if name, ok := w.c.topics.sourceName(w.c.list(n)); ok {
		return append(dst, name...)
	}
	return append(dst, `""`...)
}

// show adds the card of a row to what the page shows. On the must-know shelf no
// topic is matched.
func (w *walker) show(story storyNum, r row, matches bool) {
	s := &w.page.showing
	s.cards++
	flags := w.marksOf(r)
	name, renamed := w.renamed(r)
	if renamed {
		flags |= cardRenamed
	}
	s.rows = binary.LittleEndian.AppendUint32(s.rows, r)
	s.text = append(s.text, flags, 0)
	head := len(s.text)
	if matches {
		tags := w.m.view.tagsOf(r)
		for i := range tags.n { // at most 255
			if n := tags.at(i).topic(); w.m.standing(n).matched() {
				w.name(n, false)
			}
		}
	}
	s.text[head-1] = byte((len(s.text) - head) / 4)
	if renamed {
		s.text = append(s.text, name[:]...)
	}
	if w.others(story, r) {
		s.text[head-2] |= cardOthers
	}
}

// marksOf returns the flags of the person's marks on a row's story.
func (w *walker) marksOf(r row) (flags byte) {
	if !w.q.Person.Known {
		return 0
	}
	flags = cardMarked
	if w.q.Marks != nil && len(w.q.Marks.Stories) > 0 {
		marks, updated := w.c.marksOf(w.q.Marks, &w.m.view, r)
		flags |= byte(bit(marks.Read.Value)*cardRead | bit(marks.Saved.Value)*cardSaved | bit(updated)*cardUpdated)
	}
	return flags
}

// others adds how many other articles of the story there are for the person, and
// from whom, if there are any.
func (w *walker) others(story storyNum, shown row) bool {
	v := &w.m.view
	articles, sources := 0, w.seen[:0]
	for _, r := range w.membersOf(story) {
		if r == shown || !v.alive(r, w.m.edition) || !w.policy.allows(v, r) {
			continue
		}
		articles++
		if s := v.source(r); len(sources) < maxSources && !slices.Contains(sources, s) {
			sources = append(sources, s)
		}
	}
	w.seen = sources[:0]
	if articles == 0 {
		return false
	}
	s := &w.page.showing
	s.text = append(binary.LittleEndian.AppendUint32(s.text, uint32(articles)), byte(len(sources)))
	for _, n := range sources {
		w.name(n, true)
	}
	return true
}

// why adds the receipt of the card that was added last.
func (w *walker) why(terms []Term) {
	s := &w.page.showing
	s.whys = appendReceipt(s.whys, terms)
	s.whyEnd = append(s.whyEnd, len(s.whys))
}

// writer writes what is shown.
type writer struct {
	*showing
	view  *view
	at    int      // in text
	card  int      // the next
	found [][]byte // the encoded cards
}

// find looks up the encoded cards, all before the first is copied: most are in no
// cache, and like this many of them are on their way from memory at a time. (To
// read a byte of each of their lines here made a page slower, 8 µs for 5 µs.)
func (p *writer) find(room [][]byte) {
	room = room[:0]
	for i := range p.cards {
		room = append(room, p.view.cardOf(binary.LittleEndian.Uint32(p.rows[4*i:])))
	}
	p.found = room
}

// write writes the next n cards.
func (p *writer) write(dst []byte, n int) []byte {
	for i := range n {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = p.next(dst)
	}
	return dst
}

// next writes a card: the part that is the same for everybody, then what is the
// person's.
func (p *writer) next(dst []byte) []byte {
	dst = append(dst, p.found[p.card]...)
	text := p.text[p.at:]
	flags, matched := text[0], int(text[1])
	topics, rest := text[2:2+4*matched], text[2+4*matched:]
	if flags&cardRenamed != 0 {
		rename(dst[len(dst)-len(p.found[p.card]):], StoryID(rest[:16]))
		rest = rest[16:]
	}
	if flags&cardOthers == 0 {
		dst = append(dst, `,"also":{"articles":0,"sources":[]},"matched":[`...)
	} else {
		dst, rest = p.also(dst, rest)
	}
	dst = p.appendNames(dst, topics)
	p.at = len(p.text) - len(rest)
	dst = append(dst, ']')
	if flags&cardUpdated != 0 {
		dst = append(dst, `,"updated":true`...)
	}
	if flags&cardMarked != 0 {
		dst = append(dst, markTexts[flags&(cardRead|cardSaved)]...)
	}
	if len(p.whyEnd) > 0 {
		from := 0
		if p.card > 0 {
			from = p.whyEnd[p.card-1]
		}
		dst = append(append(dst, `,"why":`...), p.whys[from:p.whyEnd[p.card]]...)
	}
	p.card++
	return append(dst, '}')
}

// markTexts are the marks on a card, by flags.
var markTexts = [...]string{
	0:                    `,"mark":{"read":false,"saved":false}`,
	cardRead:             `,"mark":{"read":true,"saved":false}`,
	cardSaved:            `,"mark":{"read":false,"saved":true}`,
	cardRead | cardSaved: `,"mark":{"read":true,"saved":true}`,
}

// also writes how many other articles stand behind a card, and whose.
func (p *writer) also(dst, text []byte) (out, rest []byte) {
	dst = append(dst, `,"also":{"articles":`...)
	dst = strconv.AppendUint(dst, uint64(binary.LittleEndian.Uint32(text)), 10)
	dst = append(dst, `,"sources":[`...)
	n := int(text[4])
	text = text[5:]
	dst = p.appendNames(dst, text[:4*n])
	return append(dst, `]},"matched":[`...), text[4*n:]
}

// appendNames writes the names that stand at some places.
func (p *writer) appendNames(dst, places []byte) []byte {
	for i := 0; i < len(places); i += 4 {
		if i > 0 {
			dst = append(dst, ',')
		}
		name := p.names[binary.LittleEndian.Uint32(places[i:]):]
		dst = append(dst, name[2:2+binary.LittleEndian.Uint16(name)]...)
	}
	return dst
}
