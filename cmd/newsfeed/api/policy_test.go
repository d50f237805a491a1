package api

import (
	"slices"
	"strings"
	"testing"

	"newsfeed/interests/account"
)

// The conformance table of the policy: every surface that shows articles, or
// what follows from which of them a person may see, in every case that the policy
// decides. A route of the table of routes that shows articles and has no surface
// here fails the test.

// surface is one place where articles are shown. see returns those that it shows,
// by id, or where only the number is told x when it counts the story.
type surface struct {
	name, route string
	takes       string // parameters, of those that narrow
	nobody      bool   // it is called without a token
	see         func(w *policyWorld, query string) []string
}

var surfaces = []surface{
	{"feed", "GET /feed", "kind language topic unread", false, func(w *policyWorld, query string) []string {
		return w.cards("/feed?must_know=0&"+query, w.fan)
	}},
	{"must-know shelf", "GET /feed", "kind language topic unread", false, func(w *policyWorld, query string) []string {
		var p struct {
			MustKnow []struct{ Article struct{ ID string } } `json:"must_know"`
		}
		w.Must(200, "GET", "/feed?must_know=3&"+query, w.other, "").JSON(w, &p)
		var ids []string
		for _, card := range p.MustKnow {
			ids = append(ids, card.Article.ID)
		}
		return ids
	}},
	{"feed, walking on", "GET /feed", "kind language topic unread", false, func(w *policyWorld, _ string) []string {
		return w.cards(w.fromFeed, w.fan)
	}},
	{"newer", "GET /feed/newer", "kind language topic unread", false, func(w *policyWorld, _ string) []string {
		var got struct{ Count int }
		w.Must(200, "GET", w.newer, w.fan, "").JSON(w, &got)
		return []string{w.x, w.x}[:min(got.Count, 2)]
	}},
	{"newer, live", "GET " + eventsPath, "kind language topic unread", false, func(w *policyWorld, _ string) []string {
		// A client of HTTP/1.0 is told what is so, and no more.
		r := w.Raw("GET " + strings.Replace(w.newer, "/feed/newer", eventsPath, 1) + " HTTP/1.0\r\nAuthorization: Bearer " + string(w.fan) + "\r\n\r\n")
		r.Want(w, 200)
		return []string{w.x, w.x}[:min(strings.Count(string(r.Body), "\nevent: feed\n"), 2)]
	}},
	{"topic page", "GET /topics/{id}/articles", "unread", false, func(w *policyWorld, query string) []string {
		return w.cards("/topics/north-korea/articles?"+query, w.fan)
	}},
	{"topic page, walking on", "GET /topics/{id}/articles", "unread", false, func(w *policyWorld, _ string) []string {
		return w.cards(w.fromNK, w.fan)
	}},
	{"topic page for nobody", "GET /topics/{id}/articles", "", true, func(w *policyWorld, query string) []string {
		return w.cards("/topics/north-korea/articles?"+query, "")
	}},
	{"story", "GET /stories/{id}", "", false, func(w *policyWorld, query string) []string { return w.story(w.fan, query) }},
	{"story for nobody", "GET /stories/{id}", "", true, func(w *policyWorld, query string) []string { return w.story("", query) }},
	{"saved", "GET /saved", "", false, func(w *policyWorld, query string) []string { return w.cards("/saved?"+query, w.fan) }},
	{"preview", "POST /interests/preview", "", false, func(w *policyWorld, _ string) []string {
		var p struct{ Enters []string }
		w.Must(200, "POST", "/interests/preview", w.other, `{"ops":[{"topic":"north-korea","level":"follow"}]}`).JSON(w, &p)
		if p.Enters == nil { // North Korea is muted, and this would lift it
			return []string{w.x}
		}
		return p.Enters
	}},
	{"preview of a mute", "POST /interests/preview", "", false, func(w *policyWorld, _ string) []string {
		var p struct {
			Leaves  []string
			Removed int `json:"removed_last_7_days"`
		}
		w.Must(200, "POST", "/interests/preview", w.fan, `{"ops":[{"topic":"cuba","level":"mute"}]}`).JSON(w, &p)
		if len(p.Leaves) != 0 || p.Removed != 0 {
			w.Errorf("a mute of what nobody writes of: %+v", p)
		}
		w.Must(200, "POST", "/interests/preview", w.fan, `{"ops":[{"topic":"North Korea","level":"mute"}]}`).JSON(w, &p)
		return p.Leaves
	}},
	{"feed as RSS", "GET /feed.rss", "kind language topic unread", false, func(w *policyWorld, query string) []string {
		return w.documents("/feed", query, ".rss")
	}},
	{"feed as Atom", "GET /feed.atom", "kind language topic unread", false, func(w *policyWorld, query string) []string {
		return w.documents("/feed", query, ".atom")
	}},
	{"feed as JSON Feed", "GET /feed.json", "kind language topic unread", false, func(w *policyWorld, query string) []string {
		return w.documents("/feed", query, ".json")
	}},
	{"topic as RSS", "GET /topics/{id}.rss", "", false, func(w *policyWorld, query string) []string {
		return w.document("/topics/north-korea.rss?"+query, w.fan)
	}},
	{"topic as Atom", "GET /topics/{id}.atom", "", false, func(w *policyWorld, query string) []string {
		return w.document("/topics/north-korea.atom?"+query, w.fan)
	}},
	{"topic as JSON Feed for nobody", "GET /topics/{id}.json", "", true, func(w *policyWorld, query string) []string {
		return w.document("/topics/north-korea.json?"+query, "")
	}},
	{"trending", "GET /topics/trending", "", false, func(w *policyWorld, _ string) []string { return w.trending(w.fan) }},
	{"trending for nobody", "GET /topics/trending", "", true, func(w *policyWorld, _ string) []string { return w.trending("") }},
	{"suggested", "GET /topics/suggested", "", false, func(w *policyWorld, _ string) []string {
		return w.counted("/topics/suggested?limit=100", w.fan, "east-asia", 3)
	}},
	{"why", "GET /feed/why/{article}", "kind language topic unread", false, func(w *policyWorld, query string) []string {
		var ids []string
		for _, id := range append([]string{w.x}, w.rest...) {
			if w.why(id, query).Shown {
				ids = append(ids, id)
			}
		}
		return ids
	}},
	{"article", "GET /articles/{id}", "", true, func(w *policyWorld, _ string) []string {
		var ids []string
		for _, id := range append([]string{w.x}, w.rest...) {
			if w.Call("GET", "/articles/"+id, w.fan, "").StatusCode == 200 { // the same to everybody
				ids = append(ids, id)
			}
		}
		return ids
	}},
}

