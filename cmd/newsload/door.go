package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"
)

// door is a running newsfeed as its clients see it, and the clock of its process.
type door struct {
	url     string
	client  *fasthttp.Client
	keys    []string // publishers'
	server  *process // nil: somebody else's
	process int      // 0: not on this machine
}

const callTimeout = 30 * time.Second

// newDoor connects to a server; pid is its process here, if it has one.
func newDoor(url string, keys []string, pid int) *door {
	return &door{url: strings.TrimRight(url, "/"), keys: keys, process: pid, client: &fasthttp.Client{
		MaxConnsPerHost: 2048, ReadTimeout: callTimeout, WriteTimeout: callTimeout,
		NoDefaultUserAgentHeader: true, MaxResponseBodySize: 1 << 26, ReadBufferSize: 16 << 10,
	}}
}

// newTopicsPerKey is below what a publisher's key may create.
const newTopicsPerKey = 5000

// startDoor starts a newsfeed on a data folder of its own, with enough publishers
// for so many topics.
func startDoor(ctx context.Context, binary, dir string, topics int) (*door, error) {
	if binary == "" {
		var err error
		if binary, err = buildNewsfeed(ctx, dir); err != nil {
			return nil, err
		}
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	var keys, named []string
	for i := range topics/newTopicsPerKey + 2 {
		keys = append(keys, fmt.Sprintf("newsload-publisher-key-%04d", i))
		named = append(named, fmt.Sprintf("newsload%d:%s", i, keys[i]))
	}
	addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	p, err := startProcess(ctx, dir, "newsfeed", binary, "serve", "--addr", addr, "--data", filepath.Join(dir, "data"),
		"--bench", "--rate-limit", "off", "--tagger", "off", "--horizon", "0", "--publisher-keys", strings.Join(named, ","))
	if err != nil {
		return nil, err
	}
	d := newDoor("http://"+addr, keys, p.pid())
	d.server = p
	if err := p.await(ctx, func() error { _, err := d.get("/readyz", ""); return err }); err != nil {
		return nil, errors.Join(fmt.Errorf("start newsfeed: %w", err), d.close())
	}
	return d, nil
}

// buildNewsfeed builds the program of the source tree that this tool is of.
func buildNewsfeed(ctx context.Context, dir string) (string, error) {
	_, file, _, _ := runtime.Caller(0)
	root := filepath.Join(filepath.Dir(file), "../..")
	if _, err := os.Stat(filepath.Join(root, "cmd", "newsfeed")); err != nil {
		return "", fmt.Errorf("the source of newsfeed is not where this tool was built; name a binary with --newsfeed: %w", err)
	}
	binary := filepath.Join(dir, "newsfeed")
	build := exec.CommandContext(ctx, "go", "build", "-o", binary, "./cmd/newsfeed")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build newsfeed: %w\n%s", err, out)
	}
	return binary, nil
}

func (d *door) close() error { return d.server.stop() }

// cpu is the processor time of the server's process.
func (d *door) cpu() (time.Duration, error) {
	if d.process == 0 {
		return 0, errors.New("the server's process is not known: name it with --pid")
	}
	return cpuOf(d.process)
}

// caller makes requests one after the other and reuses their memory.
type caller struct {
	*door
	req fasthttp.Request
	res fasthttp.Response
}

func (d *door) caller() *caller { return &caller{door: d} }

// call makes a request; body is nil for GET. It returns the status.
func (c *caller) call(path, token string, body []byte, headers ...string) (int, error) {
	c.req.Reset()
	c.req.SetRequestURI(c.url + path)
	if body != nil {
		c.req.Header.SetMethod(fasthttp.MethodPost)
		c.req.SetBodyRaw(body)
	}
	if token != "" {
		c.req.Header.Set(fasthttp.HeaderAuthorization, "Bearer "+token)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		c.req.Header.Set(headers[i], headers[i+1])
	}
	if err := c.client.Do(&c.req, &c.res); err != nil {
		return 0, fmt.Errorf("%s %s: %w", c.req.Header.Method(), path, err)
	}
	return c.res.StatusCode(), nil
}

