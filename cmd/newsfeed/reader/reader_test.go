package reader

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"newsfeed/feed"
	"newsfeed/interests"
	"newsfeed/interests/account"
	"newsfeed/interests/topic"
)

// Looking at pages makes no guest, and nobody's pages may be kept by a proxy.
func TestViewMakesNoGuest(t *testing.T) {
	s := newSite(t)
	s.publish(feed.Article{Title: "Talks resume"}, "north-korea")
	b := &browser{site: s}
	for _, path := range []string{"/", "/t/north-korea", "/search?q=korea", "/my/interests"} {
		a := b.get(path).want(t, 200)
		if got := a.Header.Get("Set-Cookie"); got != "" {
			t.Errorf("GET %s sets the cookie %q", path, got)
		}
		if got := a.Header.Get("Cache-Control"); got != keepPublic {
			t.Errorf("GET %s: Cache-Control %q, want %q", path, got, keepPublic)
		}
		if got := a.Header.Get("Vary"); !strings.Contains(got, "Cookie") {
			t.Errorf("GET %s: Vary %q", path, got)
		}
	}
}

// The first follow makes a guest who is kept, sets the cookie as promised, and
// the next page is theirs.
func TestFirstFollow(t *testing.T) {
	s := newSite(t)
	s.publish(feed.Article{Title: "Cup final tonight"}, "japan")
	s.publish(feed.Article{Title: "Talks resume"}, "north-korea")
	b := &browser{site: s}
	b.get("/").want(t, 200, "Cup final tonight", "Talks resume", "Make this front page yours")

	a := b.press("north-korea", "follow", "/#here").want(t, 303)
	if got := a.Header.Get("Location"); got != "/#here" {
		t.Errorf("leads to %q", got)
	}
	cookies := a.Cookies()
	if len(cookies) != 1 {
		t.Fatalf("cookies: %v", cookies)
	}
	c := cookies[0]
	if c.Name != "__Host-newsfeed" || !c.HttpOnly || !c.Secure || c.Path != "/" || c.Domain != "" ||
		c.SameSite != http.SameSiteLaxMode || c.MaxAge != 90*24*3600 {
		t.Errorf("the cookie is %s", a.Header.Get("Set-Cookie"))
	}
	session, err := s.people.Who(t.Context(), account.Secret(c.Value))
	if err != nil || !session.Guest || !session.Kept {
		t.Errorf("session %+v, %v; want a kept guest", session, err)
	}

	a = b.get("/").want(t, 200, "Talks resume", "because you follow", "North Korea", "Following").lacks(t, "Cup final tonight")
	if got := a.Header.Get("Cache-Control"); got != keepPrivate {
		t.Errorf("Cache-Control %q, want %q", got, keepPrivate)
	}
	b.press("North Korea", "none", "/").want(t, 303) // by name
	b.get("/").want(t, 200, "Cup final tonight", "Talks resume").lacks(t, "because you follow")
}

// A second press is the same guest's.
func TestSecondFollowKeepsTheGuest(t *testing.T) {
	b := &browser{site: newSite(t)}
	b.press("north-korea", "follow", "/")
	first := b.cookie
	if a := b.press("iran", "favourite", "/"); a.Header.Get("Set-Cookie") != "" || b.cookie != first {
		t.Errorf("another cookie: %q", a.Header.Get("Set-Cookie"))
	}
	b.get("/my/interests").want(t, 200, "Favourites", "Iran", "Following", "North Korea")
}

// A mute holds on the feed and on the topic's page, and is said there.
func TestMute(t *testing.T) {
	s := newSite(t)
	s.publish(feed.Article{Title: "Talks resume"}, "north-korea", "iran")
	s.publish(feed.Article{Title: "Oil up"}, "iran")
	b := &browser{site: s}
	b.press("iran", "follow", "/")
	b.press("north-korea", "mute", "/")
	b.get("/").want(t, 200, "Oil up").lacks(t, "Talks resume")
	b.get("/t/iran").want(t, 200, "Oil up").lacks(t, "Talks resume")
	b.get("/t/north-korea").want(t, 200, "You muted this topic", "Unmute").lacks(t, "Talks resume")
	b.press("north-korea", "none", "/")
	b.get("/").want(t, 200, "Oil up", "Talks resume")
}

