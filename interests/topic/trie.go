package topic

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// pattern is one alias as the tagger looks for it.
type pattern struct {
	topic int32 // place in Tagger.topics, or notTopic
	rule  rule
	words []string // for ruleExact and ruleWeak: how the words are written

	short  int32   // the short form it is, 0 when it is none (see shorts.go)
	tails  []int32 // the short forms it ends in
	unsure bool    // a short form that a phrase that is no topic makes doubtful

	speaks bool    // no name of the topic, but counts as one
	also   []int32 // further topics that a weak alias may mean

	hints []hint
}

// hint is a country that a pattern speaks for without naming it.
type hint struct {
	country int32 // of a context the topic, which may be any
	rule    rule  // one that isHint
}

// notTopic is the topic of a phrase that only keeps its words from others.
const notTopic = -1

// trie holds all patterns by their folded words. Nodes are numbered from 1 in
// the order they were made; node 0 is "nowhere".
type trie struct {
	words vocabulary
	first []uint32          // by word: the node below the root
	class []wordClass       // by word
	edges map[uint64]uint32 // node<<32 | word: the node below
	ends  [][]pattern       // by node: what ends here, most particular first
}

// newTrie makes an empty trie with room for about so many patterns.
func newTrie(patterns int) *trie {
	return &trie{
		words: make(vocabulary, 2*patterns),
		first: append(make([]uint32, 0, 2*patterns), 0),
		edges: make(map[uint64]uint32, 2*patterns),
		ends:  append(make([][]pattern, 0, 3*patterns), nil),
	}
}

// next returns the node below node on word, 0 when there is none. Node 0
// itself stands for the root on the way in.
func (t *trie) next(node, word uint32) uint32 {
	if node == 0 {
		return t.first[word]
	}
	return t.edges[uint64(node)<<32|uint64(word)]
}

// number returns the number of a folded word, which is new to the vocabulary or
// not.
func (t *trie) number(folded string) uint32 {
	word, ok := t.words[folded]
	if !ok {
		word = uint32(len(t.first))
		t.words[folded] = word
		t.first = append(t.first, 0)
	}
	return word
}

// grow returns the node of a sequence of folded words, making what is missing.
func (t *trie) grow(folded []string) uint32 {
	node := uint32(0)
	for _, w := range folded {
		word := t.number(w)
		below := t.next(node, word)
		if below == 0 {
			below = uint32(len(t.ends))
			t.ends = append(t.ends, nil)
			if node == 0 {
				t.first[word] = below
			} else {
				t.edges[uint64(node)<<32|uint64(word)] = below
			}
		}
		node = below
	}
	return node
}

// claim is a pattern on its way into the trie.
type claim struct {
	pattern
	folded []string
	name   bool // it is the topic's name, not an alias
	person bool
	word   bool // of a subject
}

// onlyHints reports whether the words name no topic.
func (c *claim) onlyHints() bool { return c.topic == notTopic && len(c.hints) > 0 }

// build makes the trie of all claims. Where two topics claim the same words in
// the same way, a name beats an alias, both beat a phrase that is not a topic,
// and two equals cancel each other: what stands for two topics stands for none.
// A weak alias may stand for several: what else is in the text decides.
func build(claims []claim) *trie {
	t := newTrie(len(claims))
	type place struct {
		node uint32
		rule rule
		as   string // the spelling, for exact ones
	}
	holders := make(map[place]claim, len(claims))
	var order []place
	for _, c := range claims {
		if c.onlyHints() {
			continue
		}
		p := place{node: t.grow(c.folded), rule: ruleAnyCase}
		if c.words != nil {
			p.rule, p.as = ruleExact, strings.Join(c.words, "\x00")
		}
		switch old, taken := holders[p]; {
		case !taken:
			order = append(order, p)
			holders[p] = c
		case c.rule == ruleWeak && old.rule == ruleWeak && c.topic != old.topic:
			old.also = append(old.also, c.topic)
			holders[p] = old
		case c.rule == ruleNot || old.topic == c.topic || old.name && !c.name:
		case old.rule == ruleNot || c.name && !old.name:
			holders[p] = c
		default:
			old.topic = notTopic
			holders[p] = old
		}
	}
	for _, p := range order {
		t.ends[p.node] = append(t.ends[p.node], holders[p].pattern)
	}
	for _, ends := range t.ends {
		slices.SortStableFunc(ends, func(a, b pattern) int { return particular(b) - particular(a) })
	}
	t.addPlurals(claims)
	t.addHints(claims)
	t.classify()
	return t
}

// addHints lets the words of hints speak for their countries: those that also
// name a topic do so besides, the others are no topic.
func (t *trie) addHints(claims []claim) {
	for _, c := range claims {
		if !c.onlyHints() {
			continue
		}
		node := t.grow(c.folded)
		if len(t.ends[node]) == 0 {
			t.ends[node] = []pattern{c.pattern}
			continue
		}
		for i := range t.ends[node] {
			p := &t.ends[node][i]
			for _, h := range c.hints {
				if !slices.Contains(p.hints, h) {
					p.hints = append(slices.Clip(p.hints), h)
				}
			}
		}
	}
}

// particular orders the patterns of a node: a spelling before any spelling.
func particular(p pattern) int {
	if p.words != nil {
		return 1
	}
	return 0
}

