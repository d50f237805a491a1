package api_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"newsfeed/feed"
	"newsfeed/storage/storagetest/servers"
)

// Whatever is bad gets what the contract says, and whatever was good before is
// still there after it.
func TestBadInput(t *testing.T) {
	n := openNode(t, newContract(t), nil)
	publish := call{method: "POST", path: "/articles", token: n.publisher, body: article(1, `,"topics":["Iran"]`)}
	n.want(t, 200, publish)
	me := n.guest(t)
	n.follow(t, me, "follow", "iran")

	t.Run("articles", func(t *testing.T) { badArticles(t, n) })
	t.Run("batches", func(t *testing.T) { badBatches(t, n) })
	t.Run("bodies", func(t *testing.T) { badBodies(t, n, me) })
	t.Run("large bodies", func(t *testing.T) { largeBodies(t, n) })
	t.Run("parameters", func(t *testing.T) { badParameters(t, n, me) })
	t.Run("tokens", func(t *testing.T) { badTokens(t, n, me) })
	t.Run("wire", func(t *testing.T) { badWire(t, n) })
	t.Run("naughty strings", func(t *testing.T) { naughtyStrings(t, n, me) })

	if got := n.want(t, 200, publish); got["unchanged"] != 1.0 {
		t.Errorf("the first article, sent again after all this: %v", got)
	}
	if got := n.want(t, 200, call{method: "GET", path: "/interests", token: me}); len(got["interests"].([]any)) != 1 {
		t.Errorf("the list after all this: %v", got)
	}
	if got := n.want(t, 200, call{method: "GET", path: "/feed?limit=100", token: me}); !strings.Contains(fmt.Sprint(got), idOf(t, "https://news.example.com/1")) {
		t.Errorf("the feed after all this lacks the first article: %.500v", got)
	}
}

// locations are the places that a problem complains of.
func locations(problem map[string]any) string {
	var places []string
	list, _ := problem["errors"].([]any)
	for _, e := range list {
		places = append(places, e.(map[string]any)["location"].(string))
	}
	return strings.Join(places, " ")
}

func topicsJSON(count int) string {
	names := make([]string, count)
	for i := range names {
		names[i] = fmt.Sprintf(`"tag %d"`, i)
	}
	return "[" + strings.Join(names, ",") + "]"
}

