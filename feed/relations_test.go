package feed

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"newsfeed/interests"
	"newsfeed/interests/topic"
)

// What must hold between pages and the twin, and among pages themselves.

// pageSeen is a page as a client reads it.
type pageSeen struct {
	Cold     bool
	MustKnow []cardSeen `json:"must_know"`
	Items    []cardSeen
	Newer    int
}

// cardSeen is a card as a client reads it.
type cardSeen struct {
	Story   StoryID
	Article struct{ ID ArticleID }
	Also    struct {
		Articles int
		Sources  []string
	}
	Matched []topic.ID
	Mark    *struct{ Read, Saved bool }
	Why     *whySeen
}

type whySeen struct {
	Score float64
	Terms []struct {
		Name  string
		Value float64
	}
}

func seen(t *testing.T, body []byte, page Page) (p pageSeen) {
	t.Helper()
	if err := json.Unmarshal(body, &p); err != nil {
		t.Fatalf("the page is no JSON: %v\n%s", err, body)
	}
	if len(p.Items) != page.Cards {
		t.Fatalf("page says %d cards and has %d", page.Cards, len(p.Items))
	}
	return p
}

func idsOf(t *testing.T, body []byte, page Page) []ArticleID {
	t.Helper()
	return articles(seen(t, body, page).Items)
}

func articles(cards []cardSeen) (ids []ArticleID) {
	for _, c := range cards {
		ids = append(ids, c.Article.ID)
	}
	return ids
}

// pages reads all pages of a query, limit says how long each, and joins them;
// shelf and cold are the first's.
func (w *world) pages(t *testing.T, b *Builder, q Query, limit func() int) (joined pageSeen) {
	t.Helper()
	for first := true; ; first = false {
		q.Limit = limit()
		body, page := b.Page(nil, q)
		p := seen(t, body, page)
		if first {
			joined = p
		} else {
			joined.Items = append(joined.Items, p.Items...)
		}
		if page.nextLength == 0 {
			return joined
		}
		q.Cursor = w.cursor(t, body, page)
	}
}

func (w *world) cursor(t *testing.T, body []byte, page Page) *Cursor {
	t.Helper()
	c, err := ParseCursor(string(page.Next(body)), w.start)
	if err != nil {
		t.Fatalf("the page's own cursor: %v", err)
	}
	return &c
}

// anyLimit is so small that there are many pages.
func (w *world) anyLimit() int { return 1 + w.r.IntN(12) }

// cases runs a test on random worlds, each of its own seed.
func cases(t *testing.T, n int, stream uint64, run func(i int, w *world)) {
	t.Helper()
	if n = min(n, *oracleCases); testing.Short() {
		n = min(n, 1000)
	}
	t.Logf("%d cases, -oracle.seed %d", n, *oracleSeed)
	for i := range n {
		w := newWorld(rand.New(rand.NewPCG(*oracleSeed+stream, uint64(i))))
		run(i, w)
		if t.Failed() {
			t.Fatalf("case %d of -oracle.seed %d", i, *oracleSeed)
		}
	}
}

// same compares two things by their JSON.
func same(t *testing.T, what string, got, want any) {
	t.Helper()
	g, w := marshal(got), marshal(want)
	if !bytes.Equal(g, w) {
		t.Errorf("%s:\n got %s\nwant %s", what, g, w)
	}
}

func marshal(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // ids, strings and numbers always encode
	}
	return b
}

// card is what the twin writes of an article.
func (p *plan) card(n *present, known bool, v *Entry, why []Term) cardSeen {
	c := cardSeen{Story: p.o.named(v.Story), Matched: []topic.ID{}, Why: receiptOf(why)}
	c.Article.ID, c.Also.Sources = v.Article.ID, []string{}
	for _, m := range p.stories[v.Story] {
		if rule, _ := p.o.rule(n, &m); rule != "" || m.Edition == v.Edition {
			continue
		}
		c.Also.Articles++
		if !slices.Contains(c.Also.Sources, m.Article.Source.Name) {
			c.Also.Sources = append(c.Also.Sources, m.Article.Source.Name)
		}
	}
	for _, t := range v.Article.Tags {
		if p.matches(t.Topic) {
			c.Matched = append(c.Matched, t.Topic)
		}
	}
	if known {
		read, saved, _ := p.o.marks(n.marks, v.Story)
		c.Mark = &struct{ Read, Saved bool }{read, saved}
	}
	return c
}

