package topic

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// Suggest returns up to n topics that who wrote s, which resolves to nothing,
// may have meant: names and aliases one slip of the keyboard away, then what
// Search finds, then two slips away, then names that share a word. The cost is
// bounded: the whole catalogue proper is compared, of tags and sources only
// those with the same two first letters, at most a thousand.
func (c *Catalogue) Suggest(s string, n int) []Topic {
	q := searchText(s[:min(len(s), maxQuery)])
	if n <= 0 || q == "" {
		return nil
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	near := c.search.near(q)
	all := slices.Concat(near[0], near[1], c.search.find(q, n), near[2], c.search.shareWord(q, n))
	var best []*entry
	for _, e := range all {
		if len(best) < n && !slices.Contains(best, e) {
			best = append(best, e)
		}
	}
	return topics(best)
}

// near returns the entries by how many edits a name or an alias is away from q.
func (x *searchIndex) near(q string) (near [3][]*entry) {
	limit := maxEdits(q)
	compare := func(k key) {
		if !k.start {
			return
		}
		if d := editDistance(q, k.text, limit); d <= limit {
			near[d] = append(near[d], k.entry)
		}
	}
	prefix := q[:runesLen(q, 2)]
	for g := range x.of {
		for _, list := range []*keyList{&x.of[g].starts, &x.of[g].aliases} {
			from, most := "", int(^uint(0)>>1)
			if group(g) != catalogueGroup {
				from, most = prefix, 1000
			}
			for k := range list.from(from) {
				if most--; most < 0 {
					break
				}
				compare(k)
			}
		}
	}
	return near
}

// maxEdits is how many slips a word of this length may have and still be
// recognised: none in three letters, one in five, two in more.
func maxEdits(q string) int {
	switch n := utf8.RuneCountInString(q); {
	case n <= 3:
		return 0
	case n <= 5:
		return 1
	}
	return 2
}

// runesLen is the length in bytes of the first n characters of s.
func runesLen(s string, n int) int {
	for i := range s {
		if n == 0 {
			return i
		}
		n--
	}
	return len(s)
}

// shareWord returns entries whose names have a word of q, the longest first.
func (x *searchIndex) shareWord(q string, n int) []*entry {
	words := strings.Fields(q)
	slices.SortStableFunc(words, func(a, b string) int { return len(b) - len(a) })
	var found []*entry
	for _, w := range words[:min(len(words), 4)] {
		if utf8.RuneCountInString(w) >= 3 {
			found = append(found, x.find(w, n)...)
		}
	}
	return found
}

// editDistance counts the letters to insert, delete, replace or swap with their
// neighbour that make b of a (optimal string alignment); more than limit is
// limit+1, found without working it out to the end.
func editDistance(a, b string, limit int) int {
	if d := len(a) - len(b); d > 4*limit || -d > 4*limit {
		return limit + 1
	}
	var bufA, bufB [maxQuery]rune
	x, y := append(bufA[:0], []rune(a)...), append(bufB[:0], []rune(b)...)
	if d := len(x) - len(y); d > limit || -d > limit {
		return limit + 1
	}
	width := len(y) + 1
	var buf [3 * 64]int
	rows := buf[:]
	if 3*width > len(rows) {
		rows = make([]int, 3*width)
	}
	before, last, row := rows[:width], rows[width:2*width], rows[2*width:3*width]
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(x); i++ {
		row[0] = i
		least := i
		for j := 1; j < width; j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
			least = min(least, row[j])
		}
		if least > limit {
			return limit + 1
		}
		before, last, row = last, row, before
	}
	return min(last[len(y)], limit+1)
}
