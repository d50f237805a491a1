package api_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"newsfeed/cmd/newsfeed/api"
	"newsfeed/feed"
	"newsfeed/interests/account"
)

// A long walk through the whole API: every operation is called, every request
// and every answer is what openapi.json says, and every status that it names is
// seen, but for those listed.
func TestJourneyKeepsTheContract(t *testing.T) {
	c := newContract(t)
	n := openNode(t, c, nil)
	t.Run("routes", func(t *testing.T) { sameRoutes(t, n) })
	t.Run("operations", func(t *testing.T) { walkOperations(t, n) })
	t.Run("articles", func(t *testing.T) { walkArticles(t, n) })
	t.Run("topics", func(t *testing.T) { walkTopics(t, n) })
	t.Run("people", func(t *testing.T) { walkPeople(t, n) })
	t.Run("accounts", func(t *testing.T) { walkAccounts(t, n) })
	t.Run("feed", func(t *testing.T) { walkFeed(t, n) })
	t.Run("feed elsewhere", func(t *testing.T) { walkLinks(t, n) })
	t.Run("stories and marks", func(t *testing.T) { walkMarks(t, n) })
	t.Run("streams", func(t *testing.T) { walkStreams(t, n) })
	t.Run("preview", func(t *testing.T) { walkPreview(t, n) })
	t.Run("syncs", func(t *testing.T) { walkSyncs(t, n) })
	t.Run("sources", func(t *testing.T) { walkSources(t, n) })
	t.Run("keys", func(t *testing.T) { walkKeys(t, n) })
	t.Run("refusals", func(t *testing.T) { walkRefusals(t, n) })
	t.Run("rates", func(t *testing.T) { walkRates(t, c) })
	t.Run("a full list", func(t *testing.T) { walkFullList(t, n) })
	t.Run("outages", func(t *testing.T) { walkOutages(t, n) })

	neverCalled, neverSeen := c.coverage()
	for _, name := range neverCalled {
		t.Errorf("%s was never called", name)
	}
	for _, name := range neverSeen {
		if !strings.HasSuffix(name, " 408") { // takes a minute of waiting
			t.Errorf("%s is documented and was never seen", name)
		}
	}
}

// sameRoutes: the document has the routes of the program, and no others.
func sameRoutes(t *testing.T, n *node) {
	inProgram := map[string]bool{}
	for _, r := range n.App().GetRoutes(true) {
		if r.Method != http.MethodHead && r.Method != http.MethodOptions {
			inProgram[r.Method+" "+regexp.MustCompile(`:(\w+)`).ReplaceAllString(r.Path, "{$1}")] = true
		}
	}
	inDocument := map[string]bool{}
	for path, item := range n.doc.Paths.PathItems.FromOldest() {
		for method := range item.GetOperations().FromOldest() {
			inDocument[strings.ToUpper(method)+" "+path] = true
		}
	}
	for name := range inProgram {
		if !inDocument[name] {
			t.Errorf("%s is a route and not in the document", name)
		}
	}
	for name := range inDocument {
		if !inProgram[name] {
			t.Errorf("%s is in the document and no route", name)
		}
	}
	if len(inProgram) < 20 {
		t.Errorf("found %d routes: that cannot be all", len(inProgram))
	}
}

func walkOperations(t *testing.T, n *node) {
	for _, path := range []string{"/livez", "/readyz", "/metrics", "/version", "/openapi.json", "/docs", "/docs.css", "/bench/fixed?bytes=100"} {
		n.want(t, 200, call{method: "GET", path: path})
	}
	for _, path := range []string{"/openapi.json", "/docs", "/docs.css"} {
		tag := n.do(t, call{method: "GET", path: path}).Header.Get("ETag")
		n.want(t, 304, call{method: "GET", path: path, header: map[string]string{"If-None-Match": tag}})
	}
	n.want(t, 400, call{method: "GET", path: "/bench/fixed?bytes=-1", wrong: true})
	a := n.do(t, call{method: "GET", path: "/backup", token: n.editor})
	if a.StatusCode != 200 || len(a.body) < 1000 {
		t.Errorf("a backup → %d, %d bytes", a.StatusCode, len(a.body))
	}
	n.warm.Store(false)
	for path, token := range map[string]string{"/readyz": "", "/topics/iran/articles": "", "/feed": n.guest(t), "/stories/" + idOf(t, "https://news.example.com/1"): ""} {
		n.want(t, 503, call{method: "GET", path: path, token: token})
	}
	n.warm.Store(true)
	bare := openNode(t, n.contract, func(d *api.Deps) { d.Backup, d.Settings.Bench = nil, false })
	bare.want(t, 404, call{method: "GET", path: "/backup", token: bare.editor})
	bare.want(t, 404, call{method: "GET", path: "/bench/fixed"})
}

