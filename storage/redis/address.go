package redis

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// Without a deadline of the caller's, a call ends after these. A server that
// syncs each write to a disk which is busy may well take a second.
const (
	dialTimeout  = 2 * time.Second
	replyTimeout = 3 * time.Second
	poolSize     = 64 // connections to one server; one carries one call at a time
	clientName   = "newsfeed"
)

// parse reads an address; see [Open].
func parse(address string) (*goredis.UniversalOptions, confirmations, error) {
	var wanted confirmations
	u, err := url.Parse(address)
	if err != nil {
		return nil, wanted, fmt.Errorf("the address of redis cannot be read: %w", withoutAddress(err))
	}
	query := u.Query()
	more := query["addr"]
	query.Del("addr")
	if wanted, err = parseConfirmations(query); err != nil {
		return nil, wanted, err
	}
	u.RawQuery = query.Encode()
	if u.Scheme != "redis" && u.Scheme != "rediss" {
		return nil, wanted, fmt.Errorf("the address of redis begins with %q: use redis:// or rediss://", u.Scheme)
	}
	one, err := goredis.ParseURL(u.String())
	if err != nil {
		return nil, wanted, fmt.Errorf("the address of redis cannot be read: %w", withoutAddress(err))
	}
	o := &goredis.UniversalOptions{
		Addrs:      []string{one.Addr},
		ClientName: clientName,
		DB:         one.DB,
		Username:   one.Username,
		Password:   one.Password,
		Protocol:   one.Protocol,
		TLSConfig:  one.TLSConfig,

		DialTimeout:  or(one.DialTimeout, dialTimeout),
		ReadTimeout:  or(one.ReadTimeout, replyTimeout),
		WriteTimeout: or(one.WriteTimeout, replyTimeout),
		PoolSize:     or(one.PoolSize, poolSize),
		PoolTimeout:  or(one.PoolTimeout, replyTimeout),

		// One more try for what may be tried again (see once), at once: a person
		// waits, and callers have a fallback.
		MaxRetries:         1,
		DialerRetries:      1,
		DialerRetryTimeout: 10 * time.Millisecond,
		MaxRedirects:       3,

		ContextTimeoutEnabled: true,
		// They reconnect at the word of a managed service; unknown to servers of
		// one's own, and they interrupt what runs.
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
	for _, addr := range more {
		if _, _, err := net.SplitHostPort(addr); err != nil {
			addr = net.JoinHostPort(addr, "6379")
		}
		o.Addrs = append(o.Addrs, addr)
	}
	if o.TLSConfig != nil && len(o.Addrs) > 1 {
		o.TLSConfig.ServerName = "" // each node's certificate has its own name
	}
	return o, wanted, nil
}

// parseConfirmations takes wait_replicas and wait_timeout out of the parameters of
// an address.
func parseConfirmations(query url.Values) (confirmations, error) {
	replicas, timeout := query.Get("wait_replicas"), query.Get("wait_timeout")
	query.Del("wait_replicas")
	query.Del("wait_timeout")
	if replicas == "" && timeout == "" {
		return confirmations{}, nil
	}
	n, err := strconv.Atoi(replicas)
	if err != nil || n < 0 || n > confirmReplicas {
		return confirmations{}, fmt.Errorf("the address of redis has wait_replicas=%q: write how many replicas confirm an edit, 0 to %d", replicas, confirmReplicas)
	}
	wanted := confirmations{replicas: n, within: confirmWithin}
	if timeout != "" {
		if wanted.within, err = time.ParseDuration(timeout); err != nil || wanted.within < time.Millisecond || wanted.within > confirmWithinMost {
			return confirmations{}, fmt.Errorf("the address of redis has wait_timeout=%q: write a duration from 1ms to %v, as in 500ms", timeout, confirmWithinMost)
		}
	}
	return wanted, nil
}

// withoutAddress takes the address, which holds a password, out of an error of
// package url.
func withoutAddress(err error) error {
	if parsing := (*url.Error)(nil); errors.As(err, &parsing) {
		return parsing.Err
	}
	return err
}

func or[T comparable](given, standard T) T {
	if given == *new(T) {
		return standard
	}
	return given
}
