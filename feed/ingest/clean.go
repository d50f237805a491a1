package ingest

import (
	"html"
	"strings"
	"unicode"
	"unicode/utf8"

	tokens "golang.org/x/net/html"
	"golang.org/x/text/unicode/norm"
)

// Plain makes plain text of what a publisher sent as a title, a summary or a
// name: markup goes, with all that is in scripts and styles; entities are
// decoded; control characters, overrides of direction and characters that
// cannot be seen are removed; white space is folded to single spaces; NFC.
// "AT&T <b>rises</b>" gives "AT&T rises", and "a < b" stays.
//
// "How to use &lt;b&gt;" meant letters, and becomes "How to use <b>": the result
// is text, not HTML, and cleaning it again would take its letters for markup.
// Who sends it on to where it is cleaned escapes it: Plain(html.EscapeString(p))
// is p, if p came from Plain.
func Plain(s string) string {
	if isPlain(s) {
		return s
	}
	return tidy(withoutMarkup(s, ' '))
}

// Text is the plain text of a sanitised body, for the tagger: blocks stand on
// lines of their own.
func Text(bodyHTML string) string {
	var text strings.Builder
	for line := range strings.SplitSeq(withoutMarkup(bodyHTML, '\n'), "\n") {
		if line = tidy(line); line != "" {
			text.WriteString(line)
			text.WriteByte('\n')
		}
	}
	return strings.TrimSuffix(text.String(), "\n")
}

// isPlain spares most texts the tokenizer: printable ASCII with single spaces
// and nothing that could be markup.
func isPlain(s string) bool {
	space := true
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c < ' ' || c >= 0x7f || c == '<' || c == '&' || (c == ' ' && space) {
			return false
		}
		space = c == ' '
	}
	return !space || s == ""
}

// withoutMarkup takes tags and comments out, decodes the entities between
// them, and writes block in place of a tag that separates text.
func withoutMarkup(s string, block byte) string {
	if !strings.ContainsAny(s, "<&") {
		return s
	}
	var text strings.Builder
	z := tokens.NewTokenizer(strings.NewReader(s))
	lower := "" // s, where something may be closed
	if strings.Contains(s, "</") {
		lower = strings.ToLower(s)
	}
	hidden := "" // the element whose content is passed over
	read := 0
	for {
		kind := z.Next()
		if kind == tokens.ErrorToken {
			break // the end, or a tag that never ends: what is left of s is text
		}
		raw := s[read : read+len(z.Raw())]
		read += len(raw)
		name := tagName(z, kind)
		switch {
		case kind == tokens.TextToken || name != "" && !isMarkup(lower, raw, name, kind):
			if hidden == "" {
				text.WriteString(decodeEntities(raw))
			}
		case name != "":
			if !inline[name] {
				text.WriteByte(block)
			}
			hidden = hides(hidden, name, kind)
		}
	}
	if hidden == "" {
		text.WriteString(decodeEntities(s[read:]))
	}
	return text.String()
}

// tagName is the name of a tag in lower case, "" of what is no tag.
func tagName(z *tokens.Tokenizer, kind tokens.TokenType) string {
	switch kind {
	case tokens.StartTagToken, tokens.EndTagToken, tokens.SelfClosingTagToken:
		name, _ := z.TagName()
		return string(name)
	}
	return ""
}

// hides returns the element whose content is hidden after a tag.
func hides(hidden, name string, kind tokens.TokenType) string {
	switch {
	case hidden == "" && kind == tokens.StartTagToken && notText[name]:
		return name
	case hidden == name && kind == tokens.EndTagToken:
		return ""
	}
	return hidden
}

// decodeEntities decodes what ends in ";" only: "AT&T", "R&D" and the "&copy="
// of an address stay as they are.
func decodeEntities(s string) string {
	if !strings.Contains(s, "&") {
		return s
	}
	var text strings.Builder
	for {
		before, after, found := strings.Cut(s, "&")
		text.WriteString(before)
		if !found {
			return text.String()
		}
		end := strings.IndexFunc(after, notInEntity)
		if end < 1 || after[end] != ';' {
			text.WriteByte('&')
			s = after
			continue
		}
		text.WriteString(html.UnescapeString("&" + after[:end+1]))
		s = after[end+1:]
	}
}

func notInEntity(r rune) bool {
	return r != '#' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
}

// tidy removes what cannot be seen, folds white space and composes (NFC).
func tidy(s string) string {
	s = norm.NFC.String(strings.Map(visible, strings.ToValidUTF8(s, "\uFFFD")))
	return strings.Join(strings.Fields(s), " ")
}

// visible maps white space to a space and removes (-1) what has no place in a
// line of text. Joiners and the marks of direction stay: Persian, Hebrew and
// many an emoji need them.
func visible(r rune) rune {
	switch {
	case unicode.IsSpace(r), r == '\u2028', r == '\u2029':
		return ' '
	case r < utf8.RuneSelf:
		if r < ' ' || r == 0x7f {
			return -1
		}
	case isUnseen(r):
		return -1
	}
	return r
}

// isUnseen reports controls, overrides and isolates of direction, soft
// hyphens, spaces without width, and what XML forbids.
func isUnseen(r rune) bool {
	switch {
	case unicode.Is(unicode.Cc, r),
		0x202A <= r && r <= 0x202E, 0x2066 <= r && r <= 0x206F,
		0xFFF9 <= r && r <= 0xFFFB, 0xFFFE <= r && r <= 0xFFFF,
		r == 0x00AD, r == 0x200B, r == 0x2060, r == 0xFEFF, r == 0x180E:
		return true
	}
	return false
}

// isEmpty reports whether nothing of s can be seen.
func isEmpty(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsGraphic(r) && !unicode.In(r, unicode.M, unicode.Z)
	})
}

// shorten cuts s to at most n characters, at the end of a word where there is
// one, and marks the cut with "…".
func shorten(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	cut := string([]rune(s)[:n-1])
	if space := strings.LastIndexByte(cut, ' '); space > len(cut)/2 {
		cut = cut[:space]
	}
	return strings.TrimRightFunc(cut, unicode.IsSpace) + "…"
}
