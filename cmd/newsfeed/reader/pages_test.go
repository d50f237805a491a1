package reader

import (
	"fmt"
	"html"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"newsfeed/feed"
	"newsfeed/interests/topic"
)

// reports publishes further articles of a's story, each from a source of its own.
func (s *site) reports(a feed.Article, titles ...string) {
	for i, title := range titles {
		s.edition++
		b := feed.Article{Title: title, URL: fmt.Sprintf("https://other%d.example/%d", i, s.edition), Kind: feed.Video,
			Source: feed.Source{ID: fmt.Sprint("other-", i), Name: fmt.Sprint("Other ", i)}, Published: a.Published, Tags: a.Tags[:len(a.Tags)-1]}
		b.ID = feed.NewArticleID(b.URL)
		b.Tags = append(b.Tags[:len(b.Tags):len(b.Tags)], feed.Tag{Topic: topic.SourceTopicID(b.Source.ID), Name: b.Source.Name, Salience: 1})
		s.apply(feed.Entry{Edition: s.edition, At: s.clock, Article: b, Owner: b.Source.ID, Key: feed.Key(1, b.Published, 12*time.Hour) - 1,
			Story: feed.StoryID(a.ID), StoryNum: 1, StoryNth: i + 2})
	}
}

// undoes presses the undo of a page, and returns where it leads.
func (b *browser) undoes(page answer) answer {
	b.t.Helper()
	m := regexp.MustCompile(`<form method="post" action="([^"]*)"><input type="hidden" name="back" value="([^"]*)"><button class="small" name="([^"]*)" value="([^"]*)">Undo`).FindStringSubmatch(page.body)
	if m == nil {
		b.t.Fatalf("no undo in\n%.3000s", page.body)
	}
	return b.leads(b.send(m[1], "back", html.UnescapeString(m[2]), m[3], m[4]), html.UnescapeString(m[2]))
}

// A card can be saved, hidden and marked as read, and each can be taken back.
func TestMarks(t *testing.T) {
	s := newSite(t)
	a := s.publish(feed.Article{Title: "Talks resume"}, "north-korea")
	s.publish(feed.Article{Title: "Oil up"}, "iran")
	b := &browser{site: s}
	id := a.ID.String()

	if got := b.send("/my/marks", "save", id, "back", "/#x").want(t, 303).Header.Get("Location"); got != "/#x" {
		t.Errorf("leads to %q", got)
	}
	if b.cookie == "" {
		t.Fatal("the first star makes no guest")
	}
	b.get("/").want(t, 200, `name="unsave" value="`+id)
	if got := b.get("/my/saved").want(t, 200).titles(); fmt.Sprint(got) != "[Talks resume]" {
		t.Errorf("saved: %q", got)
	}
	b.send("/my/marks", "unsave", id).want(t, 303)
	b.get("/my/saved").want(t, 200, "Nothing saved yet")

	page := b.leads(b.send("/my/marks", "hide", id, "back", "/t/north-korea"), "/t/north-korea?").want(t, 200, "The story is hidden").lacks(t, "Talks resume")
	b.get("/").want(t, 200, "Oil up").lacks(t, "Talks resume")
	b.get("/s/"+id).want(t, 200, "Nothing of this story is shown to you").lacks(t, "Talks resume")
	b.undoes(page).want(t, 200, "Talks resume")

	b.send("/my/marks", "read", id).want(t, 303)
	b.get("/").want(t, 200, "Talks resume", `card lead read`)
	b.get("/?unread=true").want(t, 200, "Oil up").lacks(t, "Talks resume")
	b.send("/my/marks", "unread", id).want(t, 303)
	b.get("/?unread=true").want(t, 200, "Talks resume")
}

// All cards of a page are marked as read at once, and the undo takes back exactly
// what that changed.
func TestAllRead(t *testing.T) {
	s := newSite(t)
	var ids []string
	for n := range 5 {
		ids = append(ids, s.publish(feed.Article{Title: fmt.Sprint("Article ", n)}, "iran").ID.String())
	}
	b := &browser{site: s}
	b.send("/my/marks", "read", ids[2]).want(t, 303)
	page := b.get("/").want(t, 200, "Mark all above as read")
	form := regexp.MustCompile(`name="read" value="([^"]*)">`).FindAllStringSubmatch(page.body[strings.Index(page.body, "allread"):], -1)
	if len(form) != 4 {
		t.Fatalf("%d stories in the form, want the 4 unread ones", len(form))
	}
	v := url.Values{"all": {"yes"}, "back": {"/?unread=true"}}
	for _, m := range form {
		v.Add("read", m[1])
	}
	page = b.leads(b.sendForm("same-origin", "/my/marks", v), "/?").want(t, 200, "4 stories marked as read", "All read")
	b.undoes(page).want(t, 200, "Article 0", "Article 4").lacks(t, "Article 2")
}