func receiptOf(terms []Term) *whySeen {
	var r whySeen
	if err := json.Unmarshal(appendReceipt(nil, terms), &r); err != nil {
		panic(err) // names and numbers
	}
	return &r
}

// page is what the twin says of all pages joined.
func (p *plan) page(n *present, known bool, mustKnow int) pageSeen {
	all := pageSeen{Cold: p.cold(), Items: []cardSeen{}}
	for _, v := range p.shows(n) {
		all.Items = append(all.Items, p.card(n, known, &v, p.terms(&v)))
	}
	if mustKnow == 0 {
		return all
	}
	all.MustKnow = []cardSeen{}
	shelf := p.shelf(n)
	for _, v := range shelf[:min(mustKnow, len(shelf))] {
		all.MustKnow = append(all.MustKnow, p.card(n, known, &v, []Term{{"must_know", p.score(&v)}}))
	}
	return all
}

// Pages joined are in everything what scoring all articles, sorting and cutting
// gives, whatever their limits: cards and their order, what else there is of
// each story, what matched, marks, receipts, and the must-know shelf.
func TestPagesAgreeWithOracle(t *testing.T) {
	cards, shelved := 0, 0
	cases(t, 10_000, 0, func(_ int, w *world) {
		w.steps(150)
		l := w.list()
		n := w.present(&l)
		q := w.query(&l, n)
		if w.r.IntN(20) == 0 {
			l, n.list = interests.List{}, &interests.List{}
			q.Person, q.Present = Nobody, nil
		}
		got := w.pages(t, newTestBuilder(w.index), q, w.anyLimit)
		want := w.o.plan(&l, w.index.Edition(), testChunk).page(n, q.Person.Known, q.MustKnow)
		same(t, fmt.Sprintf("list %v, filter %v", l.Topics, n.filter), got, want)
		cards, shelved = cards+len(got.Items), shelved+len(got.MustKnow)
	})
	t.Logf("%d cards and %d of the shelf compared", cards, shelved)
}

// Pages joined are one long page, byte for byte.
func TestPagesJoined(t *testing.T) {
	cases(t, 1000, 10, func(_ int, w *world) {
		w.steps(150)
		l := w.list()
		q := w.query(&l, w.present(&l))
		b := newTestBuilder(w.index)
		one := w.pages(t, b, q, func() int { return MaxLimit })
		for range 3 {
			same(t, "joined", w.pages(t, b, q, w.anyLimit), one)
		}
	})
}

// The same articles in another order give the same pages: neither order nor
// cards depend on when an article came, as long as its story is the same.
func TestOrderOfArrival(t *testing.T) {
	cases(t, 1000, 11, func(_ int, w *world) {
		w.steps(150)
		l := w.list()
		q := w.query(&l, w.present(&l))
		want := w.pages(t, newTestBuilder(w.index), q, w.anyLimit)
		got := w.pages(t, newTestBuilder(w.shuffled().index), q, w.anyLimit)
		for _, p := range []pageSeen{want, got} {
			for _, c := range append(p.Items, p.MustKnow...) {
				slices.Sort(c.Also.Sources) // are named as they came
			}
		}
		same(t, "shuffled", got, want)
	})
}

// shuffled makes a world of the same entries in another order; the versions of
// each article stay in theirs.
func (w *world) shuffled() *world {
	to := newWorld(w.r)
	versions := map[ArticleID][]Entry{}
	ids := make([]ArticleID, 0, len(w.o.entries))
	merges := 0
	for _, e := range w.o.entries {
		versions[e.Article.ID] = append(versions[e.Article.ID], e)
		if e.Merge != nil {
			merges++ // come last: they are of stories that there are
		} else {
			ids = append(ids, e.Article.ID)
		}
	}
	w.r.Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
	ids = append(ids, make([]ArticleID, merges)...)
	first, last := map[StoryID]Edition{}, map[ArticleID]Edition{}
	for i, id := range ids {
		e := versions[id][0]
		versions[id] = versions[id][1:]
		e.Edition, e.At = Edition(i+1), w.o.entries[i].At
		if first[e.Story] == 0 {
			first[e.Story] = e.Edition
		}
		e.StoryNum, e.Previous, last[id] = first[e.Story], last[id], e.Edition
		to.o.add(e)
		to.index.Apply(e)
	}
	return to
}

