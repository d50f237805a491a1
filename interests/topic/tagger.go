package topic

import (
	"math"
	"slices"
	"strings"
	"sync"
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
	floor        = 0.27 // tags below are dropped
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

	kinds        []Kind             // by topic
	isCountry    []bool             // by topic
	countries    [][]int32          // by topic: the countries above it
	economy      []float64          // by topic
	unitedStates int32              // its place, or notTopic
	canada       int32              // likewise
	codes        map[string][]int32 // the countries of an exchange's code, ".L" in "<TSCO.L>"
	model        forest
	scratch      sync.Pool // of *reading
}

// newTagger compiles the topics of a catalogue.
func newTagger(topics []Topic) *Tagger {
	t := &Tagger{topics: make([]ID, len(topics)), broader: make([][]int32, len(topics)), kinds: make([]Kind, len(topics)), codes: map[string][]int32{}}
	places := make(map[ID]int32, len(topics))
	l, signs := newLexer(), loadSeed().signs
	seats := seatsOf(topics, signs)
	var claims []claim
	for i, topic := range topics {
		t.topics[i], t.kinds[i], places[topic.ID] = topic.ID, topic.Kind, int32(i)
		claims = append(claims, claimsOf(int32(i), topic, signs[seedID(topic)], seats[seedID(topic)], l)...)
		for _, s := range signs[seedID(topic)] {
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

// seatsOf lists, by the topics that stand for countries, the hints at these: a
// capital stands for its country in every language.
func seatsOf(topics []Topic, signs map[ID][]signed) map[ID][]hint {
	seats := map[ID][]hint{}
	for i, topic := range topics {
		for _, s := range signs[seedID(topic)] {
			if id := MakeID(s.text); s.rule == ruleCapital && !slices.ContainsFunc(seats[id], func(h hint) bool { return h.country == int32(i) }) {
				seats[id] = append(seats[id], hint{int32(i), ruleCapital})
			}
		}
	}
	return seats
}

// mentions counts where a topic was found. A mention is doubtful when case was
// needed to tell the topic from a common word and the text, being in capitals,
// did not tell, or when the alias is weak; it counts only beside a firm mention
// of the topic, of one directly below it, of a city's country, of another region
// of the same country, or of a word of its context.
type mentions struct {
	firm, doubtful [parts]int32
	context        bool // something else makes doubtful mentions count
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

	persons []int32 // places whose name was found in a person's

	spans *[]span // what was found where, for Explain only; nil while nobody asks
	sport int     // words of reports from games, for Explain only

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
	if r.spans != nil {
		r.sport += t.trie.countClass(tokens, classSport)
	}
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
		if m.words == 1 && isCode(s, tokens[i]) && t.isPlace(m.pattern.topic) {
			i++
			continue // "Union Carbide <UK>"
		}
		within := itself
		if !caps && (r.spans != nil || t.isPlace(m.pattern.topic)) {
			within = t.within(s, tokens, i, i+m.words, m.pattern.topic)
		}
		if r.spans != nil {
			*r.spans = append(*r.spans, span{m.pattern, m.pattern.topic, part, where, tokens[i].start, tokens[i+m.words-1].end, m.doubtful, within, t.trie.whereabouts(tokens, i)})
		}
		t.take(r, m, within, where, i)
		i += m.words
	}
	t.countCodes(r, s)
	t.countNames(r, s, part)
	return len(tokens)
}

// isCode reports whether a word stands in brackets by itself: an instrument code.
func isCode(s string, t token) bool {
	return t.start > 0 && s[t.start-1] == '<' && t.end < len(s) && s[t.end] == '>'
}

// take counts a match that begins at a word of a text.
func (t *Tagger) take(r *reading, m match, within inside, where, word int) {
	topic := m.pattern.topic
	if within != itself && t.isPlace(topic) && t.takePart(r, topic, within, where) {
		return
	}
	if m.pattern.rule == ruleAfter && (within != itself || !t.isSupported(r, topic)) {
		return
	}
	for _, short := range m.pattern.tails {
		r.named(short, topic)
	}
	for _, h := range m.pattern.hints {
		t.takeHint(r, h, where, word, m.doubtful)
	}
	doubtful := m.doubtful || len(r.persons) > 0 && slices.Contains(r.persons, topic)
	switch {
	case m.pattern.short != 0:
		r.shorts = append(r.shorts, shortMention{m.pattern, topic, where, doubtful, r.lastSpan()})
	case topic != notTopic:
		r.count(topic, where, doubtful)
		if t.isCountry[topic] {
			r.firstNamed(topic, where, word)
		}
	}
	for _, other := range m.pattern.also {
		r.count(other, where, true)
	}
}

// takePart counts a place whose name is only part of a longer one, and reports
// whether that is all it counts. Who is "Margaret Hamburg" once is no city later.
func (t *Tagger) takePart(r *reading, place int32, within inside, where int) bool {
	switch {
	case within == ofPerson:
		if !slices.Contains(r.persons, place) {
			r.persons = append(r.persons, place)
		}
		return true
	case within == ofBody && !t.isCountry[place], within == ofAddress && t.kinds[place] == KindCity:
		for _, country := range t.countries[place] {
			r.testify(country).hint[where]++
		}
		return true
	}
	return false
}

// within tells what longer name a name is part of.
func (t *Tagger) within(s string, tokens []token, first, next int, topic int32) inside {
	within := t.trie.insideOf(s, tokens, first, next)
	if within == itself && topic != notTopic && t.kinds[topic] == KindOrganisation && first > 0 && tokens[first].joins {
		if names := t.trie.ends[t.trie.first[tokens[first-1].word]]; len(names) > 0 && names[0].topic != notTopic && t.kinds[names[0].topic] == KindRegion {
			return ofOffice // "Wisconsin Senate"
		}
	}
	if within == itself && t.isPlace(topic) && t.isAddress(s, tokens, first, topic) {
		return ofAddress
	}
	return within
}

// isAddress reports whether a place only says where the one before it is:
// behind a comma and a name that is unknown, or that of a city below it or, of
// regions, in the same country.
func (t *Tagger) isAddress(s string, tokens []token, first int, place int32) bool {
	last, ok := placeBefore(s, tokens, first)
	if !ok {
		return false
	}
	names := t.trie.ends[t.trie.first[last.word]]
	if len(names) == 0 {
		return !t.isCountry[place]
	}
	city := names[0].topic
	return city != notTopic && t.kinds[city] == KindCity && (slices.Contains(t.countries[city], place) ||
		t.kinds[place] == KindRegion && t.shareCountry(city, place))
}

func (t *Tagger) takeHint(r *reading, h hint, where, word int, doubtful bool) {
	if h.rule == ruleContext {
		c := &r.mentions[h.country]
		if *c == (mentions{}) {
			r.found = append(r.found, h.country)
		}
		c.context = true
		return
	}
	w := r.testify(h.country)
	switch h.rule {
	case ruleMoney:
		w.money[where]++
	case ruleHint:
		w.hint[where]++
	case ruleCapital:
		if where == inTitle {
			w.seat++
		}
		r.count(h.country, where, doubtful)
		r.firstNamed(h.country, where, word)
	}
}

// firstNamed notes the first word behind the title that names a country.
func (r *reading) firstNamed(country int32, where, word int) {
	if where == inTitle {
		return
	}
	if w := r.testify(country); w.first == 0 {
		w.first = int32(word + 1)
	}
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

// judge turns mentions into tags and clears the reading.
func (t *Tagger) judge(r *reading, length int) []Tag {
	r.settleShorts()
	var tags []Tag
	t.eachInQuestion(r, length, func(topic int32, salience, least float64, _ *facts) {
		if salience >= least {
			tags = append(tags, Tag{Topic: t.topics[topic], Salience: rounded(salience)})
		}
	})
	r.clear()
	slices.SortFunc(tags, bySalience)
	return tags[:min(len(tags), maxTags)]
}

func rounded(salience float64) float64 { return math.Round(1000*salience) / 1000 }

// eachInQuestion yields all topics that something speaks for, the salience of
// each, and from which salience on it is a tag; of countries also the facts.
func (t *Tagger) eachInQuestion(r *reading, length int, yield func(topic int32, salience, least float64, f *facts)) {
	t.testifyBelow(r)
	for _, topic := range r.found {
		if !t.isCountry[topic] {
			evidence := t.evidence(r, topic, length)
			yield(topic, evidence/(evidence+halfSalience), floor, nil)
		}
	}
	all := t.namedOrHinted(r)
	for _, country := range all {
		f := t.factsOf(r, country, length, all)
		yield(country, t.model.about(&f, r.witness[country].seat), aboutFloor, &f)
	}
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
	r.found, r.spoken, r.persons = r.found[:0], r.spoken[:0], r.persons[:0]
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
	if m := &r.mentions[topic]; m.isFirm() || m.context {
		return true
	}
	for _, other := range r.found {
		if r.mentions[other].isFirm() && (slices.Contains(t.broader[other], topic) ||
			t.kinds[topic] == KindCity && t.isCountry[other] && slices.Contains(t.broader[topic], other) ||
			t.kinds[topic] == KindRegion && t.kinds[other] == KindRegion && t.shareCountry(topic, other)) {
			return true
		}
	}
	return false
}

func (t *Tagger) shareCountry(a, b int32) bool {
	for _, country := range t.countries[a] {
		if a != b && slices.Contains(t.countries[b], country) {
			return true
		}
	}
	return false
}

// saturate counts the first mention as 1 and each further one half as much as
// the one before.
func saturate(n int32) float64 { return 2 - math.Exp2(1-float64(n)) }
