package servers

import (
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
	"time"
)

// freePort is a port that nobody listens on, nor on the one 10,000 above, where
// a Redis of a cluster listens too. Both lie below the ranges from which Linux
// (32768), macOS and Windows (49152) take ports for outgoing connections, so
// that nobody has our port when a killed server comes back.
func freePort() (int, error) {
	const first, ports, busAbove = 11000, 11000, 10000
	for range 100 {
		port := first + rand.IntN(ports)
		if isFree(port) && isFree(port+busAbove) {
			return port, nil
		}
	}
	return 0, errors.New("no free port on loopback in a hundred tries")
}

func isFree(port int) bool {
	l, err := net.Listen("tcp", loopback(port))
	if err != nil {
		return false
	}
	return l.Close() == nil
}

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// dial opens a connection for one question and its answer.
func dial(addr string) (net.Conn, error) {
	conn, err := net.DialTimeout("tcp", addr, askPatience)
	if err != nil {
		return nil, err
	}
	if err := conn.SetDeadline(time.Now().Add(askPatience)); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}
