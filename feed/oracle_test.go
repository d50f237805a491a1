package feed

import (
	"bytes"
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"newsfeed/interests"
	"newsfeed/interests/topic"
)

// The plain twin of the index and the builder: it keeps every entry, and for a
// page scores everything, sorts and cuts.

var (
	oracleCases = flag.Int("oracle", 10_000, "random corpora and lists that are compared with the oracle")
	oracleSeed  = flag.Uint64("oracle.seed", 1, "their seed")
)

type oracle struct{ entries []Entry }

// at returns the version of each article that was the newest at an edition.
func (o *oracle) at(e Edition) map[ArticleID]Entry {
	versions := map[ArticleID]Entry{}
	for _, entry := range o.entries {
		if entry.Edition <= e {
			versions[entry.Article.ID] = entry
		}
	}
	for id, v := range versions {
		if v.Withdrawn {
			delete(versions, id)
		}
	}
	return versions
}

// feed returns the ids that a walk through all pages must give: the order of the
// edition asked for, filtered by it and by the newest versions.
func (o *oracle) feed(l *interests.List, f Filter, asOf Edition) []ArticleID {
	type scored struct {
		key int64
		id  ArticleID
	}
	newest := o.at(LastEdition)
	var hits []scored
	for id, v := range o.at(asOf) {
		key, matches := score(l, &v)
		if !matches || !allowed(l, f, &v) {
			continue
		}
		if now, ok := newest[id]; !ok || !allowed(l, f, &now) {
			continue
		}
		hits = append(hits, scored{key, id})
	}
	slices.SortFunc(hits, func(a, b scored) int {
		return cmp.Or(cmp.Compare(b.key, a.key), bytes.Compare(a.id[:], b.id[:]))
	})
	ids := make([]ArticleID, len(hits))
	for i, h := range hits {
		ids[i] = h.id
	}
	return ids
}

func score(l *interests.List, v *Entry) (key int64, matches bool) {
	followed, _ := l.Count()
	if followed == 0 {
		return v.Key, true
	}
	best := int64(-1)
	for _, t := range v.Article.Tags {
		switch l.Level(t.Topic) {
		case interests.Follow:
			best = max(best, 0)
		case interests.Favourite:
			best = max(best, Unit)
		}
	}
	return v.Key + best, best >= 0
}

func allowed(l *interests.List, f Filter, v *Entry) bool {
	carries := len(f.Topics) == 0
	for _, t := range v.Article.Tags {
		if l.Level(t.Topic) == interests.Mute {
			return false
		}
		carries = carries || slices.Contains(f.Topics, t.Topic)
	}
	return carries &&
		(len(f.Kinds) == 0 || slices.Contains(f.Kinds, v.Article.Kind)) &&
		(len(f.Languages) == 0 || slices.Contains(f.Languages, v.Article.Language))
}

// world makes random corpora and lists out of few topics and few moments, so
// that ties, edits and overlaps are common.
type world struct {
	r     *rand.Rand
	start time.Time
	o     oracle
	index *Index
}

func newWorld(r *rand.Rand) *world {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	return &world{r: r, start: start, index: NewIndex(0, func() time.Time { return start }, nil)}
}

func (w *world) topic() topic.ID { return topic.ID(fmt.Sprintf("t%d", w.r.IntN(12))) }

// step appends a random entry: a new article, an edit of one, or a withdrawal.
func (w *world) step() {
	e := Edition(len(w.o.entries) + 1)
	id := NewArticleID(fmt.Sprintf("https://example.com/%d", w.r.IntN(60)))
	old, known := w.o.at(LastEdition)[id]
	entry := Entry{Edition: e, At: w.start.Add(time.Duration(e) * time.Second), Story: StoryID(id), StoryNum: e}
	if known {
		entry.Previous, entry.StoryNum = old.Edition, old.StoryNum
	}
	if known && w.r.IntN(5) == 0 {
		entry.Withdrawn, entry.Article.ID = true, id
		entry.Left = left(old.Article.Tags, nil)
	} else {
		entry.Article = w.article(id)
		entry.Key = Key(1, entry.Article.Published, 12*time.Hour)
		entry.Left = left(old.Article.Tags, entry.Article.Tags)
	}
	w.o.entries = append(w.o.entries, entry)
	w.index.Apply(entry)
}