func walkArticles(t *testing.T, n *node) {
	post := call{method: "POST", path: "/articles", token: n.publisher}
	send := func(status int, kind, body string) map[string]any {
		t.Helper()
		return n.want(t, status, post.with(func(c *call) { c.kind, c.body = kind, body }))
	}
	full := article(1, `,"summary":"North Korea and Iran agree.","body_html":"<p>It <b>sails</b>.</p><script>x</script>","byline":"A. Writer","language":"en-GB",
		"kind":"analysis","published_at":"`+time.Now().Add(-time.Hour).UTC().Format(time.RFC3339)+`","updated_at":"2026-05-17T21:31:04.5+02:00",
		"source":{"id":"example-news","name":"Example News","url":"https://news.example.com/"},"image":{"url":"https://img.example.com/1.jpg","alt":"A ferry","width":640,"height":480},
		"topics":["North Korea",{"id":"trade","salience":0.4},"Ferry lines of the north"],"external_id":"e-1","status":"usable"`)
	send(200, "application/json", full)
	if got := send(200, "application/json", full); got["unchanged"] != 1.0 {
		t.Errorf("sent again: %v", got)
	}
	send(200, "application/json; charset=utf-8", "["+article(2, `,"summary":null,"topics":null,"image":null`)+","+article(3, "")+"] ")
	send(200, "application/x-ndjson", article(4, `,"topics":["Iran"]`)+"\n"+article(5, `,"kind":"video","language":"ko","topics":["Iran"]`)+"\n")
	send(200, "application/json", `{"uri":"https://news.example.com/ninjs","standard":{"name":"ninjs","version":"3.0","schema":"http://www.iptc.org/std/ninjs/ninjs-schema_3.0.json"},"type":"text","language":"en","headlines":[{"role":"main","value":"A ferry in ninjs"}],"unused":{"deep":[1]}}`)
	send(200, "application/json", `[]`)
	if got := send(200, "application/json", article(6, `,"published_at":"1970-01-01T00:00:00Z"`)); got["results"].([]any)[0].(map[string]any)["in_index"] != false {
		t.Errorf("an article of 1970: %v", got)
	}

	id := idOf(t, "https://news.example.com/1")
	read := call{method: "GET", path: "/articles/" + id}
	tag := n.do(t, read).Header.Get("ETag")
	n.want(t, 304, read.with(func(c *call) { c.header = map[string]string{"If-None-Match": tag} }))
	n.want(t, 200, read.with(func(c *call) { c.token = n.guest(t) }))
	n.want(t, 404, call{method: "GET", path: "/articles/" + idOf(t, "https://news.example.com/none")})
	n.want(t, 404, call{method: "GET", path: "/articles/none", wrong: true})
	n.want(t, 400, call{method: "GET", path: "/articles/%ff", wrong: true})
	n.want(t, 400, call{method: "DELETE", path: "/articles/%ff", token: n.publisher, wrong: true})

	gone := idOf(t, "https://news.example.com/3")
	for range 2 {
		n.want(t, 204, call{method: "DELETE", path: "/articles/" + gone, token: n.publisher})
	}
	n.want(t, 410, call{method: "GET", path: "/articles/" + gone})
	n.want(t, 404, call{method: "DELETE", path: "/articles/" + idOf(t, "https://news.example.com/none"), token: n.publisher})
	n.want(t, 403, call{method: "DELETE", path: "/articles/" + idOf(t, "https://news.example.com/2"), token: n.bound})
	n.want(t, 403, call{method: "POST", path: "/articles", token: n.bound, body: article(2, `,"summary":"mine"`)})
	if got := n.want(t, 200, call{method: "POST", path: "/articles", token: n.bound, body: "[" + article(2, `,"summary":"mine"`) + "," + article(1, `,"source":{"id":"example-news"}`) + "]"}); got["rejected"] != 1.0 || got["updated"] != 1.0 {
		t.Errorf("a bound key: %v", got)
	}
	send(422, "application/json", article(7, `,"topics":[" "]`))
	n.want(t, 400, post.with(func(c *call) { c.body, c.wrong = `{"url":`, true }))
	n.want(t, 422, post.with(func(c *call) { c.body, c.wrong = `{"url":"https://news.example.com/8"}`, true }))
	many := strings.Repeat(article(9, "")+"\n", 1001)
	if got := n.want(t, 413, post.with(func(c *call) { c.kind, c.body, c.wrong = "application/x-ndjson", many, true })); got["results"] == nil {
		t.Error("1,001 lines: the answer does not say what became of the first")
	}
	n.want(t, 413, post.with(func(c *call) {
		c.body, c.wrong = "["+strings.TrimSuffix(strings.ReplaceAll(many, "\n", ","), ",")+"]", true
	}))
}

