package topic

import (
	_ "embed"
	"fmt"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// A name that is part of a longer one does not name its own topic: "Boston
// University" is not Boston, "Chilean Navy" is not Chile and "Margaret Hamburg"
// is a person. Longer names that are known are aliases or phrases of their own;
// the others are known by the words in them (names.txt), as long as they are
// capitalised and the text around them is not.

// inside says what longer name a name is part of.
type inside byte

const (
	itself    inside = iota
	ofOffice         // "Chilean Navy": it speaks for the place as the place's name does
	ofBody           // "Boston University": it only speaks for the country
	ofAddress        // "Poughkeepsie, New York": as ofBody, for a city; as ofOffice else
	ofPerson         // "Margaret Hamburg": it says nothing
)

// wordClass is what names.txt says of a word, a set of bits.
type wordClass uint16

const (
	classBody wordClass = 1 << iota
	classOffice
	classLink
	classGiven
	classSport
	classWhere
	classLegal
	classTitle
	classSide
)

//go:embed names.txt
var namesText string

// nameWords is names.txt: classes by folded word.
var nameWords = sync.OnceValue(func() map[string]wordClass {
	words, err := parseNames(namesText)
	if err != nil {
		panic(err) // the file is part of the program and read by every test
	}
	return words
})

func parseNames(text string) (map[string]wordClass, error) {
	classes := map[string]wordClass{"body": classBody, "office": classOffice, "link": classLink, "given": classGiven, "sport": classSport, "where": classWhere, "legal": classLegal, "title": classTitle, "side": classSide}
	words := map[string]wordClass{}
	var class wordClass
	for i, line := range strings.Split(text, "\n") {
		switch {
		case line == "" || line[0] == '#':
		case line[0] == '[':
			section, _, _ := strings.Cut(line[1:], ":")
			var ok bool
			if class, ok = classes[section]; !ok {
				return nil, fmt.Errorf("names.txt:%d: no section %q", i+1, section)
			}
		default:
			for _, word := range strings.Fields(line) {
				words[string(fold(nil, word))] |= class
			}
		}
	}
	return words, nil
}

// classify gives every word of the vocabulary its class, after adding those of
// names.txt to it.
func (t *trie) classify() {
	for word := range nameWords() {
		t.number(word)
	}
	t.class = make([]wordClass, len(t.first))
	for word, class := range nameWords() {
		t.class[t.words[word]] = class
	}
}

// reach is how many words before and behind a name are looked at.
const reach = 8

// insideOf tells what longer name the tokens from first up to next are part of.
func (t *trie) insideOf(s string, tokens []token, first, next int) inside {
	if first > 0 && tokens[first].joins && isCapital(s, tokens[first-1]) {
		last := tokens[first-1]
		switch class := t.class[last.word]; {
		case class&classGiven != 0 && s[last.end:tokens[first].start] == " ":
			return ofPerson
		case class&(classSide|classOffice) != 0:
			return ofOffice // "Southern Italy", "Lloyds Bank Canada"
		case isAcronym(s[last.start:last.end]):
			return ofBody // "CSKA Moscow", "GM Canada"
		}
	}
	return max(t.behind(s, tokens, next), t.before(s, tokens, first))
}

// isAcronym reports whether a word is one that companies and clubs have before
// the place they are in; "US", "UK", "EU" and "UN" are none.
func isAcronym(word string) bool {
	for i := range len(word) {
		if word[i] < 'A' || word[i] > 'Z' {
			return false
		}
	}
	return len(word) > 1 && word != "US" && word != "UK" && word != "EU" && word != "UN"
}

// placeBefore gives the token directly before "…, New York" and reports whether
// there is such a capitalised word, with nothing but a comma between.
func placeBefore(s string, tokens []token, first int) (token, bool) {
	if first == 0 {
		return token{}, false
	}
	last := tokens[first-1]
	return last, strings.TrimSpace(s[last.end:tokens[first].start]) == "," && isCapital(s, last)
}

// whereabouts reports whether the word before a name says that a place is meant:
// "in Boston" is no team.
func (t *trie) whereabouts(tokens []token, first int) bool {
	return first > 0 && t.class[tokens[first-1].word]&classWhere != 0
}

// behind looks for "… University", "… Caledonian University", "… Citizenship and
// Immigration Services" and "… stock exchange".
func (t *trie) behind(s string, tokens []token, next int) inside {
	for n := next; n < len(tokens) && n < next+reach && tokens[n].joins; n++ {
		class := t.class[tokens[n].word]
		switch {
		case n > next && class&classLink != 0 && !isCapital(s, tokens[n]):
		case !isCapital(s, tokens[n]):
			if n == next && next+1 < len(tokens) && s[tokens[n].start:tokens[n].end] == "stock" && s[tokens[n+1].start:tokens[n+1].end] == "exchange" {
				return ofOffice
			}
			return itself
		case class&classBody != 0:
			return ofBody
		case class&(classOffice|classLegal) != 0:
			return ofOffice
		}
	}
	return itself
}

// before looks for "University of …", "University of Illinois at …".
func (t *trie) before(s string, tokens []token, first int) inside {
	linked := false
	for n := first - 1; n >= 0 && n > first-1-reach && tokens[n+1].joins; n-- {
		class := t.class[tokens[n].word]
		switch {
		case class&classLink != 0 && !isCapital(s, tokens[n]):
			linked = true
		case !isCapital(s, tokens[n]):
			return itself
		case linked && class&classBody != 0:
			return ofBody
		case linked && class&(classOffice|classLegal|classTitle) != 0:
			return ofOffice
		case n == first-1:
			return itself // another name directly before it
		}
	}
	return itself
}

func isCapital(s string, t token) bool {
	r, _ := utf8.DecodeRuneInString(s[t.start:t.end])
	return unicode.IsUpper(r)
}

func (t *trie) countClass(tokens []token, class wordClass) (n int) {
	for _, token := range tokens {
		if t.class[token.word]&class != 0 {
			n++
		}
	}
	return n
}
