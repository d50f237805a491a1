package main

import (
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// badLine passes bytes on between a node and a server, as a network does that
// fails now and then: it cuts connections, before what was sent has arrived or
// after it, so that only the answer is lost.
type badLine struct {
	listener net.Listener
	server   string
	run      sync.WaitGroup
	deaf     atomic.Bool // answers are thrown away

	mu    sync.Mutex // guards conns
	conns map[net.Conn]struct{}
	cuts  atomic.Int64
}

func newBadLine(t testing.TB, server string) *badLine {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &badLine{listener: listener, server: server, conns: map[net.Conn]struct{}{}}
	l.run.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			l.run.Go(func() { l.pass(client) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		l.cut()
		l.run.Wait()
	})
	return l
}

func (l *badLine) url() string { return "redis://" + l.listener.Addr().String() }

func (l *badLine) pass(client net.Conn) {
	server, err := net.Dial("tcp", l.server)
	if err != nil {
		_ = client.Close()
		return
	}
	l.keep(client, server)
	var both sync.WaitGroup
	both.Go(func() { l.copy(server, client, false) })
	both.Go(func() { l.copy(client, server, true) })
	both.Wait()
}

func (l *badLine) keep(conns ...net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range conns {
		l.conns[c] = struct{}{}
	}
}

// copy passes on what one side says, until either is closed.
func (l *badLine) copy(to, from net.Conn, answers bool) {
	defer func() {
		_, _ = to.Close(), from.Close()
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.conns, to)
		delete(l.conns, from)
	}()
	buffer := make([]byte, 16<<10)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		if answers && l.deaf.Load() {
			continue
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}

// cut closes all connections.
func (l *badLine) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.conns {
		_ = c.Close()
	}
	l.cuts.Add(1)
}

// fail cuts now and then, every second time after answers were lost, until stop
// is closed.
func (l *badLine) fail(random *rand.Rand, every time.Duration, stop <-chan struct{}) {
	for i := 0; ; i++ {
		select {
		case <-stop:
			return
		case <-time.After(every/2 + rand.N(every)):
		}
		if i%2 == 1 {
			l.deaf.Store(true)
			time.Sleep(time.Duration(random.IntN(10)) * time.Millisecond) // the line is what it is for so long
		}
		l.cut()
		l.deaf.Store(false)
	}
}
