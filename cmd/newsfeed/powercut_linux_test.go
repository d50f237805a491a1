package main

import (
	"flag"
	"math/rand/v2"
	"testing"

	"newsfeed/storage/storagetest/servers"
)

var powerCuts = flag.Int("cuts", 3, "power cuts in each part of TestPowerCutDuringEdits")

// Redis loses no acknowledged edit to a power cut when it syncs before it answers;
// when it syncs every second it does, or the test could not tell.
func TestPowerCutDuringEdits(t *testing.T) {
	torn := rand.New(rand.NewPCG(*crashSeed, 0))
	t.Run("always", func(t *testing.T) { cutPower(t, "always", nil).mustHaveKept() })
	t.Run("always, torn ends", func(t *testing.T) { cutPower(t, "always", torn).mustHaveKept() })
	t.Run("everysec", func(t *testing.T) {
		if c := cutPower(t, "everysec", torn); c.lost == 0 {
			t.Errorf("nothing of %d edits was lost: this test cannot tell", c.acknowledged)
		}
	})
}

func cutPower(t *testing.T, fsync string, torn *rand.Rand) *crash {
	server := servers.RedisOnMains(t, fsync, torn)
	c := newCrash(t, server.Server, 48)
	var bytes int64
	var names int
	for range *powerCuts {
		if fsync != "always" {
			c.people = nil // whose sessions are lost
		}
		c.round(*killEdits, func() {
			b, n := server.Cut()
			bytes, names = bytes+b, names+n
		})
		server.Restart()
		c.check(c.inRedis)
	}
	c.report(server.Kind()+", appendfsync "+fsync+", power cuts", *powerCuts)
	t.Logf("the cuts took %d bytes and %d names that were not durable", bytes, names)
	return c
}