// An index read from the top of the log down gives the same pages, byte for byte,
// as one that followed from the start, also in the middle of a walk.
func TestWarmIndexEqualsFollowed(t *testing.T) {
	cases(t, 1000, 2, func(_ int, w *world) {
		w.steps(150)
		warm := w.rebuilt()
		l := w.list()
		q := w.query(&l, w.present(&l))
		if w.r.IntN(2) == 0 {
			asOf := Edition(1 + w.r.IntN(len(w.o.entries)))
			q.Cursor = &Cursor{Edition: asOf, At: w.o.entries[asOf-1].At, Started: w.start, Key: firstKey}
		}
		for {
			q.Limit = w.anyLimit()
			got, _ := newTestBuilder(warm).Page(nil, q)
			want, page := newTestBuilder(w.index).Page(nil, q)
			if !bytes.Equal(got, want) {
				t.Errorf("cursor %+v:\n warm     %s\n followed %s", q.Cursor, got, want)
			}
			if page.nextLength == 0 {
				return
			}
			q.Cursor = w.cursor(t, got, page)
		}
	})
}

// rebuilt makes the index that a node has after a restart.
func (w *world) rebuilt() *Index {
	x := NewIndex(0, func() time.Time { return w.start }, nil)
	top := w.o.entries[len(w.o.entries)-1]
	b := x.newBulk(top.Edition, top.At)
	for _, e := range slices.Backward(w.o.entries) {
		b.add(&e)
	}
	b.publish()
	return x
}

// The terms of a receipt sum to its score exactly, and the scores of the receipts
// alone, sorted and spread within each chunk, give the order of the page.
func TestReceiptsMakeTheOrder(t *testing.T) {
	cards := 0
	cases(t, 2000, 12, func(_ int, w *world) {
		w.steps(150)
		l := w.list()
		q := w.query(&l, &present{list: &l, marks: &MarkSet{}})
		got := w.pages(t, newTestBuilder(w.index), q, w.anyLimit)
		scores := map[StoryID]int64{}
		for _, c := range append(got.MustKnow, got.Items...) {
			sum := 0.0
			for _, term := range c.Why.Terms {
				sum += term.Value
			}
			if sum != c.Why.Score || sum*Unit != float64(int64(sum*Unit)) {
				t.Errorf("terms of %s sum to %v: %+v", c.Article.ID, sum, c.Why)
			}
			scores[c.Story] = int64(sum * Unit)
		}
		p := w.o.plan(&l, w.index.Edition(), testChunk)
		var order []StoryID
		for _, chunk := range p.chunks {
			for _, place := range p.arrange(chunk, func(m planned) int64 { return scores[m[0].Story] }) {
				order = append(order, place[0].Story)
			}
		}
		var stories []StoryID
		for _, c := range got.Items {
			stories = append(stories, c.Story)
		}
		same(t, "order by receipts", order, stories)
		cards += len(stories)
	})
	t.Logf("%d cards", cards)
}

// Why says of any article what the twin says: its position and terms, or the
// first rule, in their documented order, that kept it out.
func TestWhyAgreesWithOracle(t *testing.T) {
	told, positions := map[string]int{}, 0
	cases(t, 1000, 13, func(_ int, w *world) {
		if w.r.IntN(3) == 0 {
			w = newWorldWithin(w.r, 30*time.Hour)
		}
		w.steps(150)
		l := w.list()
		n := w.present(&l)
		n.list = &l
		q := w.query(&l, n)
		p := w.o.plan(&l, w.index.Edition(), testChunk)
		for range 10 {
			id := NewArticleID(fmt.Sprintf("https://example.com/%d", w.r.IntN(62)))
			got := newTestBuilder(w.index).Why(q, id, w.o.state(id))
			want := p.why(n, q.MustKnow, id)
			same(t, fmt.Sprintf("why %s; list %v, filter %v", id, l.Topics, n.filter), got, want)
			switch {
			case got.MustKnow:
				told["on the shelf"]++
			case got.Shown:
				told["shown"]++
				positions += got.Position
			default:
				told[string(got.Rule)]++
			}
		}
	})
	t.Logf("%v", told)
	for _, r := range []Rule{RuleUnknown, RuleWithdrawn, RuleTooOld, RuleMuted, RuleHidden, RuleRead, RuleNotFollowed, RuleFiltered, RuleSameStory, "shown", "on the shelf"} {
		if told[string(r)] == 0 && *oracleCases >= 1000 {
			t.Errorf("no case was %s", r)
		}
	}
}

