package storagetest

import (
	"testing"

	"newsfeed/feed"
)

// The model passes its own suite, outages included, else the suite asks too much.
func TestModelMarks(t *testing.T) {
	Marks(t, func(testing.TB) Harness[feed.Marks] {
		m := NewModelMarks()
		h := inMemory[feed.Marks](m)
		h.Lose, h.Heal, h.Freeze, h.Thaw = m.Lose, m.Heal, m.Freeze, m.Thaw
		return h
	})
}
