package storagetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"newsfeed/interests/topic"
)

// Sowing proves that seeds come into a store as topic.SeedVersion promises, over an
// implementation of topic.Store: whoever sows at the same time, whatever editors
// and publishers do meanwhile, and wherever one is cut short.
func Sowing(t *testing.T, fresh Fresh[topic.Store]) {
	type h = Harness[topic.Store]
	run(t, "topic.SeedVersion", fresh, []testCase[topic.Store]{
		{name: "an empty store gets the seed, once", run: sowingOnce},
		{name: "a new version changes what no editor has, and nothing else", run: sowingVersions},
		{name: "a topic takes over the tag of its name, its id or an alias, for good", run: sowingTakeover},
		{name: "what publishers, sources and editors had before stays", run: func(t *testing.T, _ h) { sowingUpgrade(t, fresh) }},
		{name: "what an editor removed stays away", run: sowingRemoved},
		{name: "an older version never undoes a newer one", run: sowingOlder},
		{name: "who is cut short anywhere is continued by any version", run: func(t *testing.T, _ h) { sowingCut(t, fresh) }},
		{name: "a tag or an editor that comes between counts", run: func(t *testing.T, _ h) { sowingBetween(t, fresh) }},
		{name: "many nodes of several versions come to one end", run: sowingTogether},
	})
}

// seedOf is a version of a small seed. The second has an alias more of North Korea,
// one less of Asia, and two topics that the first has not.
func seedOf(number int) topic.SeedVersion {
	asia := topic.Topic{ID: "asia", Name: "Asia", Kind: topic.KindRegion, Aliases: []string{"Asian"}}
	korea := topic.Topic{ID: "north-korea", Name: "North Korea", Kind: topic.KindCountry, Aliases: []string{"DPRK"}, Broader: []topic.ID{"east-asia"}}
	seed := topic.SeedVersion{Number: number}
	if number > 1 {
		asia.Aliases = nil
		korea.Aliases = []string{"DPRK", "Hermit Kingdom"}
		seed.Topics = []topic.Topic{{ID: "iran", Name: "Iran", Kind: topic.KindCountry, Aliases: []string{"Persia"}, Broader: []topic.ID{"asia"}},
			{ID: "bbc", Name: "BBC", Kind: topic.KindCompany}}
	}
	seed.Topics = append(seed.Topics, asia, korea, topic.Topic{ID: "east-asia", Name: "East Asia", Kind: topic.KindRegion, Broader: []topic.ID{"asia"}})
	return seed
}

func sowingOnce(t *testing.T, h Harness[topic.Store]) {
	store, stop := h.Start(t)
	seed := seedOf(1)
	stored, sown := mustSow(t, store, seed)
	same(t, "topics after sowing", byID(stored), byID(seed.Topics))
	wantTopics(t, store, seed.Topics...)
	if untold := sown.Untold(stored); len(untold) != len(seed.Topics) || sown.Number != 0 {
		t.Errorf("seed %d is sown, and %d topics are to be told", sown.Number, len(untold))
	}
	mustSettle(t, store, seed, sown)
	stop()
	store, _ = h.Start(t)
	before, _ := store.Sown(background(t))
	stored, sown = mustSow(t, store, seed)
	if untold := sown.Untold(stored); len(untold) != 0 || sown.Number != 1 || sown.Revision != before.Revision {
		t.Errorf("the second time %v are to be told, and the record went from revision %d to %d", untold, before.Revision, sown.Revision)
	}
	mustSettle(t, store, seed, sown)
	wantSown(t, store, before)
}

