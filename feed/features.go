package feed

import (
	"cmp"
	"encoding/binary"
	"hash/fnv"
	"math"
	"slices"
	"strings"

	"newsfeed/interests/topic"
)

// Features are what an article is compared by when its story is looked for: the
// words of meaning in its title, the topics it is about, and the most telling
// words of its text. The writer makes them once and they stand in the entry, so
// that following and warming the log read no text.
//
// They are at most maxFeatures bytes: a version, the fingerprint of the whole
// text (8 bytes), and terms of 4 bytes in ascending order. Entries written
// before there were features have none; so has an article without words.
type Features []byte

const (
	featuresVersion = 1
	featuresHead    = 1 + 8
	maxFeatures     = 512
	maxTerms        = (maxFeatures - featuresHead) / 4

	maxTitleTerms = 32
	textLookedAt  = 4096 // bytes of the text that are read
	leadLookedAt  = 600  // of them count more
	leadCounts    = 2    // than others
	telling       = 0.30 // least salience of a topic that an article is compared by
	topicCounts   = 4
	maxWord       = 40 // bytes of a word that count
	minTextWords  = 4  // of a text that tells a story
)

// term is a word or topic as features have it: its kind, 27 bits of a hash, and in the low
// bits how the article uses it.
type term uint32

const (
	inTitle   term = 1 << 2
	levelMask term = 3 // how much the text uses it: 0 not at all, to 3
	hashMask       = ^(inTitle | levelMask)
)

func (t term) hash() uint32  { return uint32(t & hashMask) }
func (t term) title() bool   { return t&inTitle != 0 }
func (t term) level() uint32 { return uint32(t & levelMask) }

// print returns the fingerprint of the text; 0 is none.
func (f Features) print() uint64 {
	if len(f) < featuresHead {
		return 0
	}
	return binary.LittleEndian.Uint64(f[1:])
}

// terms returns the number of terms.
func (f Features) terms() int { return max(len(f)-featuresHead, 0) / 4 }

func (f Features) term(i int) term {
	return term(binary.LittleEndian.Uint32(f[featuresHead+4*i:]))
}

// termKind keeps words, topics and sources apart: the highest bits of a hash.
type termKind uint32

const (
	wordTerm termKind = iota
	topicTerm
	sourceTerm
)

const kindShift = 30

// wordUse is how an article uses a word, or that it is about a topic.
type wordUse struct {
	title, topic bool
	count        float64
}

// hashTerm hashes a word, a topic or a source: FNV-1a, mixed so that what is cut
// off does not matter.
func hashTerm(kind termKind, word string) uint32 {
	h := uint32(2166136261)
	for i := range len(word) {
		h = (h ^ uint32(word[i])) * 16777619
	}
	h = (h ^ h>>15) * 0x2c1b3c6d
	h = (h ^ h>>12) * 0x297a2d39
	return (h^h>>15)&(1<<kindShift-1)&uint32(hashMask) | uint32(kind)<<kindShift
}

// featuresOf makes the features of an article whose text is given plain.
func featuresOf(a *Article, text string) Features {
	uses := make(map[uint32]wordUse, 256)
	n := 0
	eachWord(withoutPublication(a.Title), func(w string) {
		if h := hashTerm(wordTerm, w); n < maxTitleTerms && !uses[h].title {
			uses[h] = wordUse{title: true}
			n++
		}
	})
	count := func(s string, weight float64) {
		eachWord(s, func(w string) {
			h := hashTerm(wordTerm, w)
			u := uses[h]
			u.count += weight
			uses[h] = u
		})
	}
	read := text[:min(len(text), textLookedAt)]
	lead := min(len(read), leadLookedAt)
	count(a.Summary[:min(len(a.Summary), textLookedAt)], leadCounts)
	count(read[:lead], leadCounts)
	count(read[lead:], 1)
	for _, t := range a.Tags {
		if t.Salience >= telling && !t.Inherited && t.Topic != topic.SourceTopicID(a.Source.ID) {
			uses[hashTerm(topicTerm, string(t.Topic))] = wordUse{topic: true, count: topicCounts}
		}
	}
	return encodeFeatures(chooseTerms(uses), printOf(a, text))
}

// printOf returns the fingerprint of an article's whole text; 0 when that says
// too little to tell two stories apart.
func printOf(a *Article, text string) uint64 {
	h, words := fnv.New64a(), 0
	eachWord(withoutPublication(a.Title), func(w string) {
		words++
		h.Write([]byte(w))
		h.Write([]byte{0})
	})
	for _, s := range []string{a.Summary, text} {
		for part := range strings.FieldsSeq(s) {
			words++
			h.Write([]byte(part))
		}
		h.Write([]byte{0})
	}
	if words < minTextWords {
		return 0
	}
	return max(h.Sum64(), 1)
}

// chooseTerms returns the terms that tell an article from others best: those of
// the title and the topics, then the words that it uses often and English seldom.
func chooseTerms(uses map[uint32]wordUse) []term {
	type scored struct {
		t     term
		score float64
	}
	all := make([]scored, 0, len(uses))
	for h, u := range uses {
		t, score := term(h), (1+math.Log2(max(u.count, 1)))*-math.Log(englishShare(h))
		switch {
		case u.count == 0:
		case u.count < 2:
			t |= 1
		case u.count < 5:
			t |= 2
		default:
			t |= 3
		}
		if u.title {
			t |= inTitle
		}
		if u.title || u.topic {
			score = math.MaxFloat64
		}
		all = append(all, scored{t, score})
	}
	slices.SortFunc(all, func(a, b scored) int { return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.t, b.t)) })
	terms := make([]term, 0, maxTerms)
	for _, s := range all[:min(len(all), maxTerms)] {
		terms = append(terms, s.t)
	}
	slices.Sort(terms)
	return terms
}

func encodeFeatures(terms []term, print uint64) Features {
	f := make(Features, 1, featuresHead+4*len(terms))
	f[0] = featuresVersion
	f = binary.LittleEndian.AppendUint64(f, print)
	for _, t := range terms {
		f = binary.LittleEndian.AppendUint32(f, uint32(t))
	}
	return f
}
