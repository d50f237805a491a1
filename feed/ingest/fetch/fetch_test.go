package fetch

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func open(t *testing.T, timeout time.Duration, handler http.HandlerFunc) (*Client, string) {
	t.Helper()
	server := httptest.NewServer(handler)
	client := New(Options{Agent: "newsfeed/test (+https://news.example)", Timeout: timeout, AllowPrivate: true})
	t.Cleanup(func() { client.Close(); server.CloseClientConnections(); server.Close() })
	return client, server.URL
}

func pack(t *testing.T, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// A request names itself and sends validators, and nothing else of ours; a packed
// answer is unpacked.
func TestGet(t *testing.T) {
	var got http.Header
	client, url := open(t, 10*time.Second, func(w http.ResponseWriter, r *http.Request) {
		got = r.Header
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(pack(t, []byte("hello")))
	})
	a, err := client.Get(t.Context(), Request{URL: url, ETag: `"x"`, LastModified: "yesterday"})
	if err != nil || string(a.Body) != "hello" || a.Moved != "" {
		t.Fatalf("%+v, %v", a, err)
	}
	if got.Get("User-Agent") != "newsfeed/test (+https://news.example)" || got.Get("If-None-Match") != `"x"` ||
		got.Get("If-Modified-Since") != "yesterday" || got.Get("Cookie")+got.Get("Referer")+got.Get("Authorization") != "" {
		t.Errorf("sent %v", got)
	}
}

// Only redirects that are all for good say where the address has moved to; five
// are followed, a sixth is not, nor one to another scheme.
func TestRedirects(t *testing.T) {
	client, url := open(t, 10*time.Second, func(w http.ResponseWriter, r *http.Request) {
		step := func(to string, status int) { w.Header().Set("Location", to); w.WriteHeader(status) }
		http.SetCookie(w, &http.Cookie{Name: "a", Value: "b"})
		switch path := r.URL.Path; {
		case r.Header.Get("Cookie") != "":
			t.Error("a cookie came back")
		case path == "/good":
			step("/better", 301)
		case path == "/better":
			step("/end#x", 308)
		case path == "/mixed":
			step("/good2", 301)
		case path == "/good2":
			step("/end", 302)
		case path == "/file":
			step("file:///etc/passwd", 302)
		case path == "/user":
			step("http://a:b@"+r.Host+"/end", 302)
		case strings.HasPrefix(path, "/loop"):
			step("/loop"+path, 302)
		case path == "/five":
			step("/four", 302)
		case path == "/four":
			step("/three", 302)
		case path == "/three":
			step("/good", 302)
		}
	})
	for path, moved := range map[string]string{"/good": "/end", "/mixed": "/good2", "/end": "", "/five": ""} {
		a, err := client.Get(t.Context(), Request{URL: url + path})
		if moved != "" {
			moved = url + moved
		}
		if err != nil || a.Status != 200 || a.Moved != moved {
			t.Errorf("%s: %+v, %v; want moved %q", path, a, err, moved)
		}
	}
	for path, want := range map[string]error{"/loop": ErrRedirects, "/file": ErrRefused, "/user": ErrRefused} {
		if _, err := client.Get(t.Context(), Request{URL: url + path}); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", path, err, want)
		}
	}
}

// An answer that is too long, becomes too long, comes too slowly or in a packing
// that was not asked for is no answer.
func TestBounds(t *testing.T) {
	bomb, words := pack(t, make([]byte, 8<<20)), bytes.Repeat([]byte("some words of no great weight, "), 600_000)
	for i := 0; i < len(words); i += 7 {
		words[i] = byte(i * 2654435761 >> 7)
	}
	long := pack(t, words) // before the clock of a call runs
	client, url := open(t, 2*time.Second, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/endless":
			for block := make([]byte, 64<<10); ; {
				if _, err := w.Write(block); err != nil {
					return
				}
			}
		case "/bomb":
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(bomb)
		case "/long":
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(long)
		case "/drip":
			w.WriteHeader(200)
			for r.Context().Err() == nil {
				_, _ = w.Write([]byte{' '})
				w.(http.Flusher).Flush()
				select {
				case <-r.Context().Done():
				case <-time.After(50 * time.Millisecond):
				}
			}
		case "/silent":
			<-r.Context().Done()
		case "/brotli":
			w.Header().Set("Content-Encoding", "br")
		}
	})
	for path, want := range map[string]error{"/endless": ErrTooLarge, "/bomb": ErrTooLarge, "/long": ErrTooLarge,
		"/drip": context.DeadlineExceeded, "/silent": context.DeadlineExceeded, "/brotli": nil} {
		a, err := client.Get(t.Context(), Request{URL: url + path})
		if err == nil || want != nil && !errors.Is(err, want) {
			t.Errorf("%s: %v, %v; want %v", path, a, err, want)
		}
	}
}
