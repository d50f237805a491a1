package reader

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/png"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"newsfeed/feed"
)

// Pictures that arrive late move nothing: those whose size the publisher told
// and those without one, on a phone and on a desk.
func TestLayoutShift(t *testing.T) {
	var picture bytes.Buffer
	if err := png.Encode(&picture, image.NewGray(image.Rect(0, 0, 60, 90))); err != nil {
		t.Fatal(err)
	}
	painted := make(chan struct{}, 1)
	pictures := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select { // one after the other, each when the page has been painted again
		case <-painted:
			painted <- struct{}{}
		case <-r.Context().Done():
		}
		w.Header().Set("Content-Type", "image/png")
		_, _ = w.Write(picture.Bytes())
	}))
	defer pictures.Close()
	s := newSite(t, func(d *Deps) { d.URL = "http://127.0.0.1" })
	for n := range 30 {
		m := &feed.Image{URL: fmt.Sprintf("%s/%d.png", pictures.URL, n), Alt: "A picture", Width: 1200, Height: 800}
		if n%3 == 1 {
			m.Width, m.Height = 0, 0
		}
		s.publish(feed.Article{Title: fmt.Sprintf("Talks resume after a long night, part %d", n), Summary: strings.Repeat("What happened and why. ", 8), Image: m}, "north-korea")
	}
	address := s.listen()
	ctx, cancel := context.WithTimeout(chromium(t), time.Minute)
	defer cancel()
	type measured struct {
		Shift   float64
		Arrived int
	}
	for _, width := range []int64{390, 1280} {
		if err := chromedp.Do(ctx, chromedp.EmulateViewport(width, 900)); err != nil {
			t.Fatal(err)
		}
		if err := chromedp.Do(ctx, chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
			_, err := cdp.Call(ctx, t, page.Navigate, page.NavigateParams{URL: address + fmt.Sprintf("/?width=%d", width)})
			return err
		})); err != nil {
			t.Fatal(err)
		}
		first, err := chromedp.Run(ctx, chromedp.Evaluate[int](`(async () => {
			while (!document.querySelector('.card:nth-child(30)') || !performance.getEntriesByName('first-contentful-paint').length) await new Promise(requestAnimationFrame);
			return [...document.images].filter((i) => i.complete).length;
		})()`, chromedp.EvalAwaitPromise))
		if err != nil || first > 0 {
			t.Fatalf("%d pictures were there before the text was painted (%v)", first, err)
		}
		painted <- struct{}{}
		got, err := chromedp.Run(ctx, chromedp.Evaluate[measured](`(async () => {
			let shift = 0;
			new PerformanceObserver((list) => { for (const e of list.getEntries()) if (!e.hadRecentInput) shift += e.value; }).observe({ type: 'layout-shift', buffered: true });
			const arrived = () => [...document.images].filter((i) => i.complete).length;
			while (arrived() < 2) await new Promise(requestAnimationFrame);
			for (let frame = 0; frame < 5; frame++) await new Promise(requestAnimationFrame);
			return { Shift: shift, Arrived: arrived() };
		})()`, chromedp.EvalAwaitPromise))
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("at %d: shift %.4f, %d pictures", width, got.Shift, got.Arrived)
		if got.Shift > 0.02 {
			t.Errorf("at %d the layout shifts by %.4f", width, got.Shift)
		}
		<-painted
	}
}
