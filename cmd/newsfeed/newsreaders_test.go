package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"newsfeed/storage/storagetest/servers"
)

// readItem is an item as a newsreader has it.
type readItem struct {
	ID, Link, Title string
	Date            int64
}

func (i *readItem) UnmarshalJSON(b []byte) error {
	return json.Unmarshal(b, &[]any{&i.ID, &i.Link, &i.Title, &i.Date})
}

// asRead runs the script that asks a newsreader.
func asRead(t *testing.T, python string, args ...string) (items []readItem) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), python, append([]string{"testdata/newsreaders.py"}, args...)...).Output()
	if err == nil {
		err = json.Unmarshal(out, &items)
	}
	if err != nil {
		t.Fatalf("%v: %v\n%s", args, err, out)
	}
	return items
}

// byNewsboat has newsboat fetch an address and returns what it keeps.
func byNewsboat(t *testing.T, newsboat, python, url string) []readItem {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"urls": `"` + url + "\"\n", "config": "max-items 0\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cache := filepath.Join(dir, "cache.db")
	cmd := exec.CommandContext(t.Context(), newsboat, "-u", filepath.Join(dir, "urls"), "-C", filepath.Join(dir, "config"), "-c", cache, "-x", "reload")
	cmd.Env = append(os.Environ(), "HOME="+dir, "TERM=xterm")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("newsboat %s: %v\n%s", url, err, out)
	}
	return asRead(t, python, "newsboat", cache)
}

// Real newsreaders read the same ids, links, titles and dates from every format, and
// those of the cards.
func TestNewsreaders(t *testing.T) {
	newsboat, python := servers.Newsboat(t), servers.Feedparser(t)
	p := serve(t)
	began := time.Now().Add(-24 * time.Hour).UTC().Truncate(time.Second)
	titles := []string{"Ferry sails again", "AT&T and the “profits” of 1 < 2", "Größere Häfen – ein Überblick", "ميناء جديد في الشمال", "平壌の新しい港"}
	for i, title := range titles {
		p.publish(map[string]any{"url": fmt.Sprintf("https://news.example.com/%d?a=1&b=2", i), "title": title, "summary": "Told by us.", "topics": []string{"North Korea"},
			"published_at": began.Add(time.Duration(i) * time.Hour), "source": map[string]string{"id": fmt.Sprintf("paper-%d", i), "name": "Paper & Sons"}})
	}
	token := p.guest("north-korea")
	var link struct{ Token string }
	p.call(http.MethodPost, "/feed/tokens", token, nil, &link)
	want := map[string]readItem{}
	for _, card := range p.feed(token, 100).Items {
		want["urn:uuid:"+card.Story] = readItem{"urn:uuid:" + card.Story, card.Article.URL, card.Article.Title, card.Article.Published.Unix()}
	}
	if len(want) != len(titles) {
		t.Fatalf("the feed has %d cards, want %d", len(want), len(titles))
	}
	check := func(who string, items []readItem) {
		t.Helper()
		if len(items) != len(want) {
			t.Errorf("%s reads %d items, want %d", who, len(items), len(want))
		}
		for i, item := range items {
			if item != want[item.ID] {
				t.Errorf("%s reads %+v, want %+v", who, item, want[item.ID])
			}
			if i > 0 && item.Date > items[i-1].Date {
				t.Errorf("%s: item %d is newer than the one before it", who, i)
			}
		}
	}
	for _, format := range []string{"rss", "atom"} {
		for _, path := range []string{"/feed." + format + "?token=" + link.Token, "/topics/north-korea." + format} {
			check("newsboat "+path, byNewsboat(t, newsboat, python, p.url+path))
			check("feedparser "+path, asRead(t, python, "feedparser", p.url+path))
		}
	}
	var jsonFeed struct {
		Items []struct {
			ID, URL, Title string
			Date           time.Time `json:"date_published"`
		}
	}
	p.call(http.MethodGet, "/feed.json?token="+link.Token, "", nil, &jsonFeed)
	var items []readItem
	for _, i := range jsonFeed.Items {
		items = append(items, readItem{i.ID, i.URL, i.Title, i.Date.Unix()})
	}
	check("JSON Feed", items)
	if strings.Contains(p.out.String(), link.Token) {
		t.Error("the link's secret is in the log")
	}
}
