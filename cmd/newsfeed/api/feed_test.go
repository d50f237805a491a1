package api

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"newsfeed/feed"
)

// One article in, one interest, one feed out.
func TestTheWalk(t *testing.T) {
	h := NewHouse(t)
	h.Publish(h.Publisher, "North Korea", "one", "two")
	h.Publish(h.Publisher, "Iran", "three")
	guest := h.Guest()
	if p := h.GetPage("/feed", guest); !p.Cold || len(p.Items) != 3 {
		t.Errorf("without interests: cold %v with %v, want all three", p.Cold, p.Titles())
	}
	h.Follow(guest, "North%20Korea")
	p := h.GetPage("/feed", guest)
	if got := p.Titles(); !slices.Equal(got, []string{"one", "two"}) || p.Cold {
		t.Errorf("feed of who follows North Korea: %v, cold %v", got, p.Cold)
	}
	if card := p.Items[0]; !slices.Equal(card.Matched, []string{"north-korea"}) || card.Mark == nil || card.Story != card.Article.ID {
		t.Errorf("card %+v", card)
	}
}

// Pages of a walk hold every card once, whatever enters meanwhile, and each
// says where the next one is.
func TestPaging(t *testing.T) {
	h := NewHouse(t)
	var names []string
	for i := range 25 {
		names = append(names, "a"+strconv.Itoa(i))
	}
	h.Publish(h.Publisher, "Iran", names...)
	guest := h.Guest()
	h.Follow(guest, "iran")
	var got []string
	path := "/feed?limit=7&kind=news&other=%3C%3E"
	for page := 0; path != ""; page++ {
		r := h.Must(http.StatusOK, "GET", path, guest, "")
		var p Page
		r.JSON(t, &p)
		got = append(got, p.Titles()...)
		path = linkTo(r.Header.Get("Link"))
		if (p.Next == "") != (path == "") {
			t.Fatalf("next %q, Link %q", p.Next, r.Header.Get("Link"))
		}
		if path != "" {
			u, err := url.Parse(path)
			if err != nil || u.Query().Get("cursor") != p.Next || u.Query().Get("limit") != "7" || u.Query().Get("other") != "<>" || u.Path != "/feed" {
				t.Fatalf("Link %q of a page whose next is %q", r.Header.Get("Link"), p.Next)
			}
		}
		if page > 0 && p.Newer != page {
			t.Errorf("page %d: newer %d, want %d", page, p.Newer, page)
		}
		h.Publish(h.Publisher, "Iran", "later"+strconv.Itoa(page))
	}
	if !slices.Equal(got, names) {
		t.Errorf("walked %v, want %v", got, names)
	}
}

// linkTo returns the address in a Link header.
func linkTo(header string) string {
	path, ok := strings.CutSuffix(strings.TrimPrefix(header, "<"), `>; rel="next"`)
	if !ok {
		return ""
	}
	return path
}

func TestFeedFilters(t *testing.T) {
	h := NewHouse(t)
	h.Must(200, "POST", "/articles", h.Publisher, `[
		{"url":"https://news.example/v","title":"v","kind":"video","topics":["Iran"],"language":"en"},
		{"url":"https://news.example/o","title":"o","kind":"opinion","topics":["Iran","North Korea"],"language":"pt-BR"},
		{"url":"https://news.example/n","title":"n","topics":["North Korea"],"language":"de"}]`)
	guest := h.Guest()
	tests := []struct{ query, want string }{
		{"", "n o v"},
		{"?kind=video", "v"},
		{"?kind=video&kind=opinion", "o v"},
		{"?topic=iran", "o v"},
		{"?topic=DPRK", "n o"},
		{"?topic=iran&topic=north-korea&kind=news", "n"},
		{"?language=pt-br", "o"},
		{"?language=PT-BR&language=de", "n o"},
		{"?language=xx", ""},
		{"?unread=false&why=false&must_know=0&colour=blue", "n o v"},
	}
	for _, test := range tests {
		p := h.GetPage("/feed"+test.query, guest)
		titles := p.Titles()
		slices.Sort(titles)
		if got := strings.Join(titles, " "); got != test.want {
			t.Errorf("GET /feed%s: %q, want %q", test.query, got, test.want)
		}
	}
}

