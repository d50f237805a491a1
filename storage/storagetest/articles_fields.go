package storagetest

import (
	"errors"
	"strings"
	"testing"
	"time"

	"newsfeed/feed"
)

// The cases of feed.Articles about what stands in an entry, and what is left of
// one that was pruned.

func pruneStubs(t *testing.T, h Harness[feed.Articles]) {
	store, stop := h.Start(t)
	log := batch(filledArticle(1), version(2, 1), filledTopic(3), version(4, 2), version(5, 2))
	log[0].Article.ID = articleID(1)
	mustAppend(t, store, log)
	if err := store.Prune(background(t), []feed.Edition{1, 3, 4}); err != nil {
		t.Fatalf("prune: %v", err)
	}
	want := bare(log)
	for _, i := range []int{0, 2, 3} {
		e := log[i]
		want[i] = feed.Entry{Edition: e.Edition, At: e.At, Call: e.Call, Seq: e.Seq, Stub: true}
	}
	for range 2 {
		same(t, "the log", read(t, store, feed.Range{Limit: 10}), want)
		same(t, "body of a stub", bodyIn(t, store, 1), "")
		same(t, "body of another", bodyIn(t, store, 2), bodyOf(2))
		stop()
		store, stop = h.Start(t)
	}
}

func pruneIdempotent(t *testing.T, h Harness[feed.Articles]) {
	store, _ := h.Start(t)
	log := batch(version(1, 1), version(2, 1))
	mustAppend(t, store, log)
	for _, editions := range [][]feed.Edition{{1}, {1}, {1, 1, 0, 77}, {}} {
		if err := store.Prune(background(t), editions); err != nil {
			t.Fatalf("prune %v: %v", editions, err)
		}
		same(t, "the log", read(t, store, feed.Range{Limit: 10}), []feed.Entry{stubOf(log[0]), bare(log)[1]})
	}
}

func pruneFreesNothing(t *testing.T, h Harness[feed.Articles]) {
	store, _ := h.Start(t)
	mustAppend(t, store, batch(version(1, 1), version(2, 1)))
	if err := store.Prune(background(t), []feed.Edition{1}); err != nil {
		t.Fatal(err)
	}
	if stored, err := store.Append(background(t), versions(1, 1)); stored != 0 || !errors.Is(err, feed.ErrEditionTaken) {
		t.Fatalf("append at a stub: %d, %v; want 0, ErrEditionTaken", stored, err)
	}
}

func articleRoundTrip(t *testing.T, h Harness[feed.Articles]) {
	e := filledArticle(1)
	roundTrip(t, h, e)
	store, _ := h.Start(t)
	same(t, "current", current(t, store, e.Article.ID), map[feed.ArticleID]feed.Entry{e.Article.ID: withoutBody(e)})
}

func topicRoundTrip(t *testing.T, h Harness[feed.Articles]) { roundTrip(t, h, filledTopic(1)) }

// roundTrip appends one entry as edition 1, and reads it at once and later.
func roundTrip(t *testing.T, h Harness[feed.Articles], e feed.Entry) {
	t.Helper()
	store, stop := h.Start(t)
	mustAppend(t, store, []feed.Entry{e})
	same(t, "read", read(t, store, feed.Range{Limit: 2}), []feed.Entry{withoutBody(e)})
	stop()
	store, stop = h.Start(t)
	same(t, "read, opened again", read(t, store, feed.Range{Limit: 2, NewestFirst: true}), []feed.Entry{withoutBody(e)})
	same(t, "body", bodyIn(t, store, 1), e.Article.BodyHTML)
	stop()
}

func absentRoundTrip(t *testing.T, h Harness[feed.Articles]) {
	store, _ := h.Start(t)
	bare := feed.Entry{Edition: 1, At: epoch, Article: feed.Article{ID: articleID(1)}}
	noImage := version(2, 2)
	noImage.Article.Image, noImage.Article.Updated, noImage.Article.Tags = nil, time.Time{}, nil
	onlyImage := version(3, 3)
	onlyImage.Article.Image = &feed.Image{}
	old := version(4, 4)
	old.Article.Published = time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC)
	older := version(5, 5)
	older.Article.Published = time.Date(1869, 12, 31, 23, 59, 59, 999e6, time.UTC)
	emptyLists := version(6, 6)
	emptyLists.Article.Tags, emptyLists.Left = []feed.Tag{}, nil
	withdrawn := feed.Entry{Edition: 7, At: epoch, Withdrawn: true, Article: feed.Article{ID: articleID(7), URL: articleURL(7)}}
	log := batch(bare, noImage, onlyImage, old, older, emptyLists, withdrawn)
	for i := range log {
		log[i].Article.BodyHTML = ""
	}
	mustAppend(t, store, log)
	same(t, "the log", read(t, store, feed.Range{Limit: 10}), log)
}

func greatBody(t *testing.T, h Harness[feed.Articles]) {
	store, stop := h.Start(t)
	e := version(1, 1)
	e.Article.BodyHTML = strings.Repeat("<p>Ein größerer Körper, 北韓 &amp; 👩‍👩‍👧.</p>\n", 6000)[:256<<10]
	e.Article.BodyHTML = strings.ToValidUTF8(e.Article.BodyHTML, "")
	mustAppend(t, store, batch(e, version(2, 1)))
	stop()
	store, _ = h.Start(t)
	if got := bodyIn(t, store, 1); got != e.Article.BodyHTML {
		t.Fatalf("body of %d bytes came back with %d", len(e.Article.BodyHTML), len(got))
	}
	same(t, "the body beside it", bodyIn(t, store, 2), bodyOf(2))
}

func articlesCallersOwn(t *testing.T, h Harness[feed.Articles]) {
	store, _ := h.Start(t)
	given := batch(filledArticle(1), filledTopic(2))
	want := bare(given)
	mustAppend(t, store, given)
	scribble := func(e feed.Entry) {
		if e.Topic != nil {
			e.Topic.Name, e.Topic.Aliases[0], e.Topic.Broader[0] = "scribbled", "scribbled", "scribbled"
			return
		}
		e.Article.Image.URL, e.Article.Tags[0].Name, e.Left[0], e.Past[0] = "scribbled", "scribbled", "scribbled", "scribbled"
	}
	for range 2 {
		scribble(given[0])
		scribble(given[1])
		scribble(current(t, store, want[0].Article.ID)[want[0].Article.ID])
		given = read(t, store, feed.Range{Limit: 2})
		same(t, "the log", given, want)
	}
}

// filledArticle is an article's entry with every field set, filledTopic an
// editor's change of a topic with every field set.
func filledArticle(edition feed.Edition) feed.Entry {
	var e feed.Entry
	fill(&e)
	e.Edition, e.Stub, e.Topic = edition, false, nil
	return e
}

func filledTopic(edition feed.Edition) feed.Entry {
	var e feed.Entry
	fill(&e)
	return feed.Entry{Edition: edition, At: e.At, Call: e.Call, Seq: e.Seq, Topic: e.Topic}
}
