package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"newsfeed/cmd/newsfeed/api"
	"newsfeed/feed"
	"newsfeed/feed/ingest"
	"newsfeed/interests"
	"newsfeed/interests/account"
	"newsfeed/storage/embedded"
)

// node is a House, every call to which is held against the contract. Its stores
// are behind a gate, and it can be cold.
type node struct {
	*contract
	*api.House
	gate gate
	warm atomic.Bool

	editor, publisher, bound string // keys; bound to the source "example-news"
}

// openNode opens a node; change alters what the door is given. People and keys
// have a store of their own, for a House has no way to put a gate before its.
func openNode(t testing.TB, c *contract, change func(*api.Deps)) *node {
	t.Helper()
	people, err := embedded.Open(filepath.Join(t.TempDir(), "people.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := people.Close(); err != nil {
			t.Error(err)
		}
	})
	n := &node{contract: c}
	n.warm.Store(true)
	n.House = api.NewHouse(t, func(d *api.Deps) {
		d.Articles = gatedArticles{d.Articles, &n.gate}
		d.Topics = gatedTopics{d.Topics, &n.gate}
		d.Tagger = ingest.NewTagger(d.Catalogue, d.Topics, true)
		d.Lists = interests.NewLists(gatedLists{people.Lists(), &n.gate}, d.Now)
		d.Merger = interests.NewMerger(d.Lists, people.Merges())
		d.Marks = feed.NewMarkSets(gatedMarks{people.Marks(), &n.gate}, d.Now)
		d.People = account.NewPeople(gatedSessions{people.Sessions(), &n.gate}, d.Now)
		d.Members = account.NewMembers(gatedAccounts{people.Accounts(), &n.gate}, d.People, account.NewPasswords(account.Cost{Memory: 64, Passes: 1, Lanes: 1}),
			people.Limits(), account.Allowance{}, d.Now)
		d.Eraser = api.EraserOf(people, d.People, &feed.Belongings{Lists: d.Lists, Marks: d.Marks, Merger: d.Merger}, d.Now)
		d.Eraser.Erasures = gatedErasures{d.Eraser.Erasures, &n.gate}
		d.Keyring = account.NewKeyring(gatedKeys{people.Keys(), &n.gate}, d.Now, n.keys()...)
		d.Desk = api.NewDesk(gatedSources{people.Sources(), &n.gate})
		d.Warm, d.Settings.Bench = n.warm.Load, true
		d.Mail = func(context.Context, string, string, string) error { return nil }
		articles, since := d.Articles, d.Now().UTC()
		d.Health = func(ctx context.Context) []api.Dependency {
			store := api.Dependency{Name: "articles and interests", Kind: "embedded", OK: true, Since: since}
			if _, _, err := articles.Top(ctx); err != nil {
				store.OK, store.Error = false, err.Error()
			}
			return []api.Dependency{store}
		}
		if change != nil {
			change(d)
		}
	})
	n.House.Sow()
	return n
}

// keys makes the operator's keys.
func (n *node) keys() []account.Key {
	key := func(name string, role account.Role, secret *string, sources ...string) account.Key {
		s := account.NewSecret()
		*secret = string(s)
		return account.Key{Name: name, Role: role, Hash: s.Hash(), Sources: sources}
	}
	return []account.Key{
		key("editor", account.Editor, &n.editor),
		key("publisher", account.Publisher, &n.publisher),
		key("example news", account.Publisher, &n.bound, "example-news"),
	}
}

// call is a request to make. One that is wrong on purpose is not held against
// the document; its answer is.
type call struct {
	method, path string
	token        string // "" is nobody
	kind         string // Content-Type; "" is JSON where there is a body
	body         string
	header       map[string]string
	wrong        bool
}

func (c call) with(change func(*call)) call {
	c.header = maps.Clone(c.header)
	change(&c)
	return c
}

func (c call) request(server string) (*http.Request, error) {
	var body io.Reader
	if c.body != "" {
		body = strings.NewReader(c.body)
	}
	r, err := http.NewRequestWithContext(context.Background(), c.method, server+c.path, body)
	if err != nil {
		return nil, err
	}
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	if c.kind == "" && c.body != "" {
		c.kind = "application/json"
	}
	if c.kind != "" {
		r.Header.Set("Content-Type", c.kind)
	}
	for name, value := range c.header {
		r.Header.Set(name, value)
	}
	return r, nil
}

