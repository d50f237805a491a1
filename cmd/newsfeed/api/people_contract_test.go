package api_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"newsfeed/cmd/newsfeed/api"
	"newsfeed/feed"
	"newsfeed/interests"
	"newsfeed/interests/account"
)

func walkPeople(t *testing.T, n *node) {
	me := n.guest(t)
	list := call{method: "GET", path: "/interests", token: me}
	if got := n.want(t, 200, list); got["digest"] != "0000000000000000" || got["revision"] != 0.0 {
		t.Errorf("a new guest's list: %v", got)
	}
	n.follow(t, me, "follow", "north-korea", "Iran")
	n.follow(t, me, "mute", "iran")
	tag := n.do(t, list).Header.Get("ETag")
	n.want(t, 304, list.with(func(c *call) { c.header = map[string]string{"If-None-Match": tag, "X-Interests-Revision": "1"} }))
	n.want(t, 400, list.with(func(c *call) { c.header, c.wrong = map[string]string{"X-Interests-Revision": "soon"}, true }))
	put := call{method: "PUT", path: "/interests/iran", token: me, body: `{"level":"follow"}`}
	n.want(t, 400, put.with(func(c *call) { c.body, c.wrong = `{"level":"love"}`, true }))
	n.want(t, 404, put.with(func(c *call) { c.path = "/interests/norht-korea" }))
	for _, path := range []string{"/interests/iran", "/interests/iran", "/interests/nobody-knows-this"} {
		n.want(t, 200, call{method: "DELETE", path: path, token: me})
	}
	n.want(t, 400, call{method: "DELETE", path: "/interests/%ff", token: me, wrong: true})
}

// member signs somebody up and returns their e-mail address and token.
func (n *node) member(t testing.TB) (email, token string) {
	t.Helper()
	id := account.NewID()
	email = "ann-" + id.String() + "@example.org"
	got := n.want(t, 201, call{method: "POST", path: "/accounts", body: `{"email":"` + email + `","password":"correct horse"}`,
		header: map[string]string{"X-Forwarded-For": fmt.Sprintf("2001:db8:%x:%x::1", id[12:14], id[14:])}})
	return email, got["token"].(string)
}

