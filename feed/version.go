package feed

import (
	"encoding/binary"

	"github.com/cespare/xxhash/v2"

	"newsfeed/interests/account"
	"newsfeed/interests/topic"
)

// Version says which page a query gets, without its being made: it changes
// whenever the page may. What changes by itself (as_of, and with it the cursor)
// does not count.
type Version struct {
	Sum uint64 // what an ETag is made of

	corpus  *corpus
	edition Edition // the newest when it was asked for
	at      int64   // when that was accepted, ms
}

// Version returns the version of a query's page. whose is the caller, zero for
// nobody; of is the topic whose page it is, empty for a feed.
//
// A page within a walk may show versions that have been superseded since, and
// what befalls their articles later need not touch the topics they had: there,
// every article counts.
func (b *Builder) Version(q *Query, whose account.ID, of topic.ID) Version {
	c := b.index.corpus.Load()
	v := Version{corpus: c}
	edition := c.edition.Load() // before what was touched: an entry's topics are, before its page is
	v.edition, v.at = Edition(edition), c.at.Load()
	touched, fresh := q.Person.reached(c, v.edition, v.at)
	if q.Cursor != nil {
		touched = c.list(everything).touched.Load()
	}
	var room [320]byte
	buf := append(room[:0], whose[:]...)
	buf = append(append(buf, byte(len(of))), of...)
	number := func(n uint64) { buf = binary.BigEndian.AppendUint64(buf, n) }
	number(uint64(q.Limit)<<8 | uint64(q.MustKnow)<<3 | bit(q.Unread)<<2 | bit(q.Why)<<1 | bit(q.Person.Known))
	for _, n := range [...]uint64{uint64(q.Person.Revision), q.Person.Digest, uint64(rankerVersion), min(touched, edition),
		uint64(q.Now.Unix() / (15 * 60)), uint64(q.present().Revision), q.present().Digest} {
		number(n)
	}
	if q.Cursor == nil {
		number(fresh) // in a walk it is the cursor's
	}
	if q.MustKnow > 0 {
		number(min(c.list(covered).touched.Load(), edition))
	}
	if q.Marks != nil {
		number(uint64(q.Marks.Revision))
	}
	buf = q.Filter.appendText(buf)
	if q.Cursor != nil {
		buf = append(buf, q.Cursor.String()...)
	}
	v.Sum = xxhash.Sum64(buf)
	return v
}

// reached is what an edition means to a person.
type reached struct {
	corpus  *corpus
	edition Edition
	at      int64

	touched uint64 // the newest edition, up to then, that touched a topic they follow
	fresh   uint64 // of each follow, how fresh it was
}

// reached returns what an edition, accepted at a time, means to the person. As
// long as there is no newer one it is known from the last time.
func (p *Person) reached(c *corpus, edition Edition, at int64) (touched, fresh uint64) {
	r := p.at.Load()
	if r != nil && r.corpus == c && r.edition == edition && r.at == at {
		return r.touched, r.fresh
	}
	if p.Cold() {
		touched = c.list(everything).touched.Load()
	}
	followed := p.numbers(c).followed
	for i := range followed {
		f := &followed[i]
		fresh = fresh*31 + uint64(freshness(f.since, at))
		touched = max(touched, f.list.touched.Load())
	}
	if p.keeps.Load() {
		p.at.Store(&reached{c, edition, at, touched, fresh})
	}
	return touched, fresh
}