// do makes a call and holds both sides of it against the contract. A GET is
// made again as HEAD, which must answer alike.
func (n *node) do(t testing.TB, c call) answer {
	t.Helper()
	r, err := c.request(n.URL)
	if err != nil {
		t.Fatal(err)
	}
	if !c.wrong {
		for _, err := range n.checkRequest(r) {
			t.Errorf("%s %.200s: the request: %v", c.method, c.path, err)
		}
	}
	a := n.send(t, c)
	for _, err := range n.checkResponse(r, a) {
		t.Errorf("%s %.200s → %d: the answer: %v", c.method, c.path, a.StatusCode, err)
	}
	if c.method == http.MethodGet {
		n.checkHead(t, c, a)
	}
	return a
}

// send makes a call without looking at it.
func (n *node) send(t testing.TB, c call) answer {
	t.Helper()
	r, err := c.request(n.URL)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultTransport.RoundTrip(r) // no redirects, no cookies
	if err != nil {
		t.Fatalf("%s %.200s: %v", c.method, c.path, err)
	}
	defer response.Body.Close()
	body, err := api.ReadAnswer(response)
	if err != nil {
		t.Fatalf("%s %.200s: read the answer: %v", c.method, c.path, err)
	}
	return answer{response, body}
}

// passing headers differ from one call to the next, or when a body is streamed.
var passing = []string{"Date", "Ratelimit", "Retry-After", "Transfer-Encoding"}

func (n *node) checkHead(t testing.TB, c call, got answer) {
	t.Helper()
	head := n.send(t, c.with(func(c *call) { c.method = http.MethodHead }))
	if head.StatusCode == http.StatusTooManyRequests {
		return
	}
	if strings.HasPrefix(c.path, "/events") {
		if head.StatusCode != http.StatusMethodNotAllowed || head.Header.Get("Allow") != "GET, OPTIONS" {
			t.Errorf("HEAD %s → %d, Allow %q: what does not end has none", c.path, head.StatusCode, head.Header.Get("Allow"))
		}
		return
	}
	if len(head.body) > 0 || head.StatusCode != got.StatusCode {
		t.Errorf("HEAD %s → %d with %d bytes, want %d and none", c.path, head.StatusCode, len(head.body), got.StatusCode)
	}
	grows := c.path == "/metrics" || c.path == "/backup"
	for name, values := range got.Header {
		if !slices.Contains(passing, name) && !slices.Equal(head.Header[name], values) && (name != "Content-Length" || !grows) {
			t.Errorf("HEAD %s: %s is %q, GET said %q", c.path, name, head.Header[name], values)
		}
	}
}

// want makes a call that must answer with a status, and reads the answer's JSON.
func (n *node) want(t testing.TB, status int, c call) (v map[string]any) {
	t.Helper()
	a := n.do(t, c)
	if a.StatusCode != status {
		t.Fatalf("%s %.200s → %d, want %d: %.500s", c.method, c.path, a.StatusCode, status, a.body)
	}
	if len(a.body) > 0 && strings.Contains(a.Header.Get("Content-Type"), "json") && a.body[0] == '{' {
		if err := json.Unmarshal(a.body, &v); err != nil && !strings.Contains(a.Header.Get("Content-Type"), "ndjson") {
			t.Fatalf("%s %.200s: %v", c.method, c.path, err)
		}
	}
	return v
}

// guest makes a guest and returns the token.
func (n *node) guest(t testing.TB) string {
	t.Helper()
	return n.want(t, 201, call{method: "POST", path: "/guests"})["token"].(string)
}

// follow sets an interest of a guest.
func (n *node) follow(t testing.TB, token, level string, topics ...string) {
	t.Helper()
	for _, name := range topics {
		n.want(t, 200, call{method: "PUT", path: "/interests/" + url.PathEscape(name), token: token, body: `{"level":"` + level + `"}`})
	}
}

// article is an article as a publisher sends it.
func article(number int, more string) string {
	return fmt.Sprintf(`{"url":"https://news.example.com/%[1]d","title":"Ferry %[1]d"%[2]s}`, number, more)
}

func idOf(t testing.TB, address string) string {
	t.Helper()
	canonical, err := feed.CanonicalURL(address)
	if err != nil {
		t.Fatal(err)
	}
	return feed.NewArticleID(canonical).String()
}
