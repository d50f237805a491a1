package main

import (
	"context"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// signUp makes a member, signed in on a tab through the form.
func (b *tab) signUp(p *process, email string) {
	b.t.Helper()
	b.visit(p.url + "/sign-up")
	b.fill("main form", "email", email, "password", "correct horse battery")
}

func (b *tab) signInAs(p *process, email string) {
	b.t.Helper()
	b.visit(p.url + "/sign-in")
	b.fill("main form", "email", email, "password", "correct horse battery")
}

// kept waits until the worker has the page, so that it can be read without the service.
func (b *tab) kept(path string) {
	b.t.Helper()
	b.until(`await navigator.serviceWorker.ready && navigator.serviceWorker.controller && (await Promise.all((await caches.keys()).filter((n) => n.startsWith('pages ')).map(async (n) => (await caches.open(n)).match(%s)))).some(Boolean)`, path)
}

// toFront makes a tab the one that is seen: others get no touch, and hold no stream.
func (b *tab) toFront() {
	b.t.Helper()
	b.do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, page.BringToFront, cdp.Empty{})
		return err
	}))
}

// What happens elsewhere is told by a pill, which moves nothing of what is read: an
// article that is published, an edit on another device. Of eight tabs one has the
// stream, and all are told.
func TestElsewhereInBrowser(t *testing.T) {
	p := serve(t)
	p.publish(about(5, "Talks resume", "North Korea"), about(6, "Oil slips", "Crude Oil"))
	desk, phone := browser(t), browser(t)
	desk.signUp(p, "ann@example.com")
	desk.visit(p.url + "/t/north-korea")
	desk.press(".levels button[name=follow]")
	tabs := []*tab{desk}
	for range 7 {
		tabs = append(tabs, desk.tab())
	}
	for _, tab := range tabs {
		tab.visit(p.url + "/")
		tab.wantTitles("Talks resume")
	}
	phone.signInAs(p, "ann@example.com")
	phone.visit(p.url + "/t/crude-oil")
	last := tabs[7]
	last.toFront()
	last.until(`(await navigator.locks.query()).held.some((l) => l.name.startsWith('newsfeed live '))`)
	last.run(nil, `if (document.querySelector('.pill')) throw new Error('a pill, and nothing has happened')`)
	var before, after float64
	last.run(&before, `return document.querySelector('.card').getBoundingClientRect().top`)
	p.publish(about(1, "Missile test", "North Korea"))
	last.until(`document.querySelector('.pill')?.textContent === '1 new story'`)
	last.run(&after, `return document.querySelector('.card').getBoundingClientRect().top`)
	if before != after {
		t.Errorf("the card was at %v, and is at %v since the pill is there", before, after)
	}
	last.wantTitles("Talks resume")
	phone.press(".levels button[name=follow]")
	last.until(`document.querySelector('.pill')?.textContent.startsWith('Your topics have changed')`)
	last.press(".pill a")
	last.wantTitles("Missile test", "Talks resume", "Oil slips")
	for _, tab := range tabs {
		var held int
		tab.run(&held, `return (await navigator.locks.query()).held.filter((l) => l.name.startsWith('newsfeed live ')).length`)
		if held > 1 {
			t.Errorf("%d streams", held)
		}
	}
}

// The service goes away: the last feed is read, and says of when it is; a topic is
// added, and saved when the service is back.
func TestOfflineInBrowser(t *testing.T) {
	p := serve(t)
	p.publish(about(1, "Talks resume", "North Korea"), about(2, "Nuclear talks", "North Korea"))
	b := browser(t)
	b.signUp(p, "ann@example.com")
	b.visit(p.url + "/t/north-korea")
	b.press(".levels button[name=follow]")
	b.visit(p.url + "/")
	b.kept("/")
	p.kill()
	b.visit(p.url + "/")
	b.until(`document.querySelector('.note')?.textContent.startsWith('The service cannot be reached. This is how it was on ')`)
	b.wantTitles("Talks resume", "Nuclear talks")
	b.click(`.card:first-child .chip button[name=follow]`)
	b.until(`document.querySelector('.toast')?.textContent.includes('kept on this device')`)
	var topic string
	b.run(&topic, `return document.querySelectorAll('.card:first-child .chip.on button')[1].value`)
	b.click(".card:first-child button[name=save]")
	b.until(`document.querySelector('.toast')?.textContent.startsWith('Kept on this device')`)
	p.start()
	b.visit(p.url + "/")
	b.until(`!localStorage.getItem('waiting')`)
	b.visit(p.url + "/my/interests")
	b.until(`document.querySelector('.row button[value="' + %s + '"]')`, topic)
}

// A edits offline and signs out, B signs in: A was asked before the edit was dropped,
// and nothing of A is seen or sent afterwards.
func TestAnotherPersonInBrowser(t *testing.T) {
	p := serve(t)
	p.publish(about(1, "Talks resume", "North Korea"))
	b := browser(t)
	b.signUp(p, "bea@example.com")
	b.press(".entrance form button")
	b.signUp(p, "ann@example.com")
	b.visit(p.url + "/t/north-korea")
	b.press(".levels button[name=follow]")
	b.visit(p.url + "/")
	b.kept("/")
	p.kill()
	b.visit(p.url + "/")
	b.click(`.card:first-child .chip button[name=follow]`)
	b.until(`localStorage.getItem('waiting')`)
	b.run(nil, `globalThis.asked = 0; globalThis.confirm = () => { asked++; return false; }`)
	b.click(".entrance form button")
	b.until(`asked === 1`) // and she says no
	p.start()
	b.visit(p.url + "/my/devices") // a page on which the edit is not sent before the next press
	b.until(`!localStorage.getItem('waiting')`)
	b.press(".entrance form button")
	b.until(`(await indexedDB.databases()).length === 0 && (await caches.keys()).every((n) => !n.startsWith('pages ')) && !localStorage.getItem('waiting')`)
	b.signInAs(p, "bea@example.com")
	b.visit(p.url + "/my/interests")
	b.until(`document.querySelector('.empty h2').textContent === 'Your list is empty'`)
	b.visit(p.url + "/")
	b.kept("/")
	p.kill()
	b.visit(p.url + "/")
	b.until(`document.querySelector('.note') && !document.querySelector('.because a[href*=north-korea]')`)
}

// An expired session is said in a line, and no page is refused.
func TestExpiredInBrowser(t *testing.T) {
	p := serve(t)
	p.publish(about(1, "Talks resume", "North Korea"))
	b := browser(t)
	b.visit(p.url + "/")
	b.run(nil, `document.cookie = '__Host-newsfeed=gone; path=/; Secure'`)
	b.visit(p.url + "/")
	b.wantTitles("Talks resume")
	b.sees("expired", "", "You are not signed in on this browser any more")
}
