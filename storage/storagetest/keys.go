package storagetest

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"newsfeed/interests/account"
)

// Keys proves that an implementation keeps account.Keys.
func Keys(t *testing.T, fresh Fresh[account.Keys]) {
	type h = Harness[account.Keys]
	run(t, "account.Keys", fresh, []testCase[account.Keys]{
		{name: "there are no keys at first", run: keysNone},
		{name: "a created key is there at once, elsewhere, and after opening again", run: keysDurable},
		{name: "every field comes back bit for bit", run: keysRoundTrip},
		{name: "keys come oldest first, of one moment by id", run: keysOrder},
		{name: "a taken id or hash is refused and changes nothing", run: keysTaken},
		{name: "a revoked key is gone, also after opening again, and its id and hash are free", run: keysRevoked},
		{name: "revoking what is not there is ErrNoKey", run: keysNotThere},
		{name: "of many who create one hash one wins", run: keysRace},
		{name: "a context that has ended is the answer, and nothing is written", run: keysContext},
		{name: "a frozen server costs no more than the deadline", server: true, run: keysFrozen},
		{name: "a lost server is ErrUnavailable, and serves again when it is back", server: true, run: keysLost},
		{name: "random operations give what the model gives", run: func(t *testing.T, _ h) { keysRandom(t, fresh) }},
	})
}

func keysNone(t *testing.T, h Harness[account.Keys]) {
	store, _ := h.Start(t)
	wantKeys(t, store)
}

func keysDurable(t *testing.T, h Harness[account.Keys]) {
	store, stop := h.Start(t)
	k := key(1)
	mustCreateKey(t, store, k)
	wantKeys(t, store, k)
	if h.Shared {
		other, _ := h.Start(t)
		wantKeys(t, other, k)
	}
	stop()
	store, _ = h.Start(t)
	wantKeys(t, store, k)
}

func keysRoundTrip(t *testing.T, h Harness[account.Keys]) {
	store, stop := h.Start(t)
	var full account.Key
	fill(&full)
	bare := account.Key{ID: uuid.Must(uuid.NewV7()), Hash: account.NewSecret().Hash(), Created: full.Created.Add(time.Millisecond)}
	mustCreateKey(t, store, full)
	mustCreateKey(t, store, bare)
	want := copyKey(full)
	full.Sources[0], full.Hosts[0] = "changed by the caller", "changed by the caller"
	wantKeys(t, store, want, bare)
	stop()
	store, _ = h.Start(t)
	wantKeys(t, store, want, bare)
}

func keysOrder(t *testing.T, h Harness[account.Keys]) {
	store, _ := h.Start(t)
	first, second, third, fourth := key(1), key(2), key(2), key(3)
	second.ID, third.ID = uuid.UUID{15: 1}, uuid.UUID{15: 2}
	first.ID = uuid.UUID{0: 255} // the oldest, and last by id
	for _, k := range []account.Key{third, fourth, first, second} {
		mustCreateKey(t, store, k)
	}
	wantKeys(t, store, first, second, third, fourth)
}

func keysTaken(t *testing.T, h Harness[account.Keys]) {
	store, _ := h.Start(t)
	k := key(1)
	mustCreateKey(t, store, k)
	sameID, sameHash := key(2), key(3)
	sameID.ID, sameHash.Hash = k.ID, k.Hash
	for name, k := range map[string]account.Key{"id": sameID, "hash": sameHash, "both": k} {
		if err := store.CreateKey(background(t), k); !errors.Is(err, account.ErrExists) {
			t.Errorf("create with a taken %s: %v, want ErrExists", name, err)
		}
	}
	wantKeys(t, store, k)
}

func keysRevoked(t *testing.T, h Harness[account.Keys]) {
	store, stop := h.Start(t)
	kept, revoked := key(1), key(2)
	mustCreateKey(t, store, kept)
	mustCreateKey(t, store, revoked)
	if err := store.RevokeKey(background(t), revoked.ID); err != nil {
		t.Fatalf("revoke: %v", err)
	}
	wantKeys(t, store, kept)
	wantNoKey(t, store.RevokeKey(background(t), revoked.ID))
	stop()
	store, _ = h.Start(t)
	wantKeys(t, store, kept)
	mustCreateKey(t, store, revoked)
	wantKeys(t, store, kept, revoked)
}

func keysNotThere(t *testing.T, h Harness[account.Keys]) {
	store, _ := h.Start(t)
	wantNoKey(t, store.RevokeKey(background(t), uuid.Must(uuid.NewV7())))
}

func keysRace(t *testing.T, h Harness[account.Keys]) {
	const rounds = 5
	nodes := h.Nodes(t, 6)
	for round := range rounds {
		hash := account.NewSecret().Hash()
		var racing sync.WaitGroup
		var won atomic.Int32
		for _, node := range nodes {
			racing.Go(func() {
				k := key(round)
				k.Hash = hash
				err := node.CreateKey(background(t), k)
				if err == nil {
					won.Add(1)
				} else if !errors.Is(err, account.ErrExists) {
					t.Errorf("create: %v, want ErrExists", err)
				}
			})
		}
		racing.Wait()
		if won.Load() != 1 {
			t.Fatalf("%d of %d created a key of the same hash", won.Load(), len(nodes))
		}
	}
	if all, err := nodes[0].Keys(background(t)); err != nil || len(all) != rounds {
		t.Fatalf("%d keys, %v; want %d", len(all), err, rounds)
	}
}