// addPlurals lets every pattern of any case, and every phrase that is no topic,
// also be found with its last word
// in the plural ("Iranians", "interest rates"), where nothing else ends there.
func (t *trie) addPlurals(claims []claim) {
	for _, c := range claims {
		if c.words != nil || c.onlyHints() {
			continue
		}
		last := len(c.folded) - 1
		plural := pluralOf(c.folded[last])
		if plural == "" {
			continue
		}
		single := t.ends[t.grow(c.folded)]
		node := t.grow(append(slices.Clone(c.folded[:last]), plural))
		if len(t.ends[node]) == 0 {
			t.ends[node] = slices.DeleteFunc(slices.Clone(single), func(p pattern) bool { return p.words != nil })
		}
	}
}

// pluralOf is the regular English plural of a folded word, "" when the word is
// short, is one already, or is not written in a-z.
func pluralOf(word string) string {
	n := len(word)
	if n < 4 {
		return ""
	}
	for i := range n {
		if word[i] < 'a' || word[i] > 'z' {
			return ""
		}
	}
	switch word[n-1] {
	case 's', 'x', 'z', 'h':
		return ""
	case 'y':
		if !isVowel(word[n-2]) {
			return word[:n-1] + "ies"
		}
	}
	return word + "s"
}

func isVowel(c byte) bool {
	return c == 'a' || c == 'e' || c == 'i' || c == 'o' || c == 'u'
}

// claimsOf lists how a topic's name and aliases are looked for, and the phrases
// that are not it. Signs of the seed hold for an alias as long as it is spelled
// as in the seed; what has no more than three letters is always exact.
func claimsOf(place int32, t Topic, signs []signed, seats []hint, l *lexer) []claim {
	ruleOf := map[string]rule{}
	var claims []claim
	for _, s := range signs {
		ruleOf[s.text] = s.rule
		if s.rule == ruleShared || s.rule == ruleAfter {
			claims = append(claims, inTextOnly(place, s, l)...)
		}
		if s.rule != ruleNot && !s.rule.isHint() || s.text[0] == '.' {
			continue
		}
		folded, written := l.phrase(s.text)
		c := claim{pattern: pattern{topic: notTopic, rule: s.rule}, folded: folded}
		if s.rule != ruleNot {
			c.hints = []hint{{place, s.rule}}
			if letters(written) <= 3 || written[0] != folded[0] {
				c.words = written
			}
		}
		claims = append(claims, c)
	}
	for i, text := range append([]string{t.Name}, t.Aliases...) {
		r := ruleOf[text]
		folded, written := l.phrase(text)
		if r == ruleLookup || r == ruleNot || r.isHint() || len(folded) == 0 {
			continue
		}
		speaks := r == ruleSpeaks
		switch {
		case !hasCase(text) && r != ruleWeak:
			r, written = ruleAnyCase, nil
		case (r == ruleAnyCase || speaks) && letters(written) <= 3:
			r = ruleExact
		case speaks:
			r, written = ruleAnyCase, nil
		case r == ruleAnyCase || r == ruleShort:
			r, written = ruleAnyCase, nil
		}
		claims = append(claims, claim{
			pattern: pattern{topic: place, rule: r, words: written, speaks: speaks, hints: seats},
			folded:  folded, name: i == 0, person: t.Kind == KindPerson, word: t.Kind == KindSubject || t.Kind == KindSport,
		})
	}
	return claims
}

// inTextOnly makes claims of an alias that is weak and for no one to type; one
// that depends on what came before may begin a sentence.
func inTextOnly(place int32, s signed, l *lexer) []claim {
	folded, written := l.phrase(s.text)
	c := claim{pattern: pattern{topic: place, rule: ruleWeak, words: written}, folded: folded}
	if s.rule == ruleShared {
		return []claim{c}
	}
	c.rule = ruleAfter
	first := c
	first.words = slices.Clone(written)
	first.words[0] = strings.ToUpper(written[0][:1]) + written[0][1:]
	return []claim{c, first}
}

// phrase cuts an alias into words: folded, and as written but without dots.
func (l *lexer) phrase(text string) (folded, written []string) {
	for _, t := range l.lex(nil, text) {
		word := text[t.start:t.end]
		if word == "&" {
			word = "and"
		}
		f := fold(nil, word)
		if len(f) == 0 || len(f) > maxToken {
			return nil, nil
		}
		folded, written = append(folded, string(f)), append(written, withoutDots(word))
	}
	return folded, written
}

func withoutDots(word string) string { return strings.ReplaceAll(word, ".", "") }

// letters counts the characters of all words.
func letters(words []string) int {
	n := 0
	for _, w := range words {
		n += utf8.RuneCountInString(w)
	}
	return n
}

// spelling is how a word of a text compares with how an exact alias writes it.
type spelling byte

const (
	differs  spelling = iota
	capitals          // the text is in capitals where the alias is not: it may be
	same
)

// compare spells out word against written; the two are equal when folded.
func compare(word, written string) spelling {
	equal, upper, n := true, true, 0
	for _, r := range word {
		if r == '.' {
			continue
		}
		w, size := utf8.DecodeRuneInString(written)
		if written = written[size:]; r != w {
			equal = false
		}
		upper = upper && !unicode.IsLower(r)
		n++
	}
	switch {
	case equal && written == "":
		return same
	case upper && n > 3:
		return capitals
	}
	return differs
}