// A cookie whose session is no more makes no page 401: it is taken away, one
// line says so, and the next follow begins a new list.
func TestDeadSession(t *testing.T) {
	s := newSite(t)
	s.publish(feed.Article{Title: "Talks resume"}, "north-korea")
	for _, dead := range []string{string(account.NewSecret()), "nonsense", strings.Repeat("x", 2000)} {
		b := &browser{site: s, cookie: dead}
		a := b.get("/").want(t, 200, "Talks resume", html.EscapeString(text("told-session")))
		if b.cookie != "" || a.Header.Get("Cache-Control") != keepPrivate {
			t.Errorf("cookie %q, headers %v", b.cookie, a.Header)
		}
		b.get("/").want(t, 200).lacks(t, text("told-session"))

		b.cookie = dead
		a = b.press("north-korea", "follow", "/t/iran?cursor=x").want(t, 303)
		if got := a.Header.Get("Location"); got != "/t/iran?cursor=x&note=renewed" || b.cookie == dead || b.cookie == "" {
			t.Errorf("leads to %q with cookie %q", got, b.cookie)
		}
	}
}

// Only a form from a page of ours changes anything.
func TestForeignForms(t *testing.T) {
	tests := []struct {
		name    string
		url     string // NEWSFEED_URL
		host    string
		headers map[string]string
		want    int
	}{
		{"same origin", "https://news.example", "news.example", map[string]string{"Sec-Fetch-Site": "same-origin"}, 303},
		{"cross site", "https://news.example", "news.example", map[string]string{"Sec-Fetch-Site": "cross-site"}, 403},
		{"same site", "https://news.example", "news.example", map[string]string{"Sec-Fetch-Site": "same-site"}, 403},
		{"typed by hand", "https://news.example", "news.example", map[string]string{"Sec-Fetch-Site": "none"}, 403},
		{"cross site, own origin", "https://news.example", "news.example", map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://news.example"}, 403},
		{"nothing said", "https://news.example", "news.example", nil, 403},
		{"own origin", "https://news.example", "news.example", map[string]string{"Origin": "https://news.example"}, 303},
		{"own origin with its port", "https://news.example:443/", "x", map[string]string{"Origin": "https://news.example"}, 303},
		{"own origin, other scheme", "https://news.example", "news.example", map[string]string{"Origin": "http://news.example"}, 403},
		{"origin equal to a Host that is not ours", "https://news.example", "evil.example", map[string]string{"Origin": "https://evil.example"}, 403},
		{"origin null", "https://news.example", "news.example", map[string]string{"Origin": "null"}, 403},
		{"two origins", "https://news.example", "news.example", map[string]string{"Origin": "https://news.example https://evil.example"}, 403},
		{"this machine by another name", "http://127.0.0.1:8080", "localhost:9090", map[string]string{"Origin": "http://localhost:9090"}, 303},
		{"this machine, IPv6", "http://127.0.0.1:8080", "[::1]:9090", map[string]string{"Origin": "http://[::1]:9090"}, 303},
		{"this machine from another of its sites", "http://127.0.0.1:8080", "localhost:8080", map[string]string{"Origin": "http://localhost:3000"}, 403},
		{"a name that was made to lead here", "http://127.0.0.1:8080", "evil.example:8080", map[string]string{"Origin": "http://evil.example:8080"}, 403},
		{"this machine behind a proxy", "https://news.example", "127.0.0.1:8080", map[string]string{"Origin": "http://127.0.0.1:8080"}, 403},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := &browser{site: newSite(t, func(d *Deps) { d.URL = tt.url })}
			req := form(url.Values{"follow": {"iran"}, "back": {"/"}})
			req.Host = tt.host
			for k, v := range tt.headers {
				req.Header.Set(k, v)
			}
			a := b.do(req).want(t, tt.want)
			if made := b.cookie != ""; made != (tt.want == 303) {
				t.Errorf("guest made: %v", made)
			}
			if tt.want == 403 {
				a.want(t, 403, "<!doctype html>", "That did not come from this page")
			}
		})
	}
}

