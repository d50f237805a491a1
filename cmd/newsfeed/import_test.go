package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// fakeServer takes articles as lines of NDJSON: {"n":1}. Before it does so, fault
// may answer in its place. It keeps what it took, in order.
type fakeServer struct {
	*httptest.Server
	fault func(call int, lines [][]byte, w http.ResponseWriter) (answered bool)

	mu    sync.Mutex // guards below
	calls int
	took  []int
	most  int // lines of the longest call
}

func newFakeServer(t *testing.T, fault func(call int, lines [][]byte, w http.ResponseWriter) bool) *fakeServer {
	s := &fakeServer{fault: fault}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /version", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, `{"version":"fake"}`) })
	mux.HandleFunc("POST /articles", s.post)
	s.Server = httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

func (s *fakeServer) post(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	lines := bytes.Split(bytes.TrimSuffix(body, []byte("\n")), []byte("\n"))
	s.calls++
	s.most = max(s.most, len(lines))
	if s.fault != nil && s.fault(s.calls, lines, w) {
		return
	}
	answer(w, 200, s.store(lines))
}

// store makes the results: a line that is no article of ours is rejected.
func (s *fakeServer) store(lines [][]byte) []result {
	results := make([]result, len(lines))
	for i, line := range lines {
		var a struct{ N int }
		results[i] = result{Index: i, Outcome: "accepted"}
		if err := json.Unmarshal(line, &a); err != nil {
			results[i].Outcome, results[i].Problem = "rejected", &refusal{Status: 400, Title: "Bad Request", Detail: "no JSON"}
			continue
		}
		s.took = append(s.took, a.N)
	}
	return results
}

func answer(w http.ResponseWriter, status int, results []result) {
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(map[string]any{"title": http.StatusText(status), "status": status, "results": results})
}

// articlesFile writes n lines.
func articlesFile(t *testing.T, n int) string {
	t.Helper()
	var text bytes.Buffer
	for i := range n {
		fmt.Fprintf(&text, "{\"n\":%d}\n", i)
	}
	return writeFile(t, "articles.ndjson", text.String())
}

func writeFile(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Whatever goes wrong on the way, each article arrives, in order, and is counted
// once.
func TestImportThroughFaults(t *testing.T) {
	const n = 1203
	for _, test := range []struct {
		name  string
		fault func(s *fakeServer) func(call int, lines [][]byte, w http.ResponseWriter) bool
		said  string
		twice bool // an answer was lost, so that some arrive again
	}{
		{"nothing", func(*fakeServer) func(int, [][]byte, http.ResponseWriter) bool { return nil }, "1203 accepted", false},
		{"a full queue", func(*fakeServer) func(int, [][]byte, http.ResponseWriter) bool {
			return func(call int, _ [][]byte, w http.ResponseWriter) bool {
				if call%2 == 0 {
					return false
				}
				w.Header().Set("Retry-After", "0")
				answer(w, 503, nil)
				return true
			}
		}, "waiting 0s: 503 Service Unavailable", false},
		{"a limit of rate", func(*fakeServer) func(int, [][]byte, http.ResponseWriter) bool {
			return func(call int, _ [][]byte, w http.ResponseWriter) bool {
				if call != 2 {
					return false
				}
				w.Header().Set("Retry-After", "0")
				answer(w, 429, nil)
				return true
			}
		}, "waiting 0s: 429", false},
		{"a store that goes away in the middle", func(s *fakeServer) func(int, [][]byte, http.ResponseWriter) bool {
			return func(call int, lines [][]byte, w http.ResponseWriter) bool {
				if call > 4 {
					return false
				}
				w.Header().Set("Retry-After", "0")
				answer(w, 503, s.store(lines[:len(lines)/3]))
				return true
			}
		}, "1203 accepted", false},
		{"a connection that breaks before", func(*fakeServer) func(int, [][]byte, http.ResponseWriter) bool {
			return func(call int, _ [][]byte, w http.ResponseWriter) bool {
				if call == 2 {
					panic(http.ErrAbortHandler)
				}
				return false
			}
		}, "waiting 500ms: no answer from", false},
		{"an answer that is lost", func(s *fakeServer) func(int, [][]byte, http.ResponseWriter) bool {
			return func(call int, lines [][]byte, w http.ResponseWriter) bool {
				if call == 2 {
					s.store(lines)
					io.WriteString(w, `{"results":[{"index":0,"outc`)
					w.(http.Flusher).Flush()
					panic(http.ErrAbortHandler)
				}
				return false
			}
		}, "waiting 500ms: no answer from", true},
		{"a proxy that takes little", func(*fakeServer) func(int, [][]byte, http.ResponseWriter) bool {
			return func(_ int, lines [][]byte, w http.ResponseWriter) bool {
				if len(lines) <= 100 {
					return false
				}
				answer(w, 413, nil)
				return true
			}
		}, "1203 accepted", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newFakeServer(t, nil)
			s.fault = test.fault(s)
			code, out, said := newsfeed(t, "", "import", articlesFile(t, n), "--server", s.URL, "--key", testKey)
			if code != 0 || out != "" || !strings.Contains(said, test.said) || !strings.Contains(said, "1203 accepted") {
				t.Errorf("ended with %d and %q, and said:\n%s", code, out, said)
			}
			if s.most > batchArticles {
				t.Errorf("a call of %d articles", s.most)
			}
			next := 0
			for _, got := range s.took {
				if got == next {
					next++
				} else if !test.twice || got > next {
					t.Fatalf("article %d came when %d was due", got, next)
				}
			}
			if next != n {
				t.Errorf("%d articles arrived of %d", next, n)
			}
		})
	}
}

// What nobody can mend by waiting ends the import at once, and says how to mend it.
func TestImportRefused(t *testing.T) {
	for _, test := range []struct {
		status, from int // from this call on
		code         int
		said         string
	}{
		{401, 1, 2, "is the key right, and not revoked?"},
		{403, 1, 2, "the key is of the wrong kind"},
		{401, 2, 1, "the same command again goes on from here"},
		{500, 1, 2, "500 Internal Server Error"},
		{307, 1, 2, "leads elsewhere, to https://other.example/"},
		{413, 1, 2, "1203 rejected"},
	} {
		s := newFakeServer(t, func(call int, _ [][]byte, w http.ResponseWriter) bool {
			if call < test.from {
				return false
			}
			w.Header().Set("Location", "https://other.example/")
			answer(w, test.status, nil)
			return true
		})
		code, out, said := newsfeed(t, "", "import", articlesFile(t, 1203), "--server", s.URL, "--key", testKey)
		if code != test.code || out != "" || !strings.Contains(said, test.said) {
			t.Errorf("%d: ended with %d and %q, want %d; said:\n%.2000s", test.status, code, out, test.code, said)
		}
	}
}

// A server that is not there is no loss of connection to be waited out.
func TestImportNowhere(t *testing.T) {
	s := newFakeServer(t, nil)
	s.Close()
	code, _, said := newsfeed(t, "", "import", articlesFile(t, 1), "--server", s.URL, "--key", testKey)
	if code != 2 || !strings.Contains(said, "no answer from "+s.URL) {
		t.Errorf("ended with %d, said %s", code, said)
	}
}

// An interruption is said to be one, and what went before it counts.
func TestImportInterrupted(t *testing.T) {
	ctx, interrupt := context.WithCancel(context.Background())
	s := newFakeServer(t, func(call int, _ [][]byte, w http.ResponseWriter) bool {
		if call == 2 {
			interrupt()
		}
		return false
	})
	stdin, never := io.Pipe() // a terminal at which nobody types on
	defer never.Close()
	typed := io.MultiReader(&repeated{line: `{"n":1,"body":"` + strings.Repeat("x", 1<<10) + "\"}\n", left: 1203}, stdin)
	var said bytes.Buffer
	code := run(ctx, []string{"import", "-", "--server", s.URL, "--key", testKey}, typed, io.Discard, &said)
	if code != 1 || !strings.Contains(said.String(), "interrupted: the same command again goes on from here") {
		t.Errorf("ended with %d, said %s", code, said.String())
	}
}

// A file of any length is imported in little memory.
func TestImportMemory(t *testing.T) {
	line := `{"n":1,"body":"` + strings.Repeat("x", 16<<10) + "\"}\n"
	const n = 14_000 // 220 MiB
	before, most := heap(), uint64(0)
	s := newFakeServer(t, func(call int, lines [][]byte, w http.ResponseWriter) bool {
		most = max(most, heap())
		return false
	})
	var said bytes.Buffer
	code := run(t.Context(), []string{"import", "-", "--server", s.URL, "--key", testKey}, &repeated{line: line, left: n}, io.Discard, &said)
	if code != 0 || !strings.Contains(said.String(), "14000 accepted") {
		t.Errorf("ended with %d, said %s", code, said.String())
	}
	// Of it, the server in this process has a batch, and the client four.
	if grown := (most - min(before, most)) >> 20; grown > 48 {
		t.Errorf("%d MiB were in use, and %d MiB more during the import", before>>20, grown)
	} else {
		t.Logf("%d MiB more in use during the import", grown)
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// repeated reads a line again and again.
type repeated struct {
	line string
	at   int
	left int
}

func (r *repeated) Read(b []byte) (n int, err error) {
	for n < len(b) && r.left > 0 {
		copied := copy(b[n:], r.line[r.at:])
		n += copied
		if r.at += copied; r.at == len(r.line) {
			r.at = 0
			r.left--
		}
	}
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}
