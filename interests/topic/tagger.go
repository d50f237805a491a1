package topic

import (
	"math"
	"slices"
	"strings"
	"sync"
	"unicode"
)

// Salience of a topic with T, L and B mentions in title, lead and the rest of
// the body, whose length is W words:
//
//	evidence = 3·g(T) + 2·g(L) + B / (1 + W/200)      g(n) = 2 - 2^(1-n)
//	salience = evidence / (evidence + 2)
//
// The lead is the summary, or without one the first 50 words of the body. g
// counts a second mention half and a third a quarter: 0, 1, 1.5, 1.75 … 2. So
// one mention in a title gives 0.6, one in a lead 0.5, and one far down in 900
// words 0.08, which is below the floor and no tag.
const (
	titleWeight  = 3.0
	leadWeight   = 2.0
	bodyWeight   = 1.0
	bodyLength   = 200.0 // words of body that halve the weight of a mention in it
	halfSalience = 2.0   // evidence that gives a salience of one half
	leadWords    = 50
	floor        = 0.27                               // tags below are dropped
	enough       = halfSalience * floor / (1 - floor) // the evidence of that salience
	maxTags      = 30
)

// Text is what the tagger reads of an article, as plain text.
type Text struct {
	Title   string
	Summary string
	Body    string
}

// Tagger finds topics in texts by their names and aliases: the longest match
// at word boundaries, from left to right. It never changes and may be shared.
type Tagger struct {
	trie    *trie
	topics  []ID
	broader [][]int32 // by topic: the places of the topics directly above it

	isCountry    []bool             // by topic
	countries    [][]int32          // by topic: the countries above it
	economy      []float64          // by topic
	unitedStates int32              // its place, or notTopic
	codes        map[string][]int32 // the countries of an exchange's code, ".L" in "<TSCO.L>"
	model        forest
	scratch      sync.Pool // of *reading
}

// newTagger compiles the topics of a catalogue.
func newTagger(topics []Topic) *Tagger {
	t := &Tagger{topics: make([]ID, len(topics)), broader: make([][]int32, len(topics)), codes: map[string][]int32{}}
	places := make(map[ID]int32, len(topics))
	l, signs := newLexer(), loadSeed().signs
	var claims []claim
	for i, topic := range topics {
		t.topics[i], places[topic.ID] = topic.ID, int32(i)
		claims = append(claims, claimsOf(int32(i), topic, signs[topic.ID], l)...)
		for _, s := range signs[topic.ID] {
			if s.rule == ruleHint && s.text[0] == '.' {
				t.codes[s.text] = append(t.codes[s.text], int32(i))
			}
		}
	}
	for i, topic := range topics {
		for _, id := range topic.Broader {
			if place, ok := places[id]; ok {
				t.broader[i] = append(t.broader[i], place)
			}
		}
	}
	t.countriesAbove(topics)
	t.model = aboutModel()
	shorts := markShorts(claims)
	t.trie = build(claims)
	t.scratch.New = func() any {
		return &reading{lexer: newLexer(), mentions: make([]mentions, len(topics)), witness: make([]testimony, len(topics)), claimants: make([][]int32, shorts+1)}
	}
	return t
}

// mentions counts where a topic was found. A mention is doubtful when case was
// needed to tell the topic from a common word and the text, being in capitals,
// did not tell, or when the alias is weak; it counts only beside a firm mention
// of the topic, or of one directly below it.
type mentions struct {
	firm, doubtful [parts]int32
}

func (m *mentions) isFirm() bool { return m.firm != [parts]int32{} }

const (
	inTitle = iota
	inLead
	inBody
	parts
)

// reading is the state of one call of Tags, kept for the next.
type reading struct {
	lexer    *lexer
	mentions []mentions // by topic; all zero between calls
	found    []int32    // the topics whose mentions are not zero

	witness   []testimony // by topic, of countries only; all zero between calls
	spoken    []int32     // the countries whose testimony is not zero
	countries []int32     // reused by namedOrHinted

	shorts    []shortMention
	claimants [][]int32 // by short form: who was named in full; all empty between calls
	claimed   []int32   // the short forms whose claimants are not empty
}

// Tags returns the topics that a text mentions, without those above them (see
// [Catalogue.Inherit]), most salient first and then by id, at most 30. The time
// grows with the length of the text only.
func (t *Tagger) Tags(x Text) []Tag {
	r := t.scratch.Get().(*reading)
	defer t.scratch.Put(r)
	return t.judge(r, t.readAll(r, x))
}

// readAll counts the mentions in a text and returns the words of its body
// behind the lead.
func (t *Tagger) readAll(r *reading, x Text) int {
	t.read(r, x.Title, inTitle, 0)
	lead := 0
	if repeats(x.Body, x.Summary) || t.read(r, x.Summary, inLead, 0) == 0 {
		lead = leadWords
	}
	return max(0, t.read(r, x.Body, inBody, lead)-lead)
}

