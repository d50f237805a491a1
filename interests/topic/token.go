package topic

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/clipperhouse/uax29/v2/words"
	"golang.org/x/text/unicode/norm"
)

// maxToken is the longest folded word, in bytes, that can be in an alias.
const maxToken = 64

// token is a word of a text as the tagger compares it.
type token struct {
	start, end int    // where it stands, without "'s"
	word       uint32 // its number in the vocabulary, 0 when no alias has it
	joins      bool   // a phrase may go on from the token before to this one
	dotted     bool   // an abbreviation with dots: "U.S"
}

// vocabulary numbers the folded words of all aliases, from 1.
type vocabulary map[string]uint32

// lexer cuts texts into tokens. It keeps its buffers; one goroutine at a time.
type lexer struct {
	words  *words.Iterator[string]
	folded []byte
	tokens []token
}

func newLexer() *lexer { return &lexer{words: words.FromString("")} }

// lex returns the tokens of s, good until the next call. Words are those of
// Unicode text segmentation (UAX 29), with three amendments:
//
//   - "Iran's" is Iran: the possessive is not part of a word;
//   - "U.S" is one abbreviation (the segmentation leaves out its last dot),
//     but "S.Africa" is two words, as the wire services write it;
//   - "&" is a word, and the same as "and".
func (l *lexer) lex(v vocabulary, s string) []token {
	l.tokens = l.tokens[:0]
	l.words.SetText(s)
	end := 0 // where the last token ended, possessive included
	for l.words.Next() {
		start, word := l.words.Start(), l.words.Value()
		if !isWord(word) {
			continue
		}
		joins := end > 0 && l.joins(s[end:start])
		stem := trimPossessive(word)
		switch {
		case word == "&":
			l.tokens = append(l.tokens, token{start, start + 1, v["and"], joins, false})
		case strings.IndexByte(stem, '.') < 0:
			l.add(v, stem, token{start: start, joins: joins})
		case isAbbreviation(stem):
			l.add(v, stem, token{start: start, joins: joins, dotted: true})
		default:
			for part := range strings.SplitSeq(stem, ".") {
				if part != "" {
					l.add(v, part, token{start: start, joins: joins})
				}
				start, joins = start+len(part)+1, true
			}
		}
		end = l.words.End()
	}
	return l.tokens
}

func (l *lexer) add(v vocabulary, word string, t token) {
	t.end = t.start + len(word)
	if l.folded = fold(l.folded[:0], word); len(l.folded) > 0 && len(l.folded) <= maxToken {
		if t.word = v[string(l.folded)]; t.word == 0 && l.folded[0] >= utf8.RuneSelf {
			t.word = stemmed(v, l.folded)
		}
	}
	if t.word == 0 && v != nil {
		if rest, ok := elided(word); ok {
			l.add(v, rest, token{start: t.end - len(rest), joins: t.joins})
			return
		}
	}
	l.tokens = append(l.tokens, t)
}

// joins reports whether a phrase may run across gap: space, hyphens, stray
// apostrophes, a single line break, and a dot when the word before it is so
// short that it must be an abbreviation ("N. Korea", "St. Lucia").
func (l *lexer) joins(gap string) bool {
	breaks := 0
	for _, r := range gap {
		switch r {
		case ' ', '\t', '\r', '-', '\'', '\u00a0', '\u00ad', '\u2010', '\u2011', '\u2013', '\u2019':
		case '\n':
			breaks++
		case '.':
			if last := l.tokens[len(l.tokens)-1]; last.end-last.start > 3 {
				return false
			}
		default:
			return false
		}
	}
	return breaks < 2
}

// isWord reports whether a segment is a word rather than what stands between.
func isWord(segment string) bool {
	if c := segment[0]; c < utf8.RuneSelf {
		return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '&' || c == '_'
	}
	r, _ := utf8.DecodeRuneInString(segment)
	return unicode.IsLetter(r) || unicode.IsDigit(r)
}

// elided takes the French article or preposition off a word: "l'Iran", "D’Haïti".
func elided(word string) (string, bool) {
	if len(word) < 5 || !strings.ContainsRune("lLdD", rune(word[0])) {
		return "", false
	}
	for _, apostrophe := range []string{"'", "\u2019"} {
		if rest, ok := strings.CutPrefix(word[1:], apostrophe); ok {
			return rest, true
		}
	}
	return "", false
}

func trimPossessive(word string) string {
	n := len(word)
	if n < 3 || word[n-1]|0x20 != 's' {
		return word
	}
	if word[n-2] == '\'' {
		return word[:n-2]
	}
	if stem, ok := strings.CutSuffix(word[:n-1], "\u2019"); ok {
		return stem
	}
	return word
}

// isAbbreviation reports whether every part between the dots is one letter.
func isAbbreviation(word string) bool {
	length := 0
	for _, r := range word {
		switch {
		case r == '.':
			length = 0
		case length == 1:
			return false
		default:
			length++
		}
	}
	return true
}

// fold appends the form in which words are compared: lower case, without dots
// and without accents over letters (U+0300 to U+036F), which writers leave out
// at will. Marks of scripts that need them stay.
func fold(dst []byte, word string) []byte {
	for i := 0; i < len(word); i++ {
		c := word[i]
		switch {
		case c >= utf8.RuneSelf:
			return foldUnicode(dst[:0], word)
		case c == '.':
		case 'A' <= c && c <= 'Z':
			dst = append(dst, c|0x20)
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

func foldUnicode(dst []byte, word string) []byte {
	if len(word) > 4*maxToken { // cannot be in an alias, whatever it folds to
		return append(dst, word[:4*maxToken]...)
	}
	first, _ := utf8.DecodeRuneInString(word)
	switch {
	case unicode.Is(unicode.Hangul, first):
		return append(dst, norm.NFKC.String(word)...) // in syllables: words stay short
	case unicode.Is(unicode.Arabic, first):
		return foldArabic(dst, word)
	}
	for _, r := range norm.NFKD.String(word) {
		switch {
		case r == '.' || '\u0300' <= r && r <= '\u036f':
		case r == '\u2019':
			dst = append(dst, '\'')
		case r == 'ı':
			dst = append(dst, 'i')
		default:
			dst = utf8.AppendRune(dst, unicode.ToLower(r))
		}
	}
	return dst
}
