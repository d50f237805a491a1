package redis

import (
	"context"
	"fmt"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"newsfeed/interests"
)

// A failover to a replica loses what the replica had not got yet, whatever the
// master has synced. With confirmations an edit is acknowledged only when so many
// replicas have it (WAIT). That is no consensus, but whoever fails over to one of
// these loses nothing that was acknowledged.
type confirmations struct {
	replicas int // 0: none are asked for
	within   time.Duration
}

// How long replicas may take to confirm, if the address does not say, and limits
// of what it may say: the most is below the time after which a call to the server
// is given up.
const (
	confirmWithin     = 500 * time.Millisecond
	confirmWithinMost = 2 * time.Second
	confirmReplicas   = 10
)

// writer runs the scripts by which people's edits are stored.
type writer struct {
	client goredis.UniversalClient
	wanted confirmations
}

// run runs a script once (see [once]) that replies 1 when it has stored an edit
// and 0 for a conflict. An edit that is stored and not confirmed is unavailable
// and [interests.ErrUnconfirmed].
func (w writer) run(ctx context.Context, script *goredis.Script, keys []string, args []any, unavailable error) (stored bool, err error) {
	if w.wanted.replicas == 0 {
		stored, err = script.Run(ctx, onceClient{w.client}, keys, args...).Bool()
		return stored, blame(ctx, err, unavailable)
	}
	c := &confirmingClient{onceClient: onceClient{w.client}, wanted: w.wanted}
	stored, err = script.Run(ctx, c, keys, args...).Bool()
	if err = blame(ctx, err, unavailable); err != nil || !stored {
		return false, err
	}
	n, err := c.confirmed.Result()
	if err != nil {
		return false, fmt.Errorf("%w: %w: %w", unavailable, interests.ErrUnconfirmed, err)
	}
	if int(n) < w.wanted.replicas {
		return false, fmt.Errorf("%w: %w: %d of %d replicas in %v", unavailable, interests.ErrUnconfirmed, n, w.wanted.replicas, w.wanted.within)
	}
	return true, nil
}

// confirmingClient runs one script and asks behind it, on the same connection, how
// many replicas have what that connection wrote. WAIT has no key to route it by,
// so on a cluster the key's master is asked directly; a master that has the slot
// no longer refuses, and the next call finds the one that has.
type confirmingClient struct {
	onceClient
	wanted    confirmations
	confirmed *goredis.IntCmd
}

func (c *confirmingClient) EvalSha(ctx context.Context, sha string, keys []string, args ...any) *goredis.Cmd {
	return c.run(ctx, "EVALSHA", sha, keys, args)
}

func (c *confirmingClient) Eval(ctx context.Context, script string, keys []string, args ...any) *goredis.Cmd {
	return c.run(ctx, "EVAL", script, keys, args)
}

func (c *confirmingClient) run(ctx context.Context, command, script string, keys []string, args []any) *goredis.Cmd {
	cmd := scriptOnce(ctx, command, script, keys, args)
	master, err := c.master(ctx, keys[0])
	if err != nil {
		cmd.SetErr(err)
		return cmd.Cmd
	}
	pipe := master.Pipeline()
	_ = pipe.Process(ctx, cmd)
	c.confirmed = goredis.NewIntCmd(ctx, "WAIT", c.wanted.replicas, c.wanted.within.Milliseconds())
	_ = pipe.Process(ctx, c.confirmed)
	_, _ = pipe.Exec(ctx) // each command has its own error
	if cluster, ok := c.UniversalClient.(*goredis.ClusterClient); ok && goredis.HasErrorPrefix(cmd.Err(), "MOVED") {
		cluster.ReloadState(ctx)
	}
	return cmd.Cmd
}

func (c *confirmingClient) master(ctx context.Context, key string) (*goredis.Client, error) {
	switch client := c.UniversalClient.(type) {
	case *goredis.ClusterClient:
		return client.MasterForKey(ctx, key)
	case *goredis.Client:
		return client, nil
	default:
		return nil, fmt.Errorf("unknown kind of client %T", client)
	}
}
