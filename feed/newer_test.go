package feed

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// Newer is the number of stories that entered since and would stand before the
// last card of the first page, as the person sees now.
func TestNewerAgreesWithOracle(t *testing.T) {
	counted := 0
	cases(t, 3000, 14, func(_ int, w *world) {
		w.steps(60)
		l := w.list()
		n := w.present(&l)
		q := w.query(&l, n)
		q.Limit = w.anyLimit()
		b := newTestBuilder(w.index)
		asOf := w.index.Edition()
		body, page := b.Page(nil, q)
		if page.nextLength == 0 || page.Cards == 0 {
			return
		}
		last := w.o.newest[seen(t, body, page).Items[page.Cards-1].Article.ID]
		p := w.o.plan(&l, asOf, testChunk)
		opener := p.opener(p.members(w.o.root(last.Story, asOf)))
		for q.Cursor = w.cursor(t, body, page); ; q.Cursor = w.cursor(t, body, page) { // each page's cursor knows the first's last card
			w.steps(20)
			n = w.present(&l)
			q.Present, q.Marks, q.Filter, q.Unread = NewPerson(n.list), n.marks, n.filter, n.unread
			want := w.o.plan(&l, w.index.Edition(), testChunk).newer(n, asOf, opener)
			body, page = b.Page(nil, q)
			same(t, "newer", []int{b.Newer(q), seen(t, body, page).Newer}, []int{want, want})
			if counted += want; page.nextLength == 0 {
				return
			}
		}
	})
	t.Logf("%d newer stories", counted)
}

// More than 99 newer stories are counted as 99.
func TestNewerIsBounded(t *testing.T) {
	w := newWorld(rand.New(rand.NewPCG(1, 1)))
	publish := func(n int, age time.Duration) {
		for range n {
			e := Edition(len(w.o.entries) + 1)
			id := NewArticleID(fmt.Sprint(e))
			entry := Entry{Edition: e, At: w.start, Story: StoryID(id), StoryNum: e, Article: Article{
				ID: id, Kind: News, Published: w.start.Add(-age), Source: Source{ID: "s"}, Tags: []Tag{{Topic: "t", Salience: 1}}}}
			entry.Key = Key(1, entry.Article.Published, 12*time.Hour)
			w.o.add(entry)
			w.index.Apply(entry)
		}
	}
	publish(10, time.Hour)
	q := Query{Person: Nobody, Limit: 5, Now: w.start}
	body, page := NewBuilder(w.index).Page(nil, q)
	q.Cursor = w.cursor(t, body, page)
	for _, c := range []struct {
		n    int
		age  time.Duration
		want int
	}{{50, 2 * time.Hour, 0}, {98, 0, 98}, {1, 0, 99}, {50, 0, 99}} {
		publish(c.n, c.age)
		if got := NewBuilder(w.index).Newer(q); got != c.want {
			t.Errorf("after %d more: %d, want %d", c.n, got, c.want)
		}
	}
}
