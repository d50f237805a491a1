package ingest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"newsfeed/feed"
	"newsfeed/interests/topic"
)

// memory is a topic.Store by its contract, as far as a tagger calls it.
type memory struct {
	topic.Store
	mu     sync.Mutex
	topics map[topic.ID]topic.Topic
	names  map[string]topic.ID
	calls  int
	fail   error
}

func newMemory(topics ...topic.Topic) *memory {
	m := &memory{topics: map[topic.ID]topic.Topic{}, names: map[string]topic.ID{}}
	for _, t := range topics {
		if err := m.Create(context.Background(), t); err != nil {
			panic(err)
		}
	}
	m.calls = 0
	return m
}

func (m *memory) All(context.Context) ([]topic.Topic, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls++
	var all []topic.Topic
	for _, t := range m.topics {
		all = append(all, t)
	}
	return all, m.fail
}

func (m *memory) Create(_ context.Context, t topic.Topic) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls++
	name := topic.NameKey(t)
	if m.fail != nil {
		return m.fail
	}
	if _, taken := m.topics[t.ID]; taken || m.names[name] != "" {
		return topic.ErrTaken
	}
	m.topics[t.ID], m.names[name] = t, t.ID
	return nil
}

func catalogue() *topic.Catalogue {
	return topic.NewCatalogue([]topic.Topic{
		{ID: "asia", Name: "Asia", Kind: topic.KindRegion},
		{ID: "east-asia", Name: "East Asia", Kind: topic.KindRegion, Broader: []topic.ID{"asia"}},
		{ID: "north-korea", Name: "North Korea", Kind: topic.KindCountry, Aliases: []string{"DPRK"}, Broader: []topic.ID{"east-asia"}},
		{ID: "iran", Name: "Iran", Kind: topic.KindCountry},
	})
}

func draft(labels ...feed.Label) *feed.Draft {
	return &feed.Draft{Title: "Quiet day", Source: feed.Source{ID: "abc", Name: "ABC"}, Labels: labels}
}

func tag(t *testing.T, tagger *Tagger, d *feed.Draft) []feed.Tag {
	t.Helper()
	if err := tagger.Tag(context.Background(), d, "key"); err != nil {
		t.Fatal(err)
	}
	return d.Tags
}

var abc = feed.Tag{Topic: "source-abc", Name: "ABC", Salience: 1}

