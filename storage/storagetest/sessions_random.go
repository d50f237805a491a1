package storagetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"newsfeed/interests/account"
)

// sessionsRandom does random operations to a store and to the model and
// compares each answer. Times are an hour off, so that no clock decides.
func sessionsRandom(t *testing.T, fresh Fresh[account.Store]) {
	checkRandom(t, fresh, 25, func(r *rapid.T, h Harness[account.Store]) {
		store, stop := h.Start(t)
		defer func() { stop() }()
		model, hashes := NewModelSessions(), []account.Hash{newHash(), newHash(), newHash()}
		agree := func(what string, do func(account.Store) error) {
			want, got := do(model), do(store)
			for _, named := range []error{account.ErrExists, account.ErrNoSession, account.ErrMerged, nil} {
				if errors.Is(want, named) != errors.Is(got, named) {
					r.Fatalf("%s: %v, the model says %v", what, got, want)
				}
			}
		}
		hash := func() account.Hash { return rapid.SampledFrom(hashes).Draw(r, "hash") }
		drawn := func() account.Session {
			s := session(rapid.SampledFrom([]time.Duration{-time.Hour, time.Hour, time.Hour}).Draw(r, "expires"))
			s.Guest, s.Kept = rapid.Bool().Draw(r, "guest"), rapid.Bool().Draw(r, "kept")
			return s
		}
		ctx := context.Background()
		r.Repeat(map[string]func(*rapid.T){
			"create": func(*rapid.T) {
				h, s := hash(), drawn()
				agree("Create", func(store account.Store) error { return store.Create(ctx, h, s) })
			},
			"renew": func(*rapid.T) {
				h, s := hash(), drawn()
				agree("Renew", func(store account.Store) error { return store.Renew(ctx, h, s) })
			},
			"spend": func(*rapid.T) {
				h, s := hash(), spent(drawn())
				agree("Spend", func(store account.Store) error { _, err := store.Spend(ctx, h, s); return err })
			},
			"end": func(*rapid.T) {
				h := hash()
				agree("End", func(store account.Store) error { return store.End(ctx, h) })
			},
			"reopen": func(*rapid.T) {
				stop()
				store, stop = h.Start(t)
			},
			"": func(*rapid.T) {
				for _, h := range hashes {
					var found [2]account.Session
					i := 0
					agree("Session", func(store account.Store) (err error) {
						found[i], err = store.Session(ctx, h)
						i++
						return err
					})
					if diff := cmp.Diff(found[0], found[1]); diff != "" {
						r.Fatalf("the session is not the model's (-model +store):\n%s", diff)
					}
				}
			},
		})
	})
}
