package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"newsfeed/storage/storagetest/servers"
)

// earshot is a client of GET /events.
type earshot struct {
	t      *testing.T
	lines  *bufio.Reader
	hangUp func()
	id     string // of the last event
}

// listen opens a stream.
func (p *process) listen(t *testing.T, token, id string) *earshot {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url+"/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	if id != "" {
		r.Header.Set("Last-Event-ID", id)
	}
	response, err := (&http.Transport{}).RoundTrip(r)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("GET /events: %v, %v", response, err)
	}
	e := &earshot{t: t, lines: bufio.NewReader(response.Body), id: id, hangUp: func() { cancel(); _ = response.Body.Close() }}
	t.Cleanup(e.hangUp)
	return e
}

// next reads to the end of the next event, and returns its name and data; the
// error is that of the connection.
func (e *earshot) next() (event string, err error) {
	var name, data string
	for {
		line, err := e.lines.ReadString('\n')
		if err != nil {
			return "", err
		}
		field, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		switch {
		case field == "id":
			e.id = value
		case field == "event":
			name = value
		case field == "data":
			data = value
		case field == "" && name != "":
			return name + " " + data, nil
		}
	}
}

// end reads to the end of the stream, which the node makes.
func (e *earshot) end() {
	e.t.Helper()
	for {
		if _, err := e.next(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			e.t.Fatalf("waiting for the end: %v", err)
		}
	}
}

// await reads until an event comes; before it only those may come that are let
// pass.
func (e *earshot) await(want string, pass ...string) {
	e.t.Helper()
	for {
		got, err := e.next()
		if err != nil {
			e.t.Fatalf("waiting for %s: %v", want, err)
		}
		if got == want {
			return
		}
		for _, p := range pass {
			if strings.HasPrefix(got, p) {
				got = ""
			}
		}
		if got != "" {
			e.t.Fatalf("heard %s, want %s", got, want)
		}
	}
}

func heardOf(revision uint64) string { return fmt.Sprintf(`interests {"revision":%d}`, revision) }

// follow edits until it is acknowledged, and returns the revision.
func (p *process) follow(token, topic string) uint64 {
	p.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		var edit struct{ Revision uint64 }
		status, err := p.tryCall("PUT", "/interests/"+topic, token, map[string]string{"level": "follow"}, &edit)
		if status == http.StatusOK {
			return edit.Revision
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("follow %s: %d, %v", topic, status, err)
		}
	}
}

// A stream on one node tells what is edited on the other: at once; while the line
// to Redis is cut; after Redis was killed and has come back; and to a client whose
// node was killed, when it comes back to the other with the last id it has heard.
func TestEventsAcrossNodes(t *testing.T) {
	redis, mongo := servers.Redis(t), servers.SharedMongo(t)
	t.Logf("on %s and %s", mongo.Kind(), redis.Kind())
	database, line := mongo.Database(fmt.Sprintf("events%d", time.Now().UnixNano())), newBadLine(t, redis.Addr())
	a := serve(t, "MONGODB_URI="+database, "REDIS_URL="+redis.URL())
	b := serve(t, "MONGODB_URI="+database, "REDIS_URL="+line.url())
	token := a.guest()
	first := a.follow(token, "iran")
	e := b.listen(t, token, "")
	e.await(heardOf(first))
	e.await(`marks {"revision":0}`)
	e.await(heardOf(a.follow(token, "chad")))
	a.publish(testArticle(1))
	e.await(`feed {"newer":1}`)

	line.deaf.Store(true)
	missed := a.follow(token, "cuba")
	line.cut()
	line.deaf.Store(false)
	e.await(heardOf(missed))

	redis.Kill()
	redis.Restart()
	e.await(heardOf(a.follow(token, "peru")), "interests") // an edit without an answer may come first
	a.publish(testArticle(2))

	b.kill()
	if _, err := io.Copy(io.Discard, e.lines); err == nil {
		t.Error("the node was killed, and its stream ended in good order")
	}
	missed = a.follow(token, "fiji")
	back := a.listen(t, token, e.id)
	back.await(heardOf(missed), "feed")
	back.await(heardOf(a.follow(token, "oman")), "feed")

	a.signal(syscall.SIGTERM)
	if _, err := io.Copy(io.Discard, back.lines); err != nil {
		t.Errorf("the node stopped, and its stream ended with %v", err)
	}
	select {
	case <-a.done:
	case <-time.After(20 * time.Second):
		t.Error("the node does not stop")
	}
}