// What a surface shows of the story.
const (
	itself  = "the article"
	another = "another article of its story"
	none    = "nothing of its story"
)

// policyCase is a thing that the policy decides about.
type policyCase struct {
	name   string
	param  string // of a query that narrows, "" for none
	query  string
	change func(w *policyWorld)
	public bool   // for nobody, too
	want   string // on all surfaces that take the parameter
	rule   string // of the receipt
	but    map[string]string
}

func (w *policyWorld) both(method, path, body string) {
	for _, token := range []account.Secret{w.fan, w.other} {
		w.Must(200, method, path, token, body)
	}
}

func mutes(topics ...string) func(w *policyWorld) {
	return func(w *policyWorld) {
		for _, t := range topics {
			w.both("PUT", "/interests/"+t, `{"level":"mute"}`)
		}
	}
}

func marks(body string) func(w *policyWorld) {
	return func(w *policyWorld) { w.both("PUT", "/marks/"+w.x, body) }
}

var policyCases = []policyCase{
	{name: "nothing is against it", want: itself},
	{name: "its topic is muted", change: mutes("north-korea"), want: none, rule: "muted",
		but: map[string]string{"preview": itself, "preview of a mute": none}},
	{name: "a broader topic is muted, which it inherits", change: mutes("east-asia"), want: none, rule: "muted"},
	{name: "mute over follow", change: mutes("plumes"), want: another, rule: "muted"},
	{name: "its source is muted", change: mutes("source-alpha"), want: another, rule: "muted"},
	{name: "every source is muted", change: mutes("source-alpha", "source-beta", "source-gamma", "source-delta"), want: none, rule: "muted"},
	{name: "the story is hidden", change: marks(`{"hidden":true}`), want: none, rule: "hidden"},
	{name: "the story was hidden, and is no more", change: func(w *policyWorld) {
		marks(`{"hidden":true}`)(w)
		marks(`{"hidden":false}`)(w)
	}, want: itself},
	{name: "read, and unread wanted", param: "unread", query: "unread=true", change: marks(`{"read":true}`), want: none, rule: "read"},
	{name: "not read, and unread wanted", param: "unread", query: "unread=true", want: itself},
	{name: "read", change: marks(`{"read":true}`), want: itself},
	{name: "withdrawn", public: true, change: func(w *policyWorld) { w.withdraw(w.x) }, want: another, rule: "withdrawn"},
	{name: "all withdrawn", public: true, change: func(w *policyWorld) { w.withdraw(append(w.rest, w.x)...) }, want: none, rule: "withdrawn"},
	{name: "withdrawn and back", public: true, change: func(w *policyWorld) {
		w.withdraw(w.x)
		w.publish(w.article("x", `"summary":"Again.","status":"usable"`))
	}, want: itself},
	{name: "of another kind", param: "kind", query: "kind=analysis&kind=opinion", want: none, rule: "filtered"},
	{name: "of the kind", param: "kind", query: "kind=analysis&kind=video", want: itself},
	{name: "another is of the kind", param: "kind", query: "kind=analysis&kind=news", want: another, rule: "filtered"},
	{name: "in another language", param: "language", query: "language=de&language=fr", want: none, rule: "filtered"},
	{name: "in the language", param: "language", query: "language=de&language=ko", want: itself},
	{name: "on another topic", param: "topic", query: "topic=buoys&topic=iran", want: none, rule: "filtered"},
	{name: "on the topic", param: "topic", query: "topic=buoys&topic=plumes", want: itself},
	{name: "the newest version has a muted topic", change: func(w *policyWorld) {
		mutes("iran")(w)
		w.publish(w.article("x", `"summary":"Edited.","topics":["North Korea","Plumes","Iran"]`))
	}, want: another, rule: "muted"},
	{name: "the newest version has what is muted since", change: func(w *policyWorld) {
		w.publish(w.article("x", `"summary":"Edited.","topics":["North Korea","Plumes","Iran"]`))
		mutes("iran")(w)
	}, want: another, rule: "muted"},
	{name: "the newest version lost its topic", public: true, change: func(w *policyWorld) {
		w.publish(w.article("x", `"summary":"Edited.","topics":["Plumes"]`))
	}, want: another, rule: "not_followed", but: map[string]string{
		"feed, walking on": itself, "topic page, walking on": itself, // the order is that of the walk
		"must-know shelf": itself, "story": itself, "story for nobody": itself, "article": itself, // of the story still
		"front page, must know": itself, "story's page": itself, "story's page for nobody": itself, "article's page": itself,
	}},
	{name: "followed no more", change: func(w *policyWorld) {
		w.Must(200, "DELETE", "/interests/north-korea", w.fan, "")
		w.Follow(w.fan, "iran")
	}, want: itself, rule: "not_followed", but: map[string]string{"feed": none, "feed as RSS": none, "feed as Atom": none, "feed as JSON Feed": none, "why": none, "preview of a mute": none, "suggested": none}},
}

