package feed

import (
	"bytes"
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"math"
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

// plan is what a walk through all pages is judged by: the places in their order,
// and what each may show.
type plan struct {
	o      *oracle
	l      *interests.List // of the order
	asOf   Edition
	at     time.Time
	chunk  int
	alive  map[ArticleID]Entry
	places []planned
}

// planned is a place: the articles of its story that may stand in it, best first.
type planned []Entry

// plan does what the builder does, the long way: it ranks everything, cuts the
// ranking into chunks, and in each opens, scores, sorts and spreads the places.
func (o *oracle) plan(l *interests.List, asOf Edition, at time.Time, chunk int) *plan {
	p := &plan{o: o, l: l, asOf: asOf, at: at, chunk: chunk, alive: o.at(asOf)}
	var ranking []Entry
	for _, v := range p.alive {
		if _, matches := p.effective(&v); matches {
			ranking = append(ranking, v)
		}
	}
	slices.SortFunc(ranking, p.compare)
	opened := map[StoryID]bool{}
	for start := 0; start < len(ranking); start += chunk {
		var places []planned
		for _, v := range ranking[start:min(start+chunk, len(ranking))] {
			if p.allows(&v) && !opened[v.Story] {
				opened[v.Story] = true
				places = append(places, p.members(v.Story))
			}
		}
		p.places = append(p.places, p.arrange(places)...)
	}
	return p
}

// effective is the key of stage 1.
func (p *plan) effective(v *Entry) (key int64, matches bool) {
	if p.cold() {
		return v.Key, true
	}
	best := int64(-1)
	for _, t := range v.Article.Tags {
		switch p.l.Level(t.Topic) {
		case interests.Follow:
			best = max(best, 0)
		case interests.Favourite:
			best = max(best, Unit)
		}
	}
	return v.Key + best, best >= 0
}

func (p *plan) cold() bool {
	followed, _ := p.l.Count()
	return followed == 0
}

func (p *plan) compare(a, b Entry) int {
	ka, _ := p.effective(&a)
	kb, _ := p.effective(&b)
	return cmp.Or(cmp.Compare(kb, ka), bytes.Compare(a.Article.ID[:], b.Article.ID[:]))
}

func (p *plan) allows(v *Entry) bool {
	_, matches := p.effective(v)
	return matches && !slices.ContainsFunc(v.Article.Tags, func(t Tag) bool { return p.l.Level(t.Topic) == interests.Mute })
}

func (p *plan) members(s StoryID) (m planned) {
	for _, v := range p.alive {
		if v.Story == s && p.allows(&v) {
			m = append(m, v)
		}
	}
	slices.SortFunc(m, func(a, b Entry) int {
		return cmp.Or(cmp.Compare(p.score(&b), p.score(&a)), bytes.Compare(a.Article.ID[:], b.Article.ID[:]))
	})
	return m
}

func (p *plan) score(v *Entry) int64 {
	var matched, fresh int64
	for _, t := range v.Article.Tags {
		r := p.l.Topics[t.Topic]
		salience := int64(math.Round(t.Salience * 100))
		switch r.Level {
		case interests.Follow:
			matched += worthFollow * salience / 100
		case interests.Favourite:
			matched += worthFavourite * salience / 100
		default:
			continue
		}
		if !r.Since.IsZero() {
			days := int64(max(p.at.Sub(r.Since).Hours(), 0)) / 24
			fresh = max(fresh, max(7-days, 0)*maxFresh/7)
		}
	}
	sources := map[string]bool{}
	for _, m := range p.alive {
		if m.Story == v.Story {
			sources[m.Article.Source.ID] = true
		}
	}
	covered := int64(min(math.Round(coverageStep*math.Log2(float64(len(sources)))), maxCoverage))
	return v.Key + min(matched, maxInterest) + covered + kindWorth[slices.Index(Kinds, v.Article.Kind)] + fresh
}

// arrange sorts by score and spreads, by the words of the rule.
func (p *plan) arrange(places []planned) []planned {
	slices.SortFunc(places, func(a, b planned) int {
		return cmp.Or(cmp.Compare(p.score(&b[0]), p.score(&a[0])), p.compare(p.opener(a), p.opener(b)))
	})
	var out []planned
	for len(places) > 0 {
		pick := 0
		for i := range min(len(places), spreadLookback) {
			if p.mayFollow(out, places[i]) {
				pick = i
				break
			}
		}
		out = append(out, places[pick])
		places = slices.Delete(slices.Clone(places), pick, pick+1)
	}
	return out
}

func (p *plan) opener(m planned) Entry { return slices.MinFunc(m, p.compare) }

func (p *plan) mayFollow(out []planned, next planned) bool {
	row := append(slices.Clone(out), next)
	if n := len(row); n >= 3 {
		last := row[n-3:]
		same := func(of func(planned) string) bool { return of(last[0]) == of(last[1]) && of(last[1]) == of(last[2]) }
		if same(p.lead) || same(func(m planned) string { return m[0].Article.Source.ID }) {
			return false
		}
	}
	window := row[max(0, len(row)-10):]
	of := 0
	for _, m := range window {
		if p.lead(m) == p.lead(next) {
			of++
		}
	}
	return of <= 4
}

func (p *plan) lead(m planned) string {
	own := topic.SourceTopicID(m[0].Article.Source.ID)
	for _, t := range m[0].Article.Tags {
		if level := p.l.Level(t.Topic); t.Topic != own && (p.cold() || level == interests.Follow || level == interests.Favourite) {
			return string(t.Topic)
		}
	}
	return string(own)
}

// shows returns the ids that the walk gives when the present does not change.
func (p *plan) shows(now *interests.List, f Filter, marks *MarkSet) (ids []ArticleID) {
	newest := p.o.at(LastEdition)
	for _, place := range p.places {
		for _, v := range place {
			current, ok := newest[v.Article.ID]
			if ok && allowed(now, f, &v) && allowed(now, f, &current) && !marks.Has(v.Story, Hidden) {
				ids = append(ids, v.Article.ID)
				break
			}
		}
	}
	return ids
}

func (o *oracle) feed(l *interests.List, f Filter, asOf Edition) []ArticleID {
	at := time.Time{}
	if asOf > 0 {
		at = o.entries[asOf-1].At
	}
	return o.plan(l, asOf, at, testChunk).shows(l, f, &MarkSet{})
}

// testChunk is so small that walks cross chunks.
const testChunk = 7

func newTestBuilder(x *Index) *Builder {
	b := NewBuilder(x)
	b.chunk = testChunk
	return b
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
	if first, had := w.o.first(id); had {
		entry.Story, entry.StoryNum = first.Story, first.StoryNum
	} else if n := len(w.o.entries); n > 0 && w.r.IntN(3) == 0 {
		other := w.o.entries[w.r.IntN(n)]
		entry.Story, entry.StoryNum = other.Story, other.StoryNum
	}
	if known {
		entry.Previous = old.Edition
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

// first returns the first entry of an article.
func (o *oracle) first(id ArticleID) (Entry, bool) {
	i := slices.IndexFunc(o.entries, func(e Entry) bool { return e.Article.ID == id })
	if i < 0 {
		return Entry{}, false
	}
	return o.entries[i], true
}

func (w *world) article(id ArticleID) Article {
	a := Article{
		ID: id, URL: "https://example.com/", Title: "Title", Kind: Kinds[w.r.IntN(3)],
		Language: []string{"", "en", "de"}[w.r.IntN(3)], Source: Source{ID: fmt.Sprintf("s%d", w.r.IntN(5)), Name: "S"},
		Published: w.start.Add(-time.Duration(w.r.IntN(40)) * time.Hour),
	}
	for range w.r.IntN(5) {
		id := w.topic()
		if !slices.ContainsFunc(a.Tags, func(t Tag) bool { return t.Topic == id }) {
			a.Tags = append(a.Tags, Tag{Topic: id, Name: string(id), Salience: float64(1+w.r.IntN(100)) / 100})
		}
	}
	a.Tags = append(a.Tags, Tag{Topic: topic.SourceTopicID(a.Source.ID), Name: "S", Salience: 1})
	slices.SortStableFunc(a.Tags, func(x, y Tag) int { return cmp.Compare(y.Salience, x.Salience) })
	return a
}

func (w *world) list() interests.List {
	l := interests.List{Revision: 7, Topics: map[topic.ID]interests.Register{}}
	for range w.r.IntN(9) {
		id := w.topic()
		if w.r.IntN(8) == 0 {
			id = topic.SourceTopicID(fmt.Sprintf("s%d", w.r.IntN(5)))
		}
		l.Topics[id] = interests.Register{
			Level: []interests.Level{interests.Follow, interests.Follow, interests.Favourite, interests.Mute, interests.None}[w.r.IntN(5)],
			Since: w.start.Add(-time.Duration(w.r.IntN(14*24)) * time.Hour),
		}
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

// walk reads all pages through the builder, and returns the ids and the edition
// that they were made of.
func (w *world) walk(t *testing.T, p *Person, f Filter) ([]ArticleID, Edition) {
	b := newTestBuilder(w.index)
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
		got, asOf := w.walk(t, NewPerson(&l), f)
		want := w.o.feed(&l, f, asOf)
		if !slices.Equal(got, want) {
			t.Fatalf("case %d: list %v, filter %v\n got %v\nwant %v", i, l.Topics, f, got, want)
		}
		cards += len(got)
	}
	t.Logf("%d cards compared", cards)
}

// A walk while articles enter, change and go, and while its person mutes, follows
// and hides, repeats no story, keeps the order of its first page, and misses no
// story of which an article could be seen all the while.
func TestWalkIsFrozen(t *testing.T) {
	t.Logf("-oracle.seed %d", *oracleSeed)
	walked := 0
	for i := range 3000 {
		w := newWorld(rand.New(rand.NewPCG(*oracleSeed+1, uint64(i))))
		for range 40 + w.r.IntN(100) {
			w.step()
		}
		l := w.list()
		walk := w.disturbedWalk(t, &l)
		if problem := walk.check(); problem != "" {
			t.Fatalf("walk %d: %s", i, problem)
		}
		walked += len(walk.got)
	}
	t.Logf("%d cards in 3000 walks", walked)
}

// disturbed is a walk whose world and person change meanwhile.
type disturbed struct {
	w        *world
	plan     *plan
	got      []ArticleID
	asOf     Edition
	presents []interests.List // as each page saw them
	marks    []MarkSet
}

func (w *world) disturbedWalk(t *testing.T, l *interests.List) *disturbed {
	d := &disturbed{w: w, asOf: w.index.Edition()}
	d.plan = w.o.plan(l, d.asOf, w.o.entries[d.asOf-1].At, testChunk)
	b := newTestBuilder(w.index)
	q := Query{Person: NewPerson(l), Now: w.start}
	present, marks := *l, MarkSet{}
	for {
		d.presents, d.marks = append(d.presents, present), append(d.marks, marks)
		q.Limit, q.Present, q.Marks = 1+w.r.IntN(12), NewPerson(&present), &marks
		body, page := b.Page(nil, q)
		d.got = append(d.got, idsOf(t, body, page)...)
		if page.Next == "" {
			return d
		}
		c, err := ParseCursor(page.Next, w.start)
		if err != nil {
			t.Fatalf("the page's own cursor: %v", err)
		}
		q.Cursor = &c
		for range w.r.IntN(4) {
			w.step()
		}
		present = w.edit(present)
		if w.r.IntN(3) == 0 {
			stories := maps.Clone(marks.Stories)
			if stories == nil {
				stories = map[StoryID]StoryMarks{}
			}
			stories[w.o.entries[w.r.IntN(len(w.o.entries))].Story] = StoryMarks{Hidden: MarkRegister{Value: w.r.IntN(3) > 0}}
			marks = MarkSet{Revision: marks.Revision + 1, Stories: stories}
		}
	}
}

// edit changes one topic of a list, now and then.
func (w *world) edit(l interests.List) interests.List {
	if w.r.IntN(2) == 0 {
		return l
	}
	next := interests.List{Revision: l.Revision + 1, Topics: maps.Clone(l.Topics)}
	next.Topics[w.topic()] = interests.Register{Level: interests.Level(1 + w.r.IntN(4))}
	return next
}

func (d *disturbed) check() string {
	at := map[ArticleID]int{}
	for i, p := range d.plan.places {
		for _, v := range p {
			at[v.Article.ID] = i
		}
	}
	last, shown := -1, map[int]bool{}
	for _, id := range d.got {
		i, ok := at[id]
		if !ok || i <= last {
			return fmt.Sprintf("%s repeats a story, is out of order, or has no place; got %v", id, d.got)
		}
		last, shown[i] = i, true
	}
	for i, p := range d.plan.places {
		if !shown[i] && slices.ContainsFunc(p, d.steady) {
			return fmt.Sprintf("place %d was skipped; got %v", i, d.got)
		}
	}
	return ""
}

// steady reports whether an article could be seen all the while.
func (d *disturbed) steady(v Entry) bool {
	versions := []Entry{v}
	for _, e := range d.w.o.entries {
		if e.Edition > d.asOf && e.Article.ID == v.Article.ID {
			versions = append(versions, e)
		}
	}
	for _, e := range versions {
		for i := range d.presents {
			if e.Withdrawn || !allowed(&d.presents[i], Filter{}, &e) || d.marks[i].Has(v.Story, Hidden) {
				return false
			}
		}
	}
	return true
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
		got, _ := newTestBuilder(warm).Page(nil, q)
		want, _ := newTestBuilder(w.index).Page(nil, q)
		if !bytes.Equal(got, want) {
			t.Fatalf("case %d:\n warm     %s\n followed %s", i, got, want)
		}
		old := Cursor{Edition: Edition(1 + w.r.IntN(int(top.Edition))), At: w.start, Started: w.start, Key: 1 << 62}
		q.Cursor = &old
		got, _ = newTestBuilder(warm).Page(nil, q)
		want, _ = newTestBuilder(w.index).Page(nil, q)
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
		want, _ := newTestBuilder(w.index).Page(nil, q)
		w.index.forget(w.start.Add(time.Hour))
		got, _ := newTestBuilder(w.index).Page(nil, q)
		if !bytes.Equal(got, want) {
			t.Fatalf("case %d:\n after  %s\n before %s", i, got, want)
		}
		w.index.corpus.Load().releaseAt = time.Time{}
		w.index.forget(w.start.Add(time.Hour))
		for range 30 {
			w.step()
		}
		ids, asOf := w.walk(t, q.Person, f)
		if want := w.o.feed(&l, f, asOf); !slices.Equal(ids, want) {
			t.Fatalf("case %d after tidying:\n got %v\nwant %v", i, ids, want)
		}
	}
}
