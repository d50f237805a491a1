package feed

import (
	"encoding/binary"
	"sync/atomic"
)

// idTable finds the newest row of an article: open addressing with linear
// probing over row numbers, the ids themselves being in the card arena. Ids are
// SHA-1 based, so their first bytes serve as hash. One writer, lock-free
// readers: a slot, once taken, always belongs to the same article.
type idTable struct {
	slots atomic.Pointer[[]atomic.Uint32] // row + 1; 0 is free
	used  int
}

// find returns the newest row of an article; ok is false when it has none. The
// view is loaded by the call, after the slot, so that it holds the row.
func (t *idTable) find(id ArticleID, load func() view) (row, view, bool) {
	slots := t.slots.Load()
	v := load()
	if slots == nil {
		return 0, v, false
	}
	for i := hashID(id); ; i++ {
		s := (*slots)[i&uint64(len(*slots)-1)].Load()
		if s == 0 {
			return 0, v, false
		}
		if int((s-1)>>blockBits) >= len(v.blocks) {
			v = load() // the row is newer than the view
		}
		if r := s - 1; v.blocks[r>>blockBits] != nil && v.id(r) == id {
			return r, v, true
		}
	}
}

// set makes a row its article's newest. Only the writer calls it.
func (t *idTable) set(v *view, id ArticleID, r row) {
	slots := t.slots.Load()
	if slots == nil || 2*(t.used+1) > len(*slots) {
		slots = t.grow(v, slots)
	}
	i := hashID(id)
	for ; ; i++ {
		s := (*slots)[i&uint64(len(*slots)-1)].Load()
		if s == 0 {
			t.used++
			break
		}
		if v.id(s-1) == id {
			break
		}
	}
	(*slots)[i&uint64(len(*slots)-1)].Store(r + 1)
}

// grow publishes a table of twice the size.
func (t *idTable) grow(v *view, old *[]atomic.Uint32) *[]atomic.Uint32 {
	size := 1024
	if old != nil {
		size = 2 * len(*old)
	}
	return t.rebuild(v, old, size, func(row) bool { return true })
}

// rebuild publishes a table with the rows of another that are to stay.
func (t *idTable) rebuild(v *view, old *[]atomic.Uint32, size int, stays func(row) bool) *[]atomic.Uint32 {
	slots := make([]atomic.Uint32, size)
	t.used = 0
	if old != nil {
		for i := range *old {
			s := (*old)[i].Load()
			if s == 0 || !stays(s-1) {
				continue
			}
			j := hashID(v.id(s - 1))
			for slots[j&uint64(size-1)].Load() != 0 {
				j++
			}
			slots[j&uint64(size-1)].Store(s)
			t.used++
		}
	}
	t.slots.Store(&slots)
	return &slots
}

func hashID(id ArticleID) uint64 { return binary.LittleEndian.Uint64(id[:8]) }