func walkTopics(t *testing.T, n *node) {
	me := n.guest(t)
	n.follow(t, me, "favourite", "North Korea")
	for _, token := range []string{"", me, n.publisher} {
		for _, path := range []string{"/topics?q=north&limit=5", "/topics", "/topics/north-korea", "/topics/DPRK", "/topics/NORTH%20KOREA", "/topics/iran/articles", "/topics/ferry-lines-of-the-north", "/topics/trending", "/topics/suggested?limit=3"} {
			get := call{method: "GET", path: path, token: token}
			tag := n.do(t, get).Header.Get("ETag")
			n.want(t, 304, get.with(func(c *call) { c.header = map[string]string{"If-None-Match": tag} }))
		}
		n.want(t, 200, call{method: "GET", path: "/topics.ndjson", token: token})
	}
	if got := n.want(t, 200, call{method: "GET", path: "/topics/dprk", token: me}); got["level"] != "favourite" {
		t.Errorf("my topic: %v", got)
	}
	lines := n.do(t, call{method: "GET", path: "/topics.ndjson"}).body
	if got := bytes.Count(lines, []byte("\n")); got < 400 {
		t.Errorf("%d topics in all", got)
	}
	n.want(t, 400, call{method: "GET", path: "/topics?limit=0", wrong: true})
	explain := call{method: "POST", path: "/topics/explain", token: n.editor, body: `{"title":"Seoul protests","summary":"Pyongyang fired a missile.","text":"The North said nothing. Robert Jordan did."}`}
	if got := n.want(t, 200, explain); len(got["tags"].([]any)) == 0 || len(got["spans"].([]any)) < 5 {
		t.Errorf("explained: %v", got)
	}
	n.want(t, 400, explain.with(func(c *call) { c.body, c.wrong = `{"title":7}`, true }))
	n.want(t, 413, explain.with(func(c *call) { c.body = `{"title":"` + strings.Repeat("x", 1<<20) + `"}` }))
	n.want(t, 415, explain.with(func(c *call) { c.kind, c.wrong = "text/plain", true }))
	n.want(t, 422, explain.with(func(c *call) { c.body = `{"title":""}` }))
	n.want(t, 400, call{method: "GET", path: "/topics/trending?limit=101", wrong: true})
	n.want(t, 400, call{method: "GET", path: "/topics/suggested?limit=x", wrong: true})
	n.want(t, 400, call{method: "GET", path: "/topics/%ff", wrong: true})
	n.want(t, 400, call{method: "GET", path: "/topics/iran/articles?limit=x", wrong: true})
	n.want(t, 404, call{method: "GET", path: "/topics/norht-korea/articles"})
	if got := n.want(t, 404, call{method: "GET", path: "/topics/norht%20korea"}); !strings.Contains(got["detail"].(string), "north-korea") {
		t.Errorf("no suggestion: %v", got)
	}
	put := call{method: "PUT", path: "/topics/ferries", token: n.editor, body: `{"name":"Ferries","kind":"subject","aliases":["ferry boats"],"broader":["transport"]}`}
	if n.do(t, call{method: "GET", path: "/topics/transport"}).StatusCode != 200 {
		put.body = `{"name":"Ferries","kind":"subject","aliases":["ferry boats"]}`
	}
	n.want(t, 200, put)
	n.want(t, 200, call{method: "PUT", path: "/topics/iran", token: n.editor, body: string(lineOf(t, lines, "iran"))})
	n.want(t, 409, put.with(func(c *call) { c.path, c.body = "/topics/other", `{"name":"Iran","kind":"subject"}` }))
	n.want(t, 422, put.with(func(c *call) { c.path, c.wrong = "/topics/trending", true }))
	n.want(t, 400, put.with(func(c *call) { c.body, c.wrong = `{"name":"Ferries","kind":"subject","colour":"blue"}`, true }))
}

