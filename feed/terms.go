package feed

// termTable counts how many stories of the window use each term, and lists them
// for those terms that are rare enough to lead to a story. It holds no pointers
// but a handful. Not safe for concurrent use.
type termTable struct {
	slots map[uint64]uint32 // by the term's hash; of a key by its own, which is above 1<<32
	terms []termRecord
	free  []uint32 // slots
	slab  *slab
}

// termRecord is a term of the window.
type termRecord struct {
	key   uint64
	list  list   // of the stories that use it, if it leads
	uses  uint32 // by articles: the slot is needed while there are some
	count uint32 // stories that use it
	prior float32
	base  int32 // rarityOf(count + prior + 1)
	leads bool
}

// A term that more documents use than this does not lead to stories.
const leadingShare = 1.0 / 64

// keyTerm marks what is no word but a key, by which articles meet for certain.
const (
	keyTerm = 1 << 63
	textKey = 1 << 62 // the key of a text, not of an external id
)

// slot returns a term's slot, which it is given when it has none.
func (t *termTable) slot(key uint64) uint32 {
	if n, ok := t.slots[key]; ok {
		return n
	}
	var n uint32
	if len(t.free) > 0 {
		n, t.free = t.free[len(t.free)-1], t.free[:len(t.free)-1]
	} else {
		n = uint32(len(t.terms))
		t.terms = append(t.terms, termRecord{})
	}
	r := termRecord{key: key, leads: true}
	if key&keyTerm == 0 {
		share := englishShare(uint32(key))
		r.prior, r.leads = float32(priorStories*share), share < leadingShare
	}
	r.base = rarityOf(float64(r.prior) + 1)
	t.terms[n] = r
	t.slots[key] = n
	return n
}

// use counts a use of a term by an article, or by minus one takes it back; a slot
// that nobody uses is free.
func (t *termTable) use(slot uint32, by int) {
	r := &t.terms[slot]
	if r.uses += uint32(by); r.uses == 0 {
		delete(t.slots, r.key)
		t.free = append(t.free, slot)
	}
}

// enter makes a story one that uses a term.
func (t *termTable) enter(slot, story uint32) {
	r := &t.terms[slot]
	r.count++
	r.base = rarityOf(float64(r.count) + float64(r.prior) + 1)
	if r.leads {
		r.list.push(t.slab, story)
	}
}

// leave takes it back.
func (t *termTable) leave(slot, story uint32) {
	r := &t.terms[slot]
	r.count--
	r.base = rarityOf(float64(r.count) + float64(r.prior) + 1)
	if r.leads {
		r.list.drop(t.slab, story)
	}
}

// weight returns the weight of a term; all is rarityOf(N + K).
func (t *termTable) weight(slot uint32, all int32) int64 {
	return int64(max(all-t.terms[slot].base, weightUnit/16))
}
