package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"newsfeed/interests/wire"
)

// Bounds of a sync.
const (
	maxAnswer = 4 << 20          // bytes that are read of an answer
	maxIdle   = 3                // calls in a row after which no edit had a result
	waitFirst = time.Second      // before the second try, doubled with each
	waitMost  = 5 * time.Minute  // between two tries
	waitAsked = 60 * time.Minute // that a server may ask for
)

// Unavailable says that a sync got no answer, or none that helps, and when it is
// worth trying again. Nothing was lost.
type Unavailable struct {
	Wait time.Duration
	Err  error
}

func (u *Unavailable) Error() string { return u.Err.Error() }
func (u *Unavailable) Unwrap() error { return u.Err }

// Sync sends the edits that wait and takes in what the server has. It waits for
// its turn when another client of the store syncs, and makes as many calls as it
// needs, but does not try again by itself: [Client.Run] does. Errors:
// [ErrSignedOut], [*Unavailable], those of the store and of ctx.
func (c *Client) Sync(ctx context.Context) error {
	done, err := c.o.Store.Turn(ctx)
	if err != nil {
		return fmt.Errorf("wait for a turn to sync: %w", err)
	}
	defer done()
	for idle := 0; idle < maxIdle; idle++ {
		more, ended, err := c.exchange(ctx)
		if err != nil {
			return c.failed(ctx, err)
		}
		if ended {
			idle = -1
		}
		if !more {
			c.mu.Lock()
			c.failures = 0
			c.mu.Unlock()
			return nil
		}
	}
	return c.failed(ctx, fmt.Errorf("%w: no edit has a result", errAnswer))
}

// exchange makes one call and takes its answer in. more: another one is needed
// at once; ended: an edit has its result.
func (c *Client) exchange(ctx context.Context) (more, ended bool, err error) {
	var q question
	if err := c.update(func(s *State) error { q = s.question(); return nil }); err != nil {
		return false, false, err
	}
	a, err := c.call(ctx, q)
	if err != nil {
		return false, false, err
	}
	var problems []Problem
	err = c.update(func(s *State) error {
		if !s.asks(q) {
			more = true
			return nil
		}
		before := len(s.Pending)
		problems, err = s.reconcile(q, a, c.o.Now())
		ended = len(s.Pending) < before
		more = len(s.Pending) > 0 || !s.Known && !a.Full
		return err
	})
	if err == nil {
		c.tell(Event{Problems: problems})
	}
	return more, ended, err
}

// failed makes of an error what Sync returns.
func (c *Client) failed(ctx context.Context, err error) error {
	var u *Unavailable
	if ctx.Err() != nil || !errors.As(err, &u) && !errors.Is(err, errAnswer) {
		return err
	}
	c.mu.Lock()
	c.failures++
	wait := backoff(c.failures, c.o.Random())
	c.mu.Unlock()
	if u != nil {
		wait += u.Wait
	}
	return &Unavailable{Wait: wait, Err: err}
}

// backoff is how long to wait after so many failures in a row: doubled with each,
// and spread over half of that, so that who lost a server at the same moment does
// not come back at the same moment.
func backoff(failures int, random float64) time.Duration {
	wait := waitMost
	if failures < 10 {
		wait = min(waitMost, waitFirst<<(failures-1))
	}
	return wait/2 + time.Duration(random*float64(wait/2))
}

// call makes the call.
func (c *Client) call(ctx context.Context, q question) (a answer, err error) {
	body, err := json.Marshal(&q)
	if err != nil {
		return a, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.o.URL+"/interests/sync", bytes.NewReader(body))
	if err != nil {
		return a, err
	}
	r.Header.Set("Authorization", "Bearer "+string(c.o.Token))
	r.Header.Set("Content-Type", "application/json")
	response, err := c.o.HTTP.Do(r)
	if err != nil {
		return a, &Unavailable{Err: err}
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	switch {
	case err != nil:
		return a, &Unavailable{Err: err}
	case response.StatusCode == http.StatusUnauthorized, response.StatusCode == http.StatusForbidden:
		return a, fmt.Errorf("%w: %s", ErrSignedOut, said(response, text))
	case response.StatusCode != http.StatusOK:
		return a, &Unavailable{asked(response, c.o.Now()), errors.New(said(response, text))}
	}
	if err := wire.DecodeOpen(text, &a); err != nil {
		return a, fmt.Errorf("%w: %w", errAnswer, err)
	}
	return a, nil
}

// said is what a refusal says, for people.
func said(r *http.Response, text []byte) string {
	var p wire.Problem
	if wire.DecodeOpen(text, &p) == nil && p.Detail != "" {
		return strconv.Itoa(r.StatusCode) + " " + p.Detail
	}
	return r.Status
}

// asked is how long a server asks to be left alone.
func asked(r *http.Response, now time.Time) time.Duration {
	value := r.Header.Get("Retry-After")
	wait := time.Duration(0)
	if seconds, err := strconv.Atoi(value); err == nil {
		wait = time.Duration(min(seconds, int(waitAsked/time.Second))) * time.Second
	} else if at, err := http.ParseTime(value); err == nil {
		wait = at.Sub(now)
	}
	return min(max(wait, 0), waitAsked)
}

// Run syncs now, after each edit, and after failures again and again, until ctx
// ends or the server does not take the token. It returns why it ended. Call it
// once; whoever hears of edits made elsewhere calls [Client.Sync] beside it.
func (c *Client) Run(ctx context.Context) error {
	for {
		err := c.Sync(ctx)
		var u *Unavailable
		if err != nil && !errors.As(err, &u) {
			return err
		}
		if err := c.rest(ctx, u); err != nil {
			return err
		}
	}
}

// rest waits for the next edit, or after a failure until it is worth trying
// again: edits do not hurry a server that asked to be left alone.
func (c *Client) rest(ctx context.Context, after *Unavailable) error {
	var retry <-chan time.Time
	edited := c.edited
	if after != nil {
		timer := time.NewTimer(after.Wait)
		defer timer.Stop()
		retry, edited = timer.C, nil
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-edited:
	case <-retry:
	}
	return nil
}
