package api

import (
	"io"
	"net"
	"sync/atomic"
	"time"

	"github.com/gofiber/fiber/v2"
)

// A request can be refused before its body was read: too large, no token, a full
// queue. Closing the connection then makes the kernel reset it, and the client,
// which is still writing, often loses the answer to that (seen in every second
// call with a body of 8 MiB on loopback). So such a connection is closed the way
// RFC 9112 §9.6 asks for: our half first, then what still comes is thrown away,
// for a while.

// How long, and how much.
const (
	lingerTime  = 3 * time.Second
	lingerBytes = 64 << 20
	lingerFrom  = 64 << 10 // bodies up to so many bytes are read by the server itself
)

// lingeringListener makes connections that can close late.
type lingeringListener struct{ net.Listener }

func (l lingeringListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &lingeringConn{Conn: c}, nil
}

type lingeringConn struct {
	net.Conn
	late atomic.Bool
}

// Close closes at once, or late when that was asked for.
func (c *lingeringConn) Close() error {
	half, ok := c.Conn.(interface{ CloseWrite() error })
	if ok && c.late.CompareAndSwap(true, false) && half.CloseWrite() == nil {
		_ = c.Conn.SetReadDeadline(time.Now().Add(lingerTime))
		_, _ = io.CopyN(io.Discard, c.Conn, lingerBytes)
	}
	return c.Conn.Close()
}

// closeLate ends the connection after a refusal whose request may have a body
// that was not read.
func closeLate(c *fiber.Ctx) {
	length := c.Request().Header.ContentLength()
	if length >= 0 && length <= lingerFrom || c.Request().BodyStream() == nil {
		return
	}
	c.Response().SetConnectionClose()
	if conn, ok := c.Context().Conn().(*lingeringConn); ok {
		conn.late.Store(true)
	}
}
