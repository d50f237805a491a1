package feed

import (
	"encoding/json"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"newsfeed/interests/topic"
)

// topicNum numbers a topic on this node.
type topicNum uint32

// Two lists are not of a topic: everything is the list of all articles, which a
// feed without interests reads; covered is that of articles whose story at least
// mustKnowSources independent sources have covered at some time.
const (
	everything topicNum = iota
	covered
)

const coveredID topic.ID = "\x00covered" // no name makes this id

// Index holds in memory, on every node, what a page needs of the articles within
// the horizon: their static keys, topics and encoded cards, and per topic a
// posting list sorted by rank. It is changed by one goroutine at a time, the
// [Log]'s; readers take no lock. The zero Index is not usable.
type Index struct {
	horizon time.Duration // 0: articles of any age
	now     func() time.Time
	corpus  atomic.Pointer[corpus]
	onTopic func(topic.Topic) // told of topics that entries bring
}

// corpus is the index of one log. A restored backup is another log, and gets
// another corpus.
type corpus struct {
	base    uint64        // editions are kept as 32 bits above it
	edition atomic.Uint64 // everything up to it is in the lists
	at      atomic.Int64  // when that edition was accepted, ms

	blocks atomic.Pointer[[]*block]
	rows   row // the writer's: next free row
	tags   arena[byte]
	cards  arena[byte]
	ids    idTable

	stories   stories
	window    *window // of the writer
	topics    topics
	told      toldTopics
	lists     atomic.Pointer[[]*postings] // by topicNum
	languages sync.Map                    // string → uint16
	nlang     uint16

	backwards   bool          // rows are added from the newest down: the first name of a source is its newest; the writer's
	compactions atomic.Uint64 // how often rows were taken out of the lists
	shelf       atomic.Pointer[shelf]
	trending    atomic.Pointer[trends]

	superseded []supersededRow // versions that others took the place of, in the order of that; the writer's
	deadUpTo   uint32          // versions closed up to this edition can be named no more; the writer's
	dropped    []uint64        // a bit per row that compact took out; the writer's
	release    func()          // lets go of what compact took out; the writer's
	releaseAt  time.Time
}

// supersededRow is a version that is kept for the sake of cursors.
type supersededRow struct {
	edition Edition
	by      Edition
	at      time.Time // when it was superseded
}

// NewIndex returns an empty index. Articles published longer ago than the
// horizon are left out (0: none is). onTopic, if not nil, is told of every topic
// that an entry brings, before the entry's article can be seen.
func NewIndex(horizon time.Duration, now func() time.Time, onTopic func(topic.Topic)) *Index {
	if onTopic == nil {
		onTopic = func(topic.Topic) {}
	}
	x := &Index{horizon: horizon, now: now, onTopic: onTopic}
	x.corpus.Store(newCorpus(0, time.Time{}))
	return x
}

func newCorpus(base Edition, at time.Time) *corpus {
	c := &corpus{base: uint64(base)}
	c.edition.Store(uint64(base))
	c.at.Store(at.UnixMilli())
	c.number("") // everything
	c.number(coveredID)
	c.window = newWindow()
	return c
}

// Edition returns the newest edition that the index holds.
func (x *Index) Edition() Edition { return Edition(x.corpus.Load().edition.Load()) }

// Articles returns the number of articles in the index.
func (x *Index) Articles() int { return int(x.corpus.Load().list(everything).live.Load()) }

// Count returns the number of articles that carry a topic.
func (x *Index) Count(id topic.ID) int {
	c := x.corpus.Load()
	if n, ok := c.lookup(id); ok {
		return int(c.list(n).live.Load())
	}
	return 0
}

// Has reports whether the index holds an article.
func (x *Index) Has(id ArticleID) bool {
	c := x.corpus.Load()
	r, v, ok := c.ids.find(id, c.view)
	return ok && v.to(r) == open
}

// Apply makes the index one edition newer. The entry's edition must be the next.
func (x *Index) Apply(e Entry) {
	c := x.corpus.Load()
	switch {
	case e.Stub:
	case e.Topic != nil:
		c.told.note(e.Topic)
		x.onTopic(*e.Topic)
	case e.Merge != nil:
		x.applyMerge(c, &e)
	default:
		x.applyArticle(c, &e)
	}
	c.at.Store(e.At.UnixMilli())
	c.edition.Store(uint64(e.Edition))
}

