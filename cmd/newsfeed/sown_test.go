package main

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"newsfeed/config"
	"newsfeed/feed"
	"newsfeed/interests/topic"
	"newsfeed/storage"
)

// sownTopics is the edition that the log of an empty store begins with.
var sownTopics = len(topic.Seed())

// The seed comes into the store and into the log once, however many nodes begin
// together, and also when one ended between any two steps; what a program had
// written that knew no seeds stays: tags that topics take over keep their ids, and
// what editors changed is theirs. Then every node's catalogue is that of the store.
func TestSown(t *testing.T) {
	t.Run("embedded", func(t *testing.T) { sown(t, "NEWSFEED_DATA="+t.TempDir()) })
	t.Run("servers", func(t *testing.T) { sown(t, onServers(t)...) })
}

func sown(t *testing.T, settings ...string) {
	s := newSower(t, settings)
	edited := topic.Topic{ID: "iran", Name: "Persia", Kind: topic.KindCountry, Aliases: []string{"Iran"}}
	s.withStores(func(stores *storage.Stores) {
		for _, made := range []topic.Topic{edited,
			{ID: "dprk-news", Name: "DPRK", Kind: topic.KindTag},
			{ID: "k-pop-dance", Name: "K-Pop Dance", Kind: topic.KindTag},
			{ID: "source-bbc", Name: "BBC", Kind: topic.KindSource},
		} {
			if err := stores.Topics.Put(t.Context(), made); err != nil {
				t.Fatal(err)
			}
		}
	})
	s.close(s.open()) // ends with the topics in the store and not in the log
	a := s.warm()
	if err := a.tell(t.Context(), a.untold[:700]); err != nil { // ends amid the telling
		t.Fatal(err)
	}
	s.close(a)
	if s.shared {
		var starting sync.WaitGroup
		for range 2 {
			a := s.open()
			starting.Go(func() { s.start(a) })
			t.Cleanup(func() { s.close(a) })
		}
		starting.Wait()
	} else {
		a := s.open()
		s.start(a)
		s.close(a)
	}
	want := s.wantOnce(edited)
	a = s.open()
	if a.sown.Number != topic.CurrentSeed().Number || len(a.untold) > 0 {
		t.Errorf("seed %d is sown, and %d topics are untold", a.sown.Number, len(a.untold))
	}
	s.start(a)
	defer s.close(a)
	if n := a.index.Edition(); int(n) != want || !a.index.HasOnlyTopics() {
		t.Errorf("edition %d after another start, want %d of topics alone", n, want)
	}
	for name, id := range map[string]topic.ID{"North Korea": "dprk-news", "dprk": "dprk-news", "Persia": "iran", "BBC": "british-broadcasting-corporation", "source-bbc": "source-bbc", "k-pop dance": "k-pop-dance", "Japan": "japan"} {
		if got, _ := a.catalogue.Resolve(name); got.ID != id {
			t.Errorf("%q is %q, want %q", name, got.ID, id)
		}
	}
	for title, id := range map[string]topic.ID{"Pyongyang fires missile": "dprk-news", "Persia speaks": "iran"} {
		if !slices.ContainsFunc(a.catalogue.Tagger().Tags(topic.Text{Title: title}), func(t topic.Tag) bool { return t.Topic == id }) {
			t.Errorf("%q is not tagged %s", title, id)
		}
	}
}

