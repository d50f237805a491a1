package account

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
)

// keyringAge is how long a node trusts what it has read of the keys: a key that
// was revoked elsewhere is refused here within that time.
const keyringAge = time.Second

// Keyring knows the keys of publishers and editors: those in the store, and
// those given by the operator's settings. Safe for concurrent use.
type Keyring struct {
	store Keys
	fixed []Key
	now   func() time.Time

	mu   sync.Mutex // guards below; held while reading the store, so that it is read once
	keys map[Hash]Key
	read time.Time
}

// NewKeyring returns a keyring over a store and fixed keys, which cannot be revoked.
func NewKeyring(store Keys, now func() time.Time, fixed ...Key) *Keyring {
	return &Keyring{store: store, fixed: fixed, now: now}
}

// Known reports whether a secret was a key when the keys were last read. It asks
// nobody and so is no proof; Find is.
func (k *Keyring) Known(s Secret) bool {
	h := s.Hash()
	if k.fixedKey(h) != nil {
		return true
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	_, ok := k.keys[h]
	return ok
}

// Find returns the key of a secret. ErrNoKey when there is none or it was
// revoked; errors of the store when it had to be asked and did not answer.
func (k *Keyring) Find(ctx context.Context, s Secret) (Key, error) {
	h := s.Hash()
	if key := k.fixedKey(h); key != nil {
		return *key, nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.keys == nil || k.now().Sub(k.read) >= keyringAge {
		if err := k.load(ctx); err != nil {
			return Key{}, err
		}
	}
	if key, ok := k.keys[h]; ok {
		return key, nil
	}
	return Key{}, ErrNoKey
}

// Create makes a key and returns the only copy of its secret.
func (k *Keyring) Create(ctx context.Context, name string, role Role, sources, hosts []string) (Key, Secret, error) {
	secret := NewSecret()
	key := Key{
		ID: uuid.Must(uuid.NewV7()), Name: name, Role: role, Hash: secret.Hash(),
		Sources: sources, Hosts: hosts, Created: k.now().UTC().Truncate(time.Millisecond),
	}
	if err := k.store.CreateKey(ctx, key); err != nil {
		return Key{}, "", fmt.Errorf("create key %s: %w", name, err)
	}
	k.forget()
	return key, secret, nil
}

// All returns the keys: the fixed ones first, then the store's, oldest first.
func (k *Keyring) All(ctx context.Context) ([]Key, error) {
	stored, err := k.store.Keys(ctx)
	return append(slices.Clone(k.fixed), stored...), err
}

// Revoke ends a key: here at once, on other nodes within two seconds.
// ErrNoKey when the store has none with this id.
func (k *Keyring) Revoke(ctx context.Context, id uuid.UUID) error {
	err := k.store.RevokeKey(ctx, id)
	k.forget()
	return err
}

func (k *Keyring) fixedKey(h Hash) *Key {
	for i := range k.fixed {
		if k.fixed[i].Hash == h {
			return &k.fixed[i]
		}
	}
	return nil
}

func (k *Keyring) forget() {
	k.mu.Lock()
	k.keys = nil
	k.mu.Unlock()
}

// load reads the keys; mu is held.
func (k *Keyring) load(ctx context.Context) error {
	at := k.now()
	stored, err := k.store.Keys(ctx)
	if err != nil {
		return err
	}
	k.keys = make(map[Hash]Key, len(stored))
	for _, key := range stored {
		k.keys[key.Hash] = key
	}
	k.read = at
	return nil
}
