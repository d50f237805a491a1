package topic

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What people type finds its topic.
func TestResolve(t *testing.T) {
	c := NewCatalogue(Seed())
	c.Put(Topic{ID: "k-pop-dance", Name: "K-Pop Dance", Kind: KindTag})
	c.Put(Topic{ID: "source-ABC", Name: "North Korea Times", Kind: KindSource})
	for s, want := range map[string]ID{
		"north-korea": "north-korea", "North Korea": "north-korea", "NORTH  KOREA": "north-korea", "N. Korea": "north-korea",
		"dprk": "north-korea", "Pyongyang": "pyongyang", "Kiev": "kyiv", "Munich": "munich", "crude": "crude-oil", "Oil": "crude-oil", "crude-oil": "crude-oil",
		"usa": "united-states", "U.S.": "united-states", "us": "united-states", "America": "united-states",
		"uk": "united-kingdom", "U.K.": "united-kingdom", "GB": "united-kingdom", "uae": "united-arab-emirates",
		"West Germany": "germany", "west-germany": "germany", "East Germany": "east-germany", "ussr": "soviet-union", "yugoslavia": "yugoslavia",
		"czechoslovakia": "czechoslovakia", "burma": "myanmar", "Türkiye": "turkey", "turkey": "turkey", "georgia": "georgia",
		"ai": "artificial-intelligence", "covid": "covid-19", "who": "world-health-organization", "it": "", "fed": "federal-reserve",
		"google": "google", "alphabet": "google", "facebook": "meta", "nfl": "american-football", "soccer": "football", "sports": "sport",
		"palestine": "palestine", "gaza": "gaza", "kosovo": "kosovo", "taiwan": "taiwan", "Hong Kong": "hong-kong",
		"k-pop dance": "k-pop-dance", "K-POP-DANCE": "k-pop-dance", "source-ABC": "source-ABC", "North Korea Times": "",
		"": "", " ": "", "no such thing": "",
	} {
		if got, ok := c.Resolve(s); got.ID != want || ok != (want != "") {
			t.Errorf("Resolve(%q) = %q, %v, want %q", s, got.ID, ok, want)
		}
	}
}

// The order is catalogue id, name, alias, tag; what stands for two topics
// stands for none.
func TestResolveOrder(t *testing.T) {
	c := NewCatalogue([]Topic{
		{ID: "a", Name: "b", Kind: KindSubject, Aliases: []string{"both", "tag"}},
		{ID: "b", Name: "c", Kind: KindSubject, Aliases: []string{"both"}},
		{ID: "d", Name: "e", Kind: KindSubject, Aliases: []string{"c"}},
		{ID: "tag", Name: "Tag", Kind: KindTag},
		{ID: "other", Name: "e", Kind: KindTag},
	})
	for s, want := range map[string]ID{"b": "b", "c": "b", "both": "", "tag": "a", "e": "d", "other": "other"} {
		if got, _ := c.Resolve(s); got.ID != want {
			t.Errorf("Resolve(%q) = %q, want %q", s, got.ID, want)
		}
	}
}

// A replaced topic leaves nothing of its former names behind.
func TestPutReplaces(t *testing.T) {
	c := NewCatalogue([]Topic{{ID: "x", Name: "Old", Kind: KindSubject, Aliases: []string{"ancient"}, Broader: []ID{"up"}}, {ID: "up", Name: "Up", Kind: KindSubject}})
	before := c.Tagger()
	c.Put(Topic{ID: "x", Name: "New", Kind: KindSubject, Aliases: []string{"fresh"}})
	if _, ok := c.Resolve("ancient"); ok || len(c.Narrower("up")) > 0 || len(c.Search("old", 5)) > 0 || c.Len() != 2 {
		t.Error("the former topic is still found")
	}
	if got, ok := c.Resolve("fresh"); !ok || got.Name != "New" || len(c.Search("fre", 5)) != 1 {
		t.Error("the new one is not found")
	}
	if got := c.Tagger().Tags(Text{Title: "New, fresh and ancient"}); len(got) != 1 || c.Tagger() == before {
		t.Errorf("the tagger does not know the change: %v", got)
	}
	after := c.Tagger()
	c.Put(Topic{ID: "tag", Name: "Tag", Kind: KindTag})
	c.Put(Topic{ID: "source-x", Name: "Source", Kind: KindSource})
	if c.Tagger() != after {
		t.Error("a tag or a source made the tagger anew")
	}
}

// Callers get copies.
func TestGetIsCopied(t *testing.T) {
	c := NewCatalogue([]Topic{{ID: "x", Name: "X", Kind: KindSubject, Aliases: []string{"alias"}}})
	got, _ := c.Get("x")
	got.Aliases[0] = "spoiled"
	if got, _ := c.Get("x"); got.Aliases[0] != "alias" {
		t.Error("an alias was changed through an earlier result")
	}
}