func walkAccounts(t *testing.T, n *node) {
	email, token := n.member(t)
	n.want(t, 409, call{method: "POST", path: "/accounts", body: `{"email":"` + strings.ToUpper(email) + `","password":"correct horse"}`})
	n.want(t, 422, call{method: "POST", path: "/accounts", body: `{"email":"` + email + `","password":"short"}`, wrong: true})
	n.want(t, 400, call{method: "POST", path: "/accounts", body: `{"email":"` + email + `"`, wrong: true})
	closed := openNode(t, n.contract, func(d *api.Deps) { d.Settings.SignUp = false })
	closed.want(t, 403, call{method: "POST", path: "/guests"})
	closed.want(t, 403, call{method: "POST", path: "/accounts", body: `{"email":"` + email + `","password":"correct horse"}`})
	for path, asks := range map[string][]string{"/account": {token, n.guest(t)}, "/sessions": {token, n.guest(t)}} {
		for _, who := range asks {
			get := call{method: "GET", path: path, token: who}
			n.want(t, 200, get)
			tag := n.do(t, get).Header.Get("ETag")
			n.want(t, 304, get.with(func(c *call) { c.header = map[string]string{"If-None-Match": tag} }))
		}
	}
	guest := n.guest(t)
	n.follow(t, guest, "favourite", "iran")
	preview := call{method: "POST", path: "/merges/preview", token: guest, body: `{"email":"` + email + `","password":"correct horse"}`}
	n.want(t, 200, preview)
	n.want(t, 422, preview.with(func(c *call) { c.body = `{"email":"ann","password":"correct horse"}` }))
	n.want(t, 400, preview.with(func(c *call) { c.body, c.wrong = `{"email":1}`, true }))
	in := n.want(t, 201, call{method: "POST", path: "/sessions", token: guest, body: preview.body})
	merge := in["merge"].(map[string]any)["id"].(string)
	n.want(t, 401, call{method: "GET", path: "/interests", token: guest})
	n.want(t, 401, call{method: "POST", path: "/accounts", token: guest, body: `{"email":"other-` + email + `","password":"correct horse"}`})
	undo := call{method: "POST", path: "/merges/" + merge + "/undo", token: token}
	n.want(t, 200, undo)
	n.want(t, 404, undo.with(func(c *call) { c.path = "/merges/" + account.NewID().String() + "/undo" }))
	n.want(t, 400, undo.with(func(c *call) { c.path, c.wrong = "/merges/%ff/undo", true }))
	reset := call{method: "POST", path: "/account/password/reset", body: `{"email":"` + email + `"}`}
	n.want(t, 202, reset)
	n.want(t, 422, reset.with(func(c *call) { c.body = `{"email":"ann"}` }))
	n.want(t, 400, reset.with(func(c *call) { c.body, c.wrong = `{}x`, true }))
	mute := openNode(t, n.contract, func(d *api.Deps) { d.Mail = nil })
	mute.want(t, 404, reset)
	link := call{method: "POST", path: "/accounts/resets", token: n.editor, body: `{"email":"` + email + `"}`}
	parts := strings.Split(n.want(t, 201, link)["link"].(string), "/")
	n.want(t, 409, link.with(func(c *call) { c.body = `{"email":"` + email + `","create":true}` }))
	n.want(t, 404, link.with(func(c *call) { c.body = `{"email":"none-` + email + `"}` }))
	n.want(t, 422, link.with(func(c *call) { c.body = `{"email":"ann"}` }))
	n.want(t, 400, link.with(func(c *call) { c.body, c.wrong = `{}x`, true }))
	set := call{method: "PUT", path: "/account/password/reset", body: `{"token":"` + parts[len(parts)-1] + `","password":"correct horse"}`}
	n.want(t, 422, set.with(func(c *call) { c.body, c.wrong = `{"token":"x","password":"short"}`, true }))
	n.want(t, 400, set.with(func(c *call) { c.body, c.wrong = `{}x`, true }))
	n.want(t, 204, set)
	n.want(t, 410, set)
	n.want(t, 401, call{method: "GET", path: "/account", token: token})
	token = n.want(t, 201, call{method: "POST", path: "/sessions", body: `{"email":"` + email + `","password":"correct horse"}`})["token"].(string)
	export := call{method: "GET", path: "/account/export", token: token}
	n.want(t, 200, export)
	exported := n.do(t, export).Header.Get("ETag")
	n.want(t, 304, export.with(func(c *call) { c.header = map[string]string{"If-None-Match": exported} }))
	gone, left := n.member(t)
	erase := call{method: "DELETE", path: "/account", token: left, body: `{"password":"correct horse"}`}
	n.want(t, 403, erase.with(func(c *call) { c.body = `{"password":"wrong horse"}` }))
	n.want(t, 400, erase.with(func(c *call) { c.body, c.wrong = `{"me":1}`, true }))
	n.want(t, 200, erase)
	n.want(t, 401, call{method: "GET", path: "/account", token: left})
	n.want(t, 201, call{method: "POST", path: "/accounts", body: `{"email":"` + gone + `","password":"correct horse"}`})
	signIn := call{method: "POST", path: "/sessions", body: `{"email":"` + email + `","password":"correct horse","label":"Phone"}`}
	phone := n.want(t, 201, signIn)["token"].(string)
	n.want(t, 401, signIn.with(func(c *call) { c.body = `{"email":"` + email + `","password":"wrong horse"}` }))
	n.want(t, 422, signIn.with(func(c *call) { c.body = `{"email":"ann","password":"correct horse"}` }))
	n.want(t, 400, signIn.with(func(c *call) { c.body, c.wrong = `{"email":1}`, true }))
	put := call{method: "PUT", path: "/account/password", token: token, body: `{"current":"correct horse","new":"staple battery"}`}
	n.want(t, 422, put.with(func(c *call) { c.body = `{"current":"wrong horse","new":"staple battery"}` }))
	n.want(t, 400, put.with(func(c *call) { c.body, c.wrong = `{}x`, true }))
	n.want(t, 204, put)
	n.want(t, 401, call{method: "GET", path: "/account", token: phone})
	n.want(t, 400, call{method: "DELETE", path: "/sessions/%ff", token: token, wrong: true})
	n.want(t, 404, call{method: "DELETE", path: "/sessions/" + account.NewID().String(), token: token})
	n.want(t, 204, call{method: "DELETE", path: "/sessions/current", token: token})
}

