package feed

import (
	"bytes"
	"cmp"
	"math"
	"slices"
	"time"

	"newsfeed/interests/topic"
)

// A topic is trending when much more is published on it than its own normal lets
// expect, not when much is published on it. The last day is compared with the 14
// days before it. With r what the last day has and e what it would have if the
// topic kept the share of all news that it had in those days,
//
//	ratio = (r + 4) / (e + 4)
//
// which is the mean of the rate's posterior under a gamma prior with mean one
// (DuMouchel, Bayesian data mining in large frequency tables, 1999): few articles
// prove little. Shares are compared, not counts, so that a service that grows, or
// was down for a while, has no trend for that reason. Of one story a source counts
// once: it may write five pieces, or one that it corrects five times.
//
// Everything is a function of the log up to an edition, which the answer names:
// the last day ends when that edition was accepted.
const (
	TrendingDay   = 24 * time.Hour
	trendingUsual = 14 * TrendingDay
	trendingPrior = 4.0 // articles that the prior is worth
	trendingLeast = 3   // articles of the last day, from at least two sources
	trendingRatio = 1.5 // that a topic needs,
	trendingSigma = 2.0 // and how many standard deviations it must be beyond its normal
	trendingKept  = 200 // topics that are kept for all callers
	trendingLook  = 4000
)

// Trend is a topic that is published on more than usual.
type Trend struct {
	Topic    topic.ID
	Articles int     // of the last day, that the person may see
	Usual    float64 // what its normal lets expect of a day like this
	Ratio    float64
}

// trends is what is trending as of an edition, for nobody; it is never changed.
type trends struct {
	edition Edition
	at      time.Time
	topics  []trend
	took    time.Duration // to find out
	made    time.Time
}

type trend struct {
	n     topicNum
	day   int
	usual float64
	ratio float64
}

// piece is what a source counts once for, on each topic.
type piece struct {
	story  StoryID
	source topicNum
}

// Trending returns what is trending, by ratio, then by topic, under a person's
// mutes and marks, as of the edition and the moment that it names. Sources do not
// trend. Finding out looks at every article of 15 days, 50 ms a million; it is
// done for all callers together and takes no more than a tenth of a core: while
// many articles come in, the edition may be some seconds old.
func (b *Builder) Trending(q Query) (Edition, time.Time, []Trend) {
	c := b.index.corpus.Load()
	t := c.trendsAtHand()
	var p policy
	p.prepare(c, &q)
	all := []Trend{}
	for _, candidate := range t.topics {
		if int(candidate.n) < len(p.muted) && p.muted[candidate.n] {
			continue
		}
		if !p.plain {
			candidate = c.trendFor(&p, t, candidate)
		}
		if candidate.stands() {
			all = append(all, Trend{c.topicID(candidate.n), candidate.day, candidate.usual, candidate.ratio})
		}
	}
	slices.SortFunc(all, func(a, b Trend) int { return cmp.Or(cmp.Compare(b.Ratio, a.Ratio), cmp.Compare(a.Topic, b.Topic)) })
	return t.edition, t.at, all
}

// trendsAtHand returns what is trending as of the newest edition, or of one that
// was a moment ago.
func (c *corpus) trendsAtHand() *trends {
	t := c.trending.Load()
	if t != nil && (t.edition == Edition(c.edition.Load()) || time.Since(t.made) < 9*t.took) {
		return t
	}
	began := time.Now()
	t = c.newTrends()
	t.made = time.Now()
	t.took = t.made.Sub(began)
	c.trending.Store(t)
	return t
}

// census counts, by topic, what was published in a stretch of time.
type census struct {
	articles []int32
	first    []topicNum // a source of theirs,
	several  []bool     // and whether there is another
	total    int
	counted  map[piece][]topicNum // of stories of several articles: the topics it was counted on
}

func newCensus(topics int) *census {
	return &census{articles: make([]int32, topics), first: make([]topicNum, topics), several: make([]bool, topics), counted: map[piece][]topicNum{}}
}

// add counts a row on each of its topics, unless its source was counted there for
// its story.
func (s *census) add(c *corpus, v *view, r row) {
	key := piece{c.storyID(v, r), v.source(r)}
	counted, had := s.counted[key]
	if !had {
		s.total++
	}
	for t := range v.tagsOf(r).all() {
		n := t.topic()
		if int(n) >= len(s.articles) || had && slices.Contains(counted, n) {
			continue
		}
		s.several[n] = s.several[n] || s.articles[n] > 0 && s.first[n] != key.source
		s.first[n] = key.source
		s.articles[n]++
		if v.story(r) != 0 {
			counted = append(counted, n)
		}
	}
	if v.story(r) != 0 { // an article that is alone in its story comes once
		s.counted[key] = counted
	}
}

func (c *corpus) newTrends() *trends {
	edition := Edition(c.edition.Load())
	t := &trends{edition: edition, at: time.UnixMilli(c.at.Load()).UTC()}
	lists := load(&c.lists)
	head := lists[everything].load()
	v := c.view()
	day, usual := newCensus(len(lists)), newCensus(len(lists))
	for walk := newWalk(head); ; {
		r, ok := walk.next()
		if !ok {
			break
		}
		if !v.alive(r, c.short(edition)) {
			continue
		}
		switch age := t.at.Sub(time.Unix(int64(v.published(r)), 0)); {
		case age < TrendingDay:
			day.add(c, &v, r)
		case age < TrendingDay+trendingUsual:
			usual.add(c, &v, r)
		}
	}
	for n := covered + 1; int(n) < len(lists); n++ {
		if _, isSource := c.topics.sourceName(lists[n]); isSource || !day.several[n] {
			continue
		}
		expected := 0.0
		if usual.total > 0 {
			expected = float64(usual.articles[n]) / float64(usual.total) * float64(day.total)
		}
		if trend := newTrend(n, int(day.articles[n]), expected); trend.stands() {
			t.topics = append(t.topics, trend)
		}
	}
	slices.SortFunc(t.topics, func(a, b trend) int {
		return cmp.Or(cmp.Compare(b.ratio, a.ratio), bytes.Compare(c.topics.quoted(lists[a.n]), c.topics.quoted(lists[b.n])))
	})
	t.topics = slices.Clone(t.topics[:min(len(t.topics), trendingKept)])
	return t
}

func newTrend(n topicNum, day int, usual float64) trend {
	return trend{n, day, usual, (float64(day) + trendingPrior) / (usual + trendingPrior)}
}

// stands reports whether a trend is one: by ratio, and beyond chance.
func (t trend) stands() bool {
	return t.day >= trendingLeast && t.ratio >= trendingRatio &&
		float64(t.day)-t.usual >= trendingSigma*math.Sqrt(t.usual+trendingPrior/2)
}

// trendFor counts a trend anew, of the articles that a person may see.
func (c *corpus) trendFor(p *policy, t *trends, of trend) trend {
	head := c.list(of.n).load()
	v := c.view()
	counted, sources, day := map[piece]bool{}, map[topicNum]bool{}, 0
	walk := newWalk(head)
	for range trendingLook {
		r, ok := walk.next()
		if !ok {
			break
		}
		if !v.alive(r, c.short(t.edition)) || t.at.Sub(time.Unix(int64(v.published(r)), 0)) >= TrendingDay || !p.allows(&v, r) {
			continue
		}
		if key := (piece{c.storyID(&v, r), v.source(r)}); !counted[key] {
			counted[key], sources[key.source] = true, true
			day++
		}
	}
	if len(sources) < 2 {
		day = 0
	}
	return newTrend(of.n, day, of.usual)
}
