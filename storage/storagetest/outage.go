package storagetest

import (
	"context"
	"fmt"
	"sync"
	"testing"
)

// outage lets a model behave as a server does that is lost or frozen, so that
// the cases about servers are proved on the models first. The zero value is a
// server in good health.
type outage struct {
	state  sync.Mutex // guards what follows
	lost   bool
	frozen chan struct{} // closed by Thaw; nil when not frozen
}

// Lose makes every call fail with ErrUnavailable until Heal.
func (o *outage) Lose(testing.TB) { o.set(true, nil) }

// Heal ends Lose.
func (o *outage) Heal(testing.TB) { o.set(false, nil) }

// Freeze makes every call wait for Thaw or its context.
func (o *outage) Freeze(testing.TB) { o.set(false, make(chan struct{})) }

// Thaw ends Freeze.
func (o *outage) Thaw(testing.TB) { o.set(false, nil) }

func (o *outage) set(lost bool, frozen chan struct{}) {
	o.state.Lock()
	defer o.state.Unlock()
	if o.frozen != nil {
		close(o.frozen)
	}
	o.lost, o.frozen = lost, frozen
}

// check is the beginning of every call.
func (o *outage) check(ctx context.Context, unavailable error) error {
	o.state.Lock()
	lost, frozen := o.lost, o.frozen
	o.state.Unlock()
	if frozen != nil {
		select {
		case <-frozen:
		case <-ctx.Done():
		}
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("model: %w", err)
	}
	if lost {
		return fmt.Errorf("model: %w", unavailable)
	}
	return nil
}
