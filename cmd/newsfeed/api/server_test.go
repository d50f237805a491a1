package api

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v2"

	"newsfeed/feed"
	"newsfeed/feed/ingest"
	"newsfeed/interests"
	"newsfeed/interests/account"
	"newsfeed/interests/topic"
	"newsfeed/interests/wire"
)

// Raw sends bytes and reads one answer.
func (h *House) Raw(request string) Reply {
	h.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(h.URL, "http://"))
	if err != nil {
		h.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, request); err != nil {
		h.Fatal(err)
	}
	r, _ := http.NewRequest("GET", h.URL, nil)
	response, err := http.ReadResponse(bufio.NewReader(conn), r)
	if err != nil {
		h.Fatalf("%.100q: %v", request, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		h.Fatal(err)
	}
	return Reply{response, body}
}

// What never reaches a route of ours is a problem too, never Fiber's own text.
func TestRefusedByFiber(t *testing.T) {
	h := NewHouse(t)
	tests := []struct {
		name, request string
		status        int
	}{
		{"no such path", "GET /nothing/<b> HTTP/1.1\r\nHost: a\r\n\r\n", 404},
		{"other case", "GET /Feed HTTP/1.1\r\nHost: a\r\n\r\n", 404},
		{"no such method on a parameter", "POST /interests/iran HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", 405},
		{"no such method here", "DELETE /feed HTTP/1.1\r\nHost: a\r\n\r\n", 405},
		{"no such method", "BREW /feed HTTP/1.1\r\nHost: a\r\n\r\n", 501},
		{"large headers", "GET /feed HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("x", maxHeader) + "\r\n\r\n", 431},
		{"long path", "GET /topics/" + strings.Repeat("x", maxHeader) + " HTTP/1.1\r\nHost: a\r\n\r\n", 431},
		{"bad escape", "GET /topics/%zz HTTP/1.1\r\nHost: a\r\n\r\n", 400},
		{"no HTTP", "hello\r\n\r\n", 400},
	}
	for _, test := range tests {
		r := h.Raw(test.request)
		if r.StatusCode != test.status {
			t.Errorf("%s: %d, want %d: %s", test.name, r.StatusCode, test.status, r.Body)
		}
		if p := r.Problem(t); p.RequestID == "" {
			t.Errorf("%s: no request id in %s", test.name, r.Body)
		}
		if got := r.Header.Get("Allow"); (got != "") != (r.StatusCode == 405) {
			t.Errorf("%s: %d with Allow %q", test.name, r.StatusCode, got)
		}
	}
	if got := h.Must(405, "POST", "/topics/iran", "", "").Header.Get("Allow"); got != "GET, HEAD, PUT, OPTIONS" && !sameMethods(got, "GET, HEAD, PUT, OPTIONS") {
		t.Errorf("Allow %q", got)
	}
}

func sameMethods(a, b string) bool {
	x, y := strings.Split(a, ", "), strings.Split(b, ", ")
	slices.Sort(x)
	slices.Sort(y)
	return slices.Equal(x, y)
}

// A percent sign is decoded once: what was encoded twice stays encoded, and an
// encoded slash does not part a path.
func TestPathIsDecodedOnce(t *testing.T) {
	h := NewHouse(t)
	h.Must(200, "PUT", "/topics/ac-dc", h.Editor, `{"name":"AC/DC","kind":"subject"}`)
	h.Must(200, "GET", "/topics/AC%2FDC", "", "")
	h.Must(200, "GET", "/topics/AC%2fDC/articles", "", "")
	h.Must(404, "GET", "/topics/AC%252FDC", "", "")
	h.Must(200, "GET", "/topics/North%20Korea", "", "")
	h.Must(404, "GET", "/topics/North%2520Korea", "", "")
	h.Must(200, "GET", "/topics/iran/", "", "")
}

// What the table of errors says of each sentinel.
func TestErrors(t *testing.T) {
	secret := errors.New("dial 10.0.0.7: password hunter2")
	tests := []struct {
		err    error
		status int
		kind   string
		told   bool
	}{
		{secret, 500, "about:blank", true},
		{fmt.Errorf("panic: %w", secret), 500, "about:blank", true},
		{fiber.ErrInternalServerError, 500, "about:blank", true},
		{fiber.ErrNotFound, 404, "about:blank", false},
		{fiber.ErrMethodNotAllowed, 405, "about:blank", false},
		{fiber.ErrRequestEntityTooLarge, 413, "about:blank", false},
		{fiber.ErrRequestHeaderFieldsTooLarge, 431, "about:blank", false},
		{fiber.NewError(400, secret.Error()), 400, "about:blank", false},
		{&wire.Malformed{Location: "/a", Message: "b"}, 400, "about:blank", false},
		{&ingest.Invalid{Fields: []ingest.Field{{Location: "/a", Message: "b"}}}, 422, "about:blank", false},
		{ingest.ErrTooMany, 413, "too-many", false},
		{feed.ErrCursorDamaged, 400, "cursor-damaged", false},
		{feed.ErrCursorExpired, 410, "cursor-expired", false},
		{feed.ErrNotYours, 403, "not-yours", false},
		{feed.ErrUnknownArticle, 404, "about:blank", false},
		{feed.ErrQueueFull, 503, "queue-full", false},
		{feed.ErrContended, 503, "contended", true},
		{feed.ErrDamaged, 503, "unavailable", true},
		{fmt.Errorf("%w: %w", feed.ErrUnavailable, secret), 503, "unavailable", true},
		{fmt.Errorf("%w: %w", interests.ErrUnavailable, secret), 503, "unavailable", true},
		{fmt.Errorf("%w: %w", account.ErrUnavailable, secret), 503, "unavailable", true},
		{fmt.Errorf("%w: %w", topic.ErrUnavailable, secret), 503, "unavailable", true},
		{context.DeadlineExceeded, 503, "unavailable", true},
		{interests.ErrFull, 409, "list-full", false},
		{interests.ErrBusy, 503, "busy", false},
		{topic.ErrTaken, 409, "taken", false},
		{account.ErrNoKey, 404, "about:blank", false},
		{account.ErrNoSession, 401, "token", false},
		{errors.Join(errTooLarge, feed.ErrUnavailable), 413, "about:blank", false},
	}
	for _, test := range tests {
		var told error
		s := New(Deps{Log500: func(_ string, err error) { told = err }})
		s.app.Get("/fails", s.door(&route{"GET", "/fails", operation, nothing, func(*Server, *fiber.Ctx, *caller) error {
			return fmt.Errorf("load list of somebody: %w", test.err)
		}}, "GET"))
		r, _ := http.NewRequest("GET", "http://news.example/fails", nil)
		response, err := s.App().Test(r)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(response.Body)
		p := Reply{&http.Response{StatusCode: response.StatusCode, Header: response.Header, Request: r}, body}.Problem(t)
		if p.Status != test.status || p.Type != test.kind || (told != nil) != test.told {
			t.Errorf("%v: answered %s, told %v; want %d %s, told %v", test.err, body, told, test.status, test.kind, test.told)
		}
		if test.told && !errors.Is(told, test.err) {
			t.Errorf("%v: told %v", test.err, told)
		}
		if strings.Contains(string(body), "hunter2") || strings.Contains(string(body), "somebody") {
			t.Errorf("%v: strangers read %s", test.err, body)
		}
		if (test.status == 503) != (response.Header.Get("Retry-After") != "") {
			t.Errorf("%v: Retry-After %q", test.err, response.Header.Get("Retry-After"))
		}
	}
}

// A handler that panics is an internal error, and the next call is answered.
func TestPanic(t *testing.T) {
	var told error
	s := New(Deps{Log500: func(_ string, err error) { told = err }})
	s.app.Get("/panics", s.door(&route{"GET", "/panics", operation, nothing, func(*Server, *fiber.Ctx, *caller) error { panic("hunter2") }}, "GET"))
	for range 2 {
		r, _ := http.NewRequest("GET", "http://news.example/panics", nil)
		response, err := s.App().Test(r)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(response.Body)
		if response.StatusCode != 500 || strings.Contains(string(body), "hunter2") || told == nil || !strings.Contains(told.Error(), "hunter2") {
			t.Errorf("answered %d %s, told %v", response.StatusCode, body, told)
		}
	}
}

// Others hang their routes after the API's.
func TestMount(t *testing.T) {
	s := New(Deps{}, func(r fiber.Router) {
		r.Get("/", func(c *fiber.Ctx) error { return c.SendString("page") })
		r.Get("/livez", func(c *fiber.Ctx) error { return c.SendString("shadow") })
		r.Get("/fails", func(*fiber.Ctx) error { panic("hunter2") })
	})
	for path, want := range map[string]string{"/": "page", "/livez": `{"status":"ok"}`} {
		r, _ := http.NewRequest("GET", "http://news.example"+path, nil)
		response, err := s.App().Test(r)
		if err != nil {
			t.Fatal(err)
		}
		if body, _ := io.ReadAll(response.Body); string(body) != want {
			t.Errorf("GET %s: %s, want %s", path, body, want)
		}
	}
	r, _ := http.NewRequest("GET", "http://news.example/fails", nil)
	response, err := s.App().Test(r)
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != 500 {
		t.Errorf("a mounted handler that panics: %d", response.StatusCode)
	}
}

// Whoever is refused while still sending hears why: with the declared length of
// a body too large, and without; and the connection ends in good order.
func TestRefusedWhileSending(t *testing.T) {
	h := NewHouse(t)
	big := strings.Repeat(" ", 50<<20)
	for range 5 {
		r := h.Call("POST", "/articles", h.Publisher, big)
		r.Want(t, 413)
		r.Problem(t)
		r = h.Send("POST", "/articles", h.Publisher, io.MultiReader(strings.NewReader(big)))
		r.Want(t, 413)
		h.Must(401, "POST", "/articles", "", big)
		h.Must(415, "POST", "/articles", h.Publisher, big, "Content-Type: text/plain")
		h.Must(404, "POST", "/nothing", "", big)
		h.Must(413, "PUT", "/interests/iran", h.Guest(), big)
		h.Must(200, "GET", "/livez", "", "")
	}
}