// What a mute or a removal took away comes back as it was; an address cannot make
// a page offer to undo what was not done.
func TestUndoLevels(t *testing.T) {
	s := newSite(t)
	s.publish(feed.Article{Title: "Talks resume"}, "north-korea")
	b := &browser{site: s}
	b.press("north-korea", "favourite", "/").want(t, 303)
	page := b.leads(b.press("north-korea", "mute", "/"), "/?").want(t, 200, "You muted North Korea.").lacks(t, "Talks resume")
	b.undoes(page).want(t, 200, "Talks resume")
	b.get("/my/interests").want(t, 200, "Favourites", "North Korea")
	page = b.leads(b.press("north-korea", "none", "/my/interests"), "/my/interests?").want(t, 200, "You removed North Korea.")
	b.undoes(page).want(t, 200, "Favourites")
	page = b.leads(b.press("north-korea", "follow", "/my/interests"), "/my/interests?").want(t, 200, "You follow North Korea now.", "Following</h2>")
	b.undoes(page).want(t, 200, "Favourites").lacks(t, "Following</h2>")
	page = b.leads(b.press("japan", "follow", "/my/interests"), "/my/interests?").want(t, 200, "You follow Japan now.")
	b.undoes(page).lacks(t, "Japan</bdi></a> <span")

	for _, address := range []string{"/?note=mute&of=iran&was=follow", "/?note=favourite&of=north-korea&was=x", "/?note=hidden&of=" + uuid.NewString(),
		"/?note=read&of=x&count=2", "/?note=none&of=north-korea&was=follow", "/?note=favourite&of=north-korea&was=favourite"} {
		b.get(address).want(t, 200).lacks(t, "Undo")
	}
	(&browser{site: s}).get("/?note=mute&of=north-korea&was=follow").want(t, 200).lacks(t, "Undo")
}

// Marks that no button makes are refused, and make no guest.
func TestBadMarks(t *testing.T) {
	s := newSite(t)
	id := s.publish(feed.Article{Title: "Talks resume"}, "north-korea").ID.String()
	many := url.Values{"all": {"yes"}}
	for range maxMarked + 1 {
		many.Add("read", id)
	}
	for i, tt := range []struct {
		fields url.Values
		want   int
	}{
		{url.Values{"save": {uuid.NewString()}}, 404}, {url.Values{"save": {"x"}}, 400}, {url.Values{}, 400},
		{url.Values{"save": {id}, "hide": {id}}, 400}, {url.Values{"save": {id, id}}, 400}, {many, 400},
		{url.Values{"read": {id, id}}, 400}, {url.Values{"all": {"yes"}, "save": {id}}, 400},
		{url.Values{"unread-at": {"x"}}, 400}, {url.Values{"unsave": {id}}, 303}, {url.Values{"unread-at": {strings.Repeat("0", 32)}}, 303},
	} {
		b := &browser{site: s}
		b.sendForm("same-origin", "/my/marks", tt.fields).want(t, tt.want)
		if b.cookie != "" {
			t.Errorf("%d: a guest is made", i)
		}
		b.sendForm("cross-site", "/my/marks", tt.fields).want(t, 403)
	}
}

