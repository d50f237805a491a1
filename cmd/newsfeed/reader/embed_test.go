package reader

import (
	"bytes"
	"compress/gzip"
	"net/http/httptest"
	"strings"
	"testing"
)

// The widget is small, may be loaded by pages of any origin, and makes no markup of text.
func TestWidgetScript(t *testing.T) {
	b := &browser{site: newSite(t)}
	answer := b.get("/widget.js").want(t, 200)
	var packed bytes.Buffer
	w, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte(answer.body)); err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	if packed.Len() > 3000 {
		t.Errorf("the widget has %d bytes after gzip -9, want 3,000 at most", packed.Len())
	}
	for name, want := range map[string]string{"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin",
		"Cache-Control": "public, max-age=300", "Content-Type": "text/javascript; charset=utf-8", "X-Content-Type-Options": "nosniff"} {
		if got := answer.Header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	for _, forbidden := range []string{"innerHTML", "insertAdjacent", "eval(", "import(", "document.write", "client.js"} {
		if strings.Contains(answer.body, forbidden) {
			t.Errorf("the widget has %s in it", forbidden)
		}
	}
}

// The popup alone may talk to who opened it, and knows named origins only.
func TestEmbedSignIn(t *testing.T) {
	b := &browser{site: newSite(t, func(d *Deps) { d.AllowedOrigins = []string{"*", "https://paper.example"} })}
	page := b.get("/embed/sign-in").want(t, 200, `data-origins="https://paper.example"`)
	if got := page.Header.Get(openerPolicy); got != "unsafe-none" {
		t.Errorf("the popup's opener policy is %q", got)
	}
	if got := b.get("/").Header.Get(openerPolicy); got != "same-origin" {
		t.Errorf("the front page's opener policy is %q", got)
	}
	if !strings.Contains(page.Header.Get("Content-Security-Policy"), "frame-ancestors 'none'") {
		t.Error("the popup may be framed")
	}
	b.signUp()
	send := func(site, do string) answer {
		return b.send("/embed/sign-in", "site", site, "do", do, "email", "ann@example.org", "password", "wrong horse battery")
	}
	send("https://evil.example", "continue").want(t, 403, "may not add topics")
	send("*", "continue").want(t, 403)
	send("", "continue").want(t, 403)
	send("https://paper.example", "sign-in").want(t, 401, "wrong")
	send("https://paper.example", "anything").want(t, 400)
	send("https://paper.example", "continue").want(t, 200, `{"token":"`)
	b.sendFrom("cross-site", "/embed/sign-in", "site", "https://paper.example", "do", "continue").want(t, 403)
	stranger := &browser{site: b.site}
	stranger.send("/embed/sign-in", "site", "https://paper.example", "do", "continue").want(t, 401)

	again := httptest.NewRequest("GET", "/widget.js", nil)
	again.Header.Set("If-None-Match", b.get("/widget.js").Header.Get("ETag"))
	b.do(again).want(t, 304)
}
