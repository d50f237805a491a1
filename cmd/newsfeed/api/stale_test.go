package api

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"newsfeed/interests/account"
)

// A page that would be another is never answered with 304. The table has
// everything that can change a page, one thing at a time; after each, every page
// that is watched and answered with 304 is read again and compared.

// versionWorld is a small corpus and who reads it: me follows Iran and Cuba, cold
// nothing. Iran has six articles by themselves and a story of two; Tennis a story
// of three sources, which is one to know, and Golf one of two.
type versionWorld struct {
	*House
	me, cold account.Secret
	watched  []watchedPage
}

type watchedPage struct {
	name, path string
	token      account.Secret
}

func newVersionWorld(t *testing.T) *versionWorld {
	w := &versionWorld{House: NewHouse(t)}
	quarter := w.Clock.Now().Truncate(15 * time.Minute)
	w.Clock.Move(quarter.Add(time.Minute).Sub(w.Clock.Now()))
	for i := range 6 {
		w.publish("i"+fmt.Sprint(i), "Iran", "")
	}
	w.publish("s0", "Iran", "urn:s")
	w.publish("s1", "Cuba", "urn:s")
	for _, name := range []string{"t0", "t1", "t2"} {
		w.publish(name, "Tennis", "urn:t")
	}
	w.publish("g0", "Golf", "urn:g")
	w.publish("g1", "Golf", "urn:g")
	w.publish("o", "Oslo", "")
	w.publish("b", "Bergen", "")
	w.me, w.cold = w.Guest(), w.Guest()
	w.Follow(w.me, "iran", "cuba")
	w.Must(200, "DELETE", "/interests/iran", w.cold, "") // who edits nothing is gone after a day
	second := w.GetPage("/feed?limit=2", w.me).Next
	secondOfIran := w.GetPage("/topics/iran/articles?limit=2", w.me).Next
	w.watched = []watchedPage{
		{"feed", "/feed", w.me},
		{"with receipts", "/feed?why=true&must_know=3", w.me},
		{"unread", "/feed?unread=true&must_know=0", w.me},
		{"filtered", "/feed?kind=news&topic=iran&language=en&must_know=0", w.me},
		{"short", "/feed?limit=3", w.me},
		{"second page", "/feed?limit=100&cursor=" + second, w.me},
		{"topic page", "/topics/iran/articles", w.me},
		{"second topic page", "/topics/iran/articles?cursor=" + secondOfIran, w.me},
		{"topic page for nobody", "/topics/iran/articles", ""},
		{"cold feed", "/feed", w.cold},
	}
	return w
}

// publish stores an article of a source of its own, or a version of it.
func (w *versionWorld) publish(name, topic, story string, more ...string) string {
	w.Helper()
	return w.send(name, name, topic, story, more...)
}

// tell publishes an article with a title that says something.
func (w *versionWorld) tell(name, title, topic string) string {
	w.Helper()
	return w.send(name, title, topic, "")
}

func (w *versionWorld) send(name, title, topic, story string, more ...string) string {
	w.Helper()
	age := time.Duration(len(name)+int(name[len(name)-1])) * time.Minute
	body := fmt.Sprintf(`{"url":"https://news.example/%[1]s","title":"%[2]s","language":"en","source":{"id":"%[1]s"},"topics":["%[3]s"],"external_id":"%[4]s","published_at":"%[5]s"%[6]s}`,
		name, title, topic, story, w.Clock.Now().Add(-age).UTC().Format(time.RFC3339), strings.Join(append([]string{""}, more...), ","))
	got := post(w, w.House, w.Publisher, body)
	return got.Results[0].ID
}

// Two stories, and a title that tells both as one.
const (
	ferryTitle  = "Ferry capsizes near lighthouse, divers recover lantern"
	walrusTitle = "Walrus boards trawler, harbour closes saffron market"
	bothTitle   = ferryTitle + "; " + walrusTitle
)

// twoStories are told of two topics, apart.
func twoStories(first, second string) func(w *versionWorld) {
	return func(w *versionWorld) {
		w.tell("e0", ferryTitle, first)
		w.tell("e1", walrusTitle, second)
	}
}

