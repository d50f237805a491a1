package main

import (
	"context"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// Journeys by keyboard alone.

// focused is where the focus is.
type focused struct {
	What string // as far as a person can tell: the words and the kind
	Seen bool   // it is drawn, on the screen, and not behind something
}

// where says where the focus is. An outline or a shadow shows it, on the element or on
// the frame that it is in.
func (b *tab) where() (f focused) {
	b.t.Helper()
	b.run(&f, `const e = document.activeElement;
		if (e === document.body) return { What: '', Seen: true };
		const drawn = (e) => { const s = getComputedStyle(e); return s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) > 0 || s.boxShadow !== 'none'; };
		const r = e.getBoundingClientRect(), points = [[r.left + 3, r.top + 3], [r.left + r.width / 2, r.top + r.height / 2], [r.right - 3, r.bottom - 3]];
		const there = points.some(([x, y]) => { const at = document.elementFromPoint(x, y); return at && (e.contains(at) || at.contains(e)); });
		return { What: e.tagName + ' ' + (e.name ?? '') + ' ' + (e.getAttribute('aria-label') ?? e.textContent.trim().slice(0, 60)), Seen: there && (drawn(e) || e.closest('.find') && drawn(e.closest('.find'))) };`)
	return f
}

// tabTo presses the tab key until an element has the focus. On the way each one that has
// it is seen to have it, and none keeps it.
func (b *tab) tabTo(what string) {
	b.t.Helper()
	before := b.where()
	for range 250 {
		b.key("\t")
		now := b.where()
		if !now.Seen {
			b.t.Errorf("on the way to %s the focus is on %q, and that is not seen", what, now.What)
		}
		if now.What != "" && now.What == before.What {
			b.t.Fatalf("on the way to %s the focus stays on %q", what, now.What)
		}
		var there bool
		if b.run(&there, `return document.activeElement.matches(%s)`, what); there {
			return
		}
		before = now
	}
	b.t.Fatalf("%s is not reached by 250 presses of the tab key", what)
}

// enterPage presses a key that leads to another page.
func (b *tab) enterPage(key string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, tabPatience)
	defer cancel()
	if _, err := chromedp.RunResponse(ctx, chromedp.KeyEvent(key)); err != nil {
		b.t.Fatalf("press %q: %v", key, err)
	}
}

// types writes into whatever has the focus.
func (b *tab) types(text string) {
	b.t.Helper()
	for _, r := range text {
		b.key(string(r))
	}
}

func (b *tab) wantFocus(after, what string) {
	b.t.Helper()
	b.until(`document.activeElement.matches(%s)`, what)
	b.run(nil, `for (let frame = 0; frame < 2; frame++) await new Promise(requestAnimationFrame)`)
	if f := b.where(); !f.Seen {
		b.t.Errorf("after %s the focus is on %q, and that is not seen", after, f.What)
	}
}

// By keys alone: choose topics, read, star, hide, mute, take both back, add from an
// article, search, sign up, sign out, bring a guest's topics along and take them back.
func TestJourneysByKeyboard(t *testing.T) {
	p := serve(t)
	p.publish(about(1, "Oil slips", "Crude Oil"), about(2, "Talks resume", "North Korea"), about(3, "Cup final", "Tennis"))
	b := browser(t)
	b.do(chromedp.EmulateViewport(1280, 844), chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true}) // as the window that is used
		return err
	}))
	b.visit(p.url + "/")
	b.key("\t")
	b.wantFocus("the first tab", ".skip")
	b.tabTo(".welcome .button")
	b.enterPage("\r")
	for _, topic := range []string{"north-korea", "tennis"} {
		b.tabTo(".pick[value=" + topic + "]")
		b.key("\r")
		b.until(`document.querySelector('.pick.on[name=none][value=' + %s + ']')`, topic)
		b.wantFocus("a choice", ".pick[value="+topic+"]")
	}
	b.tabTo(".done .button")
	b.enterPage("\r")
	b.wantTitles("Talks resume", "Cup final")
	b.marksByKeys()
	b.addsByKeys(p)
	b.signsByKeys(p)
}

