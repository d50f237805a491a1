package feed

import (
	"math"
	"time"
)

// This file is the formula by which an article finds its story; docs/stories.md
// explains it. All sums are of whole numbers, so that what is found does not
// depend on the order in which articles came.
//
// The weight of a term is its rarity among stories: log((N + K) / (n + K·p + 1)),
// of N stories in the window n that use it, where p is the share of documents
// that use it in general English and K how many documents that knowledge counts
// for. Stories are counted, not articles: with articles, the words of an event
// that sixty sources report would count as common words.
//
// A use counts 4 in the title and 1 to 3 in the text. The likeness of an article
// to a story is the cosine of the article and the sum of the story's articles:
// their mean, not the nearest of them.

// Limits of a story.
const (
	storyGap     = 72 * time.Hour      // to the publication of the nearest article
	storySpan    = 14 * 24 * time.Hour // from the first publication to the last
	storyMembers = 500
)

// The constants of the formula, found on handed-out sets of events.
const (
	joinLikeness  = 0.22 // least likeness for an article to join
	uniteLikeness = 0.30 // least likeness of two stories to be united
	lookLikeness  = 0.7  // of joinLikeness: how like an article is to a story that its own may be united with
	gapLoss       = 0.3  // of the likeness that a gap of storyGap costs; less for smaller ones, by their logarithm
	sourceLoss    = 0.6  // that a story of the article's own source costs, by its share of the articles
	loneLoss      = 0.3  // that it costs to share one telling term only
	aloneLoss     = 0.15 // that a story of n articles costs, over n: of what is alone little is known
	priorStories  = 5000 // K
)

// weightUnit is one in a weight, which is a whole number.
const weightUnit = 64

// rarityOf is weightUnit·log(x).
func rarityOf(x float64) int32 { return int32(math.Round(weightUnit * math.Log(x))) }

// use returns how much a use of a term counts.
func (t term) use() uint32 {
	if t.title() {
		return t.level() + 4
	}
	return t.level()
}

// gapFactor is what is left of a likeness over a gap.
func gapFactor(gap time.Duration) float64 {
	return 1 - gapLoss*math.Log2(1+gap.Hours())/math.Log2(1+storyGap.Hours())
}
