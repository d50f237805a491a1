package feed

import (
	"math"
	"time"
)

// Unit is one half-life in a score: keys, weights and scores are integers in
// 1/Unit of a half-life. JSON shows them divided by Unit, which is exact.
const Unit = 1 << 16

// Weights of the levels in stage 1, as log2: a favourite counts twice a follow.
const (
	weightFollow    = 0    // log2(1)
	weightFavourite = Unit // log2(2)
)

// Key is the static rank of an article:
//
//	log2(quality) + published / half-life
//
// in 1/Unit of a half-life. All scores decay alike with age, so the order of two
// articles never changes as time goes by and lists can be kept sorted by key
// (forward decay; Cormode et al., 2009). Quality is above 0; 1 is ordinary.
func Key(quality float64, published time.Time, halfLife time.Duration) int64 {
	ms, half := published.UnixMilli(), halfLife.Milliseconds()
	whole, rest := ms/half, ms%half
	return whole*Unit + rest*Unit/half + int64(math.Round(math.Log2(quality)*Unit))
}

// hundredths rounds a salience to the precision it is stored with, at least 1.
func hundredths(salience float64) uint8 {
	return uint8(min(max(math.Round(salience*100), 1), 100))
}