func sowingVersions(t *testing.T, h Harness[topic.Store]) {
	store, _ := h.Start(t)
	bring(t, store, seedOf(1))
	next := seedOf(2)
	edited := seedOf(1).Topics[1]
	edited.Name, edited.Aliases = "DPR Korea", nil
	mustPutTopic(t, store, edited)
	told := bring(t, store, next)
	same(t, "what was told of the second version", byID(told), byID(next.Topics[:3]))
	wantTopics(t, store, append(next.Topics[:3:3], next.Topics[4], edited)...)
	// An editor who makes it again what it was leaves it to the seed.
	mustPutTopic(t, store, seedOf(1).Topics[1])
	next.Number = 3
	same(t, "what was told of the third", bring(t, store, next), next.Topics[3:4])
	wantTopics(t, store, next.Topics...)
	bring(t, store, seedOf(1))
	wantTopics(t, store, next.Topics...)
}

func sowingTakeover(t *testing.T, h Harness[topic.Store]) {
	store, _ := h.Start(t)
	for _, made := range []topic.Topic{
		{ID: "dprk-news", Name: "dprk", Kind: topic.KindTag},        // by an alias of North Korea
		{ID: "hermit", Name: "Hermit Kingdom", Kind: topic.KindTag}, // likewise, but it has one
		{ID: "asia-2", Name: "ASIA", Kind: topic.KindTag},           // by its name
		{ID: "east-asia", Name: "East Asia!", Kind: topic.KindTag},  // by its id
		{ID: "iran", Name: "Iran?", Kind: topic.KindTag},            // an id of another topic
		{ID: "tag", Name: "Tag", Kind: topic.KindTag},
	} {
		mustCreateTopic(t, store, made)
	}
	bring(t, store, seedOf(1))
	want := []topic.Topic{
		{ID: "dprk-news", Name: "North Korea", Kind: topic.KindCountry, Aliases: []string{"DPRK"}, Broader: []topic.ID{"east-asia"}},
		{ID: "asia-2", Name: "Asia", Kind: topic.KindRegion, Aliases: []string{"Asian"}},
		{ID: "east-asia", Name: "East Asia", Kind: topic.KindRegion, Broader: []topic.ID{"asia-2"}},
		{ID: "hermit", Name: "Hermit Kingdom", Kind: topic.KindTag},
		{ID: "iran", Name: "Iran?", Kind: topic.KindTag},
		{ID: "tag", Name: "Tag", Kind: topic.KindTag},
	}
	wantTopics(t, store, want...)
	bring(t, store, seedOf(2))
	want[0].Aliases, want[1].Aliases = []string{"DPRK", "Hermit Kingdom"}, nil
	want[4] = topic.Topic{ID: "iran", Name: "Iran", Kind: topic.KindCountry, Aliases: []string{"Persia"}, Broader: []topic.ID{"asia-2"}}
	wantTopics(t, store, append(want, topic.Topic{ID: "bbc", Name: "BBC", Kind: topic.KindCompany})...)
}

// sowingUpgrade is a store of a program that wrote no seed: editors' changes of
// topics that it had in memory are stored, and nothing else of these.
func sowingUpgrade(t *testing.T, fresh Fresh[topic.Store]) {
	store, _ := fresh(t).Start(t)
	korea := topic.Topic{ID: "north-korea", Name: "DPR Korea", Kind: topic.KindCountry}
	ours := topic.Topic{ID: "teheran", Name: "Persia", Kind: topic.KindRegion}
	ayatollahs := topic.Topic{ID: "mullahs", Name: "IRAN", Kind: topic.KindSubject, Broader: []topic.ID{"east-asia"}}
	source := topic.Topic{ID: "source-bbc", Name: "BBC", Kind: topic.KindSource}
	for _, made := range []topic.Topic{korea, ours, ayatollahs, source} {
		mustPutTopic(t, store, made)
	}
	seed := seedOf(2)
	told := bring(t, store, seed)
	want := []topic.Topic{seed.Topics[1], seed.Topics[2], seed.Topics[4]}
	same(t, "what was told", byID(told), byID(want))
	wantTopics(t, store, append(want, korea, ours, ayatollahs, source)...)

	// Where an editor's topic has an alias of the seed, the seed's has it not.
	store, _ = fresh(t).Start(t)
	mustPutTopic(t, store, ours)
	bring(t, store, seed)
	iran := topic.Topic{ID: "iran", Name: "Iran", Kind: topic.KindCountry, Broader: []topic.ID{"asia"}}
	wantTopics(t, store, append(seed.Topics[1:5:5], ours, iran)...)
}

