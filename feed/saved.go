package feed

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"slices"
	"strconv"

	"newsfeed/interests"
	"newsfeed/interests/topic"
)

// A person's saved stories are a list of their own: last saved first, under the
// policy, each with the best article that the person may see now. A story that
// left the horizon is still theirs: its card is made of what the store says of
// its first article.

// maxSavedLooked is how many saved stories are looked at for one page: it may be
// short then, and has a next.
const maxSavedLooked = 400

// MarkCursor is a place in a list of marks: after a story, saved by the edit of
// a stamp. In a list by stories alone the stamp is zero.
type MarkCursor struct {
	At    interests.Stamp
	Story StoryID
}

const (
	markCursorVersion = 1
	markCursorBytes   = 1 + 16 + 16 + 4
)

// String makes a cursor text: base64url of a version, the fields, and a CRC-32.
func (c MarkCursor) String() string {
	b := append(make([]byte, 0, markCursorBytes), markCursorVersion)
	b = append(append(b, c.At[:]...), c.Story[:]...)
	return base64.RawURLEncoding.EncodeToString(binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b)))
}

// ParseMarkCursor reads a cursor; ErrCursorDamaged when it is none.
func ParseMarkCursor(text string) (MarkCursor, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(b) != markCursorBytes || b[0] != markCursorVersion ||
		crc32.ChecksumIEEE(b[:len(b)-4]) != binary.BigEndian.Uint32(b[len(b)-4:]) {
		return MarkCursor{}, ErrCursorDamaged
	}
	return MarkCursor{interests.Stamp(b[1:17]), StoryID(b[17:33])}, nil
}

// SavedAfter returns the saved stories after a place, in the order of Saved.
func (s MarkSet) SavedAfter(c MarkCursor) []SavedStory {
	saved := s.Saved()
	first := slices.IndexFunc(saved, func(s SavedStory) bool {
		later := s.At.Compare(c.At)
		return later < 0 || later == 0 && bytes.Compare(s.Story[:], c.Story[:]) > 0
	})
	if first < 0 {
		return nil
	}
	return saved[first:]
}

// HasStory reports whether the index holds an article of a story, or one that was
// withdrawn not long ago.
func (x *Index) HasStory(id StoryID) bool { return len(x.corpus.Load().rowsOf(id)) > 0 }

// rowsOf returns the rows of a story, all versions that count.
func (c *corpus) rowsOf(id StoryID) []row {
	if rows := c.stories.rowsAt(c.stories.lookup(id), always); len(rows) > 0 {
		return rows
	}
	if r, v, ok := c.ids.find(ArticleID(id), c.view); ok && v.story(r) == 0 {
		return []row{r}
	}
	return nil
}

// StoredStory is what the store says of a story that the index does not hold.
type StoredStory struct {
	IDs   []StoryID // of all that are one with it, the one that survived first
	First Entry     // the newest of its first article
}

// Saved appends a page of saved stories to dst as JSON, in the shape of a feed's:
// of those given, last saved first. stored looks up stories that the index does not
// hold; its error is returned as it is.
func (b *Builder) Saved(dst []byte, q Query, saved []SavedStory,
	stored func([]StoryID) (map[StoryID]StoredStory, error)) ([]byte, Page, error) {
	q.Cursor, q.MustKnow, q.Why = nil, 0, false
	w := b.begin(&q)
	defer w.end()
	dst = append(w.open(dst), `"items":[`...)
	var page Page
	var last SavedStory
	for looked := 0; page.Cards < q.Limit && looked < maxSavedLooked && len(saved) > 0; {
		batch := saved[:min(len(saved), q.Limit-page.Cards)]
		saved, last = saved[len(batch):], batch[len(batch)-1]
		looked += len(batch)
		absent, err := stored(w.absent(batch))
		if err != nil {
			return dst, page, err
		}
		for _, s := range batch {
			comma := len(dst)
			if page.Cards > 0 {
				dst = append(dst, ',')
			}
			card := len(dst)
			dst = w.savedCard(dst, s, absent)
			if len(dst) == card {
				dst = dst[:comma]
			} else {
				page.Cards++
			}
		}
	}
	dst = append(dst, ']')
	if len(saved) > 0 {
		dst = append(dst, `,"next":"`...)
		page.next = len(dst)
		dst = append(dst, MarkCursor{last.At, last.Story}.String()...)
		page.nextLength = len(dst) - page.next
		dst = append(dst, '"')
	}
	return append(dst, `,"newer":0}`...), page, nil
}

