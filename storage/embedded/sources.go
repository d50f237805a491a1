package embedded

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"go.etcd.io/bbolt"

	"newsfeed/feed/ingest"
)

// Sources returns the store's addresses that are polled.
func (s *Store) Sources() ingest.Sources { return &sources{store: s} }

// sources keeps ingest.Sources. There are some thousands at most, in a file of
// one process, so all are read to find those that are due.
type sources struct{ store *Store }

// Add implements ingest.Sources.
func (s *sources) Add(ctx context.Context, addresses []ingest.Address) (added []bool, err error) {
	err = s.store.update(ctx, ingest.ErrSourcesUnavailable, func(tx *bbolt.Tx) error {
		b := tx.Bucket(bucketSources)
		all, err := allAddresses(b)
		if err != nil {
			return err
		}
		urls, ids := map[string]bool{}, map[uuid.UUID]bool{}
		for _, a := range all {
			urls[a.URL], ids[a.ID] = true, true
		}
		added = make([]bool, len(addresses))
		for i, a := range addresses {
			if urls[a.URL] || ids[a.ID] {
				continue
			}
			urls[a.URL], ids[a.ID], added[i] = true, true, true
			if err := put(b, a.ID[:], a); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("add addresses of sources: %w", err)
	}
	return added, nil
}

// All implements ingest.Sources.
func (s *sources) All(ctx context.Context) (all []ingest.Address, err error) {
	err = s.store.view(ctx, ingest.ErrSourcesUnavailable, func(tx *bbolt.Tx) error {
		all, err = allAddresses(tx.Bucket(bucketSources))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("load sources: %w", err)
	}
	return all, nil
}

// Lease implements ingest.Sources. Mostly nothing is due: that is found out
// without a turn to write.
func (s *sources) Lease(ctx context.Context, now, until time.Time, limit int, ids ...uuid.UUID) (leased []ingest.Address, err error) {
	err = s.store.view(ctx, ingest.ErrSourcesUnavailable, func(tx *bbolt.Tx) error {
		leased, err = toLease(tx.Bucket(bucketSources), now, limit, ids)
		return err
	})
	if err == nil && len(leased) > 0 {
		err = s.store.update(ctx, ingest.ErrSourcesUnavailable, func(tx *bbolt.Tx) error {
			b := tx.Bucket(bucketSources)
			if leased, err = toLease(b, now, limit, ids); err != nil {
				return err
			}
			for i := range leased {
				a := &leased[i]
				a.Lease, a.Until = a.Lease+1, until
				if err := put(b, a.ID[:], a); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err != nil {
		return nil, fmt.Errorf("lease sources: %w", err)
	}
	return leased, nil
}

func toLease(b *bbolt.Bucket, now time.Time, limit int, ids []uuid.UUID) ([]ingest.Address, error) {
	all, err := allAddresses(b)
	all = slices.DeleteFunc(all, func(a ingest.Address) bool {
		if len(ids) > 0 {
			return !slices.Contains(ids, a.ID)
		}
		return a.Stopped || a.Due.After(now) || a.Until.After(now)
	})
	slices.SortStableFunc(all, func(a, b ingest.Address) int { return a.Due.Compare(b.Due) })
	return all[:min(limit, len(all))], err
}

// Save implements ingest.Sources.
func (s *sources) Save(ctx context.Context, a ingest.Address) error {
	err := s.store.update(ctx, ingest.ErrSourcesUnavailable, func(tx *bbolt.Tx) error {
		b := tx.Bucket(bucketSources)
		var stored ingest.Address
		switch found, err := get(b, a.ID[:], &stored); {
		case err != nil:
			return err
		case !found || stored.Lease != a.Lease:
			return ingest.ErrLeaseLost
		}
		if stored.URL != a.URL {
			all, err := allAddresses(b)
			if err != nil {
				return err
			}
			if slices.ContainsFunc(all, func(o ingest.Address) bool { return o.URL == a.URL }) {
				return ingest.ErrAddressTaken
			}
		}
		a.Until = time.Time{}
		return put(b, a.ID[:], a)
	})
	if err != nil {
		return fmt.Errorf("save the address %s: %w", a.URL, err)
	}
	return nil
}

// Remove implements ingest.Sources.
func (s *sources) Remove(ctx context.Context, source string) (removed int, err error) {
	err = s.store.update(ctx, ingest.ErrSourcesUnavailable, func(tx *bbolt.Tx) error {
		b := tx.Bucket(bucketSources)
		all, err := allAddresses(b)
		if err != nil {
			return err
		}
		for _, a := range all {
			if a.Source != source {
				continue
			}
			if err := b.Delete(a.ID[:]); err != nil {
				return err
			}
			removed++
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("remove source %s: %w", source, err)
	}
	return removed, nil
}

// allAddresses returns the addresses of the bucket by source, then by URL.
func allAddresses(b *bbolt.Bucket) ([]ingest.Address, error) {
	var all []ingest.Address
	err := b.ForEach(func(id, value []byte) error {
		var a ingest.Address
		if err := json.Unmarshal(value, &a); err != nil {
			return fmt.Errorf("address %x of a source is damaged: %w", id, err)
		}
		all = append(all, a)
		return nil
	})
	slices.SortFunc(all, func(a, b ingest.Address) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.URL, b.URL))
	})
	return all, err
}
