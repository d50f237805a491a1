package reader

import (
	"context"
	"flag"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"newsfeed/storage/storagetest/servers"
)

var everyPayload = flag.Bool("payloads", false, "TestPayloadsInBrowser shows every payload in every place of a card, not in one of them")

// canary counts what would run if anything did, and what the policy had to stop.
const canary = `globalThis.ran = []; globalThis.stopped = [];
for (const name of ['alert', 'confirm', 'prompt', 'print']) globalThis[name] = () => { ran.push(name); };
addEventListener('securitypolicyviolation', (e) => { stopped.push(e.violatedDirective + ' ' + e.blockedURI + ' ' + e.sample); }, true);`

// scan returns the elements and attributes that could run something, but for the
// page's own script.
const scan = `[...document.querySelectorAll('*')].filter((e) => [...e.attributes].some((a) => /^on/i.test(a.name) || /^\s*(javascript|data|vbscript):/i.test(a.value) && ['href', 'src', 'action', 'formaction', 'xlink:href'].includes(a.name))
	|| ['SCRIPT', 'IFRAME', 'OBJECT', 'EMBED', 'BASE', 'STYLE'].includes(e.tagName.toUpperCase()) && !(e.src ?? '').startsWith(location.origin + '/assets/')).map((e) => e.outerHTML.slice(0, 200))`

// listen serves the pages on an address of its own, and returns that.
func (s *site) listen() string {
	s.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.t.Fatal(err)
	}
	go func() { _ = s.app.Listener(l) }()
	s.t.Cleanup(func() { _ = s.app.Shutdown() })
	return "http://" + l.Addr().String()
}

// chromium starts a browser, which ends with the test, and takes the certificates of
// tests for good.
func chromium(t *testing.T) context.Context {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(servers.Chromium(t)), chromedp.IgnoreCertErrors)
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox)
	}
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	return ctx
}

// No payload runs on any page in Chromium: the canary is not called, the policy has
// nothing to report, and no element or attribute is there that could run anything.
func TestPayloadsInBrowser(t *testing.T) {
	step := slots
	if *everyPayload {
		step = 1
	}
	s := newHostileSite(t, step, func(d *Deps) { d.URL = "http://127.0.0.1" })
	address := s.listen()
	person := &browser{site: s.site}
	paths := s.paths(person)

	ctx := chromium(t)
	if err := chromedp.Do(ctx, chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: canary})
		return err
	})); err != nil {
		t.Fatal(err)
	}
	for next := "/"; next != ""; {
		next = s.look(t, ctx, address, next)
	}
	signIn := "document.cookie = '__Host-newsfeed=" + person.cookie + "; path=/; Secure'"
	if _, err := chromedp.Run(ctx, chromedp.Evaluate[string](signIn)); err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		s.look(t, ctx, address, path)
	}
	if account, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.body.dataset.account ?? ''`)); err != nil || account == "" {
		t.Errorf("the pages were nobody's (%v)", err)
	}
	t.Logf("%d payloads, %d cards", len(s.payloads), len(s.articles))
}

// look opens a page as it is, moves over what it shows, and returns the path of the
// next one.
func (s *hostileSite) look(t *testing.T, parent context.Context, address, path string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(parent, 30*time.Second)
	defer cancel()
	if err := chromedp.Do(ctx, chromedp.Navigate(address+path)); err != nil {
		t.Fatalf("open %s: %v", path, err)
	}
	found, err := chromedp.Run(ctx, chromedp.Evaluate[struct {
		Ran, Stopped, Strange []string
		Next                  string
	}](`(async () => {
		for (const e of document.querySelectorAll('main *')) for (const type of ['mouseover', 'focus', 'pointerenter', 'animationend']) e.dispatchEvent(new Event(type));
		for (const d of document.querySelectorAll('details')) d.open = true;
		await new Promise((done) => requestIdleCallback(done));
		return {Ran: ran, Stopped: stopped, Strange: `+scan+`, Next: document.querySelector('a[rel=next]')?.getAttribute('href') ?? ''};
	})()`, chromedp.EvalAwaitPromise, chromedp.EvalAsValue))
	if err != nil {
		t.Fatalf("look at %s: %v", path, err)
	}
	if len(found.Ran)+len(found.Stopped)+len(found.Strange) > 0 {
		t.Errorf("%s: ran %q; stopped %.500q; there is %.500q", path, found.Ran, found.Stopped, found.Strange)
	}
	return strings.TrimSpace(found.Next)
}
