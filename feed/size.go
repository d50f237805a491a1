package feed

import "unsafe"

// Size is what the index takes, in bytes, spare room included.
type Size struct {
	Articles int // newest versions
	Rows     int // all versions kept
	Columns  int // keys, editions and what else is of a fixed size
	Tags     int // the forward index
	Postings int
	IDs      int // the table of article ids
	Stories  int // which articles belong to a story of several
	Cards    int
}

// PerArticle returns the bytes an article takes, cards and stories apart.
func (s Size) PerArticle() float64 {
	return float64(s.Columns+s.Tags+s.Postings+s.IDs) / float64(max(s.Articles, 1))
}

// Size measures the index. It walks all lists: not for every call.
func (x *Index) Size() Size {
	c := x.corpus.Load()
	lists := load(&c.lists)
	s := Size{Articles: x.Articles(), Rows: lists[everything].load().len()}
	v := c.view()
	for _, b := range v.blocks {
		if b != nil {
			s.Columns += int(unsafe.Sizeof(*b)) + 8*cap(load(&b.ends)) + 16*cap(load(&b.wide))
		}
	}
	for _, seg := range v.tags {
		s.Tags += len(seg)
	}
	for _, seg := range v.cards {
		s.Cards += len(seg)
	}
	for _, p := range lists {
		h := p.load()
		s.Postings += int(unsafe.Sizeof(*p)+unsafe.Sizeof(*h)) + cap(h.chunks)*int(unsafe.Sizeof(packed{})) + cap(h.tail)*int(unsafe.Sizeof(row(0)))
		for i := range h.chunks {
			s.Postings += cap(h.chunks[i].bytes)
		}
	}
	s.IDs = c.ids.rows.bytes()
	s.Stories = c.stories.bytes()
	return s
}
