package feed

import (
	"fmt"

	"newsfeed/interests"
)

// Stores keep StoryMarks in a form of their own, as a set may have 30,000. The
// first byte has a mark's value in bit 0 (read), 1 (saved), 2 (hidden), and in
// bit 4, 5, 6 whether that mark has a stamp; the 16 bytes of each stamp follow,
// in this order. A story with one mark takes 17 bytes, with all three 49.

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
	return b, nil
}

// MarshalBinary makes the stored form.
func (s StoryMarks) MarshalBinary() ([]byte, error) { return s.AppendBinary(nil) }

// UnmarshalBinary reads what AppendBinary wrote and nothing else.
func (s *StoryMarks) UnmarshalBinary(b []byte) error {
	const unused = 0b1000_1000
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
	if len(rest) != 0 {
		return fmt.Errorf("%.60x are no marks: there is more after them", b)
	}
	return nil
}
