package topic

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// The catalogue holds together: ids are unique and made from names, broader
// topics exist and form no cycle, and no name stands for two topics.
func TestSeed(t *testing.T) {
	topics := Seed()
	if len(topics) < 1000 {
		t.Errorf("%d topics, want at least 1,000", len(topics))
	}
	known := []Kind{KindCountry, KindRegion, KindCity, KindPerson, KindOrganisation, KindCompany, KindSport, KindTeam, KindSubject}
	byID := map[ID]Topic{}
	holder := map[string]ID{}
	for _, topic := range topics {
		if topic.ID != MakeID(topic.Name) || topic.ID == "" || Reserved(topic.ID) {
			t.Errorf("%q has the id %q", topic.Name, topic.ID)
		}
		if _, ok := byID[topic.ID]; ok {
			t.Errorf("id %q twice", topic.ID)
		}
		byID[topic.ID] = topic
		if len(topic.Aliases) > 100 {
			t.Errorf("%s has %d aliases, more than an editor may send", topic.ID, len(topic.Aliases))
		}
		if !slices.Contains(known, topic.Kind) {
			t.Errorf("%s is of kind %q", topic.ID, topic.Kind)
		}
		for _, name := range append([]string{topic.Name}, topic.Aliases...) {
			if name == "" || !utf8.ValidString(name) || strings.ContainsAny(name, "=~!|;[]\t") || strings.ContainsAny(name[:1], "+-") {
				t.Errorf("%s has the name %q", topic.ID, name)
			}
			if other, ok := holder[NormaliseName(name)]; ok {
				t.Errorf("%q stands for %s and for %s", name, other, topic.ID)
			}
			holder[NormaliseName(name)] = topic.ID
		}
	}
	for name, id := range holder { // an id must not be another's name
		if topic, ok := byID[ID(name)]; ok && topic.ID != id {
			t.Errorf("the id %s is a name of %s", topic.ID, id)
		}
	}
	c := NewCatalogue(topics)
	for _, topic := range topics {
		for _, broader := range topic.Broader {
			if _, ok := byID[broader]; !ok {
				t.Errorf("%s: no broader topic %q", topic.ID, broader)
			}
			if _, cycle := c.Ancestors(broader)[topic.ID]; cycle || broader == topic.ID {
				t.Errorf("%s is above itself by way of %s", topic.ID, broader)
			}
		}
	}
}

// No two topics look for the same words in text in the same way, not even once
// case, accents and plurals are taken away, but for weak aliases of topics that
// both have context words.
func TestSeedPatternsAreUnique(t *testing.T) {
	type place struct{ folded, written string }
	holder, weak := map[place]ID{}, map[place]bool{}
	l := newLexer()
	for i, topic := range Seed() {
		for _, c := range claimsOf(int32(i), topic, loadSeed().signs[topic.ID], nil, l) {
			if c.topic == notTopic {
				continue
			}
			p := place{strings.Join(c.folded, " "), strings.Join(c.words, " ")}
			if other, ok := holder[p]; ok && other != topic.ID && (!weak[p] || c.rule != ruleWeak || !hasContext(topic.ID) || !hasContext(other)) {
				t.Errorf("%q is looked for as %s and as %s", p.folded, other, topic.ID)
			}
			holder[p], weak[p] = topic.ID, c.rule == ruleWeak
		}
	}
}

func hasContext(id ID) bool {
	return slices.ContainsFunc(loadSeed().signs[id], func(s signed) bool { return s.rule == ruleContext })
}

// Seed gives copies: what a caller does to them stays his.
func TestSeedIsCopied(t *testing.T) {
	topics := Seed()
	for i := range topics {
		topics[i].Name = "spoiled"
		for j := range topics[i].Aliases {
			topics[i].Aliases[j] = "spoiled"
		}
	}
	for _, topic := range Seed() {
		if topic.Name == "spoiled" || slices.Contains(topic.Aliases, "spoiled") {
			t.Fatalf("%s was changed through an earlier result", topic.ID)
		}
	}
}

// Every country of the list that the project is checked against resolves, each
// to a topic of its own, and so does every official name, capital and short
// form that is not another's too.
func TestSeedHasEveryCountry(t *testing.T) {
	c := NewCatalogue(Seed())
	holder := map[ID]string{}
	official, officialFound := 0, 0
	for _, country := range mledoze(t) {
		topic, ok := c.Resolve(country.Name.Common)
		if !ok {
			t.Errorf("%s does not resolve", country.Name.Common)
		}
		if other, taken := holder[topic.ID]; ok && taken {
			t.Errorf("%s and %s are both %s", other, country.Name.Common, topic.ID)
		}
		holder[topic.ID] = country.Name.Common
		if found, ok := c.Resolve(country.Name.Official); ok && found.ID == topic.ID {
			officialFound++
		}
		official++
		for _, capital := range country.Capital {
			if _, ok := c.Resolve(capital); !ok && country.UNMember {
				t.Logf("the capital %s of %s does not resolve", capital, country.Name.Common)
			}
		}
		if _, ok := c.Resolve(country.Demonyms.Eng.M); !ok && country.UNMember {
			t.Logf("the people of %s, %s, do not resolve", country.Name.Common, country.Demonyms.Eng.M)
		}
	}
	t.Logf("%d countries; %d of their official names resolve", official, officialFound)
}

type country struct {
	Name     struct{ Common, Official string }
	UNMember bool
	Capital  []string
	Demonyms struct{ Eng struct{ M string } }
}

func mledoze(t *testing.T) (countries []country) {
	eachFile(t, "countries_mledoze.tar.gz", func(name string, content []byte) {
		if strings.HasSuffix(name, "countries_mledoze/countries.json") {
			if err := json.Unmarshal(content, &countries); err != nil {
				t.Fatal(err)
			}
		}
	})
	if len(countries) < 200 {
		t.Fatalf("the list holds %d countries", len(countries))
	}
	return countries
}

// A seed that has changed has a number of its own, so that stores that have the
// older one are brought up to date, and by it alone.
func TestSeedVersion(t *testing.T) {
	const number, digest = 1, "e7f03fc90f30a58d"
	sum := sha256.New()
	for _, topic := range Seed() {
		sum.Write([]byte(digestOf(topic)))
	}
	if got := hex.EncodeToString(sum.Sum(nil)[:8]); got != digest || seedNumber != number {
		t.Errorf("the seed has the digest %s: if it has changed since the last release, raise seedNumber (sow.go) above what was released, and write number and digest here", got)
	}
}
