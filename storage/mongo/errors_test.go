package mongo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	driver "go.mongodb.org/mongo-driver/mongo"
	"go.mongodb.org/mongo-driver/x/mongo/driver/topology"
)

// Each error of the driver is what the contracts call it.
func TestTranslate(t *testing.T) {
	unavailable := errors.New("unavailable")
	command := func(code int32, labels ...string) error { return driver.CommandError{Code: code, Labels: labels} }
	duplicate := driver.WriteErrors{{Code: 11000}}
	for name, c := range map[string]struct {
		err         error
		unavailable bool
		duplicate   bool
	}{
		"no server":                {err: topology.ServerSelectionError{Wrapped: topology.ErrServerSelectionTimeout}, unavailable: true},
		"connection lost":          {err: command(0, "NetworkError"), unavailable: true},
		"connection broke":         {err: topology.ConnectionError{Wrapped: io.EOF}, unavailable: true},
		"wrapped":                  {err: fmt.Errorf("x: %w", command(10107)), unavailable: true},
		"not primary":              {err: command(10107), unavailable: true},
		"shutting down":            {err: command(91), unavailable: true},
		"retryable":                {err: command(1, "RetryableWriteError"), unavailable: true},
		"pool queue":               {err: topology.WaitQueueTimeoutError{}, unavailable: true},
		"pool cleared":             {err: fmt.Errorf("x: %w", clearedPool{}), unavailable: true},
		"closed":                   {err: driver.ErrClientDisconnected, unavailable: true},
		"too slow":                 {err: command(50), unavailable: true},
		"no majority":              {err: driver.WriteException{WriteConcernError: &driver.WriteConcernError{Code: 64}}, unavailable: true},
		"no majority for many":     {err: driver.BulkWriteException{WriteConcernError: &driver.WriteConcernError{Code: 91}}, unavailable: true},
		"write error while ending": {err: driver.WriteException{WriteErrors: driver.WriteErrors{{Code: 11600}}}, unavailable: true},
		"duplicate":                {err: driver.WriteException{WriteErrors: duplicate}, duplicate: true},
		"duplicate of a command":   {err: command(11000), duplicate: true},
		"duplicate, no majority": {err: driver.WriteException{WriteErrors: duplicate, WriteConcernError: &driver.WriteConcernError{Code: 64}},
			unavailable: true},
		"not authorised": {err: command(13)},
		"no documents":   {err: driver.ErrNoDocuments},
		"bad document":   {err: driver.WriteException{WriteErrors: driver.WriteErrors{{Code: 2}}}},
	} {
		got := translate(context.Background(), c.err, unavailable)
		if errors.Is(got, unavailable) != c.unavailable || isDuplicate(c.err) != c.duplicate {
			t.Errorf("%s: %v, duplicate %v; want unavailable %v, duplicate %v",
				name, got, isDuplicate(c.err), c.unavailable, c.duplicate)
		}
		if !strings.Contains(got.Error(), c.err.Error()) {
			t.Errorf("%s: the cause %v is lost in %v", name, c.err, got)
		}
	}
}

// clearedPool is like the error of the driver's pool, which has no name outside it.
type clearedPool struct{}

func (clearedPool) Error() string {
	return "connection pool was cleared because another operation failed"
}
func (clearedPool) Retryable() bool { return true }

// A context that has ended is the answer whatever the driver says.
func TestTranslateContext(t *testing.T) {
	unavailable := errors.New("unavailable")
	cause := driver.CommandError{Labels: []string{"NetworkError"}}
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	late, cancel := context.WithDeadline(context.Background(), time.Now().Add(-time.Second))
	defer cancel()
	for ctx, want := range map[context.Context]error{gone: context.Canceled, late: context.DeadlineExceeded} {
		if got := translate(ctx, cause, unavailable); !errors.Is(got, want) || errors.Is(got, unavailable) {
			t.Errorf("%v, want %v alone", got, want)
		}
		if translate(ctx, nil, unavailable) != nil {
			t.Error("no error became one")
		}
	}
}