func sowingRemoved(t *testing.T, h Harness[topic.Store]) {
	store, _ := h.Start(t)
	seed := seedOf(1)
	whole := seed.Topics
	seed.Topics = whole[:2]
	bring(t, store, seed)
	sown, _ := store.Sown(background(t))
	sown.Revision++
	sown.Topics["east-asia"] = topic.Mark{At: "east-asia", First: 1, Last: 1, Digests: []string{"0"}} // sown once, and gone
	mustSetSown(t, store, sown)
	bring(t, store, seedOf(2))
	wantTopics(t, store, seedOf(2).Topics[:4]...)
}

func sowingOlder(t *testing.T, h Harness[topic.Store]) {
	store, _ := h.Start(t)
	old, next := seedOf(1), seedOf(2)
	short := topic.SeedVersion{Number: 2, Topics: next.Topics[1:4]} // without East Asia
	if _, _, err := short.Sow(background(t), store); err != nil {   // and ends before it is told
		t.Fatal(err)
	}
	same(t, "what the older told beside a newer that was cut short", byID(bring(t, store, old)), byID(next.Topics[1:]))
	wantTopics(t, store, next.Topics[1:]...)
	bring(t, store, next)
	wantTopics(t, store, next.Topics...)
	settled, _ := store.Sown(background(t))
	for range 2 {
		if told := bring(t, store, old); len(told) != 0 {
			t.Errorf("the older version told of %v", told)
		}
		wantTopics(t, store, next.Topics...)
		wantSown(t, store, settled)
	}
}

// errCut is how a store ends that is cut short.
var errCut = errors.New("cut short")

// cutStore does n writes and then fails, in the middle of one.
type cutStore struct {
	topic.Store
	n      *int
	before func() // called before the write that fails, if not nil
}

func (s cutStore) cut() bool {
	*s.n--
	if *s.n == 0 && s.before != nil {
		s.before()
	}
	return *s.n <= 0
}

func (s cutStore) SetSown(ctx context.Context, next topic.Sown) error {
	if s.cut() {
		return errCut
	}
	return s.Store.SetSown(ctx, next)
}

func (s cutStore) Replace(ctx context.Context, changes []topic.Replacement) error {
	if s.cut() {
		return errors.Join(s.Store.Replace(ctx, changes[:len(changes)/2]), errCut)
	}
	return s.Store.Replace(ctx, changes)
}

func sowingCut(t *testing.T, fresh Fresh[topic.Store]) {
	for _, versions := range [][3]int{{1, 1, 1}, {1, 2, 2}, {2, 1, 2}, {2, 2, 1}, {1, 2, 1}} {
		for n := 1; n <= 3; n++ {
			store, _ := fresh(t).Start(t)
			mustCreateTopic(t, store, topic.Topic{ID: "dprk-news", Name: "DPRK", Kind: topic.KindTag})
			for i, number := range versions[:2] { // the first two are cut short
				writes := n + i
				_, err := tryBring(t, cutStore{Store: store, n: &writes}, seedOf(number))
				if writes <= 0 && !errors.Is(err, errCut) {
					t.Fatalf("version %d ended with %v", number, err)
				}
			}
			newest := slices.Max(versions[:])
			bring(t, store, seedOf(versions[2]))
			if newest != versions[2] { // the newer is there whole when it comes back
				bring(t, store, seedOf(newest))
			}
			whole, _ := fresh(t).Start(t)
			mustCreateTopic(t, whole, topic.Topic{ID: "dprk-news", Name: "DPRK", Kind: topic.KindTag})
			bring(t, whole, seedOf(newest))
			want, _ := whole.All(background(t))
			t.Logf("versions %v, cut before write %d", versions, n)
			wantTopics(t, store, want...)
		}
	}
}

