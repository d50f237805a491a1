// Package topic knows what can be followed: the catalogue of topics, how a
// text a person typed finds its topic, and the tagger that finds topics in an
// article.
//
// The package holds everything in memory and does no input or output; topics
// that came after the seed are kept by a [Store], which others implement. It
// does not know who follows what (package interests) nor what an article is
// worth (package feed).
package topic

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// ID names a topic for good: "north-korea". It is made by [MakeID].
type ID string

// Kind says what sort of thing a topic is.
type Kind string

// Topics of all kinds but the last two form the catalogue proper: editors keep
// them and the tagger looks for them in text. A tag is a word that a publisher
// put on an article; a source is a publisher one can follow or mute.
const (
	KindCountry      Kind = "country"
	KindRegion       Kind = "region"
	KindCity         Kind = "city"
	KindPerson       Kind = "person"
	KindOrganisation Kind = "organisation"
	KindCompany      Kind = "company"
	KindSport        Kind = "sport"
	KindTeam         Kind = "team"
	KindSubject      Kind = "subject"
	KindTag          Kind = "tag"
	KindSource       Kind = "source"
)

// InCatalogue reports whether topics of this kind belong to the catalogue
// proper, which goes before tags and sources everywhere.
func (k Kind) InCatalogue() bool { return k != KindTag && k != KindSource }

// Topic is something one can follow. Aliases are other names for it, Broader
// the topics directly above it ("north-korea" → "east-asia").
type Topic struct {
	ID      ID       `json:"id"`
	Name    string   `json:"name"`
	Kind    Kind     `json:"kind"`
	Aliases []string `json:"aliases,omitempty"`
	Broader []ID     `json:"broader,omitempty"`
}

// maxID is the greatest length of an id in bytes.
const maxID = 64

// sourcePrefix begins the id of every source's topic and of no other.
const sourcePrefix = "source-"

// Reserved reports whether id is a path of the API ("trending", "suggested")
// and so can never be a topic's.
func Reserved(id ID) bool { return id == "trending" || id == "suggested" }

// SourceTopicID is the topic of a source: "source-" and the source's id.
func SourceTopicID(source string) ID { return ID(sourcePrefix + source) }

// MakeID makes an id from a name: NFKC, lower case, every run of other than
// letters and digits of any script becomes "-", trimmed, at most 64 bytes and
// never cut within a character. Marks that belong to a letter (vowel signs,
// accents without a composed form) stay with it. A name without a letter or
// digit gives ""; MakeID(string(MakeID(x))) is MakeID(x).
func MakeID(name string) ID {
	name = settle(name, strings.ToLower)
	var id strings.Builder
	end := 0         // id.String()[:end] is the longest part that may stand alone
	pending := false // a run of others was passed since the last letter
	inLetter := false
	for _, r := range name {
		mark := inLetter && isMark(r)
		if !mark && !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			pending, inLetter = true, false
			continue
		}
		if !mark {
			end = id.Len()
			if pending && end > 0 {
				id.WriteByte('-')
			}
			inLetter = unicode.IsLetter(r)
		}
		pending = false
		id.WriteRune(r)
		if id.Len() > maxID {
			return ID(cut(id.String(), end))
		}
	}
	return ID(id.String())
}

// cut shortens an id that grew over maxID to its last whole character. One
// character with more marks than fit loses the marks.
func cut(id string, end int) string {
	if end > 0 {
		return id[:end]
	}
	for end = maxID; !utf8.RuneStart(id[end]); {
		end--
	}
	return id[:end]
}

// isMark reports whether r may belong to a letter before it. Variation
// selectors only choose a glyph and are no part of a name.
func isMark(r rune) bool {
	return unicode.In(r, unicode.Mn, unicode.Mc) && !unicode.Is(unicode.Variation_Selector, r)
}

// NormaliseName gives the form in which names are compared, by the unique
// index of a [Store] and by [Catalogue.Resolve]: NFKC, case folded, runs of
// white space made one space, trimmed. It is idempotent.
func NormaliseName(name string) string {
	if isPlain(name) {
		return name
	}
	name = settle(name, cases.Fold().String)
	return strings.Join(strings.Fields(name), " ")
}

// isPlain reports whether name is its own normal form, which spares most calls
// from tables of Unicode: lower case ASCII, single spaces inside.
func isPlain(name string) bool {
	space := true
	for i := 0; i < len(name); i++ {
		c := name[i]
		if c >= utf8.RuneSelf || c < ' ' || c == 0x7f || ('A' <= c && c <= 'Z') || (c == ' ' && space) {
			return false
		}
		space = c == ' '
	}
	return !space || name == ""
}

// settle applies NFKC and then lower (a lowering of case) until nothing
// changes: either may undo the other for a few characters (U+0345, U+1E9B).
// Four rounds are more than any assigned character needs.
func settle(s string, lower func(string) string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	for range 4 {
		next := norm.NFKC.String(lower(norm.NFKC.String(s)))
		if next == s {
			break
		}
		s = next
	}
	return s
}