func TestPolicy(t *testing.T) {
	for _, r := range routes() {
		name := r.method + " " + r.path
		if r.shows == articles && !slices.ContainsFunc(surfaces, func(s surface) bool { return s.route == name }) {
			t.Errorf("%s shows articles: add a surface for it, so that it is known to keep the policy", name)
		}
	}
	for _, c := range policyCases {
		t.Run(c.name, func(t *testing.T) {
			w := newPolicyWorld(t, c.query)
			if c.change != nil {
				c.change(w)
			}
			for _, s := range slices.Concat(surfaces, pageSurfaces) {
				want := c.want
				switch but, ok := c.but[s.name]; {
				case ok:
					want = but
				case s.nobody && !c.public, c.param != "" && !strings.Contains(s.takes, c.param):
					want = itself
				}
				if got := w.shown(s.see(w, c.query)); got != want && (!strings.HasPrefix(s.name, "newer") || got != itself || want != another) {
					t.Errorf("%s shows %s, want %s", s.name, got, want)
				}
			}
			if got := w.why(w.x, c.query); got.Because.Rule != c.rule || got.Shown != (c.rule == "") || !got.Shown && got.Because.Detail == "" {
				t.Errorf("why: %+v, want the rule %q", got, c.rule)
			}
		})
	}
}
