package api

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"strings"
	"testing"
	"time"

	"newsfeed/interests/account"
)

func (h *House) link(token account.Secret) (id string, secret account.Secret) {
	h.Helper()
	var got struct {
		ID    string
		Token account.Secret
	}
	h.Must(201, "POST", "/feed/tokens", token, `{"label":"Kiosk"}`).JSON(h, &got)
	return got.ID, got.Token
}

func (h *House) sessions(token account.Secret) map[string]sessionShape {
	h.Helper()
	var got struct{ Sessions []sessionShape }
	h.Must(200, "GET", "/sessions", token, "").JSON(h, &got)
	shapes := map[string]sessionShape{}
	for _, s := range got.Sessions {
		shapes[s.ID.String()] = s
	}
	return shapes
}

// A link leads to the feed until it is ended, is listed with its last use, and stays
// when the password is changed.
func TestLink(t *testing.T) {
	h := NewHouse(t)
	ann := h.enter(201, "/accounts", "", creds("ann@example.org")).Token
	id, secret := h.link(ann)
	if s := h.sessions(ann)[id]; s.Kind != "feed" || s.Label != "Kiosk" || !s.Used.IsZero() {
		t.Errorf("a new link is listed as %+v", s)
	}
	h.Clock.Move(3 * time.Hour)
	h.Must(200, "GET", "/feed.rss?token="+string(secret), "", "")
	if s := h.sessions(ann)[id]; !s.Used.Equal(h.Clock.Now().UTC().Truncate(time.Millisecond)) || !s.Used.Equal(s.Seen) {
		t.Errorf("used at %v, now it is %v", s.Used, h.Clock.Now())
	}
	h.Must(204, "PUT", "/account/password", ann, `{"current":"correct horse","new":"battery staple"}`)
	h.Must(200, "GET", "/feed.atom?token="+string(secret), "", "")
	h.Must(204, "DELETE", "/sessions/"+id, ann, "")
	for _, f := range []string{"rss", "atom", "json"} {
		h.Must(404, "GET", "/feed."+f+"?token="+string(secret), "", "")
	}
	h.Must(404, "GET", "/feed.rss?token="+string(ann), "", "") // a device's token has no place in an address
}

// A guest's link ends with the guest: whoever made it on a shared computer reads
// nothing of who signs in, or up, there later.
func TestLinkOfGuest(t *testing.T) {
	h := NewHouse(t)
	h.enter(201, "/accounts", "", creds("ann@example.org"))
	ends := map[string]func(guest account.Secret){
		"signed up": func(guest account.Secret) { h.enter(201, "/accounts", guest, creds("ben@example.org")) },
		"signed in": func(guest account.Secret) { h.enter(201, "/sessions", guest, creds("ann@example.org")) },
		"ended":     func(guest account.Secret) { h.Must(204, "DELETE", "/sessions/current", guest, "") },
		"erased":    func(guest account.Secret) { h.Must(200, "DELETE", "/account", guest, "") },
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			guest := h.Guest()
			h.Follow(guest, "iran")
			id, secret := h.link(guest)
			if all := h.sessions(guest); len(all) != 2 || all[id].Kind != "feed" {
				t.Errorf("a guest with a link has the sessions %v", all)
			}
			h.Must(200, "GET", "/feed.json?token="+string(secret), "", "")
			end(guest)
			h.Must(404, "GET", "/feed.json?token="+string(secret), "", "")
		})
	}
	guest := h.Guest()
	id, secret := h.link(guest)
	h.Must(204, "DELETE", "/sessions/"+id, guest, "")
	h.Must(404, "GET", "/feed.json?token="+string(secret), "", "")
}

// Who reads by a link only is still here: guest, list and marks live on.
func TestLinkKeepsGuest(t *testing.T) {
	h := NewHouse(t)
	guest := h.Guest()
	h.Follow(guest, "iran")
	_, secret := h.link(guest)
	for range 5 {
		h.Clock.Move(60 * 24 * time.Hour)
		h.Must(200, "GET", "/feed.json?token="+string(secret), "", "")
	}
	h.Must(200, "GET", "/interests", guest, "")
}