func (x *Index) applyArticle(c *corpus, e *Entry) {
	v := c.view()
	old, _, had := c.ids.find(e.Article.ID, c.view)
	had = had && v.to(old) == open
	if had {
		c.close(&v, old, e)
	}
	if e.Previous != 0 {
		c.superseded = append(c.superseded, supersededRow{e.Previous, e.Edition, e.At})
	}
	for _, id := range e.Left {
		c.list(c.number(id)).touched.Store(uint64(e.Edition))
	}
	if e.Withdrawn {
		c.window.forget(e.Article.ID)
	}
	if !e.Withdrawn && x.within(e.Article.Published) {
		x.noteTopics(c, e)
		r := c.add(e)
		v = c.view()
		for t := range v.tagsOf(r).all() {
			c.enter(&v, c.list(t.topic()), r, e.Edition)
		}
		c.enter(&v, c.list(everything), r, e.Edition)
		c.join(&v, r, e)
		c.ids.set(&v, e.Article.ID, r)
		c.window.note(e)
	}
}

// join makes a row a member of its article's story, if that has other articles.
// The first article of a story becomes a member when the second comes.
func (c *corpus) join(v *view, r row, e *Entry) {
	n := c.stories.lookup(e.Story)
	if n == 0 && e.Story == StoryID(e.Article.ID) && e.News.IsZero() {
		return
	}
	n = c.several(v, e.Story)
	c.member(v, n, r)
	c.stories.record(n).tell(e.News)
	c.touchMembers(v, n, e.Edition)
	if c.stories.record(n).covered {
		c.list(covered).insert(v, r)
	} else {
		c.cover(v, n)
	}
}

// touchMembers notes that an entry touches the topics of a story's articles:
// their cards name each other.
func (c *corpus) touchMembers(v *view, n storyNum, e Edition) {
	for _, m := range c.stories.rowsAt(n, always) {
		if v.to(m) != open {
			continue
		}
		for t := range v.tagsOf(m).all() {
			c.list(t.topic()).touched.Store(uint64(e))
		}
	}
	c.list(covered).touched.Store(uint64(e))
}

func (c *corpus) member(v *view, n storyNum, r row) {
	v.at(r).story.Store(n)
	c.stories.add(n, r)
}

// sources counts the independent sources of a story's newest versions.
func (c *corpus) sources(v *view, n storyNum) int {
	var seen []topicNum
	for _, m := range c.stories.rowsAt(n, always) {
		if s := v.source(m); v.to(m) == open && !slices.Contains(seen, s) {
			seen = append(seen, s)
		}
	}
	return len(seen)
}

// close ends a version's life at an entry's edition.
func (c *corpus) close(v *view, old row, e *Entry) {
	for t := range v.tagsOf(old).all() {
		c.list(t.topic()).live.Add(-1)
		c.list(t.topic()).touched.Store(uint64(e.Edition))
	}
	c.list(everything).live.Add(-1)
	c.list(everything).touched.Store(uint64(e.Edition))
	v.blocks[old>>blockBits].close(old%blockRows, c.short(e.Edition))
	if n := v.story(old); n != 0 {
		c.touchMembers(v, n, e.Edition)
	}
}

func (c *corpus) enter(v *view, p *postings, r row, e Edition) {
	p.insert(v, r)
	p.live.Add(1)
	p.touched.Store(uint64(e))
}

// add writes a row; it is in no list yet.
func (c *corpus) add(e *Entry) row {
	a := &e.Article
	numbers, source := c.tagsOf(a)
	r := c.rows
	c.rows++
	b, i := c.block(r, e.Key), r%blockRows
	at, wide := putTags(&c.tags, numbers)
	ntags := min(len(a.Tags), maxTags)
	published := uint32(min(max(a.Published.Unix(), 0), math.MaxUint32))
	record := &b.records[i]
	record.from = c.short(e.Edition)
	record.tags = at
	record.card = putCard(&c.cards, a.ID, published, c.short(e.StoryNum), encodeCard(e))
	record.meta = newMeta(ntags, source, c.languageNum(a.Language), kindNum(a.Kind), wide)
	b.setKey(i, e.Key)
	b.newest.Store(max(b.newest.Load(), record.from))
	b.left++
	b.oldest = min(b.oldest, published)
	return r
}

