package ingest

import (
	"context"
	"time"

	"newsfeed/feed/ingest/fetch"
)

// visit is how an address is asked and its answer read: in d.Timeout, both
// together. Waiting for a turn does not count, or a node with much to do would
// blame its sources.
type visit struct {
	desk *Desk
	took time.Duration
}

// fetch waits for a place at the host and one of the node's, then asks. The
// client keeps to the desk's timeout by itself.
func (v *visit) fetch(ctx context.Context, r fetch.Request) (*fetch.Answer, error) {
	d := v.desk
	leave, err := d.hosts.enter(ctx, hostOf(r.URL))
	if err != nil {
		return nil, err
	}
	defer leave()
	if err := enter(ctx, d.fetches); err != nil {
		return nil, err
	}
	defer func() { <-d.fetches }()
	defer v.count(time.Now())
	return d.Client.Get(ctx, r)
}

// read waits for a place among those who read, and reads an answer in the time
// that asking has left. It ends with that, wherever it is.
func (v *visit) read(ctx context.Context, answer *fetch.Answer) (Document, error) {
	d := v.desk
	if err := enter(ctx, d.parsings); err != nil {
		return Document{}, err
	}
	defer func() { <-d.parsings }()
	defer v.count(time.Now())
	ctx, cancel := context.WithTimeoutCause(ctx, d.Timeout-v.took, errSlowReading)
	defer cancel()
	return ReadDocument(ctx, Received{Body: answer.Body, ContentType: answer.Header.Get("Content-Type"), URL: answer.URL})
}

func (v *visit) count(since time.Time) { v.took += time.Since(since) }