func walkFeed(t *testing.T, n *node) {
	me := n.guest(t)
	page := call{method: "GET", path: "/feed?limit=2", token: me}
	if got := n.want(t, 200, page); got["cold"] != true || len(got["items"].([]any)) == 0 {
		t.Errorf("a cold feed: %v", got)
	}
	n.follow(t, me, "follow", "iran", "north-korea", "source-news-example-com")
	n.follow(t, me, "mute", "cuba")
	pages, next := 0, "/feed?limit=1&language=en&language=ko&kind=news&kind=video&kind=analysis"
	for next != "" {
		a := n.do(t, call{method: "GET", path: next, token: me})
		var p struct{ Next string }
		if err := json.Unmarshal(a.body, &p); err != nil || a.StatusCode != 200 {
			t.Fatalf("page %d → %d: %s", pages, a.StatusCode, a.body)
		}
		link, _, _ := strings.Cut(strings.TrimPrefix(a.Header.Get("Link"), "<"), ">")
		if (p.Next == "") != (link == "") || !strings.Contains(link, p.Next) || link != "" && !strings.Contains(link, "language=ko") {
			t.Errorf("next is %q, Link %q", p.Next, link)
		}
		if next, pages = link, pages+1; pages > 20 {
			t.Fatal("the walk does not end")
		}
	}
	a := n.do(t, call{method: "GET", path: "/feed?topic=DPRK&topic=Iran", token: me, header: map[string]string{"X-Interests-Revision": "1"}})
	n.want(t, 304, call{method: "GET", path: "/feed?topic=DPRK&topic=Iran", token: me, header: map[string]string{"If-None-Match": a.Header.Get("ETag")}})
	if a.Header.Get("Cache-Control") != "private, no-cache" || a.Header.Get("Vary") != "Authorization, Cookie, Origin" || a.Header.Get("X-Interests-Revision") == "" {
		t.Errorf("headers of a feed: %v", a.Header)
	}
	if got := n.want(t, 200, call{method: "GET", path: "/feed?language=tlh", token: me}); len(got["items"].([]any)) != 0 {
		t.Errorf("a feed in Klingon: %v", got)
	}
	n.want(t, 400, call{method: "GET", path: "/feed?kind=rumour", token: me, wrong: true})
	n.want(t, 400, call{method: "GET", path: "/feed?topic=norht-korea", token: me})
	for _, path := range []string{"/feed", "/topics/iran/articles", "/feed/newer"} {
		n.want(t, 400, call{method: "GET", path: path + "?cursor=AAAA", token: me})
		n.want(t, 410, call{method: "GET", path: path + "?cursor=" + expiredCursor(), token: me})
	}
	n.want(t, 503, call{method: "GET", path: "/feed?cursor=" + futureCursor(), token: me}) // after a second of waiting
	n.want(t, 200, call{method: "GET", path: "/topics/iran/articles?limit=1"})
	walkReceipts(t, n)
}

