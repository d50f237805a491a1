package api

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"newsfeed/feed"
	"newsfeed/interests/account"
)

const ndjson = "Content-Type: application/x-ndjson"

// line is an article with what it has to have.
func line(path string) string {
	return fmt.Sprintf(`{"url":"https://news.example/%s","title":"%s"}`, path, path)
}

func post(t testing.TB, h *House, key account.Secret, body string, headers ...string) (got tally) {
	t.Helper()
	h.Must(200, "POST", "/articles", key, body, headers...).JSON(t, &got)
	return got
}

// One article, an array and NDJSON say the same of the same articles.
func TestPostArticles(t *testing.T) {
	h := NewHouse(t)
	one := post(t, h, h.Publisher, line("a"))
	if one.Accepted != 1 || one.Edition != 1 || len(one.Results) != 1 || one.Results[0].Outcome != feed.Accepted ||
		one.Results[0].ID != feed.NewArticleID("https://news.example/a").String() || one.Results[0].InIndex != nil {
		t.Errorf("one: %+v", one)
	}
	changed := `{"url":"https://news.example/a","title":"changed"}`
	bad := `{"url":"javascript:alert(1)","title":"","kind":"poem"}`
	want := []feed.Outcome{feed.Unchanged, feed.Accepted, feed.Refused, feed.Updated, feed.Refused}
	items := []string{line("a"), line("b"), bad, changed, `{"url":"https://news.example/c","title":"c","x":1}`}
	check := func(name string, got tally) {
		t.Helper()
		var outcomes []feed.Outcome
		for i, r := range got.Results {
			outcomes = append(outcomes, r.Outcome)
			if r.Index != i {
				t.Errorf("%s: result %d has index %d", name, i, r.Index)
			}
		}
		if !slices.Equal(outcomes, want) || got.Accepted != 1 || got.Updated != 1 || got.Unchanged != 1 || got.Rejected != 2 {
			t.Fatalf("%s: %+v", name, got)
		}
		if p := got.Results[2].Problem; p == nil || p.Status != 422 || len(p.Errors) != 3 {
			t.Errorf("%s: bad fields: %+v", name, p)
		}
		if p := got.Results[4].Problem; p == nil || p.Status != 400 || len(p.Errors) != 1 || p.Errors[0].Location != "/x" {
			t.Errorf("%s: an unknown field: %+v", name, p)
		}
	}
	check("array", post(t, h, h.Publisher, "["+strings.Join(items, ",")+"]"))
	items[1], items[3] = line("d"), `{"url":"https://news.example/a","title":"changed again"}`
	items[0] = line("b")
	check("NDJSON", post(t, h, h.Publisher, strings.Join(items, "\n\n"), ndjson))

	if got := post(t, h, h.Publisher, `[]`); got.Results == nil || got.Edition != 5 {
		t.Errorf("nothing: %+v", got)
	}
	if got := post(t, h, h.Publisher, "\n", ndjson); got.Results == nil {
		t.Errorf("no lines: %+v", got)
	}
}

