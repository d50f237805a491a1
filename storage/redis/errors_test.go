package redis

import (
	"context"
	"errors"
	"testing"
	"time"
)

// What Redis says is sorted into what will pass and what will not.
func TestBlame(t *testing.T) {
	unavailable := errors.New("unavailable")
	for reply, want := range map[string]bool{
		"LOADING Redis is loading the dataset in memory": true,
		"CLUSTERDOWN The cluster is down":                true,
		"MASTERDOWN Link with MASTER is down":            true,
		"READONLY You can't write against a read only":   true,
		"NOREPLICAS Not enough good replicas to write.":  true,
		"OOM command not allowed":                        true,
		"MISCONF Redis is configured to save RDB":        true,
		"BUSY Redis is busy running a script":            true,
		"NOAUTH Authentication required.":                true,
		"ERR max number of clients reached":              true,
		"ERR Error running script (call to f_1): @user_script:5: @user_script: 5: -OOM command not allowed": true,
		"WRONGTYPE Operation against a key":                false,
		"ERR syntax error":                                 false,
		"ERR Error running script: attempt to index a nil": false,
	} {
		if got := errors.Is(blame(t.Context(), redisError(reply), unavailable), unavailable); got != want {
			t.Errorf("%q unavailable: %v, want %v", reply, got, want)
		}
	}
	late, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	for _, ctx := range []context.Context{late, unaware{t.Context()}} {
		if err := blame(ctx, redisError("LOADING"), unavailable); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, unavailable) {
			t.Errorf("after the deadline: %v, want context.DeadlineExceeded alone", err)
		}
	}
}

// unaware has passed its deadline and does not know it yet: the timer of the
// connection, set to the same moment, was first.
type unaware struct{ context.Context }

func (unaware) Deadline() (time.Time, bool) { return time.Now().Add(-time.Microsecond), true }

type redisError string

func (e redisError) Error() string { return string(e) }
func (redisError) RedisError()     {}