// What an editor changed between a node's reading of the store and its reading of
// the log is in its catalogue, and so is what comes after.
func TestCatalogueFollowsTheLog(t *testing.T) {
	s := newSower(t, []string{"NEWSFEED_DATA=" + t.TempDir()})
	a := s.open()
	s.start(a)
	s.close(a)
	a = s.open()
	defer s.close(a)
	edited := topic.Topic{ID: "japan", Name: "Nippon", Kind: topic.KindCountry}
	top, at, err := a.stores.Articles.Top(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.stores.Articles.Append(t.Context(), []feed.Entry{{Edition: top + 1, At: at, Topic: &edited}}); err != nil {
		t.Fatal(err)
	}
	s.start(a)
	if got, _ := a.catalogue.Resolve("nippon"); got.ID != "japan" {
		t.Errorf("Nippon is %+v", got)
	}
	edited.Name = "Nihon"
	if _, _, err := a.feedLog.Put(t.Context(), []feed.Change{{Topic: &edited}, {Topic: &edited}}); err != nil {
		t.Fatal(err)
	}
	results, _, err := a.feedLog.Put(t.Context(), []feed.Change{{Topic: &edited}})
	if got, _ := a.catalogue.Get("japan"); got.Name != "Nihon" || err != nil || results[0].Outcome != feed.Unchanged || a.index.Edition() != top+2 {
		t.Errorf("%+v at edition %d, want Nihon at %d; said again it is %v, %v", got, a.index.Edition(), top+2, results, err)
	}
}

// sower starts and ends Apps on one set of stores.
type sower struct {
	*testing.T
	cfg    config.Config
	shared bool // several may run at once
}

func newSower(t *testing.T, settings []string) *sower {
	given := map[string]string{"NEWSFEED_DATA": t.TempDir()}
	for _, s := range settings {
		name, value, _ := strings.Cut(s, "=")
		given[name] = value
	}
	cfg, problems := config.Load(func(name string) (string, bool) { v, ok := given[name]; return v, ok }, nil)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return &sower{t, cfg, !cfg.Embedded()}
}

func (s *sower) withStores(do func(*storage.Stores)) {
	s.Helper()
	stores, err := storage.Open(s.Context(), storage.Addresses{Data: s.cfg.Data, MongoURI: string(s.cfg.MongoURI), RedisURL: string(s.cfg.RedisURL)})
	if err != nil {
		s.Fatal(err)
	}
	do(stores)
	if err := stores.Close(); err != nil {
		s.Error(err)
	}
}

func (s *sower) open() *App {
	s.Helper()
	a, err := NewApp(s.Context(), s.cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		s.Fatal(err)
	}
	return a
}

// warm opens an App as far as it is before it tells of topics.
func (s *sower) warm() *App {
	s.Helper()
	a := s.open()
	if err := a.feedLog.Warm(s.Context(), nil); err != nil {
		s.Fatal(err)
	}
	a.feedLog.Start()
	return a
}

func (s *sower) start(a *App) {
	s.Helper()
	if err := a.Start(s.Context()); err != nil {
		s.Error(err)
	}
}

func (s *sower) close(a *App) {
	s.Helper()
	if err := a.Close(context.Background()); err != nil {
		s.Error(err)
	}
}

// wantOnce checks that the log has one entry of each topic of the seed but for those
// edited, as it is stored, and returns how many.
func (s *sower) wantOnce(edited ...topic.Topic) (entries int) {
	s.Helper()
	s.withStores(func(stores *storage.Stores) {
		log, err := stores.Articles.Read(s.Context(), feed.Range{Limit: 10_000})
		if err != nil {
			s.Fatal(err)
		}
		all, err := stores.Topics.All(s.Context())
		if err != nil {
			s.Fatal(err)
		}
		stored, entries0 := map[topic.ID]topic.Topic{}, map[topic.ID]int{}
		for _, t := range all {
			stored[t.ID] = t
		}
		for _, e := range log {
			entries0[e.Topic.ID]++
			if !stored[e.Topic.ID].Equal(*e.Topic) {
				s.Errorf("the log says %+v, and the store %+v", *e.Topic, stored[e.Topic.ID])
			}
		}
		for _, t := range edited {
			if entries0[t.ID] != 0 || !stored[t.ID].Equal(t) {
				s.Errorf("of %s the log has %d entries, and the store %+v", t.ID, entries0[t.ID], stored[t.ID])
			}
		}
		if want := len(topic.Seed()) - len(edited); len(entries0) != want || slices.Max(slices.Collect(maps.Values(entries0))) > 1 {
			s.Errorf("%d entries of %d topics, want one of each of %d", len(log), len(entries0), want)
		}
		entries = len(log)
	})
	return entries
}
