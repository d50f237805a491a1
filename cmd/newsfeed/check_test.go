package main

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// Check of settings and of a store that nobody holds.
func TestCheckStores(t *testing.T) {
	data, free := t.TempDir(), freeAddr(t)
	file := writeFile(t, "a-file", "")
	steps := []struct {
		name string
		args []string
		code int
		out  []string
	}{
		{"wrong settings", []string{"--half-life", "12", "--redis-url", "redis://h"}, 1, []string{`BAD   NEWSFEED_HALF_LIFE: "12"`, "BAD   MONGODB_URI: REDIS_URL is set"}},
		{"no store yet", []string{"--data", data + "/deeper/still"}, 0, []string{"ok    settings", "ok    no store yet"}},
		{"no folder", []string{"--data", file + "/data"}, 1, []string{"BAD   the data folder cannot be"}},
		{"a warning", []string{"--data", data, "--rate-limit", "off"}, 0, []string{"warn  NEWSFEED_RATE_LIMIT=off"}},
		{"no servers", []string{"--mongodb-uri", "mongodb://127.0.0.1:1/x?serverSelectionTimeoutMS=200", "--redis-url", "redis://:hunter2@127.0.0.1:1"}, 1, []string{"BAD   the stores cannot be opened: "}},
	}
	for _, step := range steps {
		code, out, said := newsfeed(t, "", append([]string{"check", "--addr", free}, step.args...)...)
		if code != step.code || said != "" || strings.Contains(out, "hunter2") {
			t.Errorf("%s: ended with %d, want %d; said %q, wrote\n%s", step.name, code, step.code, said, out)
		}
		for _, want := range step.out {
			if !strings.Contains(out, want) {
				t.Errorf("%s: want %q in\n%s", step.name, want, out)
			}
		}
	}

	// With a store, sources in it and an unbound key.
	two := `{"url":"https://a.example/","title":"A"}` + "\n" + `{"url":"https://b.example/","title":"B"}`
	if code, _, said := newsfeed(t, two, "import", "-", "--data", data); code != 0 {
		t.Fatalf("import: %s", said)
	}
	if code, _, said := newsfeed(t, "", "keys", "create", "carol", "--data", data); code != 0 {
		t.Fatalf("keys create: %s", said)
	}
	code, out, _ := newsfeed(t, "", "check", "--addr", free, "--data", data, "--publisher-keys", "bob:"+testKey)
	if code != 0 || !strings.Contains(out, "(embedded)") || !strings.Contains(out, "may write for all 2: bob, carol;") {
		t.Errorf("with a store: ended with %d, wrote\n%s", code, out)
	}
}

// Check of a server that answers, in every state: a container's health check.
func TestCheckServer(t *testing.T) {
	hangs := make(chan struct{})
	defer close(hangs)
	for _, test := range []struct {
		name    string
		handler http.HandlerFunc
		code    int
		out     string
	}{
		{"ready", readyz(200, `{"ready":true,"warm":true,"dependencies":[{"name":"articles","kind":"mongodb","ok":true},{"name":"interests","kind":"redis","ok":true,"risks":["appendonly is off"]}]}`),
			0, "warn  interests (redis): appendonly is off"},
		{"warming", readyz(503, `{"ready":false,"warm":false,"dependencies":[]}`), 1, "it is warming its index"},
		{"a store is gone", readyz(503, `{"ready":false,"warm":true,"dependencies":[{"name":"interests","kind":"redis","ok":false,"since":"2026-05-17T21:31:04Z","error":"refused"}]}`),
			1, "BAD   interests (redis) since 2026-05-17T21:31:04Z: refused; does Redis run"},
		{"something else", http.NotFound, 1, "something else than newsfeed answers"},
		{"hangs", func(http.ResponseWriter, *http.Request) { <-hangs }, 1, "did not answer within 2s"},
	} {
		s := httptest.NewServer(test.handler)
		t.Cleanup(s.Close)
		code, out, _ := newsfeed(t, "", "check", "--data", t.TempDir(), "--addr", strings.TrimPrefix(s.URL, "http://"))
		if code != test.code || !strings.Contains(out, test.out) {
			t.Errorf("%s: ended with %d, wrote\n%s", test.name, code, out)
		}
	}
}

func readyz(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/readyz" {
			http.NotFound(w, r)
			return
		}
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}
}

// Check beside a real serve is well, and one at another address says that the
// store is held.
func TestCheckServe(t *testing.T) {
	data, _ := serving(t)
	door, err := readDoorFile(data)
	if err != nil {
		t.Fatal(err)
	}
	code, out, said := newsfeed(t, "", "check", "--data", data, "--addr", strings.TrimPrefix(door.URL, "http://"))
	if code != 0 || !strings.Contains(out, "is ready") || said != "" {
		t.Errorf("ended with %d, said %q, wrote\n%s", code, said, out)
	}
	code, out, _ = newsfeed(t, "", "check", "--data", data, "--addr", freeAddr(t))
	if code != 1 || !strings.Contains(out, "BAD   the stores cannot be opened: ") {
		t.Errorf("at another address: ended with %d, wrote\n%s", code, out)
	}
}

// freeAddr is an address at which nobody listens.
func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
