package api

import (
	"net/http"
	"net/netip"
	"strconv"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	"newsfeed/interests/account"
)

// Each person and each address has calls of their own; beyond them the answer is
// 429 and says when to come back, and then it is right.
func TestRateLimit(t *testing.T) {
	h := NewHouse(t, func(d *Deps) {
		d.Settings.RateLimit, d.Settings.RateWindow = 5, time.Minute
		d.Settings.Proxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8")}
	})
	anna, ben := h.Guest(), h.Guest()
	from := func(address string) string { return "X-Forwarded-For: " + address }
	h.Clock.Move(time.Hour)
	spend := func(name string, token account.Secret, headers ...string) {
		t.Helper()
		for left := 4; left >= 0; left-- {
			r := h.Must(200, "GET", "/topics", token, "", headers...)
			if got, want := r.Header.Get("RateLimit"), `"default";r=`+strconv.Itoa(left)+`;t=`+strconv.Itoa(60-12*left); got != want {
				t.Fatalf("%s: RateLimit %s, want %s", name, got, want)
			}
			if got := r.Header.Get("RateLimit-Policy"); got != `"default";q=5;w=60` {
				t.Fatalf("%s: RateLimit-Policy %s", name, got)
			}
		}
		r := h.Must(429, "GET", "/topics", token, "", headers...)
		r.Problem(t)
		if r.Header.Get("Retry-After") != "12" || r.Header.Get("RateLimit") != `"default";r=0;t=12` {
			t.Errorf("%s: %v", name, r.Header)
		}
	}
	spend("anna", anna)
	spend("ben", ben)
	spend("an address", "", from("192.0.2.1"))
	spend("another", "", from("192.0.2.2"))
	spend("a forger", "", from("192.0.2.77, 192.0.2.3, 10.1.1.1")) // only what our proxies say
	h.Must(429, "GET", "/topics", "", "", from("198.51.100.1, 192.0.2.3"))
	spend("a household", "", from("2001:db8:1:2::1"))
	h.Must(429, "GET", "/topics", "", "", from("2001:db8:1:2:ffff::9"))
	h.Must(429, "GET", "/topics", account.NewSecret(), "", from("192.0.2.1")) // a bad token hides no address
	h.Must(200, "GET", "/livez", "", "", from("192.0.2.1"))
	h.Clock.Move(12 * time.Second)
	h.Must(200, "GET", "/topics", anna, "")
	h.Must(429, "GET", "/topics", anna, "")
}

// Routes that others mount count too, by person and by address, and so does what
// is nowhere.
func TestRateLimitOfMountedRoutes(t *testing.T) {
	page := func(r fiber.Router) { r.Get("/page", func(c *fiber.Ctx) error { return c.SendString("page") }) }
	h := NewHouse(t)
	d := h.Deps
	d.Settings.RateLimit, d.Settings.RateWindow = 3, time.Minute
	s := New(d, page)
	get := func(path, cookie string) int {
		t.Helper()
		r, _ := http.NewRequest("GET", "http://news.example"+path, nil)
		if cookie != "" {
			r.Header.Set("Cookie", "__Host-newsfeed="+cookie)
		}
		response, err := s.App().Test(r)
		if err != nil {
			t.Fatal(err)
		}
		if response.Header.Get("RateLimit") == "" || (response.StatusCode == 429) != (response.Header.Get("Retry-After") != "") {
			t.Errorf("GET %s: %d with %v", path, response.StatusCode, response.Header)
		}
		return response.StatusCode
	}
	anna := string(h.Guest())
	for _, want := range []int{200, 200, 200, 429} {
		if got := get("/page", anna); got != want {
			t.Errorf("anna: %d, want %d", got, want)
		}
		if want == 200 {
			continue
		}
		if got := get("/feed", anna); got != 429 {
			t.Errorf("anna's feed: %d", got)
		}
	}
	for i, want := range []int{200, 404, 200, 429} {
		if got := get([]string{"/page", "/nothing", "/page", "/page"}[i], "spent"); got != want {
			t.Errorf("an address, call %d: %d, want %d", i, got, want)
		}
	}
}

// A limiter holds two generations of callers at most.
func TestLimiterIsBounded(t *testing.T) {
	l := newLimiter(2, time.Minute)
	now := time.Now()
	busy := callerID{id: [16]byte{255}}
	for i := range 3 * generation {
		l.take(callerID{id: [16]byte{byte(i), byte(i >> 8), byte(i >> 16)}, kind: aPerson}, now)
		if i%(generation/2) == 0 {
			l.take(busy, now) // seen in each generation
		}
	}
	if n := len(l.now) + len(l.past); n > 2*generation {
		t.Errorf("holds %d callers", n)
	}
	if _, _, ok := l.take(busy, now); ok {
		t.Error("forgot a caller who came back all the time")
	}
}