// walkReceipts: why what is there is there, and what is not is not.
func walkReceipts(t *testing.T, n *node) {
	me, muted := n.guest(t), n.guest(t)
	n.follow(t, me, "follow", "iran")
	n.follow(t, muted, "mute", "iran")
	first := n.want(t, 200, call{method: "GET", path: "/feed?limit=1&why=true&unread=false&must_know=3", token: me})
	if first["must_know"] == nil || first["items"].([]any)[0].(map[string]any)["why"] == nil {
		t.Errorf("a first page with receipts: %v", first)
	}
	article := first["items"].([]any)[0].(map[string]any)["article"].(map[string]any)["id"].(string)
	newer := call{method: "GET", path: "/feed/newer?kind=news&cursor=" + first["next"].(string), token: me}
	if got := n.want(t, 200, newer); got["count"] != 0.0 {
		t.Errorf("newer: %v", got)
	}
	why := call{method: "GET", path: "/feed/why/" + article + "?kind=news&kind=video&kind=analysis&must_know=0&unread=true", token: me}
	if got := n.want(t, 200, why); got["shown"] != true || got["position"] != 1.0 || got["why"] == nil {
		t.Errorf("why the first card: %v", got)
	}
	if got := n.want(t, 200, why.with(func(c *call) { c.token = muted })); got["shown"] != false {
		t.Errorf("why a muted one: %v", got)
	}
	for _, c := range []call{newer, why} {
		tag := n.do(t, c).Header.Get("ETag")
		n.want(t, 304, c.with(func(c *call) { c.header = map[string]string{"If-None-Match": tag} }))
	}
	n.want(t, 400, newer.with(func(c *call) { c.path, c.wrong = "/feed/newer", true }))
	n.want(t, 400, why.with(func(c *call) { c.path, c.wrong = "/feed/why/%ff", true }))
	n.want(t, 404, why.with(func(c *call) { c.path, c.wrong = "/feed/why/none", true }))
}

func walkMarks(t *testing.T, n *node) {
	made := n.want(t, 201, call{method: "POST", path: "/guests"})
	me, id := made["token"].(string), idOf(t, "https://news.example.com/4")
	story := call{method: "GET", path: "/stories/" + id}
	for _, token := range []string{"", me} {
		get := story.with(func(c *call) { c.token = token })
		if got := n.want(t, 200, get); got["story"] != id || len(got["articles"].([]any)) != 1 {
			t.Errorf("a story: %v", got)
		}
		tag := n.do(t, get).Header.Get("ETag")
		n.want(t, 304, get.with(func(c *call) { c.header = map[string]string{"If-None-Match": tag} }))
	}
	none := idOf(t, "https://news.example.com/none")
	n.want(t, 404, story.with(func(c *call) { c.path = "/stories/" + none }))
	n.want(t, 404, story.with(func(c *call) { c.path, c.wrong = "/stories/none", true }))
	n.want(t, 400, story.with(func(c *call) { c.path, c.wrong = "/stories/%ff", true }))

	put := call{method: "PUT", path: "/marks/" + id, token: me, body: `{"saved":true}`}
	n.want(t, 200, put)
	n.want(t, 200, put.with(func(c *call) {
		c.path = "/marks/" + idOf(t, "https://news.example.com/5")
		c.body = `{"read":true,"saved":true,"hidden":false}`
	}))
	n.want(t, 200, put.with(func(c *call) { c.path = "/marks/" + idOf(t, "https://news.example.com/6") })) // beyond the horizon
	n.want(t, 400, put.with(func(c *call) { c.body, c.wrong = `{}`, true }))
	n.want(t, 400, put.with(func(c *call) { c.body, c.wrong = `{"read":"yes"}`, true }))
	n.want(t, 404, put.with(func(c *call) { c.path = "/marks/" + none }))

	marks := call{method: "GET", path: "/marks?limit=1", token: me}
	a := n.do(t, marks)
	if !strings.Contains(a.Header.Get("Link"), "/marks?limit=1&cursor=") {
		t.Errorf("Link %q", a.Header.Get("Link"))
	}
	n.want(t, 304, marks.with(func(c *call) { c.header = map[string]string{"If-None-Match": a.Header.Get("ETag")} }))
	if got := n.want(t, 200, marks.with(func(c *call) { c.path = "/marks?story=" + none + "&story=" + id })); len(got["marks"].([]any)) != 2 {
		t.Errorf("named: %v", got)
	}
	n.want(t, 400, marks.with(func(c *call) { c.path, c.wrong = "/marks?story=x", true }))

	saved, seen := call{method: "GET", path: "/saved?limit=1", token: me}, 0
	for ; saved.path != "" && seen < 5; seen++ {
		a := n.do(t, saved)
		n.want(t, 304, saved.with(func(c *call) { c.header = map[string]string{"If-None-Match": a.Header.Get("ETag")} }))
		saved.path, _, _ = strings.Cut(strings.TrimPrefix(a.Header.Get("Link"), "<"), ">")
	}
	if seen != 3 {
		t.Errorf("%d pages of saved stories, want 3", seen)
	}
	n.want(t, 400, call{method: "GET", path: "/saved?cursor=AAAA", token: me})
	n.want(t, 200, call{method: "GET", path: "/saved", token: n.guest(t)})
	fillMarks(t, n, made)
	if got := n.want(t, 409, put.with(func(c *call) { c.path = "/marks/" + idOf(t, "https://news.example.com/1") })); got["type"] != "list-full" {
		t.Errorf("the 10,001st saved story: %v", got)
	}
}

