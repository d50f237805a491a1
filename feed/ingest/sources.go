package ingest

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
)

// Address is one address of a source that is polled, and how polling it goes.
// Times are whole milliseconds in UTC.
type Address struct {
	ID     uuid.UUID `json:"id" bson:"-"`
	URL    string    `json:"url" bson:"url"` // no two have the same
	Source string    `json:"source" bson:"source"`
	Name   string    `json:"name,omitempty" bson:"name,omitempty"` // what the document calls itself
	Site   string    `json:"site,omitempty" bson:"site,omitempty"` // the page that it belongs to
	Added  time.Time `json:"added" bson:"added"`

	Due     time.Time `json:"due" bson:"due"` // of the next poll
	Stopped bool      `json:"stopped,omitempty" bson:"stopped"`

	// Lease is the number of whoever polls it, or last did; it grows with each
	// lease. Until is when that lease ends; zero: nobody polls it.
	Lease uint64    `json:"lease" bson:"lease"`
	Until time.Time `json:"until,omitzero" bson:"until"`

	ETag         string        `json:"etag,omitempty" bson:"etag,omitempty"`
	LastModified string        `json:"last_modified,omitempty" bson:"last_modified,omitempty"`
	Polled       time.Time     `json:"polled,omitzero" bson:"polled"`     // the latest poll
	Answered     time.Time     `json:"answered,omitzero" bson:"answered"` // the latest that brought a document, or that there is nothing new
	News         time.Time     `json:"news,omitzero" bson:"news"`         // the latest that brought an article
	Gap          time.Duration `json:"gap,omitempty" bson:"gap"`          // between two new articles, as seen; 0: not known
	Failing      time.Time     `json:"failing,omitzero" bson:"failing"`   // since when polls fail; zero: they do not
	Faults       int           `json:"faults,omitempty" bson:"faults"`    // polls that failed, one after the other
	Fault        string        `json:"fault,omitempty" bson:"fault,omitempty"`
	MovedTo      string        `json:"moved_to,omitempty" bson:"moved_to,omitempty"` // where it says that it is for good
	MovedSince   time.Time     `json:"moved_since,omitzero" bson:"moved_since"`
	MovedPolls   int           `json:"moved_polls,omitempty" bson:"moved_polls"` // that were told so, one after the other
}

// Sources is the contract of a store for the addresses that are polled, which
// any number of nodes share. An implementation is dull: what to poll when is the
// desk's to know. All methods are safe for concurrent use.
//
// Every method returns ctx.Err() (wrapped) when the context ended first, and
// [ErrSourcesUnavailable] (wrapped) when the store could not be reached; then
// nothing is known about whether a write happened. What is acknowledged is
// durable.
type Sources interface {
	// Add stores addresses, and reports of each whether it was; those whose URL
	// or id is there already are passed over.
	Add(ctx context.Context, addresses []Address) (added []bool, err error)

	// All returns every address, by source, then by URL.
	All(ctx context.Context) ([]Address, error)

	// Lease takes up to limit addresses that are due now, not stopped, and that
	// nobody polls, those due longest first, until a time: their lease grows by
	// one. With ids it takes those of them that are there, due or not, whoever
	// polls them: the other's lease has ended then.
	Lease(ctx context.Context, now, until time.Time, limit int, ids ...uuid.UUID) ([]Address, error)

	// Save replaces an address by what a poll made of it and ends its lease
	// (Until becomes zero). ErrLeaseLost, and nothing is written, when its lease
	// is not a's, or it was removed. ErrAddressTaken when another one has its URL.
	Save(ctx context.Context, a Address) error

	// Remove removes all addresses of a source, and returns how many.
	Remove(ctx context.Context, source string) (int, error)
}

// Errors of the contract.
var (
	ErrLeaseLost          = errors.New("ingest: the address was leased to another, or removed")
	ErrAddressTaken       = errors.New("ingest: the address is there already")
	ErrSourcesUnavailable = errors.New("ingest: the store of sources is unavailable")
)
