package feed

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"
)

var noonThen = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// teller makes entries out of few words, so that many are of one story.
type teller struct {
	r    *rand.Rand
	next Edition
}

var tellerWords = []string{"ferry", "harvest", "tunnel", "orchid", "comet", "glacier", "violin", "senate", "lantern", "walrus", "copper", "saffron"}

func (t *teller) tell(at time.Duration, title, text string) *Entry {
	t.next++
	e := &Entry{Edition: t.next, At: noonThen.Add(at), Article: Article{
		ID: NewArticleID(fmt.Sprintf("https://a.example/%d", t.next)), Title: title,
		Source: Source{ID: fmt.Sprintf("s%d", t.next%7)}, Published: noonThen.Add(at)}}
	e.Story = StoryID(e.Article.ID)
	e.Features = featuresOf(&e.Article, text)
	return e
}

func (t *teller) words(n int) string {
	var b bytes.Buffer
	for range n {
		fmt.Fprintf(&b, "%s ", tellerWords[t.r.IntN(len(tellerWords))])
	}
	return b.String()
}

// random makes a new article, or a version of one given.
func (t *teller) random(of []*Entry) (e, old *Entry) {
	e = t.tell(time.Duration(t.r.IntN(200))*time.Hour, t.words(2+t.r.IntN(4)), t.words(t.r.IntN(12)))
	if t.r.IntN(4) == 0 {
		e.Article.ExternalID = fmt.Sprintf("urn:%d", t.r.IntN(5))
	}
	if len(of) > 0 && t.r.IntN(4) == 0 {
		old = of[t.r.IntN(len(of))]
		e.Article.ID, e.Story, e.StoryNum = old.Article.ID, old.Story, old.StoryNum
	}
	return e, old
}

// content is all that a window knows, without the places where it stands.
func (w *window) content() map[string]any {
	c := map[string]any{}
	for id, s := range w.byStory {
		st := w.stories[s]
		sums := map[uint64]uint32{}
		for words := w.slab.run(st.words, int(2*st.terms)); len(words) > 0; words = words[2:] {
			sums[w.terms.terms[words[0]].key] = words[1]
		}
		var members []string
		for m := st.head; m != 0; m = w.members[m-1].next {
			members = append(members, w.members[m-1].id.String())
		}
		slices.Sort(members)
		c["story "+id.String()] = []any{st.number, st.size, st.nth, st.from, st.until, st.news, st.made, sums, members}
	}
	for key, slot := range w.terms.slots {
		r := w.terms.terms[slot]
		var stories []string
		for _, s := range r.list.words(&w.slab) {
			stories = append(stories, w.stories[s].id.String())
		}
		slices.Sort(stories)
		c[fmt.Sprint("term ", key)] = []any{r.uses, r.count, r.base, stories}
	}
	c["told"], c["articles"] = w.told, len(w.byArticle)
	return c
}

// What a window knows is a function of the articles it holds: whatever the order
// they came in, whatever came and went, and whatever was tried and taken back.
func TestWindowIsOfItsArticles(t *testing.T) {
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 1))
		teller := &teller{r: r}
		w := newWindow()
		held := map[ArticleID]*Entry{}
		var all []*Entry
		for range 8 {
			before := w.content()
			var batch []*Entry
			w.begin()
			for range 1 + r.IntN(8) {
				e, old := teller.random(all)
				e.Withdrawn = old != nil && r.IntN(4) == 0
				w.place(e, old, true)
				batch = append(batch, e)
				all = append(all, e)
			}
			united := w.unions()
			w.end()
			if after := w.content(); !reflect.DeepEqual(before, after) {
				t.Fatalf("seed %d: a trial left its mark", seed)
			}
			for _, e := range batch {
				if delete(held, e.Article.ID); e.Withdrawn {
					w.forget(e.Article.ID)
				} else {
					held[e.Article.ID] = e
					w.note(e)
				}
			}
			for _, u := range united {
				w.merge(u.Kept, u.KeptNum, u.Gone)
				for _, e := range all {
					if e.Story == u.Gone {
						e.Story, e.StoryNum = u.Kept, u.KeptNum
					}
				}
			}
		}
		entries := make([]*Entry, 0, len(held))
		for _, e := range held {
			entries = append(entries, e)
		}
		again := newWindow()
		for _, e := range entries { // in the order of a map
			again.note(e)
		}
		if got, want := again.content(), w.content(); !reflect.DeepEqual(got, want) {
			t.Fatalf("seed %d: built anew, the window is another:\n%v\n%v", seed, got, want)
		}
	}
}

// placed decides an article's story in a window and enters it.
func (w *window) placed(e *Entry) *Entry {
	w.begin()
	w.place(e, nil, true)
	w.end()
	w.note(e)
	return e
}

func TestStoryLimits(t *testing.T) {
	const title = "Ferry sinks off Copper Island"
	type step struct {
		at   time.Duration
		same bool // of the first one's story
	}
	for name, steps := range map[string][]step{
		"within 72 hours of a member": {{0, true}, {72 * time.Hour, true}, {140 * time.Hour, true}},
		"later":                       {{0, true}, {72*time.Hour + time.Second, false}},
		"before":                      {{0, true}, {-72 * time.Hour, true}},
		"earlier":                     {{0, true}, {-73 * time.Hour, false}},
		"in the gap of a story":       {{0, true}, {72 * time.Hour, true}, {36 * time.Hour, true}},
		"14 days of the first": {{0, true}, {70 * time.Hour, true}, {140 * time.Hour, true}, {210 * time.Hour, true}, {280 * time.Hour, true},
			{336 * time.Hour, true}, {337 * time.Hour, false}},
	} {
		t.Run(name, func(t *testing.T) {
			teller, w := &teller{}, newWindow()
			var first StoryID
			for i, s := range steps {
				e := w.placed(teller.tell(s.at, title, ""))
				if i == 0 {
					first = e.Story
				}
				if (e.Story == first) != s.same {
					t.Errorf("the article at %v: of the first one's story: %v", s.at, e.Story == first)
				}
			}
		})
	}
	teller, w := &teller{}, newWindow()
	stories := map[StoryID]int{}
	for range storyMembers + 5 {
		stories[w.placed(teller.tell(0, title, "")).Story]++
	}
	if len(stories) != 2 || stories[StoryID(NewArticleID("https://a.example/1"))] != storyMembers {
		t.Errorf("%d articles with one title are of stories of %v", storyMembers+5, stories)
	}
}

