package feed_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"newsfeed/feed"
	"newsfeed/interests"
	"newsfeed/interests/topic"
	"newsfeed/storage/storagetest"
)

// The golden ranking: a small made-up corpus, a dozen people, what each of them
// wants to find, and the pages they get, as files that show order and reason. A
// change of a weight is a diff of pages, and of their quality:
//
//	go test ./feed -run Golden -update

var update = flag.Bool("update", false, "rewrite the golden files")

const (
	goldenHalfLife = 12 * time.Hour
	goldenLimit    = 30
	recallAt       = 10
)

var goldenNow = time.Date(2026, 3, 3, 9, 0, 0, 0, time.UTC)

// goldenArticle is a line of articles.ndjson: what a source sent some time before
// now. A name that comes again is a new version; of it the time of publication
// stays.
type goldenArticle struct {
	Name      string
	Source    string
	Kind      feed.Kind
	Age       age
	Language  string // English when not said
	Event     string // external id
	Title     string
	Topics    map[topic.ID]float64 // with their saliences
	Withdrawn bool
}

// goldenPerson is one of people.json.
type goldenPerson struct {
	Name      string
	About     string
	Follow    []topic.ID       // for months
	Favourite []topic.ID       // likewise
	Mute      []topic.ID       // likewise
	Fresh     map[topic.ID]age // followed so long ago
	Languages []string         // the filter of the request
	Unread    bool             // likewise

	// What follows names stories by any of their articles.
	Read, Hidden, Saved []string
	Wants               []struct{ Article, Because string } // on top of the feed
	ShouldKnow          []string                            `json:"should_know"` // any of them on the must-know shelf
}

// age is a duration before goldenNow.
type age struct{ time.Duration }

func (a *age) UnmarshalText(b []byte) (err error) {
	a.Duration, err = time.ParseDuration(string(b))
	return err
}

// newsroom is the corpus, published.
type newsroom struct {
	store   *storagetest.ModelArticles
	index   *feed.Index
	stories map[string]feed.StoryID // by the name of an article
}

// The pages of the golden people, and their quality, are what the files say.
func TestGolden(t *testing.T) {
	room := publishGolden(t)
	var people []goldenPerson
	decodeGolden(t, "people.json", func(d *json.Decoder) error { return d.Decode(&people) })
	warm := room.warmed(t)
	var quality goldenQuality
	var files []string
	for _, p := range people {
		page := room.page(t, room.index, &p)
		if again := room.page(t, warm, &p); !bytes.Equal(page.body, again.body) {
			t.Errorf("%s: an index read from the log gives\n%s\nwant\n%s", p.Name, again.body, page.body)
		}
		quality.add(&p, room, page)
		files = append(files, p.Name+".txt")
		compareGolden(t, filepath.Join("pages", p.Name+".txt"), page.describe(&p, room))
	}
	compareGolden(t, "quality.txt", quality.describe())
	for _, f := range globGolden(t) {
		if !slices.Contains(files, filepath.Base(f)) {
			t.Errorf("%s is nobody's page: remove it", f)
		}
	}
}

func globGolden(t *testing.T) []string {
	files, err := filepath.Glob("testdata/pages/*")
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// compareGolden compares a text with a file, or rewrites the file.
func compareGolden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; go test ./feed -run Golden -update makes it", err)
	}
	a, b := strings.Split(got, "\n"), strings.Split(string(want), "\n")
	for i := range max(len(a), len(b)) {
		line := func(lines []string) string { return strings.Join(lines[min(i, len(lines)):min(i+1, len(lines))], "") }
		if line(a) != line(b) {
			t.Errorf("%s:%d\n got %s\nwant %s\nIf the change is meant, go test ./feed -run Golden -update shows all of it as a diff.", path, i+1, line(a), line(b))
			return
		}
	}
}

