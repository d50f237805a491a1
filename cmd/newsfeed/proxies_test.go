package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"newsfeed/storage/storagetest/servers"
)

// documented returns the indented lines of docs/running.md that follow a sentence.
func documented(t *testing.T, sentence string) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/running.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, ok := strings.Cut(string(text), sentence+"\n\n")
	lines := regexp.MustCompile(`^(?:    .*\n)+`).FindString(after)
	if !ok || lines == "" {
		t.Fatalf("docs/running.md has no lines after %q", sentence)
	}
	return lines
}

// behind starts a proxy in front of a process, and returns what answers there.
func (p *process) behind(t *testing.T, program, sentence string, start func(lines, address, dir string) *exec.Cmd) *process {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		servers.Missing(t, program, "apt-get install "+program)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	dir, out := t.TempDir(), new(syncBuffer)
	cmd := start(strings.ReplaceAll(documented(t, sentence), "127.0.0.1:8080", strings.TrimPrefix(p.url, "http://")), address, dir)
	cmd.Path, cmd.Stdout, cmd.Stderr = path, out, out
	cmd.Env = append(os.Environ(), "HOME="+dir)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	front := &process{t: t, url: "http://" + address, cmd: cmd, out: out, done: make(chan struct{})}
	go func() { _ = cmd.Wait(); close(front.done) }()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		<-front.done
	})
	front.await("/readyz")
	return front
}

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// wantAtOnce reads until an event comes, which must be before the next heartbeat, 15
// seconds after the last thing that was told: it pushes out what is held back.
func (e *earshot) wantAtOnce(want string) {
	e.t.Helper()
	patience := time.AfterFunc(10*time.Second, e.hangUp)
	defer patience.Stop()
	e.await(want, "interests", "marks", "feed")
}

// rootAsRoot lets nginx, started by root, write into a folder of root's.
func rootAsRoot() string {
	if os.Geteuid() == 0 {
		return "user root;\n"
	}
	return ""
}

// The lines that the documents have for proxies work: what is edited is told at once
// on a stream through them, pages are packed, and bodies of 8 MiB are let through.
func TestProxies(t *testing.T) {
	for name, front := range map[string]func(*testing.T, *process) *process{
		"nginx": func(t *testing.T, p *process) *process {
			return p.behind(t, "nginx", "With nginx, in a `server` with its certificate:", func(lines, address, dir string) *exec.Cmd {
				text := rootAsRoot() + fmt.Sprintf("daemon off;\npid %[1]s/pid;\nerror_log stderr;\nevents {}\nhttp {\naccess_log off;\n", dir)
				for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
					text += fmt.Sprintf("%s_temp_path %s/%s;\n", kind, dir, kind)
				}
				text += fmt.Sprintf("server {\nlisten %s;\n%s}\n}\n", address, lines)
				return exec.Command("nginx", "-p", dir, "-e", "stderr", "-c", write(t, filepath.Join(dir, "nginx.conf"), text))
			})
		},
		"caddy": func(t *testing.T, p *process) *process {
			return p.behind(t, "caddy", "Compression and TLS are a proxy's. With Caddy:", func(lines, address, dir string) *exec.Cmd {
				text := "{\nadmin off\n}\n" + strings.ReplaceAll(lines, "news.example.com", "http://"+address)
				return exec.Command("caddy", "run", "--adapter", "caddyfile", "--config", write(t, filepath.Join(dir, "Caddyfile"), text))
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := serve(t, "NEWSFEED_PROXIES=127.0.0.1")
			through := front(t, p)
			token := p.guest()
			stream := through.listen(t, token, "")
			stream.wantAtOnce(heardOf(p.follow(token, "iran")))
			stream.wantAtOnce(heardOf(p.follow(token, "japan")))
			r, err := http.NewRequest("GET", through.url+"/", nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Accept-Encoding", "gzip")
			page, err := http.DefaultTransport.RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			page.Body.Close()
			if page.StatusCode != 200 || page.Header.Get("Content-Encoding") != "gzip" || page.Header.Get("Content-Security-Policy") == "" {
				t.Errorf("a page comes as %d %v", page.StatusCode, page.Header)
			}
			long, err := http.NewRequest("POST", through.url+"/articles", strings.NewReader(strings.Repeat(" ", 7<<20)+"[]"))
			if err != nil {
				t.Fatal(err)
			}
			long.Header.Set("Authorization", "Bearer "+testKey)
			long.Header.Set("Content-Type", "application/json")
			answer, err := http.DefaultClient.Do(long)
			if err != nil {
				t.Fatal(err)
			}
			defer answer.Body.Close()
			if body, _ := io.ReadAll(answer.Body); answer.StatusCode != 200 {
				t.Errorf("a body of 7 MiB: %d %s", answer.StatusCode, body)
			}
		})
	}
}
