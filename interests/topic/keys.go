package topic

import (
	"cmp"
	"iter"
	"slices"
	"sort"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// key leads from the beginning of a word in a name or alias to its topic. Text
// runs from that word to the end of the name, as searchText makes it.
type key struct {
	text  string
	entry *entry
	start bool // the word is the first
}

func (k key) compare(other key) int {
	return cmp.Or(strings.Compare(k.text, other.text), cmp.Compare(k.entry.order, other.entry.order))
}

// keyList is a sorted list of keys in chunks, so that adding one to 100,000
// moves only a few hundred: two levels of a B-tree.
type keyList struct{ chunks [][]key }

// maxChunk is the length at which a chunk is cut in two. Adding costs about
// n/maxChunk + maxChunk moves; 512 is near the best for 100,000 keys.
const maxChunk = 512

// chunkOf is the first chunk that ends at k or behind it, or the last.
func (l *keyList) chunkOf(k key) int {
	i := sort.Search(len(l.chunks), func(i int) bool {
		chunk := l.chunks[i]
		return chunk[len(chunk)-1].compare(k) >= 0
	})
	return min(i, len(l.chunks)-1)
}

func (l *keyList) add(k key) {
	if len(l.chunks) == 0 {
		l.chunks = [][]key{append(make([]key, 0, maxChunk), k)}
		return
	}
	i := l.chunkOf(k)
	at, _ := slices.BinarySearchFunc(l.chunks[i], k, key.compare)
	l.chunks[i] = slices.Insert(l.chunks[i], at, k)
	if chunk := l.chunks[i]; len(chunk) >= maxChunk {
		half := append(make([]key, 0, maxChunk), chunk[maxChunk/2:]...)
		clear(chunk[maxChunk/2:])
		l.chunks[i] = chunk[:maxChunk/2]
		l.chunks = slices.Insert(l.chunks, i+1, half)
	}
}

func (l *keyList) remove(k key) {
	if len(l.chunks) == 0 {
		return
	}
	i := l.chunkOf(k)
	at, found := slices.BinarySearchFunc(l.chunks[i], k, key.compare)
	if !found {
		return
	}
	if l.chunks[i] = slices.Delete(l.chunks[i], at, at+1); len(l.chunks[i]) == 0 {
		l.chunks = slices.Delete(l.chunks, i, i+1)
	}
}

// from yields the keys whose text begins with prefix, in order.
func (l *keyList) from(prefix string) iter.Seq[key] {
	return func(yield func(key) bool) {
		i := sort.Search(len(l.chunks), func(i int) bool {
			chunk := l.chunks[i]
			return chunk[len(chunk)-1].text >= prefix
		})
		if i == len(l.chunks) {
			return
		}
		at := sort.Search(len(l.chunks[i]), func(j int) bool { return l.chunks[i][j].text >= prefix })
		for ; i < len(l.chunks); i, at = i+1, 0 {
			for _, k := range l.chunks[i][at:] {
				if !strings.HasPrefix(k.text, prefix) || !yield(k) {
					return
				}
			}
		}
	}
}

// searchText gives the form in which names are searched: lower case words with
// one space between, no accents over letters, no dots or apostrophes ("U.S." is
// "us", "N. Korea" is "n korea"), every other sign a space.
func searchText(s string) string {
	var text strings.Builder
	text.Grow(len(s))
	space := false
	for _, r := range norm.NFKD.String(s) {
		switch {
		case r == '.' || r == '\'' || r == '\u2019' || '\u0300' <= r && r <= '\u036f':
		case unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r):
			if space && text.Len() > 0 {
				text.WriteByte(' ')
			}
			text.WriteRune(unicode.ToLower(r))
			space = false
		default:
			space = true
		}
	}
	return text.String()
}
