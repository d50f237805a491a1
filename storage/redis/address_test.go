package redis

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9/maintnotifications"
)

// An address says where, who and how; what it leaves out has our defaults.
func TestParse(t *testing.T) {
	for address, want := range map[string]struct {
		addrs          string
		user, password string
		db             int
		tls, name      string // "tls" and the name that a certificate must have
	}{
		"redis://h1":                                      {addrs: "h1:6379"},
		"redis://h1:7000/2":                               {addrs: "h1:7000", db: 2},
		"redis://:p%40ss@h1":                              {addrs: "h1:6379", password: "p@ss"},
		"redis://me:pass@[::1]:7000":                      {addrs: "[::1]:7000", user: "me", password: "pass"},
		"redis://h1:6379?addr=h2:6380&addr=h3":            {addrs: "h1:6379 h2:6380 h3:6379"},
		"redis://:pass@h1:6379/0?addr=h2&read_timeout=9s": {addrs: "h1:6379 h2:6379", password: "pass"},
		"rediss://h1":                                     {addrs: "h1:6379", tls: "tls", name: "h1"},
		"rediss://h1?addr=h2":                             {addrs: "h1:6379 h2:6379", tls: "tls"},
	} {
		got, _, err := parse(address)
		if err != nil {
			t.Errorf("%s: %v", address, err)
			continue
		}
		if addrs := strings.Fields(want.addrs); !slices.Equal(got.Addrs, addrs) || got.Username != want.user ||
			got.Password != want.password || got.DB != want.db {
			t.Errorf("%s: %v, user %q, password %q, database %d, want %+v", address, got.Addrs, got.Username, got.Password, got.DB, want)
		}
		if (got.TLSConfig != nil) != (want.tls != "") || got.TLSConfig != nil && got.TLSConfig.ServerName != want.name {
			t.Errorf("%s: TLS %+v, want name %q", address, got.TLSConfig, want.name)
		}
		if !got.ContextTimeoutEnabled || got.ClientName != "newsfeed" || got.PoolSize != poolSize ||
			got.MaintNotificationsConfig.Mode != maintnotifications.ModeDisabled {
			t.Errorf("%s: %+v lacks a setting of ours", address, got)
		}
		wait := replyTimeout
		if strings.Contains(address, "read_timeout") {
			wait = 9 * time.Second
		}
		if got.ReadTimeout != wait || got.DialTimeout != dialTimeout {
			t.Errorf("%s: waits %v to read and %v to dial", address, got.ReadTimeout, got.DialTimeout)
		}
	}
	for _, address := range []string{"", "h1:6379", "http://h1", "unix:///tmp/s", "redis://h1/x", "redis://h1?nonsense=1", "redis://h1:x"} {
		if got, _, err := parse(address); err == nil {
			t.Errorf("%q was read as %+v", address, got)
		}
	}
}
