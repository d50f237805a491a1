package topic

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// found lists the topics a tagger finds in a text.
func found(tagger *Tagger, x Text) []ID {
	var ids []ID
	for _, tag := range tagger.Tags(x) {
		ids = append(ids, tag.Topic)
	}
	return ids
}

// What is in the sentence is found, what only looks like it is not.
func TestTagsOfSentences(t *testing.T) {
	tagger := NewCatalogue(Seed()).Tagger()
	for _, c := range []struct {
		title string
		want  string // topics that must be found
		not   string // topics that must not
	}{
		{"Pyongyang fires another missile", "north-korea missiles", "south-korea"},
		{"N. Korea and the U.S. resume talks", "north-korea united-states", "south-korea"},
		{"U.S.-Iran talks end without accord", "united-states iran", ""},
		{"Iran's president meets Germany’s chancellor", "iran germany", ""},
		{"N.Korea, S.Korea agree on rail link", "north-korea south-korea", ""},
		{"He told us it was time, as who would not", "", "united-states world-health-organization"},
		{"The US and the WHO disagree on it", "united-states world-health-organization", ""},
		{"WHO warns of outbreak", "world-health-organization pandemics", ""},
		{"Guests ate turkey and cranberries", "", "turkey"},
		{"Turkey votes on Sunday", "turkey", ""},
		{"Ten Thanksgiving Turkey ideas", "", "turkey"},
		{"Apple unveils a thinner laptop", "apple", ""},
		{"An apple a day, an Apple pie a week", "", "apple"},
		{"Fires rage in the Amazon rainforest", "forests", "amazon"},
		{"Amazon opens a warehouse", "amazon", ""},
		{"Shell raises its dividend", "shell", ""},
		{"The shell of an egg", "", "shell"},
		{"Michael Jordan sells his team", "michael-jordan", "jordan"},
		{"Jordan's king visits Amman hospital", "jordan", ""},
		{"Chad Smith drums on", "", "chad"},
		{"Georgia beat Alabama in overtime", "", "georgia"},
		{"Georgia: crowds gather in Tbilisi", "georgia", ""},
		{"A guinea pig in Papua New Guinea", "papua-new-guinea", "guinea"},
		{"New Mexico and New England brace for snow", "", "mexico united-kingdom"},
		{"South Sudan peace talks", "south-sudan peace-talks", "sudan"},
		{"West German exports rose", "germany", "east-germany"},
		{"East German exports rose", "east-germany", "germany"},
		{"São Paulo and Sao Paulo are one city", "sao-paulo", ""},
		{"Türkiye's Erdoğan speaks", "turkey recep-tayyip-erdogan", ""},
		{"Iranians, Germans and Saudis", "iran germany saudi-arabia", ""},
		{"Procter and Gamble, AT&T report", "procter-gamble at-t", ""},
		{"Podgorica, Sarajevo and Pristina object", "montenegro bosnia-and-herzegovina kosovo", ""},
		{"Gazprom cuts gas supplies to Moldova", "gazprom natural-gas moldova", ""},
		{"She wore a jersey at the family reunion", "", "jersey reunion"},
		{"A male voice in a china shop", "", "maldives china"},
		{"The Swift response of the fire brigade", "", "taylor-swift"},
		{"Twitter tells Drag Queens nothing", "x lgbtq", "new-york"},
		{"The Fed left rates where they were; he fed the cat", "federal-reserve", ""},
		{"She fed the cat", "", "federal-reserve"},
		{"Nail polish in every colour", "", "poland"},
		{"Polish president Karol Nawrocki", "poland karol-nawrocki", ""},
		{"She was awarded a gold medal", "olympic-games", "gold"},
		{"Gold hits a record as the dollar slips", "gold", ""},
		{"Lead the way", "", "lead-metal"},
		{"The European Union's AI act", "european-union artificial-intelligence", ""},
		{"The U.N. Security Council met", "united-nations", ""},
		{"COVID-19 cases rise", "covid-19", ""},
		{"Xi Jinping lands in Hanoi", "xi-jinping vietnam", ""},
		{"Trump Tower is for sale", "", "donald-trump"},
		{"A coup d'état in Niamey", "coups niger", ""},
		{"Visiting Cote d'Ivoire and Côte d’Ivoire", "ivory-coast", ""},
		{"Korean. North wind in the south. Korea", "", "north-korea"},
		{"Australian dollar slips against Swiss francs", "", "australia switzerland"},
		{"G7 leaders and the G-20", "g7 g20", ""},
	} {
		got := found(tagger, Text{Title: c.title})
		for _, id := range strings.Fields(c.want) {
			if !slices.Contains(got, ID(id)) {
				t.Errorf("%q: %v, want %s", c.title, got, id)
			}
		}
		for _, id := range strings.Fields(c.not) {
			if slices.Contains(got, ID(id)) {
				t.Errorf("%q: %v, want no %s", c.title, got, id)
			}
		}
	}
}

