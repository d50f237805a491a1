package feed

import (
	"math/rand/v2"
	"testing"
)

// The table finds what was put under a story, and nothing of another, also when more
// stories come than it holds: then it may forget, but never mistakes.
func TestPlaceTableIsAMap(t *testing.T) {
	t.Logf("-oracle.seed %d", *oracleSeed)
	for i := range 50 {
		r := rand.New(rand.NewPCG(*oracleSeed+8, uint64(i)))
		var table placeTable
		put, stories := map[storyNum]int64{}, uint32(1+r.IntN(2*maxPlaces))
		for n := range 3000 {
			story := 1 + r.Uint32N(stories)*4096 // far apart: a bad hash has them all meet
			p, known := table.find(story)
			if want, was := put[story]; p.story != story || known && (!was || p.score != want) || was && !known && stories <= maxPlaces {
				t.Fatalf("case %d: story %d: known %t as %+v; want %t, score %d", i, story, known, p, was, want)
			}
			p.score = int64(n)
			put[story] = p.score
		}
		table.reset()
		if _, known := table.find(1); known {
			t.Fatalf("case %d: a story is known after a reset", i)
		}
	}
}
