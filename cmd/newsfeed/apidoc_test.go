package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"newsfeed/cmd/newsfeed/demo"
)

// Every command of docs/api.md runs as it stands, one after the other in one shell, and
// is answered as the text says: all well but for the calls that show a refusal.
func TestCommandsOfAPIDoc(t *testing.T) {
	text, err := os.ReadFile("../../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	p := serve(t)
	if status := p.call(http.MethodPost, "/articles", testKey, demoArticles(t), nil); status != http.StatusOK {
		t.Fatalf("bring the demo: %d", status)
	}
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	script, commands := shellOf(string(text))
	script = strings.ReplaceAll(script, "http://127.0.0.1:8080", p.url)
	script = regexp.MustCompile(`timeout \d+ curl`).ReplaceAllString(script, "stream")
	cmd := exec.CommandContext(t.Context(), "bash", "-u", "-c", prologue+script)
	cmd.Dir = t.TempDir()
	cmd.Env = append(append(os.Environ(), p.env...), "NEWSFEED_PROGRAM="+path)
	var out, told bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &told
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, told.String())
	}
	var answered int
	var refused []string
	for line := range strings.Lines(told.String()) {
		call, ok := strings.CutPrefix(line, "called ")
		if !ok {
			t.Errorf("the shell says %s", line)
			continue
		}
		answered++
		if status := call[:3]; status[0] != '2' {
			refused = append(refused, status)
		}
	}
	if want := []string{"304", "410", "404", "400"}; !slices.Equal(refused, want) {
		t.Errorf("refused are %v, want %v:\n%s", refused, want, told.String())
	}
	if answered != commands {
		t.Errorf("%d calls were answered, the text has %d:\n%s", answered, commands, told.String())
	}
	for _, want := range []string{`"token":"`, `"must_know":[`, "<rss", "<feed", "jsonfeed.org", `"unknown-topic"`, "event: interests", `"accepted":1`} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%s is in no answer", want)
		}
	}
}

// prologue has each call tell its status, on standard error, and go run the program
// that the test has built.
const prologue = `
curl() { command curl -sS -w '%{stderr}called %{http_code} %{method} %{url_effective}\n' "$@"; }
stream() { command curl -m 1 -w '%{stderr}called %{http_code} %{method} %{url_effective}\n' "$@"; true; }
go() { shift 2; "$NEWSFEED_PROGRAM" "$@" 2>/dev/null; }
`

// shellOf returns the commands of a text, but for those that start a server, and how
// many calls are among them.
func shellOf(text string) (script string, calls int) {
	for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(text, -1) {
		if strings.Contains(block[1], " serve") {
			continue
		}
		script += fmt.Sprintln(block[1])
		calls += len(regexp.MustCompile(`\bcurl `).FindAllString(block[1], -1))
	}
	return script, calls
}

// sources remove demo --withdraw ends the demo.
func TestDemoEnds(t *testing.T) {
	p := serve(t)
	if status := p.call(http.MethodPost, "/articles", testKey, demoArticles(t), nil); status != http.StatusOK {
		t.Fatalf("bring the demo: %d", status)
	}
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), path, "sources", "remove", "demo", "--withdraw")
	cmd.Env = append(os.Environ(), p.env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if left := p.feed(p.guest(), 100).Items; len(left) != 0 {
		t.Errorf("%d cards are left", len(left))
	}
}

func demoArticles(t *testing.T) (articles []json.RawMessage) {
	t.Helper()
	for line := range bytes.Lines(demo.Articles(time.Now())) {
		articles = append(articles, json.RawMessage(line))
	}
	return articles
}