// A link's secret is refused by every other call, as a bearer token and as a cookie.
func TestLinkIsGoodForNothingElse(t *testing.T) {
	h := NewHouse(t, func(d *Deps) { d.Settings.Bench = true })
	ann := h.enter(201, "/accounts", "", creds("ann@example.org")).Token
	_, secret := h.link(ann)
	refused := 0
	for _, r := range routes() {
		if r.access == linked {
			continue
		}
		path := strings.NewReplacer("{id}", "iran", "{topic}", "iran", "{story}", "x", "{article}", "x").Replace(r.path)
		if got := h.Call(r.method, path, secret, ""); got.StatusCode != 403 {
			t.Errorf("%s %s by a link's secret answered %d, want 403", r.method, path, got.StatusCode)
		}
		refused++
	}
	if refused < 50 {
		t.Errorf("%d calls were tried: that cannot be all", refused)
	}
}

// The three formats say the same, by date, whatever is in a title or a summary.
func TestDocumentsAgree(t *testing.T) {
	h := NewHouse(t)
	reader := h.Guest()
	h.Follow(reader, "north-korea")
	titles := []string{"Plain", "AT&T <3 “profits”", `&lt;script&gt;alert(1)&lt;/script&gt; & more`, "]]> end", "Ключ ключей", "حديث طويل", "\u202eright to left"}
	for i, title := range titles {
		b, err := json.Marshal(map[string]any{"url": fmt.Sprintf("https://news.example/%d?a=1&b=<2>", i), "title": title, "summary": "A <b>& B " + title, "topics": []string{"North Korea"},
			"published_at": h.Clock.Now().Add(-time.Duration(i*i%7) * time.Hour).UTC().Format(time.RFC3339), "source": map[string]string{"id": fmt.Sprint("s", i), "name": "S & Söhne"}})
		if err != nil {
			t.Fatal(err)
		}
		if got := post(t, h, h.Publisher, string(b), ndjson); got.Accepted != 1 {
			t.Fatalf("%s: %+v", b, got)
		}
	}
	read := func(path string, v any) {
		t.Helper()
		body := h.Must(200, "GET", path, reader, "").Body
		var err error
		if strings.Contains(path, ".json") {
			err = json.Unmarshal(body, v)
		} else {
			err = xml.Unmarshal(body, v)
		}
		if err != nil {
			t.Fatalf("%s: %v\n%s", path, err, body)
		}
	}
	var rss struct {
		Items []struct {
			GUID  string `xml:"guid"`
			Title string `xml:"title"`
			Link  string `xml:"link"`
			Date  string `xml:"pubDate"`
		} `xml:"channel>item"`
	}
	var atom struct {
		Entries []struct {
			ID    string `xml:"id"`
			Title string `xml:"title"`
			Link  struct {
				Href string `xml:"href,attr"`
			} `xml:"link"`
			Date string `xml:"published"`
		} `xml:"entry"`
	}
	var page Page
	h.Must(200, "GET", "/feed?limit=50&must_know=0", reader, "").JSON(t, &page)
	cards := map[string]string{}
	for _, card := range page.Items {
		cards["urn:uuid:"+card.Story] = card.Article.Title
	}
	for _, base := range []string{"/feed", "/topics/north-korea"} {
		rss.Items, atom.Entries = nil, nil
		read(base+".rss", &rss)
		read(base+".atom", &atom)
		var jsonFeed struct {
			Items []struct {
				ID    string
				Title string
				URL   string
				Date  time.Time `json:"date_published"`
			}
		}
		read(base+".json", &jsonFeed)
		if len(jsonFeed.Items) != len(page.Items) || len(rss.Items) != len(page.Items) || len(atom.Entries) != len(page.Items) {
			t.Fatalf("%s: %d, %d and %d items, want %d", base, len(rss.Items), len(atom.Entries), len(jsonFeed.Items), len(page.Items))
		}
		for i, j := range jsonFeed.Items {
			r, a := rss.Items[i], atom.Entries[i]
			if r.GUID != j.ID || a.ID != j.ID || r.Title != j.Title || a.Title != j.Title || r.Link != j.URL || a.Link.Href != j.URL ||
				r.Date != j.Date.Format("Mon, 02 Jan 2006 15:04:05 GMT") || a.Date != j.Date.Format(time.RFC3339) {
				t.Errorf("%s: item %d differs:\n%+v\n%+v\n%+v", base, i, r, a, j)
			}
			if i > 0 && j.Date.After(jsonFeed.Items[i-1].Date) {
				t.Errorf("%s: item %d is newer than the one before it", base, i)
			}
			if cards[j.ID] != j.Title {
				t.Errorf("%s: %+v is not a card of the feed", base, j)
			}
		}
	}
}
