//go:build !race

// The race detector makes pools forget, so that pages allocate.

package feed

import (
	"math/rand/v2"
	"testing"

	"newsfeed/interests"
)

// A page allocates nothing, neither the first of a feed nor one within a walk, kept
// or judged anew: one allocation in ten pages is allowed, for collections that
// empty the builder's pool.
func TestPageAllocatesNothing(t *testing.T) {
	w := newWorld(rand.New(rand.NewPCG(1, 1)))
	for range 300 {
		w.step()
	}
	var lists []interests.List
	for len(lists) < 10 {
		if l := w.list(); len(l.Interests()) > 2 {
			lists = append(lists, l)
		}
	}
	queries := map[string]func(*Query){
		"first":    func(*Query) {},
		"kept":     func(q *Query) { q.Person.Keep() },
		"filtered": func(q *Query) { q.Filter, q.Unread = Filter{Kinds: Kinds[:2], Languages: []string{"en", ""}}, true },
		"later":    nil,
	}
	b, dst := newTestBuilder(w.index), make([]byte, 0, 1<<20)
	for name, change := range queries {
		var qs []Query
		for i := range lists {
			q := Query{Person: NewPerson(&lists[i]), Marks: w.marks(), Limit: 5, MustKnow: 1, Now: w.start}
			if change != nil {
				change(&q)
			} else if body, page := b.Page(nil, q); len(page.Next(body)) > 0 {
				q.Cursor = w.cursor(t, body, page)
			}
			qs = append(qs, q)
		}
		cards := 0
		per := testing.AllocsPerRun(100, func() {
			for i := range qs {
				_, page := b.Page(dst[:0], qs[i])
				cards += page.Cards
			}
		}) / float64(len(qs))
		if per > 0.1 || cards == 0 {
			t.Errorf("%s: %g allocations a page, %d cards", name, per, cards)
		}
	}
}
