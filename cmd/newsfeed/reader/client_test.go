package reader

import (
	"bytes"
	"compress/gzip"
	"net/http/httptest"
	"testing"
)

// The module may be imported by pages of any origin, is kept for five minutes,
// and is asked about with its tag after that.
func TestClientScript(t *testing.T) {
	b := &browser{site: newSite(t)}
	got := b.get("/client.js")
	for name, want := range map[string]string{
		"Content-Type": "text/javascript; charset=utf-8", "Cache-Control": "public, max-age=300",
		"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin",
		"X-Content-Type-Options": "nosniff", "Set-Cookie": "",
	} {
		if got.Header.Get(name) != want {
			t.Errorf("%s: %q, want %q", name, got.Header.Get(name), want)
		}
	}
	if got.StatusCode != 200 || got.body != string(clientScript) {
		t.Errorf("%d, %d bytes", got.StatusCode, len(got.body))
	}
	again := httptest.NewRequest("GET", "/client.js", nil)
	again.Header.Set("If-None-Match", got.Header.Get("ETag"))
	if got := b.do(again); got.StatusCode != 304 || got.body != "" {
		t.Errorf("asked again: %d %.40s", got.StatusCode, got.body)
	}
}

// The module weighs at most 8 kB on its way.
func TestClientScriptWeight(t *testing.T) {
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, gzip.BestCompression)
	_, _ = w.Write(clientScript)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if b.Len() > 8000 {
		t.Errorf("%d bytes after gzip -9", b.Len())
	}
}