func TestAncestors(t *testing.T) {
	c := NewCatalogue([]Topic{
		{ID: "a", Broader: []ID{"b", "c"}}, {ID: "b", Broader: []ID{"d"}}, {ID: "c", Broader: []ID{"b", "nowhere"}},
		{ID: "d", Broader: []ID{"a"}}, // a cycle
	})
	want := map[ID]int{"b": 1, "c": 1, "d": 2}
	if diff := cmp.Diff(want, c.Ancestors("a")); diff != "" {
		t.Errorf("Ancestors(a) (-want +got):\n%s", diff)
	}
	if got := c.Ancestors("unknown"); len(got) != 0 {
		t.Errorf("Ancestors(unknown) = %v", got)
	}
}

func TestNarrower(t *testing.T) {
	c := NewCatalogue(Seed())
	var names []string
	for _, topic := range c.Narrower("energy") {
		names = append(names, topic.Name)
	}
	if got := strings.Join(names, ", "); !strings.HasPrefix(got, "Crude Oil, Natural Gas, Coal") {
		t.Errorf("below energy: %s", got)
	}
}

func TestInherit(t *testing.T) {
	c := NewCatalogue([]Topic{
		{ID: "crude", Broader: []ID{"energy"}}, {ID: "gas", Broader: []ID{"energy"}}, {ID: "energy", Broader: []ID{"business"}}, {ID: "business"},
	})
	got := c.Inherit([]Tag{{Topic: "gas", Salience: 0.8}, {Topic: "crude", Salience: 0.4}, {Topic: "business", Salience: 0.1}, {Topic: "unknown", Salience: 0.05}})
	want := []Tag{{"gas", 0.8, false}, {"crude", 0.4, false}, {"energy", 0.4, true}, {"business", 0.1, false}, {"unknown", 0.05, false}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := c.Inherit([]Tag{{Topic: "crude", Salience: 0.15}}); len(got) != 2 || got[1].Salience != 0.075 {
		t.Errorf("below 0.05 nothing is inherited: %v", got)
	}
	if got, _ := json.Marshal(Tag{Topic: "x", Salience: 0.5}); string(got) != `{"topic":"x","salience":0.5}` {
		t.Errorf("as JSON %s", got)
	}
}

func TestFreeID(t *testing.T) {
	c := NewCatalogue([]Topic{{ID: "news"}, {ID: "news-2"}, {ID: ID(strings.Repeat("é", 32))}})
	for name, want := range map[string]ID{
		"News": "news-3", "Sport": "sport", "Trending": "trending-2", "suggested": "suggested-2", "!?": "topic", "": "topic",
		"Source ABC": "topic-source-abc", "Source": "source",
		strings.Repeat("é", 40): ID(strings.Repeat("é", 31) + "-2"),
	} {
		if got := c.FreeID(name); got != want || len(got) > maxID {
			t.Errorf("FreeID(%q) = %q, want %q", name, got, want)
		}
	}
	c.Put(Topic{ID: "topic", Name: "?", Kind: KindTag})
	if got := c.FreeID("!!"); got != "topic-2" {
		t.Errorf("the second nameless topic is %q", got)
	}
}

// Readers and writers at once see whole topics (run with -race).
func TestConcurrentUse(t *testing.T) {
	c := NewCatalogue(Seed())
	var wg sync.WaitGroup
	for worker := range 4 {
		wg.Go(func() {
			random := rand.New(rand.NewPCG(1, uint64(worker)))
			for i := range 60 {
				name := fmt.Sprintf("Tag %d", random.IntN(50))
				switch i % 5 {
				case 0:
					c.Put(Topic{ID: c.FreeID(name), Name: name, Kind: KindTag, Broader: []ID{"sport"}})
				case 1:
					c.Search("tag", 10)
				case 2:
					c.Resolve(name)
				case 3:
					c.Inherit(c.Tagger().Tags(Text{Title: "Iran and Tag"}))
				case 4:
					c.Put(Topic{ID: "iran", Name: "Iran", Kind: KindCountry})
				}
			}
		})
	}
	wg.Wait()
}

func crowd(n int) *Catalogue {
	c := NewCatalogue(Seed())
	words := []string{"north", "market", "sea", "star", "summer", "election", "press", "trade", "city", "strong", "river", "school"}
	for i := range n {
		name := fmt.Sprintf("%s %s %d", words[i%12], words[i/12%12], i)
		c.Put(Topic{ID: MakeID(name), Name: name, Kind: KindTag})
	}
	return c
}

func BenchmarkPut(b *testing.B) {
	c := crowd(100_000)
	for i := 0; b.Loop(); i++ {
		name := fmt.Sprintf("fresh %d", i)
		c.Put(Topic{ID: ID(name), Name: name, Kind: KindTag})
	}
}

func BenchmarkResolve(b *testing.B) {
	c := crowd(50_000)
	for b.Loop() {
		c.Resolve("N. Korea")
	}
}

func BenchmarkCompileTagger(b *testing.B) {
	topics := Seed()
	for b.Loop() {
		newTagger(topics)
	}
}
