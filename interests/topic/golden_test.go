package topic

import (
	"bufio"
	"os"
	"slices"
	"strings"
	"testing"
)

// Every sentence of testdata/golden.txt has the topics it must have and none
// that it must not have. The sentences are our own; a line is a sentence, the
// topics after " => ", those it must not have with "-" before.
func TestGolden(t *testing.T) {
	f, err := os.Open("testdata/golden.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	tagger := NewCatalogue(Seed()).Tagger()
	counts, language := map[string]int{}, ""
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		line := lines.Text()
		if line == "" || line[0] == '#' {
			continue
		}
		if line[0] == '[' {
			language = strings.Trim(line, "[]")
			continue
		}
		sentence, topics, ok := strings.Cut(line, " => ")
		if !ok {
			t.Fatalf("line %d has no topics", n)
		}
		counts[language]++
		title, body, _ := strings.Cut(sentence, " // ")
		got := found(tagger, Text{Title: title, Body: body})
		for _, id := range strings.Fields(topics) {
			no, unwanted := strings.CutPrefix(id, "-")
			if slices.Contains(got, ID(no)) == unwanted {
				t.Errorf("line %d: %q has %v; want %s", n, sentence, got, id)
			}
		}
	}
	total := 0
	for language, n := range counts {
		if total += n; n < 10 {
			t.Errorf("%d sentences in %s", n, language)
		}
	}
	if len(counts) != 10 || total < 200 {
		t.Errorf("%d sentences in %d languages", total, len(counts))
	}
}
