package topic

import (
	_ "embed"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"
)

//go:embed tongues.txt
var tonguesText string

// languages are those whose names of countries the catalogue has, English apart.
var languages = []language.Tag{
	language.Spanish, language.French, language.German, language.Portuguese, language.Arabic,
	language.Chinese, language.Japanese, language.Korean, language.Russian,
}

// tongue is a name of a topic in another language.
type tongue struct {
	topic ID
	signed
}

// tongues lists names in other languages, those of tongues.txt first: weak ones,
// then others. resolve finds the topic of an English name.
func tongues(resolve func(name string) (ID, bool)) ([]tongue, error) {
	all, err := parseTongues(tonguesText)
	if err != nil {
		return nil, err
	}
	for a := 'A'; a <= 'Z'; a++ {
		for b := 'A'; b <= 'Z'; b++ {
			region, err := language.ParseRegion(string(a) + string(b))
			if err != nil || !region.IsCountry() || region.Canonicalize() != region {
				continue
			}
			id, ok := countryOf(region, resolve)
			if !ok {
				continue
			}
			for _, l := range languages {
				for _, name := range parted(display.Regions(l).Name(region)) {
					all = append(all, tongue{id, signed{name, ruleExact}})
					if l == language.Russian {
						all = append(all, declined(id, name)...)
					}
				}
			}
		}
	}
	return all, nil
}

// countryOf finds the topic of a region by its English name.
func countryOf(region language.Region, resolve func(string) (ID, bool)) (ID, bool) {
	for _, name := range parted(display.English.Regions().Name(region)) {
		if id, ok := resolve(name); ok {
			return id, true
		}
	}
	return "", false
}

// parted splits names like "Myanmar (Burma)" and "Congo - Kinshasa", whose
// parts name the country alone or not at all.
func parted(name string) []string {
	name = strings.NewReplacer("（", " (", "）", ")").Replace(name)
	short, rest, ok := strings.Cut(name, " (")
	if !ok {
		return []string{name}
	}
	if rest = strings.TrimSuffix(rest, ")"); utf8.RuneCountInString(rest) < 3 {
		return []string{short + rest}
	}
	return []string{short, rest}
}

// declined gives the cases of a Russian name of one word, by the endings of its
// class: Россия, России, Россию, Россией; Китай, Китая, Китаю, Китаем, Китае.
func declined(id ID, name string) (all []tongue) {
	if strings.ContainsAny(name, " -") || utf8.RuneCountInString(name) < 4 || name == strings.ToUpper(name) {
		return nil
	}
	last, size := utf8.DecodeLastRuneInString(name)
	stem, endings := name[:len(name)-size], ""
	switch {
	case strings.HasSuffix(name, "ия"):
		endings = "и ю ей"
	case last == 'я':
		endings = "и е ю ей"
	case last == 'а':
		endings = "ы и е у ой"
	case last == 'й', last == 'ь':
		endings = "я ю ем е и"
	case unicode.Is(unicode.Cyrillic, last) && !strings.ContainsRune("оеёиуыэю", last):
		stem, endings = name, "а у ом е"
	}
	for ending := range strings.FieldsSeq(endings) {
		all = append(all, tongue{id, signed{stem + ending, ruleExact}})
	}
	return all
}

func parseTongues(text string) ([]tongue, error) {
	var all []tongue
	rule := ruleExact
	for i, line := range strings.Split(text, "\n") {
		switch {
		case line == "" || line[0] == '#':
			continue
		case line == "[weak]":
			rule = ruleWeak
			continue
		case line == "[names]":
			rule = ruleExact
			continue
		}
		id, names, ok := strings.Cut(line, " | ")
		if !ok {
			return nil, fmt.Errorf("tongues.txt:%d: want topic | names", i+1)
		}
		for _, name := range list(names) {
			s := sign(name)
			if s.rule == ruleAnyCase {
				s.rule = rule
			}
			all = append(all, tongue{ID(id), s})
		}
	}
	return all, nil
}

// addTongues gives the topics their names in other languages. What another topic
// is called already stays its own, and what is listed twice counts as listed
// first.
func (s *seed) addTongues() error {
	places, holders := map[ID]int{}, map[string]ID{}
	type spelled struct {
		topic ID
		text  string
	}
	anyhow := map[spelled]bool{} // looked for with any accents, so that another spelling adds nothing
	for id, signs := range s.signs {
		for _, name := range signs {
			anyhow[spelled{id, searchText(name.text)}] = name.rule == ruleAnyCase && utf8.RuneCountInString(name.text) > 3
		}
	}
	for i, t := range s.topics {
		places[t.ID] = i
		for _, name := range append([]string{t.Name, string(t.ID)}, t.Aliases...) {
			holders[NormaliseName(name)] = t.ID
		}
	}
	all, err := tongues(func(name string) (ID, bool) {
		id, ok := holders[NormaliseName(name)]
		if !ok {
			id, ok = holders[NormaliseName(strings.ReplaceAll(name, "St.", "Saint"))]
		}
		return id, ok && s.topics[places[id]].Kind == KindCountry
	})
	if err != nil {
		return err
	}
	for _, t := range all {
		place, ok := places[t.topic]
		if !ok {
			return fmt.Errorf("tongues.txt: there is no topic %q", t.topic)
		}
		if _, taken := holders[NormaliseName(t.text)]; taken || t.text == "" {
			continue
		}
		holders[NormaliseName(t.text)] = t.topic
		if anyhow[spelled{t.topic, searchText(t.text)}] {
			t.rule = ruleLookup
		}
		s.topics[place].Aliases = append(s.topics[place].Aliases, t.text)
		s.signs[t.topic] = append(s.signs[t.topic], t.signed)
	}
	return nil
}

// hasCase reports whether capitals could tell anything about a name.
func hasCase(name string) bool {
	return strings.ContainsFunc(name, func(r rune) bool { return unicode.IsUpper(r) || unicode.IsLower(r) })
}
