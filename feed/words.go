package feed

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// This file takes a text to pieces: the words by which articles are compared.

// minTitleWords is how many words a title must have before a dash for what comes
// after it to be the name of a publication, which has up to maxPublication.
const (
	minTitleWords  = 4
	maxPublication = 4
)

// withoutPublication cuts the name of a publication after a dash or bar at the
// end of a title.
func withoutPublication(title string) string {
	for _, mark := range []string{" | ", " - ", " – ", " — "} {
		if head, tail, ok := cutLast(title, mark); ok && len(strings.Fields(tail)) <= maxPublication && len(strings.Fields(head)) >= minTitleWords {
			title = head
		}
	}
	return title
}

func cutLast(s, sep string) (head, tail string, ok bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// eachWord calls back with each word of a text, folded and stemmed.
func eachWord(text string, f func(string)) {
	text = strings.ToLower(norm.NFKC.String(text))
	start := -1
	var previous rune // of a script without spaces
	flush := func(end int) {
		if start >= 0 {
			if w := stem(text[start:end]); w != "" {
				f(w)
			}
			start = -1
		}
	}
	for i, r := range text {
		switch {
		case unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar):
			flush(i)
			if previous != 0 {
				f(string([]rune{previous, r}))
			}
			previous = r
			continue
		case unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r):
			if start < 0 {
				start = i
			}
		case start >= 0 && (r == '.' || r == ',') && i > 0 && isDigit(text[i-1]) && i+1 < len(text) && isDigit(text[i+1]):
		case start >= 0 && (r == '\'' || r == '’'):
			flush(i) // an s of possession is a word of one letter, which is none
		default:
			flush(i)
		}
		previous = 0
	}
	flush(len(text))
}

func isDigit(b byte) bool { return '0' <= b && b <= '9' }

// stem takes the commonest English endings off a word, lightly.
func stem(w string) string {
	w = w[:min(len(w), maxWord)]
	if len(w) < 2 && w[0] < utf8.RuneSelf && !isDigit(w[0]) {
		return ""
	}
	if isDigit(w[0]) {
		return strings.ReplaceAll(w, ",", "")
	}
	if len(w) <= 3 {
		return w
	}
	switch {
	case strings.HasSuffix(w, "ies") && len(w) > 4:
		w = w[:len(w)-3] + "y"
	case strings.HasSuffix(w, "sses"):
		w = w[:len(w)-2]
	case strings.HasSuffix(w, "s") && !strings.HasSuffix(w, "ss") && !strings.HasSuffix(w, "us") && !strings.HasSuffix(w, "is"):
		w = w[:len(w)-1]
	}
	switch {
	case strings.HasSuffix(w, "ied") && len(w) > 4:
		w = w[:len(w)-3] + "y"
	case strings.HasSuffix(w, "ed") && len(w) > 4 && hasVowel(w[:len(w)-2]):
		w = undouble(w[:len(w)-2])
	case strings.HasSuffix(w, "ing") && len(w) > 5 && hasVowel(w[:len(w)-3]):
		w = undouble(w[:len(w)-3])
	}
	if len(w) > 4 && strings.HasSuffix(w, "e") {
		w = w[:len(w)-1]
	}
	return w
}

func hasVowel(s string) bool { return strings.ContainsAny(s, "aeiouy") }

func undouble(s string) string {
	if n := len(s); n > 3 && s[n-1] == s[n-2] && !strings.ContainsRune("lsz", rune(s[n-1])) {
		return s[:n-1]
	}
	return s
}
