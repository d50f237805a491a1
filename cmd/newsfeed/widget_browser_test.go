package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
)

// publisher is a site of others, on this machine under another name than the service.
func publisher(t *testing.T, page string, service *string) (url string) {
	t.Helper()
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, strings.ReplaceAll(page, "http://127.0.0.1:8080", *service))
	}))
	t.Cleanup(site.Close)
	return strings.Replace(site.URL, "127.0.0.1", "localhost", 1)
}

// opened is the window that an act opens.
func (b *tab) opened(act func()) *tab {
	b.t.Helper()
	id := chromedp.WaitNewTarget(b.ctx, func(i *target.Info) bool { return i.Type == "page" })
	act()
	var found target.ID
	select {
	case found = <-id:
	case <-time.After(20 * time.Second):
		b.t.Fatal("no window was opened")
	}
	ctx, cancel := chromedp.NewContext(b.ctx, chromedp.WithTargetID(found))
	b.t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		b.t.Fatalf("look at the window that was opened: %v", err)
	}
	return &tab{b.t, ctx}
}

// enter presses the key on a button in a widget.
func (b *tab) enter(widget int, text string) {
	b.t.Helper()
	b.until(`document.querySelectorAll('add-interest')[%s].shadowRoot && [...document.querySelectorAll('add-interest')[%s].shadowRoot.querySelectorAll('button')].find((one) => one.textContent.startsWith(%s))`, fmt.Sprint(widget), fmt.Sprint(widget), text)
	b.run(nil, `[...document.querySelectorAll('add-interest')[%s].shadowRoot.querySelectorAll('button')].find((one) => one.textContent.startsWith(%s)).focus()`, fmt.Sprint(widget), text)
	b.do(chromedp.KeyEvent("\r"))
}

// shown is what a widget says, button by button.
func (b *tab) shown(widget int) (texts []string) {
	b.t.Helper()
	b.run(&texts, `return [...document.querySelectorAll('add-interest')[Number(%s)].shadowRoot.children].map((one) => one.textContent).filter((text) => text)`, fmt.Sprint(widget))
	return texts
}

// answers fills in the popup and presses a button of it.
func (b *tab) answers(email, do string) {
	b.t.Helper()
	b.until(`!document.querySelector('[data-part=ask]').hidden`)
	b.run(nil, `document.querySelector('[name=email]').value = %s; document.querySelector('[name=password]').value = 'correct horse battery';
		setTimeout(() => document.querySelector('[value=' + %s + ']').click(), 0)`, email, do)
}

const offer = "To save your interests"

// A reader of another site's article adds a topic by keyboard, signs up in the popup,
// and the page gets a token that is good for nothing else; its list is on the account.
func TestWidgetInBrowser(t *testing.T) {
	demo, err := os.ReadFile("../../docs/embed-demo.html")
	if err != nil {
		t.Fatal(err)
	}
	var service string
	site := publisher(t, string(demo), &service)
	p := serve(t, "NEWSFEED_ALLOWED_ORIGINS="+site)
	service = p.url
	b := browser(t)
	b.visit(site)
	b.until(`[0, 1].every((i) => document.querySelectorAll('add-interest')[i].shadowRoot?.querySelector('button'))`)
	if got := fmt.Sprint(b.shown(0), b.shown(1), b.shown(2)); got != "[Add interest: North Korea] [Add interest: North Korea Add interest: Iran] []" {
		t.Errorf("the widgets show %s", got)
	}
	var kept struct{ Before, Height int }
	b.run(&kept, `globalThis.told = []; for (const name of ['interest-added', 'interest-removed']) addEventListener(name, (e) => told.push(name + ' ' + e.detail.topic));
		return {Before: localStorage.length, Height: Math.min(...[...document.querySelectorAll('add-interest')].map((one) => one.offsetHeight))}`)
	if kept.Before != 0 || kept.Height < 44 {
		t.Errorf("before the first press %d things are stored, and the least height is %d", kept.Before, kept.Height)
	}
	b.enter(0, "Add interest")
	b.until(`document.querySelector('add-interest').shadowRoot.querySelector('[aria-pressed=true]')`)
	b.enter(0, "Interest added")
	b.until(`told.length == 2`)
	b.enter(0, "Add interest")
	b.until(`told.join() == 'interest-added north-korea,interest-removed north-korea,interest-added north-korea'`)

	popup := b.opened(func() { b.enter(0, offer) })
	popup.until(`!document.querySelector('[data-part=ask]').hidden`)
	popup.sees("embed-sign-in", "email", "localhost:", "may add and remove topics in your list")
	popup.answers("ann@example.com", "sign-up")
	b.until(`!JSON.parse(localStorage.getItem(localStorage.key(0))).guest`)
	var token string
	b.run(&token, `return JSON.parse(localStorage.getItem(localStorage.key(0))).token`)

	var in struct{ Token string }
	p.call(http.MethodPost, "/sessions", "", map[string]string{"email": "ann@example.com", "password": "correct horse battery"}, &in)
	if got := fmt.Sprint(p.list(in.Token)); got != "[north-korea follow]" {
		t.Errorf("the account's list is %s", got)
	}
	if status := p.call(http.MethodGet, "/feed", token, nil, nil); status != http.StatusForbidden {
		t.Errorf("the feed by the widget's token: %d", status)
	}
	b.enter(1, "Add interest: Iran")
	b.until(`told.at(-1) == 'interest-added iran'`)
	p.call(http.MethodPut, "/interests/iran", in.Token, map[string]string{"level": "mute"}, nil)
	b.enter(1, "Interest added: Iran")
	b.until(`document.querySelectorAll('add-interest')[1].shadowRoot.textContent.includes('You muted Iran')`)
	if got := fmt.Sprint(p.list(in.Token)); got != "[iran mute north-korea follow]" {
		t.Errorf("after a press on what was muted elsewhere the list is %s", got)
	}

	p.kill()
	b.run(nil, `document.querySelector('add-interest').shadowRoot.querySelector('button').click()`)
	b.until(`document.querySelector('add-interest').shadowRoot.querySelector('[role=status]').textContent`)
	b.visit(site) // without the service: nothing is thrown
}

