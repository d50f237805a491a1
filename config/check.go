package config

import (
	"fmt"
	"net/url"
	"time"
)

// Problem is why the program cannot run with these settings, and how to mend it.
type Problem struct {
	Setting string // "NEWSFEED_HALF_LIFE"
	Detail  string
}

func (p Problem) Error() string { return p.Setting + ": " + p.Detail }

// Check is what no single setting shows: values out of range and settings that do
// not go together. nil when all is well.
func (c Config) Check() []Problem {
	var problems []Problem
	wrong := func(setting, format string, args ...any) {
		problems = append(problems, Problem{setting, fmt.Sprintf(format, args...)})
	}
	if c.MongoURI != "" && c.RedisURL == "" {
		wrong("REDIS_URL", "MONGODB_URI is set and REDIS_URL is not: set both (servers), or neither (one embedded file in %s)", c.Data)
	}
	if c.RedisURL != "" && c.MongoURI == "" {
		wrong("MONGODB_URI", "REDIS_URL is set and MONGODB_URI is not: set both (servers), or neither (one embedded file in %s)", c.Data)
	}
	if c.HalfLife < time.Second {
		wrong("NEWSFEED_HALF_LIFE", "%s is less than a second: 12h is usual", c.HalfLife)
	}
	if c.FetchTimeout < 100*time.Millisecond || c.FetchTimeout > 5*time.Minute {
		wrong("NEWSFEED_FETCH_TIMEOUT", "%s is not between 100ms and 5m: 30s is usual", c.FetchTimeout)
	}
	if c.Horizon < 0 {
		wrong("NEWSFEED_HORIZON", "%s is less than nothing: 720h is usual, 0 keeps every article", c.Horizon)
	}
	if c.Horizon > 0 && c.Horizon < time.Hour {
		wrong("NEWSFEED_HORIZON", "%s is less than an hour, and the feed would be empty: 720h is usual, 0 keeps every article", c.Horizon)
	}
	return append(append(problems, c.OIDC.check()...), c.checkKeys()...)
}

// check finds what of an issuer does not go together.
func (o OIDC) check() (problems []Problem) {
	wrong := func(setting, detail string) { problems = append(problems, Problem{setting, detail}) }
	switch {
	case o.Issuer == "" && (o.ClientID != "" || o.ClientSecret != "" || o.Audience != ""):
		wrong("NEWSFEED_OIDC_ISSUER", "it is not set, and other NEWSFEED_OIDC_ settings are: set it, or unset them")
	case o.Issuer != "" && o.ClientID == "" && o.Audience == "":
		wrong("NEWSFEED_OIDC_CLIENT_ID", "NEWSFEED_OIDC_ISSUER is set: set this too so that people can sign in in the reader, or NEWSFEED_OIDC_AUDIENCE so that apps can, or both")
	case o.ClientSecret != "" && o.ClientID == "":
		wrong("NEWSFEED_OIDC_CLIENT_ID", "NEWSFEED_OIDC_CLIENT_SECRET is set and this is not: set both")
	}
	return problems
}

// checkKeys finds keys that two share, so that one could not be told from the
// other, and names that two keys of a list share.
func (c Config) checkKeys() []Problem {
	var problems []Problem
	secrets := map[Secret]string{}
	for _, group := range []struct {
		setting string
		keys    []Key
	}{{"NEWSFEED_PUBLISHER_KEYS", c.PublisherKeys}, {"NEWSFEED_EDITOR_KEYS", c.EditorKeys}} {
		names := map[string]bool{}
		for _, key := range group.keys {
			if other, taken := secrets[key.Secret]; taken {
				problems = append(problems, Problem{group.setting, fmt.Sprintf("%q and %q have the same key: make one for each", other, key.Name)})
			} else if names[key.Name] {
				problems = append(problems, Problem{group.setting, fmt.Sprintf("two keys are named %q: give each its own name", key.Name)})
			}
			names[key.Name], secrets[key.Secret] = true, key.Name
		}
	}
	return problems
}

// Warnings are choices, most of them defaults, that are unfit for production, or
// that one should know of. One embedded store with one process is fit.
func (c Config) Warnings() []string {
	var warnings []string
	warn := func(format string, args ...any) { warnings = append(warnings, fmt.Sprintf(format, args...)) }
	u, err := url.Parse(c.URL)
	public := err == nil && !isLoopback(u.Hostname())
	if !c.Loopback() && !public {
		warn("NEWSFEED_ADDR %s is open to other machines, but NEWSFEED_URL leads to this one (%s): set NEWSFEED_URL to where people find the service", c.Addr, c.URL)
	}
	if public && u.Scheme == "http" && !c.InsecureCookies {
		warn("NEWSFEED_URL %s is plain HTTP: browsers will not keep the reader's cookie; put a proxy with TLS before it and set an https address, or NEWSFEED_INSECURE_COOKIES=true if it is meant so", c.URL)
	}
	if c.AllowPrivateSources {
		warn("NEWSFEED_ALLOW_PRIVATE_SOURCES=true: whoever may add sources, and every publisher by a redirect, can make this machine ask addresses of its own networks")
	}
	if c.InsecureCookies {
		warn("NEWSFEED_INSECURE_COOKIES=true: who listens on the network can take over a reader's account")
	}
	if public && len(c.EditorKeys) == 0 {
		warn("NEWSFEED_EDITOR_KEYS is not set: editors' commands work on this machine only, until one is made with: newsfeed keys create NAME --editor")
	}
	if public && u.Scheme == "https" && len(c.Proxies) == 0 {
		warn("NEWSFEED_PROXIES is not set: behind a proxy, all who have no token share one rate limit; name the proxy's address")
	}
	for _, network := range c.Proxies {
		if network.Bits() == 0 {
			warn("NEWSFEED_PROXIES %s is everybody: anyone can pretend to call from any address; name the proxies only", network)
		}
	}
	if c.RateLimit == (RateLimit{}) {
		warn("NEWSFEED_RATE_LIMIT=off: nothing holds back who calls without end; fit only behind a gateway that does")
	}
	if c.SignInLimit == (RateLimit{}) && c.RateLimit != (RateLimit{}) {
		warn("NEWSFEED_SIGNIN_LIMIT is off: passwords may be guessed without end; fit only for tests and behind a gateway that counts sign-ins")
	}
	if c.OIDC.ClientID != "" && c.OIDC.ClientSecret == "" {
		warn("NEWSFEED_OIDC_CLIENT_SECRET is not set: a sign-in ends on the node and in the process where it began; with several nodes the issuer must give a secret")
	}
	if c.Horizon == 0 {
		warn("NEWSFEED_HORIZON=0: the index keeps every article, so its memory grows for as long as articles come")
	}
	if c.Bench {
		warn("NEWSFEED_BENCH=true: GET /bench/fixed answers anybody with as much as they ask for")
	}
	return warnings
}
