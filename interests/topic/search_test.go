package topic

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func idsOf(topics []Topic) string {
	var ids []string
	for _, t := range topics {
		ids = append(ids, string(t.ID))
	}
	return strings.Join(ids, " ")
}

func TestSearch(t *testing.T) {
	c := NewCatalogue([]Topic{
		{ID: "korea-times", Name: "Korea Times", Kind: KindSource},
		{ID: "korean", Name: "Korean food", Kind: KindTag},
		{ID: "north-korea", Name: "North Korea", Kind: KindCountry, Aliases: []string{"N. Korea", "DPRK"}},
		{ID: "dpr", Name: "DPR", Kind: KindTag},
		{ID: "northern", Name: "Northern lights", Kind: KindTag},
		{ID: "sao-paulo", Name: "São Paulo", Kind: KindCity},
		{ID: "usa", Name: "United States", Kind: KindCountry, Aliases: []string{"U.S."}},
		{ID: "uss", Name: "USS", Kind: KindSubject},
	})
	for q, want := range map[string]string{
		"kor":        "korean korea-times north-korea", // the beginning of a name before a later word
		"nor":        "north-korea northern",           // the catalogue before tags
		"NORTH KO":   "north-korea",
		"korea n":    "north-korea", // words in any order
		"dpr":        "dpr north-korea",
		"n kor":      "north-korea",
		"n. k":       "north-korea",
		"sao p":      "sao-paulo",
		"são":        "sao-paulo",
		"us":         "usa uss", // a whole alias before the beginning of a name
		"lights nor": "northern",
		"zzz":        "",
		"!":          "",
	} {
		if got := idsOf(c.Search(q, 10)); got != want {
			t.Errorf("Search(%q) = %s, want %s", q, got, want)
		}
	}
	if got := idsOf(c.Search("", 2)); got != "usa north-korea" {
		t.Errorf("Search() = %s, want the first of the catalogue, in the seed's order", got)
	}
	if got := c.Search("kor", 2); len(got) != 2 {
		t.Errorf("asked for 2, got %d", len(got))
	}
	for _, n := range []int{0, -1} {
		if got := c.Search("kor", n); got != nil {
			t.Errorf("asked for %d, got %v", n, got)
		}
	}
}

// The first thing found for what people begin to type is what they mean.
func TestSearchSeed(t *testing.T) {
	c := NewCatalogue(Seed())
	for q, want := range map[string]ID{
		"north kor": "north-korea", "uk": "united-kingdom", "usa": "united-states", "us": "united-states", "ai": "artificial-intelligence",
		"ukr": "ukraine", "crude": "crude-oil", "covid": "covid-19", "nato": "nato", "trump": "donald-trump", "wheat": "wheat",
		"climate ch": "climate-change", "premier": "premier-league", "who": "world-health-organization", "tech": "technology", "goog": "google",
	} {
		if got := c.Search(q, 5); len(got) == 0 || got[0].ID != want {
			t.Errorf("Search(%q) = %s, want %s first", q, idsOf(got), want)
		}
	}
}

// Search finds what a plain look at all names finds, whatever came and went.
func TestSearchOracle(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 7))
	words := []string{"ab", "abc", "b", "ba", "cab", "c"}
	phrase := func() string {
		var name []string
		for range 1 + random.IntN(3) {
			name = append(name, words[random.IntN(len(words))])
		}
		return strings.Join(name, " ")
	}
	c := NewCatalogue(nil)
	model := map[ID]Topic{}
	for i := range 3000 {
		id := ID(fmt.Sprint(random.IntN(1500)))
		topic := Topic{ID: id, Name: phrase(), Kind: []Kind{KindTag, KindSource, KindSubject}[random.IntN(3)]}
		if i%3 == 0 {
			topic.Aliases = []string{phrase(), phrase()}
		}
		c.Put(topic)
		model[id] = topic
	}
	for _, q := range append(words, "ab c", "b b", "cab ab") {
		var want, got []string
		for id, topic := range model {
			if slices.ContainsFunc(append([]string{topic.Name}, topic.Aliases...), func(name string) bool {
				return strings.Contains(" "+name, " "+q) || strings.Contains(q, " ") && beginAll(name, strings.Fields(q))
			}) {
				want = append(want, string(id))
			}
		}
		for _, topic := range c.Search(q, 5000) {
			got = append(got, string(topic.ID))
		}
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(want, got) {
			t.Errorf("Search(%q) finds %d topics, a plain look %d", q, len(got), len(want))
		}
	}
}

func TestSuggest(t *testing.T) {
	c := NewCatalogue(Seed())
	c.Put(Topic{ID: "knitting", Name: "Knitting", Kind: KindTag})
	for s, want := range map[string]ID{
		"nroth korea": "north-korea", "Untied States": "united-states", "ukrane": "ukraine", "Artificial Intellgence": "artificial-intelligence",
		"climate": "climate-and-environment", "Zelenskiyy": "volodymyr-zelensky", "kniting": "knitting", "crude oils": "crude-oil",
		"germny elections": "elections",
	} {
		if got := c.Suggest(s, 3); len(got) == 0 || !slices.ContainsFunc(got, func(t Topic) bool { return t.ID == want }) {
			t.Errorf("Suggest(%q) = %s, want %s", s, idsOf(got), want)
		}
	}
	if got := c.Suggest("", 3); got != nil {
		t.Errorf("Suggest() = %v", got)
	}
	c.Suggest(strings.Repeat("é", 1000), 3)
}

func TestEditDistance(t *testing.T) {
	for _, c := range []struct {
		a, b  string
		limit int
		want  int
	}{
		{"iran", "iran", 2, 0}, {"iran", "iraq", 2, 1}, {"nroth", "north", 2, 1}, {"", "ab", 2, 2}, {"kitten", "sitting", 3, 3},
		{"kitten", "sitting", 2, 3}, {"é", "e", 1, 1}, {"abc", "abcdefgh", 2, 3},
	} {
		if got := editDistance(c.a, c.b, c.limit); got != c.want {
			t.Errorf("editDistance(%q, %q, %d) = %d, want %d", c.a, c.b, c.limit, got, c.want)
		}
	}
}

func BenchmarkSearch(b *testing.B) {
	c := crowd(50_000)
	for _, q := range []string{"", "n", "s", "no", "north", "north k", "strong north", "no such topic", "school river 1"} {
		b.Run(strings.ReplaceAll("q="+q, " ", "_"), func(b *testing.B) {
			for b.Loop() {
				c.Search(q, 20)
			}
		})
	}
}

func BenchmarkSuggest(b *testing.B) {
	c := crowd(50_000)
	for b.Loop() {
		c.Suggest("nroth korea", 5)
	}
}