func badArticles(t *testing.T, n *node) {
	deep := strings.Repeat("[", 33) + strings.Repeat("]", 33)
	long := strings.Repeat("x", 10_000)
	tests := []struct {
		name, body string
		status     int
		locations  string
	}{
		{"malformed", `{"url":"https://news.example.com/bad","title":`, 400, "/title"},
		{"trailing comma", `{"url":"https://news.example.com/bad","title":"x",}`, 400, ""},
		{"two documents", `{"url":"https://news.example.com/bad","title":"x"}{}`, 400, ""},
		{"unknown field", article(2, `,"colour":"blue"`), 400, "/colour"},
		{"unknown field inside", article(2, `,"source":{"id":"a","rank":1}`), 400, "/source/rank"},
		{"duplicate key", article(2, `,"title":"again"`), 400, "/title"},
		{"duplicate key, escaped", article(2, `,"\u0074itle":"again"`), 400, "/title"},
		{"lone surrogate", article(2, `,"summary":"\ud800"`), 400, "/summary"},
		{"lone low surrogate", article(2, `,"summary":"\udc00"`), 400, "/summary"},
		{"invalid UTF-8", article(2, ",\"summary\":\"\xff\""), 400, "/summary"},
		{"operator for a string", `{"url":"https://news.example.com/bad","title":{"$gt":""}}`, 400, "/title"},
		{"operator for a topic", article(2, `,"topics":[{"$gt":""}]`), 400, "/topics/0/$gt"},
		{"number for a string", article(2, `,"summary":5`), 400, "/summary"},
		{"text for a number", article(2, `,"image":{"url":"https://img.example.com/","width":"wide"}`), 400, "/image/width"},
		{"depth 33", article(2, `,"summary":`+deep), 400, ""},
		{"byte order mark", "\xef\xbb\xbf" + article(2, ""), 400, ""},
		{"a string", `"hello"`, 400, ""},
		{"a number", `17`, 400, ""},

		{"no url", `{"title":"x"}`, 422, "/url"},
		{"no title", `{"url":"https://news.example.com/bad"}`, 422, "/title"},
		{"neither", `{}`, 422, "/url /title"},
		{"empty title", `{"url":"https://news.example.com/bad","title":""}`, 422, "/title"},
		{"title of markup", `{"url":"https://news.example.com/bad","title":"<script>x</script>"}`, 422, "/title"},
		{"title too long", `{"url":"https://news.example.com/bad","title":"` + long + `"}`, 422, "/title"},
		{"summary too long", article(2, `,"summary":"`+long+`"`), 422, "/summary"},
		{"body too long", article(2, `,"body_html":"`+strings.Repeat("x", 256<<10+1)+`"`), 422, "/body_html"},
		{"javascript address", `{"url":"javascript:alert(1)","title":"x"}`, 422, "/url"},
		{"data address", `{"url":"data:text/html,x","title":"x"}`, 422, "/url"},
		{"address without host", `{"url":"https:///x","title":"x"}`, 422, "/url"},
		{"address too long", `{"url":"https://news.example.com/` + long + `","title":"x"}`, 422, "/url"},
		{"javascript image", article(2, `,"image":{"url":"javascript:alert(1)"}`), 422, "/image/url"},
		{"no date", article(2, `,"published_at":"yesterday"`), 422, "/published_at"},
		{"date without zone", article(2, `,"published_at":"2026-05-17T21:31:04"`), 422, "/published_at"},
		{"the 30th of February", article(2, `,"published_at":"2026-02-30T00:00:00Z"`), 422, "/published_at"},
		{"51 topics", article(2, `,"topics":`+topicsJSON(51)), 422, "/topics"},
		{"topic of 10,000 characters", article(2, `,"topics":["`+long+`"]`), 422, "/topics/0"},
		{"topic without a letter", article(2, `,"topics":[" "]`), 422, "/topics/0"},
		{"salience of 2", article(2, `,"topics":[{"id":"iran","salience":2}]`), 422, "/topics/0/salience"},
		{"unknown kind", article(2, `,"kind":"rumour"`), 422, "/kind"},
		{"unknown status", article(2, `,"status":"maybe"`), 422, "/status"},
		{"no language", article(2, `,"language":"not a language"`), 422, "/language"},
		{"several at once", `{"url":"ftp://x","title":"","kind":"rumour"}`, 422, "/url /title /kind"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := n.want(t, test.status, call{method: "POST", path: "/articles", token: n.publisher, body: test.body, wrong: true})
			if locations(got) != test.locations {
				t.Errorf("complains of %q (%v), want %q", locations(got), got["errors"], test.locations)
			}
		})
	}

	t.Run("a date in 2999", func(t *testing.T) {
		n.want(t, 200, call{method: "POST", path: "/articles", token: n.publisher, body: article(2999, `,"published_at":"2999-01-01T00:00:00Z"`)})
		got := n.want(t, 200, call{method: "GET", path: "/articles/" + idOf(t, "https://news.example.com/2999")})
		if now := n.Clock.Now().UTC().Truncate(time.Millisecond).Format(time.RFC3339Nano); got["published_at"] != now {
			t.Errorf("published_at is %v, want the moment of acceptance, %s", got["published_at"], now)
		}
	})
	t.Run("a date in 1970", func(t *testing.T) {
		got := n.want(t, 200, call{method: "POST", path: "/articles", token: n.publisher, body: article(1970, `,"published_at":"1970-01-01T00:00:00Z"`)})
		result := got["results"].([]any)[0].(map[string]any)
		if got["accepted"] != 1.0 || result["in_index"] != false {
			t.Errorf("got %v", got)
		}
		article := n.want(t, 200, call{method: "GET", path: "/articles/" + result["id"].(string)})
		if article["published_at"] != "1970-01-01T00:00:00Z" {
			t.Errorf("published_at is %v", article["published_at"])
		}
	})
	t.Run("50 topics", func(t *testing.T) {
		n.want(t, 200, call{method: "POST", path: "/articles", token: n.publisher, body: article(50, `,"topics":`+topicsJSON(50))})
	})
}