// fillMarks saves as many stories for a guest as may be.
func fillMarks(t *testing.T, n *node, guest map[string]any) {
	t.Helper()
	id, err := uuid.Parse(guest["account"].(map[string]any)["id"].(string))
	if err != nil {
		t.Fatal(err)
	}
	ops := make([]feed.MarkOp, feed.MaxSaved-3)
	for i := range ops {
		ops[i] = feed.MarkOp{Story: feed.StoryID(uuid.New()), Mark: feed.Saved, Value: true, At: interests.NewStamp(n.Clock.Now(), uint16(i), 0)}
	}
	if _, _, err := n.Marks.Apply(t.Context(), account.ID(id), ops, time.Time{}); err != nil {
		t.Fatal(err)
	}
}

func walkStreams(t *testing.T, n *node) {
	me := n.guest(t)
	n.follow(t, me, "follow", "iran")
	next := n.want(t, 200, call{method: "GET", path: "/feed?limit=1", token: me})["next"].(string)
	stream := call{method: "GET", path: "/events?kind=news&cursor=" + next, token: me,
		header: map[string]string{"Last-Event-ID": "1-2-1-0", "X-Interests-Revision": "1"}}
	n.want(t, 200, stream)
	n.want(t, 400, stream.with(func(c *call) { c.path, c.wrong = "/events?kind=rumour", true }))
	n.want(t, 400, stream.with(func(c *call) { c.header["X-Interests-Revision"], c.wrong = "soon", true }))
	n.want(t, 410, stream.with(func(c *call) { c.path = "/events?cursor=" + expiredCursor() }))
}

func walkPreview(t *testing.T, n *node) {
	me := n.guest(t)
	n.follow(t, me, "follow", "iran")
	post := call{method: "POST", path: "/interests/preview", token: me, body: `{"ops":[{"topic":"Iran","level":null},{"topic":"north-korea","level":"favourite"}]}`}
	if got := n.want(t, 200, post); len(got["leaves"].([]any)) == 0 {
		t.Errorf("a preview: %v", got)
	}
	n.want(t, 200, post.with(func(c *call) { c.body = `{"ops":[]}` }))
	n.want(t, 404, post.with(func(c *call) { c.body = `{"ops":[{"topic":"norht-korea","level":"follow"}]}` }))
	n.want(t, 200, post.with(func(c *call) { c.body = `{"ops":[{"topic":"norht-korea","level":null}]}` }))
	for _, body := range []string{`{}`, `{"ops":[{"topic":"iran"}]}`, `{"ops":[{"level":"mute"}]}`, `{"ops":[{"topic":"iran","level":"none"}]}`,
		`{"ops":[` + strings.Repeat(`{"topic":"iran","level":"mute"},`, 200) + `{"topic":"iran","level":"mute"}]}`} {
		n.want(t, 400, post.with(func(c *call) { c.body, c.wrong = body, true }))
	}
}

