package main

import (
	"testing"

	"github.com/chromedp/chromedp"
)

// Journeys of one person over several devices: on the embedded store and on servers.

// journey is a service and the browser in which its devices are opened.
type journey struct {
	*process
	t       *testing.T
	browser *tab
}

// device opens a browser that knows nothing of the others, as wide as a phone or a desk.
func (j *journey) device(width int64) *tab {
	j.t.Helper()
	d := j.browser.device(j.t)
	d.do(chromedp.EmulateViewport(width, 844))
	return d
}

// onBothStores runs journeys on the embedded store and on servers.
func onBothStores(t *testing.T, b *tab, run func(*journey)) {
	for name, settings := range map[string]func(testing.TB) []string{
		"embedded": func(testing.TB) []string { return nil }, "servers": onServers,
	} {
		t.Run(name, func(t *testing.T) { run(&journey{serve(t, settings(t)...), t, b}) })
	}
}

// A first visit ends in a feed, an article's page adds to it, and signing up takes it
// along. Another device sees it, and what is added here shows there without being
// asked for. A guest's topics come into the account, said before, and go again.
func TestJourneysOfAPerson(t *testing.T) {
	onBothStores(t, browser(t), func(j *journey) {
		j.publish(about(1, "Oil slips", "Crude Oil"), about(2, "Talks resume", "North Korea"), about(3, "Cup final", "Tennis"))
		phone := j.device(390)
		phone.choose(j)
		phone.addFromArticle(j)
		phone.signsUp(j)
		phone.wantCookie("__Host-newsfeed", true)
		desk := j.device(1280)
		desk.seesAtOnce(j, phone)
		desk.reads(j, phone)
		j.device(390).bringsAlong(j)
	})
}

// choose is a first visit: two topics are chosen, and are the feed.
func (b *tab) choose(j *journey) {
	b.t.Helper()
	b.visit(j.url + "/")
	b.press(".welcome .button")
	for _, topic := range []string{"north-korea", "tennis"} {
		b.click(".pick[value=" + topic + "]")
		b.until(`document.querySelector('.pick.on[name=none][value=' + %s + ']')`, topic)
	}
	b.sees("chosen-390", "", "Show my feed (2 topics)")
	b.press(".done .button")
	b.wantTitles("Talks resume", "Cup final")
}

// addFromArticle reads an article and presses what it asks: the feed is another.
func (b *tab) addFromArticle(j *journey) {
	b.t.Helper()
	b.visit(j.url + "/t/crude-oil")
	b.press(".card .about")
	b.sees("asked-390", "", "Interested in Crude Oil?", "Add interest")
	b.press(".ask button")
	b.visit(j.url + "/")
	b.wantTitles("Oil slips", "Talks resume", "Cup final")
}

// signsUp makes an account of what the guest has.
func (b *tab) signsUp(j *journey) {
	b.t.Helper()
	b.press(".entrance .who")
	b.sees("sign-up-of-3-390", "email", "The 3 topics of this device come along")
	b.fill("main form", "email", "ann@example.com", "password", "correct horse battery")
	b.wantTitles("Oil slips", "Talks resume", "Cup final")
	b.sees("member-390", "", "You have an account")
}

// seesAtOnce signs in on another device, which shows what the first one does then.
func (b *tab) seesAtOnce(j *journey, phone *tab) {
	b.t.Helper()
	b.signInAs(j.process, "ann@example.com")
	b.visit(j.url + "/")
	b.wantTitles("Oil slips", "Talks resume", "Cup final")
	b.until(`(await navigator.locks.query()).held.some((l) => l.name.startsWith('newsfeed live '))`)
	b.run(nil, `globalThis.pill = new Promise((resolve) => new MutationObserver(() => document.querySelector('.pill') && resolve(Date.now())).observe(document.body, { childList: true }))`)
	phone.visit(j.url + "/t/tennis")
	phone.press(".levels button[name=none]")
	var pressed, seen float64
	phone.run(&pressed, `return performance.timeOrigin`)
	b.run(&seen, `return await pill`)
	b.t.Logf("seen on the other device %.0f ms after the page that follows the press", seen-pressed)
	b.press(".pill a")
	b.wantTitles("Oil slips", "Talks resume")
	b.shootIf("second-device-1280")
}

// reads takes a star on the phone to the desk.
func (b *tab) reads(j *journey, phone *tab) {
	b.t.Helper()
	phone.toFront()
	phone.do(chromedp.EmulateViewport(390, 844, chromedp.EmulateMobile, chromedp.EmulateTouch))
	phone.visit(j.url + "/")
	phone.do(chromedp.Tap(chromedp.CSS(".card:nth-child(2) button[name=save]")))
	phone.until(`document.querySelector('.card:nth-child(2) button[name=unsave][aria-pressed=true]')`)
	b.visit(j.url + "/my/saved")
	b.wantTitles("Talks resume")
	b.visit(j.url + "/")
	b.until(`document.querySelector('.card:nth-child(2) button[name=unsave][aria-pressed=true]')`)
	phone.visit(j.url + "/my/saved")
	phone.wantTitles("Talks resume")
	phone.shootIf("star-390")
}

// bringsAlong signs a guest in to the account of before; first are cards that lead its feed.
func (b *tab) bringsAlong(j *journey, first ...string) {
	b.t.Helper()
	for topic, button := range map[string]string{"tennis": "follow", "crude-oil": "mute"} {
		b.visit(j.url + "/t/" + topic)
		b.press(".levels button[name=" + button + "]")
	}
	b.visit(j.url + "/sign-in")
	b.sees("bring-390", "email", "Bring along the 2 topics of this device")
	b.enters("ann@example.com")
	b.sees("preview-390", "", "1 topic will be added to your account", "Tennis", "1 topic is otherwise in your account", "Crude Oil: muted, no longer followed")
	b.press("main form button")
	b.sees("brought-390", "", "Added from this device: 1 topic", "Tennis", "Crude Oil", "muted, no longer followed")
	var told string
	b.run(&told, `return location.href`)
	b.visit(j.url + "/")
	b.wantTitles(append(first, "Talks resume", "Cup final")...)
	b.visit(told)
	b.press(".acts form button")
	b.sees("taken-back-390", "", "is taken back")
	b.visit(j.url + "/")
	b.wantTitles(append(first, "Oil slips", "Talks resume")...)
}
