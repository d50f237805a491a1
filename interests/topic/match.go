package topic

// This file is how an alias is found among the tokens of a text.

import (
	"unicode"
)

// match is what was found at the beginning of some tokens.
type match struct {
	pattern  *pattern
	words    int // 0: nothing
	doubtful bool
}

// longest returns the longest match that begins at the first token.
func (t *Tagger) longest(s string, tokens []token, caps bool) (best match) {
	node := uint32(0)
	for n := range tokens {
		if n > 0 && !tokens[n].joins || tokens[n].word == 0 {
			break
		}
		if node = t.trie.next(node, tokens[n].word); node == 0 {
			break
		}
		for i := range t.trie.ends[node] {
			p := &t.trie.ends[node][i]
			if fits, doubtful := p.fits(s, tokens[:n+1], caps); fits {
				best = match{p, n + 1, doubtful}
				break
			}
		}
	}
	return best
}

// fits decides whether a pattern, whose folded words were found, is meant.
// caps says that s is in capitals throughout, so that case tells nothing; the
// dots of an abbreviation still do.
func (p *pattern) fits(s string, tokens []token, caps bool) (fits, doubtful bool) {
	doubtful = p.rule == ruleWeak || p.rule == ruleAfter
	for i, written := range p.words {
		word := tokens[i]
		switch compare(s[word.start:word.end], written) {
		case differs:
			return false, false
		case capitals:
			doubtful = true
		case same:
			doubtful = doubtful || caps && !word.dotted
		}
	}
	return true, doubtful
}

// inCapitals reports whether s is written in capitals, as headlines of wire
// services are. One small letter in nine is let pass ("McDONALD").
func inCapitals(s string) bool {
	upper, lower := 0, 0
	for _, r := range s {
		switch {
		case 'a' <= r && r <= 'z':
			lower++
		case 'A' <= r && r <= 'Z':
			upper++
		case r < 0x80:
		case unicode.IsUpper(r):
			upper++
		case unicode.IsLetter(r): // small, or of a script without capitals
			lower++
		}
		if lower > 16 && lower*8 > upper*9 { // no hope; most bodies end here
			return false
		}
	}
	return upper > 0 && lower*8 <= upper
}

func (t *Tagger) isPlace(topic int32) bool {
	if topic == notTopic {
		return false
	}
	kind := t.kinds[topic]
	return kind == KindCountry || kind == KindCity || kind == KindRegion
}
