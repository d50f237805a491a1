package interests

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"time"
)

// Stamp is a hybrid logical clock (Kulkarni et al., 2014): 6 bytes of
// milliseconds since 1970, 2 bytes of counter, 8 bytes of device, big endian.
// As text it is 32 lower-case hex digits, and texts compare as stamps do. The
// zero Stamp is before all others.
type Stamp [16]byte

// Device is the half of a stamp that says who made it: 64 random bits chosen by
// a client for good. The server's own edits have device 0.
type Device uint64

// NewStamp builds a stamp; now is cut to milliseconds.
func NewStamp(now time.Time, counter uint16, d Device) Stamp {
	var s Stamp
	binary.BigEndian.PutUint64(s[:8], uint64(now.UnixMilli())<<16|uint64(counter))
	binary.BigEndian.PutUint64(s[8:], uint64(d))
	return s
}

// ParseStamp reads the text form.
func ParseStamp(text string) (Stamp, error) {
	var s Stamp
	return s, s.UnmarshalText([]byte(text))
}

// Compare returns -1, 0 or 1 as a is before, equal to or after b.
func (s Stamp) Compare(b Stamp) int { return bytes.Compare(s[:], b[:]) }

// IsZero reports whether the stamp is the zero one.
func (s Stamp) IsZero() bool { return s == Stamp{} }

// Milli returns the stamp's milliseconds since 1970.
func (s Stamp) Milli() int64 { return int64(binary.BigEndian.Uint64(s[:8]) >> 16) }

// Counter returns the stamp's counter.
func (s Stamp) Counter() uint16 { return binary.BigEndian.Uint16(s[6:8]) }

// Device returns who made the stamp.
func (s Stamp) Device() Device { return Device(binary.BigEndian.Uint64(s[8:])) }

func (s Stamp) String() string { return hex.EncodeToString(s[:]) }

// MarshalText makes 32 lower-case hex digits.
func (s Stamp) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads 32 lower-case hex digits and nothing else.
func (s *Stamp) UnmarshalText(b []byte) error {
	if len(b) != 2*len(s) || bytes.ContainsAny(b, "ABCDEF") {
		return fmt.Errorf("%.40q is no stamp: want 32 lower-case hex digits", b)
	}
	if _, err := hex.Decode(s[:], b); err != nil {
		return fmt.Errorf("%.40q is no stamp: %w", b, err)
	}
	return nil
}
