// Package config knows every setting of the program: its name, default, meaning
// and check, in the one table of settings.go. It reads environment variables,
// the flags that go with them and the files that hold secrets, once; what it
// hands out are plain values.
//
// It does not know what the settings are for, opens no connection, and imports
// nothing of ours; only cmd reads it.
package config

import (
	"net"
	"net/netip"
	"strings"
	"time"
)

// Config is what the operator chose, checked. Make one with [Load] or [Default].
type Config struct {
	Addr string // host:port to listen on
	Data string // the data folder

	MongoURI Secret // both or neither of the two; neither: the embedded store
	RedisURL Secret

	Horizon  time.Duration // how old an article the index holds; 0: every one
	HalfLife time.Duration // > 0
	Tagger   bool          // false: only publishers' tags

	FetchTimeout        time.Duration // of asking one address of a source
	AllowPrivateSources bool          // any address and port may be asked

	PeopleAtHand int // of how many people a node keeps session, list and marks in memory

	PublisherKeys []Key
	EditorKeys    []Key

	URL             string // the one source of absolute addresses; no slash at its end
	RateLimit       RateLimit
	SignInLimit     RateLimit      // of one account; of one address ten times as many calls
	SMTP            Secret         // smtp:// or smtps://; "": no mail is sent
	MailFrom        string         // sender of letters
	SignUp          bool           // anyone may sign up
	NoImages        bool           // the reader shows no pictures of publishers
	NoBodies        bool           // the reader shows no bodies of articles
	OIDC            OIDC           // an issuer elsewhere whose people come in
	AllowedOrigins  []string       // scheme://host[:port], or the one entry "*"
	Proxies         []netip.Prefix // whose X-Forwarded-* count
	InsecureCookies bool           // plain HTTP on other than loopback is meant so
	Bench           bool           // GET /bench/fixed

	Server string // of the commands that act through a server's door: its address; "" finds one
	Key    Secret // and an editor's or publisher's key for it

	given map[string]string // by the name of the setting: what was given, fit to be printed
}

// Secret is text that must not be printed: formatted, logged or encoded it shows
// "(secret)". A conversion to string gives the text.
type Secret string

const hidden = "(secret)"

func (s Secret) String() string               { return s.shown() }
func (s Secret) GoString() string             { return s.shown() }
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.shown()), nil }

func (s Secret) shown() string {
	if s == "" {
		return ""
	}
	return hidden
}

// Key is a publisher's or an editor's, given by the settings and bound to no source.
type Key struct {
	Name   string
	Secret Secret // base64url, 22 characters or more
}

// OIDC is an issuer of OpenID Connect; the zero value is none.
type OIDC struct {
	Issuer       string // exactly as it writes itself
	ClientID     string // of the reader; "": the reader signs nobody in there
	ClientSecret Secret // "": a public client
	Audience     string // of JWTs as bearer tokens; "": none are taken
}

// RateLimit is Calls in each Window; the zero value is no limit.
type RateLimit struct {
	Calls  int
	Window time.Duration
}

// Embedded is whether the store is a file of the data folder.
func (c Config) Embedded() bool { return c.MongoURI == "" && c.RedisURL == "" }

// Given is what was given for a setting, fit to be printed: of a secret only
// that it was. ok is false when the default stands.
func (c Config) Given(s Setting) (text string, ok bool) {
	text, ok = c.given[s.Name]
	return text, ok
}

// Loopback is whether nobody but this machine can reach the address.
func (c Config) Loopback() bool {
	host, _, err := net.SplitHostPort(c.Addr)
	return err == nil && isLoopback(host)
}

// LocalURL is where this machine finds a server that listens on Addr: one that
// listens on every address is on loopback too.
func (c Config) LocalURL() string { return LocalURL(c.Addr) }

func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}

// LocalURL is where this machine finds a server that listens on addr, host:port.
func LocalURL(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return ""
	}
	if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, port)
}
