package feed

import (
	"encoding/binary"
	"fmt"

	"newsfeed/interests"
)

// Stores keep StoryMarks in a form of their own, as a set may have 30,000. The
// first byte has a mark's value in bit 0 (read), 1 (saved), 2 (hidden), in bit 4,
// 5, 6 whether that mark has a stamp, and in bit 3 whether there is the revision
// of the latest edit; the 16 bytes of each stamp follow, in this order, and the 8
// of the revision. A story with one mark takes 25 bytes, with all three 57.
const editedBit = 0b0000_1000

// AppendBinary appends the stored form.
func (s StoryMarks) AppendBinary(b []byte) ([]byte, error) {
	first := len(b)
	b = append(b, 0)
	for m := Read; m <= Hidden; m++ {
		r := s.Of(m)
		if r.Value {
			b[first] |= 1 << (m - 1)
		}
		if !r.At.IsZero() {
			b[first] |= 1 << (m + 3)
			b = append(b, r.At[:]...)
		}
	}
	if s.Edited > 0 {
		b[first] |= editedBit
		b = binary.BigEndian.AppendUint64(b, uint64(s.Edited))
	}
	return b, nil
}

// MarshalBinary makes the stored form.
func (s StoryMarks) MarshalBinary() ([]byte, error) { return s.AppendBinary(nil) }

// UnmarshalBinary reads what AppendBinary wrote and nothing else.
func (s *StoryMarks) UnmarshalBinary(b []byte) error {
	const unused = 0b1000_0000
	if len(b) == 0 || b[0]&unused != 0 {
		return fmt.Errorf("%.60x are no marks", b)
	}
	*s = StoryMarks{}
	rest := b[1:]
	for m := Read; m <= Hidden; m++ {
		r := s.register(m)
		r.Value = b[0]&(1<<(m-1)) != 0
		if b[0]&(1<<(m+3)) == 0 {
			continue
		}
		if len(rest) < len(interests.Stamp{}) {
			return fmt.Errorf("%.60x are no marks: they are cut off", b)
		}
		if rest = rest[copy(r.At[:], rest):]; r.At.IsZero() {
			return fmt.Errorf("%.60x are no marks: a stamp is zero", b)
		}
	}
	if b[0]&editedBit != 0 {
		if len(rest) < 8 {
			return fmt.Errorf("%.60x are no marks: they are cut off", b)
		}
		s.Edited, rest = interests.Revision(binary.BigEndian.Uint64(rest)), rest[8:]
		if s.Edited == 0 {
			return fmt.Errorf("%.60x are no marks: the revision is zero", b)
		}
	}
	if len(rest) != 0 {
		return fmt.Errorf("%.60x are no marks: there is more after them", b)
	}
	return nil
}

// AppendPast appends the stored form of a set's past: of each revision 8 bytes of
// it, 8 of its digest, 2 of how many stories were forgotten, and 16 of each.
func AppendPast(b []byte, past []PastMarks) []byte {
	for _, p := range past {
		b = binary.BigEndian.AppendUint64(b, uint64(p.Revision))
		b = binary.BigEndian.AppendUint64(b, p.Digest)
		b = binary.BigEndian.AppendUint16(b, uint16(len(p.Forgot)))
		for _, id := range p.Forgot {
			b = append(b, id[:]...)
		}
	}
	return b
}

// ParsePast reads what AppendPast wrote and nothing else.
func ParsePast(b []byte) (past []PastMarks, err error) {
	const head = 8 + 8 + 2
	for len(b) > 0 {
		if len(b) < head {
			return nil, fmt.Errorf("the past of marks is cut off after %d revisions", len(past))
		}
		p := PastMarks{Revision: interests.Revision(binary.BigEndian.Uint64(b)), Digest: binary.BigEndian.Uint64(b[8:])}
		forgot := int(binary.BigEndian.Uint16(b[16:]))
		if b = b[head:]; len(b) < forgot*len(StoryID{}) {
			return nil, fmt.Errorf("the past of marks is cut off in revision %d", p.Revision)
		}
		for range forgot {
			p.Forgot = append(p.Forgot, StoryID(b[:len(StoryID{})]))
			b = b[len(StoryID{}):]
		}
		past = append(past, p)
	}
	return past, nil
}
