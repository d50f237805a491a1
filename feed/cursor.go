package feed

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math"
	"time"

	"newsfeed/interests"
)

// Cursor is a place in a feed: the moments its pages are made of, and where the
// next one begins. It holds no person and no secret.
type Cursor struct {
	Edition  Edition            // the feed is that of this edition
	At       time.Time          // when that edition was accepted
	Revision interests.Revision // of the list the first page was made for
	Started  time.Time          // when the first page was made; a cursor lives 24 hours from then
	First    int64              // effective key of the first page's last card
	FirstID  ArticleID          // and its article, to order articles of equal key
	Key      int64              // effective key of the last candidate before the chunk; firstKey: none
	ID       ArticleID          // and its article
	Offset   uint16             // places of the chunk that are behind
}

// firstKey is before every effective key.
const firstKey = math.MaxInt64

// CursorLife is how long a cursor can be used, from the first page of its walk.
const CursorLife = 24 * time.Hour

// Errors of cursors.
var (
	ErrCursorDamaged = errors.New("feed: the cursor is damaged")
	ErrCursorExpired = errors.New("feed: the cursor has expired")
)

const (
	cursorVersion = 2
	cursorBytes   = 1 + 4 + 6*8 + 2*16 + 2 + 4
)

// String makes a cursor text: base64url of a version, the ranker's version, the
// fields in their order, and a CRC-32 of all.
func (c Cursor) String() string { return string(c.appendText(nil, new(cursorRoom))) }

// cursorRoom is where a cursor is put together.
type cursorRoom [cursorBytes]byte

func (c *Cursor) appendText(dst []byte, room *cursorRoom) []byte {
	b := append(room[:0], cursorVersion)
	b = binary.BigEndian.AppendUint32(b, rankerVersion)
	for _, v := range [...]int64{int64(c.Edition), c.At.UnixMilli(), int64(c.Revision), c.Started.UnixMilli(), c.First, c.Key} {
		b = binary.BigEndian.AppendUint64(b, uint64(v))
	}
	b = append(append(b, c.FirstID[:]...), c.ID[:]...)
	b = binary.BigEndian.AppendUint16(b, c.Offset)
	b = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
	return base64.RawURLEncoding.AppendEncode(dst, b)
}

// ParseCursor reads a cursor. ErrCursorDamaged when it is none; ErrCursorExpired
// when it is too old at a time, or was made by another ranker.
func ParseCursor(text string, now time.Time) (Cursor, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(b) < 5 || b[0] != cursorVersion || len(b) != cursorBytes ||
		crc32.ChecksumIEEE(b[:len(b)-4]) != binary.BigEndian.Uint32(b[len(b)-4:]) {
		return Cursor{}, ErrCursorDamaged
	}
	if binary.BigEndian.Uint32(b[1:]) != rankerVersion {
		return Cursor{}, ErrCursorExpired
	}
	b = b[5:]
	field := func(i int) int64 { return int64(binary.BigEndian.Uint64(b[8*i:])) }
	c := Cursor{
		Edition: Edition(field(0)), At: time.UnixMilli(field(1)).UTC(),
		Revision: interests.Revision(field(2)), Started: time.UnixMilli(field(3)).UTC(),
		First: field(4), Key: field(5),
		FirstID: ArticleID(b[48:64]), ID: ArticleID(b[64:80]),
		Offset: binary.BigEndian.Uint16(b[80:]),
	}
	if now.Sub(c.Started) > CursorLife {
		return Cursor{}, ErrCursorExpired
	}
	return c, nil
}
