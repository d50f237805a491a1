package main

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"newsfeed/feed"
	"newsfeed/interests"
	"newsfeed/interests/topic"
)

// Corpus is a made-up world of articles, topics and people. Everything in it is
// a function of the fields and a number: nothing needs to be kept, and everyone
// who asks for article 7 gets the same one.
type Corpus struct {
	Articles int
	Topics   int       // the first is on most articles: Zipf's distribution
	Seed     uint64    // 0 is a seed too
	End      time.Time // when the last article was published; the first is 30 days older
	Bare     bool      // titles and summaries are left out
}

// The shape of the world.
const (
	zipfExponent = 1.2 // of topic k+1 the share is (zipfHead + k) to the power of -zipfExponent
	zipfHead     = 10
	mostTopics   = 5 // on one article, least are 3; its source's comes on top
	sources      = 211
	span         = 30 * 24 * time.Hour
	storyEvery   = 10 // about one article in so many reports what another did
	storyReach   = 20 // that is at most so many articles older
)

// defaultEnd is fixed, so that a corpus is the same every day.
var defaultEnd = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// maker makes the parts of a corpus. Not for concurrent use: make one each.
type maker struct {
	*Corpus
	pcg    *rand.PCG
	rand   *rand.Rand
	zipf   *rand.Zipf
	ids    []topic.ID // by number
	topics []int32
}

func (c *Corpus) maker() *maker {
	m := &maker{Corpus: c, pcg: rand.NewPCG(0, 0)}
	m.rand = rand.New(m.pcg)
	m.zipf = rand.NewZipf(m.rand, zipfExponent, zipfHead, uint64(c.Topics-1))
	for n := range c.Topics {
		m.ids = append(m.ids, topicID(n))
	}
	return m
}

func topicID(n int) topic.ID { return topic.ID(fmt.Sprintf("topic-%d", n)) }

// item is what is random about an article. The article's number is from 1.
type item struct {
	number    int
	root      int // the number of the first article of its story: its own for most
	published time.Time
	topics    []int32 // most salient first; valid until the next item is made
	source    int
}

// item makes article i. Those beyond the corpus's size were published a second
// apart after its end.
func (m *maker) item(i int) item {
	root := m.root(i)
	m.pcg.Seed(m.Seed, uint64(i))
	m.topics = m.topics[:0]
	for n := min(3+m.rand.IntN(mostTopics-2), m.Topics); len(m.topics) < n; {
		if t := int32(m.zipf.Uint64()); !slices.Contains(m.topics, t) {
			m.topics = append(m.topics, t)
		}
	}
	at := m.End.Add(time.Duration(i-m.Articles) * time.Second)
	if i <= m.Articles {
		at = m.End.Add(-time.Duration(float64(m.Articles-i) / float64(m.Articles) * float64(span)))
	}
	return item{i, root, at.Truncate(time.Second), m.topics, m.rand.IntN(sources)}
}

// root returns the first article of the story of article i.
func (m *maker) root(i int) int {
	for {
		m.pcg.Seed(^m.Seed, uint64(i))
		if m.rand.IntN(storyEvery) != 0 || i <= storyReach {
			return i
		}
		i -= 1 + m.rand.IntN(storyReach)
	}
}

func (it *item) key() int64 { return feed.Key(1, it.published, halfLife) }

const halfLife = 12 * time.Hour // the product's default

func url(i int) string { return fmt.Sprintf("https://news.example/2026/%d", i) }

func sourceName(n int) string { return fmt.Sprintf("Source %d", n) }

func sourceID(n int) string { return fmt.Sprintf("source-%d", n) }

// How long texts are. A title is a story's own, and so is its summary: articles of
// different stories have next to no word in common, as stories are told apart by them.
const (
	titleWords   = 11
	summaryWords = 24
	vocabulary   = 50_000
)

// title and summary name the story and not the article: that is how stories are found.
func (m *maker) title(root int) string   { return m.text(root, 1, titleWords) }
func (m *maker) summary(root int) string { return m.text(root, 2, summaryWords) + "." }

