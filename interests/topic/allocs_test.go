//go:build !race

// The race detector makes pools forget, so that texts allocate.

package topic

import (
	"strings"
	"testing"
)

// What a text costs in allocations is what its tags cost: a text of ten times as
// many words costs no more than its longer list of tags.
func TestTagsAllocateNothingPerToken(t *testing.T) {
	tagger := NewCatalogue(Seed()).Tagger()
	sentence := "Iran and Germany said on Monday that Tehran would export oil, Boston University reported; Robert Jordan wrote l'Iran. "
	allocs := func(times int) float64 {
		x := Text{Title: "Talks", Body: strings.Repeat(sentence, times)}
		return testing.AllocsPerRun(20, func() { tagger.Tags(x) })
	}
	allocs(200) // the buffers grow once
	if short, long := allocs(20), allocs(200); long > short+2 {
		t.Errorf("%.0f allocations in 400 words, %.0f in 4,000", short, long)
	}
}
