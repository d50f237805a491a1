package feed

import "encoding/binary"

// idTable finds the newest row of an article; the ids themselves are in the card
// arena. Ids are SHA-1 based, so their first bytes serve as hash. One writer,
// lock-free readers.
type idTable struct{ rows hashTable }

// find returns the newest row of an article; ok is false when it has none. The
// view is loaded by the call, after the slot, so that it holds the row.
func (t *idTable) find(id ArticleID, load func() view) (row, view, bool) {
	var v view
	r, ok := t.rows.find(hashID(id), func(r row) bool {
		if int(r>>blockBits) >= len(v.blocks) {
			v = load() // the first, or a row that is newer than the view
		}
		return v.blocks[r>>blockBits] != nil && v.id(r) == id
	})
	if !ok {
		return 0, load(), false
	}
	return r, v, true
}

// set makes a row its article's newest. Only the writer calls it.
func (t *idTable) set(v *view, id ArticleID, r row) {
	t.rows.set(hashID(id), r, func(r row) bool { return v.id(r) == id }, rowHash(v))
}

// keep drops the rows that are not to stay. Only the writer calls it.
func (t *idTable) keep(v *view, stays func(row) bool) { t.rows.keep(stays, rowHash(v)) }

func rowHash(v *view) func(row) uint64 { return func(r row) uint64 { return hashID(v.id(r)) } }

func hashID(id ArticleID) uint64 { return binary.BigEndian.Uint64(id[:8]) }
