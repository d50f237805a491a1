// Package storagetest proves that an implementation keeps a contract. Each
// contract has one suite (Articles, Topics, Keys, …), a list of cases whose
// names are the sentences they prove, and a plain model in memory that passes
// the same suite and is the oracle for random operations.
//
// An implementation is given to a suite as a [Fresh]: a function that makes an
// empty place for data. The suite opens it again and again, as a process would
// that starts anew, and as several nodes would at once.
package storagetest

import (
	"context"
	"flag"
	"hash/fnv"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Harness is one place for data (a file, a database) behind a contract T.
type Harness[T any] struct {
	// Name of the implementation, for the list of cases × implementations.
	Name string

	// Open opens the data as a starting process would, and returns what closes
	// it again. With Shared it may be open several times at once.
	Open func(t testing.TB) (store T, closeStore func() error)

	// Shared says that several processes may have the data open at once.
	Shared bool

	// Lose makes the server unreachable, as a crash would, and Heal brings it
	// back with its data. Freeze makes it silent while connections stay open,
	// and Thaw lets it answer again. All nil where there is no server.
	Lose, Heal, Freeze, Thaw func(t testing.TB)
}

// Fresh makes a new, empty place for data. Suites call it for each case.
type Fresh[T any] func(t testing.TB) Harness[T]

// Start opens the data until the end of the test, or until the returned
// function is called, which may happen more than once.
func (h Harness[T]) Start(t testing.TB) (T, func()) {
	t.Helper()
	store, closeStore := h.Open(t)
	stop := sync.OnceFunc(func() {
		if err := closeStore(); err != nil {
			t.Errorf("close %s: %v", h.Name, err)
		}
	})
	t.Cleanup(stop)
	return store, stop
}

// Nodes opens the data n times at once; where only one process may have it, n
// goroutines of that process share what was opened.
func (h Harness[T]) Nodes(t testing.TB, n int) []T {
	t.Helper()
	var nodes []T
	for range n {
		if len(nodes) > 0 && !h.Shared {
			nodes = append(nodes, nodes[0])
			continue
		}
		node, _ := h.Start(t)
		nodes = append(nodes, node)
	}
	return nodes
}

// testCase is a sentence that every implementation of a contract must keep.
type testCase[T any] struct {
	name   string
	server bool // is about losing a server: left out where there is none
	run    func(t *testing.T, h Harness[T])
}

// run proves the cases one after the other, each on data of its own, and logs
// which were proved for which implementation.
func run[T any](t *testing.T, suite string, fresh Fresh[T], cases []testCase[T]) {
	t.Helper()
	name := fresh(t).Name
	var proved, without []string
	for _, c := range cases {
		h := fresh(t)
		if c.server && h.Lose == nil {
			without = append(without, c.name)
			continue
		}
		if t.Run(c.name, func(t *testing.T) { c.run(t, h) }) {
			proved = append(proved, c.name)
		}
	}
	t.Logf("%s × %s: %d of %d cases proved:\n  %s", suite, name, len(proved),
		len(cases)-len(without), strings.Join(proved, "\n  "))
	if len(without) > 0 {
		t.Logf("%s × %s: not applicable without a server:\n  %s", suite, name, strings.Join(without, "\n  "))
	}
}

// patience bounds every call of a case that should not take long, so that a
// hanging implementation fails with its case's name. A stand-in for a server on
// a busy machine is slow.
const patience = 30 * time.Second

// background is the context of a call that must succeed.
func background(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// cancelled is the context of a caller who has gone.
func cancelled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// checkRandom runs a property n times. The seed is the test's name, so that a
// run is like the one before, unless -rapid.seed is given; it is printed.
// The property gets data of its own each time.
func checkRandom[T any](t *testing.T, fresh Fresh[T], n int, property func(r *rapid.T, h Harness[T])) {
	t.Helper()
	setRapid(t, n)
	rapid.Check(t, func(r *rapid.T) { property(r, fresh(t)) })
}

// givenFlags are the flags of the command line, read before setRapid first sets
// any: package flag does not tell the two apart, and setting back does not unset.
var givenFlags = sync.OnceValue(func() map[string]bool {
	given := map[string]bool{}
	flag.Visit(func(f *flag.Flag) { given[f.Name] = true })
	return given
})

// setRapid hands rapid its settings by its flags, the only way it has, for the
// time of one test.
func setRapid(t *testing.T, n int) {
	t.Helper()
	given := givenFlags()
	seed := fnv.New64a()
	seed.Write([]byte(t.Name()))
	for name, value := range map[string]string{
		"rapid.checks":     strconv.Itoa(n),
		"rapid.seed":       strconv.FormatUint(seed.Sum64(), 10),
		"rapid.nofailfile": "true", // the seed says it all, and nothing is written into the tree
		"rapid.shrinktime": "10s",
	} {
		f := flag.Lookup(name)
		if given[name] {
			t.Logf("-%s=%s", name, f.Value)
			continue
		}
		before := f.Value.String()
		if err := flag.Set(name, value); err != nil {
			t.Fatalf("set -%s: %v", name, err)
		}
		t.Logf("-%s=%s", name, value)
		t.Cleanup(func() { _ = f.Value.Set(before) })
	}
}
