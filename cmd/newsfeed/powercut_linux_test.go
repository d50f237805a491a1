package main

import (
	"flag"
	"testing"

	"newsfeed/storage/storagetest/servers"
)

var powerCuts = flag.Int("cuts", 3, "power cuts in each part of TestPowerCutDuringEdits")

// Redis loses no acknowledged edit to a power cut when it syncs before it answers;
// when it syncs every second it does, or the test could not tell.
func TestPowerCutDuringEdits(t *testing.T) {
	t.Run("always", func(t *testing.T) {
		c := cutPower(t, "always")
		c.mustHaveKept()
	})
	t.Run("everysec", func(t *testing.T) {
		if c := cutPower(t, "everysec"); c.lost == 0 {
			t.Errorf("nothing of %d edits was lost: this test cannot tell", c.acknowledged)
		}
	})
}

func cutPower(t *testing.T, fsync string) *crash {
	server := servers.RedisOnMains(t, fsync, *crashSeed)
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
