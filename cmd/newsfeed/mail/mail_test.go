package mail

import (
	"bufio"
	"io"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"strings"
	"testing"
)

// sink takes letters as a mail server would, and hands them on as they came.
func sink(t *testing.T) (address string, letters <-chan string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	got := make(chan string, 8)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			serve(conn, got)
		}
	}()
	return "smtp://" + l.Addr().String(), got
}

func serve(conn net.Conn, got chan<- string) {
	defer conn.Close()
	in := bufio.NewReader(conn)
	say := func(line string) { _, _ = io.WriteString(conn, line+"\r\n") }
	say("220 sink")
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		switch word := strings.ToUpper(strings.Fields(line + " .")[0]); word {
		case "DATA":
			say("354 go on")
			var letter strings.Builder
			for {
				line, err := in.ReadString('\n')
				if err != nil || line == ".\r\n" {
					break
				}
				letter.WriteString(strings.TrimPrefix(line, "."))
			}
			got <- letter.String()
			say("250 taken")
		case "QUIT":
			say("221 bye")
			return
		default:
			say("250 ok")
		}
	}
}

// A letter arrives as it was written, whatever is in it.
func TestSend(t *testing.T) {
	server, letters := sink(t)
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
	server, letters := sink(t)
	s, err := New(server, "a@example.org")
	if err != nil {
		t.Fatal(err)
	}
	client, other := net.Pipe()
	go serve(other, make(chan string, 1))
	s.server.Host = "mail.example.org"
	if err := s.handOver(client, "ann@example.org", nil); err != errPlain {
		t.Errorf("without TLS: %v", err)
	}
	if len(letters) > 0 {
		t.Error("a letter was sent")
	}
}