// An article that is like one of a story, but not like the story, does not join:
// nothing chains what has nothing to do with each other.
func TestStoryIsNoChain(t *testing.T) {
	teller, w := &teller{}, newWindow()
	first := w.placed(teller.tell(0, "Ferry tunnel harvest orchid", ""))
	for i := range 6 {
		w.placed(teller.tell(time.Duration(i)*time.Minute, "Ferry tunnel harvest orchid", fmt.Sprint("more ", i)))
	}
	bridge := w.placed(teller.tell(0, "Ferry tunnel harvest comet glacier violin", ""))
	if bridge.Story != first.Story {
		t.Fatal("the bridge did not join")
	}
	if far := w.placed(teller.tell(0, "Comet glacier violin lantern", "")); far.Story == first.Story {
		t.Error("what is like the bridge alone has joined")
	}
}

func TestRealUpdates(t *testing.T) {
	const text = "The ferry was on its way from the mainland with sixty passengers when the engine stopped near the lighthouse."
	teller, w := &teller{}, newWindow()
	first := w.placed(teller.tell(0, "Ferry stranded at lighthouse", text))
	if !first.News.IsZero() {
		t.Fatalf("a new story is updated at %v", first.News)
	}
	for _, s := range []struct {
		name  string
		after time.Duration
		title string
		text  string
		news  bool
	}{
		{"a copy", 2 * time.Hour, "Ferry stranded at lighthouse", text, false},
		{"a word more", 2 * time.Hour, "Ferry stranded at lighthouse", text + " Today.", false},
		{"much more, too soon", 50 * time.Minute, "Ferry stranded at lighthouse", text + " Divers, tugboats, helicopters and a doctor arrived from Marseille, Genoa and Bastia before sunset, admiral Rossi announced.", false},
		{"much more", 3 * time.Hour, "Ferry stranded at lighthouse", text + " Divers, tugboats, helicopters and a doctor arrived from Marseille, Genoa and Bastia before sunset, admiral Rossi announced.", true},
	} {
		e := w.placed(teller.tell(s.after, s.title, s.text))
		if e.Story != first.Story {
			t.Fatalf("%s: of another story", s.name)
		}
		if got := e.News.Equal(e.At); got != s.news {
			t.Errorf("%s: a real update: %v", s.name, got)
		}
		w.forget(e.Article.ID)
	}
}

func TestFeatures(t *testing.T) {
	var long bytes.Buffer
	for i := range 5000 {
		fmt.Fprintf(&long, "word%d ", i)
	}
	for _, a := range []Article{{}, {Title: "x"}, {Title: long.String(), Summary: long.String()}, {Title: "\xff\xfe", Summary: "\x00"}} {
		if f := featuresOf(&a, long.String()); len(f) > maxFeatures {
			t.Errorf("features of %d bytes", len(f))
		}
	}
	plain := Article{Title: "Eleven die as ferry sinks | The Harbour Times", Summary: "A ferry sank."}
	if a, b := featuresOf(&plain, "It sank."), featuresOf(&plain, "It  sank.\n"); !bytes.Equal(a, b) {
		t.Error("white space makes other features")
	}
	for text, want := range map[string][]string{
		"Stocks closing, closes; closed": {"stock", "clos", "clos", "clos"},
		"Apple's 3.57 and 1,000 dollars": {"appl", "3.57", "and", "1000", "dollar"},
		"parties stories died":           {"party", "story", "died"},
		"北朝鮮がミサイル":                       {"北朝", "朝鮮", "鮮が", "がミ", "ミサ", "サイ", "イル"},
		"Ελλάδα, Москва́ и São Paulo":    {"ελλάδα", "москва́", "и", "são", "paulo"},
		"— ! …": nil,
	} {
		var got []string
		eachWord(text, func(w string) { got = append(got, w) })
		if !slices.Equal(got, want) {
			t.Errorf("words of %q: %q, want %q", text, got, want)
		}
	}
}

// The slab lends what it says, and no word twice.
func TestSlab(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	var s slab
	lists, model := make([]list, 40), make([][]uint32, 40)
	for range 20_000 {
		i := r.IntN(len(lists))
		if n := len(model[i]); n == 0 || r.IntN(9) < 5 && n < 3000 {
			word := r.Uint32N(50)
			lists[i].push(&s, word)
			model[i] = append(model[i], word)
		} else {
			k := r.IntN(n)
			lists[i].drop(&s, model[i][k])
			at := slices.Index(model[i], model[i][k])
			model[i][at] = model[i][n-1]
			model[i] = model[i][:n-1]
		}
	}
	for i := range lists {
		if got := lists[i].words(&s); !slices.Equal(got, model[i]) && len(model[i]) > 0 {
			t.Fatalf("list %d is %v, want %v", i, got, model[i])
		}
	}
}