// repeats reports whether a body begins with its summary, as when the publisher
// sends the first lines as one: what is said twice for that reason counts once.
// Spaces may differ, and the summary may end in mid-word or with dots.
func repeats(body, summary string) bool {
	rest := strings.Fields(body[:min(len(body), 2*len(summary)+64)])
	given := strings.Fields(strings.TrimRight(summary, ".…"))
	if len(given) == 0 || len(rest) < len(given) {
		return false
	}
	last := len(given) - 1
	return slices.Equal(rest[:last], given[:last]) && strings.HasPrefix(rest[last], given[last])
}

// read counts the mentions in a part of the text, its first lead words as the
// lead, and returns the number of words.
func (t *Tagger) read(r *reading, s string, part, lead int) int {
	tokens := r.lexer.lex(t.trie.words, s)
	caps := inCapitals(s)
	for i := 0; i < len(tokens); {
		m := t.longest(s, tokens[i:], caps)
		if m.words == 0 {
			i++
			continue
		}
		where := part
		if i < lead {
			where = inLead
		}
		for _, short := range m.pattern.tails {
			r.named(short, m.pattern.topic)
		}
		for _, h := range m.pattern.hints {
			if w := r.testify(h.country); h.money {
				w.money[where]++
			} else {
				w.hint[where]++
			}
		}
		switch {
		case m.pattern.short != 0:
			r.shorts = append(r.shorts, shortMention{m.pattern, m.pattern.topic, where, m.doubtful})
		case m.pattern.topic != notTopic:
			r.count(m.pattern.topic, where, m.doubtful)
			if t.isCountry[m.pattern.topic] && part != inTitle {
				if w := r.testify(m.pattern.topic); w.first == 0 {
					w.first = int32(i + 1)
				}
			}
		}
		i += m.words
	}
	t.countCodes(r, s)
	return len(tokens)
}

func (r *reading) count(topic int32, part int, doubtful bool) {
	c := &r.mentions[topic]
	if *c == (mentions{}) {
		r.found = append(r.found, topic)
	}
	if doubtful {
		c.doubtful[part]++
	} else {
		c.firm[part]++
	}
}

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
	doubtful = p.rule == ruleWeak
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
		case unicode.IsLower(r):
			lower++
		}
		if lower > 16 && lower*8 > upper*9 { // no hope; most bodies end here
			return false
		}
	}
	return upper > 0 && lower*8 <= upper
}

// judge turns mentions into tags and clears the reading.
func (t *Tagger) judge(r *reading, length int) []Tag {
	r.settleShorts()
	t.testifyBelow(r)
	var tags []Tag
	add := func(topic int32, salience float64) {
		tags = append(tags, Tag{Topic: t.topics[topic], Salience: math.Round(1000*salience) / 1000})
	}
	for _, topic := range r.found {
		if evidence := t.evidence(r, topic, length); !t.isCountry[topic] && evidence >= enough {
			add(topic, evidence/(evidence+halfSalience))
		}
	}
	all := t.namedOrHinted(r)
	for _, country := range all {
		f := t.factsOf(r, country, length, all)
		if p := t.model.about(&f); p >= aboutFloor {
			add(country, p)
		}
	}
	r.clear()
	slices.SortFunc(tags, bySalience)
	return tags[:min(len(tags), maxTags)]
}

// testifyBelow lets what was found speak for the countries above it.
func (t *Tagger) testifyBelow(r *reading) {
	for _, topic := range r.found {
		if t.isCountry[topic] {
			continue
		}
		counted := t.counted(r, topic)
		for _, country := range t.countries[topic] {
			for part, n := range counted {
				if n > 0 {
					r.testify(country).below[part] += n
				}
			}
		}
	}
}

func (r *reading) clear() {
	for _, topic := range r.found {
		r.mentions[topic] = mentions{}
	}
	for _, country := range r.spoken {
		r.witness[country] = testimony{}
	}
	r.found, r.spoken = r.found[:0], r.spoken[:0]
}

func (t *Tagger) evidence(r *reading, topic int32, length int) float64 {
	m := t.counted(r, topic)
	return titleWeight*saturate(m[inTitle]) + leadWeight*saturate(m[inLead]) +
		bodyWeight*float64(m[inBody])/(1+float64(length)/bodyLength)
}

// counted gives the mentions of a topic that count.
func (t *Tagger) counted(r *reading, topic int32) [parts]int32 {
	m := r.mentions[topic]
	if m.doubtful != [parts]int32{} && t.isSupported(r, topic) {
		for part := range m.firm {
			m.firm[part] += m.doubtful[part]
		}
	}
	return m.firm
}

// isSupported reports whether the doubtful mentions of a topic count.
func (t *Tagger) isSupported(r *reading, topic int32) bool {
	if r.mentions[topic].isFirm() {
		return true
	}
	for _, other := range r.found {
		if r.mentions[other].isFirm() && slices.Contains(t.broader[other], topic) {
			return true
		}
	}
	return false
}

// saturate counts the first mention as 1 and each further one half as much as
// the one before.
func saturate(n int32) float64 { return 2 - math.Exp2(1-float64(n)) }
