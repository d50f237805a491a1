// Package account knows who asks: people, with the tokens of their devices, and
// the publishers and editors who hold keys. Secrets leave this package once, when
// they are made; stores see only their hashes.
package account

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"time"

	"github.com/google/uuid"

	"newsfeed/interests/athand"
)

// ID names an account, a person in code: UUID version 7.
type ID uuid.UUID

// NewID returns an id that was never used.
func NewID() ID { return ID(uuid.Must(uuid.NewV7())) }

func (id ID) String() string                { return uuid.UUID(id).String() }
func (id ID) MarshalText() ([]byte, error)  { return uuid.UUID(id).MarshalText() }
func (id *ID) UnmarshalText(b []byte) error { return (*uuid.UUID)(id).UnmarshalText(b) }

// IsZero reports whether the id names nobody.
func (id ID) IsZero() bool { return id == ID{} }

// Key is what the account's records are at hand under.
func (id ID) Key() (k athand.Key) {
	copy(k[:], id[:])
	return k
}

// Secret is a bearer token or a key as its holder has it: 256 random bits in
// base64url. It is shown once and never stored.
type Secret string

// NewSecret draws a secret.
func NewSecret() Secret {
	var b [32]byte
	rand.Read(b[:]) // never fails: crypto/rand ends the program instead
	return Secret(base64.RawURLEncoding.EncodeToString(b[:]))
}

// Hash is what stores know a secret by: its SHA-256. A plain hash is enough,
// since the secret has 256 bits of its own.
type Hash [sha256.Size]byte

// Hash returns the hash of the secret. It does not allocate for one of ours, which
// has 43 letters.
func (s Secret) Hash() Hash {
	var room [64]byte
	return sha256.Sum256(append(room[:0], s...))
}

// HashOf returns the hash of a secret that is still in a buffer.
func HashOf(secret []byte) Hash { return sha256.Sum256(secret) }

func (h Hash) String() string                { return hex.EncodeToString(h[:]) }
func (h Hash) MarshalText() ([]byte, error)  { return []byte(h.String()), nil }
func (h *Hash) UnmarshalText(b []byte) error { _, err := hex.Decode(h[:], b); return err }

// Session is one device's sign-in. A guest's only session is the account: when
// it has expired, the guest is gone.
type Session struct {
	ID      uuid.UUID `json:"id"` // version 7
	Account ID        `json:"account"`
	Guest   bool      `json:"guest"`
	Kept    bool      `json:"kept"` // a guest who has edited something; see [GuestUnused] and [GuestKept]
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires"` // milliseconds

	Label  string `json:"label,omitempty"` // what the person calls the device
	Merged Merged `json:"merged,omitzero"` // of a guest whose list went into an account

	// Of a session that is good for one thing only; see uses.go.
	Use    Use       `json:"use,omitempty"`
	Origin string    `json:"origin,omitempty"` // whose pages may use it, of UseWidget
	Maker  Hash      `json:"maker,omitzero"`   // the guest's session that made it, with which it ends
	Used   time.Time `json:"used,omitzero"`    // last; zero: never
}

// Merged says what became of a guest's list. The zero Merged: it is the guest's.
// A session that is merged is good for nothing but repeating the sign-in.
type Merged struct {
	Merge   uuid.UUID `json:"merge"`
	Account ID        `json:"account"` // whose list holds what the guest's held
	Done    bool      `json:"done"`    // false: it may have been interrupted
}

// Owner returns the account that a session is found under: a member's own, of a
// guest that was merged the one that has what was the guest's, of one that is good
// for one thing only its person's. False when it is found by its token only.
func (s Session) Owner() (ID, bool) {
	switch {
	case !s.Guest, s.Use != UseDevice:
		return s.Account, true
	case !s.Merged.IsZero():
		return s.Merged.Account, true
	}
	return ID{}, false
}

// IsZero reports whether nothing was merged.
func (m Merged) IsZero() bool { return m == Merged{} }

// How long a guest lives: a day without an edit; after the first edit, 90 days
// from the last use. A member's device stays signed in for half a year from the
// last use.
const (
	GuestUnused = 24 * time.Hour
	GuestKept   = 90 * 24 * time.Hour
	MemberKept  = 180 * 24 * time.Hour
)

// Seen returns when the holder was last seen, as of the last prolonging: it may
// be a day later, and of a guest without an edit it is the beginning.
func (s Session) Seen() time.Time {
	switch {
	case s.Use != UseDevice && s.Used.IsZero():
		return s.Created
	case s.Use != UseDevice:
		return s.Used
	case !s.Guest:
		return s.Expires.Add(-MemberKept)
	case s.Kept && s.Merged.IsZero():
		return s.Expires.Add(-GuestKept)
	}
	return s.Created
}

// MaxSessions is on how many devices a person is signed in; the next one signs
// out the one that was seen least lately.
const MaxSessions = 100

// Role is what a key allows.
type Role string

// A publisher writes articles; an editor also topics, sources and keys.
const (
	Publisher Role = "publisher"
	Editor    Role = "editor"
)

// Key is a publisher's or an editor's. One bound to sources or hosts may touch
// only what belongs to them; one bound to neither may write for every source.
type Key struct {
	ID      uuid.UUID `json:"id"` // version 7
	Name    string    `json:"name"`
	Role    Role      `json:"role"`
	Hash    Hash      `json:"hash"`
	Sources []string  `json:"sources,omitempty"` // source ids
	Hosts   []string  `json:"hosts,omitempty"`   // hosts of addresses, lower case; their subdomains are included
	Created time.Time `json:"created"`           // milliseconds
}
