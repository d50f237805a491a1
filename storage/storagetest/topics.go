package storagetest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"

	"newsfeed/interests/topic"
)

// Topics proves that an implementation keeps topic.Store.
func Topics(t *testing.T, fresh Fresh[topic.Store]) {
	type h = Harness[topic.Store]
	run(t, "topic.Store", fresh, []testCase[topic.Store]{
		{name: "there are no topics at first", run: topicsNone},
		{name: "what was created and put is there at once, elsewhere, and after opening again", run: topicsDurable},
		{name: "every field comes back bit for bit", run: topicsRoundTrip},
		{name: "create refuses a taken id and changes nothing", run: topicsIDTaken},
		{name: "create refuses a taken name in any spelling of it, and changes nothing", run: topicsNameTaken},
		{name: "an alias takes no name", run: topicsAliasFree},
		{name: "put replaces a topic whole", run: topicsPutWhole},
		{name: "put may change a name, which is free then", run: topicsRenamed},
		{name: "put refuses a name that another id holds, and changes nothing", run: topicsPutTaken},
		{name: "of many who create one name one wins", run: topicsRace},
		{name: "many who put one new id all succeed", run: topicsPutRace},
		{name: "a source may have a topic's name, but not another source's", run: topicsOfSources},
		{name: "many changes are made where topics are as they were read", run: topicsReplaced},
		{name: "a change of what has changed is left out and told of", run: topicsReplaceChanged},
		{name: "of many who replace the same topics each topic is replaced once", run: topicsReplaceRace},
		{name: "what is sown comes back whole, and is replaced revision by revision", run: topicsSown},
		{name: "of many who write the record of what is sown one wins", run: topicsSownRace},
		{name: "a context that has ended is the answer, and nothing is written", run: topicsContext},
		{name: "a frozen server costs no more than the deadline", server: true, run: topicsFrozen},
		{name: "a lost server is ErrUnavailable, and serves again when it is back", server: true, run: topicsLost},
		{name: "random operations give what the model gives", run: func(t *testing.T, _ h) { topicsRandom(t, fresh) }},
	})
}

func topicsNone(t *testing.T, h Harness[topic.Store]) {
	store, _ := h.Start(t)
	wantTopics(t, store)
}

func topicsDurable(t *testing.T, h Harness[topic.Store]) {
	store, stop := h.Start(t)
	a, b := tag("Oil"), tag("Gas")
	mustCreateTopic(t, store, a)
	mustPutTopic(t, store, b)
	wantTopics(t, store, a, b)
	if h.Shared {
		other, _ := h.Start(t)
		wantTopics(t, other, a, b)
	}
	stop()
	store, _ = h.Start(t)
	wantTopics(t, store, a, b)
}

func topicsRoundTrip(t *testing.T, h Harness[topic.Store]) {
	store, stop := h.Start(t)
	var full topic.Topic
	fill(&full)
	bare := topic.Topic{ID: "bare", Name: "bare"}
	mustCreateTopic(t, store, full)
	mustPutTopic(t, store, bare)
	wantTopics(t, store, full, bare)
	stop()
	store, _ = h.Start(t)
	wantTopics(t, store, full, bare)
	full.Aliases[0] = "changed by the caller"
	got, err := store.All(background(t))
	if err != nil || slices.ContainsFunc(got, func(t topic.Topic) bool { return slices.Contains(t.Aliases, full.Aliases[0]) }) {
		t.Fatalf("the store shares its lists with the caller: %v, %v", got, err)
	}
}

func topicsIDTaken(t *testing.T, h Harness[topic.Store]) {
	store, _ := h.Start(t)
	first := tag("Oil")
	mustCreateTopic(t, store, first)
	second := topic.Topic{ID: first.ID, Name: "Another", Kind: topic.KindSubject}
	wantTaken(t, "create", store.Create(background(t), second))
	wantTopics(t, store, first)
	mustCreateTopic(t, store, topic.Topic{ID: "another", Name: second.Name}) // its name was not taken
}

func topicsNameTaken(t *testing.T, h Harness[topic.Store]) {
	store, _ := h.Start(t)
	first := topic.Topic{ID: "strasse", Name: "Große  Straße", Kind: topic.KindTag}
	mustCreateTopic(t, store, first)
	for _, name := range []string{first.Name, "grosse strasse", " GROSSE STRASSE ", "Ｇroße\u00a0Straße"} {
		if topic.NormaliseName(name) != topic.NormaliseName(first.Name) {
			t.Fatalf("the case is wrong: %q and %q are two names", name, first.Name)
		}
		wantTaken(t, name, store.Create(background(t), topic.Topic{ID: "another", Name: name}))
	}
	wantTopics(t, store, first)
	mustCreateTopic(t, store, topic.Topic{ID: "another", Name: "Another"}) // the id was not taken
}