// A single article that is bad is answered by its own problem.
func TestBadSingleArticle(t *testing.T) {
	h := NewHouse(t)
	tests := []struct {
		name, body string
		status     int
	}{
		{"no JSON", `{`, 400},
		{"empty", ``, 400},
		{"unknown field", `{"url":"https://a.example/","title":"a","x":1}`, 400},
		{"twice", `{"url":"https://a.example/","title":"a","title":"b"}`, 400},
		{"a lone surrogate", `{"url":"https://a.example/","title":"\ud800"}`, 400},
		{"an operator", `{"url":{"$gt":""},"title":"a"}`, 400},
		{"no title", `{"url":"https://a.example/"}`, 422},
		{"no address", `{"title":"a"}`, 422},
		{"a script", `{"url":"javascript:alert(1)","title":"a"}`, 422},
		{"no date", `{"url":"https://a.example/","title":"a","published_at":"yesterday"}`, 422},
		{"51 topics", `{"url":"https://a.example/","title":"a","topics":["` + strings.Repeat(`a","`, 50) + `a"]}`, 422},
		{"a long topic", `{"url":"https://a.example/","title":"a","topics":["` + strings.Repeat(`x`, 10_000) + `"]}`, 422},
	}
	for _, test := range tests {
		r := h.Call("POST", "/articles", h.Publisher, test.body, "Content-Type: application/json")
		if r.StatusCode != test.status {
			t.Errorf("%s: %d, want %d: %s", test.name, r.StatusCode, test.status, r.Body)
			continue
		}
		if p := r.Problem(t); len(p.Errors) == 0 || p.RequestID == "" {
			t.Errorf("%s: %s", test.name, r.Body)
		}
	}
	for _, value := range []string{"text/plain", "application/xml", "application/json; charset", ""} {
		h.Must(415, "POST", "/articles", h.Publisher, line("a"), "Content-Type: "+value)
	}
	h.Must(415, "POST", "/articles", h.Publisher, line("a"), "Content-Encoding: gzip")
	h.Must(200, "POST", "/articles", h.Publisher, line("a"), "Content-Type: application/json; charset=utf-8")
	if h.Index.Articles() != 1 {
		t.Errorf("%d articles in the index", h.Index.Articles())
	}
}

func TestDates(t *testing.T) {
	h := NewHouse(t)
	got := post(t, h, h.Publisher, `[
		{"url":"https://news.example/2999","title":"a","published_at":"2999-01-01T00:00:00Z"},
		{"url":"https://news.example/1970","title":"b","published_at":"1970-01-01T00:00:00Z"}]`)
	if got.Accepted != 2 || got.Results[0].InIndex != nil || got.Results[1].InIndex == nil || *got.Results[1].InIndex {
		t.Errorf("%+v", got)
	}
	var a articleShape
	h.Must(200, "GET", "/articles/"+got.Results[0].ID, "", "").JSON(t, &a)
	if a.Published.After(h.Clock.Now()) {
		t.Errorf("published in the future: %s", a.Published)
	}
	h.Must(200, "GET", "/articles/"+got.Results[1].ID, "", "")
}

func TestGetArticle(t *testing.T) {
	h := NewHouse(t)
	got := post(t, h, h.Publisher, `{"url":"https://news.example/a?utm_source=x","title":"A <b>title</b>","body_html":"<p onclick=x>Hi<script>alert(1)</script></p>",
		"topics":["Iran",{"id":"north-korea","salience":0.25}],"source":{"id":"abc","name":"ABC"},"external_id":"7"}`)
	id := got.Results[0].ID
	r := h.Must(200, "GET", "/articles/"+id, "", "")
	var a articleShape
	r.JSON(t, &a)
	if a.Title != "A title" || a.BodyHTML != "<p>Hi</p>" || a.Story.String() != id || a.URL != "https://news.example/a" {
		t.Errorf("article %s", r.Body)
	}
	if len(a.Topics) != 2 || a.Topics[0].Topic != "iran" || a.Topics[1].Salience != 0.25 { // not source-abc
		t.Errorf("topics %+v", a.Topics)
	}
	h.Must(304, "GET", "/articles/"+id, "", "", "If-None-Match: "+r.Header.Get("ETag"))
	for _, other := range []string{"7d444840-9dc0-11d1-b245-5ffdce74fad2", "x", strings.ReplaceAll(id, "-", ""), "%00", strings.Repeat("a", 36)} {
		h.Must(404, "GET", "/articles/"+other, "", "").Problem(t)
		h.Must(404, "DELETE", "/articles/"+other, h.Publisher, "").Problem(t)
	}
	h.Must(204, "DELETE", "/articles/"+id, h.Publisher, "")
	h.Must(204, "DELETE", "/articles/"+id, h.Publisher, "")
	if p := h.Must(410, "GET", "/articles/"+id, "", "", "If-None-Match: *").Problem(t); p.Type != "withdrawn" {
		t.Errorf("withdrawn: %+v", p)
	}
	if p := h.GetPage("/topics/iran/articles", ""); len(p.Items) != 0 {
		t.Errorf("still on the topic's page: %v", p.Titles())
	}
}

