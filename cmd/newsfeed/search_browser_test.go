package main

import (
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// Topics are found while one types, from any page and by keys: what was typed last is
// what is listed, a muted topic says so, Enter opens the one that is chosen, and Escape
// closes the list. Nothing of it is a fault to axe.
func TestSearchAsYouType(t *testing.T) {
	source, p := axe(t), serve(t)
	p.publish(about(1, "Cup final", "Tennis"))
	b := browser(t)
	b.do(chromedp.EmulateViewport(390, 844))
	b.visit(p.url + "/t/tennis")
	b.press(".levels button[name=mute]")
	b.visit(p.url + "/search")
	b.click("#q")
	b.until(`document.activeElement.id === 'q' && document.activeElement.role === 'combobox'`)
	for _, key := range "north" {
		b.key(string(key))
	}
	b.until(`[...document.querySelectorAll('#found [role=option]')].some((o) => o.textContent === 'North Korea country')`)
	b.wantNoViolations("a list of topics", source)
	b.sees("search-390", "q", "North Korea", "country")
	b.key("\x1b")
	b.until(`document.querySelector('#found').hidden && document.activeElement.getAttribute('aria-expanded') === 'false'`)

	b.run(nil, `document.querySelector('#q').value = ''`)
	for _, key := range "tennis" {
		b.key(string(key))
	}
	b.until(`document.querySelector('#found [role=option]')?.textContent === 'Tennis sport · muted'`)
	b.run(nil, `if (document.querySelector('#q').hasAttribute('aria-activedescendant')) throw new Error('a topic is chosen that nobody chose')`)
	b.key(kb.ArrowDown)
	b.until(`document.getElementById(document.querySelector('#q').getAttribute('aria-activedescendant'))?.matches('[aria-selected=true]')`)
	b.enterPage("\r")
	b.until(`location.pathname === '/t/tennis' && document.querySelector('.levels .state')`)

	b.visit(p.url + "/") // Enter with none chosen searches
	b.click("#q")
	b.until(`document.activeElement.role === 'combobox'`)
	b.key("k")
	b.until(`document.querySelector('#found [role=option]')`)
	b.enterPage("\r")
	b.until(`location.pathname === '/search' && document.querySelector('main .row')`)
}

// Of two answers the one to what was typed last counts, however late the other comes.
func TestSearchAnswersLate(t *testing.T) {
	p := serve(t)
	b := browser(t)
	b.visit(p.url + "/search")
	b.run(nil, `const real = fetch, held = [];
		globalThis.asked = 0;
		globalThis.release = () => held.forEach((go) => go());
		globalThis.fetch = async (url, options) => {
			if (!String(url).startsWith('/topics')) return real(url, options);
			const first = !asked++;
			const answer = await real(url, { ...options, signal: undefined });
			if (first) await new Promise((go) => held.push(go));
			return answer;
		};`)
	b.click("#q")
	b.until(`document.activeElement.role === 'combobox'`)
	b.key("i")
	b.until(`asked === 1`)
	b.key("r")
	b.until(`asked === 2 && document.querySelector('#found [role=option]')`)
	var before, after string
	b.run(&before, `return document.querySelector('#found').textContent`)
	b.run(&after, `release(); for (let frame = 0; frame < 3; frame++) await new Promise(requestAnimationFrame); return document.querySelector('#found').textContent`)
	if before != after {
		t.Errorf("a late answer took the place of the one to what was typed last: %q, was %q", after, before)
	}
}
