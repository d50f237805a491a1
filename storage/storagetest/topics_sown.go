package storagetest

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"newsfeed/interests/topic"
)

// This file is the part of the suite of topic.Store that is about seeds.

func topicsOfSources(t *testing.T, h Harness[topic.Store]) {
	store, _ := h.Start(t)
	a := topic.Topic{ID: "reuters", Name: "Reuters", Kind: topic.KindCompany}
	b := topic.Topic{ID: "source-r", Name: "REUTERS", Kind: topic.KindSource}
	mustCreateTopic(t, store, b)
	mustCreateTopic(t, store, a)
	wantTaken(t, "another source", store.Create(background(t), topic.Topic{ID: "source-s", Name: "Reuters", Kind: topic.KindSource}))
	wantTaken(t, "a tag", store.Put(background(t), topic.Topic{ID: "tag", Name: "reuters ", Kind: topic.KindTag}))
	mustPutTopic(t, store, b)
	wantTopics(t, store, a, b)
}

func topicsReplaced(t *testing.T, h Harness[topic.Store]) {
	store, stop := h.Start(t)
	var full topic.Topic
	fill(&full)
	bare, same := tag("Bare"), tag("Same")
	for _, each := range []topic.Topic{full, bare, same} {
		mustCreateTopic(t, store, each)
	}
	// To fewer fields and to more of them, by a new name, and as many as a seed has.
	less, more := topic.Topic{ID: full.ID, Name: "Less", Kind: topic.KindSubject}, full
	more.ID, more.Name = bare.ID, "More"
	changes, want := []topic.Replacement{{Was: &full, Now: less}, {Was: &bare, Now: more}}, []topic.Topic{same, less, more}
	for i := range 2500 {
		made := tag(fmt.Sprint("Made ", i))
		changes, want = append(changes, topic.Replacement{Now: made}), append(want, made)
	}
	mustReplace(t, store, changes...)
	mustReplace(t, store)
	wantTopics(t, store, want...)
	mustCreateTopic(t, store, topic.Topic{ID: "free", Name: full.Name})
	wantTaken(t, "a name that was taken by a change", store.Create(background(t), topic.Topic{ID: "taken", Name: "more"}))
	stop()
	store, _ = h.Start(t)
	wantTopics(t, store, append(want, topic.Topic{ID: "free", Name: full.Name})...)
}

// topicsReplaceChanged tries each way in which a topic may no longer be as it was.
func topicsReplaceChanged(t *testing.T, h Harness[topic.Store]) {
	store, _ := h.Start(t)
	now := topic.Topic{ID: "a", Name: "A", Kind: topic.KindSubject, Aliases: []string{"x", "y"}, Broader: []topic.ID{"b"}}
	other := tag("Other")
	mustCreateTopic(t, store, now)
	mustCreateTopic(t, store, other)
	was := func(change func(*topic.Topic)) *topic.Topic {
		old := now
		change(&old)
		return &old
	}
	next := topic.Topic{ID: "a", Name: "Next", Kind: topic.KindSubject}
	for what, change := range map[string]topic.Replacement{
		"it is there already":    {Now: next},
		"it is not there":        {Was: &topic.Topic{ID: "c", Name: "C"}, Now: topic.Topic{ID: "c", Name: "Next"}},
		"the name":               {Was: was(func(t *topic.Topic) { t.Name = "a" }), Now: next},
		"the kind":               {Was: was(func(t *topic.Topic) { t.Kind = topic.KindTag }), Now: next},
		"the order of aliases":   {Was: was(func(t *topic.Topic) { t.Aliases = []string{"y", "x"} }), Now: next},
		"an alias more":          {Was: was(func(t *topic.Topic) { t.Aliases = []string{"x"} }), Now: next},
		"the aliases":            {Was: was(func(t *topic.Topic) { t.Aliases = nil }), Now: next},
		"what is broader":        {Was: was(func(t *topic.Topic) { t.Broader = nil }), Now: next},
		"the name is another's":  {Was: &now, Now: topic.Topic{ID: "a", Name: "OTHER"}},
		"a new one's is as well": {Now: topic.Topic{ID: "c", Name: "other"}},
	} {
		if err := store.Replace(background(t), []topic.Replacement{change}); !errors.Is(err, topic.ErrChanged) {
			t.Errorf("%s: %v, want ErrChanged", what, err)
		}
	}
	wantTopics(t, store, now, other)
	mustReplace(t, store, topic.Replacement{Was: &now, Now: next})
	wantTopics(t, store, next, other)
}

