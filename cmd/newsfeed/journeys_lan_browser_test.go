package main

import (
	"context"
	"net"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// lanAddress is an address of this machine by which others on its network reach it.
func lanAddress(t *testing.T) string {
	t.Helper()
	interfaces, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range interfaces {
		addresses, err := i.Addrs()
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range addresses {
			if n, ok := a.(*net.IPNet); ok && i.Flags&net.FlagUp != 0 && !n.IP.IsLoopback() && n.IP.To4() != nil {
				return n.IP.String()
			}
		}
	}
	t.Skip("this machine has no address but that of itself")
	return ""
}

// onLAN starts the service on an address of the network, over plain HTTP.
func onLAN(t *testing.T) *process {
	l, err := net.Listen("tcp", lanAddress(t)+":0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	p := &process{t: t, url: "http://" + addr, env: []string{"NEWSFEED_ADDR=" + addr, "NEWSFEED_DATA=" + t.TempDir(), "NEWSFEED_URL=http://" + addr,
		"NEWSFEED_RATE_LIMIT=off", "NEWSFEED_EDITOR_KEYS=test:" + testKey, "NEWSFEED_INSECURE_COOKIES=true"}}
	p.start()
	t.Cleanup(p.kill)
	return p
}

// Over plain HTTP on a network there is no worker and the cookie has no prefix, and the
// journeys work all the same.
func TestJourneysOnANetwork(t *testing.T) {
	j := &journey{onLAN(t), t, browser(t)}
	j.publish(about(1, "Oil slips", "Crude Oil"), about(2, "Talks resume", "North Korea"), about(3, "Cup final", "Tennis"))
	phone := j.device(390)
	phone.choose(j)
	phone.addFromArticle(j)
	phone.signsUp(j)
	phone.wantCookie("newsfeed", false)
	var secure, worker bool
	phone.run(&secure, `return isSecureContext`)
	phone.run(&worker, `return 'serviceWorker' in navigator`)
	if secure || worker {
		t.Errorf("secure: %v, worker: %v; this is no journey over plain HTTP", secure, worker)
	}
	desk := j.device(1280)
	desk.signInAs(j.process, "ann@example.com")
	desk.reads(j, phone)
	desk.visit(j.url + "/")
	desk.click(".card:first-child .menu summary")
	desk.click(".card:first-child button[name=hide]")
	desk.until(`document.querySelector('.toast button')`)
	desk.wantTitles("Talks resume", "Cup final")
	desk.click(".toast button")
	desk.until(`!document.querySelector('.card[hidden]')`)
	desk.toFront()
	j.publish(about(0, "Missile test", "North Korea"))
	desk.until(`document.querySelector('.pill')?.textContent === '1 new story'`)
	desk.press(".pill a")
	desk.shootIf("lan-1280")
	phone.visit(j.url + "/t/tennis")
	phone.press(".levels button[name=none]")
	j.device(390).bringsAlong(j, "Missile test")
}

// wantCookie asserts how the browser holds the reader's cookie: HttpOnly, Lax, for all
// paths and this host alone; and whether it is Secure.
func (b *tab) wantCookie(name string, secure bool) {
	b.t.Helper()
	var cookies []*network.Cookie
	b.do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		got, err := cdp.Call(ctx, t, network.GetCookies, network.GetCookiesParams{})
		if err == nil {
			cookies = got.Cookies
		}
		return err
	}))
	if len(cookies) != 1 {
		b.t.Fatalf("there are %d cookies, want 1", len(cookies))
	}
	c := cookies[0]
	if c.Name != name || !c.HTTPOnly || c.Secure != secure || c.SameSite != network.CookieSameSiteLax || c.Path != "/" || strings.HasPrefix(c.Domain, ".") {
		b.t.Errorf("the cookie is %s, HttpOnly %v, Secure %v, SameSite %s, of %s%s", c.Name, c.HTTPOnly, c.Secure, c.SameSite, c.Domain, c.Path)
	}
	var seen string
	if b.run(&seen, `return document.cookie`); seen != "" {
		b.t.Errorf("scripts see the cookie: %s", seen)
	}
}