// badBatches: of a batch what is good is stored and can be read, what is bad is
// its own result, with the status that it would have had alone.
func badBatches(t *testing.T, n *node) {
	good := func(i int) string { return article(700+i, "") }
	items := []struct {
		body   string
		status int // 0: good
	}{
		{good(0), 0},
		{`{"url":"javascript:alert(1)","title":"x"}`, 422},
		{article(790, `,"colour":1`), 400},
		{good(1), 0},
		{article(790, `,"summary":"\ud800"`), 400},
		{article(790, `,"title":"twice"`), 400},
		{article(790, `,"topics":`+topicsJSON(51)), 422},
		{article(790, `,"summary":`+strings.Repeat("[", 40)+strings.Repeat("]", 40)), 400},
		{`"hello"`, 400},
		{`{"uri":"urn:x","standard":{"name":"ninjs"}}`, 422},
		{good(2), 0},
	}
	bodies := make([]string, len(items))
	for i, item := range items {
		bodies[i] = item.body
	}
	broken := append(bodies[:len(bodies):len(bodies)], `{"url":`, "\xff\xfe", good(3)) // only lines can be no JSON at all
	send := func(t *testing.T, kind, body string, from int) {
		got := n.want(t, 200, call{method: "POST", path: "/articles", token: n.publisher, kind: kind, body: body, wrong: true})
		for i, r := range got["results"].([]any) {
			result, want := r.(map[string]any), 400
			switch {
			case i < len(items):
				want = items[i].status
			case i == len(broken)-1:
				want = 0
			}
			if result["index"] != float64(i) {
				t.Errorf("result %d has the index %v", i, result["index"])
			}
			if want == 0 {
				if result["outcome"] != "accepted" && result["outcome"] != "unchanged" {
					t.Errorf("item %d, which is good: %v", i, result)
				}
				n.want(t, 200, call{method: "GET", path: "/articles/" + result["id"].(string)})
				continue
			}
			problem, _ := result["problem"].(map[string]any)
			if result["outcome"] != "rejected" || problem["status"] != float64(want) {
				t.Errorf("item %d: %v, want rejected with %d", i, result, want)
			}
		}
		if rejected := got["rejected"].(float64); int(rejected) != from {
			t.Errorf("%v rejected, want %d", rejected, from)
		}
	}
	t.Run("array", func(t *testing.T) { send(t, "application/json", "["+strings.Join(bodies, ",")+"]", 8) })
	t.Run("lines", func(t *testing.T) {
		send(t, "application/x-ndjson", "\n"+strings.Join(broken, "\n\r\n"), 10)
	})
	t.Run("an array that breaks off stores nothing", func(t *testing.T) {
		n.want(t, 400, call{method: "POST", path: "/articles", token: n.publisher, body: "[" + article(795, "") + ",{", wrong: true})
		n.want(t, 404, call{method: "GET", path: "/articles/" + idOf(t, "https://news.example.com/795")})
	})
	t.Run("an array as a line", func(t *testing.T) {
		got := n.want(t, 200, call{method: "POST", path: "/articles", token: n.publisher, kind: "application/x-ndjson", body: "[" + article(796, "") + "]", wrong: true})
		if got["rejected"] != 1.0 {
			t.Errorf("got %v", got)
		}
	})
	t.Run("lines as JSON", func(t *testing.T) {
		n.want(t, 400, call{method: "POST", path: "/articles", token: n.publisher, body: article(797, "") + "\n" + article(798, ""), wrong: true})
	})
}

