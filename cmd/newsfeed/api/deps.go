package api

import (
	"context"
	"io"
	"net/netip"
	"time"

	"newsfeed/cmd/newsfeed/identity"
	"newsfeed/feed"
	"newsfeed/feed/ingest"
	"newsfeed/interests"
	"newsfeed/interests/account"
	"newsfeed/interests/athand"
	"newsfeed/interests/topic"
)

// Deps is what the door opens on to.
type Deps struct {
	Lists     *interests.Lists
	Marks     *feed.MarkSets
	Merger    *interests.Merger
	Together  *feed.Belongings     // all three, with what is at hand of them; nil: they are asked for each time
	Changes   athand.Announcements // of people's things; nil: streams find changes a little later
	People    *account.People
	Members   *account.Members
	Eraser    *feed.Eraser
	Limits    account.Limits
	Keyring   *account.Keyring
	Elsewhere *identity.Issuer // whose JWTs are taken; nil: nobody's
	Catalogue *topic.Catalogue
	Topics    topic.Store
	Index     *feed.Index
	Builder   *feed.Builder
	Log       *feed.Log
	Articles  feed.Articles
	Tagger    *ingest.Tagger
	Desk      *ingest.Desk

	Now    func() time.Time
	Warm   func() bool                            // the index has reached the horizon
	Health func(context.Context) []Dependency     // asks the stores, now
	Backup func(context.Context, io.Writer) error // nil when the stores are servers
	Log500 func(requestID string, err error)      // told of every error that became "internal error" or "unavailable"

	// Mail sends a letter; nil where no mail server is set.
	Mail func(ctx context.Context, to, subject, text string) error

	Settings Settings
}

// Dependency is one store's state, as /readyz shows it.
type Dependency struct {
	Name  string    `json:"name"` // "articles", "interests"
	Kind  string    `json:"kind"` // "mongodb", "redis", "embedded"
	OK    bool      `json:"ok"`
	Since time.Time `json:"since"` // of this state
	Risks []string  `json:"risks,omitempty"`
	Error string    `json:"error,omitempty"`
}

// Settings are the operator's choices, as plain values.
type Settings struct {
	Version         string
	URL             string // the one source of absolute addresses
	RateLimit       int    // calls per RateWindow and person or address; 0: off
	RateWindow      time.Duration
	Entries         account.Allowance // sign-ups and sign-ins from one address, right or wrong
	Resets          account.Allowance // letters to one address
	SignUp          bool              // anyone may
	AllowedOrigins  []string          // "*" allowed
	Proxies         []netip.Prefix
	Bench           bool
	InsecureCookies bool
}
