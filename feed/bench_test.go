package feed

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"newsfeed/interests"
	"newsfeed/interests/account"
	"newsfeed/interests/topic"
)

// synthetic makes an index of n articles of the last 30 days over 20,000 topics
// of Zipf's distribution, three to five on each, with cards like real ones; one in
// ten reports what another did.
func synthetic(n int) *Index {
	r := rand.New(rand.NewPCG(1, uint64(n)))
	zipf := rand.NewZipf(r, 1.2, 10, 19_999)
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	x := NewIndex(0, func() time.Time { return start }, nil)
	b := x.newBulk(Edition(n), start)
	title := "A headline of ordinary length says what has happened, and where"
	sources := make([]Source, 211)
	for i := range sources {
		sources[i] = Source{ID: fmt.Sprintf("source-%d", i), Name: fmt.Sprintf("Source %d", i)}
	}
	summary := "Two sentences make up a summary. They tell a little more than the headline does, and are of the length that publishers commonly send along with it."
	for i := n; i > 0; i-- {
		id := NewArticleID(fmt.Sprintf("https://example.com/%d", i))
		e := Entry{Edition: Edition(i), At: start, Story: StoryID(id), StoryNum: Edition(i), Article: Article{
			ID: id, URL: fmt.Sprintf("https://example.com/news/2026/01/%d", i), Title: title, Summary: summary,
			Kind: News, Language: "en", Source: sources[i%len(sources)],
			Published: start.Add(-time.Duration(float64(n-i) / float64(n) * 720 * float64(time.Hour))),
		}}
		if root := i - 1 - r.IntN(20); i%10 == 0 && root > 0 {
			e.Story, e.StoryNum = StoryID(NewArticleID(fmt.Sprintf("https://example.com/%d", root))), Edition(root)
		}
		for range 3 + r.IntN(3) {
			t := topic.ID(fmt.Sprintf("topic-%d", zipf.Uint64()))
			e.Article.Tags = append(e.Article.Tags, Tag{Topic: t, Name: string(t), Salience: 0.8})
		}
		e.Article.Tags = append(e.Article.Tags, Tag{Topic: topic.SourceTopicID(e.Article.Source.ID), Name: e.Article.Source.Name, Salience: 1})
		e.Key = Key(1, e.Article.Published, 12*time.Hour)
		b.add(&e)
	}
	b.publish()
	return x
}

// follower follows n topics, a tenth of them as favourites, and mutes a few.
func follower(r *rand.Rand, n int) *Person {
	zipf := rand.NewZipf(r, 1.1, 20, 19_999)
	l := interests.List{Revision: 1, Topics: map[topic.ID]interests.Register{}}
	for len(l.Topics) < n {
		level := interests.Follow
		if len(l.Topics)%10 == 9 {
			level = interests.Favourite
		}
		l.Topics[topic.ID(fmt.Sprintf("topic-%d", zipf.Uint64()))] = interests.Register{Level: level}
	}
	for i := range 3 {
		l.Topics[topic.ID(fmt.Sprintf("topic-%d", 300+i))] = interests.Register{Level: interests.Mute}
	}
	return NewPerson(&l)
}

// BenchmarkPage builds the first page of 30 cards, for a thousand people in turn.
func BenchmarkPage(b *testing.B) {
	for _, articles := range []int{10_000, 100_000, 1_000_000} {
		var x *Index
		for _, topics := range []int{5, 50, 200} {
			b.Run(fmt.Sprintf("articles=%d/interests=%d", articles, topics), func(b *testing.B) {
				if x == nil {
					x = synthetic(articles)
				}
				r := rand.New(rand.NewPCG(2, 2))
				people := make([]*Person, 1000)
				for i := range people {
					people[i] = follower(r, topics)
				}
				builder, dst, cards := NewBuilder(x), make([]byte, 0, 64<<10), 0
				b.ReportAllocs()
				b.ResetTimer()
				for i := range b.N {
					body, page := builder.Page(dst[:0], Query{Person: people[i%len(people)], Limit: 30, MustKnow: 1, Now: time.Unix(1e9, 0)})
					dst, cards = body, cards+page.Cards
				}
				b.StopTimer()
				size := x.Size()
				b.ReportMetric(float64(cards)/float64(b.N), "cards/page")
				b.ReportMetric(size.PerArticle(), "B/article")
				b.ReportMetric(float64(size.Cards)/float64(size.Articles), "cardB/article")
			})
		}
	}
}

// BenchmarkKept is BenchmarkPage where nothing that the person follows changed
// since their last page.
func BenchmarkKept(b *testing.B) {
	x := synthetic(100_000)
	for _, topics := range []int{5, 50, 200} {
		b.Run(fmt.Sprintf("interests=%d", topics), func(b *testing.B) {
			r := rand.New(rand.NewPCG(2, 2))
			people := make([]*Person, 1000)
			for i := range people {
				people[i] = follower(r, topics)
				people[i].Keep()
			}
			builder, dst := NewBuilder(x), make([]byte, 0, 64<<10)
			page := func(p *Person) {
				q := Query{Person: p, Limit: 30, Now: time.Unix(1e9, 0)}
				q.Version = builder.Version(&q, account.ID{}, "")
				dst, _ = builder.Page(dst[:0], q)
			}
			for _, p := range people {
				page(p)
			}
			b.ReportAllocs()
			b.ResetTimer()
			for i := range b.N {
				page(people[i%len(people)])
			}
		})
	}
}

// BenchmarkApply adds articles to an index of 100,000, in order of publication,
// and one in ten late.
func BenchmarkApply(b *testing.B) {
	x := synthetic(100_000)
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	r := rand.New(rand.NewPCG(3, 3))
	zipf := rand.NewZipf(r, 1.2, 10, 19_999)
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		id := NewArticleID(fmt.Sprintf("https://example.com/new/%d", i))
		at := start.Add(time.Duration(i) * time.Second)
		if i%10 == 0 {
			at = at.Add(-time.Duration(r.IntN(48)) * time.Hour)
		}
		e := Entry{Edition: x.Edition() + 1, At: start, Article: Article{ID: id, Title: "A headline", Kind: News, Published: at}}
		for range 4 {
			t := topic.ID(fmt.Sprintf("topic-%d", zipf.Uint64()))
			e.Article.Tags = append(e.Article.Tags, Tag{Topic: t, Name: string(t), Salience: 0.8})
		}
		e.Key = Key(1, at, 12*time.Hour)
		x.Apply(e)
	}
}

// BenchmarkGC is a full collection with a million articles in the index.
func BenchmarkGC(b *testing.B) {
	x := synthetic(1_000_000)
	b.ResetTimer()
	for range b.N {
		runtime.GC()
	}
	runtime.KeepAlive(x)
}

// BenchmarkSize prints what an article takes in an index of a million, by part.
func BenchmarkSize(b *testing.B) {
	s := synthetic(1_000_000).Size()
	for range b.N {
	}
	per := func(bytes int) float64 { return float64(bytes) / float64(s.Articles) }
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(s.PerArticle(), "B/article")
	b.ReportMetric(per(s.Columns), "columnB")
	b.ReportMetric(per(s.Tags), "tagB")
	b.ReportMetric(per(s.Postings), "postingB")
	b.ReportMetric(per(s.IDs), "idB")
	b.ReportMetric(per(s.Stories), "storyB")
	b.ReportMetric(per(s.Cards), "cardB")
}