// badBodies: every call with a body of our own shape refuses what is not it.
func badBodies(t *testing.T, n *node, me string) {
	calls := []struct {
		call
		field string // a string that the body must have
		empty int    // status of {}
	}{
		{call{method: "PUT", path: "/interests/iran", token: me, body: `{"level":"follow"}`}, "level", 400},
		{call{method: "PUT", path: "/topics/barges", token: n.editor, body: `{"name":"Barges","kind":"subject"}`}, "name", 422},
		{call{method: "POST", path: "/keys", token: n.editor, body: `{"name":"a"}`}, "name", 422},
		{call{method: "PUT", path: "/marks/" + idOf(t, "https://news.example.com/1"), token: me, body: `{"read":true}`}, "read", 400},
		{call{method: "POST", path: "/interests/preview", token: me, body: `{"ops":[{"topic":"iran","level":null}]}`}, "ops", 400},
		{call{method: "POST", path: "/interests/sync", token: me, body: `{"device":"00000000000000a1","ops":[]}`}, "device", 400},
		{call{method: "POST", path: "/marks/sync", token: me, body: `{"device":"00000000000000a1","ops":[]}`}, "ops", 400},
	}
	for _, good := range calls {
		bad := func(name string, status int, change func(*call)) {
			t.Run(good.method+" "+good.path+" "+name, func(t *testing.T) {
				n.want(t, status, good.with(func(c *call) { c.wrong = true; change(c) }))
			})
		}
		body := func(b string) func(*call) { return func(c *call) { c.body = b } }
		bad("empty", 400, func(c *call) { c.body, c.kind = "", "application/json" })
		bad("an array", 400, body("["+good.body+"]"))
		bad("an object without fields", good.empty, body("{}"))
		bad("malformed", 400, body(strings.TrimSuffix(good.body, "}")))
		bad("unknown field", 400, body(strings.TrimSuffix(good.body, "}")+`,"admin":true}`))
		bad("duplicate key", 400, body(strings.TrimSuffix(good.body, "}")+`,"`+good.field+`":"x"}`))
		bad("operator", 400, body(`{"`+good.field+`":{"$gt":""}}`))
		bad("lone surrogate", 400, body(`{"`+good.field+`":"\ud800"}`))
		bad("invalid UTF-8", 400, body("{\""+good.field+"\":\"\xff\"}"))
		bad("depth 33", 400, body(`{"`+good.field+`":`+strings.Repeat("[", 33)+strings.Repeat("]", 33)+`}`))
		bad("form", 415, func(c *call) { c.kind, c.body = "application/x-www-form-urlencoded", good.field+"=x" })
		bad("JSON as text", 415, func(c *call) { c.kind = "text/plain" })
		bad("no media type", 415, func(c *call) { c.kind = ";;;" })
		bad("compressed", 415, func(c *call) { c.header = map[string]string{"Content-Encoding": "gzip"} })
		bad("too large", 413, body(good.body+strings.Repeat(" ", 256<<10)))
	}
	for _, kind := range []string{"text/plain", "application/xml", "multipart/form-data; boundary=x", ";;;"} {
		n.want(t, 415, call{method: "POST", path: "/articles", token: n.publisher, kind: kind, body: article(2, ""), wrong: true})
	}
	n.want(t, 415, call{method: "POST", path: "/articles", token: n.publisher, body: article(2, ""), header: map[string]string{"Content-Encoding": "gzip"}, wrong: true})
	n.want(t, 400, call{method: "POST", path: "/articles", token: n.publisher, kind: "application/json", wrong: true})
	if got := n.want(t, 200, call{method: "POST", path: "/articles", token: n.publisher, kind: "application/x-ndjson", wrong: true}); len(got["results"].([]any)) != 0 {
		t.Errorf("no lines at all: %v", got)
	}
}

