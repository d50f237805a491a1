package storagetest

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"newsfeed/feed"
	"newsfeed/interests/topic"
)

// Articles proves that an implementation keeps feed.Articles.
func Articles(t *testing.T, fresh Fresh[feed.Articles]) {
	type h = Harness[feed.Articles]
	run(t, "feed.Articles", fresh, []testCase[feed.Articles]{
		{name: "an empty log has top 0 and the time of its making, always the same", run: emptyLog},
		{name: "an empty log answers every question", run: emptyAnswers},
		{name: "what was appended is in the log at once, in order, and after opening again", run: appendDurable},
		{name: "top is the newest entry's edition and time", run: topIsNewest},
		{name: "a taken edition is refused with 0 stored and nothing written", run: editionTaken},
		{name: "a batch that is sent again is refused whole and leaves the first one", run: sentAgain},
		{name: "a batch of 500 is stored whole", run: greatBatch},
		{name: "of many appenders one wins each edition, readers see it densely, counts are right", run: appendersRace},
		{name: "current is the newest version of each known article, withdrawn or not, without body", run: currentNewest},
		{name: "current sees what another node has appended", run: currentElsewhere},
		{name: "body gives the body of that edition, or nothing", run: bodies},
		{name: "read keeps its bounds, its direction and its limit", run: readRanges},
		{name: "read gives no bodies", run: readNoBodies},
		{name: "merges names every merge of the stories, on either side, once", run: merges},
		{name: "prune leaves stubs that keep edition, time, call and seq", run: pruneStubs},
		{name: "prune passes over stubs, repeats and unknown editions", run: pruneIdempotent},
		{name: "prune frees no edition", run: pruneFreesNothing},
		{name: "every field of an article's entry comes back bit for bit", run: articleRoundTrip},
		{name: "every field of a topic's entry comes back bit for bit", run: topicRoundTrip},
		{name: "what is absent stays absent", run: absentRoundTrip},
		{name: "a body of 256 KiB comes back bit for bit", run: greatBody},
		{name: "what a call returns and what it was given belongs to the caller", run: articlesCallersOwn},
		{name: "a context that has ended is the answer, and nothing is written", run: articlesContext},
		{name: "a frozen server costs no more than the deadline", server: true, run: articlesFrozen},
		{name: "a lost server is ErrUnavailable, and serves again when it is back", server: true, run: articlesLost},
		{name: "a server killed among appends loses nothing acknowledged", server: true, run: appendersKilled},
		{name: "random operations give what the model gives", run: func(t *testing.T, _ h) { articlesRandom(t, fresh) }},
	})
}

func emptyLog(t *testing.T, h Harness[feed.Articles]) {
	store, stop := h.Start(t)
	top, made, err := store.Top(background(t))
	if err != nil || top != 0 || made.IsZero() {
		t.Fatalf("top of an empty log: %d, %v, %v; want 0 and a time", top, made, err)
	}
	_, again, err := store.Top(background(t))
	if err != nil || !again.Equal(made) {
		t.Fatalf("second call: %v, %v; want %v", again, err, made)
	}
	stop()
	store, _ = h.Start(t)
	if top, again, err = store.Top(background(t)); err != nil || top != 0 || !again.Equal(made) {
		t.Fatalf("opened again: %d, %v, %v; want 0, %v", top, again, err, made)
	}
}

func emptyAnswers(t *testing.T, h Harness[feed.Articles]) {
	store, _ := h.Start(t)
	same(t, "current of an unknown article", current(t, store, articleID(1)), map[feed.ArticleID]feed.Entry{})
	same(t, "current of none", current(t, store), map[feed.ArticleID]feed.Entry{})
	same(t, "body", bodyIn(t, store, 1), "")
	same(t, "read", read(t, store, feed.Range{Limit: 10}), []feed.Entry{})
	same(t, "read newest first", read(t, store, feed.Range{Limit: 10, NewestFirst: true}), []feed.Entry{})
	if err := store.Prune(background(t), []feed.Edition{1, 2}); err != nil {
		t.Fatalf("prune: %v", err)
	}
	if err := store.Prune(background(t), nil); err != nil {
		t.Fatalf("prune nothing: %v", err)
	}
}

func appendDurable(t *testing.T, h Harness[feed.Articles]) {
	store, stop := h.Start(t)
	var want []feed.Entry
	for _, n := range []int{1, 3, 2} {
		entries := versions(feed.Edition(len(want)+1), n)
		mustAppend(t, store, entries)
		want = append(want, entries...)
		same(t, "at once", read(t, store, feed.Range{Limit: 100}), bare(want))
	}
	stop()
	store, _ = h.Start(t)
	same(t, "opened again", read(t, store, feed.Range{Limit: 100}), bare(want))
}