// In a title in capitals case tells nothing: an ambiguous word counts only when
// the text below speaks for it.
func TestTagsInCapitals(t *testing.T) {
	tagger := NewCatalogue(Seed()).Tagger()
	for _, c := range []struct {
		text Text
		id   ID
		want bool
	}{
		{Text{Title: "THEY TOLD US THE TRUTH"}, "united-states", false},
		{Text{Title: "US SAYS TALKS FAILED", Body: "The U.S. government said so."}, "united-states", true},
		{Text{Title: "U.S. SAYS TALKS FAILED"}, "united-states", true}, // the dots tell
		{Text{Title: "TURKEY PRICES UP", Body: "Poultry farmers were content."}, "turkey", false},
		{Text{Title: "TURKEY DEVALUES", Body: "Ankara said on Monday."}, "turkey", true},
		{Text{Title: "IRAN CALLS FOR TALKS"}, "iran", true}, // no other word is so written
		{Text{Title: "WHO WINS?", Summary: "Nobody knows."}, "world-health-organization", false},
		{Text{Title: "APPLE HARVEST FAILS", Summary: "Orchards lost half."}, "apple", false},
		{Text{Title: "APPLE PLANS", Summary: "The iPhone maker said."}, "apple", true},
		{Text{Title: "McDONALD'S AND SHELL UP", Body: "Royal Dutch Shell rose."}, "shell", true},
	} {
		if got := found(tagger, c.text); slices.Contains(got, c.id) != c.want {
			t.Errorf("%+v: %v, want %s: %v", c.text, got, c.id, c.want)
		}
	}
}

// A short form goes to whom the text names in full.
func TestShortForms(t *testing.T) {
	tagger := NewCatalogue(Seed()).Tagger()
	for _, c := range []struct{ title, body, want, not string }{
		{"Clinton blames FBI", "Hillary Clinton said so. Clinton lost in November.", "hillary-clinton", "bill-clinton"},
		{"Clinton blames FBI", "Bill Clinton said so.", "bill-clinton", "hillary-clinton"},
		{"Clinton speaks", "", "bill-clinton", "hillary-clinton"},
		{"German engineers strike", "The East German union said on Monday.", "east-germany", "germany"},
		{"German engineers strike", "In what was East Germany, Germany's union has few members in Germany.", "germany", ""},
		{"Korean army drill", "North Korean television showed it.", "north-korea", "south-korea"},
		{"Sudan closes border", "South Sudan protested. South Sudan's army is on alert.", "sudan south-sudan", ""},
		{"Ford hurt on set", "Harrison Ford broke a leg, Ford's agent said.", "", "ford"},
		{"Congo rebels advance", "The Democratic Republic of Congo said Goma was held.", "dr-congo", "republic-of-the-congo"},
	} {
		got := found(tagger, Text{Title: c.title, Body: c.body})
		for _, id := range strings.Fields(c.want) {
			if !slices.Contains(got, ID(id)) {
				t.Errorf("%q %q: %v, want %s", c.title, c.body, got, id)
			}
		}
		for _, id := range strings.Fields(c.not) {
			if slices.Contains(got, ID(id)) {
				t.Errorf("%q %q: %v, want no %s", c.title, c.body, got, id)
			}
		}
	}
}

