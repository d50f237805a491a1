package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A text, a page and an article are explained: tags, what was found, and why; what
// may not be fetched is not.
func TestExplain(t *testing.T) {
	page := `<!doctype html><title>Seoul on alert</title><article><p>The North fired a missile, South Korea's army said.</p>
		<p>Margaret Hamburg and Boston University said nothing.</p></article>`
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte(page))
	}))
	defer server.Close()
	folder := t.TempDir()
	file := filepath.Join(folder, "page.html")
	if err := os.WriteFile(file, []byte(page), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, stdin string
		args        []string
		code        int
		out         []string
		said        string
	}{
		{"a page", "", []string{file}, 0, []string{"south-korea", "missiles", "a person's name", "part of a longer name", "seoul"}, ""},
		{"a text", "Turkey votes\nAnkara is quiet.", []string{"-"}, 0, []string{"turkey", "a name of it, so written"}, ""},
		{"an article", `{"url":"https://news.example/1","title":"Iran talks","body_html":"<p>Tehran agreed.</p>"}`, []string{"-", "--json"}, 0, []string{`"id":"iran"`, `"spans":[`, `"named in title":1`}, ""},
		{"an address", "", []string{server.URL, "--allow-private-sources"}, 0, []string{"south-korea"}, ""},
		{"an address of this machine", "", []string{server.URL}, 2, nil, "may not be fetched"},
		{"nothing", "", []string{"-"}, 2, nil, "is needed"},
		{"no file", "", []string{filepath.Join(folder, "none")}, 2, nil, "no such file"},
		{"no article", `{"title":7}`, []string{"-"}, 2, nil, "title"},
	} {
		args := append([]string{"topics", "explain"}, append(c.args, "--data", folder)...)
		code, out, said := newsfeed(t, c.stdin, args...)
		if code != c.code || !strings.Contains(said, c.said) {
			t.Errorf("%s: ended with %d: %s", c.name, code, said)
		}
		for _, want := range c.out {
			if !strings.Contains(out, want) {
				t.Errorf("%s: no %q in\n%s", c.name, want, out)
			}
		}
	}
}
