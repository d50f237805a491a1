package api

import (
	"bytes"
	"fmt"
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"newsfeed/feed"
)

// query hands the parameters of a request to read, one by one. read returns what
// is wrong with one, "" when nothing is or when it does not know it. All bad
// ones together make the error.
func query(c *fiber.Ctx, read func(name, value []byte) string) error {
	var fields []field
	for name, value := range c.Context().QueryArgs().All() {
		if message := read(name, value); message != "" {
			fields = append(fields, field{string(name), message})
		}
	}
	if len(fields) > 0 {
		return &refusal{err: errBadQuery, fields: fields}
	}
	return nil
}

// limit reads the parameter of that name.
func limit(into *int, value []byte) string { return between(into, 1, feed.MaxLimit, value) }

// between reads a parameter that is a number.
func between(into *int, least, most int, value []byte) string {
	n, err := strconv.Atoi(string(value))
	if err != nil || n < least || n > most {
		return fmt.Sprintf("must be a whole number from %d to %d", least, most)
	}
	*into = n
	return ""
}

// boolean reads a parameter that is true or false.
func boolean(into *bool, value []byte) string {
	if *into = string(value) == "true"; !*into && string(value) != "false" {
		return "must be true or false"
	}
	return ""
}

// cursor reads a cursor. Its errors are answers of their own, not bad parameters.
func (s *Server) cursor(value []byte, now time.Time) (*feed.Cursor, error) {
	if len(value) == 0 {
		return nil, feed.ErrCursorDamaged
	}
	cursor, err := feed.ParseCursor(string(value), now)
	if err != nil {
		return nil, err
	}
	return &cursor, nil
}

// linkNext sets the header that leads to the next page: this request's
// parameters with another cursor.
func linkNext(c *fiber.Ctx, next []byte) {
	if len(next) == 0 {
		return
	}
	var room [512]byte
	b := append(room[:0], '<')
	for _, x := range c.Request().URI().PathOriginal() {
		if x == '>' {
			b = append(b, "%3E"...)
		} else {
			b = append(b, x)
		}
	}
	b = append(b, '?')
	for name, value := range c.Context().QueryArgs().All() {
		if string(name) != "cursor" {
			b = append(fasthttp.AppendQuotedArg(b, name), '=')
			b = append(fasthttp.AppendQuotedArg(b, value), '&')
		}
	}
	b = append(append(b, "cursor="...), next...) // of base64url's letters
	c.Response().Header.SetBytesV(fiber.HeaderLink, append(b, `>; rel="next"`...))
}

// tag is the text of a weak entity tag.
type tag [20]byte

// weak makes an entity tag of a version.
func weak(version uint64) (t tag) {
	const digits = "0123456789abcdef"
	copy(t[:], `W/"`)
	for i := range 16 {
		t[3+i] = digits[version>>(60-4*i)&15]
	}
	t[19] = '"'
	return t
}

// fresh sets the tag of an answer, and reports whether the caller has it already:
// then the answer is 304 and complete.
func fresh(c *fiber.Ctx, t tag) bool {
	c.Response().Header.SetBytesV(fiber.HeaderETag, t[:])
	if !t.in(c.Request().Header.Peek(fiber.HeaderIfNoneMatch)) {
		return false
	}
	c.Response().SetStatusCode(fiber.StatusNotModified)
	return true
}

// in reports whether a value of If-None-Match names the tag, compared weakly
// (RFC 9110 §8.8.3.2). No tag of ours has a comma in it.
func (t *tag) in(header []byte) bool {
	opaque := t[2:]
	for len(header) > 0 {
		var one []byte
		one, header, _ = bytes.Cut(header, []byte(","))
		one = bytes.TrimSpace(one)
		if string(one) == "*" || bytes.Equal(bytes.TrimPrefix(one, []byte("W/")), opaque) {
			return true
		}
	}
	return false
}
