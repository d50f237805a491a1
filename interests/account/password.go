package account

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"
)

// Password is one as a person typed it. It is in no log and no store: it prints
// as a few stars.
type Password string

func (Password) String() string   { return "***" }
func (Password) GoString() string { return "***" }

// Length of a password, in characters after normalisation. There are no other
// rules: length is what makes one hard to guess (NIST SP 800-63B §3.1.1).
const (
	MinPassword = 8
	MaxPassword = 256
)

// Normal returns the password as it is hashed, NFKC, so that it is the same from
// every keyboard; ErrPassword when it is too short or too long.
func (p Password) Normal() (Password, error) {
	if len(p) > 16*MaxPassword {
		return "", ErrPassword
	}
	n := norm.NFKC.String(string(p))
	if length := utf8.RuneCountInString(n); length < MinPassword || length > MaxPassword || !utf8.ValidString(n) {
		return "", ErrPassword
	}
	return Password(n), nil
}

// Errors of passwords.
var (
	ErrPassword = fmt.Errorf("account: a password has %d to %d characters", MinPassword, MaxPassword)
	ErrHashing  = errors.New("account: too many passwords are being checked")
)

// Cost is what one hash takes (RFC 9106): memory in KiB, passes over it, lanes.
type Cost struct {
	Memory uint32
	Passes uint32
	Lanes  uint8
}

// StandardCost is what OWASP's password storage cheat sheet asks at least: 19 MiB,
// two passes, one lane; about 15 ms of one core.
var StandardCost = Cost{Memory: 19 << 10, Passes: 2, Lanes: 1}

// How long a hash may wait for its turn. Longer, and whoever asked has gone, while
// those who come meanwhile wait behind.
const hashPatience = 2 * time.Second

// Passwords makes and checks hashes of passwords by argon2id, no more at once
// than there are cores: that bounds the memory that sign-ins take, and leaves
// room for those who read. Safe for concurrent use.
type Passwords struct {
	cost  Cost
	turns chan struct{}
	dummy string // hash of a password that nobody has
}

// NewPasswords returns a hasher.
func NewPasswords(cost Cost) *Passwords {
	p := &Passwords{cost: cost, turns: make(chan struct{}, max(1, runtime.GOMAXPROCS(0)))}
	p.dummy = p.hash(Password(NewSecret()))
	return p
}

// Hash returns the hash of a normalised password, with its salt and cost, in the
// form that argon2's own tool writes. ErrHashing when its turn does not come.
func (p *Passwords) Hash(ctx context.Context, password Password) (hash string, err error) {
	err = p.inTurn(ctx, func() { hash = p.hash(password) })
	return hash, err
}

// Verify reports whether a hash is that of a password. An empty hash is nobody's,
// and takes as long to say no. ErrHashing when its turn does not come.
func (p *Passwords) Verify(ctx context.Context, hash string, password Password) (ok bool, err error) {
	nobody := hash == ""
	if nobody {
		hash = p.dummy
	}
	parsed, err := parseHash(hash)
	if err != nil {
		return false, err
	}
	err = p.inTurn(ctx, func() {
		key := argon2.IDKey([]byte(password), parsed.salt, parsed.cost.Passes, parsed.cost.Memory, parsed.cost.Lanes, uint32(len(parsed.key)))
		ok = subtle.ConstantTimeCompare(key, parsed.key) == 1
	})
	return ok && !nobody, err
}

// inTurn does something when one of the turns is free.
func (p *Passwords) inTurn(ctx context.Context, do func()) error {
	patience := time.NewTimer(hashPatience)
	defer patience.Stop()
	select {
	case p.turns <- struct{}{}:
	case <-patience.C:
		return ErrHashing
	case <-ctx.Done():
		return fmt.Errorf("wait to hash a password: %w", ctx.Err())
	}
	defer func() { <-p.turns }()
	do()
	return nil
}

const (
	saltSize = 16
	keySize  = 32
)

func (p *Passwords) hash(password Password) string {
	salt := make([]byte, saltSize)
	rand.Read(salt)
	key := argon2.IDKey([]byte(password), salt, p.cost.Passes, p.cost.Memory, p.cost.Lanes, keySize)
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, p.cost.Memory, p.cost.Passes, p.cost.Lanes,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(key))
}

// hashed is a hash in its parts.
type hashed struct {
	cost      Cost
	salt, key []byte
}

// parseHash reads what hash wrote. A hash stands in our own store, but one that
// asks for gigabytes is damaged all the same.
func parseHash(text string) (h hashed, err error) {
	const mostMemory, mostPasses = 1 << 20, 100
	parts := strings.Split(text, "$")
	damaged := errors.New("account: the hash of a password is damaged")
	if len(parts) != 6 || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return h, damaged
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &h.cost.Memory, &h.cost.Passes, &h.cost.Lanes); err != nil {
		return h, damaged
	}
	h.salt, err = base64.RawStdEncoding.DecodeString(parts[4])
	if err == nil {
		h.key, err = base64.RawStdEncoding.DecodeString(parts[5])
	}
	if err != nil || len(h.key) < 16 || h.cost.Memory > mostMemory || h.cost.Passes == 0 || h.cost.Passes > mostPasses || h.cost.Lanes == 0 {
		return h, damaged
	}
	return h, nil
}
