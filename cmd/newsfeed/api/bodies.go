package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"mime"
	"net"
	"net/url"
	"unicode/utf8"

	"github.com/gofiber/fiber/v2"

	"newsfeed/interests/wire"
)

// capped reads at most so many bytes of a body, then fails with errTooLarge.
type capped struct {
	in   io.Reader
	left int
}

func (r *capped) Read(p []byte) (int, error) {
	if r.left < 0 {
		return 0, errTooLarge
	}
	n, err := r.in.Read(p[:min(len(p), r.left+1)])
	if r.left -= n; r.left < 0 {
		return n + r.left, errTooLarge
	}
	return n, bodyError(err)
}

// bodyError puts a failure to read a body into our words.
func bodyError(err error) error {
	var netErr net.Error
	switch {
	case err == nil || errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
		return err
	case errors.As(err, &netErr) && netErr.Timeout():
		return fmt.Errorf("%w: %w", errSlowBody, err)
	}
	return fmt.Errorf("%w: %w", errBrokenBody, err)
}

// body returns the body of a request as it comes, at most so many bytes of it.
func body(c *fiber.Ctx, most int) (io.Reader, error) {
	if encoding := c.Request().Header.ContentEncoding(); len(encoding) > 0 && string(encoding) != "identity" {
		return nil, because(errMediaType, "a body must come without Content-Encoding")
	}
	if c.Request().Header.ContentLength() > most {
		return nil, errTooLarge
	}
	if stream := c.Request().BodyStream(); stream != nil {
		return &capped{stream, most}, nil
	}
	return &capped{bytes.NewReader(c.Request().Body()), most}, nil
}

// mediaType returns the type of a request's body, "" when it does not say one.
func mediaType(c *fiber.Ctx) string {
	t, _, err := mime.ParseMediaType(string(c.Request().Header.ContentType()))
	if err != nil && len(c.Request().Header.ContentType()) > 0 {
		return "?"
	}
	return t
}

// decode reads a body of one of our own shapes.
func decode(c *fiber.Ctx, v any) error { return decodeUpTo(c, maxPeopleBody, v) }

// decodeUpTo is decode for a body of at most so many bytes.
func decodeUpTo(c *fiber.Ctx, most int, v any) error {
	if t := mediaType(c); t != "application/json" && t != "" {
		return because(errMediaType, "the body must be application/json")
	}
	in, err := body(c, most)
	if err != nil {
		return err
	}
	b, err := io.ReadAll(in)
	if err != nil {
		return err
	}
	return wire.Decode(b, v)
}

// skipBody reads a body that a call has no use for, so that one beyond the limit
// is refused here as everywhere.
func skipBody(c *fiber.Ctx) error {
	in, err := body(c, maxPeopleBody)
	if err == nil {
		_, err = io.Copy(io.Discard, in)
	}
	return err
}

// path returns a parameter of the path, percent-decoded once.
func path(c *fiber.Ctx, name string) (string, error) {
	value, err := url.PathUnescape(c.Params(name))
	if err != nil || !utf8.ValidString(value) {
		return "", &refusal{err: errBadPath, fields: []field{{name, "is not percent-encoded UTF-8"}}}
	}
	return value, nil
}

// send answers with JSON.
func send(c *fiber.Ctx, status int, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode an answer: %w", err)
	}
	sendBytes(c, status, b)
	return nil
}

func sendBytes(c *fiber.Ctx, status int, b []byte) {
	c.Response().SetStatusCode(status)
	c.Response().Header.SetContentType(fiber.MIMEApplicationJSON)
	c.Response().SetBodyRaw(b)
}

// sendTagged answers with JSON under a tag made of its bytes.
func sendTagged(c *fiber.Ctx, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode an answer: %w", err)
	}
	sendBytesTagged(c, b)
	return nil
}

func sendBytesTagged(c *fiber.Ctx, b []byte) {
	h := fnv.New64a()
	h.Write(b)
	if !fresh(c, weak(h.Sum64())) {
		sendBytes(c, fiber.StatusOK, b)
	}
}

// cache says how long an answer keeps: a person's is asked for again each time.
func cache(c *fiber.Ctx, who *caller, forAll string) {
	if who.kind != nobody {
		forAll = "private, no-cache"
	}
	c.Response().Header.Set(fiber.HeaderCacheControl, forAll)
}
