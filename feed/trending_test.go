package feed

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"newsfeed/interests"
	"newsfeed/interests/topic"
)

// What trends is what a plain count over the log says, for nobody and for people
// who mute and hide; and another node, whose index was made from the same log,
// says the same.
func TestTrendingOracle(t *testing.T) {
	shown := 0
	for seed := range uint64(60) {
		w := newWorld(rand.New(rand.NewPCG(*oracleSeed+21, seed)))
		w.burst(150 + w.r.IntN(150))
		other := NewIndex(0, func() time.Time { return w.start }, nil)
		for _, e := range w.o.entries {
			other.Apply(e)
		}
		for range 5 {
			l := w.list()
			n := w.present(&l)
			q := w.query(&l, n)
			q.Cursor, q.Filter, q.Unread = nil, Filter{}, false
			n.filter, n.unread = Filter{}, false
			edition, at, got := newTestBuilder(w.index).Trending(q)
			want := w.o.trending(n, at)
			if edition != w.index.Edition() || !slices.EqualFunc(got, want, sameTrend) {
				t.Fatalf("seed %d: %v\nwant %v", seed, got, want)
			}
			if _, _, again := newTestBuilder(other).Trending(q); !slices.Equal(got, again) {
				t.Fatalf("seed %d: another node says %v, not %v", seed, again, got)
			}
			shown += len(got)
		}
	}
	if shown < 100 {
		t.Errorf("only %d trends were shown", shown)
	}
}

func sameTrend(a, b Trend) bool {
	return a.Topic == b.Topic && a.Articles == b.Articles && math.Abs(a.Ratio-b.Ratio) < 1e-9
}

// burst publishes articles of three weeks, on which a few topics burst at the end.
func (w *world) burst(n int) {
	hot := []topic.ID{w.topic(), w.topic()}
	for i := range n {
		w.step()
		e := &w.o.entries[len(w.o.entries)-1]
		if e.Merge != nil || e.Withdrawn || i%2 == 0 {
			continue
		}
		next := *e
		next.Edition, next.Previous = e.Edition+1, e.Edition
		next.Article.Published = e.At.Add(-time.Duration(w.r.IntN(21*24)) * time.Hour)
		if w.r.IntN(3) == 0 {
			next.Article.Published = e.At.Add(-time.Duration(w.r.IntN(23)) * time.Hour)
			id := hot[w.r.IntN(2)]
			if !slices.ContainsFunc(next.Article.Tags, func(t Tag) bool { return t.Topic == id }) {
				next.Article.Tags = append(slices.Clone(next.Article.Tags), Tag{Topic: id, Name: string(id), Salience: 0.01})
			}
		}
		next.Key = Key(1, next.Article.Published, 12*time.Hour)
		next.Left = left(e.Article.Tags, next.Article.Tags)
		w.o.add(next)
		w.index.Apply(next)
	}
}

// trending counts plainly: by topic the different pairs of story and source.
func (o *oracle) trending(n *present, at time.Time) []Trend {
	type pair struct {
		story  StoryID
		source string
	}
	count := func(min, max time.Duration, may func(*Entry) bool) (map[topic.ID]map[pair]bool, map[pair]bool) {
		topics, all := map[topic.ID]map[pair]bool{}, map[pair]bool{}
		for _, e := range o.newest {
			if age := at.Sub(e.Article.Published); e.Withdrawn || age < min || age >= max || !may(&e) {
				continue
			}
			p := pair{o.named(e.Story), e.Article.Source.ID}
			all[p] = true
			for _, tag := range e.Article.Tags {
				if topics[tag.Topic] == nil {
					topics[tag.Topic] = map[pair]bool{}
				}
				topics[tag.Topic][p] = true
			}
		}
		return topics, all
	}
	anybody := func(*Entry) bool { return true }
	sources := func(pairs map[pair]bool) int {
		different := map[string]bool{}
		for p := range pairs {
			different[p.source] = true
		}
		return len(different)
	}
	day, dayAll := count(math.MinInt64, 24*time.Hour, anybody)
	usual, usualAll := count(24*time.Hour, 15*24*time.Hour, anybody)
	mine, _ := count(math.MinInt64, 24*time.Hour, func(e *Entry) bool { rule, _ := o.rule(n, e); return rule == "" })
	trends := []Trend{}
	for id, pairs := range day {
		if len(id) > 7 && id[:7] == "source-" || n.list.Level(id) == interests.Mute {
			continue
		}
		expected := 0.0
		if len(usualAll) > 0 {
			expected = float64(len(usual[id])) / float64(len(usualAll)) * float64(len(dayAll))
		}
		is := func(pairs map[pair]bool) (Trend, bool) {
			r := float64(len(pairs))
			ratio := (r + 4) / (expected + 4)
			return Trend{id, len(pairs), expected, ratio}, sources(pairs) >= 2 && r >= 3 && ratio >= 1.5 && r-expected >= 2*math.Sqrt(expected+2)
		}
		if _, ok := is(pairs); !ok {
			continue
		}
		if trend, ok := is(mine[id]); ok {
			trends = append(trends, trend)
		}
	}
	slices.SortFunc(trends, func(a, b Trend) int { return cmp.Or(cmp.Compare(b.Ratio, a.Ratio), cmp.Compare(a.Topic, b.Topic)) })
	return trends
}