// becomeOne makes them one, by an article of a third topic, and checks that it did.
func becomeOne(w *versionWorld) {
	w.Helper()
	w.tell("e2", bothTitle, "Oslo")
	ids := [2]string{}
	for i, name := range []string{"e0", "e1"} {
		var story struct{ Story string }
		w.Must(200, "GET", "/stories/"+w.id(name), "", "").JSON(w, &story)
		ids[i] = story.Story
	}
	if ids[0] != ids[1] || ids[0] == "" {
		w.Fatalf("the stories are not one: %v", ids)
	}
}

// id returns the id of an article by its name.
func (w *versionWorld) id(name string) string { return idAt("https://news.example/" + name) }

func (w *versionWorld) withdraw(name string) {
	w.Must(204, "DELETE", "/articles/"+w.id(name), w.Publisher, "")
}

func (w *versionWorld) set(topic, level string) {
	w.Must(200, "PUT", "/interests/"+topic, w.me, `{"level":"`+level+`"}`)
}

func (w *versionWorld) mark(name, body string) {
	w.Must(200, "PUT", "/marks/"+w.id(name), w.me, body)
}

// versionChange is one thing that happens. given happens before the pages are
// read first.
type versionChange struct {
	name   string
	given  func(w *versionWorld)
	change func(w *versionWorld)
	keeps  []string // pages that must be answered with 304; "*": all
	alike  bool     // no page may differ; else one must
}

var unrelated = []string{"feed", "with receipts", "unread", "filtered", "short", "topic page", "topic page for nobody"}