func topIsNewest(t *testing.T, h Harness[feed.Articles]) {
	store, stop := h.Start(t)
	entries := versions(1, 3)
	mustAppend(t, store, entries)
	for range 2 {
		top, at, err := store.Top(background(t))
		if err != nil || top != 3 {
			t.Fatalf("top: %d, %v; want 3", top, err)
		}
		same(t, "time of the top", at, entries[2].At)
		stop()
		store, stop = h.Start(t)
	}
}

func editionTaken(t *testing.T, h Harness[feed.Articles]) {
	store, _ := h.Start(t)
	before := versions(1, 3)
	mustAppend(t, store, before)
	for name, entries := range map[string][]feed.Entry{
		"the top":                      versions(3, 1),
		"the first":                    versions(1, 1),
		"the top and what comes after": versions(3, 4),
		"all":                          versions(1, 3),
	} {
		stored, err := store.Append(background(t), entries)
		if stored != 0 || !errors.Is(err, feed.ErrEditionTaken) {
			t.Errorf("append of %s: %d, %v; want 0, ErrEditionTaken", name, stored, err)
		}
		if errors.Is(err, feed.ErrUnavailable) {
			t.Errorf("append of %s: %v; that is not unavailable", name, err)
		}
	}
	same(t, "the log", read(t, store, feed.Range{Limit: 100}), bare(before))
	same(t, "bodies", bodyIn(t, store, 3), bodyOf(3))
	same(t, "current", current(t, store, articleID(4)), map[feed.ArticleID]feed.Entry{})
	mustAppend(t, store, versions(4, 1))
}

func sentAgain(t *testing.T, h Harness[feed.Articles]) {
	store, _ := h.Start(t)
	entries := versions(1, 3)
	mustAppend(t, store, entries)
	stored, err := store.Append(background(t), entries)
	if stored != 0 || !errors.Is(err, feed.ErrEditionTaken) {
		t.Fatalf("append again: %d, %v; want 0, ErrEditionTaken", stored, err)
	}
	same(t, "the log", read(t, store, feed.Range{Limit: 100}), bare(entries))
}

func greatBatch(t *testing.T, h Harness[feed.Articles]) {
	store, _ := h.Start(t)
	entries := versions(1, 500)
	mustAppend(t, store, entries)
	same(t, "the log", read(t, store, feed.Range{Limit: 1000}), bare(entries))
	var ids []feed.ArticleID
	for _, e := range entries {
		ids = append(ids, e.Article.ID)
	}
	if got := current(t, store, ids...); len(got) != len(ids) {
		t.Fatalf("current of 500 articles: %d", len(got))
	}
}

func currentNewest(t *testing.T, h Harness[feed.Articles]) {
	store, stop := h.Start(t)
	withdrawn := version(6, 3)
	withdrawn.Withdrawn, withdrawn.Article.BodyHTML, withdrawn.Article.Title = true, "", ""
	topicEntry := feed.Entry{Edition: 7, At: withdrawn.At, Topic: &topic.Topic{ID: "x", Name: "X", Kind: topic.KindTag}}
	log := batch(version(1, 1), version(2, 2), version(3, 1), version(4, 3), version(5, 1), withdrawn, topicEntry)
	mustAppend(t, store, log[:2])
	mustAppend(t, store, log[2:])
	want := map[feed.ArticleID]feed.Entry{
		articleID(1): bare(log)[4], articleID(2): bare(log)[1], articleID(3): bare(log)[5],
	}
	ask := []feed.ArticleID{articleID(1), articleID(9), articleID(2), articleID(3), articleID(1), {}}
	same(t, "current", current(t, store, ask...), want)
	stop()
	store, _ = h.Start(t)
	same(t, "opened again", current(t, store, ask...), want)
	if err := store.Prune(background(t), []feed.Edition{1, 3}); err != nil {
		t.Fatal(err)
	}
	same(t, "older versions pruned", current(t, store, ask...), want)
}

func currentElsewhere(t *testing.T, h Harness[feed.Articles]) {
	nodes := h.Nodes(t, 2)
	for i := range 10 {
		edition := feed.Edition(i + 1)
		entries := batch(version(edition, 1))
		mustAppend(t, nodes[i%2], entries)
		same(t, "current of the other node", current(t, nodes[(i+1)%2], articleID(1)),
			map[feed.ArticleID]feed.Entry{articleID(1): bare(entries)[0]})
		top, _, err := nodes[(i+1)%2].Top(background(t))
		if err != nil || top != edition {
			t.Fatalf("top of the other node: %d, %v; want %d", top, err, edition)
		}
	}
}

