package feed

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"newsfeed/interests"
	"newsfeed/interests/topic"
)

// The worked example of docs/ranking.md is what the builder says.
func TestWorkedExample(t *testing.T) {
	noon := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	now := noon.Add(2 * time.Hour)
	x := NewIndex(0, func() time.Time { return now }, nil)
	story := NewArticleID("https://s0.example/")
	for i := range 4 {
		kind := News
		if i == 0 {
			kind = Analysis
		}
		source := fmt.Sprintf("s%d", i)
		id := NewArticleID("https://" + source + ".example/")
		x.Apply(Entry{Edition: Edition(i + 1), At: now, Story: StoryID(story), StoryNum: 1, Key: Key(1, noon, 12*time.Hour),
			Article: Article{ID: id, Kind: kind, Published: noon, Source: Source{ID: source, Name: source}, Tags: []Tag{
				{Topic: "north-korea", Name: "North Korea", Salience: 0.9}, {Topic: "sanctions", Name: "Sanctions", Salience: 0.6}}}})
	}
	p := NewPerson(&interests.List{Topics: map[topic.ID]interests.Register{
		"north-korea": {Level: interests.Follow, Since: now.AddDate(0, -3, 0)},
		"sanctions":   {Level: interests.Favourite, Since: now.AddDate(0, 0, -3)},
	}})
	r := NewBuilder(x).Why(Query{Person: p, Limit: DefaultLimit, Now: now}, story, RuleUnknown)
	if !r.Shown || r.Position != 1 {
		t.Fatalf("receipt %+v", r)
	}
	doc, err := os.ReadFile("../docs/ranking.md")
	if err != nil {
		t.Fatal(err)
	}
	var score int64
	lines := ""
	for _, term := range append(r.Why, Term{Name: "score"}) {
		if score += term.Value; term.Name == "score" {
			term.Value = score
		}
		lines += fmt.Sprintf("    %-22s%s\n", term.Name, appendScore(nil, term.Value))
	}
	if !strings.Contains(string(doc), lines) {
		t.Errorf("docs/ranking.md has another example than\n%s", lines)
	}
}