// lineOf returns the line of a topic in an export.
func lineOf(t testing.TB, lines []byte, id string) []byte {
	t.Helper()
	for line := range bytes.Lines(lines) {
		if bytes.Contains(line, []byte(`"id":"`+id+`"`)) {
			return line
		}
	}
	t.Fatalf("the export has no topic %s", id)
	return nil
}

func walkSources(t *testing.T, n *node) {
	document := `<rss version="2.0"><channel><title>Example</title><link>http://127.1.0.1/</link><ttl>60</ttl>
		<item><title>One</title><link>http://127.1.0.1/one</link></item><item><title>No address</title></item></channel></rss>`
	publisher := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/page" {
			_, _ = io.WriteString(w, `<html><head><link rel="alternate" type="application/rss+xml" href="/rss"></head></html>`)
			return
		}
		_, _ = io.WriteString(w, document)
	}))
	defer publisher.Close()
	add := call{method: "POST", path: "/sources", token: n.editor, body: `{"url":"` + publisher.URL + `/page","source":"example-rss"}`}
	if got := fmt.Sprint(n.want(t, 201, add)); !strings.Contains(got, publisher.URL+"/rss") {
		t.Errorf("a page's document was not found: %v", got)
	}
	n.want(t, 409, add)
	n.want(t, 422, add.with(func(c *call) { c.body = `{"url":"ftp://example.org/"}` }))
	n.want(t, 422, add.with(func(c *call) { c.body = `{"url":"https://example.org/","source":"Not An Id"}` }))
	list := call{method: "POST", path: "/sources/list", token: n.editor, body: `{"sources":[{"url":"http://127.0.0.1:1/x","name":"X"},{"url":"http://127.0.0.1:1/x"},{"url":"mailto:x"}]}`}
	if got := fmt.Sprint(n.want(t, 200, list)); strings.Count(got, "accepted") != 1 || strings.Count(got, "unchanged") != 1 || strings.Count(got, "rejected") != 1 {
		t.Errorf("a list: %v", got)
	}
	n.want(t, 422, list.with(func(c *call) {
		c.body, c.wrong = `{"sources":[`+strings.Repeat(`{"url":"x"},`, 1000)+`{"url":"x"}]}`, true
	}))
	poll := call{method: "POST", path: "/sources/poll", token: n.editor, body: `{"sources":["example-rss","127-0-0-1"]}`}
	results := n.want(t, 200, poll)["results"].([]any)
	if first := results[0].(map[string]any); first["new"] != 1.0 || first["rejected"] != 1.0 || first["fault"] != nil {
		t.Errorf("polled: %v", first)
	}
	if second := results[1].(map[string]any); second["fault"] == nil {
		t.Errorf("nobody answers there, and yet: %v", second)
	}
	n.want(t, 404, poll.with(func(c *call) { c.body = `{"sources":["nobody"]}` }))
	n.want(t, 422, poll.with(func(c *call) { c.body, c.wrong = `{"sources":[]}`, true }))
	page := n.want(t, 200, call{method: "GET", path: "/sources?limit=1", token: n.editor})
	second := n.want(t, 200, call{method: "GET", path: "/sources?limit=1&cursor=" + page["next"].(string), token: n.editor})
	if second["next"] != nil || fmt.Sprint(second["sources"]) == fmt.Sprint(page["sources"]) {
		t.Errorf("the second page: %v", second)
	}
	n.want(t, 400, call{method: "GET", path: "/sources?cursor=%21", token: n.editor, wrong: true})
	if got := n.want(t, 200, call{method: "DELETE", path: "/sources/example-rss?withdraw=true", token: n.editor}); got["addresses"] != 1.0 || got["withdrawn"] != 1.0 {
		t.Errorf("removed: %v", got)
	}
	n.want(t, 404, call{method: "DELETE", path: "/sources/example-rss", token: n.editor})
	n.want(t, 400, call{method: "DELETE", path: "/sources/x?withdraw=maybe", token: n.editor, wrong: true})
	n.want(t, 400, call{method: "DELETE", path: "/sources/%ff", token: n.editor, wrong: true})
	n.want(t, 400, add.with(func(c *call) { c.body, c.wrong = `{"url":7}`, true }))
	n.want(t, 400, list.with(func(c *call) { c.body, c.wrong = `{"sources":7}`, true }))
	n.want(t, 400, poll.with(func(c *call) { c.body, c.wrong = `{"sources":7}`, true }))
}