// The title weighs more than the lead, the lead more than the body, and one
// mention far down in a long text is no tag.
func TestSalience(t *testing.T) {
	tagger := NewCatalogue([]Topic{{ID: "iran", Name: "Iran", Kind: KindSubject}}).Tagger()
	filler := strings.Repeat("word ", 300)
	last := 1.1
	for _, c := range []struct {
		name string
		text Text
	}{
		{"everywhere", Text{"Iran", "Iran", "Iran Iran " + filler}},
		{"title and lead", Text{"Iran", "Iran", filler}},
		{"title", Text{"Iran", "Nothing", filler}},
		{"lead", Text{"Nothing", "Iran", filler}},
		{"first words of the body, without a summary", Text{"Nothing", "", "Iran " + filler}},
		{"thrice in the body", Text{"Nothing", "Nothing", filler + "Iran Iran Iran"}},
		{"once far down", Text{"Nothing", "Nothing", filler + "Iran"}},
	} {
		salience := 0.0
		if tags := tagger.Tags(c.text); len(tags) == 1 {
			salience = tags[0].Salience
		}
		same := strings.HasPrefix(c.name, "first words") && salience == last
		if salience >= last && !same || salience > 1 || salience < 0 {
			t.Errorf("%s: %v, want less than before, %v", c.name, salience, last)
		}
		last = salience
	}
	if last != 0 {
		t.Errorf("one mention far down has salience %v, want no tag", last)
	}
}

// At most 30 tags, most salient first, then by id.
func TestTagsAreBounded(t *testing.T) {
	var topics []Topic
	var title strings.Builder
	for i := range 60 {
		name := fmt.Sprintf("topic%02d", i)
		topics = append(topics, Topic{ID: ID(name), Name: name, Kind: KindSubject})
		title.WriteString(name + " ")
	}
	tags := NewCatalogue(topics).Tagger().Tags(Text{Title: title.String(), Body: "topic59 "})
	if len(tags) != maxTags || tags[0].Topic != "topic59" || !slices.IsSortedFunc(tags, bySalience) {
		t.Errorf("got %d tags: %v", len(tags), tags)
	}
}