var versionChanges = []versionChange{
	{name: "nothing", change: func(*versionWorld) {}, keeps: []string{"*"}, alike: true},
	{name: "minutes within the quarter of an hour", change: func(w *versionWorld) { w.Clock.Move(13 * time.Minute) }, keeps: []string{"*"}, alike: true},
	{name: "a quarter of an hour", change: func(w *versionWorld) { w.Clock.Move(15 * time.Minute) }, alike: true},
	{name: "an article of another topic", change: func(w *versionWorld) { w.publish("o1", "Oslo", "") }, keeps: unrelated},

	{name: "an article of a followed topic", change: func(w *versionWorld) { w.publish("i7", "Iran", "") }},
	{name: "an article of a topic that came after the follow", given: func(w *versionWorld) {
		w.Must(200, "PUT", "/topics/fjords", w.Editor, `{"name":"Fjords","kind":"subject"}`)
		w.Follow(w.me, "fjords")
	}, change: func(w *versionWorld) { w.publish("f", "Fjords", "") }},
	{name: "an edit", change: func(w *versionWorld) { w.publish("i3", "Iran", "", `"summary":"More."`) }},
	{name: "an edit of another topic's article", change: func(w *versionWorld) { w.publish("o", "Oslo", "", `"summary":"More."`) }, keeps: unrelated},
	{name: "an article leaves the topic", change: func(w *versionWorld) { w.publish("i3", "Oslo", "") }},
	{name: "an article enters the topic", change: func(w *versionWorld) { w.publish("o", "Iran", "") }},
	{name: "a withdrawal", change: func(w *versionWorld) { w.withdraw("i3") }},
	{name: "a withdrawal of what left the topic", given: func(w *versionWorld) { w.publish("i0", "Oslo", "") }, change: func(w *versionWorld) { w.withdraw("i0") }},
	{name: "what left the topic gets a muted one", given: func(w *versionWorld) {
		w.set("bergen", "mute")
		w.publish("i0", "Oslo", "")
	}, change: func(w *versionWorld) { w.publish("i0", "Bergen", "") }},
	{name: "a withdrawn article is back", given: func(w *versionWorld) { w.withdraw("i3") },
		change: func(w *versionWorld) { w.publish("i3", "Iran", "", `"summary":"More."`, `"status":"usable"`) }},

	{name: "another article of a story", change: func(w *versionWorld) { w.publish("s2", "Oslo", "urn:s") }},
	{name: "a second article makes a story", given: func(w *versionWorld) { w.publish("n0", "Iran", "urn:n") }, change: func(w *versionWorld) { w.publish("n1", "Oslo", "urn:n") }},
	{name: "an article of a story is withdrawn", change: func(w *versionWorld) { w.withdraw("s1") }},
	{name: "an article of a story is withdrawn that is of another topic", given: func(w *versionWorld) { w.publish("s2", "Oslo", "urn:s") }, change: func(w *versionWorld) { w.withdraw("s2") }},
	{name: "a story's first article is withdrawn", change: func(w *versionWorld) { w.withdraw("s0") }},
	{name: "a story's article that left the topic is withdrawn", given: func(w *versionWorld) { w.publish("s0", "Oslo", "urn:s") }, change: func(w *versionWorld) { w.withdraw("s1") }},

	{name: "two stories that are followed become one", given: twoStories("Iran", "Cuba"), change: becomeOne},
	{name: "a followed story becomes one with another", given: twoStories("Iran", "Bergen"), change: becomeOne},
	{name: "a followed story is taken over by another", given: twoStories("Bergen", "Iran"), change: becomeOne},
	{name: "a story becomes one with one that has a muted topic", given: func(w *versionWorld) {
		w.set("bergen", "mute")
		twoStories("Iran", "Bergen")(w)
	}, change: becomeOne},
	{name: "a story becomes one with one that is saved", given: func(w *versionWorld) {
		twoStories("Iran", "Bergen")(w)
		w.mark("e1", `{"saved":true}`)
	}, change: becomeOne},
	{name: "a story becomes one with one that is hidden", given: func(w *versionWorld) {
		twoStories("Iran", "Bergen")(w)
		w.mark("e1", `{"hidden":true}`)
	}, change: becomeOne},
	{name: "a story that is read becomes one with one that is not", given: func(w *versionWorld) {
		twoStories("Iran", "Bergen")(w)
		w.mark("e0", `{"read":true}`)
	}, change: becomeOne},
	{name: "an article of one of two stories that became one is withdrawn", given: func(w *versionWorld) {
		twoStories("Iran", "Bergen")(w)
		becomeOne(w)
	}, change: func(w *versionWorld) { w.withdraw("e1") }},
	{name: "a mark on a story that was taken over", given: func(w *versionWorld) {
		twoStories("Iran", "Bergen")(w)
		becomeOne(w)
	}, change: func(w *versionWorld) { w.mark("e1", `{"saved":true}`) }},

	{name: "a story becomes one to know", change: func(w *versionWorld) { w.publish("g2", "Golf", "urn:g") }},
	{name: "a story to know is edited", change: func(w *versionWorld) { w.publish("t0", "Tennis", "urn:t", `"summary":"More."`) }},
	{name: "a story to know loses a source", change: func(w *versionWorld) { w.withdraw("t1") }},
	{name: "a story to know gets a followed topic", change: func(w *versionWorld) { w.publish("t3", "Iran", "urn:t") }},
	{name: "a story to know grows", change: func(w *versionWorld) { w.publish("t3", "Oslo", "urn:t") }},

	{name: "read", change: func(w *versionWorld) { w.mark("i3", `{"read":true}`) }},
	{name: "not read", given: func(w *versionWorld) { w.mark("i3", `{"read":true}`) }, change: func(w *versionWorld) { w.mark("i3", `{"read":false}`) }},
	{name: "saved", change: func(w *versionWorld) { w.mark("i3", `{"saved":true}`) }},
	{name: "hidden", change: func(w *versionWorld) { w.mark("i3", `{"hidden":true}`) }},
	{name: "not hidden", given: func(w *versionWorld) { w.mark("i3", `{"hidden":true}`) }, change: func(w *versionWorld) { w.mark("i3", `{"hidden":false}`) }},
	{name: "a story to know is hidden", change: func(w *versionWorld) { w.mark("t0", `{"hidden":true}`) }},

	{name: "an interest more", change: func(w *versionWorld) { w.set("oslo", "follow") }},
	{name: "an interest less", change: func(w *versionWorld) { w.Must(200, "DELETE", "/interests/cuba", w.me, "") }},
	{name: "another level", change: func(w *versionWorld) { w.set("cuba", "favourite") }},
	{name: "a mute", change: func(w *versionWorld) { w.set("cuba", "mute") }},
	{name: "a mute of another topic", change: func(w *versionWorld) { w.set("tennis", "mute") }},
	{name: "a mute less", given: func(w *versionWorld) { w.set("source-i3", "mute") }, change: func(w *versionWorld) { w.Must(200, "DELETE", "/interests/source-i3", w.me, "") }},
	{name: "the day of a fresh follow passes", given: func(w *versionWorld) {
		w.watched = slices.DeleteFunc(w.watched, func(p watchedPage) bool { return strings.Contains(p.path, "cursor=") }) // a day old
		w.Clock.Move(24*time.Hour - time.Minute)
		w.publish("i8", "Iran", "")
	}, change: func(w *versionWorld) {
		w.Clock.Move(2 * time.Minute)
		w.publish("o1", "Oslo", "")
	}},
}

