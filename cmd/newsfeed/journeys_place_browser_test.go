package main

import (
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// arrives waits until an expression holds, on whatever page is shown meanwhile.
func (b *tab) arrives(what string) {
	b.t.Helper()
	for deadline := time.Now().Add(tabPatience); time.Now().Before(deadline); {
		held, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](`new Promise((done) => setTimeout(() => done(Boolean(`+what+`)), 20))`, chromedp.EvalAwaitPromise))
		if err == nil && held {
			return
		}
	}
	b.t.Fatalf("waited in vain for %s", what)
}

// What is being read keeps its place: when news is told of, and when one comes back from
// an article. A page whose address has expired leads to the first one, and says why.
func TestJourneyKeepsThePlace(t *testing.T) {
	j := &journey{serve(t), t, browser(t)}
	var articles []map[string]any
	for i := range 45 {
		articles = append(articles, about(i+10, fmt.Sprintf("Talks resume, part %d", i), "North Korea"))
	}
	j.publish(articles...)
	b := j.device(390)
	b.visit(j.url + "/t/north-korea")
	b.press(".levels button[name=follow]")
	b.visit(j.url + "/")
	b.toFront()
	b.until(`(await navigator.locks.query()).held.some((l) => l.name.startsWith('newsfeed live '))`)
	var id string
	b.run(&id, `return document.querySelector('.card:nth-child(10)').id`)
	top := func() (top float64) {
		b.run(&top, `return document.getElementById(%s).getBoundingClientRect().top`, id)
		return top
	}
	b.run(nil, `document.getElementById(%s).scrollIntoView({ behavior: 'instant' }); scrollBy({ top: 40, behavior: 'instant' })`, id)
	before := top()
	j.publish(about(1, "Missile test", "North Korea"))
	b.until(`document.querySelector('.pill')?.textContent === '1 new story'`)
	b.shootIf("pill-390")
	if after := top(); after != before {
		t.Errorf("the card was at %v, and is at %v since there is news", before, after)
	}
	b.run(nil, `setTimeout(() => document.getElementById(%s).querySelector('.about').click(), 0)`, id) // a click of chromedp's would scroll
	b.arrives(`location.pathname.startsWith('/a/') && document.readyState === 'complete'`)
	b.run(nil, `setTimeout(() => history.back(), 0)`)
	b.arrives(fmt.Sprintf(`location.pathname === '/' && Math.abs(document.getElementById(%q).getBoundingClientRect().top - %v) < 1`, id, before))
	if titles := b.titles(); titles[0] != "Missile test" {
		t.Errorf("the page that one comes back to begins with %s", titles[0]) // or it is the same one, and keeps its place by itself
	}
	b.press(".next a")
	var address string
	b.run(&address, `return location.href`)
	b.visit(address[:len(address)-6] + "AAAAAA") // as one that has expired: of no use
	b.sees("expired-page-390", "", "That page had expired, so here is the first one again.")
	var path string
	if b.run(&path, `return location.pathname + location.search`); path != "/?note=expired" {
		t.Errorf("it leads to %s", path)
	}
	b.do(chromedp.EmulateViewport(1280, 844))
	b.shootIf("expired-page-1280")
}