func walkKeys(t *testing.T, n *node) {
	post := call{method: "POST", path: "/keys", token: n.editor, body: `{"name":"desk","role":"publisher","sources":["example-news"],"hosts":["News.Example.com"]}`}
	made := n.want(t, 201, post)
	key := made["key"].(string)
	n.want(t, 201, post.with(func(c *call) { c.body = `{"name":"second editor","role":"editor"}` }))
	if got := n.want(t, 200, call{method: "GET", path: "/keys", token: n.editor}); len(got["keys"].([]any)) != 5 || strings.Contains(fmt.Sprint(got), key) {
		t.Errorf("the keys: %v", got)
	}
	mine := call{method: "POST", path: "/articles", token: key, body: article(20, `,"source":{"id":"example-news"}`)}
	n.want(t, 200, mine)
	n.want(t, 204, call{method: "DELETE", path: "/keys/" + made["id"].(string), token: n.editor})
	n.want(t, 404, call{method: "DELETE", path: "/keys/" + made["id"].(string), token: n.editor})
	n.want(t, 401, mine)
	n.want(t, 422, post.with(func(c *call) { c.body, c.wrong = `{"name":"x","role":"king"}`, true }))
	n.want(t, 400, post.with(func(c *call) { c.body, c.wrong = `{"name":["x"]}`, true }))
	n.want(t, 400, call{method: "DELETE", path: "/keys/%ff", token: n.editor, wrong: true})
}

