package feed

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"newsfeed/interests"
	"newsfeed/interests/topic"
)

func newTestBuilder(x *Index) *Builder {
	b := NewBuilder(x)
	b.chunk = testChunk
	b.batch = 1 // so that most chunks are judged in part
	b.waste = 1 // so that scans fail
	return b
}

// world makes random corpora and lists out of few topics and few moments, so
// that ties, edits and overlaps are common.
type world struct {
	r     *rand.Rand
	start time.Time
	o     oracle
	index *Index
}

func newWorld(r *rand.Rand) *world { return newWorldWithin(r, 0) }

// newWorldWithin makes a world with a horizon; 0 is none.
func newWorldWithin(r *rand.Rand, horizon time.Duration) *world {
	w := &world{r: r, start: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	w.o.newest = map[ArticleID]Entry{}
	if horizon > 0 {
		w.o.since = w.start.Add(-horizon)
	}
	w.index = NewIndex(horizon, func() time.Time { return w.start }, nil)
	return w
}

// steps appends up to n random entries, at least one.
func (w *world) steps(n int) {
	for range 1 + w.r.IntN(n) {
		w.step()
	}
}

func (w *world) topic() topic.ID { return topic.ID(fmt.Sprintf("t%d", w.r.IntN(12))) }

// merge appends the merge of two stories, if there are two.
func (w *world) merge() bool {
	n := len(w.o.entries)
	if n == 0 {
		return false
	}
	a, b := w.o.entries[w.r.IntN(n)], w.o.entries[w.r.IntN(n)]
	if a.Merge != nil || b.Merge != nil || w.o.named(a.Story) == w.o.named(b.Story) {
		return false
	}
	m := &StoryMerge{Kept: w.o.named(a.Story), KeptNum: a.StoryNum, Gone: w.o.named(b.Story), GoneNum: b.StoryNum}
	e := Entry{Edition: Edition(n + 1), At: w.o.entries[n-1].At, Merge: m}
	w.o.add(e)
	w.index.Apply(e)
	return true
}

// step appends a random entry: a new article, an edit of one, a withdrawal, or a
// merge of two stories.
func (w *world) step() {
	if w.r.IntN(12) == 0 && w.merge() {
		return
	}
	e := Edition(len(w.o.entries) + 1)
	id := NewArticleID(fmt.Sprintf("https://example.com/%d", w.r.IntN(60)))
	old, known := w.o.newest[id]
	at := w.start.Add(time.Duration(e) * time.Second)
	if n := len(w.o.entries); n > 0 && w.o.entries[n-1].At.After(at) {
		at = w.o.entries[n-1].At // a log's times never go back
	}
	entry := Entry{Edition: e, At: at, Story: StoryID(id), StoryNum: e}
	if first, had := w.o.first(id); had {
		entry.Story, entry.StoryNum = first.Story, first.StoryNum
	} else if n := len(w.o.entries); n > 0 && w.r.IntN(3) == 0 && w.o.entries[n-1].Merge == nil {
		other := w.o.entries[n-1]
		if o := w.o.entries[w.r.IntN(n)]; o.Merge == nil {
			other = o
		}
		entry.Story, entry.StoryNum = other.Story, other.StoryNum
	}
	if known {
		entry.Previous = old.Edition
	}
	if known && w.r.IntN(5) == 0 {
		entry.Withdrawn, entry.Article.ID = true, id
		entry.Left = left(old.Article.Tags, nil)
	} else {
		entry.Article = w.article(id)
		entry.Key = Key(1, entry.Article.Published, 12*time.Hour)
		entry.Left = left(old.Article.Tags, entry.Article.Tags)
	}
	w.o.add(entry)
	w.index.Apply(entry)
}

// first returns the first entry of an article.
func (o *oracle) first(id ArticleID) (Entry, bool) {
	i := slices.IndexFunc(o.entries, func(e Entry) bool { return e.Article.ID == id })
	if i < 0 {
		return Entry{}, false
	}
	return o.entries[i], true
}

func (w *world) article(id ArticleID) Article {
	a := Article{
		ID: id, URL: "https://example.com/", Title: "Title", Kind: Kinds[w.r.IntN(3)],
		Language: []string{"", "en", "de"}[w.r.IntN(3)], Source: w.source(),
		Published: w.start.Add(-time.Duration(w.r.IntN(40)) * time.Hour),
	}
	for range w.r.IntN(5) {
		id := w.topic()
		if !slices.ContainsFunc(a.Tags, func(t Tag) bool { return t.Topic == id }) {
			a.Tags = append(a.Tags, Tag{Topic: id, Name: string(id), Salience: float64(1+w.r.IntN(100)) / 100})
		}
	}
	a.Tags = append(a.Tags, Tag{Topic: topic.SourceTopicID(a.Source.ID), Name: a.Source.Name, Salience: 1})
	slices.SortStableFunc(a.Tags, func(x, y Tag) int { return cmp.Compare(y.Salience, x.Salience) })
	return a
}

func (w *world) source() Source {
	n := w.r.IntN(5)
	return Source{ID: fmt.Sprintf("s%d", n), Name: fmt.Sprintf("Source %d", n)}
}

func (w *world) list() interests.List {
	l := interests.List{Revision: 7, Topics: map[topic.ID]interests.Register{}}
	for range w.r.IntN(9) {
		id := w.topic()
		if w.r.IntN(8) == 0 {
			id = topic.SourceTopicID(w.source().ID)
		}
		l.Topics[id] = interests.Register{
			Level: []interests.Level{interests.Follow, interests.Follow, interests.Favourite, interests.Mute, interests.None}[w.r.IntN(5)],
			Since: w.start.Add(-time.Duration(w.r.IntN(14*24)) * time.Hour),
		}
	}
	return l
}

func (w *world) filter() (f Filter) {
	if w.r.IntN(4) == 0 {
		f.Kinds = []Kind{Kinds[w.r.IntN(4)]}
	}
	if w.r.IntN(6) == 0 {
		f.Languages = []string{[]string{"en", "de", "xx"}[w.r.IntN(3)]}
	}
	if w.r.IntN(4) == 0 {
		f.Topics = []topic.ID{w.topic(), w.topic()}
	}
	return f
}

// marks makes random marks of the stories that there are.
func (w *world) marks() *MarkSet {
	m := &MarkSet{Stories: map[StoryID]StoryMarks{}}
	for range w.r.IntN(10) {
		w.mark(m.Stories)
	}
	return m
}

func (w *world) mark(stories map[StoryID]StoryMarks) {
	if len(w.o.entries) == 0 {
		return
	}
	is := func() MarkRegister { return MarkRegister{Value: w.r.IntN(3) == 0} }
	stories[w.o.entries[w.r.IntN(len(w.o.entries))].Story] = StoryMarks{Read: is(), Saved: is(), Hidden: is()}
}

// present makes a random present: of the list, or of an edit of it.
func (w *world) present(l *interests.List) *present {
	now := w.edit(*l)
	return &present{list: &now, filter: w.filter(), marks: w.marks(), unread: w.r.IntN(2) == 0}
}

// edit changes one topic of a list, now and then.
func (w *world) edit(l interests.List) interests.List {
	if w.r.IntN(2) == 0 {
		return l
	}
	next := interests.List{Revision: l.Revision + 1, Topics: maps.Clone(l.Topics)}
	next.Topics[w.topic()] = interests.Register{Level: interests.Level(1 + w.r.IntN(4))}
	return next
}

// query asks for the feed of a list at a present.
func (w *world) query(l *interests.List, n *present) Query {
	return Query{Person: NewPerson(l), Present: NewPerson(n.list), Marks: n.marks, Filter: n.filter, Unread: n.unread,
		Why: true, MustKnow: w.r.IntN(MaxMustKnow + 1), Limit: MaxLimit, Now: w.start}
}
