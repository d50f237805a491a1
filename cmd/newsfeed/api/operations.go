package api

import (
	"bytes"
	"context"
	"io"
	"net"
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/adaptor"
)

// healthTimeout bounds the questions to the stores for /readyz.
const healthTimeout = 2 * time.Second

func (s *Server) getLivez(c *fiber.Ctx, _ *caller) error {
	sendBytes(c, fiber.StatusOK, []byte(`{"status":"ok"}`))
	return nil
}

// readiness says whether this node can serve, and if not, why.
type readiness struct {
	Ready        bool         `json:"ready"`
	Warm         bool         `json:"warm"`
	Dependencies []Dependency `json:"dependencies"`
}

func (s *Server) getReadyz(c *fiber.Ctx, _ *caller) error {
	ctx, cancel := context.WithTimeout(context.Background(), healthTimeout)
	defer cancel()
	r := readiness{Warm: s.Warm(), Dependencies: s.Health(ctx)}
	r.Ready = r.Warm && s.Log.Err() == nil
	for _, d := range r.Dependencies {
		r.Ready = r.Ready && d.OK
	}
	if r.Dependencies == nil {
		r.Dependencies = []Dependency{}
	}
	if r.Ready {
		return send(c, fiber.StatusOK, &r)
	}
	c.Response().Header.Set(fiber.HeaderRetryAfter, "2")
	return send(c, fiber.StatusServiceUnavailable, &r)
}

func (s *Server) getMetrics(c *fiber.Ctx, _ *caller) error {
	return adaptor.HTTPHandler(s.meters.handler)(c)
}

func (s *Server) getVersion(c *fiber.Ctx, _ *caller) error {
	return send(c, fiber.StatusOK, struct {
		Version string `json:"version"`
	}{s.Settings.Version})
}

// getBackup streams a copy of the embedded store. A copy that fails breaks the
// connection off, so that nobody takes it for whole.
func (s *Server) getBackup(c *fiber.Ctx, _ *caller) error {
	if s.Backup == nil {
		return because(errNotFound, "the stores are servers, which have backups of their own")
	}
	c.Response().Header.Set(fiber.HeaderContentDisposition, `attachment; filename="newsfeed.db"`)
	c.Response().Header.SetContentType(fiber.MIMEOctetStream)
	if string(c.Request().Header.Method()) == fiber.MethodHead {
		return nil
	}
	out, in := io.Pipe()
	conn := c.Context().Conn() // c is another request's by the time of the copy
	go func() {
		// Ends with the copy, or when the connection has closed the pipe.
		err := s.Backup(context.Background(), &patient{in, conn})
		if err != nil {
			s.Log500("", err)
		}
		in.CloseWithError(err)
	}()
	c.Response().SetBodyStream(out, -1)
	return nil
}

// patient gives a long answer its time as long as it goes on.
type patient struct {
	io.Writer
	conn net.Conn
}

func (p *patient) Write(b []byte) (int, error) {
	if err := p.conn.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return 0, err
	}
	return p.Writer.Write(b)
}

// Sizes of /bench/fixed.
const (
	fixedDefault = 1024
	fixedMost    = maxBody
)

// newFixed makes the longest body of /bench/fixed. Its ends are the shorter
// ones: a JSON number after white space.
func newFixed() []byte {
	return append(bytes.Repeat([]byte(" "), fixedMost-1), '0')
}

// getFixed answers with so many bytes, after all that a feed goes through before
// it is made: the yardstick for speed.
func (s *Server) getFixed(c *fiber.Ctx, _ *caller) error {
	if s.fixed == nil {
		return errNotFound
	}
	n := fixedDefault
	err := query(c, func(name, value []byte) (message string) {
		if string(name) == "bytes" {
			var err error
			if n, err = strconv.Atoi(string(value)); err != nil || n < 0 || n > fixedMost {
				return "must be a whole number from 0 to " + strconv.Itoa(fixedMost)
			}
		}
		return ""
	})
	if err != nil {
		return err
	}
	sendBytes(c, fiber.StatusOK, s.fixed[len(s.fixed)-n:])
	return nil
}
