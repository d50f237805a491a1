package feed

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
)

var englishFrom = flag.String("english", "", `make english.txt anew from collections of news: files of a line {"title", "text"} each, separated by commas, four at least`)

// TestEnglish makes english.txt, of which only words and their rounded shares are
// kept. A word's share is the mean over the collections without the greatest and
// the least, so that what only one of them writes of is left out.
func TestEnglish(t *testing.T) {
	if *englishFrom == "" {
		t.Skip("-english is not given")
	}
	files := strings.Split(*englishFrom, ",")
	if len(files) < 4 {
		t.Fatalf("%d collections, want four at least", len(files))
	}
	all := map[string][]float64{}
	for i, file := range files {
		for w, share := range sharesIn(t, file) {
			if all[w] == nil {
				all[w] = make([]float64, len(files))
			}
			all[w][i] = share
		}
	}
	const leastShare = 1.0 / 1500
	steps := map[int][]string{}
	for w, shares := range all {
		slices.Sort(shares)
		mean, inner := 0.0, shares[1:len(shares)-1]
		for _, s := range inner {
			mean += s / float64(len(inner))
		}
		if mean >= leastShare && inner[0] > 0 {
			b := int(math.Round(-2 * math.Log2(mean)))
			steps[b] = append(steps[b], w)
		}
	}
	var table strings.Builder
	for b := range 40 {
		if slices.Sort(steps[b]); len(steps[b]) > 0 {
			fmt.Fprintf(&table, "%d %s\n", b, strings.Join(steps[b], " "))
		}
	}
	if err := os.WriteFile("english.txt", []byte(table.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

// sharesIn counts which share of the articles of a file uses each word.
func sharesIn(t *testing.T, file string) map[string]float64 {
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	counts, articles := map[string]float64{}, 0.0
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<22)
	for ; lines.Scan(); articles++ {
		var a struct{ Title, Text string }
		if err := json.Unmarshal(lines.Bytes(), &a); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		seen := map[string]bool{}
		eachWord(a.Title+" . "+a.Text[:min(len(a.Text), 4096)], func(w string) { seen[w] = true })
		for w := range seen {
			counts[w]++
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	for w := range counts {
		counts[w] /= articles
	}
	return counts
}
