package storagetest

import (
	"context"
	"sync"

	"newsfeed/interests/account"
)

// ModelErasures is a store of erasures as plain as can be. The zero value is ready.
type ModelErasures struct {
	outage
	mu      sync.Mutex // guards pending
	pending map[account.ID]account.Erasure
}

func (m *ModelErasures) do(ctx context.Context, call func()) error {
	if err := m.check(ctx, account.ErrUnavailable); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.pending == nil {
		m.pending = map[account.ID]account.Erasure{}
	}
	call()
	return nil
}

// Begin implements account.Erasures.
func (m *ModelErasures) Begin(ctx context.Context, e account.Erasure) error {
	return m.do(ctx, func() { m.pending[e.Account] = e })
}

// Pending implements account.Erasures.
func (m *ModelErasures) Pending(ctx context.Context) (all []account.Erasure, err error) {
	err = m.do(ctx, func() {
		for _, e := range m.pending {
			all = append(all, e)
		}
	})
	return all, err
}

// Done implements account.Erasures.
func (m *ModelErasures) Done(ctx context.Context, id account.ID) error {
	return m.do(ctx, func() { delete(m.pending, id) })
}
