package topic

import (
	"cmp"
	"flag"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
)

var fit = flag.Bool("fit", false, "fit the model of countries anew and write about.txt (needs NEWSFEED_TESTDATA)")

// sample is one country that one text names or hints at.
type sample struct {
	facts facts
	seat  int32
	about bool // an editor filed the text under it
	filed bool // under any country: those that were not say nothing
	text  int
}

// TestFitCountries makes about.txt: trees fitted to which countries the agency's
// editors filed 9,000 texts under. What it prints first is measured on texts that
// the trees had not seen (five folds).
func TestFitCountries(t *testing.T) {
	if !*fit {
		t.Skip("-fit is not given")
	}
	wires := reuters(t)
	c := NewCatalogue(Seed())
	samples, wanted := samplesOf(t, c, wires)
	t.Logf("%d samples; %d of %d labels have something that speaks for them", len(samples), len(slices.DeleteFunc(slices.Clone(samples), func(s sample) bool { return !s.about })), wanted)
	const folds = 5
	p := make([]float64, len(samples))
	for fold := range folds {
		var train []sample
		for _, s := range samples {
			if s.text%folds != fold && s.filed {
				train = append(train, s)
			}
		}
		m := grow(train)
		for i, s := range samples {
			if s.text%folds == fold {
				p[i] = m.about(&s.facts, s.seat)
			}
		}
	}
	for _, floor := range []float64{0.3, 0.35, 0.4, 0.45, 0.5} {
		var right, found float64
		for i, s := range samples {
			if p[i] >= floor {
				found++
				if s.about {
					right++
				}
			}
		}
		precision, recall := right/found, right/float64(wanted)
		t.Logf("from %.2f on: precision %.3f, recall %.3f, micro-F1 %.4f", floor, precision, recall, 2*precision*recall/(precision+recall))
	}
	if err := os.WriteFile("about.txt", []byte(format(grow(slices.DeleteFunc(samples, func(s sample) bool { return !s.filed })))), 0o644); err != nil {
		t.Fatal(err)
	}
}

// samplesOf lists the countries of all texts, the United States apart, and
// counts the labels.
func samplesOf(t *testing.T, c *Catalogue, wires []wire) (samples []sample, wanted int) {
	tagger := c.Tagger()
	for i, w := range wires {
		want := filedUnder(t, c, w)
		wanted += len(want)
		tagger.eachCountry(w.text, func(id ID, f facts, seat int32) {
			if id != "united-states" {
				samples = append(samples, sample{f, seat, want[id], len(w.places) > 0, i})
			}
		})
	}
	return samples, wanted
}

// eachCountry gives the facts that judge sees.
func (t *Tagger) eachCountry(x Text, yield func(ID, facts, int32)) {
	r := t.scratch.Get().(*reading)
	defer t.scratch.Put(r)
	size := t.readAll(r, x)
	r.settleShorts()
	t.eachInQuestion(r, size, func(topic int32, _, _ float64, f *facts) {
		if f != nil {
			yield(t.topics[topic], *f, r.witness[topic].seat)
		}
	})
	r.clear()
}

const (
	rounds    = 150
	rate      = 0.08
	shrink    = 2.0 // added to a leaf's weight
	leastLeaf = 8.0 // weight below which a leaf is not made
)

// rising are the features of which more never speaks against a country.
var rising = map[feature]bool{ownTitle: true, ownLead: true, ownBody: true, belowTitle: true, belowLead: true, belowBody: true, hintTitle: true, hintLead: true, hintBody: true, codes: true, namesTop: true, namesBody: true, moneyTitle: true, moneyLead: true, moneyBody: true}