// decodeGolden reads a file of testdata, in which every field must be known.
func decodeGolden(t *testing.T, name string, read func(*json.Decoder) error) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	for d.More() {
		if err := read(d); err != nil {
			t.Fatalf("%s at byte %d: %v", name, d.InputOffset(), err)
		}
	}
}

// publishGolden sends the corpus through a log, each article at its time.
func publishGolden(t *testing.T) *newsroom {
	t.Helper()
	var clock atomic.Int64
	now := func() time.Time { return time.UnixMilli(clock.Load()) }
	room := &newsroom{store: storagetest.NewModelArticles(), stories: map[string]feed.StoryID{}}
	room.index = feed.NewIndex(0, now, nil)
	log := feed.NewLog(room.store, room.index, silence{}, feed.LogOptions{HalfLife: goldenHalfLife, Now: now})
	log.Start()
	defer log.Stop()
	sent := map[string]bool{}
	before := goldenNow.Add(-time.Hour * 24 * 365)
	decodeGolden(t, "articles.ndjson", func(d *json.Decoder) error {
		var a goldenArticle
		if err := d.Decode(&a); err != nil {
			return err
		}
		at := goldenNow.Add(-a.Age.Duration)
		if !at.After(before) {
			return fmt.Errorf("%s is not later than the line before", a.Name)
		}
		before = at
		clock.Store(at.UnixMilli())
		draft := a.draft(at)
		if sent[a.Name] {
			draft.Published = time.Time{}
		}
		sent[a.Name] = true
		results, _, err := log.Put(t.Context(), []feed.Change{{Draft: draft}})
		if err == nil && results[0].Edition == 0 {
			err = fmt.Errorf("%s: %s %w", a.Name, results[0].Outcome, results[0].Err)
		}
		return err
	})
	entries, err := room.store.Read(t.Context(), feed.Range{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		room.stories[strings.TrimSuffix(filepath.Base(e.Article.URL), ".html")] = e.Story
	}
	return room
}

// draft is the article as ingest would hand it to the writer.
func (a *goldenArticle) draft(at time.Time) *feed.Draft {
	words := strings.Split(a.Source, "-")
	for i, w := range words {
		words[i] = strings.ToUpper(w[:1]) + w[1:]
	}
	name := strings.Join(words, " ")
	d := &feed.Draft{
		URL: "https://" + a.Source + ".example/" + a.Name + ".html", Title: a.Title, Kind: a.Kind,
		Language: cmp.Or(a.Language, "en"), Published: at, ExternalID: a.Event, Source: feed.Source{ID: a.Source, Name: name},
		Tags: []feed.Tag{{Topic: topic.SourceTopicID(a.Source), Name: name, Salience: 1}},
	}
	if a.Withdrawn {
		d.Status = feed.Withdrawn
	}
	for id, salience := range a.Topics {
		d.Tags = append(d.Tags, feed.Tag{Topic: id, Name: string(id), Salience: salience})
	}
	slices.SortFunc(d.Tags, func(a, b feed.Tag) int {
		return cmp.Or(cmp.Compare(b.Salience, a.Salience), cmp.Compare(a.Topic, b.Topic))
	})
	return d
}

// silence is a log's announcements where there is one node.
type silence struct{}

func (silence) Announce(feed.Edition)         {}
func (silence) Editions() <-chan feed.Edition { return nil }

// warmed is the index that a node has after a restart.
func (r *newsroom) warmed(t *testing.T) *feed.Index {
	t.Helper()
	x := feed.NewIndex(0, time.Now, nil)
	if err := feed.NewLog(r.store, x, silence{}, feed.LogOptions{HalfLife: goldenHalfLife}).Warm(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	return x
}

// story returns the story of a named article.
func (r *newsroom) story(name string) feed.StoryID {
	id, ok := r.stories[name]
	if !ok {
		panic("people.json names an article that there is not: " + name)
	}
	return id
}

// goldenPage is a first page.
type goldenPage struct {
	body     []byte
	Cold     bool
	MustKnow []goldenCard `json:"must_know"`
	Items    []goldenCard
	Next     string
}

type goldenCard struct {
	Story   feed.StoryID
	Article struct {
		Title     string
		Kind      feed.Kind
		Source    struct{ Name string }
		Published time.Time `json:"published_at"`
	}
	Also struct {
		Articles int
		Sources  []string
	}
	Mark struct{ Read, Saved bool }
	Why  struct {
		Score float64
		Terms []struct {
			Name  string
			Value float64
		}
	}
}

// page is a person's first page, with receipts and the whole shelf.
func (r *newsroom) page(t *testing.T, x *feed.Index, p *goldenPerson) *goldenPage {
	t.Helper()
	l := p.list()
	q := feed.Query{Person: feed.NewPerson(&l), Marks: p.marks(r), Filter: feed.Filter{Languages: p.Languages}, Unread: p.Unread,
		Why: true, MustKnow: feed.MaxMustKnow, Limit: goldenLimit, Now: goldenNow}
	body, _ := feed.NewBuilder(x).Page(nil, q)
	page := &goldenPage{body: body}
	if err := json.Unmarshal(body, page); err != nil {
		t.Fatalf("%s: %v\n%s", p.Name, err, body)
	}
	return page
}

func (p *goldenPerson) list() interests.List {
	l := interests.List{Revision: 1, Topics: map[topic.ID]interests.Register{}}
	put := func(id topic.ID, level interests.Level, since time.Duration) {
		l.Topics[id] = interests.Register{Level: level, Since: goldenNow.Add(-since)}
	}
	const months = 100 * 24 * time.Hour
	for level, ids := range map[interests.Level][]topic.ID{interests.Follow: p.Follow, interests.Favourite: p.Favourite, interests.Mute: p.Mute} {
		for _, id := range ids {
			put(id, level, months)
		}
	}
	for id, since := range p.Fresh {
		put(id, interests.Follow, since.Duration)
	}
	return l
}

func (p *goldenPerson) marks(r *newsroom) *feed.MarkSet {
	set := &feed.MarkSet{Stories: map[feed.StoryID]feed.StoryMarks{}}
	on := feed.MarkRegister{Value: true}
	for _, name := range p.Read {
		set.Stories[r.story(name)] = feed.StoryMarks{Read: on}
	}
	for _, name := range p.Hidden {
		set.Stories[r.story(name)] = feed.StoryMarks{Hidden: on}
	}
	for _, name := range p.Saved {
		set.Stories[r.story(name)] = feed.StoryMarks{Saved: on}
	}
	return set
}

// describe writes a page for a reader: what is wanted stands beside its card.
func (page *goldenPage) describe(p *goldenPerson, r *newsroom) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n\nScores are half-lives from now.\n", p.Name, p.About)
	if page.Cold {
		b.WriteString("\nThe feed of who follows nothing.\n")
	}
	b.WriteString("\nMust know\n")
	for i, c := range page.MustKnow {
		wanted := slices.ContainsFunc(p.ShouldKnow, func(name string) bool { return r.story(name) == c.Story })
		c.describe(&b, i+1, map[bool]string{true: "should know"}[wanted])
	}
	b.WriteString("\nFeed\n")
	found := map[string]bool{}
	for i, c := range page.Items {
		because := ""
		for _, w := range p.Wants {
			if r.story(w.Article) == c.Story {
				because, found[w.Article] = "wanted: "+w.Because, true
			}
		}
		c.describe(&b, i+1, because)
	}
	if len(page.Next) > 0 {
		b.WriteString("\nand more\n")
	}
	for _, w := range p.Wants {
		if !found[w.Article] {
			fmt.Fprintf(&b, "\nmissing, wanted: %s, %s\n", w.Article, w.Because)
		}
	}
	return b.String()
}

func (c *goldenCard) describe(b *strings.Builder, rank int, because string) {
	fmt.Fprintf(b, "%3d  %s\n", rank, c.Article.Title)
	old := strings.TrimSuffix(goldenNow.Sub(c.Article.Published).String(), "0s")
	fmt.Fprintf(b, "     %s, %s, %s old", c.Article.Source.Name, c.Article.Kind, old)
	if c.Also.Articles > 0 {
		fmt.Fprintf(b, "; also %d: %s", c.Also.Articles, strings.Join(c.Also.Sources, ", "))
	}
	if c.Mark.Saved {
		b.WriteString("; saved")
	}
	if c.Mark.Read {
		b.WriteString("; read")
	}
	fmt.Fprintf(b, "\n     %+.4f =", fromNow(c.Why.Score))
	for _, term := range c.Why.Terms {
		if term.Name == "published" || term.Name == "must_know" {
			term.Value = fromNow(term.Value)
		}
		fmt.Fprintf(b, " %s %+.4f", term.Name, term.Value)
	}
	b.WriteString("\n")
	if because != "" {
		fmt.Fprintf(b, "     * %s\n", because)
	}
}

// fromNow takes from a score what an article of this moment has.
func fromNow(score float64) float64 {
	return score - float64(feed.Key(1, goldenNow, goldenHalfLife))/feed.Unit
}

// goldenQuality says how well the feeds give what is wanted.
type goldenQuality struct{ rows []goldenScore }

// goldenScore is of one person. A wanted story that has no card counts 0.
type goldenScore struct {
	name       string
	wanted     int
	found      int     // within the first recallAt cards
	reciprocal float64 // sum over the wanted of 1 / (1 + the unwanted cards before it)
	shelf      string
}

func (q *goldenQuality) add(p *goldenPerson, r *newsroom, page *goldenPage) {
	s := goldenScore{name: p.Name, wanted: len(p.Wants), shelf: "-"}
	wanted := func(id feed.StoryID) bool {
		return slices.ContainsFunc(p.Wants, func(w struct{ Article, Because string }) bool { return r.story(w.Article) == id })
	}
	unwanted := 0
	for i, c := range page.Items {
		if !wanted(c.Story) {
			unwanted++
			continue
		}
		s.reciprocal += 1 / float64(1+unwanted)
		if i < recallAt {
			s.found++
		}
	}
	if len(p.ShouldKnow) > 0 {
		on := 0
		for _, name := range p.ShouldKnow {
			if slices.ContainsFunc(page.MustKnow, func(c goldenCard) bool { return c.Story == r.story(name) }) {
				on++
			}
		}
		s.shelf = fmt.Sprintf("%d of %d", on, len(p.ShouldKnow))
	}
	q.rows = append(q.rows, s)
}

func (q *goldenQuality) describe() string {
	var b strings.Builder
	fmt.Fprintf(&b, `How well the golden feeds give what people.json says is wanted.

recall@%d: the share of the wanted stories within the first %d cards.
MRR: the mean of 1 / (1 + unwanted cards before it) over the wanted stories,
1 when all of them stand on top (the "filtered" rank of Bordes et al., 2013).
shelf: how many of the stories that should be known are on the must-know shelf.

`, recallAt, recallAt)
	row := func(s goldenScore) {
		fmt.Fprintf(&b, "%-8s%7d%11.3f%8.3f  %s\n", s.name, s.wanted, float64(s.found)/float64(s.wanted), s.reciprocal/float64(s.wanted), s.shelf)
	}
	fmt.Fprintf(&b, "%-8s%7s%11s%8s  %s\n", "person", "wanted", fmt.Sprint("recall@", recallAt), "MRR", "shelf")
	all := goldenScore{name: "all"}
	for _, s := range q.rows {
		row(s)
		all.wanted, all.found, all.reciprocal = all.wanted+s.wanted, all.found+s.found, all.reciprocal+s.reciprocal
	}
	row(all)
	return b.String()
}