// text makes words of a story.
func (m *maker) text(root int, part uint64, words int) string {
	m.pcg.Seed(m.Seed^part<<32, uint64(root))
	b := make([]byte, 0, 8*words)
	for i := range words {
		if i > 0 {
			b = append(b, ' ')
		}
		b = appendWord(b, m.rand.IntN(vocabulary))
	}
	b[0] ^= 'a' ^ 'A'
	return string(b)
}

// appendWord writes word n of a made-up language, in which words are three syllables.
func appendWord(dst []byte, n int) []byte {
	const consonants, vowels = "bdfgklmnprstvz", "aeiou"
	for range 3 {
		dst = append(dst, consonants[n%len(consonants)])
		n /= len(consonants)
		dst = append(dst, vowels[n%len(vowels)])
		n /= len(vowels)
	}
	return dst
}

// entry makes article i as the log holds it, article 1 at edition 1.
func (m *maker) entry(i int) feed.Entry {
	it := m.item(i)
	id := feed.NewArticleID(url(i))
	e := feed.Entry{
		Edition: feed.Edition(i), At: m.End, Key: it.key(), StoryNum: feed.Edition(it.root),
		Article: feed.Article{ID: id, Kind: feed.News, Language: "en", Published: it.published},
	}
	e.Story = feed.StoryID(id)
	if it.root != i {
		e.Story = feed.StoryID(feed.NewArticleID(url(it.root)))
	}
	a := &e.Article
	a.Source.ID, a.Source.Name = sourceID(it.source), sourceName(it.source)
	a.Tags = append(a.Tags, feed.Tag{Topic: topic.SourceTopicID(a.Source.ID), Name: a.Source.Name, Salience: 1})
	for n, t := range it.topics {
		a.Tags = append(a.Tags, feed.Tag{Topic: m.ids[t], Name: string(m.ids[t]), Salience: 1 - 0.1*float64(n)})
	}
	if !m.Bare {
		a.URL, a.Title, a.Summary = url(i), m.title(it.root), m.summary(it.root)
	}
	return e
}

// draft makes article i as POST /articles takes it.
func (m *maker) draft(i int) map[string]any {
	it := m.item(i)
	labels := []any{}
	for n, t := range it.topics {
		labels = append(labels, map[string]any{"id": m.ids[t], "salience": 1 - 0.1*float64(n)})
	}
	return map[string]any{
		"url": url(i), "title": m.title(it.root), "summary": m.summary(it.root), "language": "en", "kind": "news",
		"published_at": it.published, "topics": labels,
		"source": map[string]any{"id": sourceID(it.source), "name": sourceName(it.source)},
	}
}

// taste is where a person's interests come from.
type taste int

const (
	mainstream taste = iota // all topics, by Zipf
	niche                   // topics ranked 10,000 to 20,000, all alike
)

var tastes = []taste{mainstream, niche}

func (t taste) String() string { return [...]string{"mainstream", "niche"}[t] }

// person returns the numbers of the topics that person j follows: n different
// ones.
func (m *maker) person(t taste, j, n int) []int32 {
	m.pcg.Seed(m.Seed^0x9e3779b97f4a7c15*uint64(t+1), uint64(j))
	from := m.Topics / 2
	var topics []int32
	seen := make(map[int32]bool, n)
	for n = min(n, from); len(topics) < n; {
		k := int32(m.zipf.Uint64())
		if t == niche {
			k = int32(from + m.rand.IntN(m.Topics-from))
		}
		if !seen[k] {
			seen[k] = true
			topics = append(topics, k)
		}
	}
	return topics
}

// anyone returns the topics of person j of a mixed public: every fourth is niche,
// and between least and most interests each doubling is as likely as another.
func (m *maker) anyone(j, least, most int) []int32 {
	r := rand.New(rand.NewPCG(m.Seed, uint64(j)<<1|1))
	n := int(math.Round(float64(least) * math.Pow(float64(most)/float64(least), r.Float64())))
	if j%4 == 3 {
		return m.person(niche, j, n)
	}
	return m.person(mainstream, j, n)
}

// ready makes a list of these topics, all followed, ready for the index.
func (m *maker) ready(topics []int32) *feed.Person {
	l := interests.List{Revision: 1, Topics: make(map[topic.ID]interests.Register, len(topics))}
	for _, t := range topics {
		l.Topics[m.ids[t]] = interests.Register{Level: interests.Follow}
	}
	return feed.NewPerson(&l)
}
