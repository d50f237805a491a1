package main

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"newsfeed/cmd/newsfeed/demo"
)

var pictures = flag.String("pictures", "", "folder into which TestReadmePictures puts the pictures of the README: ../../docs")

// The pictures of the README are of the demo, a desk by day and a phone by night:
//
//	go test ./cmd/newsfeed -run TestReadmePictures -pictures ../../docs
func TestReadmePictures(t *testing.T) {
	if *pictures == "" {
		t.Skip("without -pictures there is nothing to take")
	}
	p := serve(t)
	if status := p.call("POST", "/articles", testKey, demo.Articles(time.Now()), nil); status != 200 {
		t.Fatalf("POST /articles: %d", status)
	}
	b := browser(t)
	for topic, button := range map[string]string{"crude-oil": "favourite", "science": "follow", "elections": "follow", "football": "follow", "film": "follow"} {
		b.visit(p.url + "/t/" + topic)
		b.press(".levels button[name=" + button + "]")
	}
	b.visit(p.url + "/")
	for name, as := range map[string]struct {
		width, height int64
		scheme        string
	}{"reader-desk": {1280, 860, "light"}, "reader-phone": {390, 844, "dark"}} {
		b.do(chromedp.EmulateViewport(as.width, as.height), colours(as.scheme))
		b.run(nil, `for (let frame = 0; frame < 3; frame++) await new Promise(requestAnimationFrame)`)
		b.do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
			taken, err := cdp.Call(ctx, t, page.CaptureScreenshot, page.CaptureScreenshotParams{Format: "webp", Quality: new(int64(80))})
			if err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(*pictures, name+".webp"), taken.Data, 0o600)
		}))
	}
}