// A key that is bound reaches only its own: table of the keys of A against
// addresses, articles and withdrawals of B.
func TestBoundKeys(t *testing.T) {
	h := NewHouse(t)
	key := func(body string) account.Secret {
		var made keyShape
		h.Must(201, "POST", "/keys", h.Editor, body).JSON(t, &made)
		return made.Key
	}
	a := key(`{"name":"a","sources":["a"]}`)
	aHost := key(`{"name":"a's host","hosts":["A.Example."]}`)
	both := key(`{"name":"both","sources":["a"],"hosts":["a.example"]}`)
	article := func(host, path, source, title string) string {
		return fmt.Sprintf(`{"url":"https://%s/%s","title":"%s","source":{"id":"%s","name":"%s"}}`, host, path, title, source, source)
	}
	id := func(host, path string) string {
		return feed.NewArticleID("https://" + host + "/" + path).String()
	}
	h.Must(200, "POST", "/articles", h.Publisher, "["+article("b.example", "old", "b", "x")+","+article("a.example", "old", "a", "x")+","+
		article("a.example", "bs", "b", "x")+","+article("b.example", "as", "a", "x")+"]")
	tests := []struct {
		name string
		key  account.Secret
		body string
		want feed.Outcome
	}{
		{"own source, any host", a, article("c.example", "1", "a", "x"), feed.Accepted},
		{"another's source", a, article("c.example", "2", "b", "x"), feed.Refused},
		{"another's article", a, article("b.example", "old", "b", "y"), feed.Refused},
		{"taking over another's article", a, article("b.example", "old", "a", "y"), feed.Refused},
		{"giving away an own article", a, article("a.example", "old", "b", "y"), feed.Refused},
		{"own article at another's host", a, article("b.example", "as", "a", "y"), feed.Updated},
		{"own host, any source", aHost, article("a.example", "3", "c", "x"), feed.Accepted},
		{"a subdomain", aHost, article("www.a.example", "4", "c", "x"), feed.Accepted},
		{"a lookalike", aHost, article("nota.example", "5", "a", "x"), feed.Refused},
		{"another's host", aHost, article("b.example", "6", "a", "x"), feed.Refused},
		{"both", both, article("a.example", "7", "a", "x"), feed.Accepted},
		{"both, other host", both, article("b.example", "8", "a", "x"), feed.Refused},
		{"both, other source", both, article("a.example", "9", "b", "x"), feed.Refused},
		{"an editor", h.Editor, article("b.example", "10", "b", "x"), feed.Accepted},
	}
	for _, test := range tests {
		got := post(t, h, test.key, "["+test.body+"]")
		r := got.Results[0]
		if r.Outcome != test.want {
			t.Errorf("%s: %+v, want %s", test.name, r, test.want)
		}
		if test.want == feed.Refused && (r.Problem == nil || r.Problem.Status != 403 || r.Problem.Type != "not-yours") {
			t.Errorf("%s: problem %+v", test.name, r.Problem)
		}
	}
	h.Must(403, "POST", "/articles", a, article("b.example", "new", "b", "x")) // a single one is its own answer

	withdrawals := []struct {
		name   string
		key    account.Secret
		id     string
		status int
	}{
		{"another's", a, id("b.example", "old"), 403},
		{"another's source at own host", both, id("a.example", "bs"), 403},
		{"own source at another's host", both, id("b.example", "as"), 403},
		{"another's host", aHost, id("b.example", "old"), 403},
		{"own", a, id("a.example", "old"), 204},
		{"own again", a, id("a.example", "old"), 204},
		{"of own host", aHost, id("a.example", "bs"), 204},
	}
	for _, w := range withdrawals {
		if r := h.Call("DELETE", "/articles/"+w.id, w.key, ""); r.StatusCode != w.status {
			t.Errorf("withdrawing %s: %d, want %d: %s", w.name, r.StatusCode, w.status, r.Body)
		}
	}
	h.Must(200, "GET", "/articles/"+id("b.example", "old"), "", "")
}