// keysCalls are the methods of the contract with arguments that succeed.
func keysCalls(store account.Keys) []storeCall {
	return []storeCall{
		{"Keys", func(ctx context.Context) error { _, err := store.Keys(ctx); return err }},
		{"CreateKey", func(ctx context.Context) error { return store.CreateKey(ctx, key(1)) }},
		{"RevokeKey", func(ctx context.Context) error {
			err := store.RevokeKey(ctx, uuid.Must(uuid.NewV7()))
			if errors.Is(err, account.ErrNoKey) {
				return nil
			}
			return err
		}},
	}
}

func keysContext(t *testing.T, h Harness[account.Keys]) {
	store, _ := h.Start(t)
	k := key(1)
	mustCreateKey(t, store, k)
	if err := store.RevokeKey(cancelled(), k.ID); !errors.Is(err, context.Canceled) {
		t.Errorf("revoke with a cancelled context: %v", err)
	}
	if err := store.CreateKey(cancelled(), key(2)); !errors.Is(err, context.Canceled) {
		t.Errorf("create with a cancelled context: %v", err)
	}
	wantKeys(t, store, k)
	wantContext(t, keysCalls(store))
}

func keysFrozen(t *testing.T, h Harness[account.Keys]) {
	store, _ := h.Start(t)
	wantDeadlines(t, h.Freeze, h.Thaw, keysCalls(store))
}

func keysLost(t *testing.T, h Harness[account.Keys]) {
	store, _ := h.Start(t)
	wantLostAndBack(t, h.Lose, h.Heal, keysCalls(store), account.ErrUnavailable)
}

// keysRandom compares an implementation with the model after any sequence of
// operations on few ids and hashes.
func keysRandom(t *testing.T, fresh Fresh[account.Keys]) {
	checkRandom(t, fresh, checksFor(fresh(t)), func(r *rapid.T, h Harness[account.Keys]) {
		store, stop := h.Start(t)
		defer func() { stop() }()
		var model ModelKeys
		r.Repeat(map[string]func(*rapid.T){
			"create": func(r *rapid.T) {
				k := key(rapid.IntRange(0, 3).Draw(r, "age"))
				k.ID, k.Hash = uuid.UUID{drawByte(r)}, account.Hash{drawByte(r)}
				got, want := store.CreateKey(ctxRandom, k), model.CreateKey(ctxRandom, k)
				if errors.Is(got, account.ErrExists) != errors.Is(want, account.ErrExists) || (got == nil) != (want == nil) {
					r.Fatalf("create %v: %v; the model: %v", k, got, want)
				}
			},
			"revoke": func(r *rapid.T) {
				id := uuid.UUID{drawByte(r)}
				got, want := store.RevokeKey(ctxRandom, id), model.RevokeKey(ctxRandom, id)
				if errors.Is(got, account.ErrNoKey) != errors.Is(want, account.ErrNoKey) || (got == nil) != (want == nil) {
					r.Fatalf("revoke %v: %v; the model: %v", id, got, want)
				}
			},
			"reopen": func(*rapid.T) { stop(); store, stop = h.Start(t) },
			"": func(r *rapid.T) {
				got, err := store.Keys(ctxRandom)
				want, _ := model.Keys(ctxRandom)
				compare(r, "keys", got, err, want)
			},
		})
	})
}

func drawByte(r *rapid.T) byte { return rapid.ByteRange(0, 5).Draw(r, "byte") }

// key is a new key of an age.
func key(age int) account.Key {
	return account.Key{
		ID:      uuid.Must(uuid.NewV7()),
		Name:    "key",
		Role:    account.Publisher,
		Hash:    account.NewSecret().Hash(),
		Sources: []string{"abc-news"},
		Created: epoch.Add(time.Duration(age) * time.Millisecond),
	}
}

func mustCreateKey(t testing.TB, store account.Keys, k account.Key) {
	t.Helper()
	if err := store.CreateKey(background(t), k); err != nil {
		t.Fatalf("create key %s: %v", k.ID, err)
	}
}

func wantKeys(t testing.TB, store account.Keys, want ...account.Key) {
	t.Helper()
	got, err := store.Keys(background(t))
	if err != nil {
		t.Fatalf("keys: %v", err)
	}
	same(t, "keys", got, want)
}

func wantNoKey(t testing.TB, err error) {
	t.Helper()
	if !errors.Is(err, account.ErrNoKey) || errors.Is(err, account.ErrUnavailable) {
		t.Fatalf("revoke what is not there: %v, want ErrNoKey", err)
	}
}
