package account_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"newsfeed/interests/account"
	"newsfeed/storage/storagetest"
)

var ctx = context.Background()

// clock is a time that a test moves.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func TestGuestLives(t *testing.T) {
	c := &clock{time.Now()}
	people := account.NewPeople(storagetest.NewModelSessions(), c.now)
	s, token, err := people.NewGuest(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := people.Who(ctx, token); err != nil || got != s {
		t.Fatalf("%+v, %v", got, err)
	}
	if people.Due(s) {
		t.Error("a guest without an edit is not prolonged")
	}
	if want := s.Created.Add(24 * time.Hour); !s.Expires.Equal(want) {
		t.Errorf("expires %s, want %s", s.Expires, want)
	}
	kept, err := people.Keep(ctx, token.Hash(), s)
	if err != nil || kept.Expires.Sub(s.Created) != account.GuestKept {
		t.Fatalf("kept until %s, %v", kept.Expires, err)
	}
	if people.Due(kept) {
		t.Error("due at once")
	}
	c.at = c.at.Add(25 * time.Hour)
	if !people.Due(kept) {
		t.Error("not due after a day")
	}
	if !kept.Until().After(kept.Expires) {
		t.Error("a list goes before its owner")
	}
	if _, err := people.Who(ctx, account.NewSecret()); !errors.Is(err, account.ErrNoSession) {
		t.Errorf("a stranger: %v", err)
	}
}

func TestKeyring(t *testing.T) {
	c := &clock{time.Now()}
	store := new(storagetest.ModelKeys)
	fixed := account.NewSecret()
	here := account.NewKeyring(store, c.now, account.Key{Name: "fixed", Role: account.Editor, Hash: fixed.Hash()})
	there := account.NewKeyring(store, c.now)
	key, secret, err := here.Create(ctx, "a", account.Publisher, []string{"a"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, k := range map[string]*account.Keyring{"here": here, "there": there} {
		if got, err := k.Find(ctx, secret); err != nil || got.ID != key.ID || got.Role != account.Publisher {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		if !k.Known(secret) {
			t.Errorf("%s: not known", name)
		}
		if _, err := k.Find(ctx, account.NewSecret()); !errors.Is(err, account.ErrNoKey) {
			t.Errorf("%s: a stranger: %v", name, err)
		}
	}
	if got, err := here.Find(ctx, fixed); err != nil || got.Role != account.Editor {
		t.Errorf("fixed: %+v, %v", got, err)
	}
	if all, err := here.All(ctx); err != nil || len(all) != 2 {
		t.Errorf("all: %v, %v", all, err)
	}
	if err := here.Revoke(ctx, key.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := here.Find(ctx, secret); !errors.Is(err, account.ErrNoKey) {
		t.Errorf("revoked here: %v", err)
	}
	c.at = c.at.Add(2 * time.Second)
	if _, err := there.Find(ctx, secret); !errors.Is(err, account.ErrNoKey) {
		t.Errorf("revoked there, two seconds ago: %v", err)
	}
	if err := here.Revoke(ctx, key.ID); !errors.Is(err, account.ErrNoKey) {
		t.Errorf("revoked again: %v", err)
	}
}