// The popup tells nothing to a page that the operator did not name, nor in a frame,
// nor for a second message, and its answer reaches the origin it was asked by only.
func TestPopupAgainstHostilePages(t *testing.T) {
	const page = `<!doctype html><title>x</title><link rel="icon" href="data:,"><button>open</button>`
	var service string
	named, hostile := publisher(t, page, &service), publisher(t, page, &service)
	p := serve(t, "NEWSFEED_ALLOWED_ORIGINS="+named)
	service = p.url
	var first, second struct{ Token string }
	for _, guest := range []*struct{ Token string }{&first, &second} {
		p.call(http.MethodPost, "/guests", "", nil, guest)
	}
	p.call(http.MethodPut, "/interests/iran", first.Token, map[string]string{"level": "follow"}, nil)
	p.call(http.MethodPut, "/interests/cuba", second.Token, map[string]string{"level": "follow"}, nil)
	asks := func(b *tab, guests ...string) *tab {
		return b.opened(func() {
			b.run(nil, `globalThis.heard = []; addEventListener('message', (e) => {
				heard.push(e.data);
				if (e.data == 'newsfeed-ready') for (const guest of %s) e.source.postMessage({newsfeed: 1, guest}, '*');
			});
			document.querySelector('button').onclick = () => { globalThis.popup = open(%s + '/embed/sign-in'); }`, guests, p.url)
			b.do(chromedp.Click(chromedp.CSS("button")))
		})
	}
	b := browser(t)
	b.visit(hostile)
	popup := asks(b, first.Token)
	popup.until(`!document.querySelector('[data-part=refused]').hidden`)
	popup.run(nil, `document.querySelector('main form').requestSubmit(document.querySelector('main [value=sign-in]'))`)
	var status int
	popup.run(&status, `return (await fetch('/embed/sign-in', {method: 'POST', body: new URLSearchParams({site: %s, do: 'sign-up', email: 'eve@example.com', password: 'correct horse battery'})})).status`, hostile)
	if status != http.StatusForbidden {
		t.Errorf("a token for a site that is not named: %d", status)
	}
	var heard []any
	if b.run(&heard, `return heard`); len(heard) != 1 {
		t.Errorf("a hostile page hears %v", heard)
	}

	other := b.tab()
	other.visit(named)
	popup = asks(other, first.Token, second.Token)
	popup.answers("ann@example.com", "sign-up")
	other.until(`heard.length == 2`)
	var in struct{ Token string }
	p.call(http.MethodPost, "/sessions", "", map[string]string{"email": "ann@example.com", "password": "correct horse battery"}, &in)
	if got := fmt.Sprint(p.list(in.Token)); got != "[iran follow]" {
		t.Errorf("of two messages the list has %s, want iran: the first one's", got)
	}

	gone := b.tab()
	gone.visit(named)
	popup = asks(gone, "")
	popup.until(`!document.querySelector('[data-part=ask]').hidden`)
	gone.visit(hostile) // in the place of the page that asked
	gone.run(nil, `globalThis.heard = []; addEventListener('message', (e) => heard.push(e.data))`)
	popup.answers("ann@example.com", "sign-in")
	framed := b.tab()
	framed.visit(named)
	framed.run(&heard, `const heard = []; addEventListener('message', (e) => heard.push(e.data));
		const frame = document.createElement('iframe'); frame.src = %s + '/embed/sign-in';
		await new Promise((done) => { frame.onload = done; document.body.append(frame); });
		return heard`, p.url)
	if len(heard) != 0 {
		t.Errorf("in a frame the popup says %v", heard)
	}
	if gone.run(&heard, `return heard`); len(heard) != 0 {
		t.Errorf("the page that took the place of who asked hears %v", heard)
	}
}