// Forms that are not ours are refused with a page, and make no guest.
func TestBadForms(t *testing.T) {
	s := newSite(t)
	tests := []struct {
		topic, level string
		want         int
		text         string
	}{
		{"iran", "love", 400, "not one of ours"},
		{"iran", "", 400, "not one of ours"},
		{"", "follow", 404, "No topic of that name"},
		{"north kora", "follow", 404, `<a href="/t/north-korea">North Korea</a>`},
		{"<script>alert(1)</script>", "follow", 404, "&lt;script&gt;"},
		{strings.Repeat("ä", 10_000), "follow", 413, "That is too much"},
		{`{"$gt":""}`, "follow", 404, "No topic of that name"},
		{"%\xff\xfe", "follow", 404, "No topic of that name"},
		{"iran", "none", 303, ""}, // nobody has nothing to remove
	}
	for _, tt := range tests {
		b := &browser{site: s}
		b.press(tt.topic, tt.level, "/").want(t, tt.want, tt.text).lacks(t, "<script>")
		if b.cookie != "" {
			t.Errorf("%q %q made a guest", tt.topic, tt.level)
		}
	}
	req := form(url.Values{"follow": {"iran"}})
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	req.Header.Set("Content-Type", "text/plain")
	(&browser{site: s}).do(req).want(t, 400)

	req = form(nil) // the fields count in the body only
	req.URL.RawQuery = "follow=iran"
	req.RequestURI = req.URL.RequestURI()
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	(&browser{site: s}).do(req).want(t, 400)
}

// The 501st topic is refused in words, and the list stays as it was.
func TestFullList(t *testing.T) {
	s := newSite(t)
	b := &browser{site: s}
	b.press("north-korea", "follow", "/")
	session, err := s.people.Who(t.Context(), account.Secret(b.cookie))
	if err != nil {
		t.Fatal(err)
	}
	list, err := s.lists.Get(t.Context(), session.Account)
	if err != nil {
		t.Fatal(err)
	}
	var ops []interests.Op
	for n := range interests.MaxFollowed - 1 {
		ops = append(ops, interests.Op{Topic: topic.ID(fmt.Sprintf("made-up-%d", n)), Level: interests.Follow, At: list.NextStamp(s.clock)})
	}
	full, _ := interests.Apply(list, ops, s.clock)
	if n, _ := full.Count(); n != interests.MaxFollowed {
		t.Fatalf("%d topics are followed", n)
	}
	if err := s.store.Lists().Swap(t.Context(), session.Account, list.Revision, full, session.Until()); err != nil {
		t.Fatal(err)
	}
	b.press("iran", "follow", "/").want(t, 409, "Your list is full", "500", `href="/my/interests"`)
	b.get("/my/interests").want(t, 200, "made-up-17").lacks(t, `href="/t/iran"`)
	b.press("made-up-17", "none", "/").want(t, 303) // one that the catalogue does not know
	b.press("iran", "follow", "/").want(t, 303)
}