// absent returns those stories that the index does not hold.
func (w *walker) absent(batch []SavedStory) []StoryID {
	var ids []StoryID
	for _, s := range batch {
		if len(w.c.rowsOf(s.Story)) == 0 {
			ids = append(ids, s.Story)
		}
	}
	return ids
}

// savedCard writes the card of a story; nothing when the person may see none of
// its articles now, or it is one with another that has its card already.
func (w *walker) savedCard(dst []byte, s SavedStory, absent map[StoryID]StoredStory) []byte {
	n := w.c.stories.lookup(s.Story)
	if rows := w.c.rowsOf(s.Story); len(rows) > 0 {
		if r, ok := w.best(n, rows); ok && (n == 0 || !w.repeats(s, w.c.stories.idsOf(n))) {
			return w.card(dst, n, r)
		}
		return dst
	}
	stored, ok := absent[s.Story]
	if !ok || w.repeats(s, stored.IDs) || len(w.q.Visible([]Entry{stored.First}, stored.IDs)) == 0 {
		return dst
	}
	return w.storedCard(dst, &stored)
}

// card writes one card.
func (w *walker) card(dst []byte, story storyNum, r row) []byte {
	w.page.reset()
	w.named.reset()
	w.show(story, r, true)
	card := writer{showing: &w.page.showing, view: &w.m.view}
	card.find(w.found)
	return card.next(dst)
}

// best returns the best article of a story that the person may see now.
func (w *walker) best(n storyNum, rows []row) (best row, ok bool) {
	sources, top := w.sources(n), int64(0)
	for _, r := range rows {
		if !w.m.view.alive(r, w.m.edition) || !w.policy.allows(&w.m.view, r) {
			continue
		}
		if score := w.score(r, sources); !ok || score > top || score == top && w.m.view.tieBefore(r, best) {
			best, top, ok = r, score, true
		}
	}
	return best, ok
}

// storedCard writes a card of what the store says of a story.
func (w *walker) storedCard(dst []byte, s *StoredStory) []byte {
	e := s.First
	e.Story = s.IDs[0]
	dst = append(dst, encodeCard(&e)...)
	dst = append(dst, `,"also":{"articles":0,"sources":[]},"matched":[`...)
	comma := false
	for _, t := range e.Article.Tags {
		if n, ok := w.c.lookup(t.Topic); !ok || !w.m.standing(n).matched() {
			continue
		}
		if comma {
			dst = append(dst, ',')
		}
		comma = true
		dst = strconv.AppendQuote(dst, string(t.Topic)) // letters, digits and hyphens
	}
	marks := w.q.marksOf(s.IDs)
	dst = append(dst, `],"mark":{"read":`...)
	dst = strconv.AppendBool(dst, marks.Read.Value)
	dst = append(dst, `,"saved":`...)
	dst = strconv.AppendBool(dst, marks.Saved.Value)
	return append(dst, `}}`...)
}

// marksOf returns the person's marks on stories that are one.
func (q *Query) marksOf(ids []StoryID) StoryMarks {
	if q.Marks == nil {
		return StoryMarks{}
	}
	return q.Marks.Through(ids)
}

// Visible returns those of some articles of one story, by their newest entries, that
// the query's person may see now: [policy] for what the index need not hold. ids are
// those of all stories that are one with it. A test holds the two against each other.
func (q *Query) Visible(entries []Entry, ids []StoryID) []Entry {
	marks := q.marksOf(ids)
	muted := make(map[topic.ID]bool, len(q.present().muted))
	for _, id := range q.present().muted {
		muted[id] = true
	}
	return slices.DeleteFunc(slices.Clone(entries), func(e Entry) bool {
		return e.Withdrawn || marks.Hidden.Value || q.Unread && marks.Read.Value || !q.Filter.passes(&e.Article) ||
			slices.ContainsFunc(e.Article.Tags, func(t Tag) bool { return muted[t.Topic] })
	})
}

// passes reports whether an article passes the filter.
func (f *Filter) passes(a *Article) bool {
	return (len(f.Kinds) == 0 || slices.Contains(f.Kinds, a.Kind)) &&
		(len(f.Languages) == 0 || slices.Contains(f.Languages, a.Language)) &&
		(len(f.Topics) == 0 || slices.ContainsFunc(a.Tags, func(t Tag) bool { return slices.Contains(f.Topics, t.Topic) }))
}
