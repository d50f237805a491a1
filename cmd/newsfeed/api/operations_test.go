package api

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"newsfeed/storage/embedded"
)

func TestReadyz(t *testing.T) {
	ok := true
	h := NewHouse(t, func(d *Deps) {
		d.Health = func(context.Context) []Dependency { return []Dependency{{Name: "interests", Kind: "redis", OK: ok}} }
	})
	var r readiness
	h.Must(200, "GET", "/readyz", "", "").JSON(t, &r)
	if !r.Ready || !r.Warm || len(r.Dependencies) != 1 || r.Dependencies[0].Name != "interests" {
		t.Errorf("%+v", r)
	}
	ok = false
	reply := h.Must(503, "GET", "/readyz", "", "")
	reply.JSON(t, &r)
	if r.Ready || reply.Header.Get("Retry-After") == "" {
		t.Errorf("%+v", r)
	}
}

func TestMetrics(t *testing.T) {
	h := NewHouse(t)
	h.Publish(h.Publisher, "Iran", "a", "b")
	h.Must(200, "GET", "/topics/iran", "", "")
	h.Must(404, "GET", "/topics/noth-korea", "", "")
	h.Must(404, "GET", "/nothing", "", "")
	text := string(h.Must(200, "GET", "/metrics", "", "").Body)
	for _, want := range []string{
		`newsfeed_http_requests_total{method="GET",route="/topics/{id}",status="200"} 1`,
		`newsfeed_http_requests_total{method="GET",route="/topics/{id}",status="404"} 1`,
		`newsfeed_http_requests_total{method="any",route="none",status="404"} 1`,
		`newsfeed_http_request_duration_seconds_count{method="POST",route="/articles"} 1`,
		"newsfeed_index_articles 2", "newsfeed_edition 2", "newsfeed_log_lag_editions 0", "newsfeed_warm 1",
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("no %s", want)
		}
	}
	if strings.Contains(text, "noth-korea") {
		t.Error("a path of a stranger's is a label")
	}
}

// A backup can be opened; one that fails cannot be taken for whole.
func TestBackup(t *testing.T) {
	h := NewHouse(t)
	h.Publish(h.Publisher, "Iran", "a", "b")
	r := h.Must(200, "GET", "/backup", h.Editor, "")
	if r.Header.Get("Content-Type") != "application/octet-stream" || !strings.Contains(r.Header.Get("Content-Disposition"), "filename=") {
		t.Errorf("%v", r.Header)
	}
	path := filepath.Join(t.TempDir(), "copy.db")
	if err := os.WriteFile(path, r.Body, 0o600); err != nil {
		t.Fatal(err)
	}
	store, err := embedded.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if top, _, err := store.Articles().Top(t.Context()); err != nil || top != 2 {
		t.Errorf("the copy's top is %d, %v", top, err)
	}

	servers := NewHouse(t, func(d *Deps) { d.Backup = nil })
	servers.Must(404, "GET", "/backup", servers.Editor, "").Problem(t)

	broken := NewHouse(t, func(d *Deps) {
		d.Backup = func(_ context.Context, w io.Writer) error {
			_, _ = w.Write(bytes.Repeat([]byte("x"), 1<<20))
			return errors.New("the disk is gone")
		}
	})
	request, _ := http.NewRequest("GET", broken.URL+"/backup", nil)
	request.Header.Set("Authorization", "Bearer "+string(broken.Editor))
	response, err := http.DefaultTransport.RoundTrip(request)
	if err == nil {
		_, err = io.ReadAll(response.Body)
		response.Body.Close()
	}
	if err == nil {
		t.Error("a broken copy came to a good end")
	}
}

func TestBench(t *testing.T) {
	off := NewHouse(t)
	off.Must(404, "GET", "/bench/fixed", "", "").Problem(t)
	h := NewHouse(t, func(d *Deps) { d.Settings.Bench = true })
	for path, want := range map[string]int{"/bench/fixed": fixedDefault, "/bench/fixed?bytes=0": 0, "/bench/fixed?bytes=1": 1, "/bench/fixed?bytes=20000": 20000} {
		r := h.Must(200, "GET", path, h.Guest(), "")
		var v any
		if len(r.Body) != want {
			t.Errorf("GET %s: %d bytes", path, len(r.Body))
		}
		if want > 0 {
			r.JSON(t, &v)
		}
	}
	h.Must(400, "GET", "/bench/fixed?bytes=-1", "", "").Problem(t)
	h.Must(400, "GET", "/bench/fixed?bytes=9999999999", "", "").Problem(t)
}

func TestVersion(t *testing.T) {
	h := NewHouse(t)
	if r := h.Must(200, "GET", "/version", "", ""); string(r.Body) != `{"version":"test"}` {
		t.Errorf("%s", r.Body)
	}
}
