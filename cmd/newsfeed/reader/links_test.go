package reader

import (
	"bytes"
	"context"
	"fmt"
	"mime/multipart"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"newsfeed/interests/account"
)

var newLink = regexp.MustCompile(`value="https://news\.example/feed\.(rss|atom|json)\?token=([^"]+)"`)

// A link is made, shown once, listed with its last use, and ended; it reads the feed of
// who made it, also a guest's.
func TestLinksPage(t *testing.T) {
	for name, enter := range map[string]func(*browser){"a guest": func(*browser) {}, "a member": func(b *browser) { b.signUp() }} {
		b := &browser{site: newSite(t)}
		enter(b)
		b.get("/my/links").want(t, 200, "Make a link").lacks(t, "token=", "End</button>")
		page := b.leads(b.send("/my/links", "label", " The <kiosk> "), "/my/links").want(t, 200, "shown this once", "The &lt;kiosk&gt;", "never used")
		shown := newLink.FindAllStringSubmatch(page.body, -1)
		if len(shown) != 3 || shown[0][2] != shown[2][2] {
			t.Fatalf("%s: the addresses are %q", name, shown)
		}
		if kept := page.Header.Get("Cache-Control"); kept != keepPrivate {
			t.Errorf("%s: a page with a secret may be kept: %q", name, kept)
		}
		b.get("/my/links").want(t, 200, "The &lt;kiosk&gt;").lacks(t, "token=", shown[0][2])
		secret := account.Secret(shown[0][2])
		link, err := b.people.Limited(context.Background(), secret)
		if err != nil || link.Use != account.UseFeed || link.Label != "The <kiosk>" {
			t.Fatalf("%s: %+v (%v)", name, link, err)
		}
		b.clock = b.clock.Add(2 * time.Hour)
		if _, err := b.people.Touch(context.Background(), secret, link); err != nil {
			t.Fatal(err)
		}
		b.get("/my/links").want(t, 200, "last used on").lacks(t, "never used")
		b.leads(b.send("/my/links/end", "session", link.ID.String()), "/my/links?").want(t, 200, "That is ended").lacks(t, "kiosk")
		if _, err := b.people.Limited(context.Background(), secret); err == nil {
			t.Errorf("%s: an ended link leads on", name)
		}
		b.send("/my/links", "label", strings.Repeat("x", 101)).want(t, 422, "at most 100 characters")
		b.send("/my/links/end", "session", "x").want(t, 400)
		b.sendFrom("cross-site", "/my/links", "label", "x").want(t, 403)
	}
}

// A person's links are nobody else's to end.
func TestLinkOfAnother(t *testing.T) {
	s := newSite(t)
	ann, ben := &browser{site: s}, &browser{site: s}
	page := ann.leads(ann.send("/my/links", "label", "Mine"), "/my/links")
	id := regexp.MustCompile(`name="session" value="([^"]+)"`).FindStringSubmatch(page.body)[1]
	ben.press("iran", "follow", "/")
	ben.send("/my/links/end", "session", id).want(t, 303)
	ann.get("/my/links").want(t, 200, "Mine")
}

func (b *browser) bring(file string) answer {
	b.t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	part, err := w.CreateFormFile("opml", "list.opml")
	if err == nil {
		_, err = part.Write([]byte(file))
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		b.t.Fatal(err)
	}
	req := httptest.NewRequest("POST", "/my/interests/import", &body)
	req.Header.Set("Content-Type", w.FormDataContentType())
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	return b.do(req)
}

// A file of another app brings topics, says by line what names none, and lifts no mute.
func TestImportByForm(t *testing.T) {
	b := &browser{site: newSite(t)}
	b.press("iran", "mute", "/")
	file := `<opml version="2.0"><body>
<outline text="World">
<outline text="Iran" xmlUrl="https://x.example/iran.xml"/>
<outline title="Nobody &lt;knows&gt; this" text="x" xmlUrl="https://x.example/2"/></outline>
<outline text="North Korea" category="favourite"/>
<outline text="other name" xmlUrl="https://news.example/topics/tennis.rss" category="mute"/></body></opml>`
	b.bring(file).want(t, 200, "2 topics added", "North Korea", "Tennis", "1 topic was in your list already", "1 line names no topic", "Line 4: <bdi>Nobody &lt;knows&gt; this</bdi>")
	b.wantTopics("[north-korea iran tennis]") // the favourite, and the mutes
	b.get("/my/interests").want(t, 200, "Favourites", "Muted").lacks(t, "Following</h2>")
	b.bring(file).want(t, 200, "0 topics added", "3 topics were in your list already")

	nobody := &browser{site: b.site}
	nobody.bring(`<opml><body><outline text="Nowhere at all" category="follow"/></body></opml>`).want(t, 200, "0 topics added", "Line 1")
	if nobody.cookie != "" {
		t.Error("a file without a topic has made a guest")
	}
	nobody.bring(`<opml><body><outline text="Cuba" category="follow"/></body></opml>`).want(t, 200, "1 topic added", "Cuba", "/interests.opml")
	nobody.wantTopics("[cuba]")
	for name, bad := range map[string]string{"no OPML": "<rss/>", "no topic": "<opml><body/></opml>", "too many": "<opml><body>" + strings.Repeat(`<outline text="Cuba" category="follow"/>`, 1001) + "</body></opml>"} {
		if page := nobody.bring(bad); page.StatusCode != 422 || !strings.Contains(page.body, "This is no OPML that can be read") {
			t.Errorf("%s: %d", name, page.StatusCode)
		}
	}
	nobody.bring("<opml>"+strings.Repeat(" ", maxOPMLForm)).want(t, 413, "Nothing was changed")
	nobody.send("/my/interests/import", "opml", file).want(t, 400)
	if fmt.Sprint(b.reported) != "[]" {
		t.Errorf("reported: %v", b.reported)
	}
}
