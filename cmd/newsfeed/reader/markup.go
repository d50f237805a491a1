package reader

import (
	"strconv"
	"unicode/utf8"
)

// markup is HTML being written by hand, for what a page has thirty of: templates
// took two thirds of a page's time. A value goes into text or into an attribute in
// double quotes, and nowhere else; both are escaped alike. Addresses are judged
// before (webAddress): what is written here is not.
type markup []byte

// raw writes what is ours.
func (m *markup) raw(s string) { *m = append(*m, s...) }

// num writes a number.
func (m *markup) num(n int) { *m = strconv.AppendInt(*m, int64(n), 10) }

// text writes what comes from outside, so that it stays text.
func (m *markup) text(s string) {
	b, done := *m, 0
	for i := 0; i < len(s); i++ {
		var as string
		switch s[i] {
		case '&':
			as = "&amp;"
		case '<':
			as = "&lt;"
		case '>':
			as = "&gt;"
		case '"':
			as = "&#34;"
		case '\'':
			as = "&#39;"
		case 0:
			as = "\uFFFD"
		default:
			if s[i] < utf8.RuneSelf {
				continue
			}
			r, size := utf8.DecodeRuneInString(s[i:])
			if r != utf8.RuneError || size > 1 {
				i += size - 1
				continue
			}
			as = "\uFFFD"
		}
		b = append(append(b, s[done:i]...), as...)
		done = i + 1
	}
	*m = append(b, s[done:]...)
}

// attr writes an attribute with its value, and a space before it.
func (m *markup) attr(name, value string) {
	m.raw(" ")
	m.raw(name)
	m.raw(`="`)
	m.text(value)
	m.raw(`"`)
}

// say writes a text, with one value in its place, for an attribute or as text.
func (m *markup) say(name, value string) {
	for _, p := range words.phrase(name, 0) {
		if m.text(p.text); p.place != "" {
			m.text(value)
		}
	}
}

// rich writes a text that has markup in it, with one value in its place.
func (m *markup) rich(name, value string) {
	for _, p := range words.phrase(name, 0) {
		if m.raw(p.text); p.place != "" {
			m.text(value)
		}
	}
}

// label writes what is read out for an element.
func (m *markup) label(name, value string) {
	m.raw(` aria-label="`)
	m.say(name, value)
	m.raw(`"`)
}

// icon writes one of the sprite's.
func (m *markup) icon(name string) {
	m.raw(`<svg aria-hidden="true"><use href="#i-`)
	m.raw(name)
	m.raw(`"/></svg>`)
}
