package mongo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	driver "go.mongodb.org/mongo-driver/mongo"
	"go.mongodb.org/mongo-driver/x/mongo/driver/topology"
)

// unreachable are the codes with which a server says that it cannot serve now:
// it is no primary, it shuts down, it has lost others, it took too long.
// (https://github.com/mongodb/specifications, server discovery and retryable
// writes; mongo/base/error_codes.yml)
var unreachable = []int{
	6,     // HostUnreachable
	7,     // HostNotFound
	50,    // MaxTimeMSExpired
	64,    // WriteConcernFailed
	89,    // NetworkTimeout
	91,    // ShutdownInProgress
	100,   // UnsatisfiableWriteConcern
	134,   // ReadConcernMajorityNotAvailableYet
	189,   // PrimarySteppedDown
	262,   // ExceededTimeLimit
	9001,  // SocketException
	10058, // LegacyNotPrimary
	10107, // NotWritablePrimary
	11600, // InterruptedAtShutdown
	11601, // Interrupted
	11602, // InterruptedDueToReplStateChange
	13435, // NotPrimaryNoSecondaryOk
	13436, // NotPrimaryOrSecondary
	14031, // OutOfDiskSpace
}

// translate wraps an error of the driver with what the contracts call it: the
// context's error when that ended first, unavailable when the server was not
// reached or did not do it, else nothing more.
func translate(ctx context.Context, err, unavailable error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("%w: %w", ctx.Err(), err)
	case isPast(ctx):
		return fmt.Errorf("%w: %w", context.DeadlineExceeded, err)
	case isUnavailable(err):
		return fmt.Errorf("%w: %w", unavailable, err)
	}
	return err
}

// isPast: the driver gives the deadline to the socket, whose timer may ring a
// moment before the context's.
func isPast(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return ok && time.Until(deadline) <= 0
}

func isUnavailable(err error) bool {
	var selection topology.ServerSelectionError
	var connection topology.ConnectionError
	var cleared interface{ Retryable() bool } // the pool's own error, which has no name outside it: another call has lost the server
	switch {
	case driver.IsNetworkError(err), driver.IsTimeout(err), errors.Is(err, driver.ErrClientDisconnected),
		errors.As(err, &selection), errors.As(err, &connection),
		errors.As(err, &cleared) && cleared.Retryable():
		return true
	}
	if labeled := driver.LabeledError(nil); errors.As(err, &labeled) &&
		(labeled.HasErrorLabel("RetryableWriteError") || labeled.HasErrorLabel("RetryableReadError")) {
		return true
	}
	server := driver.ServerError(nil)
	return hasWriteConcernError(err) ||
		errors.As(err, &server) && slices.ContainsFunc(unreachable, server.HasErrorCode)
}

// hasWriteConcernError: the primary did it, but whether a majority has it on
// the disk is not known.
func hasWriteConcernError(err error) bool {
	var one driver.WriteException
	var many driver.BulkWriteException
	return errors.As(err, &one) && one.WriteConcernError != nil ||
		errors.As(err, &many) && many.WriteConcernError != nil
}

// isDuplicate reports whether a unique key was taken, and nothing worse.
func isDuplicate(err error) bool {
	return driver.IsDuplicateKeyError(err) && !hasWriteConcernError(err)
}
