package storagetest

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"
)

// What every contract promises of every method, given its methods as calls.

// wantContext: a caller who has gone gets that for an answer.
func wantContext(t *testing.T, calls []storeCall) {
	t.Helper()
	late, cancel := context.WithDeadline(context.Background(), time.Now().Add(-time.Second))
	defer cancel()
	for _, call := range calls {
		if err := call.do(cancelled()); !errors.Is(err, context.Canceled) {
			t.Errorf("%s with a cancelled context: %v, want context.Canceled", call.name, err)
		}
		if err := call.do(late); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s after its deadline: %v, want context.DeadlineExceeded", call.name, err)
		}
		if err := call.do(background(t)); err != nil {
			t.Errorf("%s after that: %v", call.name, err)
		}
	}
}

// wantLostAndBack: a lost server is unavailable, soon enough for a person who
// waits, and each call works again when the server does.
func wantLostAndBack(t *testing.T, lose, heal func(testing.TB), calls []storeCall, unavailable error) {
	t.Helper()
	const soonEnough = 5 * time.Second
	for _, call := range calls { // connections are open before the loss
		if err := call.do(background(t)); err != nil {
			t.Fatalf("%s: %v", call.name, err)
		}
	}
	lose(t)
	for range 2 {
		// All at once: a driver may look for another server for some seconds.
		var group sync.WaitGroup
		for _, call := range calls {
			ctx := background(t)
			group.Go(func() {
				begin := time.Now()
				if err := call.do(ctx); !errors.Is(err, unavailable) {
					t.Errorf("%s without a server: %v, want %v", call.name, err, unavailable)
				}
				if took := time.Since(begin); took > soonEnough {
					t.Errorf("%s without a server took %v, want at most %v", call.name, took, soonEnough)
				}
			})
		}
		group.Wait()
	}
	heal(t)
	for _, call := range calls {
		eventually(t, call.name+" works again", func() bool { return call.do(background(t)) == nil })
	}
}

// wantDeadlines: a server that is silent keeps no caller beyond their deadline.
func wantDeadlines(t *testing.T, freeze, thaw func(testing.TB), calls []storeCall) {
	t.Helper()
	const deadline, slack = 200 * time.Millisecond, 2 * time.Second
	for _, call := range calls {
		if err := call.do(background(t)); err != nil {
			t.Fatalf("%s: %v", call.name, err)
		}
	}
	freeze(t)
	for _, call := range calls {
		ctx, cancel := context.WithTimeout(context.Background(), deadline)
		begin := time.Now()
		err := call.do(ctx)
		took := time.Since(begin)
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s of a frozen server: %v, want context.DeadlineExceeded", call.name, err)
		}
		if took > deadline+slack {
			t.Errorf("%s with a deadline of %v took %v", call.name, deadline, took)
		}
	}
	thaw(t)
	for _, call := range calls {
		eventually(t, call.name+" works again", func() bool { return call.do(background(t)) == nil })
	}
}

// writeUntilKilled lets writers write at once, kills the server when each has
// written 20 times, and returns when all have noticed. Write is called for one
// writer by one goroutine, with i from 0, until it fails.
func writeUntilKilled(t *testing.T, kill func(testing.TB), writers int, unavailable error, write func(ctx context.Context, w, i int) error) {
	t.Helper()
	const enough = 20
	var ready, done sync.WaitGroup
	ready.Add(writers)
	for w := range writers {
		done.Go(func() {
			isReady := sync.OnceFunc(ready.Done)
			defer isReady()
			for i := 0; ; i++ {
				if i == enough {
					isReady()
				}
				ctx, cancel := context.WithTimeout(context.Background(), patience)
				err := write(ctx, w, i)
				cancel()
				if err == nil {
					continue
				}
				if i < enough || !errors.Is(err, unavailable) {
					t.Errorf("writer %d, write %d: %v, want %v and not before the server is killed", w, i, err, unavailable)
				}
				return
			}
		})
	}
	ready.Wait()
	kill(t)
	done.Wait()
}