// samples are a good call of every operation.
func (n *node) samples(t testing.TB) map[string]call {
	t.Helper()
	me, id := n.guest(t), idOf(t, "https://news.example.com/1")
	email, member := n.member(t)
	_, leaving := n.member(t)
	samples := map[string]call{}
	for _, c := range []call{
		{method: "POST", path: "/guests"},
		{method: "POST", path: "/accounts", token: me, body: `{"email":"sample-` + account.NewID().String() + `@example.org","password":"correct horse"}`},
		{method: "POST", path: "/sessions", body: `{"email":"` + email + `","password":"correct horse"}`},
		{method: "GET", path: "/sessions", token: member},
		{method: "DELETE", path: "/sessions/" + account.NewID().String(), token: member},
		{method: "POST", path: "/merges/preview", token: me, body: `{"email":"` + email + `","password":"correct horse"}`},
		{method: "POST", path: "/merges/" + account.NewID().String() + "/undo", token: member},
		{method: "GET", path: "/account", token: member},
		{method: "POST", path: "/account/password/reset", token: me, body: `{"email":"` + email + `"}`},
		{method: "PUT", path: "/account/password/reset", token: me, body: `{"token":"` + resetToken() + `","password":"correct horse"}`},
		{method: "POST", path: "/accounts/resets", token: n.editor, body: `{"email":"` + email + `"}`},
		{method: "GET", path: "/account/export", token: member},
		{method: "DELETE", path: "/account", token: leaving, body: `{"password":"correct horse"}`},
		{method: "PUT", path: "/account/password", token: member, body: `{"current":"correct horse","new":"correct horse"}`},
		{method: "GET", path: "/topics?q=iran", token: me},
		{method: "GET", path: "/topics.ndjson", token: me},
		{method: "GET", path: "/topics/iran", token: me},
		{method: "GET", path: "/topics/trending", token: me},
		{method: "GET", path: "/topics/suggested", token: me},
		{method: "POST", path: "/topics/explain", token: n.editor, body: `{"title":"Iran"}`},
		{method: "PUT", path: "/topics/barges", token: n.editor, body: `{"name":"Barges","kind":"subject"}`},
		{method: "GET", path: "/topics/iran/articles", token: me},
		{method: "GET", path: "/interests", token: me},
		{method: "PUT", path: "/interests/iran", token: me, body: `{"level":"follow"}`},
		{method: "DELETE", path: "/interests/iran", token: me},
		{method: "POST", path: "/interests/preview", token: me, body: `{"ops":[{"topic":"iran","level":"mute"}]}`},
		{method: "POST", path: "/interests/sync", token: me, body: `{"device":"00000000000000a1","ops":[]}`},
		{method: "GET", path: "/feed", token: me},
		{method: "GET", path: "/interests.opml", token: me},
		{method: "POST", path: "/interests/import", token: me, body: `{"interests":[{"topic":"iran","level":"follow"}]}`},
		{method: "POST", path: "/feed/tokens", token: me, body: `{"label":"Newsreader"}`},
		{method: "GET", path: "/feed.rss", token: me},
		{method: "GET", path: "/feed.atom", token: me},
		{method: "GET", path: "/feed.json", token: me},
		{method: "GET", path: "/topics/iran.rss", token: me},
		{method: "GET", path: "/topics/iran.atom", token: me},
		{method: "GET", path: "/topics/iran.json", token: me},
		{method: "GET", path: "/feed/newer?cursor=" + feed.Cursor{Edition: 1, Started: time.Now()}.String(), token: me},
		{method: "GET", path: "/feed/why/" + id, token: me},
		{method: "GET", path: "/events", token: me},
		{method: "GET", path: "/stories/" + id, token: me},
		{method: "GET", path: "/marks", token: me},
		{method: "PUT", path: "/marks/" + id, token: me, body: `{"read":true}`},
		{method: "POST", path: "/marks/sync", token: me, body: `{"device":"00000000000000a1","ops":[]}`},
		{method: "GET", path: "/saved", token: me},
		{method: "POST", path: "/articles", token: n.publisher, body: article(30, "")},
		{method: "GET", path: "/articles/" + id, token: me},
		{method: "DELETE", path: "/articles/" + id, token: n.publisher},
		{method: "POST", path: "/sources", token: n.editor, body: `{"url":"http://127.0.0.1:1/sample"}`},
		{method: "GET", path: "/sources", token: n.editor},
		{method: "POST", path: "/sources/list", token: n.editor, body: `{"sources":[]}`},
		{method: "POST", path: "/sources/poll", token: n.editor, body: `{"sources":["nobody"]}`},
		{method: "DELETE", path: "/sources/nobody", token: n.editor},
		{method: "POST", path: "/keys", token: n.editor, body: `{"name":"sample"}`},
		{method: "GET", path: "/keys", token: n.editor},
		{method: "DELETE", path: "/keys/" + account.NewID().String(), token: n.editor},
		{method: "GET", path: "/backup", token: n.editor},
		{method: "GET", path: "/livez"}, {method: "GET", path: "/readyz"}, {method: "GET", path: "/metrics"},
		{method: "GET", path: "/openapi.json"}, {method: "GET", path: "/docs"}, {method: "GET", path: "/docs.css"}, {method: "GET", path: "/version"},
		{method: "GET", path: "/bench/fixed", token: me},
	} {
		r, err := c.request(n.URL)
		if err != nil {
			t.Fatal(err)
		}
		name, op := n.operation(r)
		if op == nil {
			t.Fatalf("%s %s is not documented", c.method, c.path)
		}
		samples[name] = c
	}
	return samples
}

