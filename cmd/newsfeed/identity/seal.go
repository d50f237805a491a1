package identity

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
)

// sealer seals what a browser keeps for us between two requests, so that nobody
// can read or make it: AES-256-GCM with a nonce drawn each time.
type sealer struct{ cipher.AEAD }

// newSealer returns the sealer of a client. Its key comes from the client's secret,
// so that every node opens what another has sealed; without a secret it is this
// process's own.
func newSealer(secret string) sealer {
	from := []byte(secret)
	if secret == "" {
		from = make([]byte, 32)
		rand.Read(from) // never fails: crypto/rand ends the program instead
	}
	key, err := hkdf.Key(sha256.New, from, nil, "newsfeed: a sign-in under way", 32)
	if err != nil {
		panic(err) // the length is right
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err) // as above
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err) // as above
	}
	return sealer{aead}
}

func (s sealer) seal(v any) (string, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(s.Seal(nil, nil, text, nil)), nil
}

// open reads what seal has made; false when it has not.
func (s sealer) open(sealed string, v any) bool {
	raw, err := base64.RawURLEncoding.DecodeString(sealed)
	if err != nil {
		return false
	}
	text, err := s.Open(nil, nil, raw, nil)
	return err == nil && json.Unmarshal(text, v) == nil
}
