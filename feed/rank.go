package feed

import (
	"hash/crc32"
	"math"
	"slices"
	"time"
)

// Unit is one half-life in a score: keys, weights and scores are integers in
// 1/Unit of a half-life. JSON shows them divided by Unit, which is exact.
const Unit = 1 << 16

// The constants of the ranking; docs/ranking.md explains them. All but the key
// are bounded: together they move an article by at most
//
//	maxInterest + maxCoverage + the best kind + maxFresh − the worst kind = 4.9
//
// half-lives against another one. They decide within a chunk only.
const (
	// Stage 1: the weight of the best matching interest, as log2.
	weightFollow    = 0    // log2(1)
	weightFavourite = Unit // log2(2)

	// Stage 2. A matched interest counts its worth times the salience of the tag;
	// the sum is capped.
	worthFollow    = Unit / 2
	worthFavourite = Unit / 2 * 3
	maxInterest    = Unit / 2 * 5

	// Coverage is log2 of the independent sources of the story, times this.
	coverageStep = Unit / 2
	maxCoverage  = Unit / 2 * 3

	// A topic followed in the last freshDays days counts more, less each day.
	maxFresh  = Unit / 2
	freshDays = 7

	// Chunk is how many candidates are judged together, and Spread rules within.
	chunkSize     = 240
	maxNeighbours = 2  // cards in a row from one source, or of one topic
	spreadWindow  = 10 // in so many cards …
	maxInWindow   = 4  // … so many of one topic

	// A story that so many independent sources cover is one to know of; the shelf
	// takes the best among so many articles of such stories, newest first.
	mustKnowSources = 3
	shelfLook       = 60
)

// kindWorth is what the kind of an article adds, in the order of Kinds.
var kindWorth = [...]int64{
	0,         // news
	0,         // video
	Unit / 5,  // analysis
	-Unit / 5, // opinion
	Unit / 10, // live
	0,         // audio
	-Unit / 5, // gallery
}

// maxKind is what the best kind adds, maxJudged what stage 2 adds at most to a static
// key.
var (
	maxKind   = slices.Max(kindWorth[:])
	maxJudged = maxInterest + maxCoverage + maxKind + maxFresh
)

// coverageWorth is coverageStep × log2(n), capped, for n independent sources.
var coverageWorth = func() (worth [32]int64) {
	for n := 1; n < len(worth); n++ {
		worth[n] = int64(min(math.Round(coverageStep*math.Log2(float64(n))), maxCoverage))
	}
	return worth
}()

func coverage(sources int) int64 { return coverageWorth[min(sources, len(coverageWorth)-1)] }

// rankerVersion changes with all that touches order: a cursor that was made under
// another ranker has expired.
var rankerVersion = func() uint32 {
	sum := crc32.NewIEEE()
	constants := []int64{4, // of the code: raise it when the order of places changes
		Unit, weightFollow, weightFavourite, worthFollow, worthFavourite, maxInterest, coverageStep,
		maxCoverage, maxFresh, freshDays, chunkSize, maxNeighbours, spreadWindow, maxInWindow, mustKnowSources, shelfLook}
	for _, c := range append(constants, kindWorth[:]...) {
		for shift := 0; shift < 64; shift += 8 {
			sum.Write([]byte{byte(c >> shift)})
		}
	}
	return sum.Sum32()
}()

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

const maxSalience = 100 // in hundredths

// hundredths rounds a salience to the precision it is stored with, at least 1.
func hundredths(salience float64) uint8 {
	return uint8(min(max(math.Round(salience*100), 1), maxSalience))
}

// standing is how a person stands to a topic, as a page needs it: 0 is not at
// all, muted is -1; else the level in the two low bits and above them how fresh
// the follow is, 0 to freshDays.
type standing int8

const (
	standingMuted     standing = -1
	standingFollow    standing = 1
	standingFavourite standing = 2
)

func (s standing) matched() bool { return s > 0 }
func (s standing) muted() bool   { return s < 0 }
func (s standing) level() standing {
	return s & 3
}

// weight is the weight in stage 1 of a level.
func (s standing) weight() int64 {
	if s.level() == standingFavourite {
		return weightFavourite
	}
	return weightFollow
}

// worth is what a matched topic of a salience counts.
func (s standing) worth(salience uint8) int64 {
	return int64(worths[s&3][salience&(1<<salienceBits-1)])
}

// worths is what a salience in hundredths is worth at a level.
var worths = func() (w [4][1 << salienceBits]int32) {
	for salience := range w[0] {
		w[standingFollow][salience] = int32(worthFollow * salience / 100)
		w[standingFavourite][salience] = int32(worthFavourite * salience / 100)
	}
	return w
}()

// fresh is what the freshness of the follow counts.
func (s standing) fresh() int64 { return freshWorth(s >> 2) }

// freshWorth is what a freshness of 0 to freshDays counts.
func freshWorth(fresh standing) int64 { return int64(fresh) * maxFresh / freshDays }

const day = int64(24 * time.Hour / time.Millisecond)

// freshness returns how fresh a follow is at a moment, by whole days: freshDays
// on the first day, 0 after a week. One made later counts as made then. Both times
// are ms.
func freshness(since, asOf int64) standing {
	if since == forEver || asOf-since >= freshDays*day {
		return 0
	}
	return standing(freshDays - max(asOf-since, 0)/day)
}

// newStanding puts level and freshness together.
func newStanding(level, fresh standing) standing { return level | fresh<<2 }
