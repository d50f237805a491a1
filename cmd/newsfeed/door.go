package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// door is a server's API as the commands use it, with a key.
type door struct {
	url, key string
	client   *http.Client
	close    func() error
}

const (
	// glance is how long a server of this machine may take to say who it is.
	glance = 2 * time.Second
	// callTimeout ends a call that hangs. A batch of 500 long articles is tagged
	// in a few seconds, and a busy writer says 503 within five.
	callTimeout = 2 * time.Minute
	// maxAnswer bounds what is read of an answer in memory.
	maxAnswer = 64 << 20
)

// openedDoor finds the door to act through: that of --server; else of the serve
// that holds the data folder; else it opens one on the stores for as long as the
// command runs. The caller closes it.
func (p *program) openedDoor(ctx context.Context) (*door, error) {
	if p.config.Server != "" {
		if p.config.Key == "" {
			return nil, errors.New("--server needs a key: give --key or NEWSFEED_KEY (newsfeed keys create, on the server's machine, makes one)")
		}
		return newDoor(p.config.Server, string(p.config.Key)), nil
	}
	if d := p.doorOfThisMachine(ctx); d != nil {
		return d, nil
	}
	address, key, closeDoor, err := openDoor(ctx, p.config)
	if err != nil {
		return nil, fmt.Errorf("open the stores: %w", err)
	}
	d := newDoor(address, key)
	d.close = closeDoor
	return d, nil
}

// doorOfThisMachine is the door of the serve that holds the data folder, nil when
// there is none. A file that a killed serve left behind is passed over.
func (p *program) doorOfThisMachine(ctx context.Context) *door {
	file, err := readDoorFile(p.config.Data)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		d := newDoor(file.URL, file.Key)
		if err = d.isAlive(ctx); err == nil {
			return d
		}
	}
	p.note("passing over %s, which a serve that is gone left behind (%v)", doorFilePath(p.config.Data), err)
	return nil
}

func newDoor(address, key string) *door {
	return &door{
		url: strings.TrimSuffix(address, "/"), key: key,
		client: &http.Client{
			Timeout: callTimeout,
			// The API never redirects. Who does is somebody else, and shall not get the key.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		close: func() error { return nil },
	}
}

// Close lets go of the stores, if they were opened for this door. What was
// acknowledged is durable, so a failure is told and changes nothing.
func (d *door) Close() {
	d.client.CloseIdleConnections()
	if err := d.close(); err != nil {
		slog.Warn("close the stores", "error", err)
	}
}

// isAlive is nil when newsfeed answers there and takes the key.
func (d *door) isAlive(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, glance)
	defer cancel()
	var about struct {
		Version string `json:"version"`
	}
	if err := d.call(ctx, http.MethodGet, "/version", nil, &about); err != nil {
		return err
	}
	if about.Version == "" {
		return fmt.Errorf("%s is no newsfeed server", d.url)
	}
	return d.call(ctx, http.MethodGet, "/keys", nil, nil)
}

// call sends a body, encoded as JSON unless it is nil, and decodes the answer into
// answer unless that is nil. A refusal is a [*refusal].
func (d *door) call(ctx context.Context, method, path string, body, answer any) error {
	var encoded []byte
	if body != nil {
		var err error
		if encoded, err = json.Marshal(body); err != nil {
			return fmt.Errorf("%s %s: %w", method, path, err)
		}
	}
	response, err := d.send(ctx, method, path, "application/json", encoded)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if answer == nil {
		return nil
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, maxAnswer)).Decode(answer); err != nil {
		return fmt.Errorf("%s %s%s: the answer is not ours: %w", method, d.url, path, err)
	}
	return nil
}

// send makes one call and returns its answer, to be closed, if it is 2xx. Else the
// error is a [*refusal], or says that no answer came.
func (d *door) send(ctx context.Context, method, path, contentType string, body []byte) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, method, d.url+path, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, path, err)
	}
	if d.key != "" {
		request.Header.Set("Authorization", "Bearer "+d.key)
	}
	if len(body) > 0 {
		request.Header.Set("Content-Type", contentType)
	}
	response, err := d.client.Do(request)
	if err != nil {
		if wrapped := (*url.Error)(nil); errors.As(err, &wrapped) {
			err = wrapped.Err
		}
		return nil, &noAnswer{d.url, err}
	}
	if response.StatusCode/100 != 2 {
		defer response.Body.Close()
		return nil, d.refusal(response)
	}
	return response, nil
}

// noAnswer: the server was not reached, or went away. Whether it did what was
// asked is not known.
type noAnswer struct {
	url string
	err error
}

func (n *noAnswer) Error() string { return fmt.Sprintf("no answer from %s: %v", n.url, n.err) }
func (n *noAnswer) Unwrap() error { return n.err }

// refusal is a problem+json answer.
type refusal struct {
	Status    int            `json:"status"`
	Title     string         `json:"title"`
	Detail    string         `json:"detail"`
	RequestID string         `json:"request_id"`
	Fields    []refusedField `json:"errors"`

	asks       bool          // to be called again
	retryAfter time.Duration // in this time
	body       []byte
	mend       string
}

type refusedField struct {
	Location string `json:"location"`
	Message  string `json:"message"`
}

func (d *door) refusal(response *http.Response) *refusal {
	r := &refusal{}
	r.retryAfter, r.asks = retryAfter(response)
	r.body, _ = io.ReadAll(io.LimitReader(response.Body, maxAnswer)) // what is missing is missed below
	if json.Unmarshal(r.body, r) != nil || r.Title == "" {
		r.Title = http.StatusText(response.StatusCode)
	}
	r.Status = response.StatusCode
	switch {
	case r.Status == http.StatusUnauthorized:
		r.mend = "is the key right, and not revoked? See --key and NEWSFEED_KEY"
	case r.Status == http.StatusForbidden:
		r.mend = "the key is of the wrong kind for this, or bound to other sources; an editor's may do everything"
	case r.Status/100 == 3:
		r.mend = d.url + " leads elsewhere, to " + response.Header.Get("Location") + "; give that address"
	case r.Status == http.StatusInternalServerError && r.RequestID != "":
		r.mend = "the server's log says why, at request " + r.RequestID
	}
	return r
}

func (r *refusal) Error() string {
	text := fmt.Sprintf("%d %s", r.Status, r.reason())
	if r.mend != "" {
		text += " (" + r.mend + ")"
	}
	return text
}

// reason is what is wrong, with all bad fields.
func (r *refusal) reason() string {
	text := cmp.Or(r.Detail, r.Title)
	for i, field := range r.Fields {
		separator := ": "
		if i > 0 {
			separator = "; "
		}
		text += separator + strings.TrimSpace(field.Location+" "+field.Message)
	}
	return text
}

// mayPass is whether the same call may succeed a moment later.
func (r *refusal) mayPass() bool {
	switch r.Status {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// retryAfter reads the header of that name: seconds, or a date.
func retryAfter(response *http.Response) (d time.Duration, ok bool) {
	value := response.Header.Get("Retry-After")
	if seconds, err := strconv.ParseUint(value, 10, 16); err == nil {
		return time.Duration(seconds) * time.Second, true
	}
	if date, err := http.ParseTime(value); err == nil {
		return time.Until(date), true
	}
	return 0, false
}