func (w *world) article(id ArticleID) Article {
	a := Article{
		ID: id, URL: "https://example.com/", Title: "Title", Kind: Kinds[w.r.IntN(3)],
		Language: []string{"", "en", "de"}[w.r.IntN(3)], Source: Source{ID: "s", Name: "S"},
		Published: w.start.Add(-time.Duration(w.r.IntN(40)) * time.Hour),
	}
	for range w.r.IntN(5) {
		id := w.topic()
		if !slices.ContainsFunc(a.Tags, func(t Tag) bool { return t.Topic == id }) {
			a.Tags = append(a.Tags, Tag{Topic: id, Name: string(id), Salience: float64(1+w.r.IntN(100)) / 100})
		}
	}
	return a
}

func (w *world) list() interests.List {
	l := interests.List{Revision: 7, Topics: map[topic.ID]interests.Register{}}
	for range w.r.IntN(9) {
		l.Topics[w.topic()] = interests.Register{Level: []interests.Level{
			interests.Follow, interests.Follow, interests.Favourite, interests.Mute, interests.None,
		}[w.r.IntN(5)]}
	}
	return l
}

func (w *world) filter() (f Filter) {
	if w.r.IntN(4) == 0 {
		f.Kinds = []Kind{Kinds[w.r.IntN(4)]}
	}
	if w.r.IntN(6) == 0 {
		f.Languages = []string{[]string{"en", "de", "xx"}[w.r.IntN(3)]}
	}
	if w.r.IntN(4) == 0 {
		f.Topics = []topic.ID{w.topic(), w.topic()}
	}
	return f
}

// walk reads all pages through the builder, steps of the world in between, and
// returns the ids and the edition that the first page was made of.
func (w *world) walk(t *testing.T, p *Person, f Filter, disturb bool) ([]ArticleID, Edition) {
	b := NewBuilder(w.index)
	q := Query{Person: p, Filter: f, Now: w.start}
	var ids []ArticleID
	edition := w.index.Edition()
	for {
		q.Limit = 1 + w.r.IntN(12)
		body, page := b.Page(nil, q)
		ids = append(ids, idsOf(t, body, page)...)
		if page.Next == "" {
			return ids, edition
		}
		c, err := ParseCursor(page.Next, w.start)
		if err != nil {
			t.Fatalf("the page's own cursor: %v", err)
		}
		q.Cursor = &c
		for range w.r.IntN(3) {
			if disturb {
				w.step()
			}
		}
	}
}

func idsOf(t *testing.T, body []byte, page Page) []ArticleID {
	t.Helper()
	var got struct {
		Items []struct {
			Story   StoryID
			Article struct {
				ID     ArticleID
				Topics []struct{ ID topic.ID }
			}
			Matched []topic.ID
		}
	}
	if err := json.Unmarshal(body, &got); err != nil {
		t.Fatalf("the page is no JSON: %v\n%s", err, body)
	}
	if len(got.Items) != page.Cards {
		t.Fatalf("page says %d cards and has %d", page.Cards, len(got.Items))
	}
	var ids []ArticleID
	for _, item := range got.Items {
		ids = append(ids, item.Article.ID)
	}
	return ids
}

// Pages joined are exactly what scoring everything, sorting and cutting gives,
// whatever their limits.
func TestPagesAgreeWithOracle(t *testing.T) {
	n := *oracleCases
	if testing.Short() {
		n = min(n, 1000)
	}
	t.Logf("%d cases, -oracle.seed %d", n, *oracleSeed)
	cards := 0
	for i := range n {
		w := newWorld(rand.New(rand.NewPCG(*oracleSeed, uint64(i))))
		for range w.r.IntN(150) {
			w.step()
		}
		l, f := w.list(), w.filter()
		got, asOf := w.walk(t, NewPerson(&l), f, false)
		want := w.o.feed(&l, f, asOf)
		if !slices.Equal(got, want) {
			t.Fatalf("case %d: list %v, filter %v\n got %v\nwant %v", i, l.Topics, f, got, want)
		}
		cards += len(got)
	}
	t.Logf("%d cards compared", cards)
}

