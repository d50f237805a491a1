package topic

import (
	_ "embed"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
)

// A text names many countries and is about few of them. Which, no single count
// tells: one mention in the body says little among ten countries and much when
// it is the only one; a city, a currency or the legal form of a company speak
// for a country that is never named. So the salience of a country is the
// probability, by a model of boosted trees (Friedman, Greedy function
// approximation, 2001), that an editor who files the text by country files it
// under this one. The trees are in about.txt; the fitting test makes them anew
// from the packs of test data.

// feature is a fact about a country in a text. Counts are cut at 15.
type feature int

const (
	ownTitle     feature = iota // mentions by the country's own names, in each part
	ownLead                     //
	ownBody                     //
	belowTitle                  // mentions of cities, people, companies … below it
	belowLead                   //
	belowBody                   //
	hintTitle                   // mentions of what only hints at it: "Heathrow"
	hintLead                    //
	hintBody                    //
	moneyTitle                  // currencies and legal forms of companies: "stg", "Plc"
	moneyLead                   //
	moneyBody                   //
	codes                       // instrument codes of its exchange: "<TSCO.L>"
	firstWord                   // where it is first named; 0 in the title, 1,000 never
	length                      // of summary and body
	countries                   // how many countries are named
	countriesTop                // how many are in the title or the lead
	share                       // of all mentions of countries by their own names, in percent
	others                      // mentions of other countries by their own names
	usTop                       // mentions of the United States in title and lead
	usBody                      // and further down: who writes for them names them in passing
	economy                     // its place among the world's economies, 1 the largest; 30 for all further ones
	namesTop                    // company names that an agency puts into brackets, "<Ivaco Inc>", in title and lead
	namesBody                   // and further down
	features
)

const (
	maxCount  = 15
	neverWord = 1000
	// aboutFloor is the probability from which a text is about a country. The
	// best F1 against editors' choices lies between 0.35 and 0.45.
	aboutFloor = 0.4
	// titleSalience is the least salience of what stands in the title.
	titleSalience = 0.5
	// seatSalience is what is left of it when only the capital does.
	seatSalience = 0.9
	treeDepth    = 4
	leaves       = 1 << treeDepth
)

// facts are the features of one country in one text.
type facts [features]float64

// tree is a complete binary tree in heap order: node i splits on at[i], left
// when the feature is at most than[i], and goes on to 2i+1 or 2i+2.
type tree struct {
	at   [leaves - 1]feature
	than [leaves - 1]float64
	leaf [leaves]float64
}

func (t *tree) value(f *facts) float64 {
	node := 0
	for range treeDepth {
		if f[t.at[node]] <= t.than[node] {
			node = 2*node + 1
		} else {
			node = 2*node + 2
		}
	}
	return t.leaf[node-(leaves-1)]
}

// forest is the model: log odds are the sum of the trees' values.
type forest []tree

func (m forest) probability(f *facts) float64 {
	odds := 0.0
	for i := range m {
		odds += m[i].value(f)
	}
	return 1 / (1 + math.Exp(-odds))
}

// about gives the salience of a country. In few words everything counts: a text
// whose title names a country is about it whatever else it names, and so is one
// that is no more than a lead. A title that names only the capital, seat of its
// mentions there, says a little less.
func (m forest) about(f *facts, seat int32) float64 {
	p := m.probability(f)
	switch {
	case f[ownTitle] > float64(seat):
		p = max(p, titleSalience)
	case f[ownTitle] > 0:
		p = max(seatSalience*p, aboutFloor)
	case f[ownLead] > 0 && f[length] == 0:
		p = max(p, aboutFloor)
	}
	return p
}

//go:embed about.txt
var aboutText string

// aboutModel is the forest of about.txt.
var aboutModel = sync.OnceValue(func() forest {
	m, err := parseForest(aboutText)
	if err != nil {
		panic(err) // the file is part of the program and read by every test
	}
	return m
})

// parseForest reads a tree a line: seven splits "feature:threshold", then eight
// leaves. Lines that begin with # say nothing.
func parseForest(text string) (forest, error) {
	var m forest
	for i, line := range strings.Split(text, "\n") {
		if line == "" || line[0] == '#' {
			continue
		}
		var t tree
		fields := strings.Fields(line)
		if len(fields) != 2*leaves-1 {
			return nil, fmt.Errorf("about.txt:%d: %d fields, want %d", i+1, len(fields), 2*leaves-1)
		}
		for n := range t.at {
			if _, err := fmt.Sscanf(fields[n], "%d:%g", &t.at[n], &t.than[n]); err != nil || t.at[n] < 0 || t.at[n] >= features {
				return nil, fmt.Errorf("about.txt:%d: bad split %q", i+1, fields[n])
			}
		}
		for n := range t.leaf {
			if _, err := fmt.Sscanf(fields[leaves-1+n], "%g", &t.leaf[n]); err != nil {
				return nil, fmt.Errorf("about.txt:%d: bad leaf %q", i+1, fields[leaves-1+n])
			}
		}
		m = append(m, t)
	}
	return m, nil
}

// testimony counts what speaks for a country without naming it.
type testimony struct {
	below, hint, money [parts]int32
	codes              int32
	names              [parts]int32 // companies of it in brackets
	seat               int32        // mentions in the title that name only the capital
	first              int32        // word of the first mention by an own name, from 1; 0: none
}

// testify returns what speaks for a country so far, to be counted up.
func (r *reading) testify(country int32) *testimony {
	if w := &r.witness[country]; *w != (testimony{}) {
		return w
	}
	r.spoken = append(r.spoken, country)
	return &r.witness[country]
}