func TestBadParametersAreNamed(t *testing.T) {
	h := NewHouse(t)
	guest := h.Guest()
	tests := []struct {
		path     string
		status   int
		location string
	}{
		{"/feed?limit=0", 400, "limit"},
		{"/feed?limit=101", 400, "limit"},
		{"/feed?limit=", 400, "limit"},
		{"/feed?limit=1e1", 400, "limit"},
		{"/feed?kind=poem", 400, "kind"},
		{"/feed?kind=", 400, "kind"},
		{"/feed?topic=noth-korea", 400, "topic"},
		{"/feed?language=", 400, "language"},
		{"/feed?unread=1", 400, "unread"},
		{"/feed?unread=", 400, "unread"},
		{"/feed?why=yes", 400, "why"},
		{"/feed?must_know=4", 400, "must_know"},
		{"/feed?must_know=-1", 400, "must_know"},
		{"/topics/iran/articles?unread=TRUE", 400, "unread"},
		{"/topics/iran/articles?why=TRUE", 400, "why"},
		{"/topics/iran/articles?must_know=9", 200, ""}, // no parameter of this call
		{"/feed/newer", 400, "cursor"},
		{"/feed/newer?cursor=AAAA", 400, ""},
		{"/feed/why/00000000-0000-5000-8000-000000000000?kind=poem", 400, "kind"},
		{"/feed/why/00000000-0000-5000-8000-000000000000?cursor=AAAA", 200, ""}, // no parameter of this call
		{"/stories/%ff", 400, "id"},
		{"/marks?story=x", 400, "story"},
		{"/marks?limit=0", 400, "limit"},
		{"/marks?cursor=AAAA", 400, ""},
		{"/saved?limit=x", 400, "limit"},
		{"/saved?cursor=", 400, ""},
		{"/marks?" + strings.Repeat("story=00000000-0000-5000-8000-000000000000&", 101), 400, "story"},
		{"/feed?cursor=", 400, ""},
		{"/feed?cursor=AAAA", 400, ""},
		{"/topics?limit=x", 400, "limit"},
		{"/topics?q=%ff", 400, "q"},
		{"/topics/%ff", 400, "id"},
		{"/topics/iran/articles?limit=-1", 400, "limit"},
		{"/topics/iran/articles?kind=poem", 200, ""}, // no parameter of this call
		{"/feed?" + strings.Repeat("language=en&", 101), 400, "language"},
	}
	for _, test := range tests {
		r := h.Call("GET", test.path, guest, "")
		if r.StatusCode != test.status {
			t.Errorf("GET %.60s answered %d, want %d: %s", test.path, r.StatusCode, test.status, r.Body)
			continue
		}
		if test.status != 400 {
			continue
		}
		p := r.Problem(t)
		if test.location == "" && len(p.Errors) == 0 {
			continue
		}
		if len(p.Errors) != 1 || p.Errors[0].Location != test.location {
			t.Errorf("GET %.60s: errors %v, want one at %s", test.path, p.Errors, test.location)
		}
	}
}

