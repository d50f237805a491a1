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
	Cards    int
}

// PerArticle returns the bytes an article takes, cards apart.
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
		s.Postings += int(unsafe.Sizeof(*p)+unsafe.Sizeof(*h)) + cap(h.chunks)*int(unsafe.Sizeof(h.tail))
		for _, rows := range append(h.chunks[:len(h.chunks):len(h.chunks)], h.tail) {
			s.Postings += cap(rows) * int(unsafe.Sizeof(row(0)))
		}
	}
	s.IDs = c.ids.rows.bytes()
	return s
}
