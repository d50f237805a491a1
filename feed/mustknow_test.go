package feed

import (
	"bytes"
	"math/rand/v2"
	"testing"
	"time"
)

// What is at hand for all shelves is what gathering it anew gives, while articles
// come, change and go and rows are let go.
func TestShelfAtHand(t *testing.T) {
	t.Logf("-oracle.seed %d", *oracleSeed)
	taken, shown := 0, 0
	for i := range 100 {
		w := newWorld(rand.New(rand.NewPCG(*oracleSeed+7, uint64(i))))
		b := newTestBuilder(w.index)
		for range 150 {
			w.step()
			if w.r.IntN(20) == 0 {
				w.index.corpus.Load().releaseAt = time.Time{}
				w.index.forget(w.o.entries[len(w.o.entries)-1].At)
			}
			l := w.list()
			q := w.query(&l, w.present(&l))
			c := w.index.corpus.Load()
			before := c.shelf.Load()
			got, _ := b.Page(nil, q)
			if before != nil && c.shelf.Load() == before {
				taken++
			}
			c.shelf.Store(nil)
			if want, _ := b.Page(nil, q); !bytes.Equal(got, want) {
				t.Fatalf("case %d:\nat hand %s\n   anew %s", i, got, want)
			}
			if c.shelf.Load() != nil && len(c.shelf.Load().articles) > 0 {
				shown++
			}
		}
	}
	if taken < 1000 || shown < 1000 {
		t.Errorf("only %d pages took what was at hand, of %d with anything to show", taken, shown)
	}
}
