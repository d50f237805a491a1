package main

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// A topic is muted on the feed, and is nowhere from then on: not in the feed, on pages of
// other topics, in a story, among what is suggested and what is trending, in feed.rss.
// The search shows it as muted. Unmuted, it is everywhere again.
func TestJourneyOfAMute(t *testing.T) {
	j := &journey{serve(t), t, browser(t)}
	var much []map[string]any
	for i := range 6 {
		a := about(i+1, "Talks resume, part "+string(rune('A'+i)), "North Korea")
		a["topics"], a["source"] = []string{"North Korea", "Iran"}, map[string]string{"id": fmt.Sprint("paper-", i)}
		much = append(much, a)
	}
	for i := range 40 { // beside which it grows
		a := about(i+100, "Stone "+string(rune('a'+i)), "Granite")
		a["published_at"], a["source"] = time.Now().Add(-5*24*time.Hour).Format(time.RFC3339), map[string]string{"id": fmt.Sprint("quarry-", i)}
		much = append(much, a)
	}
	j.publish(append(much, about(9, "Oil slips", "Iran"), about(10, "Cup final", "Tennis"))...)
	b := j.device(1280)
	b.visit(j.url + "/t/iran")
	b.press(".levels button[name=follow]")
	var story string
	b.run(&story, `return document.querySelector('.card[data-story]').dataset.story`)
	rss := b.feedLink(j)
	shown := func(want bool) {
		t.Helper()
		for _, path := range []string{"/", "/t/iran", "/t/north-korea", "/s/" + story} {
			b.visit(j.url + path)
			var main string
			b.run(&main, `return document.querySelector('main').innerText`)
			if got := strings.Contains(main, "Talks resume"); got != want {
				t.Errorf("%s shows what is about the topic: %v, want %v:\n%.600s", path, got, want, main)
			}
		}
		for _, path := range []string{"/topics/suggested?limit=100", "/topics/trending?limit=100", strings.TrimPrefix(rss, j.url)} {
			text := ""
			if j.url+path == rss {
				text = get(t, rss)
			} else {
				b.run(&text, `return await (await fetch(%s)).text()`, path)
			}
			if got := strings.Contains(text, "north-korea") || strings.Contains(text, "Talks resume"); got != want {
				t.Errorf("%s shows the topic: %v, want %v:\n%.600s", path, got, want, text)
			}
		}
	}
	shown(true)
	b.visit(j.url + "/")
	b.click(".card:nth-child(1) .menu summary")
	b.click(".card:nth-child(1) button[name=mute][value=north-korea]")
	b.until(`document.querySelector('.toast')?.textContent.includes('You muted North Korea')`)
	b.wantTitles("Oil slips")
	b.shootIf("mute-1280")
	shown(false)
	b.visit(j.url + "/search?q=north+korea")
	b.sees("muted-in-search", "", "North Korea")
	b.until(`document.querySelector('.row button[name=none][value=north-korea]')?.textContent === 'Unmute'`)
	b.press(".row button[name=none][value=north-korea]")
	shown(true)
}

// feedLink makes a link to the feed for other apps, on its page.
func (b *tab) feedLink(j *journey) (url string) {
	b.t.Helper()
	b.visit(j.url + "/my/links")
	b.do(chromedp.SendKeys(chromedp.CSS("#label"), "reader"))
	b.press("form[action='/my/links'] button")
	b.run(&url, `return document.querySelector('#rss').value`)
	return url
}

func get(t *testing.T, url string) string {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: %d, %v", url, response.StatusCode, err)
	}
	return string(body)
}