func badParameters(t *testing.T, n *node, me string) {
	long := strings.Repeat("x", 10_000)
	tests := []struct {
		name, method, path string
		status             int
		says               string // in the detail or the errors
	}{
		{"limit of 0", "GET", "/feed?limit=0", 400, "limit"},
		{"limit of 101", "GET", "/feed?limit=101", 400, "limit"},
		{"limit of a word", "GET", "/feed?limit=all", 400, "limit"},
		{"limit of nothing", "GET", "/feed?limit=", 400, "limit"},
		{"limit beyond numbers", "GET", "/feed?limit=99999999999999999999", 400, "limit"},
		{"limit with an operator", "GET", "/feed?limit[$gt]=1", 200, ""},
		{"unknown kind", "GET", "/feed?kind=rumour", 400, "kind"},
		{"unknown topic", "GET", "/feed?topic=norht-korea", 400, "north-korea"},
		{"empty topic", "GET", "/feed?topic=", 400, "topic"},
		{"topic of 10,000 characters", "GET", "/feed?topic=" + long, 400, "topic"},
		{"language of 36", "GET", "/feed?language=" + long[:36], 400, "language"},
		{"language nobody writes", "GET", "/feed?language=tlh", 200, ""},
		{"unknown parameter", "GET", "/feed?colour=blue&_=1", 200, ""},
		{"damaged cursor", "GET", "/feed?cursor=AAAA", 400, "cursor"},
		{"empty cursor", "GET", "/feed?cursor=", 400, "cursor"},
		{"cursor of 10,000 characters", "GET", "/feed?cursor=" + long, 400, "cursor"},
		{"cursor of other letters", "GET", "/feed?cursor=%00%ff", 400, "cursor"},
		{"flipped cursor", "GET", "/feed?cursor=" + flipped(), 400, "cursor"},
		{"expired cursor", "GET", "/feed?cursor=" + expiredCursor(), 410, "cursor"},
		{"cursor on a topic's page", "GET", "/topics/iran/articles?cursor=AAAA", 400, "cursor"},

		{"damaged cursor of what is newer", "GET", "/feed/newer?cursor=AAAA", 400, "cursor"},
		{"no cursor of what is newer", "GET", "/feed/newer", 400, "cursor"},
		{"unread of a word", "GET", "/feed?unread=maybe", 400, "unread"},
		{"a shelf of 4", "GET", "/feed?must_know=4", 400, "must_know"},
		{"why of nothing", "GET", "/feed?why=", 400, "why"},
		{"saved after a feed's cursor", "GET", "/saved?cursor=" + feed.Cursor{Edition: 1, Started: time.Now()}.String(), 400, "cursor"},
		{"marks of no story", "GET", "/marks?story=", 400, "story"},
		{"marks of 101 stories", "GET", "/marks?" + strings.Repeat("story="+idOf(t, "https://news.example.com/1")+"&", 101), 400, "story"},
		{"story that is no id", "GET", "/stories/%7B%22$gt%22:%22%22%7D", 404, ""},
		{"why of what is no id", "GET", "/feed/why/%00", 404, ""},

		{"unknown topic to follow", "PUT", "/interests/norht-korea", 404, "north-korea"},
		{"topic of 10,000 characters to follow", "PUT", "/interests/" + long, 404, "no topic"},
		{"topic of white space", "PUT", "/interests/%20", 404, "no topic"},
		{"topic of a null byte", "PUT", "/interests/%00", 404, "no topic"},
		{"topic that is not UTF-8", "PUT", "/interests/%ff", 400, "UTF-8"},
		{"operator as topic", "PUT", "/interests/%7B%22$gt%22:%22%22%7D", 404, "no topic"},

		{"search for 10,000 characters", "GET", "/topics?q=" + long, 200, ""},
		{"search for nothing", "GET", "/topics?q=", 200, ""},
		{"search for a null byte", "GET", "/topics?q=%00", 200, ""},
		{"search for what is not UTF-8", "GET", "/topics?q=%ff", 400, "UTF-8"},
		{"search with an operator", "GET", "/topics?q[$ne]=x", 200, ""},

		{"encoded once", "GET", "/topics/north%2Dkorea", 200, ""},
		{"encoded twice", "GET", "/topics/north%252Dkorea", 404, "no topic"},
		{"encoded slash", "GET", "/topics/a%2Fb", 404, "no topic"},
		{"encoded way up", "GET", "/topics/%2e%2e%2flivez", 404, ""},
		{"way up encoded twice", "GET", "/topics/%252e%252e%252flivez", 404, "no topic"},
		{"null byte", "GET", "/topics/%00", 404, "no topic"},
		{"article that is no id", "GET", "/articles/%7B%22$gt%22:%22%22%7D", 404, ""},
		{"article in braces", "GET", "/articles/%7B00000000-0000-5000-8000-000000000000%7D", 404, ""},
		{"article with a null byte", "GET", "/articles/%00", 404, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := call{method: test.method, path: test.path, token: me, wrong: true}
			if test.method == "PUT" {
				c.body = `{"level":"follow"}`
			}
			got := n.want(t, test.status, c)
			if text, _ := json.Marshal(got); !strings.Contains(string(text), test.says) {
				t.Errorf("says %.500s, want something about %q", text, test.says)
			}
		})
	}
}

