package topic

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
)

// The files say what they hold and how they are read at their head. Their
// order is that of their names, and within a file the order of its lines:
// roughly what most people look for first.
//
//go:embed catalogue/*.txt
var seedFiles embed.FS

// A rule says how the tagger treats a name or an alias in running text. In the
// files it is a sign before the alias.
type rule byte

const (
	ruleAnyCase rule = 0   // counts however it is written
	ruleExact   rule = '=' // counts only as written: "US" is not "us", "Turkey" not "turkey"
	ruleWeak    rule = '~' // as ruleExact, and only beside firmer evidence of its topic
	ruleAfter   rule = '>' // as ruleWeak, and only behind that evidence: "the North" once Korea was named
	ruleShared  rule = '&' // as ruleWeak, but in text only: who types "Georgia" means the country
	ruleContext rule = '^' // not its name, but makes doubtful mentions count: "Abkhazia" under Georgia
	ruleLookup  rule = '!' // for Resolve and Search only, never looked for in text
	ruleShort   rule = '+' // in any case, though so short that it would be exact
	ruleNot     rule = '-' // a phrase that is not this topic: "New Mexico" under Mexico
	ruleHint    rule = '%' // not its name, but speaks for it: "Heathrow" under United Kingdom; ".L" is a code
	ruleSpeaks  rule = '*' // not its name, but counts as a mention: "Downing Street" under United Kingdom
	ruleCapital rule = '@' // a place that stands for its country, and is a city of its own: "@Kyiv/Kiev" under Ukraine
	ruleMoney   rule = '?' // a currency, or a legal form of companies there: "stg", "Plc"
)

// isHint reports whether what has this sign speaks for a country beside what it
// names.
func (r rule) isHint() bool {
	return r == ruleHint || r == ruleMoney || r == ruleCapital || r == ruleContext
}

// signed is an alias with its sign.
type signed struct {
	text string
	rule rule
}

// seed is the parsed catalogue: the topics, and the signs that Topic, which
// goes out as JSON, has no place for.
type seed struct {
	topics []Topic
	signs  map[ID][]signed
	places map[ID]int // in topics

	cities  []Topic // named by their countries
	kind    Kind    // of the section being read
	broader []ID
}

// Seed returns the topics the program comes with, in the order of the files.
// The caller may change what it gets.
func Seed() []Topic {
	topics := slices.Clone(loadSeed().topics)
	for i := range topics {
		topics[i] = clone(topics[i])
	}
	return topics
}

var loadSeed = sync.OnceValue(func() seed {
	s, err := parseSeed(seedFiles)
	if err != nil {
		panic(err) // the files are part of the program and read by every test
	}
	s.places = make(map[ID]int, len(s.topics))
	for i, t := range s.topics {
		s.places[t.ID] = i
	}
	return s
})

// seedID is the id that a topic has in the seed: its own, or of one that took over
// a tag that of its name.
func seedID(t Topic) ID {
	signs := loadSeed().signs
	if _, ok := signs[t.ID]; ok || !t.Kind.InCatalogue() {
		return t.ID
	}
	if id := MakeID(t.Name); len(signs[id]) > 0 && signs[id][0].text == t.Name {
		return id
	}
	return t.ID
}

// parseSeed reads all files of the catalogue.
func parseSeed(files fs.FS) (seed, error) {
	s := seed{signs: map[ID][]signed{}}
	paths, err := fs.Glob(files, "catalogue/*.txt")
	if err != nil {
		return s, err
	}
	for _, path := range paths {
		text, err := fs.ReadFile(files, path)
		if err != nil {
			return s, fmt.Errorf("read catalogue: %w", err)
		}
		for i, line := range strings.Split(string(text), "\n") {
			if err := s.add(line); err != nil {
				return s, fmt.Errorf("%s:%d: %w", path, i+1, err)
			}
		}
	}
	s.addCities()
	return s, s.addTongues()
}

// addCities makes topics of the cities that their countries name, but for those
// that have a line of their own.
func (s *seed) addCities() {
	known := map[ID]bool{}
	for _, t := range s.topics {
		known[t.ID] = true
	}
	for _, city := range s.cities {
		if !known[city.ID] {
			known[city.ID] = true
			s.topics = append(s.topics, city)
		}
	}
}

// add reads one line: a section "[kind: broader; broader]", which holds for the
// topics below it, or a topic "name | aliases | broader". Empty lines and those
// that begin with # say nothing.
func (s *seed) add(line string) error {
	line = strings.TrimSpace(line)
	switch {
	case line == "" || line[0] == '#':
		return nil
	case line[0] == '[':
		kind, broader, _ := strings.Cut(strings.Trim(line, "[]"), ":")
		s.kind, s.broader = Kind(strings.TrimSpace(kind)), ids(broader)
		return nil
	case s.kind == "":
		return errors.New("a topic before the first section")
	}
	fields := strings.Split(line+"||", "|")
	if len(fields) > 5 {
		return errors.New("want name | aliases | broader")
	}
	name := sign(strings.TrimSpace(fields[0]))
	t := Topic{ID: MakeID(name.text), Name: name.text, Kind: s.kind}
	t.Broader = append(slices.Clone(s.broader), ids(fields[2])...)
	signs := []signed{name}
	for _, item := range list(fields[1]) {
		alias := sign(item)
		switch alias.rule {
		case ruleCapital:
			names := strings.Split(alias.text, "/")
			name := sign(names[0])
			s.cities = append(s.cities, Topic{ID: MakeID(name.text), Name: name.text, Kind: KindCity, Broader: []ID{t.ID}, Aliases: names[1:]})
			s.signs[MakeID(name.text)] = append(s.signs[MakeID(name.text)], name)
			for _, other := range names[1:] {
				signs = append(signs, signed{other, ruleCapital})
			}
			alias.text = name.text
		case ruleNot, ruleHint, ruleMoney, ruleContext, ruleShared, ruleAfter:
		default:
			t.Aliases = append(t.Aliases, alias.text)
		}
		signs = append(signs, alias)
	}
	s.topics = append(s.topics, t)
	s.signs[t.ID] = append(s.signs[t.ID], signs...)
	return nil
}

// ids makes ids of the names in a field.
func ids(field string) []ID {
	var ids []ID
	for _, name := range list(field) {
		ids = append(ids, MakeID(name))
	}
	return ids
}

// list splits a field at its semicolons.
func list(field string) []string {
	var items []string
	for item := range strings.SplitSeq(field, ";") {
		if item = strings.TrimSpace(item); item != "" {
			items = append(items, item)
		}
	}
	return items
}

// sign takes the sign off an alias.
func sign(s string) signed {
	if strings.ContainsRune("=~>&^!+-%?*@", rune(s[0])) {
		return signed{text: s[1:], rule: rule(s[0])}
	}
	return signed{text: s}
}

// clone copies a topic with its slices.
func clone(t Topic) Topic {
	t.Aliases, t.Broader = slices.Clone(t.Aliases), slices.Clone(t.Broader)
	return t
}
