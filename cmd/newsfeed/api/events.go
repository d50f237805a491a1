package api

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"

	"newsfeed/feed"
	"newsfeed/feed/live"
)

// Times of streams.
const (
	heartbeat      = 15 * time.Second
	eventsPatience = 30 * time.Second // of each write to a stream; renewed with every event and heartbeat

	// After how long clients come back, half as long again for some, so that not
	// all do so at once: as a rule; when the node stops; and who has too many.
	retryEvents  = 2 * time.Second
	retryStopped = time.Second
	retryCrowded = time.Minute
	retryOld     = 15 * time.Second // HTTP/1.0 knows no streams
)

// eventNames are the names of events and of the one field of their data.
var eventNames = [...]struct{ name, field string }{
	live.List:  {"interests", "revision"},
	live.Marks: {"marks", "revision"},
	live.Newer: {"feed", "newer"},
}

// getEvents answers with a stream of server-sent events: the revisions of the
// caller's list and marks whenever they change, and how many stories entered
// since the page of the cursor, else since the stream began. An id says all that
// the client knows, so that whoever sends the last one back, to whichever node,
// is told what has changed meanwhile.
func (s *Server) getEvents(c *fiber.Ctx, who *caller) error {
	q, err := s.question(c, atCursor|filtered)
	if err != nil {
		return err
	}
	asked := live.Asked{Session: who.session, Token: who.token}
	if who.byJWT {
		asked.Until = who.session.Expires
	}
	if known, ok := live.ParseState(string(c.Request().Header.Peek("Last-Event-ID"))); ok {
		asked.Known = &known // another's id is as good as none: an error would end the client's trying for good
	}
	if asked.Least, err = leastRevision(c); err != nil {
		return err
	}
	if err := s.see(c, who, &q); err != nil {
		return err
	}
	if err := s.reachAll(q.Cursor, asked.Known); err != nil {
		return err
	}
	asked.Query = q
	ctx, cancel := deadline()
	defer cancel()
	stream, err := s.live.Open(ctx, asked)
	if err != nil {
		return fmt.Errorf("open a stream of %s: %w", who.session.Account, err)
	}
	h := &c.Response().Header
	h.SetContentType("text/event-stream")
	h.Set("X-Accel-Buffering", "no")
	if !c.Request().Header.IsHTTP11() {
		sendEventsNow(c, stream)
		return nil
	}
	c.Response().ImmediateHeaderFlush = true
	c.Context().SetBodyStream(&eventReader{stream: stream, conn: c.Context().Conn(), heartbeat: s.heartbeat}, -1)
	return nil
}

// reachAll waits until this node has the edition of a cursor. That of an event's
// id it waits for too, but goes on without: it may be of a log that is gone.
func (s *Server) reachAll(cursor *feed.Cursor, known *live.State) error {
	if cursor != nil {
		return s.reach(cursor.Edition)
	}
	if known != nil {
		_ = s.reach(known.Edition)
	}
	return nil
}

// sendEventsNow answers a client of HTTP/1.0, to which nothing without an end can
// be sent: with what it does not know yet, and when to come back.
func sendEventsNow(c *fiber.Ctx, stream *live.Stream) {
	defer stream.Close()
	body := appendRetry(nil, retryOld)
	for e, ok := stream.Now(); ok; e, ok = stream.Now() {
		body = appendEvent(body, e)
	}
	c.Response().SetBodyRaw(body)
}

// eventReader is the body of a stream. The server reads it on the connection's
// goroutine, and sends what each Read returned at once; when the client has gone
// it closes it.
type eventReader struct {
	stream    *live.Stream
	conn      net.Conn
	heartbeat time.Duration
	begun     bool
	ended     bool
	text      bytes.Buffer // to be sent
}

// Read waits for the next event or heartbeat.
func (r *eventReader) Read(p []byte) (int, error) {
	if r.text.Len() == 0 {
		if r.ended {
			return 0, io.EOF
		}
		r.text.Write(r.next(r.text.AvailableBuffer()))
		if r.text.Len() == 0 {
			return 0, io.EOF
		}
	}
	if err := r.conn.SetWriteDeadline(time.Now().Add(eventsPatience)); err != nil {
		return 0, fmt.Errorf("renew the deadline of a stream: %w", err)
	}
	return r.text.Read(p)
}

// next appends what is to be sent next.
func (r *eventReader) next(b []byte) []byte {
	if !r.begun {
		r.begun = true
		return appendRetry(b, retryEvents)
	}
	e, err := r.stream.Next(r.heartbeat)
	switch {
	case err == nil:
		return appendEvent(b, e)
	case errors.Is(err, live.ErrQuiet):
		return append(b, ":\n\n"...)
	}
	r.ended = true
	switch {
	case errors.Is(err, live.ErrClosed):
		b = appendRetry(b, retryStopped)
	case errors.Is(err, live.ErrCrowded):
		b = appendRetry(b, retryCrowded)
	}
	return b
}

// Close ends the stream.
func (r *eventReader) Close() error {
	r.stream.Close()
	return nil
}

func appendEvent(b []byte, e live.Event) []byte {
	of := eventNames[e.Of]
	b = append(append(b, "id: "...), e.State.String()...)
	b = append(append(b, "\nevent: "...), of.name...)
	b = append(append(b, "\ndata: {\""...), of.field...)
	b = strconv.AppendUint(append(b, "\":"...), e.Value, 10)
	return append(b, "}\n\n"...)
}

// appendRetry says when to come back, up to half as late again.
func appendRetry(b []byte, after time.Duration) []byte {
	after += rand.N(after / 2)
	b = strconv.AppendInt(append(b, "retry: "...), after.Milliseconds(), 10)
	return append(b, "\n\n"...)
}
