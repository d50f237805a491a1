package feed

import "math/bits"

// slab lends runs of 32-bit words out of large pieces that hold no pointer, so
// that a million small lists cost the garbage collector nothing. A run has room
// for a power of two of words and is given back by whoever took it. Place 0 is
// no run. Not safe for concurrent use.
type slab struct {
	pieces [][]uint32
	end    int                         // of the last piece
	free   [slabPieceBits + 1][]uint32 // places given back, by the power of two of their room
}

const (
	slabPieceBits = 18 // a run has at most so many words
	slabPiece     = 1 << slabPieceBits
	slabSmallest  = 2 // log2 of the smallest room
)

// roomOf returns the power of two of the room that n words need.
func roomOf(n int) int { return max(bits.Len(uint(n-1)), slabSmallest) }

// take lends a run with room for n words, which hold anything; of none, place 0.
func (s *slab) take(n int) (at uint32) {
	if n == 0 {
		return 0
	}
	room := roomOf(n)
	if free := s.free[room]; len(free) > 0 {
		at, s.free[room] = free[len(free)-1], free[:len(free)-1]
		return at
	}
	if len(s.pieces) == 0 || s.end+1<<room > slabPiece {
		s.pieces = append(s.pieces, make([]uint32, slabPiece))
		s.end = 0
		if len(s.pieces) == 1 {
			s.end = 1 << slabSmallest // place 0 is none
		}
		if room == slabPieceBits && s.end > 0 {
			s.pieces, s.end = append(s.pieces, make([]uint32, slabPiece)), 0
		}
	}
	at = uint32((len(s.pieces)-1)<<slabPieceBits | s.end)
	s.end += 1 << room
	return at
}

// give takes a run for n words back.
func (s *slab) give(at uint32, n int) {
	if at != 0 {
		s.free[roomOf(n)] = append(s.free[roomOf(n)], at)
	}
}

// run returns n words at a place.
func (s *slab) run(at uint32, n int) []uint32 {
	if n == 0 {
		return nil
	}
	return s.pieces[at>>slabPieceBits][at&(slabPiece-1):][:n]
}

// list is a run that grows and shrinks by one word at a time.
type list struct {
	at uint32
	n  uint32
}

func (l *list) words(s *slab) []uint32 { return s.run(l.at, int(l.n)) }

func (l *list) push(s *slab, word uint32) {
	if l.at == 0 {
		l.at = s.take(1)
	} else if n := int(l.n); n+1 > 1<<roomOf(max(n, 1)) {
		at := s.take(n + 1)
		copy(s.run(at, n), s.run(l.at, n))
		s.give(l.at, n)
		l.at = at
	}
	l.n++
	s.run(l.at, int(l.n))[l.n-1] = word
}

// drop takes a word out, wherever it stands; the last takes its place.
func (l *list) drop(s *slab, word uint32) {
	words := l.words(s)
	for i, w := range words {
		if w != word {
			continue
		}
		words[i] = words[l.n-1]
		switch n := int(l.n) - 1; {
		case n == 0:
			s.give(l.at, 1)
			l.at = 0
		case roomOf(n) < roomOf(n+1):
			at := s.take(n)
			copy(s.run(at, n), words)
			s.give(l.at, n+1)
			l.at = at
		}
		l.n--
		return
	}
}
