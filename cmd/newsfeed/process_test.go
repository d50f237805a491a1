package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"newsfeed/storage/storagetest/servers"
)

// Tests of the program as it is run: built once, started as processes.

func TestMain(m *testing.M) {
	code := m.Run()
	if err := errors.Join(servers.CloseShared(), os.RemoveAll(binaryFolder)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = max(code, 1)
	}
	os.Exit(code)
}

var binaryFolder = filepath.Join(os.TempDir(), fmt.Sprintf("newsfeed-test-%d", os.Getpid()))

// binary builds the program, once.
var binary = sync.OnceValues(func() (string, error) {
	path := filepath.Join(binaryFolder, "newsfeed")
	out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, out)
	}
	return path, nil
})

const testKey = "an-editor-key-for-the-tests-only"

// process is a running serve.
type process struct {
	t    testing.TB
	url  string
	env  []string
	cmd  *exec.Cmd
	out  *syncBuffer
	done chan struct{}

	least uint64 // revision asked for in calls; 0: none
}

// serve starts the program on a free port with further settings and waits until
// it is ready. It is killed at the end of the test.
func serve(t testing.TB, settings ...string) *process {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	p := &process{t: t, url: "http://" + addr, env: append([]string{
		"NEWSFEED_ADDR=" + addr, "NEWSFEED_DATA=" + t.TempDir(), "NEWSFEED_RATE_LIMIT=off", "NEWSFEED_EDITOR_KEYS=test:" + testKey,
	}, settings...)}
	p.start()
	t.Cleanup(p.kill)
	return p
}

func (p *process) start() {
	p.t.Helper()
	path, err := binary()
	if err != nil {
		p.t.Fatal(err)
	}
	p.cmd, p.out, p.done = exec.Command(path, "serve"), new(syncBuffer), make(chan struct{})
	p.cmd.Env = append(os.Environ(), p.env...)
	p.cmd.Stderr = p.out
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	go func(cmd *exec.Cmd, done chan struct{}) { _ = cmd.Wait(); close(done) }(p.cmd, p.done)
	p.await("/readyz")
}

// await waits until a path answers 200.
func (p *process) await(path string) {
	p.t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		response, err := http.Get(p.url + path)
		if err == nil {
			response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return
			}
		}
		select {
		case <-p.done:
			p.t.Fatalf("serve ended:\n%s", p.out)
		default:
		}
	}
	p.t.Fatalf("serve is not ready after a minute:\n%s", p.out)
}

func (p *process) signal(s os.Signal) { _ = p.cmd.Process.Signal(s) }

// kill ends the process as a crash does.
func (p *process) kill() {
	p.signal(syscall.SIGKILL)
	<-p.done
}

// call makes a call and decodes the answer into out, unless that is nil. It
// returns the status.
func (p *process) call(method, path, token string, body, out any) int {
	p.t.Helper()
	status, err := p.tryCall(method, path, token, body, out)
	if err != nil {
		p.t.Fatalf("%s %s: %v", method, path, err)
	}
	return status
}

func (p *process) tryCall(method, path, token string, body, out any) (int, error) {
	var b []byte
	contentType := "application/json"
	switch body := body.(type) {
	case nil:
	case []byte:
		b, contentType = body, "application/x-ndjson"
	default:
		b, _ = json.Marshal(body)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, p.url+path, bytes.NewReader(b))
	if err != nil {
		return 0, err
	}
	if p.least > 0 {
		request.Header.Set("X-Interests-Revision", strconv.FormatUint(p.least, 10))
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	if len(b) > 0 {
		request.Header.Set("Content-Type", contentType)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err == nil && out != nil && response.StatusCode/100 == 2 {
		err = json.Unmarshal(text, out)
	}
	if err == nil && response.StatusCode >= 500 {
		err = fmt.Errorf("%d: %s", response.StatusCode, text)
	}
	return response.StatusCode, err
}

// guest makes a guest who follows topics, and returns the token.
func (p *process) guest(topics ...string) string {
	p.t.Helper()
	var made struct{ Token string }
	if status := p.call("POST", "/guests", "", nil, &made); status != 201 {
		p.t.Fatalf("POST /guests: %d", status)
	}
	for _, topic := range topics {
		if status := p.call("PUT", "/interests/"+topic, made.Token, map[string]string{"level": "follow"}, nil); status != 200 {
			p.t.Fatalf("PUT /interests/%s: %d", topic, status)
		}
	}
	return made.Token
}

// feedPage is what the tests read of GET /feed.
type feedPage struct {
	AsOf  struct{ Edition int } `json:"as_of"`
	Items []struct {
		Story   string
		Article struct {
			ID, URL, Title string
			Topics         []struct{ ID string }
			Published      time.Time `json:"published_at"`
		}
		Matched []string
	}
	Next string
}

// feed walks through all pages.
func (p *process) feed(token string, limit int) (all feedPage) {
	p.t.Helper()
	for path := fmt.Sprintf("/feed?limit=%d", limit); ; {
		var page feedPage
		if status := p.call("GET", path, token, nil, &page); status != 200 {
			p.t.Fatalf("GET %s: %d", path, status)
		}
		all.AsOf, all.Items = page.AsOf, append(all.Items, page.Items...)
		if page.Next == "" {
			return all
		}
		path = fmt.Sprintf("/feed?limit=%d&cursor=%s", limit, page.Next)
	}
}

func (p *process) publish(articles ...map[string]any) (answer struct {
	Accepted, Updated, Unchanged, Rejected, Edition int
}) {
	p.t.Helper()
	if status := p.call("POST", "/articles", testKey, articles, &answer); status != 200 {
		p.t.Fatalf("POST /articles: %d", status)
	}
	return answer
}

func testArticle(i int) map[string]any {
	return map[string]any{"url": fmt.Sprintf("https://example.com/%d", i), "title": fmt.Sprintf("Article %d", i),
		"topics": []string{"Iran"}, "source": map[string]any{"id": "example"}}
}

// syncBuffer is a bytes.Buffer that may be read while it is written.
type syncBuffer struct {
	mu      sync.Mutex
	b       bytes.Buffer
	awaited string
	came    chan struct{} // nil: nothing is awaited
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	defer b.look()
	return b.b.Write(p)
}

// await returns a channel that is closed once a text was written.
func (b *syncBuffer) await(text string) <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	came := make(chan struct{})
	b.awaited, b.came = text, came
	b.look()
	return came
}

func (b *syncBuffer) look() {
	if b.came != nil && bytes.Contains(b.b.Bytes(), []byte(b.awaited)) {
		close(b.came)
		b.came = nil
	}
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// onServers returns the settings for a database of the test's own on real
// servers, started when first needed.
func onServers(t testing.TB) []string {
	mongo := servers.SharedMongo(t)
	name := strings.ReplaceAll(strings.ToLower(t.Name()), "/", "-")
	redis := servers.Redis(t)
	t.Logf("on %s and %s", mongo.Kind(), redis.Kind())
	return []string{"MONGODB_URI=" + mongo.Database(name), "REDIS_URL=" + redis.URL()}
}
