package main

import (
	"context"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// Without the service a story is saved, hidden and read on a device whose clock is ten
// minutes fast: the page shows it so, also when it is loaded again, and everything is
// saved when the service is back.
func TestMarksOffline(t *testing.T) {
	p := serve(t)
	p.publish(about(1, "Talks resume", "North Korea"), about(2, "Nuclear talks", "North Korea"), about(3, "Talks again", "North Korea"))
	b := browser(t)
	b.signUp(p, "ann@example.com")
	b.visit(p.url + "/t/north-korea")
	b.press(".levels button[name=follow]")
	b.visit(p.url + "/")
	b.kept("/")
	p.kill()
	b.visit(p.url + "/")
	b.until(`document.querySelector('.note')`)
	b.run(nil, `const now = Date.now; Date.now = () => now() + 600e3`)
	b.click(".card:nth-child(1) button[name=save]")
	b.until(`document.querySelector('.card button[name=unsave]') && document.querySelector('.toast').textContent.startsWith('Kept on this device')`)
	b.click(".card:nth-child(3) button[name=read]")
	b.until(`document.querySelector('.card:nth-child(3).read')`)
	for range 2 { // hidden, taken back, and hidden
		b.click(".card:nth-child(2) .menu summary")
		b.click(".card:nth-child(2) button[name=hide]")
		b.until(`document.querySelector('.card:nth-child(2)').hidden`)
		var undone bool
		if b.run(&undone, `return !!globalThis.undone`); !undone {
			b.click(".toast button")
			b.until(`!document.querySelector('.card:nth-child(2)').hidden`)
			b.run(nil, `globalThis.undone = true`)
		}
	}
	b.visit(p.url + "/")
	b.until(`document.querySelector('.note') && document.querySelector('.card:nth-child(2)').hidden && document.querySelector('.card:nth-child(1) button[name=unsave].on') && document.querySelector('.card:nth-child(3).read')`)
	p.start()
	b.visit(p.url + "/pick")
	b.until(`!localStorage.getItem('waiting') && document.querySelector('.toast')?.textContent.startsWith('What you changed offline is saved')`)
	b.visit(p.url + "/my/saved")
	b.wantTitles("Talks resume")
	b.visit(p.url + "/")
	b.wantTitles("Talks resume", "Talks again")
	b.until(`document.querySelector('.card:nth-child(2).read') && !document.querySelector('.card:nth-child(1).read')`)
}

// What A marked without the service is sent for A only: B, who signs in on the device
// later, is asked what becomes of it, and it is gone when B drops it.
func TestMarksOfAnother(t *testing.T) {
	p := serve(t)
	p.publish(about(1, "Talks resume", "North Korea"))
	b := browser(t)
	b.do(chromedp.EmulateViewport(1280, 1000))
	b.signUp(p, "bea@example.com")
	b.press(".entrance form button")
	b.signUp(p, "ann@example.com")
	b.visit(p.url + "/t/north-korea")
	b.press(".levels button[name=follow]")
	b.visit(p.url + "/")
	b.kept("/")
	p.kill()
	b.visit(p.url + "/")
	b.click(".card:first-child button[name=save]")
	b.until(`document.querySelector('.toast')?.textContent.startsWith('Kept on this device')`)
	b.run(nil, `globalThis.asked = ''; globalThis.confirm = (text) => { asked = text; return false; }`)
	b.click(".entrance form button")
	b.until(`asked.startsWith('1 change could not be sent yet')`)
	b.do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error { // as a session that ended elsewhere
		_, err := cdp.Call(ctx, t, network.ClearBrowserCookies, cdp.Empty{})
		return err
	}))
	p.start()
	b.visit(p.url + "/my/saved")
	b.until(`document.querySelector('.toast')?.textContent.startsWith('1 change made here by somebody')`)
	b.signInAs(p, "bea@example.com")
	b.visit(p.url + "/my/saved")
	b.until(`document.querySelector('.toast button') && document.querySelector('.empty')`)
	b.click(".toast button")
	b.until(`!localStorage.getItem('waiting')`)
	b.visit(p.url + "/my/saved")
	b.until(`document.querySelector('.empty') && !document.querySelector('.toast button')`)
}