// A cursor is refused when damaged, when a day old, and when this node has not
// got so far.
func TestCursors(t *testing.T) {
	h := NewHouse(t)
	h.Publish(h.Publisher, "Iran", "a", "b", "c")
	guest := h.Guest()
	h.Follow(guest, "iran") // who edits nothing is gone before the cursor is
	next := h.GetPage("/feed?limit=1", guest).Next
	h.Must(200, "GET", "/feed?cursor="+next, guest, "")
	damaged := strings.ToUpper(next[:20]) + next[20:]
	if p := h.Must(400, "GET", "/feed?cursor="+damaged, guest, "").Problem(t); p.Type != "cursor-damaged" {
		t.Errorf("damaged: %+v", p)
	}
	later, err := feed.ParseCursor(next, h.Clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	later.Edition += 10
	r := h.Must(503, "GET", "/feed?cursor="+later.String(), guest, "")
	if p := r.Problem(t); p.Type != "behind" || r.Header.Get("Retry-After") == "" {
		t.Errorf("of a later edition: %+v", p)
	}
	h.Clock.Move(feed.CursorLife + time.Second)
	if p := h.Must(410, "GET", "/feed?cursor="+next, guest, "").Problem(t); p.Type != "cursor-expired" {
		t.Errorf("expired: %+v", p)
	}
}

// A matching If-None-Match gets 304 with the same tag and Vary; the tag changes
// with the list, with what enters, and with the question.
func TestNotModified(t *testing.T) {
	h := NewHouse(t)
	h.Publish(h.Publisher, "Iran", "a")
	guest := h.Guest()
	h.Follow(guest, "iran")
	first := h.Must(200, "GET", "/feed", guest, "")
	tag := first.Header.Get("ETag")
	if !strings.HasPrefix(tag, `W/"`) || first.Header.Get("Cache-Control") != "private, no-cache" {
		t.Errorf("headers %v", first.Header)
	}
	for _, value := range []string{tag, strings.TrimPrefix(tag, "W/"), `"x", ` + tag, "*"} {
		r := h.Must(304, "GET", "/feed", guest, "", "If-None-Match: "+value)
		for _, name := range []string{"ETag", "Vary", "Cache-Control", "X-Interests-Revision"} {
			if got, want := r.Header.Get(name), first.Header.Get(name); got != want || got == "" {
				t.Errorf("If-None-Match %s: %s is %q, was %q", value, name, got, want)
			}
		}
		if len(r.Body) > 0 || r.Header.Get("Vary") != "Authorization, Cookie, Origin" {
			t.Errorf("304 with %d bytes, Vary %q", len(r.Body), r.Header.Get("Vary"))
		}
	}
	for _, path := range []string{"/feed?limit=5", "/feed?kind=news"} {
		h.Must(200, "GET", path, guest, "", "If-None-Match: "+tag)
	}
	h.Must(200, "GET", "/feed", h.Guest(), "", "If-None-Match: "+tag)
	h.Publish(h.Publisher, "Tennis", "t")
	h.Must(304, "GET", "/feed", guest, "", "If-None-Match: "+tag)
	ids := h.Publish(h.Publisher, "Iran", "b")
	next := h.Must(200, "GET", "/feed", guest, "", "If-None-Match: "+tag).Header.Get("ETag")
	h.Must(204, "DELETE", "/articles/"+ids[0], h.Publisher, "")
	next = h.Must(200, "GET", "/feed", guest, "", "If-None-Match: "+next).Header.Get("ETag")
	h.Follow(guest, "tennis")
	h.Must(200, "GET", "/feed", guest, "", "If-None-Match: "+next)
}

func TestTopicPage(t *testing.T) {
	h := NewHouse(t)
	h.Publish(h.Publisher, "Iran", "a", "b")
	h.Publish(h.Publisher, "Tennis", "t")
	r := h.Must(200, "GET", "/topics/iran/articles?limit=1", "", "")
	var p Page
	r.JSON(t, &p)
	if p.AsOf.Revision != 0 || len(p.Items) != 1 || p.Items[0].Mark != nil || p.Next == "" {
		t.Errorf("for nobody: %+v", p)
	}
	if !strings.HasPrefix(r.Header.Get("Cache-Control"), "public") || r.Header.Get("X-Interests-Revision") != "" {
		t.Errorf("for nobody: %v", r.Header)
	}
	guest := h.Guest()
	h.Must(200, "PUT", "/interests/source-news-example", guest, `{"level":"mute"}`)
	r = h.Must(200, "GET", "/topics/iran/articles", guest, "")
	p = Page{}
	r.JSON(t, &p)
	if len(p.Items) != 0 || r.Header.Get("Cache-Control") != "private, no-cache" || r.Header.Get("X-Interests-Revision") == "" {
		t.Errorf("for who muted the source: %v %v", p.Titles(), r.Header)
	}
}

// Nothing is answered from an index that is not warm yet.
func TestCold(t *testing.T) {
	warm := false
	h := NewHouse(t, func(d *Deps) { d.Warm = func() bool { return warm } })
	guest := h.Guest()
	for _, path := range []string{"/feed", "/topics/iran/articles", "/feed/newer", "/feed/why/00000000-0000-5000-8000-000000000000",
		"/stories/00000000-0000-5000-8000-000000000000", "/saved"} {
		r := h.Must(503, "GET", path, guest, "")
		if r.Header.Get("Retry-After") == "" || r.Problem(t).Type != "warming-up" {
			t.Errorf("GET %s: %v %s", path, r.Header, r.Body)
		}
	}
	h.Must(503, "POST", "/interests/preview", guest, `{"ops":[]}`)
	h.Must(503, "GET", "/readyz", "", "")
	h.Must(200, "GET", "/livez", "", "")
}

// HEAD answers what GET does, without the body.
func TestHead(t *testing.T) {
	h := NewHouse(t)
	ids := h.Publish(h.Publisher, "Iran", "a", "b")
	guest := h.Guest()
	for _, path := range []string{"/feed?limit=1", "/interests", "/topics?q=iran", "/topics/iran", "/topics/iran/articles",
		"/articles/" + ids[0], "/stories/" + ids[0], "/feed/why/" + ids[0], "/marks", "/saved", "/livez", "/readyz", "/version", "/openapi.json", "/docs"} {
		get := h.Must(200, "GET", path, guest, "")
		head := h.Must(200, "HEAD", path, guest, "")
		for _, name := range []string{"Content-Type", "ETag", "Cache-Control", "Vary", "X-Interests-Revision", "Link"} {
			if head.Header.Get(name) != get.Header.Get(name) {
				t.Errorf("HEAD %s: %s is %q, of GET %q", path, name, head.Header.Get(name), get.Header.Get(name))
			}
		}
		if path != "/readyz" && head.Header.Get("Content-Length") != fmt.Sprint(len(get.Body)) {
			t.Errorf("HEAD %s: Content-Length %s, GET has %d bytes", path, head.Header.Get("Content-Length"), len(get.Body))
		}
	}
}