// namedOrHinted lists the countries that the text names or that something in it
// speaks for, each once.
func (t *Tagger) namedOrHinted(r *reading) []int32 {
	list := append(r.countries[:0], r.spoken...)
	for _, topic := range r.found {
		if t.isCountry[topic] {
			list = append(list, topic)
		}
	}
	slices.Sort(list)
	r.countries = slices.Compact(list)
	return r.countries
}

func (t *Tagger) factsOf(r *reading, country int32, size int, all []int32) facts {
	var f facts
	w := r.witness[country]
	own := t.counted(r, country)
	for part := range parts {
		f[ownTitle+feature(part)] = count(own[part])
		f[belowTitle+feature(part)] = count(w.below[part])
		f[hintTitle+feature(part)] = count(w.hint[part])
		f[moneyTitle+feature(part)] = count(w.money[part])
	}
	f[codes] = count(w.codes)
	f[namesTop], f[namesBody] = count(w.names[inTitle]+w.names[inLead]), count(w.names[inBody])
	f[firstWord] = neverWord
	if own[inTitle] > 0 {
		f[firstWord] = 0
	} else if w.first > 0 {
		f[firstWord] = float64(min(w.first, neverWord))
	}
	f[length] = float64(size)
	f[economy] = t.economy[country]
	total := int32(0)
	for _, other := range all {
		m := t.counted(r, other)
		n := m[inTitle] + m[inLead] + m[inBody]
		if n == 0 {
			continue
		}
		f[countries]++
		total += n
		if m[inTitle]+m[inLead] > 0 {
			f[countriesTop]++
		}
		if other == t.unitedStates && other != country {
			f[usTop], f[usBody] = count(m[inTitle]+m[inLead]), count(m[inBody])
		}
	}
	mine := own[inTitle] + own[inLead] + own[inBody]
	f[others] = count(total - mine)
	if total > 0 {
		f[share] = math.Round(100 * float64(mine) / float64(total))
	}
	return f
}

func count(n int32) float64 { return float64(min(n, maxCount)) }

// countriesAbove finds, for every topic, the countries above it.
func (t *Tagger) countriesAbove(topics []Topic) {
	t.isCountry, t.unitedStates, t.canada = make([]bool, len(topics)), notTopic, notTopic
	for i, topic := range topics {
		t.isCountry[i] = topic.Kind == KindCountry
		if seedID(topic) == "united-states" {
			t.unitedStates = int32(i)
		}
		if seedID(topic) == "canada" {
			t.canada = int32(i)
		}
	}
	t.countries = make([][]int32, len(topics))
	t.economy = make([]float64, len(topics))
	for i, topic := range topics {
		t.economy[i] = float64(len(economies) + 1)
		if at := slices.Index(economies, seedID(topic)); at >= 0 {
			t.economy[i] = float64(at + 1)
		}
	}
	for i := range topics {
		seen := []int32{int32(i)}
		for at := 0; at < len(seen); at++ { // cycles, which editors can make, end
			for _, above := range t.broader[seen[at]] {
				if slices.Contains(seen, above) {
					continue
				}
				seen = append(seen, above)
				if t.isCountry[above] {
					t.countries[i] = append(t.countries[i], above)
				}
			}
		}
	}
}

// countCodes counts the instrument codes in a text by their exchange: agencies
// write "<TSCO.L>" or "(VOD.L)" behind the name of a company.
func (t *Tagger) countCodes(r *reading, s string) {
	for at := strings.IndexByte(s, '.'); at >= 0; {
		end := at + 1
		for end < len(s) && 'A' <= s[end] && s[end] <= 'Z' && end-at <= 4 {
			end++
		}
		if at > 1 && 'A' <= s[at-1] && s[at-1] <= 'Z' && end > at+1 && end < len(s) && (s[end] == '>' || s[end] == ')') {
			for _, country := range t.codes[s[at:end]] {
				r.testify(country).codes++
			}
		}
		next := strings.IndexByte(s[end:], '.')
		if next < 0 {
			return
		}
		at = end + next
	}
}

// countNames counts the companies that an agency puts into brackets in place of an
// instrument code, because no American exchange lists them: with the legal forms
// "Inc", "Ltd" and "Corp" most are Canadian. Codes of five letters that end in F
// are those of foreign shares that are traded there over the counter.
func (t *Tagger) countNames(r *reading, s string, part int) {
	if t.canada == notTopic {
		return
	}
	for at := strings.IndexByte(s, '<'); at >= 0; {
		rest := s[at+1 : min(len(s), at+1+maxBracket)]
		end := strings.IndexByte(rest, '>')
		if end > 0 && isListedElsewhere(rest[:end]) {
			r.testify(t.canada).names[part]++
		}
		next := strings.IndexByte(s[at+1:], '<')
		if next < 0 {
			return
		}
		at += 1 + next
	}
}

// maxBracket is the longest bracketed name that is looked at, in bytes.
const maxBracket = 64

var elsewhere = []string{"INC", "LTD", "LIMITED", "CORP", "CO", "LTEE", "INC."}

func isListedElsewhere(bracketed string) bool {
	last := bracketed[strings.LastIndexByte(bracketed, ' ')+1:]
	if len(last) == len(bracketed) { // one word: a code
		return len(bracketed) == 5 && bracketed[4] == 'F' && strings.ToUpper(bracketed) == bracketed
	}
	for _, form := range elsewhere {
		if strings.EqualFold(last, form) {
			return true
		}
	}
	return false
}

// economies are the largest by gross domestic product, in order.
var economies = []ID{"united-states", "china", "germany", "japan", "india", "united-kingdom", "france", "italy", "canada", "brazil", "russia", "spain", "south-korea", "australia", "mexico", "turkey", "indonesia", "netherlands", "saudi-arabia", "poland", "switzerland", "belgium", "taiwan", "ireland", "argentina", "sweden", "singapore", "israel", "austria"}