func topicsAliasFree(t *testing.T, h Harness[topic.Store]) {
	store, _ := h.Start(t)
	a, b := tag("Oil"), tag("Gas")
	a.Aliases, b.Aliases = []string{"Gas", "fuel"}, []string{"fuel", "Oil"}
	mustCreateTopic(t, store, a)
	mustCreateTopic(t, store, b)
	wantTopics(t, store, a, b)
}

func topicsPutWhole(t *testing.T, h Harness[topic.Store]) {
	store, stop := h.Start(t)
	var full topic.Topic
	fill(&full)
	mustPutTopic(t, store, full)
	other := tag("Other")
	mustCreateTopic(t, store, other)
	bare := topic.Topic{ID: full.ID, Name: full.Name}
	mustPutTopic(t, store, bare)
	wantTopics(t, store, bare, other)
	mustPutTopic(t, store, full)
	mustPutTopic(t, store, full)
	wantTopics(t, store, full, other)
	stop()
	store, _ = h.Start(t)
	wantTopics(t, store, full, other)
}

func topicsRenamed(t *testing.T, h Harness[topic.Store]) {
	store, _ := h.Start(t)
	a := tag("Oil")
	mustCreateTopic(t, store, a)
	a.Name = "OIL" // the same name, spelled otherwise
	mustPutTopic(t, store, a)
	wantTopics(t, store, a)
	a.Name = "Petroleum"
	mustPutTopic(t, store, a)
	wantTaken(t, "create under the new name", store.Create(background(t), topic.Topic{ID: "b", Name: "petroleum"}))
	b := topic.Topic{ID: "b", Name: "Oil"}
	mustCreateTopic(t, store, b)
	wantTopics(t, store, a, b)
}

func topicsPutTaken(t *testing.T, h Harness[topic.Store]) {
	store, _ := h.Start(t)
	a, b := tag("Oil"), tag("Gas")
	mustCreateTopic(t, store, a)
	mustCreateTopic(t, store, b)
	wantTaken(t, "put of a new id", store.Put(background(t), topic.Topic{ID: "c", Name: "gas"}))
	wantTaken(t, "put of a known id", store.Put(background(t), topic.Topic{ID: a.ID, Name: "GAS"}))
	wantTopics(t, store, a, b)
	wantTaken(t, "create under the old name", store.Create(background(t), topic.Topic{ID: "c", Name: "oil"}))
}

func topicsRace(t *testing.T, h Harness[topic.Store]) {
	const rounds, creators = 5, 6
	nodes := h.Nodes(t, creators)
	for round := range rounds {
		var racing sync.WaitGroup
		var won atomic.Int32
		for i, node := range nodes {
			created := topic.Topic{ID: topic.ID(fmt.Sprintf("%d-%d", round, i)), Name: fmt.Sprint("Name ", round)}
			racing.Go(func() {
				err := node.Create(background(t), created)
				if err == nil {
					won.Add(1)
				} else if !errors.Is(err, topic.ErrTaken) {
					t.Errorf("create: %v, want ErrTaken", err)
				}
			})
		}
		racing.Wait()
		if won.Load() != 1 {
			t.Fatalf("%d of %d created the same name", won.Load(), creators)
		}
	}
	if all, err := nodes[0].All(background(t)); err != nil || len(all) != rounds {
		t.Fatalf("%d topics, %v; want %d", len(all), err, rounds)
	}
}

func topicsPutRace(t *testing.T, h Harness[topic.Store]) {
	const rounds = 5
	nodes := h.Nodes(t, 6)
	for round := range rounds {
		var racing sync.WaitGroup
		for _, node := range nodes {
			racing.Go(func() {
				if err := node.Put(background(t), tag(fmt.Sprint("Name ", round))); err != nil {
					t.Errorf("put: %v", err)
				}
			})
		}
		racing.Wait()
	}
	if all, err := nodes[0].All(background(t)); err != nil || len(all) != rounds {
		t.Fatalf("%d topics, %v; want %d", len(all), err, rounds)
	}
}

// topicsCalls are the methods of the contract with arguments that succeed.
func topicsCalls(store topic.Store) []storeCall {
	var made atomic.Int64 // a new one each time: one that did not hear its answer may be there
	return []storeCall{
		{"All", func(ctx context.Context) error { _, err := store.All(ctx); return err }},
		{"Put", func(ctx context.Context) error { return store.Put(ctx, tag("Put")) }},
		{"Create", func(ctx context.Context) error {
			return store.Create(ctx, tag(fmt.Sprint("Created ", made.Add(1))))
		}},
		{"Replace", func(ctx context.Context) error {
			return store.Replace(ctx, []topic.Replacement{{Now: tag(fmt.Sprint("Replaced ", made.Add(1)))}})
		}},
		{"Sown", func(ctx context.Context) error { _, err := store.Sown(ctx); return err }},
		{"SetSown", func(ctx context.Context) error {
			sown, err := store.Sown(ctx)
			if err == nil {
				sown.Revision++
				err = store.SetSown(ctx, sown)
			}
			return err
		}},
	}
}

