package api

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"newsfeed/interests/account"
)

// ReadAnswer reads the body of an answer; of a stream only the beginning, as far
// as the second event.
func ReadAnswer(response *http.Response) ([]byte, error) {
	if response.Header.Get("Content-Type") != "text/event-stream" {
		return io.ReadAll(response.Body)
	}
	var body []byte
	for lines := bufio.NewReader(response.Body); strings.Count(string(body), "\ndata: ") < 2; {
		line, err := lines.ReadBytes('\n')
		if body = append(body, line...); err != nil {
			return body, err
		}
	}
	return body, nil
}

// listener is a client of a stream of events.
type listener struct {
	testing.TB
	response *http.Response
	lines    *bufio.Reader
	hangUp   func()
	id       string // of the last event
	retry    int    // ms, as last said
	comments int
}

// listen opens a stream over a connection of its own.
func (h *House) listen(token account.Secret, path string, headers ...string) *listener {
	h.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	r, err := http.NewRequestWithContext(ctx, "GET", h.URL+path, nil)
	if err != nil {
		h.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+string(token))
	}
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		r.Header.Set(name, value)
	}
	transport := &http.Transport{DisableKeepAlives: true}
	response, err := transport.RoundTrip(r)
	if err != nil {
		h.Fatal(err)
	}
	l := &listener{TB: h, response: response, lines: bufio.NewReader(response.Body), hangUp: func() { cancel(); _ = response.Body.Close() }}
	h.Cleanup(l.hangUp)
	if response.StatusCode != http.StatusOK {
		h.Fatalf("GET %s answered %d", path, response.StatusCode)
	}
	return l
}

// next reads to the end of the next event; "" at the end of the stream.
func (l *listener) next() (name, data string) {
	l.Helper()
	for {
		line, err := l.lines.ReadString('\n')
		if errors.Is(err, io.EOF) {
			return "", ""
		}
		if err != nil {
			l.Fatal(err)
		}
		field, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		switch {
		case field == "id":
			l.id = value
		case field == "event":
			name = value
		case field == "data":
			data = value
		case field == "retry":
			if l.retry, err = strconv.Atoi(value); err != nil {
				l.Fatal(err)
			}
		case field == ":":
			l.comments++
		case field == "" && name != "":
			return name, data
		}
	}
}

func (l *listener) want(name, data string) {
	l.Helper()
	if n, d := l.next(); n != name || d != data {
		l.Fatalf("event %q %s, want %q %s", n, d, name, data)
	}
}

// revisionOf reads the revision that an edit is answered with.
func (h *House) revisionOf(r Reply) (revision string) {
	h.Helper()
	var got struct{ Revision uint64 }
	r.Want(h, 200)
	r.JSON(h, &got)
	return fmt.Sprintf(`{"revision":%d}`, got.Revision)
}

func (h *House) followed(token account.Secret, topic string) string {
	h.Helper()
	return h.revisionOf(h.Call("PUT", "/interests/"+topic, token, `{"level":"follow"}`))
}

// A stream tells at once where its client's list and marks are, then each change
// and what is newer; one who comes back with the last id is told what is missing.
func TestEvents(t *testing.T) {
	h := NewHouse(t)
	me, other := h.Guest(), h.Guest()
	articles := h.Publish(h.Publisher, "Iran", "a", "b", "c")
	first := h.followed(me, "iran")
	l := h.listen(me, eventsPath)
	for header, want := range map[string]string{"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no", "Vary": varyHeaders} {
		if got := l.response.Header.Get(header); got != want {
			t.Errorf("%s is %q, want %q", header, got, want)
		}
	}
	l.want("interests", first)
	l.want("marks", `{"revision":0}`)
	if l.retry < 1000 {
		t.Errorf("come back after %d ms", l.retry)
	}
	h.followed(other, "chad")
	l.want("interests", h.followed(me, "chad"))
	marked := h.revisionOf(h.Call("PUT", "/marks/"+articles[0], me, `{"read":true}`))
	l.want("marks", marked)
	h.Publish(h.Publisher, "Iran", "d")
	l.want("feed", `{"newer":1}`)
	l.hangUp()

	second := h.followed(me, "cuba")
	l2 := h.listen(me, eventsPath, "Last-Event-ID: "+l.id)
	l2.want("interests", second)
	third := h.followed(me, "peru")
	l2.want("interests", third) // nothing in between
	strange := h.listen(me, eventsPath, "Last-Event-ID: what?")
	strange.want("interests", third)
	strange.want("marks", marked)
}

