package ingest_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"newsfeed/feed/ingest"
	"newsfeed/storage/storagetest/servers"
)

// watching is a page in which every script but the first is forbidden, and tells
// of each that would have run: elements, handlers, addresses of links and frames.
const watching = `<!doctype html><meta charset="utf-8"><script nonce="ours">
	window.tried = [];
	addEventListener("securitypolicyviolation", e => { if (e.effectiveDirective.startsWith("script")) tried.push(e.sample || e.blockedURI) });
</script>`

const watchingPolicy = "default-src 'none'; script-src 'nonce-ours' 'report-sample'"

// No script of any payload runs in a browser, once the body that it stands in is
// cleaned, and none of the bodies leaves its place in the page.
func TestBodiesInBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("packs are measured in the whole run only")
	}
	chromium := servers.Chromium(t)
	base := &url.URL{Scheme: "https", Host: "hostile.example", Path: "/1"}
	var cleaned, raw strings.Builder
	n := 0
	place := func(payload string) {
		fmt.Fprintf(&cleaned, `<div class="place">%s</div>`, ingest.Body(payload, base))
		n++
	}
	for _, payload := range ingest.PayloadsOf(t) {
		place(payload)
		place(`<p><img alt="` + payload + `"><a href="` + payload + `">x</a></p>`)
	}
	for _, payload := range []string{"<script>alert(1)</script>", "<img src=x onerror=alert(1)>", `<svg onload=alert(1)>`} {
		raw.WriteString(payload)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", watchingPolicy)
		body := cleaned.String()
		if r.URL.Path == "/raw" {
			body = raw.String()
		}
		_, _ = io.WriteString(w, watching+body)
	}))
	defer server.Close()
	tab, closeTab := openTab(t, chromium)
	defer closeTab()
	type found struct {
		Tried           []string
		Places, Scripts int
	}
	// Also links are tried, and what is loaded late: the answer comes after a turn.
	const look = `new Promise(done => requestAnimationFrame(() => setTimeout(() => done({
		Tried: window.tried,
		Places: document.querySelectorAll("body > div.place").length,
		Scripts: document.querySelectorAll("script, iframe, object, embed, form, style, link, base, svg, math, meta:not([charset])").length,
	}), 200)))`
	visit := func(path string) found {
		t.Helper()
		if err := chromedp.Do(tab, chromedp.Navigate(server.URL+path)); err != nil {
			t.Fatal(err)
		}
		f, err := chromedp.Run(tab, chromedp.Evaluate[found](look, chromedp.EvalAwaitPromise))
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	if f := visit("/raw"); len(f.Tried) < 3 {
		t.Fatalf("the page does not notice scripts that were not cleaned: %+v", f)
	}
	if f := visit("/"); len(f.Tried) > 0 || f.Scripts != 1 || f.Places != n {
		t.Errorf("%d scripts tried to run: %.10q; %d elements that may run or lead away, want our script alone; %d of %d bodies in their places", len(f.Tried), f.Tried, f.Scripts, f.Places, n)
	}
	t.Logf("%d bodies", n)
}

// openTab opens a tab of a browser of its own.
func openTab(t *testing.T, chromium string) (context.Context, func()) {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(chromium))
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox)
	}
	browser, closeBrowser := chromedp.NewExecAllocator(context.Background(), options...)
	late, cancel := context.WithTimeout(browser, 2*time.Minute)
	tab, closeTab := chromedp.NewContext(late)
	return tab, func() { closeTab(); cancel(); closeBrowser() }
}
