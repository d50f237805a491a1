package feed

import "time"

// Retrieve appends to dst the n best articles of what a person follows, as stage 1
// ranks them, each once, best first: fewer when there are no more. It is the part
// of a page that a database can answer too, for measurements beside them; mutes,
// marks, stories and judgement take no part in it.
func (b *Builder) Retrieve(dst []ArticleID, p *Person, n int) []ArticleID {
	w := b.scratch.Get().(*walker)
	c := b.index.corpus.Load()
	edition := Edition(c.edition.Load()) // before the lists: they hold all of it
	w.m.scan.waste = b.waste
	w.m.prepare(c, p, time.UnixMilli(c.at.Load()))
	w.m.begin(c.short(edition), firstKey, ArticleID{})
	w.hits = w.hits[:0]
	for len(w.hits) < n {
		h, ok := w.m.next()
		if !ok {
			break
		}
		w.hits = append(w.hits, h)
	}
	for _, h := range w.hits { // apart: so the processor fetches many ids at once
		dst = append(dst, w.m.view.id(h.row))
	}
	w.m.clear()
	b.scratch.Put(w)
	return dst
}