// A rule that is earlier in the documented order is the one that is told.
func TestFirstRuleIsTold(t *testing.T) {
	w := newWorld(rand.New(rand.NewPCG(1, 1)))
	a := Article{ID: NewArticleID("a"), Kind: News, Source: Source{ID: "s"}, Published: w.start, Tags: []Tag{{Topic: "t", Salience: 1}}}
	e := Entry{Edition: 1, At: w.start, Article: a, Story: StoryID(a.ID), StoryNum: 1}
	w.o.add(e)
	w.index.Apply(e)
	on := MarkRegister{Value: true}
	muted := interests.List{Topics: map[topic.ID]interests.Register{"t": {Level: interests.Mute}}}
	other := interests.List{Topics: map[topic.ID]interests.Register{"u": {Level: interests.Follow}}}
	for _, c := range []struct {
		list  interests.List
		marks StoryMarks
		want  Rule
	}{
		{muted, StoryMarks{Hidden: on, Read: on}, RuleMuted},
		{other, StoryMarks{Hidden: on, Read: on}, RuleHidden},
		{other, StoryMarks{Read: on}, RuleRead},
		{other, StoryMarks{}, RuleNotFollowed},
		{interests.List{}, StoryMarks{}, RuleFiltered},
	} {
		q := Query{Person: NewPerson(&c.list), Unread: true, Filter: Filter{Kinds: []Kind{Video}}, Limit: 1,
			Marks: &MarkSet{Stories: map[StoryID]StoryMarks{e.Story: c.marks}}}
		if got := NewBuilder(w.index).Why(q, a.ID, RuleUnknown); got.Rule != c.want {
			t.Errorf("list %v, marks %+v: %q, want %q", c.list.Topics, c.marks, got.Rule, c.want)
		}
	}
}

// What tidying removes was not to be seen any more.
func TestTidyKeepsPages(t *testing.T) {
	cases(t, 300, 3, func(_ int, w *world) {
		w.steps(170)
		l := w.list()
		n := w.present(&l)
		q := w.query(&l, n)
		want, _ := newTestBuilder(w.index).Page(nil, q)
		w.index.forget(w.start.Add(time.Hour))
		got, _ := newTestBuilder(w.index).Page(nil, q)
		if !bytes.Equal(got, want) {
			t.Errorf("after  %s\nbefore %s", got, want)
		}
		w.index.corpus.Load().releaseAt = time.Time{}
		w.index.forget(w.start.Add(time.Hour))
		w.steps(60)
		tidied := w.pages(t, newTestBuilder(w.index), q, w.anyLimit)
		same(t, "later", tidied, w.o.plan(&l, w.index.Edition(), testChunk).page(n, true, q.MustKnow))
	})
}

// A story that is edited all day long does not push others off the must-know
// shelf.
func TestShelfOutlivesEdits(t *testing.T) {
	w := newWorld(rand.New(rand.NewPCG(1, 1)))
	tell := func(story string, source int) {
		e := Edition(len(w.o.entries) + 1)
		id := NewArticleID(fmt.Sprint(story, source))
		entry := Entry{Edition: e, At: w.start, Previous: w.o.newest[id].Edition, Story: StoryID(NewArticleID(story + "0")), Article: Article{
			ID: id, Kind: Live, Published: w.start, Source: Source{ID: fmt.Sprint("s", source), Name: fmt.Sprint(source)}, Tags: []Tag{{Topic: "t", Salience: 1}}}}
		if entry.Key = Key(1, w.start, 12*time.Hour); story == "quiet" {
			entry.Key--
		}
		w.o.add(entry)
		w.index.Apply(entry)
	}
	for source := range mustKnowSources {
		tell("quiet", source)
		tell("live", source)
	}
	for range 2 * chunkSize {
		tell("live", 1)
	}
	l := interests.List{Topics: map[topic.ID]interests.Register{"u": {Level: interests.Follow}}}
	n := &present{list: &l, marks: &MarkSet{}}
	q := Query{Person: NewPerson(&l), MustKnow: 2, Why: true, Limit: 1, Now: w.start}
	want := w.o.plan(&l, w.index.Edition(), chunkSize).page(n, true, 2)
	same(t, "shelf", w.pages(t, NewBuilder(w.index), q, w.anyLimit), want)
	if c := w.index.corpus.Load(); c.list(covered).load().len() != len(w.o.entries) {
		t.Errorf("%d rows in the list of covered articles, of %d versions", c.list(covered).load().len(), len(w.o.entries))
	}
}
