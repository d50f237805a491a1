package account_test

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"newsfeed/interests/account"
	"newsfeed/storage/storagetest"
)

// One network may make sixty guests in a row and is told when it may make one more;
// its neighbours are not touched by that, and without a limit nobody is counted.
func TestGuestsOfOneNetwork(t *testing.T) {
	people := account.NewPeople(storagetest.NewModelSessions(), time.Now)
	guest := func(network string) error {
		_, _, err := people.GuestFrom(ctx, netip.MustParseAddr(network))
		return err
	}
	for range 100 {
		if err := guest("192.0.2.1"); err != nil {
			t.Fatal(err)
		}
	}
	people.LimitGuests(new(storagetest.ModelLimits))
	for i := range 60 {
		if err := errors.Join(guest("192.0.2.1"), guest("2001:db8::")); err != nil {
			t.Fatalf("guest %d: %v", i, err)
		}
	}
	for _, network := range []string{"192.0.2.1", "2001:db8::"} {
		var often *account.TooOften
		if err := guest(network); !errors.As(err, &often) || often.Wait <= 0 || often.Wait > time.Minute {
			t.Errorf("one more from %s: %v, want TooOften for a minute at most", network, err)
		}
	}
	if err := guest("192.0.2.2"); err != nil {
		t.Errorf("their neighbour: %v", err)
	}
}