func topicsContext(t *testing.T, h Harness[topic.Store]) {
	store, _ := h.Start(t)
	for _, call := range topicsCalls(store) {
		if err := call.do(cancelled()); !errors.Is(err, context.Canceled) {
			t.Errorf("%s with a cancelled context: %v", call.name, err)
		}
	}
	wantTopics(t, store)
	wantContext(t, topicsCalls(store))
}

func topicsFrozen(t *testing.T, h Harness[topic.Store]) {
	store, _ := h.Start(t)
	wantDeadlines(t, h.Freeze, h.Thaw, topicsCalls(store))
}

func topicsLost(t *testing.T, h Harness[topic.Store]) {
	store, _ := h.Start(t)
	wantLostAndBack(t, h.Lose, h.Heal, topicsCalls(store), topic.ErrUnavailable)
}

// topicsRandom compares an implementation with the model after any sequence of
// operations on few ids and names.
func topicsRandom(t *testing.T, fresh Fresh[topic.Store]) {
	checkRandom(t, fresh, checksFor(fresh(t)), func(r *rapid.T, h Harness[topic.Store]) {
		store, stop := h.Start(t)
		defer func() { stop() }()
		var model ModelTopics
		both := func(r *rapid.T, what string, do func(topic.Store, topic.Topic) error) {
			drawn := drawTopic(r)
			got, want := do(store, drawn), do(&model, drawn)
			if (got == nil) != (want == nil) || errors.Is(got, topic.ErrTaken) != errors.Is(want, topic.ErrTaken) {
				r.Fatalf("%s %+v: %v; the model: %v", what, drawn, got, want)
			}
		}
		r.Repeat(map[string]func(*rapid.T){
			"create": func(r *rapid.T) {
				both(r, "create", func(s topic.Store, t topic.Topic) error { return s.Create(ctxRandom, t) })
			},
			"put": func(r *rapid.T) {
				both(r, "put", func(s topic.Store, t topic.Topic) error { return s.Put(ctxRandom, t) })
			},
			"replace": func(r *rapid.T) {
				change := topic.Replacement{Now: drawTopic(r)}
				if all, _ := model.All(ctxRandom); len(all) > 0 && rapid.Bool().Draw(r, "was there") {
					was := rapid.SampledFrom(byID(all)).Draw(r, "was")
					change.Was, change.Now.ID = &was, was.ID
				}
				got, want := store.Replace(ctxRandom, []topic.Replacement{change}), model.Replace(ctxRandom, []topic.Replacement{change})
				if (got == nil) != (want == nil) || errors.Is(got, topic.ErrChanged) != errors.Is(want, topic.ErrChanged) {
					r.Fatalf("replace %+v: %v; the model: %v", change, got, want)
				}
			},
			"reopen": func(*rapid.T) { stop(); store, stop = h.Start(t) },
			"": func(r *rapid.T) {
				got, err := store.All(ctxRandom)
				want, _ := model.All(ctxRandom)
				compare(r, "all", byID(got), err, byID(want))
			},
		})
	})
}

func drawTopic(r *rapid.T) topic.Topic {
	return topic.Topic{
		ID:      topic.ID(rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(r, "id")),
		Name:    rapid.SampledFrom([]string{"One", "one", " ONE", "Two", "two", "Three", "ſ", "s", "S"}).Draw(r, "name"),
		Kind:    rapid.SampledFrom([]topic.Kind{topic.KindTag, topic.KindSubject, topic.KindSource}).Draw(r, "kind"),
		Aliases: rapid.SliceOfN(rapid.String(), 0, 2).Draw(r, "aliases"),
	}
}

// tag is a topic as a publisher's tag makes it.
func tag(name string) topic.Topic {
	return topic.Topic{ID: topic.MakeID(name), Name: name, Kind: topic.KindTag}
}

func mustCreateTopic(t testing.TB, store topic.Store, created topic.Topic) {
	t.Helper()
	if err := store.Create(background(t), created); err != nil {
		t.Fatalf("create %q: %v", created.Name, err)
	}
}

func mustPutTopic(t testing.TB, store topic.Store, put topic.Topic) {
	t.Helper()
	if err := store.Put(background(t), put); err != nil {
		t.Fatalf("put %q: %v", put.Name, err)
	}
}

func wantTaken(t testing.TB, what string, err error) {
	t.Helper()
	if !errors.Is(err, topic.ErrTaken) || errors.Is(err, topic.ErrUnavailable) {
		t.Fatalf("%s: %v, want ErrTaken", what, err)
	}
}

func wantTopics(t testing.TB, store topic.Store, want ...topic.Topic) {
	t.Helper()
	got, err := store.All(background(t))
	if err != nil {
		t.Fatalf("all topics: %v", err)
	}
	same(t, "all topics", byID(got), byID(want))
}

func byID(topics []topic.Topic) []topic.Topic {
	topics = slices.Clone(topics)
	slices.SortFunc(topics, func(a, b topic.Topic) int { return cmp.Compare(a.ID, b.ID) })
	return topics
}
