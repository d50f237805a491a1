package feed

import (
	"slices"
	"time"
)

// Bounds of a preview.
const (
	PreviewCards  = 100 // of each feed are compared
	previewWindow = 7 * 24 * time.Hour
)

// Preview is what another list would make of a person's feed: of its first
// PreviewCards cards, and of what the last seven days published.
type Preview struct {
	Enters []ArticleID // cards that are new, in the order of the feed after
	Leaves []ArticleID // cards that are gone, in the order of the feed before
	Moves  []Move      // cards that stand elsewhere, in the order of the feed after

	// Removed counts the articles published within the last seven days that the
	// person may see in the feed before, as a card or behind one, and no longer
	// after; of the first 4,000 candidates of the feed before.
	Removed int
}

// Move is a card that stands in both feeds, at positions counted from 1.
type Move struct {
	Article  ArticleID
	From, To int
}

// Preview compares the feeds of two queries, which differ in the list only, as of
// one edition: the newest.
func (b *Builder) Preview(before, after Query) Preview {
	before.Cursor = nil
	was := b.begin(&before)
	defer was.end()
	at := was.start
	at.Revision = after.Person.Revision
	after.Cursor = &at
	will := b.begin(&after)
	defer will.end()
	p := compareCards(was.firstCards(), will.firstCards())
	if was.c == will.c { // else a backup was restored at this moment: another corpus
		p.Removed = was.removedIn(will, before.Now.Add(-previewWindow))
	}
	return p
}

// firstCards returns the articles of the first PreviewCards cards.
func (w *walker) firstCards() []ArticleID {
	var ids []ArticleID
	for looked := 0; looked < maxCandidates && w.judge(); looked += w.looked {
		for at := 0; ; at++ {
			p := w.arrange(at)
			if p == nil {
				break
			}
			r, ok := w.shown(p)
			if !ok {
				continue
			}
			if ids = append(ids, w.m.view.id(r)); len(ids) == PreviewCards {
				return ids
			}
		}
	}
	return ids
}

func compareCards(was, will []ArticleID) (p Preview) {
	position := make(map[ArticleID]int, len(was))
	for i, id := range was {
		position[id] = i + 1
	}
	for i, id := range will {
		switch from := position[id]; from {
		case 0:
			p.Enters = append(p.Enters, id)
		case i + 1:
		default:
			p.Moves = append(p.Moves, Move{id, from, i + 1})
		}
	}
	for _, id := range was {
		if !slices.Contains(will, id) {
			p.Leaves = append(p.Leaves, id)
		}
	}
	return p
}

// removedIn counts the articles published since a time that this feed may show
// and the other may not.
func (w *walker) removedIn(other *walker, since time.Time) int {
	n := 0
	w.m.begin(w.c.short(w.start.Edition), firstKey, ArticleID{})
	for range maxCandidates {
		h, ok := w.m.next()
		if !ok {
			break
		}
		if int64(w.m.view.published(h.row)) >= since.Unix() && w.mayShow(h.row) && !other.mayShow(h.row) {
			n++
		}
	}
	return n
}

func (w *walker) mayShow(r row) bool { return w.m.allows(r) && w.policy.allows(&w.m.view, r) }
