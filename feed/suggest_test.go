package feed

import (
	"bytes"
	"cmp"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"newsfeed/interests"
	"newsfeed/interests/topic"
)

var suggestWorlds = flag.Int("suggest.worlds", 400, "random corpora and lists for which what is suggested is compared with the oracle")

// suggested is what Suggested promises, the long way: by the text of its formula, over
// all articles that the person may see.
func (o *oracle) suggested(n *present, near Near) []Suggestion {
	on, all := map[topic.ID]int{}, 0
	var seen []Entry
	for _, v := range o.newest {
		all++
		for _, t := range v.Article.Tags {
			on[t.Topic]++
		}
		if rule, _ := o.rule(n, &v); rule == "" {
			seen = append(seen, v)
		}
	}
	slices.SortFunc(seen, func(a, b Entry) int {
		return cmp.Or(cmp.Compare(b.Key, a.Key), bytes.Compare(a.Article.ID[:], b.Article.ID[:]))
	})
	var follows []topic.ID
	for id := range n.list.Topics {
		if level := n.list.Level(id); level == interests.Follow || level == interests.Favourite {
			follows = append(follows, id)
		}
	}
	slices.Sort(follows)
	each := min(suggestEach, max(suggestSome, suggestLook/max(1, len(follows))))
	found, most := map[topic.ID]*Suggestion{}, map[topic.ID]float64{}
	add := func(t, f topic.ID, score float64, articles int) {
		s := found[t]
		if s == nil {
			s = &Suggestion{Topic: t, With: f}
			found[t] = s
		}
		if s.Score, s.Articles = s.Score+score, s.Articles+articles; score > most[t] {
			most[t], s.With = score, f
		}
	}
	for _, f := range follows {
		looked, both := 0, map[topic.ID]int{}
		for _, v := range seen {
			if looked == each || !carries(&v, f) {
				continue
			}
			looked++
			for _, t := range v.Article.Tags {
				both[t.Topic]++
			}
		}
		for t, count := range both {
			share := float64(on[t]) / float64(max(all, 1))
			if lift := (float64(count) + 2) / (float64(looked)*share + 2); t != f && count >= 2 && lift > 1 && !strings.HasPrefix(string(t), "source-") {
				add(t, f, math.Log2(lift), count)
			}
		}
		for t, score := range near(f) {
			add(t, f, score, 0)
		}
	}
	var suggestions []Suggestion
	for id, s := range found {
		if !isSaid(n.list, id) {
			suggestions = append(suggestions, *s)
		}
	}
	slices.SortFunc(suggestions, func(a, b Suggestion) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.Topic, b.Topic))
	})
	return suggestions
}

// isSaid reports whether a list says something of a topic.
func isSaid(l *interests.List, id topic.ID) bool {
	return slices.Contains([]interests.Level{interests.Follow, interests.Favourite, interests.Mute}, l.Level(id))
}

func carries(v *Entry, id topic.ID) bool {
	return slices.ContainsFunc(v.Article.Tags, func(t Tag) bool { return t.Topic == id })
}

// Suggested agrees with the oracle in random worlds: after edits, withdrawals and
// merges, under mutes, marks and filters.
func TestSuggestedOracle(t *testing.T) {
	if testing.Short() {
		t.Skip("one goroutine: the race detector has nothing to find")
	}
	told := 0
	for i := range *suggestWorlds {
		w := newWorld(rand.New(rand.NewPCG(*oracleSeed, uint64(i)))) //nolint:gosec // a seed
		w.steps(150)
		told += w.compareSuggested(t, w.list(), fmt.Sprintf("world %d of seed %d", i, *oracleSeed))
	}
	t.Logf("%d suggestions in %d worlds", told, *suggestWorlds)
	if told < *suggestWorlds {
		t.Errorf("%d suggestions in %d worlds prove little", told, *suggestWorlds)
	}
}

// Of a topic with many articles the best of its list are looked at.
func TestSuggestedOfLargeTopics(t *testing.T) {
	w := newWorld(rand.New(rand.NewPCG(*oracleSeed, 1000))) //nolint:gosec // a seed
	for range 500 {
		e := Edition(len(w.o.entries) + 1)
		id := NewArticleID(fmt.Sprint("https://example.com/large/", e))
		entry := Entry{Edition: e, At: w.start.Add(time.Duration(e) * time.Second), Story: StoryID(id), StoryNum: e, Article: w.article(id)}
		entry.Article.Tags = append(entry.Article.Tags, Tag{Topic: "large", Salience: 0.01})
		entry.Key = Key(1, entry.Article.Published, 12*time.Hour)
		w.o.add(entry)
		w.index.Apply(entry)
	}
	for i := range 10 {
		l := w.list()
		l.Topics["large"] = interests.Register{Level: interests.Follow}
		w.compareSuggested(t, l, fmt.Sprint("list ", i))
	}
}

// compareSuggested asks for the person of a list at a random present and returns how much
// was suggested.
func (w *world) compareSuggested(t *testing.T, l interests.List, name string) int {
	t.Helper()
	n := w.present(&l)
	beside := map[topic.ID]map[topic.ID]float64{}
	for range 6 {
		beside[w.topic()] = map[topic.ID]float64{w.topic(): w.r.Float64(), topic.ID(fmt.Sprintf("near%d", w.r.IntN(3))): w.r.Float64()}
	}
	near := func(id topic.ID) map[topic.ID]float64 { return beside[id] }
	query := w.query(&l, n)
	_, got := NewBuilder(w.index).Suggested(query, near)
	want := w.o.suggested(n, near)
	if len(got) != len(want) {
		t.Fatalf("%s: %d suggestions, want %d\n%+v\n%+v", name, len(got), len(want), got, want)
	}
	for i := range got {
		if got[i].Topic != want[i].Topic || got[i].With != want[i].With || got[i].Articles != want[i].Articles || math.Abs(got[i].Score-want[i].Score) > 1e-9 {
			t.Fatalf("%s: suggestion %d is %+v, want %+v", name, i, got[i], want[i])
		}
		if isSaid(n.list, got[i].Topic) {
			t.Fatalf("%s: %s is suggested, which is %v", name, got[i].Topic, n.list.Level(got[i].Topic))
		}
	}
	return len(got)
}
