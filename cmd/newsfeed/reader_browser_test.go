package main

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// Journeys through the reader in a browser.

// until waits in the page until an expression holds; it may wait for promises.
func (b *tab) until(what string, args ...any) {
	b.t.Helper()
	var text string
	b.run(&text, `const end = Date.now() + 15e3;
		while (!(`+what+`)) {
			if (Date.now() > end) return document.body.innerText;
			await new Promise((done) => setTimeout(done, 20));
		}
		return '';`, args...)
	if text != "" {
		b.t.Fatalf("waited in vain for "+strings.ReplaceAll(what, "%", "%%")+":\n%.1500s", text)
	}
}

// click clicks without waiting for another page.
func (b *tab) click(what string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, tabPatience)
	defer cancel()
	if err := chromedp.Do(ctx, chromedp.Click(chromedp.CSS(what))); err != nil {
		b.t.Fatalf("click %s: %v", what, err)
	}
}

// key presses a key on whatever has the focus.
func (b *tab) key(key string) {
	b.t.Helper()
	b.do(chromedp.KeyEvent(key))
}

// titles are those of the cards that are seen.
func (b *tab) titles() (titles []string) {
	b.t.Helper()
	b.run(&titles, `return [...document.querySelectorAll('.card:not([hidden]) h2')].map((h) => h.textContent)`)
	return titles
}

func (b *tab) wantTitles(want ...string) {
	b.t.Helper()
	if got := b.titles(); fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) {
		b.t.Errorf("the cards are %q, want %q", got, want)
	}
}

// about is an article about a topic, published so many minutes ago.
func about(i int, title, topic string) map[string]any {
	a := testArticle(i)
	a["title"], a["topics"], a["published_at"] = title, []string{topic}, time.Now().Add(-time.Duration(i)*time.Minute).Format(time.RFC3339)
	return a
}

// The first visit: somebody chooses topics and has a feed; a star, a story that is
// hidden and comes back, a mute, and the same by keys. No page is loaded anew.
func TestFirstVisitInBrowser(t *testing.T) {
	p := serve(t)
	p.publish(about(1, "Oil slips", "Crude Oil"), about(2, "Talks resume", "North Korea"), about(3, "Cup final", "Tennis"))
	b := browser(t)
	b.do(chromedp.EmulateViewport(390, 844))
	b.visit(p.url + "/")
	b.press(".welcome .button")
	b.click(".pick[value=north-korea]")
	b.until(`document.querySelector('.pick.on[value=north-korea][name=none]')`)
	b.visit(p.url + "/t/crude-oil") // a press on a topic's page
	b.press(".levels button[name=follow]")
	b.visit(p.url + "/")
	b.wantTitles("Oil slips", "Talks resume")

	first := ".card:first-child "
	b.click(first + "button[name=save]")
	b.until(`document.querySelector('.card button[name=unsave][aria-pressed=true]')`)
	b.click(first + ".menu summary")
	b.click(first + "button[name=hide]")
	b.until(`document.querySelector('.toast button')`)
	b.wantTitles("Talks resume")
	b.click(".toast button")
	b.until(`!document.querySelector('.card[hidden]')`)
	b.wantTitles("Oil slips", "Talks resume")

	b.key("j")
	b.key("j")
	b.key("r")
	b.until(`document.querySelector('.card:nth-child(2).read')`)
	b.key("m")
	b.until(`document.activeElement.name === 'hide'`)
	b.key("\t")
	b.key("\t")
	b.until(`document.activeElement.name === 'mute' && document.activeElement.value === 'north-korea'`)
	b.key("\r")
	b.until(`document.querySelector('.toast')?.textContent.includes('You muted North Korea')`)
	b.wantTitles("Oil slips")
	b.key("?")
	b.until(`document.querySelector('dialog[open]')`)
	b.key("\x1b")

	b.visit(p.url + "/my/saved")
	b.wantTitles("Oil slips")
	b.visit(p.url + "/")
	b.wantTitles("Oil slips")
	b.visit(p.url + "/my/interests")
	b.sees("first-visit-390", "", "Muted", "North Korea", "Crude Oil")
}