func bodies(t *testing.T, h Harness[feed.Articles]) {
	store, stop := h.Start(t)
	none := version(2, 1)
	none.Article.BodyHTML = ""
	mustAppend(t, store, batch(version(1, 1), none, version(3, 1)))
	for range 2 {
		same(t, "body of an old version", bodyIn(t, store, 1), bodyOf(1))
		same(t, "body of one without", bodyIn(t, store, 2), "")
		same(t, "body of the newest", bodyIn(t, store, 3), bodyOf(3))
		same(t, "body of none", bodyIn(t, store, 4), "")
		same(t, "body of edition 0", bodyIn(t, store, 0), "")
		stop()
		store, stop = h.Start(t)
	}
}

func readRanges(t *testing.T, h Harness[feed.Articles]) {
	store, _ := h.Start(t)
	mustAppend(t, store, versions(1, 9))
	for _, c := range []struct {
		r    feed.Range
		want string
	}{
		{feed.Range{Limit: 100}, "123456789"},
		{feed.Range{Limit: 9}, "123456789"},
		{feed.Range{Limit: 3}, "123"},
		{feed.Range{After: 3, Limit: 100}, "456789"},
		{feed.Range{After: 3, Limit: 2}, "45"},
		{feed.Range{Before: 4, Limit: 100}, "123"},
		{feed.Range{After: 2, Before: 6, Limit: 100}, "345"},
		{feed.Range{After: 2, Before: 6, Limit: 1}, "3"},
		{feed.Range{After: 4, Before: 5, Limit: 100}, ""},
		{feed.Range{After: 6, Before: 3, Limit: 100}, ""},
		{feed.Range{After: 8, Limit: 100}, "9"},
		{feed.Range{After: 9, Limit: 100}, ""},
		{feed.Range{After: 1000, Limit: 100}, ""},
		{feed.Range{Before: feed.LastEdition, Limit: 100}, "123456789"},
		{feed.Range{NewestFirst: true, Limit: 100}, "987654321"},
		{feed.Range{NewestFirst: true, Limit: 2}, "98"},
		{feed.Range{NewestFirst: true, Before: 4, Limit: 100}, "321"},
		{feed.Range{NewestFirst: true, Before: 4, Limit: 2}, "32"},
		{feed.Range{NewestFirst: true, After: 7, Limit: 100}, "98"},
		{feed.Range{NewestFirst: true, After: 2, Before: 6, Limit: 2}, "54"},
		{feed.Range{NewestFirst: true, After: 4, Before: 5, Limit: 100}, ""},
		{feed.Range{NewestFirst: true, Before: 1, Limit: 100}, ""},
		{feed.Range{NewestFirst: true, Before: feed.LastEdition, Limit: 1}, "9"},
		{feed.Range{NewestFirst: true, Before: 1000, Limit: 1}, "9"},
		{feed.Range{NewestFirst: true, After: 9, Limit: 1}, ""},
	} {
		var got strings.Builder
		for _, e := range read(t, store, c.r) {
			got.WriteByte('0' + byte(e.Edition))
		}
		if got.String() != c.want {
			t.Errorf("read %+v: %q, want %q", c.r, got.String(), c.want)
		}
	}
}

func readNoBodies(t *testing.T, h Harness[feed.Articles]) {
	store, _ := h.Start(t)
	mustAppend(t, store, versions(1, 3))
	for _, newestFirst := range []bool{false, true} {
		for _, e := range read(t, store, feed.Range{Limit: 10, NewestFirst: newestFirst}) {
			if e.Article.BodyHTML != "" {
				t.Errorf("edition %d came with its body %q", e.Edition, e.Article.BodyHTML)
			}
		}
	}
}

// What follows are the calls of a contract that must succeed.

func mustAppend(t testing.TB, store feed.Articles, entries []feed.Entry) {
	t.Helper()
	if stored, err := store.Append(background(t), entries); err != nil || stored != len(entries) {
		t.Fatalf("append %d entries from edition %d: %d, %v", len(entries), entries[0].Edition, stored, err)
	}
}

func read(t testing.TB, store feed.Articles, r feed.Range) []feed.Entry {
	t.Helper()
	entries, err := store.Read(background(t), r)
	if err != nil {
		t.Fatalf("read %+v: %v", r, err)
	}
	return entries
}

func current(t testing.TB, store feed.Articles, ids ...feed.ArticleID) map[feed.ArticleID]feed.Entry {
	t.Helper()
	entries, err := store.Current(background(t), ids)
	if err != nil {
		t.Fatalf("current of %d articles: %v", len(ids), err)
	}
	return entries
}

func bodyIn(t testing.TB, store feed.Articles, e feed.Edition) string {
	t.Helper()
	body, err := store.Body(background(t), e)
	if err != nil {
		t.Fatalf("body of edition %d: %v", e, err)
	}
	return body
}

// bare returns the entries as Read and Current give them.
func bare(entries []feed.Entry) []feed.Entry {
	entries = slices.Clone(entries)
	for i := range entries {
		entries[i] = withoutBody(entries[i])
	}
	return entries
}