func TestTagOfLabels(t *testing.T) {
	store, known := newMemory(), catalogue()
	tagger := NewTagger(known, store, false)
	got := tag(t, tagger, draft(feed.Label{Name: "dprk", Salience: 0.333}, feed.Label{Name: "IRAN", Salience: 0.001},
		feed.Label{Name: "Crude Oil"}, feed.Label{Name: "crude  oil", Salience: 0.5}, feed.Label{Name: "north-korea", Salience: 0.2}))
	want := []feed.Tag{{Topic: "crude-oil", Name: "Crude Oil", Salience: 1}, abc, {Topic: "north-korea", Name: "North Korea", Salience: 0.33}, {Topic: "iran", Name: "Iran", Salience: 0.01}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if made, ok := known.Get("crude-oil"); !ok || made.Kind != topic.KindTag || store.topics["crude-oil"].Name != "Crude Oil" {
		t.Errorf("catalogue has %+v, the store %+v", made, store.topics)
	}
	if made := store.topics["source-abc"]; made.Kind != topic.KindSource || len(store.topics) != 2 {
		t.Errorf("store has %+v", store.topics)
	}
	calls := store.calls
	if again := tag(t, tagger, draft(feed.Label{Name: "CRUDE OIL"})); store.calls != calls || again[0].Topic != "crude-oil" {
		t.Errorf("%d calls for what is known, tags %+v", store.calls-calls, again)
	}
}

func TestAutomaticTags(t *testing.T) {
	d := draft(feed.Label{Name: "iran", Salience: 0.4})
	d.Title, d.BodyHTML = "North Korea fires missiles", "<p>The DPRK fired.</p><p>North Korea said so.</p>"
	got := map[topic.ID]feed.Tag{}
	for _, tag := range tag(t, NewTagger(catalogue(), newMemory(), true), d) {
		got[tag.Topic] = tag
	}
	nk, ea := got["north-korea"], got["east-asia"]
	if nk.Salience == 0 || nk.Inherited || !ea.Inherited || ea.Salience >= nk.Salience || got["iran"].Salience != 0.4 || got["source-abc"] != abc {
		t.Errorf("tags %+v", got)
	}
	d.Labels = []feed.Label{{Name: "North Korea"}}
	if tags := tag(t, NewTagger(catalogue(), newMemory(), true), d); tags[0].Topic != "north-korea" || tags[0].Salience != 1 || tags[0].Inherited {
		t.Errorf("a publisher's tag does not go before the automatic one: %+v", tags)
	}
	d.Labels = []feed.Label{{Name: "North Korea", Salience: 0.01}}
	if tags := tag(t, NewTagger(catalogue(), newMemory(), true), d); tags[1].Topic != "north-korea" || tags[1].Salience != nk.Salience {
		t.Errorf("a lesser publisher's tag goes before the automatic one: %+v", tags)
	}
	if tags := tag(t, NewTagger(catalogue(), newMemory(), false), d); len(tags) != 2 {
		t.Errorf("off, and yet %+v", tags)
	}
}

// What is broader than a label comes with it only when automatic.
func TestInheritedTags(t *testing.T) {
	got := tag(t, NewTagger(catalogue(), newMemory(), true), draft(feed.Label{Name: "dprk", Salience: 0.5}))
	want := []feed.Tag{abc, {Topic: "north-korea", Name: "North Korea", Salience: 0.5}, {Topic: "east-asia", Name: "East Asia", Salience: 0.25, Inherited: true}, {Topic: "asia", Name: "Asia", Salience: 0.13, Inherited: true}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// However many threads and nodes make a tag at once, one topic comes of it.
func TestRaceForOneTag(t *testing.T) {
	store := newMemory()
	nodes := []*Tagger{NewTagger(catalogue(), store, false), NewTagger(catalogue(), store, false)}
	var wait sync.WaitGroup
	results := make([]feed.Draft, 64)
	for i := range results {
		results[i] = *draft(feed.Label{Name: fmt.Sprint("New Tag ", i%4)})
		wait.Go(func() {
			if err := nodes[i%2].Tag(context.Background(), &results[i], "key"); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if len(store.topics) != 5 {
		t.Errorf("%d topics for 4 tags and a source: %v", len(store.topics), store.topics)
	}
	for i, d := range results {
		if want := topic.ID(fmt.Sprint("new-tag-", i%4)); len(d.Tags) != 2 || d.Tags[0].Topic != want {
			t.Errorf("%d: %+v, want %s", i, d.Tags, want)
		}
	}
}

// An id that another node took meanwhile, for another name, is left to it.
func TestRaceForAnID(t *testing.T) {
	store := newMemory(topic.Topic{ID: "c", Name: "C", Kind: topic.KindTag})
	got := tag(t, NewTagger(catalogue(), store, false), draft(feed.Label{Name: "C!"}))
	if want := (feed.Tag{Topic: "c-2", Name: "C!", Salience: 1}); got[0] != want {
		t.Errorf("got %+v, want %+v", got[0], want)
	}
}

// A label never becomes or forges a source's topic: of its name there is a tag too.
func TestLabelsOfSources(t *testing.T) {
	store := newMemory(topic.Topic{ID: "source-bbc", Name: "BBC", Kind: topic.KindSource})
	tagger := NewTagger(catalogue(), store, false)
	bbc, cnn := feed.Tag{Topic: "bbc", Name: "BBC", Salience: 1}, feed.Tag{Topic: "topic-source-cnn", Name: "source-cnn", Salience: 1}
	got := tag(t, tagger, draft(feed.Label{Name: "BBC"}, feed.Label{Name: "source-cnn"}))
	if diff := cmp.Diff([]feed.Tag{bbc, abc, cnn}, got); diff != "" {
		t.Error(diff)
	}
	d := draft(feed.Label{Name: "BBC"}, feed.Label{Name: "source-bbc"})
	d.Source = feed.Source{ID: "bbc", Name: "BBC"} // this node comes to know the source's topic
	tag(t, tagger, d)
	if diff := cmp.Diff([]feed.Tag{bbc, abc}, tag(t, tagger, draft(feed.Label{Name: "BBC"}, feed.Label{Name: "source-bbc"}))); diff != "" {
		t.Error(diff)
	}
}

// A source may have a tag's name; of two sources of one name the second has its id
// behind it. Reserved names give numbered ids.
func TestNamesOfSources(t *testing.T) {
	tagger := NewTagger(catalogue(), newMemory(), false)
	if got := tag(t, tagger, draft(feed.Label{Name: "Trending"})); got[1].Topic != "trending-2" {
		t.Errorf("got %+v", got)
	}
	for id, want := range map[string]string{"t": "trending", "u": "trending (u)"} {
		if id == "u" {
			d := draft()
			d.Source = feed.Source{ID: "t", Name: "trending"}
			tag(t, tagger, d)
		}
		d := draft()
		d.Source = feed.Source{ID: id, Name: "trending"}
		if got := tag(t, tagger, d); got[0] != (feed.Tag{Topic: topic.SourceTopicID(id), Name: want, Salience: 1}) {
			t.Errorf("got %+v", got)
		}
	}
}

// A topic that another node renamed is found by its new name at once.
func TestLabelOfARenamedTopic(t *testing.T) {
	store := newMemory(topic.Topic{ID: "burma", Name: "Myanmar", Kind: topic.KindTag})
	known := catalogue()
	known.Put(topic.Topic{ID: "burma", Name: "Burma", Kind: topic.KindTag})
	if got := tag(t, NewTagger(known, store, false), draft(feed.Label{Name: "myanmar"})); got[0] != (feed.Tag{Topic: "burma", Name: "Myanmar", Salience: 1}) {
		t.Errorf("got %+v", got)
	}
}

func TestManyTags(t *testing.T) {
	var topics []topic.Topic
	for i := range 60 {
		topics = append(topics, topic.Topic{ID: topic.ID(fmt.Sprint("t", i)), Name: fmt.Sprint("T", i), Kind: topic.KindSubject, Broader: []topic.ID{topic.ID(fmt.Sprint("b", i)), topic.ID(fmt.Sprint("c", i))}},
			topic.Topic{ID: topic.ID(fmt.Sprint("b", i)), Name: fmt.Sprint("B", i), Kind: topic.KindSubject}, topic.Topic{ID: topic.ID(fmt.Sprint("c", i)), Name: fmt.Sprint("C", i), Kind: topic.KindSubject})
	}
	d := draft()
	for i := range 50 {
		d.Labels = append(d.Labels, feed.Label{Name: fmt.Sprint("t", i), Salience: float64(i+1) / 50})
	}
	tags := tag(t, NewTagger(topic.NewCatalogue(topics), newMemory(), true), d)
	direct := 0
	for i, tag := range tags {
		if !tag.Inherited {
			direct++
		}
		if i > 0 && bySalience(tags[i-1], tag) >= 0 {
			t.Errorf("%+v before %+v", tags[i-1], tag)
		}
	}
	if len(tags) != 100 || direct != 51 {
		t.Errorf("%d tags, %d of them direct", len(tags), direct)
	}
}

func TestKeyOfTooManyTopics(t *testing.T) {
	tagger := NewTagger(catalogue(), newMemory(), false)
	tagger.created["key"] = maxNewTags - 1 // the source's is the last
	err := tagger.Tag(context.Background(), draft(feed.Label{Name: "iran"}, feed.Label{Name: "new"}), "key")
	var invalid *Invalid
	if !errors.As(err, &invalid) || invalid.Fields[0].Location != "/topics/1" {
		t.Errorf("got %v", err)
	}
	if err := tagger.Tag(context.Background(), draft(feed.Label{Name: "new"}), ""); err != nil {
		t.Errorf("the program itself: %v", err)
	}
	if err := tagger.Tag(context.Background(), draft(feed.Label{Name: "new"}), "key"); err != nil {
		t.Errorf("a topic that is there: %v", err)
	}
}

func TestTagWithoutStore(t *testing.T) {
	gone := errors.New("store is gone")
	store := newMemory()
	store.fail = gone
	tagger := NewTagger(catalogue(), store, false)
	if err := tagger.Tag(context.Background(), draft(), "key"); !errors.Is(err, gone) {
		t.Errorf("got %v", err)
	}
	tagger.turn <- struct{}{}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := tagger.Tag(ctx, draft(), "key"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func BenchmarkTag(b *testing.B) {
	tagger := NewTagger(topic.NewCatalogue(topic.Seed()), newMemory(), true)
	d := draft(feed.Label{Name: "North Korea"}, feed.Label{Name: "missiles"})
	d.Title = "North Korea fires missiles"
	d.BodyHTML = "<p>" + strings.Repeat("North Korea fired two ballistic missiles into the sea, South Korea said; the United States condemned it. ", 28) + "</p>"
	b.ReportAllocs()
	for b.Loop() {
		if err := tagger.Tag(context.Background(), d, "key"); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "articles/s")
}
