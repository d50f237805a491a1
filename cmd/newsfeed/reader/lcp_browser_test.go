package reader

import (
	"compress/gzip"
	"context"
	"flag"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/storage"
	"github.com/chromedp/chromedp"

	"newsfeed/feed"
)

var paints = flag.Int("paints", 0, "how often TestLargestPaint loads each page; 0 leaves it out")

// The front page of 30 cards paints its largest part at most half as late again as a
// bare file of HTML with the same text: on a processor a quarter as fast, 150 ms and
// 1.6 Mbit/s away, nothing kept, in the median of loads that take turns. Both travel
// after gzip -6, as a proxy sends them.
//
// With -paints 9 it was 1.98 and 2.04 (632 and 612 ms against 320 and 300), and is not
// met: the style is a round trip that a bare file has not, and begins when the page has
// come, which Chromium hands over whole on a line that it makes slow.
func TestLargestPaint(t *testing.T) {
	if *paints == 0 {
		t.Skip("it takes a minute; -paints 9 runs it")
	}
	s := newSite(t, func(d *Deps) { d.URL = "http://127.0.0.1" })
	topics := s.catalogue.Search("", 400)
	for n := range 30 { // each with words of its own, which pack like those of real ones
		words := make([]string, 70)
		for i := range words {
			words[i] = topics[(n*61+i*7)%len(topics)].Name
		}
		text := strings.Join(words, " ")
		s.publish(feed.Article{Title: text[:80], Summary: text[80:400], Byline: text[400:420]}, topics[n].ID, topics[n+41].ID, topics[n+82].ID)
	}
	page := (&browser{site: s}).get("/").want(t, 200)
	bare := "<!doctype html><meta charset=utf-8><meta name=viewport content='width=device-width'><title>Bare</title>" + textOf(page.body)
	address := packing(t, s.listen(), bare)

	ctx, cancel := context.WithTimeout(chromium(t), 5*time.Minute)
	defer cancel()
	slowly(t, ctx)
	taken := map[string][]float64{}
	for range *paints {
		for _, path := range []string{"/", "/bare.html"} {
			taken[path] = append(taken[path], largestPaint(t, ctx, address, path))
		}
	}
	ours, theirs := median(taken["/"]), median(taken["/bare.html"])
	t.Logf("largest paint after %.0f ms, of the bare file %.0f ms: %.2f (%.0f and %.0f)", ours, theirs, ours/theirs, taken["/"], taken["/bare.html"])
	if ours > 1.5*theirs {
		t.Errorf("the page paints its largest part after %.2f times what a bare file takes", ours/theirs)
	}
}

// textOf is what is read of a page, in its paragraphs, and no other markup.
func textOf(page string) string {
	bare := tag.ReplaceAllStringFunc(page[strings.Index(page, "<body"):], func(t string) string {
		if m := paragraph.FindStringSubmatch(t); m != nil {
			return m[1] + ">"
		}
		return " "
	})
	return regexp.MustCompile(`\s+`).ReplaceAllString(bare, " ")
}

var paragraph = regexp.MustCompile(`^(</?(?:h1|h2|p|ul|ol|li))\b`)

// packing serves a site and a bare file as a proxy would that packs both.
func packing(t *testing.T, site, bare string) string {
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := io.NopCloser(io.Reader(strings.NewReader(bare)))
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		if r.URL.Path != "/bare.html" {
			answer, err := http.Get(site + r.URL.RequestURI())
			if err != nil {
				http.Error(w, err.Error(), http.StatusBadGateway)
				return
			}
			body = answer.Body
			maps.Copy(w.Header(), answer.Header)
			w.Header().Del("Content-Length")
		}
		defer body.Close()
		w.Header().Set("Content-Encoding", "gzip")
		z, _ := gzip.NewWriterLevel(w, 6)
		defer z.Close()
		_, _ = io.Copy(z, body)
	}))
	t.Cleanup(front.Close)
	return front.URL
}

// slowly makes a browser one of a slow phone on a slow line.
func slowly(t *testing.T, ctx context.Context) {
	t.Helper()
	line := network.Conditions{Latency: 150, DownloadThroughput: 1.6e6 / 8, UploadThroughput: 1.6e6 / 8}
	err := chromedp.Do(ctx, chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		if _, err := cdp.Call(ctx, t, network.Enable, network.EnableParams{}); err != nil {
			return err
		}
		if _, err := cdp.Call(ctx, t, network.EmulateNetworkConditionsByRule, network.EmulateNetworkConditionsByRuleParams{MatchedNetworkConditions: []*network.Conditions{&line}}); err != nil {
			return err
		}
		if _, err := cdp.Call(ctx, t, network.SetBypassServiceWorker, network.SetBypassServiceWorkerParams{Bypass: true}); err != nil {
			return err
		}
		_, err := cdp.Call(ctx, t, emulation.SetCPUThrottlingRate, emulation.SetCPUThrottlingRateParams{Rate: 4})
		return err
	}))
	if err == nil {
		err = chromedp.Do(ctx, chromedp.EmulateViewport(390, 844))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// largestPaint loads a page of which nothing is kept, and returns after how many
// milliseconds its largest part was painted.
func largestPaint(t *testing.T, ctx context.Context, address, path string) float64 {
	t.Helper()
	err := chromedp.Do(ctx, chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		if _, err := cdp.Call(ctx, t, network.ClearBrowserCache, cdp.Empty{}); err != nil {
			return err
		}
		_, err := cdp.Call(ctx, t, storage.ClearDataForOrigin, storage.ClearDataForOriginParams{Origin: address, StorageTypes: "all"})
		return err
	}))
	if err == nil {
		_, err = chromedp.RunResponse(ctx, chromedp.Navigate(address+path))
	}
	if err != nil {
		t.Fatal(err)
	}
	at, err := chromedp.Run(ctx, chromedp.Evaluate[float64](`(async () => {
		let at = 0;
		new PerformanceObserver((list) => { for (const e of list.getEntries()) at = e.startTime; }).observe({ type: 'largest-contentful-paint', buffered: true });
		if (document.readyState !== 'complete') await new Promise((done) => addEventListener('load', done));
		for (let frame = 0; frame < 10 || !at; frame++) await new Promise(requestAnimationFrame);
		return at;
	})()`, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
