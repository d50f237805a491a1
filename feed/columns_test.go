package feed

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"newsfeed/interests/topic"
)

// A row says what its entry says, whatever its key, topics and source, and a closed
// one which edition closed it.
func TestRowsSayWhatEntriesSay(t *testing.T) {
	t.Logf("-oracle.seed %d", *oracleSeed)
	r := rand.New(rand.NewPCG(*oracleSeed+8, 0))
	w := newWorld(r)
	c := newCorpus(0, w.start)
	keys := []int64{0, 1, math.MaxInt32, math.MinInt32, math.MinInt32 + 1, math.MaxInt64 / 4, math.MinInt64 / 4}
	var entries []Entry
	closed := map[row]uint32{}
	for e := Edition(1); e <= 3*blockRows/2; e++ {
		id := NewArticleID(time.Duration(e).String())
		entry := Entry{Edition: e, Story: StoryID(id), StoryNum: 1 + Edition(r.IntN(int(e))), Article: w.article(id),
			Key: 1<<20 + keys[r.IntN(2)*r.IntN(len(keys))] + int64(r.IntN(1000))}
		if r.IntN(10) == 0 {
			entry.Article.Tags = slices.DeleteFunc(entry.Article.Tags, func(t Tag) bool { return t.Salience == 1 })
		}
		entries = append(entries, entry)
		c.add(&entry)
		if at := row(r.IntN(len(entries))); r.IntN(5) == 0 && closed[at] == 0 {
			closed[at] = uint32(e)
			c.view().blocks[at>>blockBits].close(at%blockRows, uint32(e))
		}
	}
	v := c.view()
	for i := range entries {
		e, r := &entries[i], row(i)
		var tags []Tag
		for t := range v.tagsOf(r).all() {
			tags = append(tags, Tag{Topic: c.topicID(t.topic()), Salience: float64(t.salience()) / 100})
		}
		same(t, "topics", tags, plainTags(e.Article.Tags))
		same(t, "source", c.topicID(v.source(r)), topic.SourceTopicID(e.Article.Source.ID))
		same(t, "key", v.key(r), e.Key)
		same(t, "kind", Kinds[v.kind(r)], e.Article.Kind)
		same(t, "id", v.id(r), e.Article.ID)
		same(t, "published", int64(v.published(r)), e.Article.Published.Unix())
		same(t, "born", Edition(v.born(r)), e.StoryNum)
		same(t, "card", string(v.cardOf(r)), string(encodeCard(e)))
		if l, _ := c.languages.Load(e.Article.Language); l != v.language(r) {
			t.Errorf("row %d is of language %d, want %v", r, v.language(r), l)
		}
		to, ended := closed[r]
		if !ended {
			to = open
		}
		same(t, "closed", v.to(r), to)
		for _, at := range []uint32{v.from(r) - 1, v.from(r), to - 1, to, 3 * blockRows / 2} {
			same(t, "alive", v.alive(r, at), v.from(r) <= at && at < to || at == open && to == open) // no edition is that late
		}
	}
}

func plainTags(tags []Tag) (plain []Tag) {
	for _, t := range tags {
		plain = append(plain, Tag{Topic: t.Topic, Salience: t.Salience})
	}
	return plain
}

// Tags come back as they were put, whether their topics' numbers are small or not.
func TestTagsAnyWidth(t *testing.T) {
	r := rand.New(rand.NewPCG(*oracleSeed+9, 0))
	var a arena[byte]
	for range 1000 {
		want := make([]tag, 1+r.IntN(8))
		for i := range want {
			want[i] = newTag(topicNum(r.Uint32()>>(7+r.IntN(20))), uint8(1+r.IntN(100)))
		}
		at, wide := putTags(&a, want)
		meta := newMeta(len(want), len(want)-1, 7, 3, wide)
		b := &block{}
		b.records[0].tags, b.records[0].meta = at, meta
		v := view{blocks: []*block{b}, tags: load(&a.segments)}
		if got := slices.Collect(v.tagsOf(0).all()); !slices.Equal(got, want) {
			t.Fatalf("put %v, got %v", want, got)
		}
	}
}