// tagsOf returns an article's tags by number, and which of them is its source's:
// one more than the article has if it does not carry that.
func (c *corpus) tagsOf(a *Article) (numbers []tag, source int) {
	own := c.sourceNum(&a.Source)
	numbers = make([]tag, 0, len(a.Tags)+1)
	for _, t := range a.Tags[:min(len(a.Tags), maxTags)] {
		numbers = append(numbers, newTag(c.number(t.Topic), hundredths(t.Salience)))
	}
	source = slices.IndexFunc(numbers, func(t tag) bool { return t.topic() == own })
	if source < 0 {
		source = len(numbers)
		numbers = append(numbers, newTag(own, 1))
	}
	return numbers, source
}

// block returns the block of the next row, whose key is given. Keys are counted
// from where those of the block before are, unless that is too far.
func (c *corpus) block(r row, key int64) *block {
	blocks := load(&c.blocks)
	n := int(r >> blockBits)
	if n < len(blocks) {
		return blocks[n]
	}
	b := &block{base: key, oldest: math.MaxUint32}
	if n > 0 && blocks[n-1] != nil {
		if d := key - blocks[n-1].base; d > isWide && d <= math.MaxInt32 {
			b.base = blocks[n-1].base
		}
	}
	blocks = append(blocks, b)
	c.blocks.Store(&blocks)
	return b
}

// noteTopics tells of the topics on an article, which may be new to this node.
func (x *Index) noteTopics(c *corpus, e *Entry) {
	for _, t := range e.Article.Tags {
		if _, known := c.lookup(t.Topic); known {
			continue
		}
		kind := topic.KindTag
		if t.Topic == topic.SourceTopicID(e.Article.Source.ID) {
			kind = topic.KindSource
		}
		x.onTopic(topic.Topic{ID: t.Topic, Name: t.Name, Kind: kind})
	}
}

func (x *Index) within(published time.Time) bool {
	return x.horizon == 0 || published.After(x.now().Add(-x.horizon))
}

// Horizon returns the age beyond which articles are left out; 0 is none.
func (x *Index) Horizon() time.Duration { return x.horizon }

func (c *corpus) short(e Edition) uint32 {
	if uint64(e) <= c.base {
		return 0
	}
	return uint32(min(uint64(e)-c.base, open-1))
}

func (c *corpus) view() view {
	return view{load(&c.blocks), load(&c.tags.segments), load(&c.cards.segments)}
}

// number returns a topic's number, giving it one when it has none. The writer's.
func (c *corpus) number(id topic.ID) topicNum {
	if n, ok := c.lookup(id); ok {
		return n
	}
	lists := load(&c.lists)
	n := topicNum(len(lists))
	lists = append(lists, c.topics.list(id))
	c.lists.Store(&lists)
	c.topics.numbered(lists, id, n)
	return n
}

func (c *corpus) lookup(id topic.ID) (topicNum, bool) {
	return c.topics.lookup(&c.lists, id)
}

// topicID returns the topic of a number.
func (c *corpus) topicID(n topicNum) topic.ID { return c.topics.id(c.list(n)) }

// sourceNum returns the number of a source's topic and keeps the source's name.
func (c *corpus) sourceNum(s *Source) topicNum {
	n := c.number(topic.SourceTopicID(s.ID))
	name, _ := json.Marshal(s.Name) // a string always encodes
	if old, ok := c.topics.sourceName(c.list(n)); !ok || !c.backwards && string(old) != string(name) {
		c.topics.nameSource(c.list(n), name)
	}
	return n
}

func (c *corpus) list(n topicNum) *postings { return load(&c.lists)[n] }

func (c *corpus) languageNum(l string) uint16 {
	if n, ok := c.languages.Load(l); ok {
		return n.(uint16)
	}
	if c.nlang == maxLanguage {
		return 0 // so many have no name: no filter finds the others
	}
	c.nlang++
	c.languages.Store(l, c.nlang)
	return c.nlang
}

func kindNum(k Kind) uint8 { return uint8(max(slices.Index(Kinds, k), 0)) }
