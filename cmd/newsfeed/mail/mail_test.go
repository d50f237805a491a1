package mail

import (
	"errors"
	"io"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"strings"
	"testing"

	"newsfeed/cmd/newsfeed/mail/mailtest"
)

// A letter arrives as it was written, whatever is in it.
func TestSend(t *testing.T) {
	server, letters := mailtest.Sink(t)
	s, err := New(server, "newsfeed <no-reply@example.org>")
	if err != nil {
		t.Fatal(err)
	}
	text := "Größe = 1\n.\n" + strings.Repeat("long ", 50) + "\nhttps://example.org/?a=b\n"
	if err := s.Send(t.Context(), "ann@example.org", "A new password — für Ann", text); err != nil {
		t.Fatal(err)
	}
	m, err := mail.ReadMessage(strings.NewReader(<-letters))
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(quotedprintable.NewReader(m.Body))
	if err != nil || strings.TrimRight(strings.ReplaceAll(string(body), "\r\n", "\n"), "\n") != strings.TrimRight(text, "\n") {
		t.Errorf("%v, body %q", err, body)
	}
	if to := m.Header.Get("To"); to != "<ann@example.org>" {
		t.Errorf("to %q", to)
	}
}

// A server elsewhere must speak TLS, and no password is in an error.
func TestRefuses(t *testing.T) {
	for _, server := range []string{"", "http://host", "smtp://", "smtp://user:s3cret@%zz"} {
		if _, err := New(server, "a@example.org"); err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%q: %v", server, err)
		}
	}
	if _, err := New("smtp://host", "nobody"); err == nil {
		t.Error("a sender without an address")
	}
	server, letters := mailtest.Sink(t)
	s, err := New(server, "a@example.org")
	if err != nil {
		t.Fatal(err)
	}
	client, other := net.Pipe()
	go mailtest.Serve(other, make(chan string, 1))
	s.server.Host = "mail.example.org"
	if err := s.handOver(client, "ann@example.org", nil); !errors.Is(err, errPlain) {
		t.Errorf("without TLS: %v", err)
	}
	if len(letters) > 0 {
		t.Error("a letter was sent")
	}
}

// A server that refuses an address is reported without what it says of it.
func TestRefused(t *testing.T) {
	server, _ := mailtest.Sink(t)
	s, err := New(server, "a@example.org")
	if err != nil {
		t.Fatal(err)
	}
	err = s.Send(t.Context(), "gone@example.org", "A new password", "text")
	if err == nil || !strings.Contains(err.Error(), "550") || strings.Contains(err.Error(), "gone@") {
		t.Errorf("%v, want the code and no address", err)
	}
}