// What comes from outside is text wherever it stands, and its addresses lead to
// the web or nowhere.
func TestHostileText(t *testing.T) {
	s := newSite(t)
	const evil = `"><script>alert(1)</script><img src=x onerror=alert(1)>{{.}}`
	s.catalogue.Put(topic.Topic{ID: "evil", Name: evil, Kind: topic.KindTag, Aliases: []string{evil}})
	s.publish(feed.Article{
		Title: evil, Summary: evil, Byline: evil, Language: `en" onclick="alert(1)`,
		Source: feed.Source{ID: "evil", Name: evil}, Image: &feed.Image{URL: "https://x.example/" + evil, Alt: evil},
	}, "evil")
	s.publish(feed.Article{Title: "scripted", URL: "javascript:alert(1)", Image: &feed.Image{URL: "javascript:alert(1)"}}, "evil")
	s.publish(feed.Article{Title: "data", URL: "data:text/html,x", Image: &feed.Image{URL: "data:image/svg+xml,x"}}, "evil")
	s.publish(feed.Article{Title: "plain picture", Image: &feed.Image{URL: "http://x.example/a.jpg"}}, "evil")
	b := &browser{site: s}
	b.press("evil", "follow", "/")
	for _, path := range []string{"/", "/t/evil", "/my/interests", "/search?q=script", "/search?q=" + url.QueryEscape(evil), "/t/" + url.PathEscape(evil), "/?note=" + url.QueryEscape(evil)} {
		a := b.get(path)
		if a.StatusCode == 303 { // a name leads to its topic
			continue
		}
		a.body = strings.Replace(a.body, `<script type="module" src="`+script.path+`"></script>`, "", 1)
		a.lacks(t, "<script", "onerror=alert(1)>", "<img src=x", `" onclick="`, `="javascript:`, `href="data:`, `src="data:`, `src="http:`)
	}
	a := b.get("/").want(t, 200, "&lt;script&gt;alert(1)")
	if got := a.titles(); len(got) != 4 {
		t.Errorf("titles %q", got)
	}
	for _, link := range regexp.MustCompile(`<a href="https?://[^>]*>`).FindAllString(a.body, -1) {
		if !strings.Contains(link, `rel="noopener noreferrer"`) {
			t.Errorf("link out without rel: %s", link)
		}
	}
}

// A form leads back to a page of ours and nowhere else.
func TestLocalPath(t *testing.T) {
	tests := map[string]string{
		"/": "/", "/?cursor=a_b-c#x": "/?cursor=a_b-c#x", "/t/north-korea": "/t/north-korea", "/search?q=a+b": "/search?q=a+b",
		"/my/interests": "/my/interests", "/t/中国": "/t/%E4%B8%AD%E5%9B%BD", "/?note=expired&cursor=x": "/?cursor=x",
		"": "/", "//evil.example": "/", "///evil.example": "/", `/\evil.example`: "/", `\\evil.example`: "/",
		"https://evil.example/": "/", "https:evil.example": "/", "javascript:alert(1)": "/", "evil.example": "/",
		"/t/../..//evil.example": "/", "/t//evil.example": "/", "/%2f/evil.example": "/", "/%5cevil.example": "/", "/t/%2e%2e/": "/",
		"/\t/evil.example": "/", "/\n/evil.example": "/", "/t/x\r\nSet-Cookie: a=b": "/", " //evil.example": "/", "/@evil.example": "/",
		"/feed": "/", "/my/interests/": "/", "/t/": "/", "?x": "/", "#x": "/", "//": "/", "/t/%zz": "/",
		"/?" + strings.Repeat("x", 5000): "/",
	}
	for in, want := range tests {
		if got := localPath(in); got != want {
			t.Errorf("localPath(%q) = %q, want %q", in, got, want)
		}
	}
	b := &browser{site: newSite(t)}
	if got := b.press("iran", "follow", "//evil.example/x").Header.Get("Location"); got != "/" {
		t.Errorf("leads to %q", got)
	}
}

func FuzzLocalPath(f *testing.F) {
	for _, s := range []string{"/", "//x", `/\x`, "/t/a?b#c", "/t/%2f%2fx", "https://x"} {
		f.Add(s)
	}
	base := must(url.Parse("https://news.example/my/interests"))
	f.Fuzz(func(t *testing.T, s string) {
		got := localPath(s)
		u, err := base.Parse(got)
		if err != nil || u.Host != base.Host || u.Scheme != "https" || !isPage(u.Path) {
			t.Errorf("localPath(%q) = %q, which leads to %v, %v", s, got, u, err)
		}
		if again := localPath(got); again != got {
			t.Errorf("localPath(%q) = %q, of which it makes %q", s, got, again)
		}
		if len(got) > 0 && (strings.HasPrefix(got, "//") || strings.ContainsAny(got, "\\\r\n\t ")) {
			t.Errorf("localPath(%q) = %q", s, got)
		}
	})
}

