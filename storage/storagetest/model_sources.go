package storagetest

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"newsfeed/feed/ingest"
)

// ModelSources is ingest.Sources in memory. The zero value is ready.
type ModelSources struct {
	outage
	mu  sync.Mutex // guards all
	all []ingest.Address
}

// Add implements ingest.Sources.
func (m *ModelSources) Add(ctx context.Context, addresses []ingest.Address) ([]bool, error) {
	if err := m.check(ctx, ingest.ErrSourcesUnavailable); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	added := make([]bool, len(addresses))
	for i, a := range addresses {
		if !slices.ContainsFunc(m.all, func(o ingest.Address) bool { return o.ID == a.ID || o.URL == a.URL }) {
			m.all, added[i] = append(m.all, a), true
		}
	}
	return added, nil
}

// All implements ingest.Sources.
func (m *ModelSources) All(ctx context.Context) ([]ingest.Address, error) {
	if err := m.check(ctx, ingest.ErrSourcesUnavailable); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.SortedFunc(slices.Values(m.all), func(a, b ingest.Address) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.URL, b.URL))
	}), nil
}

// Lease implements ingest.Sources.
func (m *ModelSources) Lease(ctx context.Context, now, until time.Time, limit int, ids ...uuid.UUID) ([]ingest.Address, error) {
	if err := m.check(ctx, ingest.ErrSourcesUnavailable); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	slices.SortFunc(m.all, func(a, b ingest.Address) int { return a.Due.Compare(b.Due) })
	var leased []ingest.Address
	for i := range m.all {
		a := &m.all[i]
		free := !a.Stopped && !a.Due.After(now) && !a.Until.After(now)
		if len(ids) > 0 {
			free = slices.Contains(ids, a.ID)
		}
		if free && len(leased) < limit {
			a.Lease, a.Until = a.Lease+1, until
			leased = append(leased, *a)
		}
	}
	return leased, nil
}

// Save implements ingest.Sources.
func (m *ModelSources) Save(ctx context.Context, a ingest.Address) error {
	if err := m.check(ctx, ingest.ErrSourcesUnavailable); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	at := slices.IndexFunc(m.all, func(o ingest.Address) bool { return o.ID == a.ID && o.Lease == a.Lease })
	switch {
	case at < 0:
		return ingest.ErrLeaseLost
	case slices.ContainsFunc(m.all, func(o ingest.Address) bool { return o.ID != a.ID && o.URL == a.URL }):
		return ingest.ErrAddressTaken
	}
	a.Until = time.Time{}
	m.all[at] = a
	return nil
}

// Remove implements ingest.Sources.
func (m *ModelSources) Remove(ctx context.Context, source string) (int, error) {
	if err := m.check(ctx, ingest.ErrSourcesUnavailable); err != nil {
		return 0, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	before := len(m.all)
	m.all = slices.DeleteFunc(m.all, func(a ingest.Address) bool { return a.Source == source })
	return before - len(m.all), nil
}