// grow fits a forest by gradient boosting with second-order steps.
func grow(samples []sample) forest {
	odds := make([]float64, len(samples))
	cuts := cutsOf(samples)
	var m forest
	for range rounds {
		g := &growing{samples: samples, cuts: cuts, slope: make([]float64, len(samples)), weight: make([]float64, len(samples))}
		rows := make([]int, len(samples))
		for i, s := range samples {
			p := 1 / (1 + math.Exp(-odds[i]))
			g.slope[i], g.weight[i], rows[i] = -p, p*(1-p), i
			if s.about {
				g.slope[i]++
			}
		}
		g.split(0, rows, math.Inf(-1), math.Inf(1))
		for n := range g.tree.leaf {
			g.tree.leaf[n] = math.Round(g.tree.leaf[n]*rate*1e4) / 1e4
		}
		for i := range samples {
			odds[i] += g.tree.value(&samples[i].facts)
		}
		m = append(m, g.tree)
	}
	return m
}

// cutsOf lists the thresholds worth trying: between values that occur, at most 40.
func cutsOf(samples []sample) (cuts [features][]float64) {
	for f := range cuts {
		values := make([]float64, len(samples))
		for i, s := range samples {
			values[i] = s.facts[f]
		}
		slices.Sort(values)
		for i := range 40 {
			v := values[(i*len(values))/40]
			if len(cuts[f]) == 0 || v > cuts[f][len(cuts[f])-1] {
				cuts[f] = append(cuts[f], v)
			}
		}
		for _, v := range slices.Compact(values) {
			if v < 5 && !slices.Contains(cuts[f], v) {
				cuts[f] = append(cuts[f], v)
			}
		}
	}
	return cuts
}

// growing is a tree in the making.
type growing struct {
	samples       []sample
	cuts          [features][]float64
	slope, weight []float64
	tree          tree
}

func (g *growing) split(node int, rows []int, low, high float64) {
	var slope, weight float64
	for _, i := range rows {
		slope, weight = slope+g.slope[i], weight+g.weight[i]
	}
	step := func(slope, weight float64) float64 { return min(max(slope/(weight+shrink), low), high) }
	if node >= leaves-1 {
		g.tree.leaf[node-(leaves-1)] = step(slope, weight)
		return
	}
	best, bestFeature, bestCut := 0.0, feature(0), math.Inf(1)
	for f := range features {
		for _, cut := range g.cuts[f] {
			var left, leftWeight float64
			for _, i := range rows {
				if g.samples[i].facts[f] <= cut {
					left, leftWeight = left+g.slope[i], leftWeight+g.weight[i]
				}
			}
			right, rightWeight := slope-left, weight-leftWeight
			if leftWeight < leastLeaf || rightWeight < leastLeaf {
				continue
			}
			if rising[f] && step(left, leftWeight) > step(right, rightWeight) {
				continue
			}
			gain := left*left/(leftWeight+shrink) + right*right/(rightWeight+shrink) - slope*slope/(weight+shrink)
			if gain > best {
				best, bestFeature, bestCut = gain, f, cut
			}
		}
	}
	g.tree.at[node], g.tree.than[node] = bestFeature, bestCut
	var left, right []int
	var l, lw float64
	for _, i := range rows {
		if g.samples[i].facts[bestFeature] <= bestCut {
			left, l, lw = append(left, i), l+g.slope[i], lw+g.weight[i]
		} else {
			right = append(right, i)
		}
	}
	leftHigh, rightLow := high, low
	if rising[bestFeature] && len(right) > 0 {
		middle := (step(l, lw) + step(slope-l, weight-lw)) / 2
		leftHigh, rightLow = middle, middle
	}
	g.split(2*node+1, left, low, leftHigh)
	g.split(2*node+2, right, rightLow, high)
}

func format(m forest) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# What makes a text be about a country: trees fitted by TestFitCountries. A line\n# is a tree: seven splits feature:threshold (see about.go), eight leaves.\n")
	for _, t := range m {
		var fields []string
		for n := range t.at {
			fields = append(fields, fmt.Sprintf("%d:%g", t.at[n], cmp.Or(min(t.than[n], 1e6), 0)))
		}
		for _, leaf := range t.leaf {
			fields = append(fields, fmt.Sprintf("%g", leaf))
		}
		b.WriteString(strings.Join(fields, " ") + "\n")
	}
	return b.String()
}
