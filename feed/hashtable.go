package feed

import (
	"math/bits"
	"sync/atomic"
)

// hashTable finds the number of a thing by the thing's hash: open addressing with
// linear probing over numbers alone; what they number is kept elsewhere and is
// asked for. One writer, lock-free readers, nothing for the garbage collector to
// look at: a slot, once taken, always belongs to the same thing.
type hashTable struct {
	slots atomic.Pointer[[]atomic.Uint32] // number + 1; 0 is free
	used  int
}

// A table is at most loadMost/loadOf full. With linear probing a look for what is
// not there then takes 8.5 slots on average (Knuth 6.4), what is there 2.5.
const (
	loadMost, loadOf = 3, 4
	leastSlots       = 16
)

// slotOf maps a hash evenly to n slots, whatever n is.
func slotOf(hash uint64, n int) int {
	hi, _ := bits.Mul64(hash, uint64(n))
	return int(hi)
}

// find returns the number for which is reports true, of those with a hash.
func (t *hashTable) find(hash uint64, is func(n uint32) bool) (uint32, bool) {
	slots := load(&t.slots)
	if len(slots) == 0 {
		return 0, false
	}
	for i := slotOf(hash, len(slots)); ; {
		s := slots[i].Load()
		if s == 0 {
			return 0, false
		}
		if is(s - 1) {
			return s - 1, true
		}
		if i++; i == len(slots) {
			i = 0
		}
	}
}

// set stores a number in the place of the one for which is reports true, or in a
// free one. hashOf tells the hash of any number in the table. The writer's.
func (t *hashTable) set(hash uint64, n uint32, is func(uint32) bool, hashOf func(uint32) uint64) {
	slots := load(&t.slots)
	if loadOf*(t.used+1) > loadMost*len(slots) {
		size := len(slots) + len(slots)/3 // small steps: half the table empty is a third of an article's id
		t.rebuild(max(size, leastSlots), func(uint32) bool { return true }, hashOf)
		slots = load(&t.slots)
	}
	for i := slotOf(hash, len(slots)); ; {
		s := slots[i].Load()
		if s == 0 {
			t.used++
		}
		if s == 0 || is(s-1) {
			slots[i].Store(n + 1)
			return
		}
		if i++; i == len(slots) {
			i = 0
		}
	}
}

// rebuild publishes a table of a size with those numbers that are to stay.
func (t *hashTable) rebuild(size int, stays func(uint32) bool, hashOf func(uint32) uint64) {
	old := load(&t.slots)
	slots := make([]atomic.Uint32, size)
	t.used = 0
	for i := range old {
		s := old[i].Load()
		if s == 0 || !stays(s-1) {
			continue
		}
		j := slotOf(hashOf(s-1), size)
		for slots[j].Load() != 0 {
			if j++; j == size {
				j = 0
			}
		}
		slots[j].Store(s)
		t.used++
	}
	t.slots.Store(&slots)
}

// keep rebuilds the table with those numbers that are to stay.
func (t *hashTable) keep(stays func(uint32) bool, hashOf func(uint32) uint64) {
	if size := len(load(&t.slots)); size > 0 {
		t.rebuild(size, stays, hashOf)
	}
}

// bytes is what the table takes.
func (t *hashTable) bytes() int { return 4 * len(load(&t.slots)) }
