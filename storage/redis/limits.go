package redis

import (
	"context"
	"fmt"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"newsfeed/interests/account"
)

// limits keeps [account.Limits]: per key when its whole allowance will be back,
// in microseconds since 1970 by the server's clock; the key expires then.
type limits struct{ client goredis.UniversalClient }

// Limits is the server's [account.Limits].
func (s *Store) Limits() account.Limits { return limits{s.client} }

func limitKey(h account.Hash) string { return "newsfeed:limit:{" + h.String() + "}" }

// allow replies how many microseconds to wait. Microseconds since 1970 are far
// below 2^53, so Lua's numbers hold them; its tostring would round them.
var allow = goredis.NewScript(`
local each, window = tonumber(ARGV[1]), tonumber(ARGV[2])
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local back = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now) + each
local wait = back - window - now
if wait > 0 then
	return wait
end
redis.call('SET', KEYS[1], string.format('%.0f', back), 'PX', math.ceil((back - now) / 1000))
return 0
`)

func (s limits) Allow(ctx context.Context, key account.Hash, n int, window time.Duration) (time.Duration, error) {
	each := max(1, window.Microseconds()/int64(n))
	wait, err := allow.Run(ctx, s.client, []string{limitKey(key)}, each, each*int64(n)).Int64()
	if err = blame(ctx, err, account.ErrUnavailable); err != nil {
		return 0, fmt.Errorf("count against a limit: %w", err)
	}
	return time.Duration(wait) * time.Microsecond, nil
}
