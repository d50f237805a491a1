package topic

import (
	"bytes"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Arabic writes "and", "in", "like", "for" and the article as one word with what
// follows, Korean its particles as one with what precedes. A word that no alias
// has is looked up again without them.

const arabicArticle = "ال"

// arabicBefore are the prefixes in the order in which they can follow each other.
var arabicBefore = [][][]byte{
	{[]byte("و"), []byte("ف")},
	{[]byte("ب"), []byte("ك"), []byte("ل")},
	{[]byte(arabicArticle), []byte("ل")}, // "لل" is "ل" and the article
}

// koreanBehind are the particles, and "people" and "army", which are written
// like them. Longer ones come before those they end in.
var koreanBehind = particles(
	"에서는", "에서도", "으로부터", "이라고", "에게서", "에서", "에게", "에는", "에도", "에의", "으로", "로부터", "까지", "부터", "처럼", "보다", "이나", "이라", "라고", "만이", "만의", "측은", "측이", "인들", "인은", "인이", "인의", "군이", "군은", "군의",
	"은", "는", "이", "가", "을", "를", "의", "에", "와", "과", "도", "로", "만", "나", "랑", "군", "인", "측", "산", "발",
)

func particles(words ...string) (all [][]byte) {
	for _, w := range words {
		all = append(all, []byte(w))
	}
	return all
}

// stemmed returns the number of a folded word without what is written as one
// with it, 0 when the vocabulary has none.
func stemmed(v vocabulary, folded []byte) uint32 {
	r, _ := utf8.DecodeRune(folded)
	switch {
	case isHangul(r):
		return withoutParticles(v, folded)
	case '\u0600' <= r && r <= '\u06ff':
		return withoutPrefixes(v, folded)
	}
	return 0
}

func isHangul(r rune) bool { return '\uac00' <= r && r <= '\ud7a3' }

// withoutParticles takes one particle off, or two, and leaves two syllables.
func withoutParticles(v vocabulary, folded []byte) uint32 {
	const leastStem = 2 * 3 // bytes of two syllables
	for range 2 {
		short := false
		for _, p := range koreanBehind {
			stem, ok := bytes.CutSuffix(folded, p)
			if !ok || len(stem) < leastStem {
				continue
			}
			if word := v[string(stem)]; word != 0 {
				return word
			}
			folded, short = stem, true
			break
		}
		if !short {
			return 0
		}
	}
	return 0
}

// withoutPrefixes takes one prefix after the other off and leaves three letters.
func withoutPrefixes(v vocabulary, folded []byte) uint32 {
	const leastStem = 3 * 2 // bytes of three letters
	for _, choices := range arabicBefore {
		for _, p := range choices {
			stem, ok := bytes.CutPrefix(folded, p)
			if !ok || len(stem) < leastStem {
				continue
			}
			if word := v[string(stem)]; word != 0 {
				return word
			}
			folded = stem
			break
		}
	}
	return 0
}

// foldArabic leaves out what writers do: vowel signs, hamzas over letters, the
// tatweel; ة is ه and ى is ي. The article goes too, so that "كوريا الشمالية" and
// "شمالية" are one word.
func foldArabic(dst []byte, word string) []byte {
	from := len(dst)
	for _, r := range norm.NFKD.String(word) {
		switch {
		case '\u064b' <= r && r <= '\u065f', r == '\u0640', r == '\u0670':
		case r == 'ة':
			dst = utf8.AppendRune(dst, 'ه')
		case r == 'ى':
			dst = utf8.AppendRune(dst, 'ي')
		default:
			dst = utf8.AppendRune(dst, r)
		}
	}
	if stem, ok := bytes.CutPrefix(dst[from:], []byte(arabicArticle)); ok && len(stem) >= 3*2 {
		dst = append(dst[:from], stem...)
	}
	return dst
}