func topicsReplaceRace(t *testing.T, h Harness[topic.Store]) {
	const rounds = 5
	nodes := h.Nodes(t, 4)
	now := tag("Name")
	mustCreateTopic(t, nodes[0], now)
	for round := range rounds {
		var racing sync.WaitGroup
		var won atomic.Int32
		var next atomic.Pointer[topic.Topic]
		for i, node := range nodes {
			racing.Go(func() {
				was, mine := now, now
				mine.Aliases = []string{fmt.Sprintf("%d by %d", round, i)}
				switch err := node.Replace(background(t), []topic.Replacement{{Was: &was, Now: mine}}); {
				case err == nil:
					won.Add(1)
					next.Store(&mine)
				case !errors.Is(err, topic.ErrChanged):
					t.Errorf("replace: %v, want ErrChanged", err)
				}
			})
		}
		racing.Wait()
		if won.Load() != 1 {
			t.Fatalf("%d of %d replaced the same topic", won.Load(), len(nodes))
		}
		now = *next.Load()
		wantTopics(t, nodes[0], now)
	}
}

func topicsSown(t *testing.T, h Harness[topic.Store]) {
	store, stop := h.Start(t)
	if got, err := store.Sown(background(t)); err != nil || got.Revision != 0 || got.Number != 0 || len(got.Topics) != 0 {
		t.Fatalf("nothing is sown: %+v, %v", got, err)
	}
	first := topic.Sown{Revision: 1, Sowing: 3, Topics: map[topic.ID]topic.Mark{
		"a":         {At: "a", First: 3, Last: 3},
		"north.kor": {At: "$dprk", First: 1, Last: 2, Digests: []string{"0123456789abcdef", "x"}},
	}}
	wantUnsown := func(next topic.Sown) {
		t.Helper()
		if err := store.SetSown(background(t), next); !errors.Is(err, topic.ErrChanged) {
			t.Errorf("revision %d: %v, want ErrChanged", next.Revision, err)
		}
	}
	next := topic.Sown{Revision: 2, Number: 3, Sowing: 3, Topics: map[topic.ID]topic.Mark{"a": first.Topics["a"]}}
	wantUnsown(next)
	mustSetSown(t, store, first)
	wantSown(t, store, first)
	wantUnsown(first)
	mustSetSown(t, store, next)
	wantUnsown(first)
	wantUnsown(topic.Sown{Revision: 4})
	stop()
	store, _ = h.Start(t)
	wantSown(t, store, next)
	wantTopics(t, store)
}

func topicsSownRace(t *testing.T, h Harness[topic.Store]) {
	const rounds = 5
	nodes := h.Nodes(t, 4)
	for round := range rounds {
		var racing sync.WaitGroup
		var won atomic.Int32
		for i, node := range nodes {
			racing.Go(func() {
				err := node.SetSown(background(t), topic.Sown{Revision: uint64(round) + 1, Number: i})
				if err == nil {
					won.Add(1)
				} else if !errors.Is(err, topic.ErrChanged) {
					t.Errorf("set what is sown: %v, want ErrChanged", err)
				}
			})
		}
		racing.Wait()
		if won.Load() != 1 {
			t.Fatalf("%d of %d wrote one revision", won.Load(), len(nodes))
		}
	}
}

func mustReplace(t testing.TB, store topic.Store, changes ...topic.Replacement) {
	t.Helper()
	if err := store.Replace(background(t), changes); err != nil {
		t.Fatalf("replace %d topics: %v", len(changes), err)
	}
}

func mustSetSown(t testing.TB, store topic.Store, next topic.Sown) {
	t.Helper()
	if err := store.SetSown(background(t), next); err != nil {
		t.Fatalf("set what is sown: %v", err)
	}
}

func wantSown(t testing.TB, store topic.Store, want topic.Sown) {
	t.Helper()
	got, err := store.Sown(background(t))
	if err != nil {
		t.Fatalf("what is sown: %v", err)
	}
	same(t, "what is sown", got, want)
}
