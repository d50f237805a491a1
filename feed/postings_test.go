package feed

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// Packed rows are the rows that were packed.
func TestPackedRows(t *testing.T) {
	t.Logf("-oracle.seed %d", *oracleSeed)
	r := rand.New(rand.NewPCG(*oracleSeed+10, 0))
	for i := range 2000 {
		rows := make([]row, 1+r.IntN(300))
		for k := range rows {
			rows[k] = r.Uint32() >> r.IntN(32)
			if k > 0 && i%2 == 0 {
				rows[k] = rows[k-1] + r.Uint32()>>(16+r.IntN(16))
			}
		}
		p := pack(rows)
		if got := p.rows(); !slices.Equal(got, rows) {
			t.Fatalf("case %d: packed %v, got %v", i, rows, got)
		}
	}
}

// A posting list is the sorted list of its rows, whatever their order of arrival:
// walked from the best to the worst, entered anywhere, thinned out; and what was
// published before stays what it was.
func TestPostingsAreSortedLists(t *testing.T) {
	t.Logf("-oracle.seed %d", *oracleSeed)
	for i := range 12 {
		r := rand.New(rand.NewPCG(*oracleSeed+11, uint64(i)))
		w := newWorld(r)
		c := newCorpus(0, w.start)
		late := 2 + r.IntN(40) // one in so many
		var p postings
		var in []row
		var heads []*postingHead
		var lens []int
		for n := range 200 + r.IntN(4000) {
			e := Entry{Edition: Edition(n + 1), Key: int64(n), Article: Article{ID: ArticleID{byte(r.IntN(256)), byte(n), byte(n >> 8)}, Kind: News}}
			if r.IntN(late) == 0 {
				e.Key = int64(r.IntN(n + 1))
			}
			at, v := c.add(&e), c.view()
			p.insert(&v, at)
			in = append(in, at)
			if n%500 == 0 {
				heads, lens = append(heads, p.load()), append(lens, len(in))
			}
		}
		v := c.view()
		for k, h := range heads {
			comparePostings(t, r, &v, h, in[:lens[k]])
		}
		comparePostings(t, r, &v, p.load(), in)
		comparePostings(t, r, &v, sorted(&v, slices.Clone(in)), in)
		dead := func(at row) bool { return at%3 == 0 }
		comparePostings(t, r, &v, p.load().without(dead), slices.DeleteFunc(in, dead))
	}
}

func comparePostings(t *testing.T, r *rand.Rand, v *view, h *postingHead, in []row) {
	t.Helper()
	want := slices.SortedFunc(slices.Values(in), func(a, b row) int {
		if v.before(a, b) {
			return -1
		}
		return 1
	})
	if h.len() != len(want) {
		t.Fatalf("%d rows, want %d", h.len(), len(want))
	}
	if got := walked(newWalk(h)); !slices.Equal(got, want) {
		t.Fatalf("from the best to the worst %v, want %v", got, want)
	}
	for range 20 {
		n := r.IntN(len(want))
		if got := walked(seek(h, func(at row) bool { return v.before(at, want[n]) })); !slices.Equal(got, want[n:]) {
			t.Fatalf("from place %d %v, want %v", n, got, want[n:])
		}
	}
}

func walked(w walk) (rows []row) {
	for {
		r, ok := w.next()
		if !ok {
			return rows
		}
		rows = append(rows, r)
	}
}