// An article's page shows what its publisher sent, names the publisher's address
// first and to search engines, and asks about its topics.
func TestArticlePage(t *testing.T) {
	s := newSite(t)
	a := s.publish(feed.Article{Title: "Talks resume", Summary: "In short.", Language: "de",
		BodyHTML: `<p>The whole text.</p><img src="https://x.example/a.jpg" alt="A"><img src="https://x.example/a.svg"><img src="http://x.example/b.jpg">`}, "north-korea", "iran")
	b := &browser{site: s}
	path := "/a/" + a.ID.String()
	page := b.get(path).want(t, 200, `<meta name="robots" content="noindex">`, `<link rel="canonical" href="`+a.URL+`">`,
		"<p>The whole text.</p>", `loading="lazy" decoding="async" referrerpolicy="no-referrer" src="https://x.example/a.jpg"`,
		"Interested in <bdi>North Korea</bdi>?", `lang="de"`).lacks(t, "a.svg", "http://x.example", `class="standfirst"`)
	main := page.body[strings.Index(page.body, `<main id="main">`):]
	if link := regexp.MustCompile(`<a [^>]*href="([^"]*)"`).FindStringSubmatch(main); link == nil || link[1] != a.URL {
		t.Errorf("the first link is %q, want %s", link, a.URL)
	}
	b.leads(b.press("north-korea", "follow", path), path).want(t, 200, "Interested in <bdi>Iran</bdi>?", "Why it is in your feed", "You follow")
	b.press("iran", "mute", path)
	b.get(path).want(t, 200, "You muted", "not in your feed")

	b.get("/a/"+uuid.NewString()).want(t, 404, "Nothing is here")
	b.get("/a/x").want(t, 404)
	s.edition++
	s.apply(feed.Entry{Edition: s.edition, At: s.clock, Article: a, Withdrawn: true, Owner: "paper", Story: feed.StoryID(a.ID), StoryNum: 1, Previous: 1})
	b.get(path).want(t, 410, "withdrawn")

	off := newSite(t, func(d *Deps) { d.NoBodies, d.NoImages = true, true })
	a = off.publish(feed.Article{Title: "Talks resume", Summary: "In short.", BodyHTML: "<p>The whole text.</p>",
		Image: &feed.Image{URL: "https://x.example/a.jpg"}}, "north-korea")
	for _, path := range []string{"/", "/a/" + a.ID.String()} {
		(&browser{site: off}).get(path).want(t, 200, "In short.").lacks(t, "The whole text", "x.example/a.jpg")
	}
}

// A story's page has all its reports that the visitor may see.
func TestStoryPage(t *testing.T) {
	s := newSite(t)
	a := s.publish(feed.Article{Title: "Talks resume"}, "north-korea")
	s.reports(a, "Talks again", "Watch the talks")
	b := &browser{site: s}
	b.get("/").want(t, 200, `2 more reports from Other`, "/s/"+a.ID.String())
	b.get("/s/"+a.ID.String()).want(t, 200, "Talks resume", "Talks again", "Watch the talks", "3 reports from 3 sources")
	b.press("source-other-1", "mute", "/")
	b.get("/s/"+a.ID.String()).want(t, 200, "Talks again").lacks(t, "Watch the talks")
	b.get("/s/"+uuid.NewString()).want(t, 404, "Nothing is here")
}

// The first visit: topics to choose from, and a feed of those chosen.
func TestPick(t *testing.T) {
	s := newSite(t)
	s.publish(feed.Article{Title: "Talks resume"}, "north-korea")
	s.publish(feed.Article{Title: "Oil up"}, "iran")
	b := &browser{site: s}
	b.get("/").want(t, 200, `href="/pick"`)
	b.get("/pick").want(t, 200, "Subjects", "Places", "Add interest: North Korea", "Back to the feed")
	b.leads(b.press("north-korea", "follow", "/pick"), "/pick").want(t, 200, "Following North Korea", "Show my feed (1 topic)")
	b.get("/").want(t, 200, "Talks resume").lacks(t, "Oil up")
}

// Where sign-up is closed there are no guests either.
func TestClosedToGuests(t *testing.T) {
	s := newSite(t, func(d *Deps) { d.SignUp = false })
	id := s.publish(feed.Article{Title: "Talks resume"}, "north-korea").ID.String()
	b := &browser{site: s}
	b.press("north-korea", "follow", "/").want(t, 403, "Sign in to do that", "/sign-in")
	b.send("/my/marks", "save", id).want(t, 403, "Sign in to do that")
	if b.cookie != "" {
		t.Error("a guest is made")
	}
}

// A page of a walk that began before an edit goes on as it began, but for mutes.
func TestWalkAcrossEdits(t *testing.T) {
	s := newSite(t)
	for n := range 70 {
		s.publish(feed.Article{Title: fmt.Sprintf("Iran %d", n), Published: s.clock.Add(-time.Duration(2*n) * time.Minute)}, "iran")
		s.publish(feed.Article{Title: fmt.Sprintf("Chad %d", n), Published: s.clock.Add(-time.Duration(2*n+1) * time.Minute)}, "chad")
	}
	b := &browser{site: s}
	b.press("iran", "follow", "/")
	page := b.get("/")
	next := html.UnescapeString(regexp.MustCompile(`<a href="([^"]*)" rel="next"`).FindStringSubmatch(page.body)[1])
	b.press("chad", "follow", "/")
	for _, title := range b.get(next).want(t, 200).titles() {
		if !strings.HasPrefix(title, "Iran ") {
			t.Errorf("%q is on a page of a walk that began without its topic", title)
		}
	}
	b.press("iran", "mute", "/")
	if got := b.get(next).want(t, 200).titles(); len(got) > 0 {
		t.Errorf("muted since: %q", got)
	}
	(&browser{site: s}).get(next).want(t, 303)
}