// flipped is a good cursor with one bit changed.
func flipped() string {
	b := []byte(feed.Cursor{Edition: 1, Started: time.Now()}.String())
	if b[20]++; b[20] == 'z'+1 {
		b[20] = 'a'
	}
	return string(b)
}

func badTokens(t *testing.T, n *node, me string) {
	for name, header := range map[string]string{
		"wrong": "Bearer wrong", "empty": "Bearer ", "only the scheme": "Bearer", "another scheme": "Basic " + me, "no scheme": me,
		"of 8,000 characters": "Bearer " + strings.Repeat("x", 8000), "an operator": `Bearer {"$gt":""}`, "two": "Bearer " + me + " " + me,
	} {
		for _, path := range []string{"/feed", "/interests", "/topics?q=iran", "/livez", "/keys"} {
			t.Run(name+" "+path, func(t *testing.T) {
				a := n.do(t, call{method: "GET", path: path, header: map[string]string{"Authorization": header}, wrong: true})
				if a.StatusCode != 401 || !strings.HasPrefix(a.Header.Get("WWW-Authenticate"), "Bearer") {
					t.Errorf("→ %d, WWW-Authenticate %q", a.StatusCode, a.Header.Get("WWW-Authenticate"))
				}
			})
		}
	}
	for _, c := range []struct {
		call
		status int
	}{
		{call{method: "GET", path: "/feed"}, 401},
		{call{method: "GET", path: "/feed", token: n.publisher}, 403},
		{call{method: "GET", path: "/feed", token: n.editor}, 403},
		{call{method: "PUT", path: "/interests/iran", body: `{"level":"follow"}`}, 401},
		{call{method: "POST", path: "/articles", body: article(2, "")}, 401},
		{call{method: "POST", path: "/articles", body: article(2, ""), token: me}, 403},
		{call{method: "DELETE", path: "/articles/" + idOf(t, "https://news.example.com/1"), token: me}, 403},
		{call{method: "PUT", path: "/topics/iran", body: `{"name":"Iran","kind":"country"}`, token: n.publisher}, 403},
		{call{method: "POST", path: "/keys", body: `{"name":"x"}`, token: n.publisher}, 403},
		{call{method: "GET", path: "/backup", token: me}, 403},
		{call{method: "GET", path: "/backup", token: n.publisher}, 403},
	} {
		n.want(t, c.status, c.call.with(func(c *call) { c.wrong = true }))
	}
	// A cookie of a person opens personal reads; it changes things only from the reader's pages.
	cookie := map[string]string{"Cookie": "__Host-newsfeed=" + me}
	n.want(t, 200, call{method: "GET", path: "/feed", header: cookie})
	n.want(t, 403, call{method: "PUT", path: "/interests/cuba", header: cookie, body: `{"level":"follow"}`})
	n.want(t, 401, call{method: "GET", path: "/feed", header: map[string]string{"Cookie": "__Host-newsfeed=wrong"}})
	n.want(t, 401, call{method: "GET", path: "/feed", header: map[string]string{"Cookie": "__Host-newsfeed=" + n.editor}})
}

