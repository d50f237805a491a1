package account

import (
	"context"
	"fmt"
	"net/netip"
	"time"
)

// guestsOfOne is how many guests one network may make. A class at school is one
// network; so is a loop that fills our store.
var guestsOfOne = Allowance{60, time.Hour}

// LimitGuests has [People.GuestFrom] count in limits. It is called before any other
// method; without it nothing is counted.
func (p *People) LimitGuests(limits Limits) { p.limits = limits }

// GuestFrom is [People.NewGuest] for somebody who calls from a network (an address,
// of IPv6 a household's 64 bits), which may make only so many; else [TooOften].
func (p *People) GuestFrom(ctx context.Context, network netip.Addr) (Session, Secret, error) {
	if p.limits != nil {
		if err := guestsOfOne.Take(ctx, p.limits, LimitKey("guest", network.String())); err != nil {
			return Session{}, "", fmt.Errorf("make a guest: %w", err)
		}
	}
	return p.NewGuest(ctx)
}
