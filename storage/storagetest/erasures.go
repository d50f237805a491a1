package storagetest

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"newsfeed/interests/account"
)

// Erasures proves that an implementation keeps the contract of [account.Erasures].
func Erasures(t *testing.T, fresh Fresh[account.Erasures]) {
	run(t, "account.Erasures", fresh, []testCase[account.Erasures]{
		{name: "what has begun is pending, on every node and after a restart, until it is done", run: erasuresPending},
		{name: "a context that has ended ends every call", run: func(t *testing.T, h Harness[account.Erasures]) {
			store, _ := h.Start(t)
			wantContext(t, erasureCalls(store))
		}},
		{name: "a lost server is unavailable, and back when it is back", server: true, run: func(t *testing.T, h Harness[account.Erasures]) {
			store, _ := h.Start(t)
			wantLostAndBack(t, h.Lose, h.Heal, erasureCalls(store), account.ErrUnavailable)
		}},
	})
}

func erasuresPending(t *testing.T, h Harness[account.Erasures]) {
	store, stop := h.Start(t)
	ann := account.Erasure{Account: account.NewID(), Token: newHash(), Begun: inMillis(-time.Hour)}
	ben := account.Erasure{Account: account.NewID(), Token: newHash(), Begun: inMillis(0)}
	wantPending(t, store)
	for _, e := range []account.Erasure{ann, ben, ann} {
		if err := store.Begin(background(t), e); err != nil {
			t.Fatal(err)
		}
	}
	wantPending(t, store, ann, ben)
	ann.Token, ann.Begun = newHash(), inMillis(0)
	if err := store.Begin(background(t), ann); err != nil {
		t.Fatal(err)
	}
	stop()
	store, _ = h.Start(t)
	wantPending(t, store, ann, ben)
	for range 2 {
		if err := store.Done(background(t), ann.Account); err != nil {
			t.Fatal(err)
		}
		wantPending(t, store, ben)
	}
	if err := store.Done(background(t), ben.Account); err != nil {
		t.Fatal(err)
	}
	wantPending(t, store)
}

func wantPending(t testing.TB, store account.Erasures, want ...account.Erasure) {
	t.Helper()
	all, err := store.Pending(background(t))
	got, wanted := map[account.ID]account.Erasure{}, map[account.ID]account.Erasure{}
	for _, e := range all {
		got[e.Account] = e
	}
	for _, e := range want {
		wanted[e.Account] = e
	}
	if diff := cmp.Diff(wanted, got); err != nil || diff != "" || len(all) != len(want) {
		t.Fatalf("pending: %v (-want +got)\n%s", err, diff)
	}
}

func erasureCalls(store account.Erasures) []storeCall {
	return []storeCall{
		{"Begin", func(ctx context.Context) error { return store.Begin(ctx, account.Erasure{Account: account.NewID()}) }},
		{"Pending", func(ctx context.Context) error { _, err := store.Pending(ctx); return err }},
		{"Done", func(ctx context.Context) error { return store.Done(ctx, account.NewID()) }},
	}
}
