package redis

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// refusals are the replies of a server that is there and cannot serve now: it
// loads its file, is full, cannot write to its disk, is a replica, has lost part
// of its cluster, is busy with a script, or was given another password.
var refusals = []string{
	"LOADING", "BUSY", "OOM", "MISCONF", "READONLY", "NOREPLICAS", "MASTERDOWN", "CLUSTERDOWN",
	"TRYAGAIN", "MOVED", "ASK", "NOAUTH", "WRONGPASS", "ERR max number of clients",
}

// blame turns an error of the client into the contract's: the context's when it
// ended first, unavailable when the server could not be reached or refuses to
// work. What else a server replies (a key of another type, a script with a
// mistake) is a fault of ours and stays what it is.
func blame(ctx context.Context, err, unavailable error) error {
	if err == nil {
		return nil
	}
	if ended := endOf(ctx); ended != nil {
		return fmt.Errorf("%w (%w)", ended, err)
	}
	if reply := goredis.Error(nil); errors.As(err, &reply) && !isRefusal(reply.Error()) {
		return err
	}
	return fmt.Errorf("%w: %w", unavailable, err)
}

// endOf is ctx.Err(), and knows earlier of a deadline: the one set on the
// connection may fire before the context's own.
func endOf(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if deadline, ok := ctx.Deadline(); ok && !time.Now().Before(deadline) {
		return context.DeadlineExceeded
	}
	return nil
}

// isRefusal also finds what Redis before 7 wraps when it happens in a script:
// "ERR Error running script (…): @user_script:5: -OOM command not allowed …".
func isRefusal(reply string) bool {
	for _, refusal := range refusals {
		if strings.HasPrefix(reply, refusal) || strings.Contains(reply, ": -"+refusal) {
			return true
		}
	}
	return false
}

// once is a command that the client must not send again when the answer was
// lost, because a second run would not answer as the first: a swap that was done
// would call itself a conflict. Redirects of a cluster are still followed; they
// come before anything is done.
type once struct{ *goredis.Cmd }

// NoRetry is what go-redis asks before it tries again.
func (once) NoRetry() bool { return true }

// onceClient runs scripts once.
type onceClient struct{ goredis.UniversalClient }

func (c onceClient) EvalSha(ctx context.Context, sha string, keys []string, args ...any) *goredis.Cmd {
	return c.run(ctx, "EVALSHA", sha, keys, args)
}

func (c onceClient) Eval(ctx context.Context, script string, keys []string, args ...any) *goredis.Cmd {
	return c.run(ctx, "EVAL", script, keys, args)
}

func (c onceClient) run(ctx context.Context, command, script string, keys []string, args []any) *goredis.Cmd {
	cmd := scriptOnce(ctx, command, script, keys, args)
	_ = c.Process(ctx, cmd) // the command keeps its error
	return cmd.Cmd
}

func scriptOnce(ctx context.Context, command, script string, keys []string, args []any) once {
	words := []any{command, script, len(keys)}
	for _, key := range keys {
		words = append(words, key)
	}
	cmd := once{goredis.NewCmd(ctx, append(words, args...)...)}
	cmd.SetFirstKeyPos(3)
	return cmd
}

// run runs a script whose reply nobody needs and that may be repeated.
func run(ctx context.Context, client goredis.UniversalClient, script *goredis.Script, keys []string) error {
	err := script.Run(ctx, client, keys).Err()
	if errors.Is(err, goredis.Nil) {
		return nil
	}
	return err
}