// A walk while articles enter, change and go repeats nothing, keeps the order of
// its edition, and misses nothing that can still be seen at its end.
func TestWalkIsFrozen(t *testing.T) {
	for i := range 2000 {
		w := newWorld(rand.New(rand.NewPCG(*oracleSeed+1, uint64(i))))
		for range 40 + w.r.IntN(100) {
			w.step()
		}
		l := w.list()
		before := w.o.feed(&l, Filter{}, w.index.Edition())
		got, asOf := w.walk(t, NewPerson(&l), Filter{}, true)
		after := w.o.feed(&l, Filter{}, asOf)
		place := map[ArticleID]int{}
		for i, id := range before {
			place[id] = i
		}
		last := -1
		for _, id := range got {
			at, ok := place[id]
			if !ok || at <= last {
				t.Fatalf("walk %d: %s is out of order, repeated, or was not in the feed\nfeed %v\n got %v", i, id, before, got)
			}
			last = at
		}
		for _, id := range after {
			if _, was := place[id]; was && !slices.Contains(got, id) && !w.hiddenInBetween(&l, id, asOf) {
				t.Fatalf("walk %d: %s was skipped", i, id)
			}
		}
	}
}

// hiddenInBetween reports whether some version after an edition could not be
// seen: the walk may have passed its place just then.
func (w *world) hiddenInBetween(l *interests.List, id ArticleID, asOf Edition) bool {
	return slices.ContainsFunc(w.o.entries, func(e Entry) bool {
		return e.Edition > asOf && e.Article.ID == id && (e.Withdrawn || !allowed(l, Filter{}, &e))
	})
}

// An index read from the top of the log down gives the same pages as one that
// followed from the start.
func TestWarmIndexEqualsFollowed(t *testing.T) {
	for i := range 500 {
		w := newWorld(rand.New(rand.NewPCG(*oracleSeed+2, uint64(i))))
		for range 1 + w.r.IntN(150) {
			w.step()
		}
		warm := NewIndex(0, func() time.Time { return w.start }, nil)
		top := w.o.entries[len(w.o.entries)-1]
		b := warm.newBulk(top.Edition, top.At)
		for _, e := range slices.Backward(w.o.entries) {
			b.add(&e)
		}
		b.publish()
		l, f := w.list(), w.filter()
		q := Query{Person: NewPerson(&l), Filter: f, Limit: MaxLimit, Now: w.start}
		got, _ := NewBuilder(warm).Page(nil, q)
		want, _ := NewBuilder(w.index).Page(nil, q)
		if !bytes.Equal(got, want) {
			t.Fatalf("case %d:\n warm     %s\n followed %s", i, got, want)
		}
		old := Cursor{Edition: Edition(1 + w.r.IntN(int(top.Edition))), At: w.start, Started: w.start, Key: 1 << 62}
		q.Cursor = &old
		got, _ = NewBuilder(warm).Page(nil, q)
		want, _ = NewBuilder(w.index).Page(nil, q)
		if !bytes.Equal(got, want) {
			t.Fatalf("case %d, as of %d:\n warm     %s\n followed %s", i, old.Edition, got, want)
		}
	}
}

// What tidying removes was not to be seen any more.
func TestTidyKeepsPages(t *testing.T) {
	for i := range 300 {
		w := newWorld(rand.New(rand.NewPCG(*oracleSeed+3, uint64(i))))
		for range 20 + w.r.IntN(150) {
			w.step()
		}
		l, f := w.list(), w.filter()
		q := Query{Person: NewPerson(&l), Filter: f, Limit: MaxLimit, Now: w.start}
		want, _ := NewBuilder(w.index).Page(nil, q)
		w.index.forget(w.start.Add(time.Hour))
		got, _ := NewBuilder(w.index).Page(nil, q)
		if !bytes.Equal(got, want) {
			t.Fatalf("case %d:\n after  %s\n before %s", i, got, want)
		}
		w.index.corpus.Load().releaseAt = time.Time{}
		w.index.forget(w.start.Add(time.Hour))
		for range 30 {
			w.step()
		}
		ids, asOf := w.walk(t, q.Person, f, false)
		if want := w.o.feed(&l, f, asOf); !slices.Equal(ids, want) {
			t.Fatalf("case %d after tidying:\n got %v\nwant %v", i, ids, want)
		}
	}
}