func sowingBetween(t *testing.T, fresh Fresh[topic.Store]) {
	for n := 1; n <= 2; n++ { // before the record, and before the topics
		store, _ := fresh(t).Start(t)
		bring(t, store, seedOf(1))
		edited := seedOf(1).Topics[2]
		edited.Broader = nil
		korea := seedOf(1).Topics[1]
		korea.Name = "DPR Korea"
		writes := n
		comes := cutStore{Store: store, n: &writes, before: func() {
			mustCreateTopic(t, store, topic.Topic{ID: "persia-2", Name: "IRAN", Kind: topic.KindTag})
			mustPutTopic(t, store, edited)
			mustPutTopic(t, store, korea)
		}}
		if _, _, err := seedOf(2).Sow(background(t), betweenStore{comes}); err != nil {
			t.Fatal(err)
		}
		asia, bbc := seedOf(2).Topics[2], seedOf(2).Topics[1]
		iran := seedOf(2).Topics[0]
		iran.ID = "persia-2"
		wantTopics(t, store, asia, bbc, iran, edited, korea)
	}
}

// betweenStore lets something happen before one write, which is done then.
type betweenStore struct{ cutStore }

func (s betweenStore) SetSown(ctx context.Context, next topic.Sown) error {
	s.cut()
	return s.Store.SetSown(ctx, next)
}

func (s betweenStore) Replace(ctx context.Context, changes []topic.Replacement) error {
	s.cut()
	return s.Store.Replace(ctx, changes)
}

// sowingTogether has in each round nodes of two versions that say something new of
// every topic; the greater number is what counts, whoever is last.
func sowingTogether(t *testing.T, h Harness[topic.Store]) {
	nodes := h.Nodes(t, 4)
	for round := range 3 {
		var racing sync.WaitGroup
		for i, node := range nodes {
			racing.Go(func() {
				if _, err := tryBring(t, node, seedOfMany(2*round+1+i%2)); err != nil {
					t.Errorf("round %d, node %d: %v", round, i, err)
				}
			})
		}
		racing.Wait()
		wantTopics(t, nodes[0], seedOfMany(2*round+2).Topics...)
	}
}

func seedOfMany(number int) topic.SeedVersion {
	seed := topic.SeedVersion{Number: number}
	for n := range 40 {
		name := fmt.Sprint("Topic ", n)
		seed.Topics = append(seed.Topics, topic.Topic{ID: topic.MakeID(name), Name: name, Kind: topic.KindSubject, Aliases: []string{fmt.Sprintf("%d of %d", n, number)}})
	}
	return seed
}

func mustSow(t testing.TB, store topic.Store, seed topic.SeedVersion) ([]topic.Topic, topic.Sown) {
	t.Helper()
	stored, sown, err := seed.Sow(background(t), store)
	if err != nil {
		t.Fatalf("sow seed %d: %v", seed.Number, err)
	}
	return stored, sown
}

func mustSettle(t testing.TB, store topic.Store, seed topic.SeedVersion, sown topic.Sown) {
	t.Helper()
	if err := seed.Settle(background(t), store, sown); err != nil {
		t.Fatalf("settle seed %d: %v", seed.Number, err)
	}
}

// bring does what a node does with its seed, and returns what it told.
func bring(t testing.TB, store topic.Store, seed topic.SeedVersion) []topic.Topic {
	t.Helper()
	topics, err := tryBring(t, store, seed)
	if err != nil {
		t.Fatalf("bring seed %d: %v", seed.Number, err)
	}
	return topics
}

func tryBring(t testing.TB, store topic.Store, seed topic.SeedVersion) (untold []topic.Topic, err error) {
	t.Helper()
	stored, sown, err := seed.Sow(background(t), store)
	if err != nil {
		return nil, err
	}
	if sown.Number < seed.Number {
		untold = sown.Untold(stored)
	}
	return untold, seed.Settle(background(t), store, sown)
}
