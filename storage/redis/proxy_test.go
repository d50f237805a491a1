package redis_test

import (
	"bytes"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
)

// proxy passes on all bytes between clients and a server, and can swallow the
// answer to one command and hang up, or swallow all without a word, as failing
// networks do.
type proxy struct {
	listener net.Listener
	server   string
	lose     atomic.Pointer[string] // the command, lower case
	muted    atomic.Int64           // connections up to this number say nothing any more
	opened   atomic.Int64           // connections so far
	run      sync.WaitGroup
}

func startProxy(t *testing.T, server string) *proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: listener, server: server}
	p.run.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			p.run.Go(func() { p.pass(client) })
		}
	})
	t.Cleanup(p.run.Wait)
	t.Cleanup(func() { _ = listener.Close() })
	return p
}

func (p *proxy) url() string { return "redis://" + p.listener.Addr().String() }

func (p *proxy) loseAnswerTo(command string) { p.lose.Store(&command) }

// mute swallows what servers say on all connections that are open now.
func (p *proxy) mute() { p.muted.Store(p.opened.Load()) }

// pass takes turns: Redis answers each command before the client, which sends no
// pipelines but its greeting, has another.
func (p *proxy) pass(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", p.server)
	if err != nil {
		return
	}
	defer server.Close()
	number := p.opened.Add(1)
	var swallow atomic.Bool
	p.run.Go(func() {
		defer client.Close()
		answer := make([]byte, 64<<10)
		for {
			n, err := server.Read(answer)
			if err != nil || swallow.Load() {
				return
			}
			if number <= p.muted.Load() {
				continue
			}
			if _, err := client.Write(answer[:n]); err != nil {
				return
			}
		}
	})
	question := make([]byte, 64<<10)
	for {
		n, err := client.Read(question)
		if err != nil {
			return
		}
		if lose := p.lose.Load(); lose != nil && bytes.Contains(bytes.ToLower(question[:n]), []byte("\r\n"+*lose+"\r\n")) {
			swallow.Store(true)
			p.lose.Store(nil)
		}
		if _, err := io.Copy(server, bytes.NewReader(question[:n])); err != nil {
			return
		}
	}
}
