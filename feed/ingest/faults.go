package ingest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"

	"newsfeed/feed/ingest/fetch"
)

// FaultKind says in a word why a poll failed, or what is wrong with the document
// that it brought all the same.
type FaultKind int

// The kinds, in the order of their names.
const (
	FaultNone       FaultKind = iota
	FaultRefused              // the address may not be fetched
	FaultNoAnswer             // no such name, no connection, no whole answer in time
	FaultTooLarge             // the answer is too long
	FaultRedirects            // it leads in circles
	FaultStatus               // another status than 200 and 304
	FaultGone                 // 410
	FaultNoDocument           // what was answered is no document
	FaultHarmful              // the document passes a bound
	FaultOurs                 // it could not be stored
	FlawCutOff                // the document breaks off; what was whole was read
	FlawEncoding              // its encoding is not the one that is said
	FlawMalformed             // it is not well-formed
	faultKinds
)

var faultNames = [faultKinds]string{"", "refused", "no_answer", "too_large", "redirects", "status", "gone", "no_document", "harmful", "ours",
	"cut_off", "encoding", "malformed"}

func (k FaultKind) String() string { return faultNames[k] }

// FaultCounts count by kind.
type FaultCounts [faultKinds]atomic.Int64

// All yields each kind and how often it was.
func (c *FaultCounts) All() func(yield func(FaultKind, int64) bool) {
	return func(yield func(FaultKind, int64) bool) {
		for k := FaultNone + 1; k < faultKinds; k++ {
			if !yield(k, c[k].Load()) {
				return
			}
		}
	}
}

// statusError is an answer that brings nothing.
type statusError struct{ status int }

func (s *statusError) Error() string {
	return fmt.Sprintf("it answers %d %s", s.status, http.StatusText(s.status))
}

// kindOf is the kind of a failure.
func kindOf(err error) FaultKind {
	var status *statusError
	switch {
	case err == nil:
		return FaultNone
	case isOurs(err):
		return FaultOurs
	case errors.Is(err, fetch.ErrRefused):
		return FaultRefused
	case errors.Is(err, fetch.ErrTooLarge):
		return FaultTooLarge
	case errors.Is(err, fetch.ErrRedirects):
		return FaultRedirects
	case errors.Is(err, errGone):
		return FaultGone
	case errors.As(err, &status):
		return FaultStatus
	case errors.Is(err, errBound), errors.Is(err, errSlowReading):
		return FaultHarmful
	case errors.Is(err, errUnreadable):
		return FaultNoDocument
	case errors.Is(err, context.Canceled):
		return FaultOurs
	}
	return FaultNoAnswer
}

// kindOfFlaw is the kind of what [Document.Flaw] says.
func kindOfFlaw(flaw string) FaultKind {
	switch {
	case flaw == "":
		return FaultNone
	case strings.HasPrefix(flaw, flawCutOff):
		return FlawCutOff
	case strings.HasPrefix(flaw, flawMalformed):
		return FlawMalformed
	}
	return FlawEncoding
}
