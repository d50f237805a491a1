package feed

import (
	"encoding/binary"
	"slices"
	"strconv"

	"newsfeed/interests/topic"
)

// A page is made in two steps. First it is found out what it shows: which articles,
// and what their cards say to this person and to nobody else. Then it is written:
// cards were encoded when their articles entered the index, and what is the
// person's own goes between them. What was found out takes 10 to 20 bytes a card
// and can be kept, see kept.go; then only the second step is left.

// showing is what cards show to a person, in the order in which they stand.
//
// Of each card text holds the row (4 bytes), flags, how many topics matched, and
// for each where in names its id stands (2 bytes); if it has other articles beside
// it, then how many (4 bytes), how many of their sources are named, and for each
// its topic (4 bytes). Numbers are little-endian. names holds the matched topics'
// ids, each after its length.
type showing struct {
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
	cardMarked // says which marks there are
	cardOthers // other articles of the story stand behind it
)

// named is a topic whose id is in names.
type named struct {
	topic topicNum
	at    uint16
}

func (s *showing) reset() {
	s.text, s.names, s.cards = s.text[:0], s.names[:0], 0
	s.whys, s.whyEnd = s.whys[:0], s.whyEnd[:0]
}

// name returns where in names a topic's id stands. known are those that do.
func (s *showing) name(known []named, n topicNum, ids []topic.ID) (uint16, []named) {
	for _, k := range known {
		if k.topic == n {
			return k.at, known
		}
	}
	at := uint16(len(s.names)) // at most 500 followed topics of 64 bytes
	id := ids[n]
	s.names = append(append(s.names, byte(len(id))), id...)
	return at, append(known, named{n, at})
}

// show adds the card of a row to what the page shows. On the must-know shelf no
// topic is matched.
func (w *walker) show(story storyNum, r row, matches bool) {
	s := &w.page.showing
	s.cards++
	flags := w.marksOf(r)
	s.text = append(binary.LittleEndian.AppendUint32(s.text, r), flags, 0)
	head := len(s.text)
	if matches {
		ids := load(&w.c.topicIDs)
		for t := range w.m.view.tagsOf(r).all() { // at most 255
			if w.m.standing(t.topic()).matched() {
				var at uint16
				at, w.named = s.name(w.named, t.topic(), ids)
				s.text = binary.LittleEndian.AppendUint16(s.text, at)
			}
		}
	}
	s.text[head-1] = byte((len(s.text) - head) / 2)
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
		marks := w.q.Marks.Stories[w.c.storyID(&w.m.view, r)]
		flags |= byte(bit(marks.Read.Value)*cardRead | bit(marks.Saved.Value)*cardSaved)
	}
	return flags
}

// others adds how many other articles of the story there are for the person, and
// from whom, if there are any.
func (w *walker) others(story storyNum, shown row) bool {
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
	w.seen = sources[:0]
	if articles == 0 {
		return false
	}
	s := &w.page.showing
	s.text = append(binary.LittleEndian.AppendUint32(s.text, uint32(articles)), byte(len(sources)))
	for _, n := range sources {
		s.text = binary.LittleEndian.AppendUint32(s.text, uint32(n))
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
	c    *corpus
	view *view
	at   int // in text
	card int
}

// cards writes the next n cards.
func (p *writer) cards(dst []byte, n int) []byte {
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
	text := p.text[p.at:]
	flags, matched := text[4], int(text[5])
	dst = append(dst, p.view.cardOf(binary.LittleEndian.Uint32(text))...)
	topics, rest := text[6:6+2*matched], text[6+2*matched:]
	if flags&cardOthers == 0 {
		dst = append(dst, `,"also":{"articles":0,"sources":[]},"matched":[`...)
	} else {
		dst, rest = p.also(dst, rest)
	}
	for i := 0; i < len(topics); i += 2 {
		if i > 0 {
			dst = append(dst, ',')
		}
		at := int(binary.LittleEndian.Uint16(topics[i:]))
		n := int(p.names[at])
		dst = append(append(append(dst, '"'), p.names[at+1:at+1+n]...), '"') // letters, digits and hyphens
	}
	p.at = len(p.text) - len(rest)
	dst = append(dst, ']')
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
	for i := range n {
		if i > 0 {
			dst = append(dst, ',')
		}
		if name, ok := p.c.sourceNames.Load(topicNum(binary.LittleEndian.Uint32(text[4*i:]))); ok {
			dst = append(dst, name.([]byte)...)
		}
	}
	return append(dst, `]},"matched":[`...), text[4*n:]
}