func (b *tab) marksByKeys() {
	b.t.Helper()
	const first, second = ".card:nth-child(1)", ".card:nth-child(2)"
	b.key("j")
	b.wantFocus("j", first)
	b.key("s")
	b.until(`document.querySelector('.card:nth-child(1) button[name=unsave][aria-pressed=true]')`)
	b.key("m")
	b.wantFocus("m", first+" button[name=hide]")
	b.key("\x1b")
	b.wantFocus("Escape", first+" summary")
	b.key("m")
	b.key("\r")
	b.until(`document.querySelector('.toast')?.textContent.startsWith('The story is hidden')`)
	b.wantFocus("a hidden story", second)
	b.key("u")
	b.wantFocus("its undo", first)
	b.wantTitles("Talks resume", "Cup final")
	b.key("m")
	b.tabTo(first + " button[name=mute][value=north-korea]")
	b.key("\r")
	b.until(`document.querySelector('.toast')?.textContent.startsWith('You muted North Korea')`)
	b.wantFocus("a mute", second)
	b.key("u")
	b.wantFocus("its undo", first)
	b.wantTitles("Talks resume", "Cup final")
	b.key("j")
	b.wantFocus("j", second)
	b.key("k")
	b.wantFocus("k", first)
	b.key("?")
	b.wantFocus("?", "dialog[open] input, dialog[open] button")
	b.key("\t")
	b.wantFocus("tab in the list of keys", "dialog[open] button")
	b.key("\x1b")
	b.until(`!document.querySelector('dialog')`)
	b.wantFocus("the list of keys", first)
}

func (b *tab) addsByKeys(p *process) {
	b.t.Helper()
	b.visit(p.url + "/t/crude-oil")
	b.key("j")
	b.tabTo(".card .about")
	b.enterPage("\r")
	b.tabTo(".ask button")
	b.enterPage("\r")
	b.key("/")
	b.wantFocus("/", "#q")
	b.types("iran")
	b.enterPage("\r")
	b.tabTo(".row button[name=follow][value=iran]")
	b.enterPage("\r")
	b.sees("found-1280", "", "Iran")
	b.visit(p.url + "/")
	b.wantTitles("Oil slips", "Talks resume", "Cup final")
}

func (b *tab) signsByKeys(p *process) {
	b.t.Helper()
	b.tabTo(".entrance .who")
	b.enterPage("\r")
	b.wantFocus("the page of signing up", "#email")
	b.types("ann@example.com")
	b.tabTo("#password")
	b.types("correct horse battery")
	b.tabTo("main button")
	b.enterPage("\r")
	b.tabTo(".plain") // sign out
	b.enterPage("\r")
	b.tabTo(".chip button[value=tennis]") // and as a guest
	b.key("\r")
	b.until(`document.querySelector('.chip.on button[value=tennis]')`)
	b.visit(p.url + "/t/russia")
	b.tabTo(".levels button[name=follow]")
	b.enterPage("\r")
	b.visit(p.url + "/sign-in")
	b.wantFocus("the page of signing in", "#email")
	b.types("ann@example.com")
	b.tabTo("#password")
	b.types("correct horse battery")
	b.tabTo("#merge")
	b.tabTo("main button")
	b.key("\r")
	b.until(`document.activeElement.className === 'preview'`)
	b.tabTo("main button")
	b.enterPage("\r")
	b.sees("merged-by-keys-1280", "", "Russia", "Added from this device: 1 topic")
	b.tabTo(".acts form button")
	b.enterPage("\r")
	b.sees("undone-by-keys-1280", "", "is taken back")
}

// The tab key goes through all of a page and leaves it again.
func TestNoKeyboardTrap(t *testing.T) {
	w := newLookWorld(t)
	b := browser(t)
	b.signUp(w.process, "ann@example.com")
	for _, path := range []string{"/t/north-korea", "/a/" + w.article, "/s/" + w.story, "/my/interests", "/my/account", "/search?q=korea", "/pick"} {
		b.visit(w.url + path)
		b.tabTo(".skip")
		b.tabTo(".foot p:last-child a:last-child")
		b.key("\t")
		b.tabTo(".skip")
	}
}
