package servers

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

const (
	installRedis  = "apt-get install redis-server (or any redis-server 6 or newer on the PATH)"
	clusterNodes  = 3
	clusterSlots  = 16384
	joinPatience  = 30 * time.Second
	nodeTimeoutMs = 2000 // after it a silent node counts as failed; the default 15 s makes tests slow
)

// Redis is a redis-server with the durability that the product asks for: append
// only file, fsync before each answer, nothing evicted. Settings ("--maxmemory",
// "8mb") change that.
func Redis(t testing.TB, settings ...string) *Server {
	t.Helper()
	return forTest(t, redisWith(t, settings...))
}

func redisWith(t testing.TB, settings ...string) program {
	t.Helper()
	p := redisProgram(findRedis(t), false)
	args := p.args
	p.args = func(dir string, port int) []string { return append(args(dir, port), settings...) }
	return p
}

// RedisReplica is a Redis that copies another, and has caught up with it. It takes
// no writes.
func RedisReplica(t testing.TB, of *Server) *Server {
	t.Helper()
	p := redisWith(t, "--replicaof", "127.0.0.1 "+strconv.Itoa(of.port))
	p.look = func(addr string) (identity, error) {
		info, err := askRedis(addr, "INFO", "replication")
		if err == nil && !strings.Contains(info, "master_link_status:up") {
			err = errors.New("it has not caught up with its master")
		}
		if err != nil {
			return identity{}, err
		}
		return lookAtRedis(addr)
	}
	return forTest(t, p)
}

// A Cluster is three Redis masters on loopback that share the slots, without
// replicas.
type Cluster struct {
	Nodes []*Server
	fail  func(format string, args ...any)
}

// RedisCluster is a cluster whose nodes all agree that it is complete.
func RedisCluster(t testing.TB) *Cluster {
	t.Helper()
	path := findRedis(t)
	c := &Cluster{fail: t.Fatalf}
	for range clusterNodes {
		c.Nodes = append(c.Nodes, forTest(t, redisProgram(path, true)))
	}
	if err := c.form(); err != nil {
		t.Fatal(err)
	}
	return c
}

// URL names all nodes: redis://h1?addr=h2&addr=h3.
func (c *Cluster) URL() string {
	url := c.Nodes[0].URL()
	for i, node := range c.Nodes[1:] {
		url += map[bool]string{true: "?", false: "&"}[i == 0] + "addr=" + node.Addr()
	}
	return url
}

// Kind is the name and version of its servers, for logs.
func (c *Cluster) Kind() string { return c.Nodes[0].Kind() + " cluster" }

// WaitOK waits until every node says that the cluster is whole, for instance
// after a node was restarted. It ends the test when that takes too long.
func (c *Cluster) WaitOK() {
	if err := c.awaitOK(); err != nil {
		c.fail("%v", err)
	}
}

// form hands out the slots, introduces the nodes to each other and waits. The
// epochs are set apart because nodes that are born with the same one would have
// to argue about it first.
func (c *Cluster) form() error {
	for i, node := range c.Nodes {
		from, to := i*clusterSlots/clusterNodes, (i+1)*clusterSlots/clusterNodes
		// One by one, as Redis 6 has no ADDSLOTSRANGE.
		slots := []string{"CLUSTER", "ADDSLOTS"}
		for slot := from; slot < to; slot++ {
			slots = append(slots, strconv.Itoa(slot))
		}
		steps := [][]string{slots, {"CLUSTER", "SET-CONFIG-EPOCH", strconv.Itoa(i + 1)}}
		if i > 0 {
			steps = append(steps, []string{"CLUSTER", "MEET", "127.0.0.1", strconv.Itoa(c.Nodes[0].port)})
		}
		for _, step := range steps {
			if _, err := askRedis(node.Addr(), step...); err != nil {
				return fmt.Errorf("%s %s on %s: %w", step[0], step[1], node.Addr(), err)
			}
		}
	}
	return c.awaitOK()
}

func (c *Cluster) awaitOK() error {
	deadline := time.After(joinPatience)
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		err := c.agree()
		if err == nil {
			return nil
		}
		select {
		case <-deadline:
			return fmt.Errorf("cluster is not whole after %v: %w", joinPatience, err)
		case <-tick.C:
		}
	}
}

// agree is nil when every node knows all others and sees all slots served.
func (c *Cluster) agree() error {
	for _, node := range c.Nodes {
		info, err := askRedis(node.Addr(), "CLUSTER", "INFO")
		if err != nil {
			return fmt.Errorf("%s: %w", node.Addr(), err)
		}
		for _, want := range []string{"cluster_state:ok", fmt.Sprintf("cluster_size:%d", clusterNodes)} {
			if !strings.Contains(info, want) {
				return fmt.Errorf("%s does not say %s but: %s", node.Addr(), want, info)
			}
		}
	}
	return nil
}

func findRedis(t testing.TB) string {
	t.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		Missing(t, "redis", installRedis)
	}
	return path
}

func redisProgram(path string, cluster bool) program {
	return program{
		path: path,
		args: func(dir string, port int) []string { return []string{writeRedisConf(dir, port, cluster)} },
		look: lookAtRedis,
		name: func(_, version string) string { return "redis-server " + version },
		db:   func(id identity, _ string) string { return "redis://" + id.addr },
	}
}

// writeRedisConf writes a file, because an empty argument (save "") is read
// differently by different versions.
func writeRedisConf(dir string, port int, cluster bool) string {
	conf := fmt.Sprintf("bind 127.0.0.1\nport %d\ndir %q\nappendonly yes\nappendfsync always\n"+
		"maxmemory-policy noeviction\nsave \"\"\nrepl-diskless-sync-delay 0\n", port, dir)
	if cluster {
		conf += fmt.Sprintf("cluster-enabled yes\ncluster-config-file nodes.conf\ncluster-node-timeout %d\n", nodeTimeoutMs)
	}
	return mustWrite(dir, "redis.conf", conf)
}

func lookAtRedis(addr string) (identity, error) {
	if _, err := askRedis(addr, "PING"); err != nil { // an error as long as it loads its file
		return identity{}, err
	}
	info, err := askRedis(addr, "INFO", "server")
	if err != nil {
		return identity{}, err
	}
	_, version, _ := strings.Cut(info, "redis_version:")
	version, _, _ = strings.Cut(version, "\r\n")
	return identity{addr: addr, version: version}, nil
}

// askRedis sends one command in RESP and returns its answer, a string or a
// number. (https://redis.io/docs/latest/develop/reference/protocol-spec/)
func askRedis(addr string, command ...string) (string, error) {
	conn, err := dial(addr)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, encodeRedis(command)); err != nil {
		return "", err
	}
	return readRedis(bufio.NewReader(conn))
}

func encodeRedis(command []string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "*%d\r\n", len(command))
	for _, word := range command {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(word), word)
	}
	return b.String()
}

func readRedis(r *bufio.Reader) (string, error) {
	line, err := r.ReadString('\n')
	if err != nil {
		return "", err
	}
	kind, rest := line[0], strings.TrimRight(line[1:], "\r\n")
	switch kind {
	case '+', ':':
		return rest, nil
	case '-':
		return "", errors.New(rest)
	case '$':
		n, err := strconv.Atoi(rest)
		if err != nil || n < 0 {
			return "", err
		}
		text := make([]byte, n+len("\r\n"))
		_, err = io.ReadFull(r, text)
		return string(text[:n]), err
	}
	return "", fmt.Errorf("unexpected answer %q", line)
}
