package account_test

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"newsfeed/interests/account"
	"newsfeed/storage/embedded"
)

// counted counts how often a store is asked for a session.
type counted struct {
	account.Store
	asked atomic.Int64
}

func (c *counted) Session(ctx context.Context, h account.Hash) (account.Session, error) {
	c.asked.Add(1)
	return c.Store.Session(ctx, h)
}

func remembering(t testing.TB, now func() time.Time) (*counted, *account.People) {
	t.Helper()
	store, err := embedded.Open(filepath.Join(t.TempDir(), "newsfeed.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	c := &counted{Store: store.Sessions()}
	people := account.NewPeople(c, now)
	people.Remember(store.Changes(), 100)
	t.Cleanup(people.Close)
	return c, people
}

// A session at hand is refused the moment it expires, is ended at once, and a
// token that is nobody's asks the store once a second.
func TestSessionsAtHand(t *testing.T) {
	c := &clock{time.Now()}
	store, people := remembering(t, c.now)
	s, token, err := people.NewGuest(ctx)
	if err != nil {
		t.Fatal(err)
	}
	who := func(want error, asked int64) {
		t.Helper()
		got, err := people.Who(ctx, token)
		if !errors.Is(err, want) || err == nil && got != s || store.asked.Swap(0) != asked {
			t.Errorf("%+v, %v, want %v after asking %d times", got, err, want, asked)
		}
		if _, ok := people.AtHand(token.Hash()); ok != (want == nil) {
			t.Errorf("at hand: %t", ok)
		}
	}
	who(nil, 0)
	c.at = s.Expires.Add(-time.Millisecond)
	who(nil, 0)
	c.at = s.Expires
	who(account.ErrNoSession, 0)
	c.at = s.Created
	if s, err = people.Keep(ctx, token.Hash(), s); err != nil {
		t.Fatal(err)
	}
	// Renewing it was announced: it is read anew, by all who ask at once together.
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			if got, err := people.Who(ctx, token); err != nil || got != s {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
	group.Wait()
	store.asked.Store(0)
	who(nil, 0)
	if err := people.End(ctx, token); err != nil {
		t.Fatal(err)
	}
	who(account.ErrNoSession, 1)
	who(account.ErrNoSession, 0)
	if _, _, err := people.WhoLastKnown(ctx, token); !errors.Is(err, account.ErrNoSession) {
		t.Errorf("last known: %v", err)
	}
}

func BenchmarkWho(b *testing.B) {
	_, people := remembering(b, time.Now)
	_, token, err := people.NewGuest(ctx)
	if err != nil {
		b.Fatal(err)
	}
	secret := []byte(token)
	b.Run("AtHand", func(b *testing.B) {
		b.ReportAllocs()
		h := token.Hash()
		for b.Loop() {
			if _, ok := people.AtHand(h); !ok {
				b.Fatal("a miss")
			}
		}
	})
	b.Run("HashOf+AtHand", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, ok := people.AtHand(account.HashOf(secret)); !ok {
				b.Fatal("a miss")
			}
		}
	})
	b.Run("Who", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := people.Who(ctx, token); err != nil {
				b.Fatal(err)
			}
		}
	})
}