// walkSyncs: both syncs, with every outcome of an edit, and with bodies that are none.
func walkSyncs(t *testing.T, n *node) {
	me, at := n.guest(t), `"`+interests.NewStamp(n.Clock.Now(), 0, 7).String()+`"`
	for path, ops := range map[string][]string{
		"/interests/sync": {
			`{"id":"1","topic":"iran","level":"follow","at":` + at + `}`, `{"id":"2","topic":"iran","level":"follow","at":` + at + `}`,
			`{"id":"3","topic":"iran","level":null,"at":"0192f0c1a2b30000a1b2c3d4e5f60718"}`, `{"id":"4","topic":"cuba","level":null,"at":"ffff` + at[5:] + `}`,
		},
		"/marks/sync": {
			`{"id":"1","story":"` + idOf(t, "https://news.example.com/4") + `","mark":"read","value":true,"at":` + at + `}`,
			`{"id":"2","story":"` + idOf(t, "https://news.example.com/4") + `","mark":"read","value":true,"at":` + at + `}`,
			`{"id":"3","story":"` + idOf(t, "https://news.example.com/4") + `","mark":"read","value":false,"at":"0192f0c1a2b30000a1b2c3d4e5f60718"}`,
			`{"id":"4","story":"` + idOf(t, "https://news.example.com/none") + `","mark":"hidden","value":false,"at":` + at + `}`,
		},
	} {
		post := call{method: "POST", path: path, token: me, body: `{"device":"00000000000000a1","since":0,"digest":"0000000000000000","ops":[` + strings.Join(ops, ",") + `]}`}
		got := n.want(t, 200, post)
		var statuses []any
		for _, r := range got["results"].([]any) {
			statuses = append(statuses, r.(map[string]any)["status"])
		}
		if fmt.Sprint(statuses) != "[applied duplicate superseded rejected]" || got["full"] != false || len(got["changes"].([]any)) != 1 {
			t.Errorf("%s: %v", path, got)
		}
		n.want(t, 200, post.with(func(c *call) { c.body = `{"device":"00000000000000a1","ops":[]}` }))
		for _, body := range []string{`{}`, `{"device":"00000000000000a1","ops":[` + strings.Repeat("{},", 200) + `{}]}`} {
			n.want(t, 400, post.with(func(c *call) { c.body, c.wrong = body, true }))
		}
		n.want(t, 200, post.with(func(c *call) { c.body, c.wrong = `{"device":"00000000000000a1","ops":[{},null,7]}`, true }))
	}
}

// expiredCursor is a cursor of a walk that began 25 hours ago.
func expiredCursor() string {
	return feed.Cursor{Edition: 1, Started: time.Now().Add(-25 * time.Hour)}.String()
}

// futureCursor names an edition that this node has not reached.
func futureCursor() string {
	return feed.Cursor{Edition: 1 << 30, Started: time.Now()}.String()
}

// walkFullList: a list takes 500 followed topics and no more, and 500 muted ones beside.
func walkFullList(t *testing.T, n *node) {
	me := n.guest(t)
	ids := topicIDs(t, n, 502)
	n.follow(t, me, "follow", ids[:interests.MaxFollowed]...)
	put := call{method: "PUT", path: "/interests/" + ids[500], token: me, body: `{"level":"favourite"}`}
	if got := n.want(t, 409, put); got["type"] != "list-full" {
		t.Errorf("the 501st interest: %v", got)
	}
	preview := call{method: "POST", path: "/interests/preview", token: me, body: `{"ops":[{"topic":"` + ids[500] + `","level":"follow"}]}`}
	if got := n.want(t, 409, preview); got["type"] != "list-full" {
		t.Errorf("a preview of the 501st interest: %v", got)
	}
	n.follow(t, me, "favourite", ids[0])
	n.follow(t, me, "mute", ids[501])
	if got := n.want(t, 200, call{method: "GET", path: "/interests", token: me}); len(got["interests"].([]any)) != 501 {
		t.Errorf("a full list has %d interests", len(got["interests"].([]any)))
	}
	n.want(t, 200, call{method: "DELETE", path: "/interests/" + ids[1], token: me})
	n.want(t, 200, put)
}

// topicIDs returns the ids of so many topics.
func topicIDs(t testing.TB, n *node, most int) (ids []string) {
	t.Helper()
	for line := range bytes.Lines(n.do(t, call{method: "GET", path: "/topics.ndjson"}).body) {
		var in struct{ ID string }
		if err := json.Unmarshal(line, &in); err != nil {
			t.Fatal(err)
		}
		if ids = append(ids, in.ID); len(ids) == most {
			return ids
		}
	}
	t.Fatalf("there are %d topics, want %d", len(ids), most)
	return nil
}