// resetToken is one that has the form, and is no account's.
func resetToken() string { return strings.Repeat("A", 64) }

// documents reports whether an operation names a status.
func (n *node) documents(name string, status int) bool {
	method, path, _ := strings.Cut(name, " ")
	item := n.doc.Paths.PathItems.GetOrZero(path)
	_, ok := item.GetOperations().GetOrZero(strings.ToLower(method)).Responses.Codes.Get(strconv.Itoa(status))
	return ok
}

// walkRefusals: every call refuses a wrong token, a token of the wrong kind, a
// body that is too large and one of the wrong type.
func walkRefusals(t *testing.T, n *node) {
	me := n.guest(t)
	for name, sample := range n.samples(t) {
		if entering := name == "POST /accounts" || name == "POST /sessions"; !entering { // whom it does not hinder
			n.want(t, 401, sample.with(func(c *call) { c.token = "wrong" }))
		}
		if n.documents(name, 403) && name != "POST /accounts" && name != "POST /guests" { // theirs is that signing up is closed
			n.want(t, 401, sample.with(func(c *call) { c.token, c.wrong = "", true }))
			other := me
			if sample.token != n.editor && sample.token != n.publisher {
				other = n.publisher
			}
			n.want(t, 403, sample.with(func(c *call) { c.token = other }))
		}
		if n.documents(name, 415) {
			n.want(t, 415, sample.with(func(c *call) { c.header, c.wrong = map[string]string{"Content-Encoding": "gzip"}, true }))
			if name != "POST /guests" && name != "POST /merges/{id}/undo" { // they need no body
				n.want(t, 415, sample.with(func(c *call) { c.kind, c.wrong = "text/plain", true }))
			}
		}
		if n.documents(name, 413) && name != "POST /articles" {
			n.want(t, 413, sample.with(func(c *call) { c.body, c.wrong = strings.Repeat(" ", 257<<10)+c.body, true }))
		}
	}
	broken := "POST /guests HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n"
	if a, err := n.raw(t, broken); err != nil || a.StatusCode != 400 {
		t.Errorf("a body of broken chunks: %v, %+v", err, a)
	} else {
		r, _ := call{method: "POST", path: "/guests"}.request(n.URL)
		for _, err := range n.checkResponse(r, a) {
			t.Error(err)
		}
	}
	for _, c := range []call{
		{method: "PATCH", path: "/feed"}, {method: "DELETE", path: "/feed"}, {method: "POST", path: "/livez"},
	} {
		if a := n.do(t, c.with(func(c *call) { c.wrong = true })); a.StatusCode != 405 || !strings.Contains(a.Header.Get("Allow"), "GET") {
			t.Errorf("%s %s → %d, Allow %q", c.method, c.path, a.StatusCode, a.Header.Get("Allow"))
		}
	}
	for _, path := range []string{"/nothing", "/Feed", "/feed.xml", "/v2/feed"} {
		n.want(t, 404, call{method: "GET", path: path, wrong: true})
	}
	n.want(t, 501, call{method: "BREW", path: "/feed", wrong: true})
}

// walkRates: with one call a minute the second one is refused, on every call
// that counts.
func walkRates(t *testing.T, c *contract) {
	// A new address for each: who has no token is counted by it.
	proxies := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	n := openNode(t, c, func(d *api.Deps) {
		d.Settings.RateLimit, d.Settings.RateWindow, d.Settings.Proxies = 1, time.Minute, proxies
	})
	from := 0
	for name, sample := range n.samples(t) {
		if !n.documents(name, 429) {
			continue
		}
		from++
		sample.token, sample.wrong = "", true
		sample.header = map[string]string{"X-Forwarded-For": fmt.Sprintf("192.0.2.%d", from)}
		n.send(t, sample)
		a := n.do(t, sample)
		if a.StatusCode != 429 || a.Header.Get("Retry-After") == "" || a.Header.Get("RateLimit") == "" || a.Header.Get("RateLimit-Policy") == "" {
			t.Errorf("%s, the second call in a minute → %d, %v", name, a.StatusCode, a.Header)
		}
	}
}
