package feed

import (
	"math"
	"time"
)

// Touched returns the newest edition that touched a topic that a person follows;
// of one who follows nothing, the newest that touched any. What [Builder.Newer]
// counts changes only with it, with the person and with the marks. It costs
// nanoseconds a topic.
//
// It may name an edition that the index is still being given.
func (b *Builder) Touched(p *Person) Edition {
	return Edition(p.touched(b.index.corpus.Load()))
}

// Since returns a cursor by which [Builder.Newer] counts what entered after an
// edition, for one who has no page of it: as if they had the first page of the
// feed of that edition with the query's limit. When that page was not full,
// whatever enters counts.
func (b *Builder) Since(q Query, edition Edition) Cursor {
	q.Cursor = &Cursor{Edition: edition, At: time.UnixMilli(b.index.corpus.Load().at.Load()).UTC(),
		Revision: q.Person.Revision, Started: q.Now, Key: firstKey}
	w := b.begin(&q)
	defer w.end()
	c := *q.Cursor
	if c.First, c.FirstID = w.lastCard(); c.First == firstKey {
		c.First = math.MinInt64
	}
	return c
}

// lastCard returns the effective key and the article of the page's last card;
// firstKey when the page is not full.
func (w *walker) lastCard() (key int64, id ArticleID) {
	cards := 0
	for looked := 0; looked < maxCandidates && w.chunk(false); looked += w.looked {
		for at := 0; ; at++ {
			p := w.arrange(at)
			if p == nil {
				break
			}
			if _, ok := w.shown(p); !ok {
				continue
			}
			if cards++; cards == w.q.Limit {
				return p.opener.key, w.m.view.id(p.opener.row)
			}
		}
		if !w.more {
			break
		}
	}
	return firstKey, ArticleID{}
}