// Tags and sources are not looked for in text; what two topics claim is
// neither's, but a name beats an alias.
func TestWhatIsLookedFor(t *testing.T) {
	tagger := NewCatalogue([]Topic{
		{ID: "tag", Name: "Zebra", Kind: KindTag},
		{ID: "source-x", Name: "Giraffe", Kind: KindSource},
		{ID: "a", Name: "Alpha", Kind: KindSubject, Aliases: []string{"shared", "Beta"}},
		{ID: "b", Name: "Beta", Kind: KindSubject, Aliases: []string{"shared"}},
		{ID: "han", Name: "北京", Kind: KindCity},
		{ID: "short", Name: "Go", Kind: KindSubject},
	}).Tagger()
	got := found(tagger, Text{Title: "Zebra giraffe shared beta, 北京 go"})
	if diff := cmp.Diff([]ID{"b", "han"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// The trie finds, in random mixtures of all aliases and filler, what a plain
// scan of every alias at every word finds.
func TestTagsOracle(t *testing.T) {
	topics := Seed()
	tagger := NewCatalogue(topics).Tagger()
	l := newLexer()
	var claims []claim
	var names []string
	for i, topic := range topics {
		claims = append(claims, claimsOf(int32(i), topic, loadSeed().signs[topic.ID], nil, l)...)
		names = append(append(names, topic.Name), topic.Aliases...)
	}
	filler := []string{"the", "of", "said", "north", "new", "west", "united", ",", ".", "-", "and", "us", "turkey", "prices", "oil", "\n\n", "'s", "who"}
	random := rand.New(rand.NewPCG(3, 11))
	for range 15 {
		var text strings.Builder
		for range 1 + random.IntN(20) {
			word := filler[random.IntN(len(filler))]
			if random.IntN(2) == 0 {
				word = names[random.IntN(len(names))]
			}
			if random.IntN(8) == 0 {
				word = strings.ToUpper(word)
			}
			text.WriteString(word)
			if random.IntN(6) > 0 {
				text.WriteString(" ")
			}
		}
		s := text.String()
		caps := inCapitals(s)
		tokens := slices.Clone(l.lex(tagger.trie.words, s))
		for i := range tokens {
			got := tagger.longest(s, tokens[i:], caps)
			want := plainLongest(claims, s, tokens[i:], caps)
			if got.words != want.words || got.doubtful != want.doubtful || got.words > 0 && got.pattern.topic != want.pattern.topic {
				t.Fatalf("%q at word %d (%q): got %+v, want %+v", s, i, s[tokens[i].start:], got, want)
			}
		}
	}
}

// plainLongest is the twin of Tagger.longest: it tries every claim. A spelling
// goes before any spelling, a topic before a phrase that is none, and a plural
// comes after all others.
func plainLongest(claims []claim, s string, tokens []token, caps bool) (best match) {
	bestRank := 0
	named := map[string]bool{} // words of names, which no hint takes away
	for _, c := range claims {
		if !c.onlyHints() {
			for _, folded := range formsOf(c) {
				named[strings.Join(folded, " ")] = true
			}
		}
	}
	for _, c := range claims {
		if c.onlyHints() && named[strings.Join(c.folded, " ")] {
			continue
		}
		for f, folded := range formsOf(c) {
			if len(folded) > len(tokens) || len(folded) < best.words || !sameWords(folded, s, tokens) {
				continue
			}
			fits, doubtful := c.fits(s, tokens[:len(folded)], caps)
			rank := 1
			switch {
			case !fits:
				continue
			case c.words != nil:
				rank = 4
			case f == 0 && c.rule != ruleNot:
				rank = 3
			case f == 0:
				rank = 2
			}
			if len(folded) > best.words || rank > bestRank {
				best, bestRank = match{&c.pattern, len(folded), doubtful}, rank
			}
		}
	}
	return best
}

// formsOf gives the words of a claim, and with the last in the plural.
func formsOf(c claim) [][]string {
	last := len(c.folded) - 1
	forms := [][]string{c.folded}
	if plural := pluralOf(c.folded[last]); plural != "" && c.words == nil && !c.onlyHints() {
		forms = append(forms, append(slices.Clone(c.folded[:last]), plural))
	}
	return forms
}

func sameWords(folded []string, s string, tokens []token) bool {
	for i, want := range folded {
		word := s[tokens[i].start:tokens[i].end]
		if word == "&" {
			word = "and"
		}
		if string(fold(nil, word)) != want || i > 0 && !tokens[i].joins {
			return false
		}
	}
	return true
}

// No text, however broken, upsets the tagger, and every answer keeps its
// promises; a second reading gives the same.
func FuzzTags(f *testing.F) {
	known := NewCatalogue(Seed())
	tagger := known.Tagger()
	f.Add("U.S.-Iran", "N.Korea’s", "Korea. \xff & 北京 é")
	f.Add("&", "'s", "..a.b.c'S")
	f.Add("İ ǅ ß", strings.Repeat("a.", 100), "")
	f.Fuzz(func(t *testing.T, title, summary, body string) {
		x := Text{title, summary, body}
		tags := tagger.Tags(x)
		seen := map[ID]bool{}
		for _, tag := range tags {
			if _, ok := known.Get(tag.Topic); !ok || seen[tag.Topic] || tag.Salience < floor || tag.Salience > 1 || tag.Inherited {
				t.Errorf("%q: %+v", x, tag)
			}
			seen[tag.Topic] = true
		}
		if len(tags) > maxTags || !slices.IsSortedFunc(tags, bySalience) || !slices.Equal(tags, tagger.Tags(x)) {
			t.Errorf("%q: %v", x, tags)
		}
	})
}