// More than a call may bring is refused, and what of NDJSON was stored by then is said.
func TestTooMuch(t *testing.T) {
	h := NewHouse(t)
	items := make([]string, 1001)
	for i := range items {
		items[i] = line(fmt.Sprint(i))
	}
	if p := h.Must(413, "POST", "/articles", h.Publisher, "["+strings.Join(items, ",")+"]").Problem(t); p.Type != "too-many" || len(p.Results) > 0 {
		t.Errorf("an array of 1,001: %+v", p)
	}
	if n := h.Index.Articles(); n != 0 {
		t.Errorf("%d articles of a refused array", n)
	}
	if p := h.Must(413, "POST", "/articles", h.Publisher, strings.Join(items, "\n"), ndjson).Problem(t); p.Type != "too-many" || len(p.Results) != 1000 || p.Accepted != 1000 {
		t.Errorf("1,001 lines: %s with %d results", p.Type, len(p.Results))
	}
	if n := h.Index.Articles(); n != 1000 {
		t.Errorf("%d articles of 1,001 lines", n)
	}
	if got := post(t, h, h.Publisher, strings.Join(items[:1000], "\n"), ndjson); got.Unchanged != 1000 {
		t.Errorf("sent again: %d unchanged", got.Unchanged)
	}
	// Declared, and of unknown length.
	h.Must(413, "POST", "/articles", h.Publisher, "["+strings.Repeat(" ", maxBody)+"]")
	r := h.Send("POST", "/articles", h.Publisher, io.MultiReader(strings.NewReader("["+strings.Repeat(" ", maxBody)+"]")))
	r.Want(t, 413)
	r = h.Send("POST", "/articles", h.Publisher, io.MultiReader(strings.NewReader(line("first")+"\n"+strings.Repeat(" ", maxBody))), ndjson)
	r.Want(t, 413)
	if p := r.Problem(t); p.Accepted != 1 {
		t.Errorf("a long call of lines: %+v", p)
	}
}

// Lines are stored while the call goes on.
func TestLinesAreStoredAsTheyCome(t *testing.T) {
	h := NewHouse(t)
	in, out := io.Pipe()
	go func() {
		for i := range chunkArticles {
			fmt.Fprintln(out, line(fmt.Sprint(i)))
		}
		for t.Context().Err() == nil && h.Server.Log.Await(t.Context(), chunkArticles) != nil { // the first chunk, before there is an end
		}
		fmt.Fprintln(out, line("last"))
		out.Close()
	}()
	r := h.Send("POST", "/articles", h.Publisher, in, ndjson)
	r.Want(t, 200)
	var got tally
	r.JSON(t, &got)
	if got.Accepted != chunkArticles+1 || got.Edition != chunkArticles+1 {
		t.Errorf("%d accepted, edition %d", got.Accepted, got.Edition)
	}
}

// failing is a store that takes so many appends and then is gone.
type failing struct {
	feed.Articles
	left atomic.Int64
}

func (f *failing) Append(ctx context.Context, entries []feed.Entry) (int, error) {
	if f.left.Add(-1) < 0 {
		return 0, fmt.Errorf("append: %w", feed.ErrUnavailable)
	}
	return f.Articles.Append(ctx, entries)
}

// When the store goes away in the middle, the answer says what was stored, and
// sending all again stores the rest.
func TestStoreGoesAway(t *testing.T) {
	store := &failing{}
	store.left.Store(1)
	h := NewHouse(t, func(d *Deps) { store.Articles, d.Articles = d.Articles, store })
	var lines strings.Builder
	for i := range chunkArticles + 10 {
		fmt.Fprintln(&lines, line(fmt.Sprint(i)))
	}
	r := h.Must(503, "POST", "/articles", h.Publisher, lines.String(), ndjson)
	p := r.Problem(t)
	if len(p.Results) != chunkArticles || p.Accepted != chunkArticles || r.Header.Get("Retry-After") == "" {
		t.Errorf("%d results, %d accepted, %v", len(p.Results), p.Accepted, r.Header)
	}
	if len(h.Reported()) == 0 {
		t.Error("the operator was not told")
	}
	store.left.Store(1000)
	if got := post(t, h, h.Publisher, lines.String(), ndjson); got.Unchanged != chunkArticles || got.Accepted != 10 {
		t.Errorf("sent again: %d unchanged, %d accepted", got.Unchanged, got.Accepted)
	}
}

