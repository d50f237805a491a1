package api

import (
	"bytes"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"
	"golang.org/x/time/rate"
)

// generation is how many callers one half of a limiter's memory holds.
const generation = 50_000

// limiter gives each caller a bucket of so many calls, refilled evenly over a
// window. Its memory is bounded: when it holds a generation of callers, those
// who were not seen during the last one are forgotten, which can only help
// whoever makes calls from 50,000 addresses at once.
type limiter struct {
	limit  int
	window time.Duration
	policy string // value of RateLimit-Policy

	mu        sync.Mutex // guards below
	now, past map[callerID]*rate.Limiter
}

// callerID is who a bucket belongs to: an account, a key, or an address (of
// IPv6 the network of 64 bits, which is one household's).
type callerID struct {
	id   [16]byte
	kind kind // nobody: an address
}

// newLimiter returns a limiter, or nil when the limit is 0.
func newLimiter(limit int, window time.Duration) *limiter {
	if limit <= 0 || window <= 0 {
		return nil
	}
	return &limiter{
		limit: limit, window: window,
		policy: `"default";q=` + strconv.Itoa(limit) + `;w=` + strconv.Itoa(max(1, ceilSeconds(window))),
		now:    map[callerID]*rate.Limiter{},
	}
}

// bucket returns a caller's bucket.
func (l *limiter) bucket(id callerID) *rate.Limiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	if b, ok := l.now[id]; ok {
		return b
	}
	b, ok := l.past[id]
	if !ok {
		b = rate.NewLimiter(rate.Limit(float64(l.limit)/l.window.Seconds()), l.limit)
	}
	if len(l.now) >= generation {
		l.past, l.now = l.now, make(map[callerID]*rate.Limiter, generation)
	}
	l.now[id] = b
	return b
}

// take takes one call out of a caller's bucket. It returns what is left, and how
// long until the bucket is full again, or, when not ok, until the next call.
func (l *limiter) take(id callerID, now time.Time) (left int, wait time.Duration, ok bool) {
	b := l.bucket(id)
	ok = b.AllowN(now, 1)
	tokens := b.TokensAt(now)
	missing := float64(l.limit) - tokens
	if !ok {
		missing = 1 - tokens
	}
	return max(0, int(tokens)), time.Duration(missing / float64(b.Limit()) * float64(time.Second)), ok
}

// count takes a call from the caller's bucket and says so in headers. Who sent
// no token, or none that holds, is counted by address.
func (s *Server) count(c *fiber.Ctx, r *route, who *caller) error {
	if s.limits == nil || r.access == operation {
		return nil
	}
	left, wait, ok := s.limits.take(s.callerID(c, who), s.Now())
	var buf [64]byte
	b := append(buf[:0], `"default";r=`...)
	b = strconv.AppendInt(b, int64(left), 10)
	b = append(b, `;t=`...)
	b = strconv.AppendInt(b, int64(ceilSeconds(wait)), 10)
	h := &c.Response().Header
	h.SetBytesV("RateLimit", b)
	h.Set("RateLimit-Policy", s.limits.policy)
	if !ok {
		return &refusal{err: errTooFast, retry: wait, detail: "more than " + strconv.Itoa(s.limits.limit) + " calls in " + s.limits.window.String()}
	}
	return nil
}

func (s *Server) callerID(c *fiber.Ctx, who *caller) callerID {
	switch who.kind {
	case aPerson:
		return callerID{id: who.session.Account, kind: aPerson}
	case aPublisher, anEditor:
		return callerID{id: [16]byte(who.key.Hash[:16]), kind: who.kind}
	}
	return callerID{id: network(s.address(c)).As16()}
}

// network is what stands for an address where calls are counted: of IPv6 the
// network of 64 bits, which is one household's.
func network(addr netip.Addr) netip.Addr {
	if addr.Is6() {
		return netip.PrefixFrom(addr, 64).Masked().Addr()
	}
	return addr
}

// NetworkFrom returns what tells from which network a request comes; see network.
func NetworkFrom(proxies []netip.Prefix) func(*fiber.Ctx) netip.Addr {
	return func(c *fiber.Ctx) netip.Addr { return network(addressOf(c, proxies)) }
}

func (s *Server) address(c *fiber.Ctx) netip.Addr { return addressOf(c, s.Settings.Proxies) }

// addressOf returns where a request comes from: the peer's address, or what the
// operator's proxies say of it, read from the nearest to the farthest.
func addressOf(c *fiber.Ctx, proxies []netip.Prefix) netip.Addr {
	addr, _ := netip.AddrFromSlice(c.Context().RemoteIP())
	addr = addr.Unmap()
	if !isProxy(addr, proxies) {
		return addr
	}
	hops := c.Request().Header.PeekAll(fiber.HeaderXForwardedFor)
	chain := bytes.Split(bytes.Join(hops, []byte(",")), []byte(","))
	for i := len(chain) - 1; i >= 0 && isProxy(addr, proxies); i-- {
		next, err := netip.ParseAddr(string(bytes.TrimSpace(chain[i])))
		if err != nil {
			break
		}
		addr = next.Unmap().WithZone("")
	}
	return addr
}

func isProxy(addr netip.Addr, proxies []netip.Prefix) bool {
	for _, p := range proxies {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}
