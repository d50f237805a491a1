package topic

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// labelled is a text of the entity-linking pack, with the entities that people
// saw in it.
type labelled struct {
	Text   string
	Labels []struct {
		Span   [2]int // in characters
		Entity string `json:"entity_id"`
		Name   string
		Type   string
	}
}

func linkingPack(t *testing.T) (texts []labelled) {
	eachFile(t, "entity_linking_elevant.tar.gz", func(name string, content []byte) {
		if !strings.HasSuffix(name, ".jsonl") {
			return
		}
		lines := bufio.NewScanner(bytes.NewReader(content))
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			var l labelled
			if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
				t.Fatal(err)
			}
			texts = append(texts, l)
		}
	})
	return texts
}

// Where a name that the tagger counted overlaps a labelled one, they are mostly
// the same. A people counts as its country; labels without an entity or a known
// type are left out, and so is what the tagger found where nothing is labelled.
// Judged are spans that name a topic; those that only speak for one ("Tokyo" in
// "Tokyo Stock Exchange", words of subjects) claim no entity, though they count for
// its tag. Recall is the share of the labels with an entity of the catalogue that was
// found as that.
func TestEntityLinking(t *testing.T) {
	c := NewCatalogue(Seed())
	tagger := c.Tagger()
	var judged, right, wanted, recalled int
	wrong := map[string]int{}
	texts := linkingPack(t)
	entities := entityTopics(c, texts)
	for _, text := range texts {
		places := bytesOf(text.Text)
		spans := tagger.Explain(Text{Body: text.Text}).Spans
		for _, l := range text.Labels {
			if strings.HasPrefix(l.Entity, "<") || l.Type == "OTHER" {
				continue
			}
			start, end := places[l.Span[0]], places[l.Span[1]]
			want, ours := entities[l.Entity]
			hit := false
			for _, s := range spans {
				if s.Topic == "" || s.Start >= end || s.End <= start {
					continue
				}
				judged++
				if ours && s.Topic == want {
					right, hit = right+1, true
				} else {
					wrong[fmt.Sprintf("%s as %s, is %s %s (%s)", s.Text, s.Topic, l.Entity, l.Name, l.Type)]++
				}
			}
			if ours {
				wanted++
				if hit {
					recalled++
				}
			}
		}
	}
	for _, w := range slices.Sorted(maps.Keys(wrong)) {
		t.Logf("wrong %d: %s", wrong[w], w)
	}
	share := float64(right) / float64(judged)
	t.Logf("%d of %d judged are the same entity: %.3f; recall %d of %d: %.3f", right, judged, share, recalled, wanted, float64(recalled)/float64(wanted))
	if share < 0.90 || judged < 300 {
		t.Errorf("%d judged, %.3f of them the same entity; want at least 300 and 0.90", judged, share)
	}
}

// bytesOf gives for each character of s, and for its end, the byte it is at.
func bytesOf(s string) []int {
	var places []int
	for i := range s {
		places = append(places, i)
	}
	return append(places, len(s))
}

// entityTopics gives the topic of each labelled entity that the catalogue has: by
// its number in Wikidata, and of peoples by their name.
func entityTopics(c *Catalogue, texts []labelled) map[string]ID {
	topics := map[string]ID{}
	for id, numbers := range wikidata() {
		for _, number := range numbers {
			topics[number] = id
		}
	}
	for _, text := range texts {
		for _, l := range text.Labels {
			if l.Type != people {
				continue
			}
			name := strings.TrimSuffix(strings.TrimSuffix(l.Name, " people"), "s")
			if topic, ok := c.Resolve(name); ok && topic.Kind == KindCountry {
				topics[l.Entity] = topic.ID
			}
		}
	}
	return topics
}

// people is the type of labels like "Canadians".
const people = "Q33829"

// Every number in Wikidata is one that the pack has, under a name that the
// catalogue knows for the topic.
func TestWikidataIsConfirmed(t *testing.T) {
	c := NewCatalogue(Seed())
	names := map[string][]string{}
	for _, text := range linkingPack(t) {
		for _, l := range text.Labels {
			if !slices.Contains(names[l.Entity], l.Name) {
				names[l.Entity] = append(names[l.Entity], l.Name)
			}
		}
	}
	for id, numbers := range wikidata() {
		if _, ok := c.Get(id); !ok {
			t.Errorf("there is no topic %s", id)
		}
		for _, number := range numbers {
			if !slices.ContainsFunc(names[number], func(name string) bool {
				topic, ok := c.Resolve(strings.TrimSuffix(name, "!"))
				return ok && topic.ID == id || name == "Georgia" && id == "georgia-us" && number == "Q1428"
			}) {
				t.Errorf("%s is %s, which the pack knows as %q", id, number, names[number])
			}
		}
	}
}
