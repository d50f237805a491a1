package main

import (
	"bytes"
	"context"
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"newsfeed/storage/storagetest/servers"
)

// A crash in the middle of an import: start again, import again, and every
// article is there, once.

func TestKillServeDuringImport(t *testing.T) {
	t.Run("embedded", func(t *testing.T) { killServe(t, nil) })
	t.Run("servers", func(t *testing.T) {
		settings := onServers(t)
		killServe(t, settings)
	})
}

func killServe(t *testing.T, settings []string) {
	p := serve(t, settings...)
	file := ndjson(t, 3000)
	for round := range 3 {
		imported := p.startImport(file)
		time.Sleep(time.Duration(50+rand.IntN(400)) * time.Millisecond) // somewhere in the middle, or after the end
		p.kill()
		imported.cancel()
		code := <-imported.code
		t.Logf("round %d: killed; the import ended with %d", round, code)
		p.start()
	}
	p.checkImport(file, 3000)
}

func TestKillMongoDuringImport(t *testing.T) {
	mongo, redis := servers.Mongo(t), servers.SharedRedis(t)
	settings := []string{"MONGODB_URI=" + mongo.URL(), "REDIS_URL=" + redis.URL()}
	p := serve(t, settings...)
	file := ndjson(t, 2000)
	imported := p.startImport(file)
	for range 2 {
		time.Sleep(time.Duration(200+rand.IntN(300)) * time.Millisecond)
		mongo.Kill()
		mongo.Restart()
	}
	if code := <-imported.code; code == exitNothing { // it waits for the server, or says what it did not reach
		t.Logf("the import gave up:\n%s", imported.out)
	}
	p.checkImport(file, 2000)
}

// checkImport imports a file to its end and looks for every article, once.
func (p *process) checkImport(file string, n int) {
	p.t.Helper()
	last := p.startImport(file)
	if code := <-last.code; code != exitWell {
		p.t.Fatalf("the last import ended with %d:\n%s", code, last.out)
	}
	p.t.Logf("the last import: %s", bytes.TrimSpace([]byte(last.out.String())))
	got := p.feed(p.guest("iran"), 100)
	if len(got.Items) != n || got.AsOf.Edition != sownTopics+n {
		p.t.Errorf("%d articles at edition %d, want %d, from edition %d on: none missing, none twice", len(got.Items), got.AsOf.Edition, n, sownTopics+1)
	}
	seen := map[string]bool{}
	for _, item := range got.Items {
		if seen[item.Article.URL] {
			p.t.Errorf("%s is there twice", item.Article.URL)
		}
		seen[item.Article.URL] = true
	}
}

// running is an import under way.
type running struct {
	cancel context.CancelFunc
	code   chan int
	out    *syncBuffer
}

func (p *process) startImport(file string) running {
	ctx, cancel := context.WithCancel(context.Background())
	r := running{cancel, make(chan int, 1), new(syncBuffer)}
	go func() {
		r.code <- run(ctx, []string{"import", "--server", p.url, "--key", testKey, file}, nil, r.out, r.out)
	}()
	return r
}

// ndjson writes a file of articles.
func ndjson(t *testing.T, n int) string {
	var b bytes.Buffer
	for i := range n {
		line, _ := json.Marshal(testArticle(i))
		b.Write(append(line, '\n'))
	}
	path := filepath.Join(t.TempDir(), "articles.ndjson")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
