package feed

import "sync/atomic"

// An arena holds what is of no fixed size: segments that one writer fills and
// readers read. A segment none of whose records is needed any more is let go, and
// its number is given to another.
type arena[T any] struct {
	segments atomic.Pointer[[][]T]

	// The writer's.
	live []int // records in each segment that are needed
	last int   // the segment being filled
	end  int   // how far it is
	free []int // segments that were let go
}

const (
	segmentBits = 20
	segmentSize = 1 << segmentBits
)

// room returns a place for n values, side by side in one segment, to be filled
// before the place is published. A record beyond a segment's size gets a segment
// as large as it is.
func (a *arena[T]) room(n int) (at uint64, values []T) {
	segments := load(&a.segments)
	if len(segments) == 0 || a.end+n > len(segments[a.last]) {
		size := segmentSize >> max(0, 8-len(segments)) // the first are small, for small corpora
		segments = a.begin(segments, make([]T, max(size, n)))
	}
	at = uint64(a.last)<<segmentBits | uint64(a.end)
	values = segments[a.last][a.end : a.end+n]
	a.end += n
	a.live[a.last]++
	return at, values
}

// begin publishes a segment to be filled.
func (a *arena[T]) begin(segments [][]T, segment []T) [][]T {
	full := a.last
	if n := len(a.free); n > 0 {
		a.last, a.free = a.free[n-1], a.free[:n-1]
		segments = append([][]T(nil), segments...)
		segments[a.last] = segment
	} else {
		a.last = len(segments)
		segments, a.live = append(segments, segment), append(a.live, 0)
	}
	a.end = 0
	a.segments.Store(&segments)
	if full != a.last && a.live[full] == 0 {
		a.letGo(full)
		segments = load(&a.segments)
	}
	return segments
}

// drop says that the record at a place is needed no more. Readers that hold its
// segment keep it; none may come to it later.
func (a *arena[T]) drop(at uint64) {
	s := int(at >> segmentBits)
	if a.live[s]--; a.live[s] == 0 && s != a.last {
		a.letGo(s)
	}
}

func (a *arena[T]) letGo(s int) {
	segments := append([][]T(nil), load(&a.segments)...)
	segments[s] = nil
	a.segments.Store(&segments)
	a.free = append(a.free, s)
}

func load[T any](p *atomic.Pointer[[]T]) []T {
	if v := p.Load(); v != nil {
		return *v
	}
	return nil
}
