// Package fetch is the one client that asks addresses which people outside have
// chosen: publishers' documents and pages. It takes every one for hostile.
//
// It connects to public addresses only, judged when the connection is made, on
// every redirect; it knows no proxy, no cookie and no password; and all it takes
// in has a bound. What the operator has configured (stores, mail) is not fetched
// through it.
package fetch

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

// Bounds of an answer.
const (
	MaxWire      = 8 << 20 // bytes as they come
	MaxDecoded   = 8 << 20 // bytes once unpacked
	maxRatio     = 100     // how many times as long it may become, once
	ratioFree    = 1 << 20 // it is longer than this
	maxRedirects = 5
	maxHeader    = 64 << 10
	hostConns    = 2 // connections to one host at a time
)

// Failures that a caller acts on; ErrRefused is another.
var (
	ErrTooLarge  = errors.New("the answer is too large")
	ErrRedirects = errors.New("the address leads in circles, or on for too long")
)

// Options are the operator's choices.
type Options struct {
	Agent        string           // User-Agent
	Timeout      time.Duration    // of everything that one Get does; > 0
	AllowPrivate bool             // any address and port may be connected to
	Besides      []netip.AddrPort // else: what may be besides public addresses
}

// Client fetches. It is safe for concurrent use.
type Client struct {
	http    http.Client
	agent   string
	timeout time.Duration
	guard   guard // nil: everything is allowed
}

// New returns a client.
func New(o Options) *Client {
	c := &Client{agent: o.Agent, timeout: o.Timeout}
	dialer := &net.Dialer{Timeout: o.Timeout, KeepAlive: -1}
	if !o.AllowPrivate {
		c.guard = newGuard().besides(o.Besides)
		dialer.Control = c.guard
	}
	c.http = http.Client{
		Transport: &http.Transport{
			Proxy:                  nil, // of the environment neither: a proxy would dial for us, unguarded
			DialContext:            dialer.DialContext,
			DisableCompression:     true, // what is unpacked is counted, below
			MaxConnsPerHost:        hostConns,
			MaxIdleConnsPerHost:    1,
			IdleConnTimeout:        10 * time.Second,
			TLSHandshakeTimeout:    o.Timeout,
			ResponseHeaderTimeout:  o.Timeout,
			MaxResponseHeaderBytes: maxHeader,
			ForceAttemptHTTP2:      true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return c
}

// Close ends the connections that are idle.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Request says what to get. The validators are those of the answer that the
// caller has; empty: it has none.
type Request struct {
	URL          string
	ETag         string
	LastModified string
}

// Answer is what an address answered, whatever its status.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte // unpacked; empty unless the status is 200
	URL    string // that answered, after redirects
	Moved  string // where redirects led that are for good (301, 308); "" when the first was not
}

// Get fetches an address, with up to 5 redirects. The error is ErrRefused,
// ErrTooLarge, ErrRedirects (all wrapped), the context's, or says why nothing
// could be had: no such name, no connection, a broken answer.
func (c *Client) Get(ctx context.Context, r Request) (*Answer, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.timeout, fmt.Errorf("no whole answer within %s: %w", c.timeout, context.DeadlineExceeded))
	defer cancel()
	at, err := url.Parse(r.URL)
	if err != nil {
		return nil, fmt.Errorf("%w: it cannot be read", ErrRefused)
	}
	moved, forGood := "", true
	for range maxRedirects + 1 {
		response, err := c.ask(ctx, at, r)
		if err != nil {
			return nil, because(ctx, err)
		}
		next, err := redirect(response)
		if next == nil || err != nil {
			answer, err := c.answer(response, err)
			if err != nil {
				return nil, because(ctx, err)
			}
			answer.URL, answer.Moved = at.String(), moved
			return answer, nil
		}
		_ = response.Body.Close() // its body is not for reading
		if forGood = forGood && isForGood(response.StatusCode); forGood {
			moved = next.String()
		}
		at = next
	}
	return nil, fmt.Errorf("%w: more than %d redirects", ErrRedirects, maxRedirects)
}

// because puts in a failure's place that the time was over, if it was, and takes
// the address off its front.
func because(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if wrapped := (*url.Error)(nil); errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}

func (c *Client) ask(ctx context.Context, at *url.URL, r Request) (*http.Response, error) {
	if err := c.check(at); err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), http.NoBody)
	if err != nil {
		return nil, err
	}
	h := request.Header
	h.Set("User-Agent", c.agent)
	h.Set("Accept", "application/rss+xml, application/atom+xml, application/feed+json, application/xml;q=0.9, text/xml;q=0.9, application/json;q=0.9, text/html;q=0.5, */*;q=0.1")
	h.Set("Accept-Encoding", "gzip")
	if r.ETag != "" {
		h.Set("If-None-Match", r.ETag)
	}
	if r.LastModified != "" {
		h.Set("If-Modified-Since", r.LastModified)
	}
	return c.http.Do(request)
}

func isForGood(status int) bool {
	return status == http.StatusMovedPermanently || status == http.StatusPermanentRedirect
}

// redirect returns where an answer leads, nil when it is the last.
func redirect(response *http.Response) (*url.URL, error) {
	switch response.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		next, err := response.Location()
		if err != nil {
			return nil, fmt.Errorf("a redirect that leads nowhere: %w", err)
		}
		next.Fragment = ""
		return next, nil
	}
	return nil, nil
}

// answer reads the last response and closes it.
func (c *Client) answer(response *http.Response, err error) (*Answer, error) {
	defer response.Body.Close()
	if err != nil {
		return nil, err
	}
	answer := &Answer{Status: response.StatusCode, Header: response.Header}
	if response.StatusCode != http.StatusOK {
		return answer, nil
	}
	answer.Body, err = read(response)
	return answer, err
}

// read unpacks a body, within all bounds.
func read(response *http.Response) ([]byte, error) {
	wire := &counted{in: response.Body, most: MaxWire}
	var in io.Reader = wire
	switch encoding := strings.ToLower(strings.TrimSpace(response.Header.Get("Content-Encoding"))); encoding {
	case "", "identity":
	case "gzip", "x-gzip":
		unpacked, err := gzip.NewReader(wire)
		if err != nil {
			return nil, fmt.Errorf("unpack the answer: %w", err)
		}
		in = &bounded{in: unpacked, wire: wire}
	default:
		return nil, fmt.Errorf("the answer is packed as %q, which was not asked for", encoding)
	}
	return io.ReadAll(in)
}

// counted is bytes as they come, at most so many.
type counted struct {
	in   io.Reader
	n    int
	most int
}

func (r *counted) Read(p []byte) (int, error) {
	n, err := r.in.Read(p)
	if r.n += n; r.n > r.most {
		return n, fmt.Errorf("%w: it is longer than %d MiB", ErrTooLarge, r.most>>20)
	}
	return n, err
}

// bounded is unpacked bytes: few enough, also for what they were unpacked from.
type bounded struct {
	in   io.Reader
	wire *counted
	n    int
}

func (r *bounded) Read(p []byte) (int, error) {
	n, err := r.in.Read(p)
	switch r.n += n; {
	case r.n > MaxDecoded:
		return n, fmt.Errorf("%w: it is longer than %d MiB unpacked", ErrTooLarge, MaxDecoded>>20)
	case r.n > ratioFree && r.n/maxRatio > r.wire.n:
		return n, fmt.Errorf("%w: unpacked it is over %d times as long", ErrTooLarge, maxRatio)
	}
	return n, err
}