// must makes a request whose status has to be this one.
func (c *caller) must(status int, path, token string, body []byte, headers ...string) error {
	got, err := c.call(path, token, body, headers...)
	if err == nil && got != status {
		err = fmt.Errorf("%s: status %d, want %d: %.300s", path, got, status, c.res.Body())
	}
	return err
}

func (d *door) get(path, token string) ([]byte, error) {
	c := d.caller()
	err := c.must(fasthttp.StatusOK, path, token, nil)
	return c.res.Body(), err
}

var ndjson = []string{fasthttp.HeaderContentType, "application/x-ndjson"}

// How long a server is given whose store does not answer: a busy disk may take its
// time. What was stored by then is unchanged when it is sent again.
const (
	publishTries = 20
	publishPause = time.Second
)

// mustAccept sends articles until the server has stored all.
func (c *caller) mustAccept(key string, body []byte) error {
	for try := 1; ; try++ {
		err := c.must(fasthttp.StatusOK, "/articles", key, body, ndjson...)
		if err == nil || c.res.StatusCode() != fasthttp.StatusServiceUnavailable || try == publishTries {
			return err
		}
		time.Sleep(publishPause)
	}
}

// publish sends articles with a key. One that is rejected is an error.
func (c *caller) publish(key string, articles []any) error {
	var body bytes.Buffer
	lines := json.NewEncoder(&body)
	for _, a := range articles {
		if err := lines.Encode(a); err != nil {
			return err
		}
	}
	if err := c.mustAccept(key, body.Bytes()); err != nil {
		return err
	}
	var answer struct {
		Rejected int `json:"rejected"`
		Results  []struct {
			Outcome string          `json:"outcome"`
			Problem json.RawMessage `json:"problem"`
		} `json:"results"`
	}
	if err := json.Unmarshal(c.res.Body(), &answer); err != nil {
		return fmt.Errorf("the answer to articles: %w", err)
	}
	for _, r := range answer.Results {
		if r.Outcome == "rejected" {
			return fmt.Errorf("%d of %d articles were rejected: %s", answer.Rejected, len(articles), r.Problem)
		}
	}
	return nil
}

// touchers are articles that carry every topic between them, 50 on each, and are
// older than all others: a new version of them touches every topic and moves no
// card. version 0 makes the topics known.
func (m *maker) touchers(version int) []any {
	const onEach = 50
	var out []any
	for from := 0; from < m.Corpus.Topics; from += onEach {
		labels := []any{}
		for n := from; n < min(from+onEach, m.Corpus.Topics); n++ {
			labels = append(labels, map[string]any{"id": m.ids[n], "salience": 0.01})
		}
		out = append(out, map[string]any{
			"url": fmt.Sprintf("https://news.example/touch/%d", from), "title": fmt.Sprintf("Touch %d", version),
			"kind": "news", "published_at": m.End.Add(-span - 24*time.Hour), "topics": labels,
			"source": map[string]any{"id": "touch", "name": "Touch"},
		})
	}
	return out
}

// touch publishes a version of the touchers: every feed has to be judged anew.
func (d *door) touch(m *maker, version int) error {
	c, all := d.caller(), m.touchers(version)
	for i, part := 0, newTopicsPerKey/50; i*part < len(all); i++ {
		if err := c.publish(d.keys[i%len(d.keys)], all[i*part:min((i+1)*part, len(all))]); err != nil {
			return fmt.Errorf("touch every topic: %w", err)
		}
	}
	return nil
}

// bring publishes the corpus.
func (d *door) bring(ctx context.Context, t *tool, m *maker) error {
	if err := d.touch(m, 0); err != nil {
		return err
	}
	const atOnce = 1000
	c, began := d.caller(), time.Now()
	for i := 1; i <= m.Corpus.Articles; i += atOnce {
		if err := ctx.Err(); err != nil {
			return err
		}
		var part []any
		for n := i; n < min(i+atOnce, m.Corpus.Articles+1); n++ {
			part = append(part, m.draft(n))
		}
		if err := c.publish(d.keys[0], part); err != nil {
			return fmt.Errorf("bring article %d and on: %w", i, err)
		}
	}
	t.say("%d articles in %v", m.Corpus.Articles, time.Since(began).Round(time.Second))
	return nil
}

