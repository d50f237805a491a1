package topic

import (
	"slices"
	"testing"
)

// A topic of the seed takes over the tag that has its id, its name or an alias, an
// editor's change stands, and what else is stored is there too.
func TestKnown(t *testing.T) {
	c := NewCatalogue(Known([]Topic{
		{ID: "bavaria", Name: "bavaria", Kind: KindTag},                                                   // by its id
		{ID: "dprk-news", Name: "DPRK", Kind: KindTag},                                                    // by an alias of North Korea
		{ID: "east-asia-2", Name: "East  ASIA", Kind: KindTag},                                            // by its name: broader of the last
		{ID: "iran", Name: "Persia", Kind: KindCountry, Aliases: []string{"Iran"}, Broader: []ID{"asia"}}, // an editor's
		{ID: "k-pop-dance", Name: "K-Pop Dance", Kind: KindTag},
		{ID: "source-x", Name: "Germany", Kind: KindSource},
	}))
	for name, want := range map[string]ID{
		"Bavaria": "bavaria", "Bavarian": "bavaria", "North Korea": "dprk-news", "dprk": "dprk-news", "East Asia": "east-asia-2",
		"Persia": "iran", "K-Pop Dance": "k-pop-dance", "Germany": "germany", "source-x": "source-x", "Japan": "japan",
	} {
		if got, _ := c.Resolve(name); got.ID != want {
			t.Errorf("%q is %q, want %q", name, got.ID, want)
		}
	}
	if got, _ := c.Get("dprk-news"); got.Kind != KindCountry || got.Name != "North Korea" || !slices.Contains(got.Broader, "east-asia-2") {
		t.Errorf("the tag that was taken over: %+v", got)
	}
	for _, gone := range []ID{"north-korea", "east-asia"} {
		if got, ok := c.Get(gone); ok {
			t.Errorf("%s is a topic beside the tag: %+v", gone, got)
		}
	}
	if got, _ := c.Get("japan"); !slices.Contains(got.Broader, "east-asia-2") {
		t.Errorf("Japan is below %v", got.Broader)
	}
	// What the seed knows of writing holds for a topic that took over a tag.
	tagger := c.Tagger()
	for title, want := range map[string]ID{"Pyongyang fires missile": "dprk-news", "Persia speaks": "iran", "Bavarian beer": "bavaria"} {
		if got := found(tagger, Text{Title: title}); !slices.Contains(got, want) {
			t.Errorf("%q: %v, want %s", title, got, want)
		}
	}
	// Nothing is stored: what is known is the seed.
	if got := Known(nil); !slices.EqualFunc(got, Seed(), func(a, b Topic) bool { return a.ID == b.ID && slices.Equal(a.Broader, b.Broader) }) {
		t.Error("without a store there is more or less than the seed")
	}
}