// What is merely large does not trend, what grows does, and one source alone
// makes no trend.
func TestTrendingIsGrowth(t *testing.T) {
	x := NewIndex(0, time.Now, nil)
	at := time.Date(2026, 3, 20, 12, 0, 0, 0, time.UTC)
	edition := Edition(0)
	publish := func(id topic.ID, source string, age time.Duration) {
		edition++
		article := NewArticleID(fmt.Sprint("https://example.com/", edition))
		x.Apply(Entry{
			Edition: edition, At: at, Story: StoryID(article), StoryNum: edition, Key: Key(1, at.Add(-age), 12*time.Hour),
			Article: Article{
				ID: article, Title: "Title", Kind: "news", Source: Source{ID: source, Name: source}, Published: at.Add(-age),
				Tags: []Tag{{Topic: id, Salience: 1}, {Topic: topic.SourceTopicID(source), Salience: 1}},
			},
		})
	}
	for day := range 15 {
		for i := range 40 {
			publish("large", fmt.Sprint(i%4), time.Duration(day)*24*time.Hour+time.Hour)
		}
		publish("small", "a", time.Duration(day)*24*time.Hour+time.Hour)
	}
	for i := range 9 {
		publish("small", fmt.Sprint(i%3), time.Hour)
		publish("alone", "one", time.Hour)
	}
	_, _, trends := NewBuilder(x).Trending(Query{Person: Nobody})
	if len(trends) != 1 || trends[0].Topic != "small" || trends[0].Articles != 10 {
		t.Errorf("trending are %+v, want small alone", trends)
	}
}

// A topic that stands beside a followed one more often than chance lets expect is
// suggested; what is on everything is not, nor what is followed, muted or on
// nothing that the person may see.
func TestSuggested(t *testing.T) {
	x := NewIndex(0, time.Now, nil)
	at := time.Date(2026, 3, 20, 12, 0, 0, 0, time.UTC)
	edition := Edition(0)
	publish := func(ids ...topic.ID) {
		edition++
		article := NewArticleID(fmt.Sprint("https://example.com/", edition))
		e := Entry{Edition: edition, At: at, Story: StoryID(article), StoryNum: edition, Key: Key(1, at, 12*time.Hour),
			Article: Article{ID: article, Title: "Title", Kind: "news", Source: Source{ID: "s", Name: "S"}, Published: at}}
		for _, id := range append(ids, "source-s", "everywhere") {
			e.Article.Tags = append(e.Article.Tags, Tag{Topic: id, Salience: 1})
		}
		x.Apply(e)
	}
	for range 5 {
		publish("korea", "missiles")
		publish("korea", "bad", "hidden")
		publish("korea", "muted")
		publish("tennis", "wimbledon")
		publish("other")
	}
	publish("korea", "once")
	list := interests.List{Revision: 1, Topics: map[topic.ID]interests.Register{
		"korea": {Level: interests.Follow}, "muted": {Level: interests.Mute}, "bad": {Level: interests.Mute},
	}}
	near := func(topic.ID) map[topic.ID]float64 { return map[topic.ID]float64{"asia": 0.5, "muted": 9} }
	_, got := NewBuilder(x).Suggested(Query{Person: NewPerson(&list)}, near)
	if len(got) != 2 || got[0].Topic != "missiles" || got[1].Topic != "asia" || got[0].With != "korea" {
		t.Errorf("suggested are %+v, want missiles, then asia", got)
	}
	// 5 of the 6 articles that may be seen carry it, 5 of 26 of all.
	if want := math.Log2((5 + 2) / (6.0*5/26 + 2)); math.Abs(got[0].Score-want) > 1e-9 {
		t.Errorf("the score is %v, want %v", got[0].Score, want)
	}
}