// All pages by their links hold every article once, in the order of the index,
// on the feed and on a topic's page, also while others are published.
func TestWalk(t *testing.T) {
	for _, path := range []string{"/", "/t/iran"} {
		s := newSite(t)
		b := &browser{site: s}
		var want []string
		for n := range 70 {
			a := s.publish(feed.Article{Title: fmt.Sprintf("Article %d", n), Published: s.clock.Add(-time.Duration(n) * time.Hour)}, "iran")
			want = append(want, a.Title)
		}
		var got []string
		for at, pages := path, 0; at != ""; pages++ {
			if pages > 5 {
				t.Fatal("no end of pages")
			}
			a := b.get(at).want(t, 200)
			got = append(got, a.titles()...)
			s.publish(feed.Article{Title: "Newer", Published: s.clock}, "iran")
			at = ""
			if m := regexp.MustCompile(`<a href="([^"]*)" rel="next"`).FindStringSubmatch(a.body); m != nil {
				at = html.UnescapeString(m[1])
			}
		}
		if strings.Join(got, "|") != strings.Join(want, "|") {
			t.Errorf("%s: got %d titles %q", path, len(got), got)
		}
	}
}

// A cursor that is of no use leads to the first page, which says why.
func TestCursors(t *testing.T) {
	s := newSite(t)
	s.publish(feed.Article{Title: "Talks resume"}, "north-korea")
	old := feed.Cursor{Edition: 1, At: s.clock, Started: s.clock.Add(-25 * time.Hour)}
	ahead := feed.Cursor{Edition: 9, At: s.clock, Started: s.clock}
	b := &browser{site: s}
	for _, cursor := range []string{"x", old.String(), strings.Repeat("A", 3000), "%00"} {
		for _, path := range []string{"/", "/t/north-korea"} {
			a := b.get(path+"?cursor="+cursor).want(t, 303)
			if got := a.Header.Get("Location"); got != path+"?note=expired" {
				t.Errorf("%s: leads to %q", path, got)
			}
		}
	}
	b.get("/?note=expired").want(t, 200, "That page had expired", "Talks resume")
	if a := b.get("/?cursor="+ahead.String()).want(t, 503); a.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
}

// An index that is not warm, and a store that is away, are said in words; the
// second also to who has no cookie only when they press.
func TestAway(t *testing.T) {
	s := newSite(t)
	s.publish(feed.Article{Title: "Talks resume"}, "north-korea")
	b, nobody := &browser{site: s}, &browser{site: s}
	b.press("north-korea", "follow", "/")

	s.warm.Store(false)
	if a := b.get("/").want(t, 503, "Warming up", `http-equiv="refresh"`); a.Header.Get("Retry-After") == "" || a.Header.Get("Cache-Control") != keepPrivate {
		t.Errorf("headers %v", a.Header)
	}
	s.warm.Store(true)
	s.reported = nil

	if err := s.store.Close(); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/", "/t/iran", "/my/interests", "/search"} {
		if a := b.get(path).want(t, 503, "We cannot reach your list just now"); a.Header.Get("Retry-After") == "" || b.cookie == "" {
			t.Errorf("GET %s: headers %v", path, a.Header)
		}
		nobody.get(path).want(t, 200)
	}
	b.press("iran", "follow", "/").want(t, 503, "may not have been saved")
	nobody.press("iran", "follow", "/").want(t, 503)
	if len(s.reported) != 6 {
		t.Errorf("%d errors were reported: %v", len(s.reported), s.reported)
	}
}

// Every empty state says what to do.
func TestEmpty(t *testing.T) {
	s := newSite(t)
	b := &browser{site: s}
	b.get("/").want(t, 200, "No articles yet", "newsfeed import", "POST /articles")
	b.get("/my/interests").want(t, 200, "Your list is empty")
	b.get("/search?q=zzzzqqqq").want(t, 200, "No topic of that name")
	b.get("/t/zzzzqqqq").want(t, 404, "No topic of that name", "Search all topics")
	b.get("/t/iran").want(t, 200, "Nothing on this topic just now")
	s.publish(feed.Article{Title: "Talks resume"}, "north-korea")
	b.press("iran", "follow", "/")
	b.get("/").want(t, 200, "Nothing on your interests just now", "/search").lacks(t, "Talks resume")
	b.press("iran", "none", "/")
	b.press("north-korea", "mute", "/")
	b.get("/").want(t, 200, "Nothing to show")
}

