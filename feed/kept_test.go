package feed

import (
	"bytes"
	"maps"
	"math/rand/v2"
	"testing"
	"time"

	"newsfeed/interests/account"
)

// What was kept from an earlier page gives the same pages as judging anew, while
// the world changes, limits differ, days pass and rows are let go.
func TestKeptPages(t *testing.T) {
	t.Logf("-oracle.seed %d", *oracleSeed)
	taken, again := 0, 0
	for i := range 400 {
		w := newWorld(rand.New(rand.NewPCG(*oracleSeed+4, uint64(i))))
		for range 20 + w.r.IntN(100) {
			w.step()
		}
		l := w.list()
		kept := NewPerson(&l)
		kept.Keep()
		b := newTestBuilder(w.index)
		marks := MarkSet{Stories: map[StoryID]StoryMarks{}}
		for range 20 {
			q := Query{Person: kept, Limit: 3 + w.r.IntN(2)*6, Now: w.start, Why: w.r.IntN(4) == 0, MustKnow: w.r.IntN(2), Marks: &marks}
			q.Version = b.Version(&q, account.ID{}, "")
			if k := kept.shown.Load(); k != nil && k.version == q.Version.Sum {
				again++
			}
			if c := kept.chunk.Load(); c != nil && c.touched == kept.touched(w.index.corpus.Load()) {
				taken++
			}
			got, page := b.Page(nil, q)
			q.Person, q.Version = NewPerson(&l), Version{}
			if want, wanted := b.Page(nil, q); !bytes.Equal(got, want) || page != wanted {
				at := 0
				for at < min(len(got), len(want)) && got[at] == want[at] {
					at++
				}
				t.Fatalf("case %d, from byte %d:\n kept %s\nanew %s", i, at, got[max(0, at-300):], want[max(0, at-300):])
			}
			switch w.r.IntN(8) {
			case 0:
				w.step()
			case 1:
				w.pass()
			case 2:
				w.index.corpus.Load().releaseAt = time.Time{}
				w.index.forget(w.o.entries[len(w.o.entries)-1].At)
			case 3:
				marks.Stories = maps.Clone(marks.Stories)
				w.mark(marks.Stories)
				marks.Revision++
			}
		}
	}
	if taken < 1000 || again < 500 {
		t.Errorf("only %d pages could be made of the chunk that was kept, and %d written again", taken, again)
	}
}

// pass lets some days go by: a new article of a topic of its own is accepted then.
func (w *world) pass() {
	e := w.o.entries[len(w.o.entries)-1]
	id := NewArticleID(time.Duration(e.Edition).String())
	next := Entry{Edition: e.Edition + 1, At: e.At.Add(time.Duration(w.r.IntN(72)) * time.Hour), Story: StoryID(id), StoryNum: e.Edition + 1,
		Article: Article{ID: id, Kind: News, Published: e.At, Source: Source{ID: "own", Name: "Own"}, Tags: []Tag{{Topic: "own", Name: "Own", Salience: 1}}}}
	w.o.entries = append(w.o.entries, next)
	w.index.Apply(next)
}
