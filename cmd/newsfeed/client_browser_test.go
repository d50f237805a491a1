package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"newsfeed/storage/storagetest/servers"
)

// client.js in a real browser: the traces that the Go client passes, and what
// only a browser can do.

// A tab of a browser. Its page is empty but for client.js.
type tab struct {
	t   *testing.T
	ctx context.Context
}

// browser starts Chromium and opens its first tab. It ends with the test.
func browser(t *testing.T) *tab {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(servers.Chromium(t)))
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox)
	}
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	return newTab(t, ctx)
}

// tab opens another tab of the same browser.
func (b *tab) tab() *tab { return newTab(b.t, b.ctx) }

// device is as a browser on another device: it shares nothing with b but the program
// that runs it. It ends with the test that it is for.
func (b *tab) device(t *testing.T) *tab { return newTab(t, b.ctx, chromedp.WithNewBrowserContext()) }

func newTab(t *testing.T, parent context.Context, options ...chromedp.ContextOption) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(parent, append(options, chromedp.WithListener(func(event any) {
		switch e := event.(type) {
		case *runtime.EventConsoleAPICalled:
			t.Errorf("the console says %s", e.Args[0].Value)
		case *page.EventJavascriptDialogOpening:
			t.Errorf("a dialog opened: %s", e.Message)
		case *runtime.EventExceptionThrown:
			t.Errorf("thrown: %s", e.ExceptionDetails.Text)
		}
	}))...)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil { // a tab of a context that has not run would start a browser of its own
		t.Fatalf("open a tab: %v", err)
	}
	return &tab{t, ctx}
}

// visit opens an address.
func (b *tab) visit(url string) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, chromedp.Navigate(url)); err != nil {
		b.t.Fatalf("visit %s: %v", url, err)
	}
}

// run runs the body of an async function and decodes what it returns into out,
// unless that is nil.
func (b *tab) run(out any, body string, args ...any) {
	b.t.Helper()
	for i, a := range args {
		text, err := json.Marshal(a)
		if err != nil {
			b.t.Fatal(err)
		}
		args[i] = string(text)
	}
	script := `(async () => { const result = await (async () => {` + fmt.Sprintf(body, args...) + `})(); return JSON.stringify(result ?? null) })()`
	ctx, cancel := context.WithTimeout(b.ctx, 30*time.Second)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](script, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("run %.300s: %v", script, err)
	}
	if out == nil {
		return
	}
	if err := json.Unmarshal([]byte(text), out); err != nil {
		b.t.Fatalf("run %.300s: %v in %s", script, err, text)
	}
}

const emptyPage = `<!doctype html><title>client</title><link rel="icon" href="data:,">`

// A browser keeps the same traces as the Go client does, in memory and in
// IndexedDB.
func TestClientTracesInBrowser(t *testing.T) {
	b := browser(t)
	folder := filepath.Join("..", "..", "interests", "client", "testdata")
	p := serve(t)
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprint(w, emptyPage)
			return
		}
		w.Header().Set("Content-Type", "text/javascript")
		http.ServeFile(w, r, filepath.Join(folder, filepath.Base(r.URL.Path)))
	}))
	defer site.Close()
	b.visit(site.URL)
	// The module is imported from another origin, as the pages of others do.
	b.run(nil, `globalThis.client = await import(%s); Object.assign(globalThis, await import('/replay.mjs'))`, p.url+"/client.js")
	files, err := filepath.Glob(filepath.Join(folder, "traces", "*.json"))
	if err != nil || len(files) < 20 {
		t.Fatalf("%d traces, %v: that cannot be all", len(files), err)
	}
	for i, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, store := range []string{"client.memoryStore()", "await client.indexedStore('traces')"} {
			var wrong string
			b.run(&wrong, `
				const trace = JSON.parse(%s), store = `+store+`, account = String(%s);
				await store.update(account, (state) => { state.device = trace.device; });
				return replay(client.open, store, account, trace);`, string(text), i)
			if wrong != "" {
				t.Errorf("%s, %s: %s", filepath.Base(file), store, wrong)
			}
		}
	}
}