// naughtyStrings: no string that ever broke something breaks this.
func naughtyStrings(t *testing.T, n *node, me string) {
	folder := servers.TestData(t)
	all := readNaughty(t, folder)
	quoted := func(s string) string { b, _ := json.Marshal(s); return string(b) }
	var items []string
	for i, s := range all {
		items = append(items, fmt.Sprintf(`{"url":"https://naughty.example.com/%d","title":%s,"summary":%s,"byline":%[3]s,"topics":[%[3]s],"source":{"name":%[3]s}}`, i, quoted("A title: "+s), quoted(s)))
		items = append(items, fmt.Sprintf(`{"url":%[1]s,"title":%[1]s,"external_id":%[1]s,"language":%[1]s}`, quoted(s)))
	}
	stored := 0
	for batch := range slices.Chunk(items, 500) {
		got := n.want(t, 200, call{method: "POST", path: "/articles", token: n.publisher, body: "[" + strings.Join(batch, ",") + "]", wrong: true})
		for _, r := range got["results"].([]any) {
			result := r.(map[string]any)
			if result["outcome"] == "rejected" {
				if status := result["problem"].(map[string]any)["status"].(float64); status != 400 && status != 422 {
					t.Errorf("rejected with %v: %v", status, result)
				}
				continue
			}
			stored++
			n.want(t, 200, call{method: "GET", path: "/articles/" + result["id"].(string)})
		}
	}
	for i, s := range all {
		query, path := url.QueryEscape(s), url.PathEscape(s)
		n.want(t, 200, call{method: "GET", path: "/topics?q=" + query, wrong: true})
		if s == "" || s == "." || s == ".." {
			continue // another path
		}
		for _, c := range []call{
			{method: "GET", path: "/topics/" + path},
			{method: "GET", path: "/topics/" + path + "/articles"},
			{method: "GET", path: "/articles/" + path},
			{method: "GET", path: "/stories/" + path},
			{method: "GET", path: "/feed/why/" + path, token: me},
			{method: "PUT", path: "/marks/" + path, token: me, body: `{"read":true}`},
			{method: "GET", path: "/marks?story=" + query + "&cursor=" + query, token: me},
			{method: "GET", path: "/saved?cursor=" + query, token: me},
			{method: "POST", path: "/interests/preview", token: me, body: `{"ops":[{"topic":` + quoted(s) + `,"level":null}]}`},
			{method: "POST", path: "/interests/sync", token: me, body: `{"device":"00000000000000a1","ops":[{"id":` + quoted(s) + `,"topic":` + quoted(s) + `,"level":null,"at":` + quoted(s) + `}]}`},
			{method: "POST", path: "/marks/sync", token: me, body: `{"device":"00000000000000a1","ops":[{"id":` + quoted(s) + `,"story":` + quoted(s) + `,"mark":"read","value":true,"at":"0192f0c1a2b30000a1b2c3d4e5f60718"}]}`},
			{method: "PUT", path: "/interests/" + path, token: me, body: `{"level":` + quoted(s) + `}`},
			{method: "GET", path: "/feed?topic=" + query + "&language=" + query + "&cursor=" + query, token: me},
		} {
			c.wrong = true
			if a := n.do(t, c); a.StatusCode >= 500 {
				t.Errorf("string %d, %q: %s %s → %d", i, s, c.method, c.path, a.StatusCode)
			}
		}
	}
	if stored < len(all)/2 {
		t.Errorf("%d articles were stored of %d strings: that cannot be all", stored, len(all))
	}
	t.Logf("%d strings, %d articles stored of %d", len(all), stored, len(items))
}

// readNaughty reads the Big List of Naughty Strings.
func readNaughty(t *testing.T, folder string) (all []string) {
	t.Helper()
	f, err := os.Open(filepath.Join(folder, "blns.tar.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	for pack := tar.NewReader(z); ; {
		header, err := pack.Next()
		if err != nil {
			t.Fatalf("find blns.json in the pack: %v", err)
		}
		if filepath.Base(header.Name) != "blns.json" {
			continue
		}
		text, err := io.ReadAll(pack)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(bytes.ToValidUTF8(text, nil), &all); err != nil {
			t.Fatal(err)
		}
		return all
	}
}
