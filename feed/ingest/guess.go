package ingest

import (
	"bytes"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// guessLooked is how many bytes of a document are looked at for its encoding.
const guessLooked = 128 << 10

// guessed is the encoding of bytes of which nothing true is said. UTF-8 with a few
// bytes spoiled is still that when most of what is beyond ASCII is. Scripts of East
// Asia show by their pairs of bytes, Cyrillic by words of high bytes alone; what
// other encodings of one byte there are is told by the language that the document
// says, as browsers told it by that of their users; else it is what those of the
// West took everything for.
func guessed(b []byte) string {
	if bytes.Contains(b[:min(len(b), guessLooked)], []byte("\x1b$B")) {
		return "iso-2022-jp"
	}
	if utf8.Valid(b) {
		return "utf-8"
	}
	b = b[:min(len(b), guessLooked)]
	if mostlyUTF8(b) {
		return "utf-8"
	}
	if name := pairsOf(b); name != "" {
		return name
	}
	if name := singleOf(b); name != "" {
		return name
	}
	return "windows-1252"
}

func mostlyUTF8(b []byte) bool {
	good, bad := 0, 0
	for rest := b; len(rest) > 0; {
		r, n := utf8.DecodeRune(rest)
		switch rest = rest[n:]; {
		case r == utf8.RuneError && n == 1:
			bad++
		case r >= utf8.RuneSelf:
			good++
		}
	}
	return good > bad
}

// leastPairs is how many characters a guess needs.
const leastPairs = 4

// pairsOf returns the encoding of East Asia that bytes are in, "" when none is
// likely: all of them are characters there, and of the kind that the language is
// written with. Japanese has a fifth of kana at least, Korean hardly any Han; of the
// two of Chinese that is it of which more are among the common characters, which
// both put first.
func pairsOf(b []byte) string {
	for _, name := range []string{"shift_jis", "euc-jp"} {
		if seen, ok := charactersOf(b, name); ok && 5*seen.kana >= seen.all && 10*seen.halfKana <= seen.all {
			return name
		}
	}
	if seen, ok := charactersOf(b, "euc-kr"); ok && 10*seen.hangul >= 9*(seen.hangul+seen.han) && 2*seen.hangul >= seen.all {
		return "euc-kr"
	}
	best, most := "", 0.5
	for _, c := range []struct {
		name        string
		first, last byte // lead bytes of the common characters
		trail       byte // the least
	}{{"gb18030", 0xb0, 0xd7, 0xa1}, {"big5", 0xa4, 0xc6, 0x40}} {
		seen, ok := charactersOf(b, c.name)
		if share := commonPairs(b, c.first, c.last, c.trail); ok && 2*seen.han >= seen.all && share > most {
			best, most = c.name, share
		}
	}
	return best
}

// characters counts what bytes would be in an encoding, beyond ASCII.
type characters struct{ all, kana, halfKana, hangul, han int }

// charactersOf counts; it is not ok when some bytes are no characters, there are too
// few, or every third goes on with a word in ASCII, as letters with accents do.
func charactersOf(b []byte, name string) (seen characters, ok bool) {
	text, err := encodingOf(name).NewDecoder().Bytes(b)
	if err != nil {
		return seen, false
	}
	text = bytes.TrimSuffix(text, []byte("\uFFFD")) // a pair that is cut in two
	latin, within := false, 0                       // the last was a letter of ASCII; how many follow one
	for _, r := range string(text) {
		before := latin
		latin = r < utf8.RuneSelf && unicode.IsLetter(r)
		switch {
		case r < utf8.RuneSelf:
			continue
		case r == utf8.RuneError:
			return seen, false
		case r >= 0xff61 && r <= 0xff9f:
			seen.halfKana++
		case unicode.In(r, unicode.Hiragana, unicode.Katakana):
			seen.kana++
		case unicode.Is(unicode.Hangul, r):
			seen.hangul++
		case unicode.Is(unicode.Han, r):
			seen.han++
		}
		if seen.all++; before {
			within++
		}
	}
	return seen, seen.all >= leastPairs && 3*within <= seen.all
}

// commonPairs is the share of pairs whose first byte is in a range and whose second
// is not before another.
func commonPairs(b []byte, first, last, trail byte) float64 {
	common, all := 0, 0
	for i := 0; i+1 < len(b); i++ {
		if b[i] < 0x81 {
			continue
		}
		if all++; b[i] >= first && b[i] <= last && b[i+1] >= trail {
			common++
		}
		i++
	}
	return float64(common) / float64(max(all, 1))
}

var saidLanguage = regexp.MustCompile(`(?i)<(?:dc:)?language>\s*(?:<!\[CDATA\[)?\s*([a-z]{2,3})\b|xml:lang=["']([a-z]{2,3})\b`)

// byLanguage are the encodings of one byte that languages were written in.
var byLanguage = map[string]string{
	"el": "windows-1253", "tr": "windows-1254", "he": "windows-1255", "iw": "windows-1255", "ar": "windows-1256", "fa": "windows-1256", "ur": "windows-1256",
	"th": "windows-874", "vi": "windows-1258", "lt": "windows-1257", "lv": "windows-1257", "et": "windows-1257",
	"pl": "windows-1250", "cs": "windows-1250", "sk": "windows-1250", "hu": "windows-1250", "sl": "windows-1250", "hr": "windows-1250", "ro": "windows-1250",
	"ru": cyrillic, "uk": cyrillic, "be": cyrillic, "bg": cyrillic, "mk": cyrillic, "sr": cyrillic,
}

// cyrillic is one of two.
const cyrillic = "windows-1251"

// singleOf returns the encoding of one byte that a document's language is written
// in, or Cyrillic if it says none and nine in ten of its high bytes stand beside
// others, as no letters with accents do; "" otherwise.
func singleOf(b []byte) string {
	name, said := "", saidLanguage.FindSubmatch(b)
	if said != nil {
		if name = byLanguage[strings.ToLower(string(said[1])+string(said[2]))]; name != cyrillic {
			return name
		}
	}
	high, beside, low, upper := 0, 0, 0, 0
	for i, c := range b {
		if c < 0xc0 {
			continue
		}
		if high++; i > 0 && b[i-1] >= 0xc0 || i+1 < len(b) && b[i+1] >= 0xc0 {
			beside++
		}
		if c >= 0xe0 {
			low++
		} else {
			upper++
		}
	}
	switch {
	case name == "" && (high < leastPairs || 10*beside < 9*high):
		return ""
	case low >= upper: // small letters, of which there are more
		return cyrillic
	}
	return "koi8-r"
}
