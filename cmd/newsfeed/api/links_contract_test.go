package api_test

import (
	"strings"
	"testing"
)

// walkLinks: the calls for the feed elsewhere, in each of their statuses.
func walkLinks(t *testing.T, n *node) {
	me := n.guest(t)
	n.follow(t, me, "follow", "north-korea")
	make := call{method: "POST", path: "/feed/tokens", token: me, body: `{"label":"Newsreader"}`}
	link := n.want(t, 201, make)["token"].(string)
	for ending, kind := range map[string]string{"rss": "application/rss+xml", "atom": "application/atom+xml", "json": "application/feed+json"} {
		for _, get := range []call{
			{method: "GET", path: "/feed." + ending + "?token=" + link},
			{method: "GET", path: "/feed." + ending, token: me},
			{method: "GET", path: "/topics/north-korea." + ending},
			{method: "GET", path: "/topics/north-korea." + ending, token: me},
		} {
			n.want(t, 200, get)
			a := n.do(t, get)
			if got := a.Header.Get("Content-Type"); got != kind+"; charset=utf-8" {
				t.Errorf("%s is %s", get.path, got)
			}
			n.want(t, 304, get.with(func(c *call) { c.header = map[string]string{"If-None-Match": a.Header.Get("ETag")} }))
			sign := "?"
			if strings.Contains(get.path, "?") {
				sign = "&"
			}
			n.want(t, 400, get.with(func(c *call) { c.path, c.wrong = c.path+sign+"limit=101", true }))
		}
		n.want(t, 404, call{method: "GET", path: "/feed." + ending + "?token=" + strings.Repeat("A", 43)})
		n.want(t, 404, call{method: "GET", path: "/topics/nobody-knows-this." + ending})
	}
	n.want(t, 400, make.with(func(c *call) { c.body, c.wrong = `{"label":`, true }))
	n.want(t, 422, make.with(func(c *call) { c.body, c.wrong = `{"label":"`+strings.Repeat("x", 101)+`"}`, true }))
	for range 49 {
		n.want(t, 201, make.with(func(c *call) { c.body = "" }))
	}
	n.want(t, 409, make)
	list := call{method: "GET", path: "/interests.opml", token: me}
	n.want(t, 200, list)
	tag := n.do(t, list).Header.Get("ETag")
	n.want(t, 304, list.with(func(c *call) { c.header = map[string]string{"If-None-Match": tag} }))
	n.want(t, 400, list.with(func(c *call) { c.header, c.wrong = map[string]string{"X-Interests-Revision": "soon"}, true }))
	bring := call{method: "POST", path: "/interests/import", token: me, body: `{"interests":[{"topic":"iran","level":"follow"}]}`}
	n.want(t, 200, bring)
	n.want(t, 400, bring.with(func(c *call) { c.body, c.wrong = `{"interests":[{"topic":"iran","level":"love"}]}`, true }))
	n.want(t, 400, bring.with(func(c *call) { c.kind, c.body, c.wrong = "text/x-opml", "<html/>", true }))
	n.want(t, 400, call{method: "GET", path: "/sessions?limit=0", token: me, wrong: true})
	first := n.want(t, 200, call{method: "GET", path: "/sessions?limit=30", token: me})
	rest := n.want(t, 200, call{method: "GET", path: "/sessions?limit=30&cursor=" + first["next"].(string), token: me})
	ids := map[string]bool{}
	for _, page := range []map[string]any{first, rest} {
		for _, s := range page["sessions"].([]any) {
			ids[s.(map[string]any)["id"].(string)] = true
		}
	}
	if _, more := rest["next"]; more || len(ids) != 51 {
		t.Errorf("two pages name %d of 51 sessions, and more: %v", len(ids), more)
	}
}
