package main

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"time"

	"newsfeed/feed"
)

// best is how many articles are asked for.
const best = 30

// A side answers the question: the newest 30 articles that carry at least one of
// a person's topics, the newest key first, of equal keys the smaller id. One
// caller at a time.
type side interface {
	name() string
	// ask appends the answer to dst. The topics are numbers of the corpus's.
	ask(ctx context.Context, dst []feed.ArticleID, q *question) ([]feed.ArticleID, error)
	// cpu is the processor time that the side has used, its server's included.
	// ok is false when the server's cannot be known.
	cpu() (used time.Duration, ok bool, err error)
	close() error
}

// A harder side is a rival that nobody asked for: a statement that answers some
// people faster than the usual ones do.
type harder interface{ harder() }

// question is a person as each side likes them best, made before the clock starts.
type question struct {
	topics []int32
	person *feed.Person
}

// posting is an article on a topic.
type posting struct {
	topic int32
	hit
}

// hit is an article with its key.
type hit struct {
	key int64
	id  feed.ArticleID
}

func (a hit) compare(b hit) int {
	return cmp.Or(cmp.Compare(b.key, a.key), bytes.Compare(a.id[:], b.id[:]))
}

// postings returns the whole corpus as a database wants it: by topic, and there
// the best first.
func (c *Corpus) postings() []posting {
	m := c.maker()
	all := make([]posting, 0, c.Articles*(mostTopics+3)/2)
	for i := 1; i <= c.Articles; i++ {
		it := m.item(i)
		h := hit{it.key(), feed.NewArticleID(url(i))}
		for _, t := range it.topics {
			all = append(all, posting{t, h})
		}
	}
	slices.SortFunc(all, func(a, b posting) int { return cmp.Or(cmp.Compare(a.topic, b.topic), a.compare(b.hit)) })
	return all
}

// byTopic calls f with the postings of each topic.
func byTopic(all []posting, f func(topic int32, of []posting) error) error {
	for len(all) > 0 {
		n := 1
		for n < len(all) && all[n].topic == all[0].topic {
			n++
		}
		if err := f(all[0].topic, all[:n]); err != nil {
			return err
		}
		all = all[n:]
	}
	return nil
}

// merged sorts hits, drops repetitions and appends the ids of the best to dst.
func merged(dst []feed.ArticleID, hits []hit) []feed.ArticleID {
	slices.SortFunc(hits, hit.compare)
	hits = slices.Compact(hits)
	for _, h := range hits[:min(len(hits), best)] {
		dst = append(dst, h.id)
	}
	return dst
}

// ours is the index, stage 1 alone.
type ours struct{ builder *feed.Builder }

func (o *ours) name() string { return "newsfeed, stage 1" }

func (o *ours) ask(_ context.Context, dst []feed.ArticleID, q *question) ([]feed.ArticleID, error) {
	return o.builder.Retrieve(dst, q.person, best), nil
}

func (o *ours) cpu() (time.Duration, bool, error) { return inProcess() }
func (o *ours) close() error                      { return nil }

// inProcess is the processor time of a side that has no server.
func inProcess() (time.Duration, bool, error) {
	used, err := ownCPU()
	return used, true, err
}

// withServer is the processor time of this process and of a server's.
func withServer(pid int) (time.Duration, bool, error) {
	own, err := ownCPU()
	if err != nil || pid == 0 {
		return own, false, err
	}
	server, err := cpuOf(pid)
	return own + server, true, err
}

// page is the whole builder: 240 candidates judged, the policy, stories, and 30
// cards as JSON. Its answer is another one, and is not compared.
type page struct {
	builder *feed.Builder
	body    []byte
	end     time.Time
}

func (p *page) name() string { return "newsfeed, whole page as JSON" }

func (p *page) ask(_ context.Context, dst []feed.ArticleID, q *question) ([]feed.ArticleID, error) {
	p.body, _ = p.builder.Page(p.body[:0], feed.Query{Person: q.person, Limit: best, MustKnow: 1, Now: p.end})
	return dst, nil
}

func (p *page) cpu() (time.Duration, bool, error) { return inProcess() }
func (p *page) close() error                      { return nil }