// stuck is a store whose appends wait, and say that they do.
type stuck struct {
	feed.Articles
	waiting chan struct{} // has room for all
	let     chan struct{}
}

func (s *stuck) Append(ctx context.Context, entries []feed.Entry) (int, error) {
	s.waiting <- struct{}{}
	<-s.let
	return s.Articles.Append(ctx, entries)
}

// When the writer's queue is full, the answer comes before the body was read.
func TestQueueFull(t *testing.T) {
	store := &stuck{waiting: make(chan struct{}, 100), let: make(chan struct{})}
	h := NewHouse(t, func(d *Deps) { store.Articles, d.Articles = d.Articles, store })
	done := make(chan struct{})
	go func() {
		defer close(done)
		changes := make([]feed.Change, 3600)
		for i := range changes {
			changes[i].Draft = &feed.Draft{URL: fmt.Sprintf("https://q.example/%d", i), Title: "t", Source: feed.Source{ID: "q"}}
		}
		_, _, _ = h.Server.Log.Put(context.Background(), changes)
	}()
	if <-store.waiting; !h.Server.Log.Full() { // a call is in the queue as a whole before the writer has any of it
		t.Error("the queue is not full")
	}
	body, out := io.Pipe() // which never ends
	defer out.Close()
	r := h.Send("POST", "/articles", h.Publisher, body, ndjson)
	r.Want(t, 503)
	if p := r.Problem(t); p.Type != "queue-full" || r.Header.Get("Retry-After") == "" {
		t.Errorf("%+v, %v", p, r.Header)
	}
	h.Must(503, "DELETE", "/articles/"+feed.NewArticleID("https://q.example/1").String(), h.Publisher, "")
	h.Must(503, "PUT", "/topics/new-one", h.Editor, `{"name":"New one","kind":"subject"}`)
	close(store.let)
	<-done
}

// A ninjs document is an article too.
func TestNinjs(t *testing.T) {
	h := NewHouse(t)
	got := post(t, h, h.Publisher, `{"uri":"https://news.example/n","standard":{"name":"ninjs","version":"3.0","schema":"https://www.iptc.org/std/ninjs/ninjs-schema_3.0.json"},
		"type":"text","headlines":[{"value":"From the wire"}],"somethingelse":{"x":1}}`)
	if got.Accepted != 1 {
		t.Fatalf("%+v", got)
	}
	var a map[string]json.RawMessage
	h.Must(200, "GET", "/articles/"+got.Results[0].ID, "", "").JSON(t, &a)
	if string(a["title"]) != `"From the wire"` {
		t.Errorf("%s", a["title"])
	}
}

// With the store of lists gone, people are told to come back, and the rest goes on.
func TestListsUnavailable(t *testing.T) {
	h := NewHouse(t)
	ids := h.Publish(h.Publisher, "Iran", "a")
	guest := h.Guest()
	if err := h.Store.Close(); err != nil {
		t.Fatal(err)
	}
	for _, call := range []struct{ method, path, body string }{
		{"GET", "/feed", ""}, {"GET", "/interests", ""}, {"PUT", "/interests/iran", `{"level":"follow"}`}, {"DELETE", "/interests/iran", ""},
		{"POST", "/guests", ""}, {"GET", "/articles/" + ids[0], ""},
	} {
		r := h.Must(http.StatusServiceUnavailable, call.method, call.path, guest, call.body)
		if p := r.Problem(t); p.Type != "unavailable" || r.Header.Get("Retry-After") == "" {
			t.Errorf("%s %s: %s", call.method, call.path, r.Body)
		}
	}
	h.Must(200, "GET", "/topics/iran/articles", "", "")
	h.Must(200, "GET", "/topics?q=iran", "", "")
	h.Must(200, "GET", "/livez", guest, "")
}
