// Package mailtest takes letters as a mail server would, for tests.
package mailtest

import (
	"bufio"
	"io"
	"net"
	"strings"
	"testing"
)

// Sink starts a server until the end of the test, and returns its address, as
// smtp://…, and the letters that it was given, as they came.
func Sink(t testing.TB) (address string, letters <-chan string) {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	got, done := make(chan string, 8), make(chan struct{})
	t.Cleanup(func() {
		_ = l.Close()
		<-done
	})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			Serve(conn, got)
		}
	}()
	return "smtp://" + l.Addr().String(), got
}

// Serve takes the letters of one connection. It offers nothing beyond RFC 5321.
func Serve(conn net.Conn, letters chan<- string) {
	defer conn.Close()
	in := bufio.NewReader(conn)
	say := func(line string) { _, _ = io.WriteString(conn, line+"\r\n") }
	say("220 sink")
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		switch strings.ToUpper(strings.Fields(line + " .")[0]) {
		case "DATA":
			say("354 go on")
			letters <- letter(in)
			say("250 taken")
		case "QUIT":
			say("221 bye")
			return
		case "RCPT":
			if strings.Contains(line, "gone@") {
				say("550 5.1.1 " + strings.TrimSpace(line) + ": nobody here")
				continue
			}
			say("250 ok")
		default:
			say("250 ok")
		}
	}
}

func letter(in *bufio.Reader) string {
	var b strings.Builder
	for {
		line, err := in.ReadString('\n')
		if err != nil || line == ".\r\n" {
			return b.String()
		}
		b.WriteString(strings.TrimPrefix(line, "."))
	}
}