// Every page and asset carries the promised headers, the stylesheet for ever.
func TestHeaders(t *testing.T) {
	s := newSite(t)
	b := &browser{site: s}
	page := b.get("/").body
	css := regexp.MustCompile(`/assets/[0-9a-f]+\.css`).FindString(page)
	svg := regexp.MustCompile(`/assets/[0-9a-f]+\.svg`).FindString(page)
	for _, path := range []string{"/", "/t/iran", "/t/none-such", "/search", "/my/interests", css, svg, "/assets/old.css", "/sw.js", "/manifest.webmanifest"} {
		h := b.get(path).Header
		if h.Get("Content-Security-Policy") != "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' https: data:; media-src https:; connect-src 'self'; manifest-src 'self'; worker-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types newsfeed" ||
			h.Get("Referrer-Policy") != "same-origin" || h.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("GET %s: headers %v", path, h)
		}
	}
	for path, want := range map[string]string{css: "public, max-age=31536000, immutable", svg: "public, max-age=31536000, immutable", "/assets/old.css": "no-store"} {
		if got := b.get(path).want(t, 200).Header.Get("Cache-Control"); got != want {
			t.Errorf("GET %s: Cache-Control %q, want %q", path, got, want)
		}
	}
	b.get("/assets/x.js").want(t, 404)
	js := regexp.MustCompile(`<script type="module" src="(/assets/[0-9a-f]+\.js)"></script>`).FindStringSubmatch(page)
	if js == nil || b.get(js[1]).want(t, 200).Header.Get("Cache-Control") != "public, max-age=31536000, immutable" {
		t.Errorf("the script is %q", js)
	}
	for _, banned := range []string{"style=", "<style", "onclick"} {
		if strings.Contains(page, banned) || strings.Count(page, "<script") != 1 {
			t.Errorf("the page has %q, which its policy forbids", banned)
		}
	}
}

// Another name of a topic leads to its one page, ids of every script work.
func TestTopicNames(t *testing.T) {
	s := newSite(t)
	s.catalogue.Put(topic.Topic{ID: "渋谷駅", Name: "渋谷駅", Kind: topic.KindTag})
	b := &browser{site: s}
	for asked, want := range map[string]string{"North%20Korea": "/t/north-korea", "DPRK": "/t/north-korea", "NORTH-KOREA": "/t/north-korea"} {
		if a := b.get("/t/"+asked).want(t, 303); a.Header.Get("Location") != want {
			t.Errorf("/t/%s leads to %q", asked, a.Header.Get("Location"))
		}
	}
	b.get("/t/"+url.PathEscape("渋谷駅")).want(t, 200, `<h1 dir="auto">渋谷駅</h1>`, "Add interest")
}

// A guest's life is prolonged when they are seen a day later, list and cookie too.
func TestProlong(t *testing.T) {
	s := newSite(t)
	b := &browser{site: s}
	b.press("iran", "follow", "/")
	if a := b.get("/"); a.Header.Get("Set-Cookie") != "" {
		t.Errorf("the cookie is set again at once: %s", a.Header.Get("Set-Cookie"))
	}
	s.clock = s.clock.Add(25 * time.Hour)
	if a := b.get("/").want(t, 200); a.Header.Get("Set-Cookie") == "" {
		t.Error("the cookie is not set again")
	}
	session, err := s.people.Who(t.Context(), account.Secret(b.cookie))
	if want := s.clock.Add(account.GuestKept); err != nil || !session.Expires.Equal(want) {
		t.Errorf("expires %v, want %v (%v)", session.Expires, want, err)
	}
}

// Times are said as one would say them.
func TestAgo(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Hour: "just now", 59 * time.Second: "just now", time.Minute: "1 minute ago", 59 * time.Minute: "59 minutes ago",
		time.Hour: "1 hour ago", 23 * time.Hour: "23 hours ago", 24 * time.Hour: "1 day ago", 6*24*time.Hour + 1: "6 days ago",
		7 * 24 * time.Hour: "24 September", 300 * 24 * time.Hour: "5 December 2025",
	} {
		if got := ago(start.Add(-d), start); got != want {
			t.Errorf("%v ago is said %q, want %q", d, got, want)
		}
	}
}
