package feed

// placeTable finds the place of a story that was judged already: open addressing,
// with room for the stories of a chunk. Beyond that it forgets all. The zero table
// is empty.
type placeTable struct {
	slots  [1 << placeBits]uint16 // 1 + index in places; 0: free
	places []place
}

const (
	placeBits = 10
	maxPlaces = 1 << placeBits / 4 * 3
)

func (t *placeTable) reset() {
	clear(t.slots[:])
	t.places = t.places[:0]
}

// find returns a story's place, and whether it is known: else it is to be filled. It
// holds until the next find.
func (t *placeTable) find(n storyNum) (p *place, known bool) {
	if len(t.places) == maxPlaces {
		t.reset()
	}
	i := n * 2654435769 >> (32 - placeBits) // Fibonacci hashing (Knuth 6.4)
	for ; t.slots[i] != 0; i = (i + 1) % uint32(len(t.slots)) {
		if p := &t.places[t.slots[i]-1]; p.story == n {
			return p, true
		}
	}
	t.places = append(t.places, place{story: n})
	t.slots[i] = uint16(len(t.places))
	return &t.places[len(t.places)-1], false
}
