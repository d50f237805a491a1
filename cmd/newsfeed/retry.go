package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// A call that may pass later is made again after a wait that doubles. Who waits
// for longer than patience without any progress gives up.
const (
	firstWait = 500 * time.Millisecond
	mostWait  = 10 * time.Second
	patience  = 2 * time.Minute
)

// retrying calls attempt until it succeeds, is refused for good, or patience is at
// its end. Only for what may be done twice: a call without an answer is made
// again too. waiting, unless nil, is told before each wait.
func retrying(ctx context.Context, attempt func() error, waiting func(wait time.Duration, why error)) error {
	until := time.Now().Add(patience)
	for wait := firstWait; ; wait = min(2*wait, mostWait) {
		err := attempt()
		if err == nil {
			return nil
		}
		pause, again := pauseAfter(err, wait)
		if ctx.Err() != nil || !again {
			return err
		}
		if time.Now().Add(pause).After(until) {
			return fmt.Errorf("gave up after %s: %w", patience, err)
		}
		if waiting != nil {
			waiting(pause, err)
		}
		if err := sleep(ctx, pause); err != nil {
			return err
		}
	}
}

// pauseAfter is how long to wait before the next attempt, if there is to be one:
// what the server asks for, else wait.
func pauseAfter(err error, wait time.Duration) (pause time.Duration, again bool) {
	var refused *refusal
	if errors.As(err, &refused) {
		if refused.asks {
			wait = max(refused.retryAfter, 0)
		}
		return wait, refused.mayPass()
	}
	var lost *noAnswer
	return wait, errors.As(err, &lost)
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
