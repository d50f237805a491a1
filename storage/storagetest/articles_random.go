package storagetest

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"newsfeed/feed"
	"newsfeed/interests/topic"
)

// How many random sequences of some thirty operations are compared with the
// model. A server is slower, and its cases share one machine with it.
const (
	randomChecks       = 60
	randomChecksServer = 6
)

func checksFor[T any](h Harness[T]) int {
	if h.Lose != nil {
		return randomChecksServer
	}
	return randomChecks
}

// articlesRandom compares an implementation with the model after any sequence
// of operations, among them closing and opening again.
func articlesRandom(t *testing.T, fresh Fresh[feed.Articles]) {
	checkRandom(t, fresh, checksFor(fresh(t)), func(r *rapid.T, h Harness[feed.Articles]) {
		store, stop := h.Start(t)
		defer func() { stop() }()
		m := &articlesMachine{model: NewModelArticles(), store: store}
		r.Repeat(map[string]func(*rapid.T){
			"append":  m.append,
			"taken":   m.taken,
			"current": m.current,
			"body":    m.body,
			"read":    m.read,
			"merges":  m.merges,
			"prune":   m.prune,
			"reopen":  func(*rapid.T) { stop(); m.store, stop = h.Start(t) },
			"":        m.top,
		})
	})
}

// articlesMachine does every operation twice and compares.
type articlesMachine struct {
	model *ModelArticles
	store feed.Articles
}

var ctxRandom = context.Background()

func (m *articlesMachine) newest() feed.Edition { return feed.Edition(len(m.model.entries)) }

func (m *articlesMachine) append(r *rapid.T) {
	m.appendBoth(r, drawBatch(r, m.newest()+1))
}

func (m *articlesMachine) taken(r *rapid.T) {
	if m.newest() == 0 {
		r.Skip("nothing is taken yet")
	}
	m.appendBoth(r, drawBatch(r, drawEdition(r, 1, m.newest())))
}

func (m *articlesMachine) appendBoth(r *rapid.T, entries []feed.Entry) {
	got, errGot := m.store.Append(ctxRandom, entries)
	want, errWant := m.model.Append(ctxRandom, entries)
	if got != want || errors.Is(errGot, feed.ErrEditionTaken) != errors.Is(errWant, feed.ErrEditionTaken) || (errGot == nil) != (errWant == nil) {
		r.Fatalf("append %d entries from edition %d: %d, %v; the model %d, %v",
			len(entries), entries[0].Edition, got, errGot, want, errWant)
	}
}

func (m *articlesMachine) top(r *rapid.T) {
	got, at, err := m.store.Top(ctxRandom)
	want, wantAt, _ := m.model.Top(ctxRandom)
	if err != nil || got != want || want > 0 && !at.Equal(wantAt) {
		r.Fatalf("top: %d, %v, %v; the model %d, %v", got, at, err, want, wantAt)
	}
}

func (m *articlesMachine) current(r *rapid.T) {
	var ids []feed.ArticleID
	for _, n := range rapid.SliceOfN(rapid.IntRange(0, sampleArticles), 0, 5).Draw(r, "articles") {
		ids = append(ids, articleID(n))
	}
	got, err := m.store.Current(ctxRandom, ids)
	want, _ := m.model.Current(ctxRandom, ids)
	compare(r, "current", got, err, want)
}

func (m *articlesMachine) body(r *rapid.T) {
	e := drawEdition(r, 0, m.newest()+1)
	got, err := m.store.Body(ctxRandom, e)
	want, _ := m.model.Body(ctxRandom, e)
	compare(r, "body", got, err, want)
}

func (m *articlesMachine) read(r *rapid.T) {
	where := feed.Range{
		After:       drawEdition(r, 0, m.newest()+1),
		Before:      drawEdition(r, 0, m.newest()+2),
		NewestFirst: rapid.Bool().Draw(r, "newest first"),
		Limit:       rapid.IntRange(1, 20).Draw(r, "limit"),
	}
	got, err := m.store.Read(ctxRandom, where)
	want, _ := m.model.Read(ctxRandom, where)
	compare(r, "read", got, err, want)
}

// prune names superseded editions, stubs and such as are not there.
func (m *articlesMachine) prune(r *rapid.T) {
	newest := map[feed.ArticleID]feed.Edition{}
	for _, e := range m.model.entries {
		newest[e.Article.ID] = e.Edition
	}
	var editions []feed.Edition
	for range rapid.IntRange(0, 6).Draw(r, "editions") {
		e := drawEdition(r, 0, m.newest()+2)
		if e == 0 || e > m.newest() || newest[m.model.entries[e-1].Article.ID] != e {
			editions = append(editions, e)
		}
	}
	if err := m.store.Prune(ctxRandom, editions); err != nil {
		r.Fatalf("prune %v: %v", editions, err)
	}
	_ = m.model.Prune(ctxRandom, editions)
}

// sampleArticles are few, so that they have many versions.
const sampleArticles = 5

func drawBatch(r *rapid.T, first feed.Edition) []feed.Entry {
	var entries []feed.Entry
	for i := range rapid.IntRange(1, 4).Draw(r, "entries") {
		e := version(first+feed.Edition(i), rapid.IntRange(1, sampleArticles).Draw(r, "article"))
		switch rapid.SampledFrom([]string{"version", "version", "withdrawal", "topic", "merge"}).Draw(r, "what") {
		case "withdrawal":
			e.Withdrawn, e.Article.BodyHTML = true, ""
		case "topic":
			name := rapid.StringN(1, 10, -1).Draw(r, "name")
			e = feed.Entry{Edition: e.Edition, At: e.At, Topic: &topic.Topic{ID: topic.MakeID(name), Name: name, Kind: topic.KindTag}}
		case "merge":
			story := rapid.IntRange(0, sampleArticles)
			e = mergeEntry(e.Edition, story.Draw(r, "kept"), story.Draw(r, "gone"))
		default:
			e.Article.Title = rapid.String().Draw(r, "title")
			e.Previous = drawEdition(r, 0, first)
		}
		entries = append(entries, e)
	}
	return batch(entries...)
}

func drawEdition(r *rapid.T, from, to feed.Edition) feed.Edition {
	return feed.Edition(rapid.Uint64Range(uint64(from), uint64(to)).Draw(r, "edition"))
}

// compare fails the sequence when the store and the model differ.
func compare(r *rapid.T, what string, got any, err error, want any) {
	r.Helper()
	if err != nil {
		r.Fatalf("%s: %v", what, err)
	}
	if diff := cmp.Diff(want, got, exactly); diff != "" {
		r.Fatalf("%s: the store is not as the model (-model +store):\n%s", what, diff)
	}
}
