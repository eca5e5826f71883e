// Package redisdb opens the Redis that REDIS_URL names, and tells when it is away.
package redisdb

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-redis/redis/v8"

	"github.com/recon3d/recon3d/shared/fault"
)

// Config names the Redis.
type Config struct {
	// URL is redis://[user:password@]host:port/db, rediss:// for TLS, redis+cluster://h1,h2 for a cluster (rediss+cluster://
	// with TLS), or redis+sentinel://h1,h2/master/db for a set watched by sentinels.
	URL string `env:"REDIS_URL,required"`
}

// Validate parses the URL, so that a wrong one is known at start.
func (c *Config) Validate() error {
	if c.URL == "" {
		return nil // reported as not set
	}
	if _, err := options(c.URL); err != nil {
		return fmt.Errorf("REDIS_URL: %w", err)
	}
	return nil
}

// timeout bounds one round trip: a Redis that takes longer is away, and the caller should hear so while it still waits.
const timeout = 3 * time.Second

// Open makes a client. It dials when first used, and is safe for many goroutines.
func Open(c Config) (redis.UniversalClient, error) {
	o, err := options(c.URL)
	if err != nil {
		return nil, fmt.Errorf("REDIS_URL: %w", err)
	}
	redis.SetLogger(logger{})
	o.DialTimeout, o.ReadTimeout, o.WriteTimeout = timeout, timeout, timeout
	o.PoolTimeout = timeout
	o.IdleTimeout = 50 * time.Second // none is kept longer than the proxy keeps it
	o.MaxRetries, o.MinRetryBackoff, o.MaxRetryBackoff = 2, time.Millisecond, 100*time.Millisecond
	if !isCluster(c) { // a cluster's client asks other nodes instead, and has to know then that one can't be dialled
		// An instance that was frozen wakes up with dead connections, and a Redis that was started anew has hung up on all: as many may be in
		// the pool, and each is noticed only when it is used, so a command has to get past them all.
		o.PoolSize = 10 * runtime.GOMAXPROCS(0)
		o.MaxRetries, o.MaxRetryBackoff = o.PoolSize, 20*time.Millisecond
		o.Dialer = dialOnce(o.TLSConfig)
	}
	client := open(c, o)
	client.AddHook(meter{})
	client.AddHook(patience(3 * timeout))
	return client, nil
}

func isCluster(c Config) bool { return strings.Contains(c.URL, "+cluster://") }

func open(c Config, o *redis.UniversalOptions) redis.UniversalClient {
	switch {
	case o.MasterName != "":
		return redis.NewFailoverClient(o.Failover())
	case isCluster(c):
		cluster := o.Cluster()
		cluster.ClusterSlots, cluster.NewClient = slots(o), newNode
		return redis.NewClusterClient(cluster)
	}
	return redis.NewClient(o.Simple())
}

// logger has the client library's own words come as lines of our log. They are about connections that it mends itself.
type logger struct{}

func (logger) Printf(ctx context.Context, format string, v ...any) {
	slog.InfoContext(ctx, "redis client", "says", fmt.Sprintf(format, v...))
}

// options reads the forms of REDIS_URL that the contract has.
func options(raw string) (*redis.UniversalOptions, error) {
	scheme, rest, ok := strings.Cut(raw, "://")
	if !ok {
		return nil, errors.New("is not of the form redis://host:port/db")
	}
	kind := strings.TrimPrefix(strings.TrimPrefix(scheme, "rediss"), "redis")
	base := strings.TrimSuffix(scheme, kind)
	if base != "redis" && base != "rediss" || kind != "" && kind != "+cluster" && kind != "+sentinel" {
		return nil, fmt.Errorf("knows redis, rediss, redis+cluster and redis+sentinel, not %q", scheme)
	}
	userinfo, rest := splitUser(rest)
	hosts, path, _ := strings.Cut(rest, "/")
	segments := strings.FieldsFunc(path, func(c rune) bool { return c == '/' })

	// The client library's own parser reads user, password, TLS and host, of the first of the hosts.
	addrs := strings.Split(hosts, ",")
	single, err := redis.ParseURL(base + "://" + userinfo + addrs[0])
	if err != nil {
		// The errors of net/url quote what they can't read, which may be a part of the password.
		return nil, errors.New("is not of the form redis://[user:password@]host:port/db; what is special in a URL has to be percent-encoded in a password")
	}
	o := &redis.UniversalOptions{Username: single.Username, Password: single.Password, TLSConfig: single.TLSConfig}
	for _, a := range addrs {
		if a == "" {
			return nil, errors.New("names an empty host")
		}
		o.Addrs = append(o.Addrs, withPort(a, kind))
	}
	switch {
	case kind == "+sentinel" && len(segments) == 0:
		return nil, errors.New("lacks the master's name: redis+sentinel://h1,h2/master/db")
	case kind == "+sentinel":
		o.MasterName, segments = segments[0], segments[1:]
	case kind == "+cluster" && len(segments) > 0:
		return nil, errors.New("a cluster has no database numbers")
	case kind == "" && len(addrs) > 1:
		return nil, errors.New("names several hosts: say redis+cluster:// or redis+sentinel://")
	}
	if len(segments) > 0 {
		if o.DB, err = strconv.Atoi(segments[0]); err != nil || o.DB < 0 || len(segments) > 1 {
			return nil, errors.New("ends in something that is no database number")
		}
	}
	return o, nil
}

func splitUser(rest string) (userinfo, hosts string) {
	if i := strings.LastIndex(rest, "@"); i >= 0 {
		return rest[:i+1], rest[i+1:]
	}
	return "", rest
}

func withPort(addr, kind string) string {
	if strings.LastIndex(addr, ":") > strings.LastIndex(addr, "]") {
		return addr
	}
	if kind == "+sentinel" {
		return addr + ":26379"
	}
	return addr + ":6379"
}

// passing begins the replies by which a Redis says that it can't do now what it can do later: it loads its data, has lost its
// master or its slots, is a replica since a failover, is out of memory or disk, runs a long script, has too many clients.
var passing = []string{"LOADING", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "READONLY", "OOM", "MISCONF", "BUSY", "NOREPLICAS", "ERR max number of clients"}

// Away turns an error of the client into fault.Unavailable: no connection, no answer in time, or a reply that says that it
// will pass. redis.Nil, a cancelled context, and replies that are about what was asked (a mistake of ours) are passed on.
func Away(err error) error {
	if err == nil || errors.Is(err, redis.Nil) || errors.Is(err, context.Canceled) {
		return err
	}
	var reply redis.Error
	if errors.As(err, &reply) && !passes(reply.Error()) {
		return fmt.Errorf("redis refused a command: %w", err)
	}
	return fault.Away("The database", err)
}

// passes tells whether a reply is one of the passing. What a script met, a Redis before 7 puts behind words of its own: "ERR Error
// running script (call to f_…): @user_script:12: @user_script: 12: -OOM command not allowed …".
func passes(reply string) bool {
	if strings.HasPrefix(reply, "ERR Error running script") {
		if _, met, ok := strings.Cut(reply, ": -"); ok {
			reply = met
		}
	}
	return slices.ContainsFunc(passing, func(p string) bool { return strings.HasPrefix(reply, p) })
}