// guest is a person with a list of interests.
type guest struct {
	token string
	page  int    // bytes of the feed
	etag  string // of the feed
}

// welcome makes guests, each following the topics that follows gives.
func (d *door) welcome(ctx context.Context, n int, follows func(j int) []string) ([]guest, error) {
	const atOnce = 32
	guests := make([]guest, n)
	err := parallel(ctx, atOnce, n, func(c *caller, j int) (err error) {
		guests[j].token, err = c.guest(follows(j))
		return err
	}, d)
	return guests, err
}

func (c *caller) guest(topics []string) (string, error) {
	if err := c.must(fasthttp.StatusCreated, "/guests", "", []byte{}); err != nil {
		return "", err
	}
	var made struct {
		Token string `json:"token"`
	}
	if err := json.Unmarshal(c.res.Body(), &made); err != nil {
		return "", fmt.Errorf("a guest: %w", err)
	}
	for from := 0; from < len(topics); from += mostOps {
		if err := c.follow(made.Token, topics[from:min(from+mostOps, len(topics))]); err != nil {
			return "", err
		}
	}
	return made.Token, nil
}

const mostOps = 200 // of one POST /interests/sync

// follow adds topics to a list, in one call where the server has it, else one by
// one.
func (c *caller) follow(token string, topics []string) error {
	type op struct {
		ID    string `json:"id"`
		Topic string `json:"topic"`
		Level string `json:"level"`
		At    string `json:"at"`
	}
	const device = "6e6577736c6f6164"
	var ops []op
	for i, t := range topics {
		ops = append(ops, op{strconv.Itoa(i), t, "follow", fmt.Sprintf("%012x%04x%s", time.Now().UnixMilli(), i, device)})
	}
	body, err := json.Marshal(map[string]any{"device": device, "ops": ops})
	if err != nil {
		return err
	}
	status, err := c.call("/interests/sync", token, body, fasthttp.HeaderContentType, "application/json")
	switch {
	case err != nil:
		return err
	case status == fasthttp.StatusOK && bytes.Count(c.res.Body(), []byte(`"applied"`)) == len(ops):
		return nil
	case status != fasthttp.StatusNotFound && status != fasthttp.StatusMethodNotAllowed:
		return fmt.Errorf("follow %d topics: status %d: %.300s", len(ops), status, c.res.Body())
	}
	for _, t := range topics {
		c.req.Reset()
		c.req.SetRequestURI(c.url + "/interests/" + t)
		c.req.Header.SetMethod(fasthttp.MethodPut)
		c.req.Header.SetContentType("application/json")
		c.req.Header.Set(fasthttp.HeaderAuthorization, "Bearer "+token)
		c.req.SetBodyString(`{"level":"follow"}`)
		if err := c.client.Do(&c.req, &c.res); err != nil {
			return fmt.Errorf("follow %s: %w", t, err)
		}
		if s := c.res.StatusCode(); s != fasthttp.StatusOK {
			return fmt.Errorf("follow %s: status %d: %.300s", t, s, c.res.Body())
		}
	}
	return nil
}

// parallel does n things with so many callers at once, and stops at the first
// error.
func parallel(ctx context.Context, callers, n int, do func(c *caller, j int) error, d *door) error {
	var (
		next  atomic.Int64
		wg    sync.WaitGroup
		first = make(chan error, callers)
	)
	for range min(callers, n) {
		wg.Go(func() {
			c := d.caller()
			for {
				j := int(next.Add(1)) - 1
				if j >= n {
					return
				}
				err := ctx.Err()
				if err == nil {
					err = do(c, j)
				}
				if err != nil {
					next.Store(int64(n))
					first <- err
					return
				}
			}
		})
	}
	wg.Wait()
	close(first)
	return <-first
}