// Newer is counted for the page whose cursor is given, with its filters.
func TestEventsOfPage(t *testing.T) {
	h := NewHouse(t)
	me := h.Guest()
	h.Follow(me, "iran")
	h.Publish(h.Publisher, "Iran", "a", "b", "c")
	next := h.GetPage("/feed?limit=1", me).Next
	h.Publish(h.Publisher, "Iran", "d", "e")
	var want struct{ Count int }
	h.Must(200, "GET", "/feed/newer?cursor="+next, me, "").JSON(t, &want)
	l := h.listen(me, eventsPath+"?cursor="+next)
	l.next()
	l.next()
	l.want("feed", fmt.Sprintf(`{"newer":%d}`, want.Count))
	h.Must(401, "GET", eventsPath, "", "")
	h.Must(403, "GET", eventsPath, h.Publisher, "")
	h.Must(400, "GET", eventsPath+"?cursor=x", me, "")
	h.Must(400, "GET", eventsPath, me, "", "X-Interests-Revision: x")
}

// A silent stream shows that it lives, and a client that has gone is let go.
func TestHeartbeat(t *testing.T) {
	h := NewHouse(t)
	h.heartbeat = 5 * time.Millisecond
	me := h.Guest()
	l := h.listen(me, eventsPath)
	l.next()
	l.next()
	for l.comments < 3 {
		if _, err := l.lines.Peek(1); err != nil {
			t.Fatal(err)
		}
		line, _ := l.lines.ReadString('\n')
		l.comments += strings.Count(line, ":")
	}
	l.hangUp()
	for h.live.Streams() > 0 {
		<-h.closed
	}
}

// A client that reads nothing keeps nobody waiting, and is given up when a write
// takes too long.
func TestSlowClient(t *testing.T) {
	h := NewHouse(t)
	me := h.Guest()
	conn, err := net.Dial("tcp", strings.TrimPrefix(h.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %s\r\n\r\n", eventsPath, me)
	lines := bufio.NewReader(conn)
	if line, err := lines.ReadString('\n'); err != nil || !strings.Contains(line, "200") {
		t.Fatalf("%q, %v", line, err)
	}
	var last string
	for range 50 {
		last = h.followed(me, "iran")
	}
	text := ""
	for !strings.Contains(text, last) {
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		text = line
	}
}

// Streams end: with their session, with the person's ninth, and with the node,
// which says when to come back and does not wait for them.
func TestEventsEnd(t *testing.T) {
	h := NewHouse(t)
	me, leaving := h.Guest(), h.Guest()
	l := h.listen(leaving, eventsPath)
	if err := h.People.End(context.Background(), leaving); err != nil {
		t.Fatal(err)
	}
	for name, _ := l.next(); name != ""; name, _ = l.next() {
	}
	h.Must(401, "GET", eventsPath, leaving, "")

	var mine []*listener
	for range 9 {
		mine = append(mine, h.listen(me, eventsPath))
	}
	for name, _ := mine[0].next(); name != ""; name, _ = mine[0].next() {
	}
	if mine[0].retry < int(retryCrowded.Milliseconds()) {
		t.Errorf("who has too many is told to come back after %d ms", mine[0].retry)
	}
	done := make(chan error, 1)
	go func() { done <- h.Shutdown(context.Background()) }()
	for name, _ := mine[8].next(); name != ""; name, _ = mine[8].next() {
	}
	if mine[8].retry < int(retryStopped.Milliseconds()) || mine[8].retry > 2*int(retryStopped.Milliseconds()) {
		t.Errorf("when the node stops clients are told to come back after %d ms", mine[8].retry)
	}
	for _, l := range mine {
		l.hangUp()
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// Scripts of an allowed origin may listen with a bearer token, the reader's pages
// with its cookie, and no other origin with that.
func TestEventsAcrossOrigins(t *testing.T) {
	h := NewHouse(t)
	me := h.Guest()
	l := h.listen(me, eventsPath, "Origin: https://app.example")
	if got := l.response.Header.Get("Access-Control-Allow-Origin"); got != "https://app.example" {
		t.Errorf("an allowed origin is told %q", got)
	}
	l = h.listen("", eventsPath, "Cookie: "+h.cookie+"="+string(me), "Origin: https://app.example")
	if got := l.response.Header.Get("Access-Control-Allow-Origin"); got != "" {
		t.Errorf("an origin with a cookie is told %q", got)
	}
	l.want("interests", `{"revision":0}`)
	preflight := h.Must(204, "OPTIONS", eventsPath, "", "", "Origin: https://app.example", "Access-Control-Request-Method: GET")
	if got := preflight.Header.Get("Access-Control-Allow-Headers"); !strings.Contains(got, "Last-Event-ID") {
		t.Errorf("a preflight allows %q", got)
	}
	if got := preflight.Header.Get("Access-Control-Allow-Methods"); got != "GET, OPTIONS" {
		t.Errorf("a preflight allows %q", got)
	}
}