func TestNoPageIsStale(t *testing.T) {
	for _, c := range versionChanges {
		t.Run(c.name, func(t *testing.T) {
			w := newVersionWorld(t)
			if c.given != nil {
				c.given(w)
			}
			before := map[string]Reply{}
			for _, p := range w.watched {
				before[p.name] = w.Must(200, "GET", p.path, p.token, "")
			}
			c.change(w)
			differ := []string{}
			for _, p := range w.watched {
				was := before[p.name]
				held := w.Call("GET", p.path, p.token, "", "If-None-Match: "+was.Header.Get("ETag")).StatusCode == 304
				is := w.Must(200, "GET", p.path, p.token, "")
				if same := samePage(t, was.Body, is.Body); !same {
					differ = append(differ, p.name)
					if held {
						t.Errorf("%s was answered with 304, and is another:\n%s\n%s", p.name, was.Body, is.Body)
					}
				}
				if must := slices.Contains(c.keeps, "*") || slices.Contains(c.keeps, p.name); must && !held {
					t.Errorf("%s was not answered with 304", p.name)
				}
			}
			if (len(differ) == 0) != c.alike {
				t.Errorf("these pages differ: %v", differ)
			}
		})
	}
}

// The tag of one question is none of another whose answer differs.
func TestTagsOfOtherQuestions(t *testing.T) {
	w := newVersionWorld(t)
	w.mark("i3", `{"read":true}`)
	pages := w.watched
	for _, query := range []string{"limit=1", "kind=video", "kind=news", "language=en", "language=de", "topic=cuba", "topic=iran", "unread=true", "why=true",
		"must_know=0", "must_know=1", "must_know=3", "topic=iran&topic=cuba"} {
		pages = append(pages, watchedPage{query, "/feed?" + query, w.me})
	}
	pages = append(pages, watchedPage{"another topic", "/topics/cuba/articles", w.me}, watchedPage{"another topic for nobody", "/topics/cuba/articles", ""},
		watchedPage{"topic page for another", "/topics/iran/articles", w.cold}, watchedPage{"topic page with receipts", "/topics/iran/articles?why=true", ""})
	tags, bodies := map[string]string{}, map[string][]byte{}
	for _, p := range pages {
		r := w.Must(200, "GET", p.path, p.token, "")
		tags[p.name], bodies[p.name] = r.Header.Get("ETag"), r.Body
	}
	for _, a := range pages {
		for _, b := range pages {
			if tags[a.name] == tags[b.name] && !samePage(t, bodies[a.name], bodies[b.name]) {
				t.Errorf("%s and %s have the tag %s", a.name, b.name, tags[a.name])
			}
		}
	}
}

// samePage compares what a reader sees of two pages: all but the moment that they
// are of, in as_of and in the cursor.
func samePage(t *testing.T, a, b []byte) bool {
	t.Helper()
	plain := func(body []byte) map[string]any {
		var page map[string]any
		if err := json.Unmarshal(body, &page); err != nil {
			t.Fatal(err)
		}
		asOf := page["as_of"].(map[string]any)
		delete(asOf, "edition")
		delete(asOf, "time")
		if page["next"] != nil {
			page["next"] = "there is one"
		}
		return page
	}
	return reflect.DeepEqual(plain(a), plain(b))
}
