package ingest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"newsfeed/feed"
	"newsfeed/feed/ingest/fetch"
)

// Sizes and times of the desk.
const (
	maxUnderWay  = 256             // addresses that this node has leased at a time
	maxFetches   = 32              // of them asked at a time
	maxParsings  = 4               // documents read at a time
	maxPerHost   = 2               // addresses of one host asked at a time
	lookEvery    = time.Second     // for what is due
	leaseSlack   = 2 * time.Minute // of a lease, beyond fetching: to wait for a turn and to store
	storePatient = 5 * time.Second // with the store of sources
)

// DeskDeps is what a desk works with.
type DeskDeps struct {
	Sources  Sources
	Client   *fetch.Client
	Timeout  time.Duration // of the client
	Tagger   *Tagger
	Log      *feed.Log
	Articles feed.Articles
	Now      func() time.Time
	Report   func(error) // told of failures of ours; may be nil
}

// Desk polls the sources: each address when it is due, at one node at a time,
// and brings what is in the documents into the log as if it were pushed. Safe
// for concurrent use.
type Desk struct {
	DeskDeps
	fetches  chan struct{} // places
	parsings chan struct{}
	hosts    hostGates
	polls    polls
	underWay atomic.Int64
	Counts   DeskCounts

	mu      sync.Mutex // guards below
	stop    context.CancelFunc
	running sync.WaitGroup
}

// DeskCounts count what this node's polls came to since it started.
type DeskCounts struct {
	Polls, Unchanged, Faults atomic.Int64 // Unchanged: answered 304
	New, Updated, Rejected   atomic.Int64 // articles
	Took                     atomic.Int64 // ns, for all polls, without waiting for their turns
	Kinds                    FaultCounts  // of the faults, and of flaws of documents that were read
}

// NewDesk returns a desk that does nothing by itself before Start.
func NewDesk(d DeskDeps) *Desk {
	if d.Report == nil {
		d.Report = func(error) {}
	}
	return &Desk{
		DeskDeps: d, fetches: make(chan struct{}, maxFetches), parsings: make(chan struct{}, maxParsings),
		hosts: hostGates{gates: map[string]*hostGate{}},
		polls: polls{underWay: map[uuid.UUID][]*onePoll{}, removed: map[uuid.UUID]bool{}},
	}
}

// Start polls what is due from now on. Starting twice is starting once.
func (d *Desk) Start() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.stop != nil {
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	d.stop = stop
	d.running.Go(func() { d.run(ctx) })
}

// Stop ends polling and waits for what is under way, whose leases are given
// back. Stopping twice is stopping once.
func (d *Desk) Stop() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.stop == nil {
		return
	}
	d.stop()
	d.running.Wait()
	d.stop = nil
	d.Client.Close()
}

func (d *Desk) run(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	var polls sync.WaitGroup
	defer polls.Wait()
	for {
		for _, a := range d.take(ctx) {
			d.underWay.Add(1)
			polls.Go(func() {
				defer d.underWay.Add(-1)
				d.poll(ctx, a)
			})
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// take leases what is due, as much as this node has room for.
func (d *Desk) take(ctx context.Context) []Address {
	room := maxUnderWay - int(d.underWay.Load())
	if room <= 0 {
		return nil
	}
	leased, err := d.lease(ctx, room)
	if err != nil && ctx.Err() == nil {
		d.Report(err)
	}
	return leased
}

func (d *Desk) lease(ctx context.Context, limit int, ids ...uuid.UUID) ([]Address, error) {
	ctx, cancel := context.WithTimeout(ctx, storePatient)
	defer cancel()
	now := d.Now().UTC().Truncate(time.Millisecond)
	return d.Sources.Lease(ctx, now, now.Add(d.Timeout+leaseSlack), limit, ids...)
}

// Poll polls addresses now, whatever is due, and returns what came of each, in
// their order, when that is in the index. An address that was removed is left out.
func (d *Desk) Poll(ctx context.Context, addresses []Address) ([]Polled, error) {
	ids := make([]uuid.UUID, len(addresses))
	for i, a := range addresses {
		ids[i] = a.ID
	}
	if len(ids) == 0 {
		return nil, nil
	}
	leased, err := d.lease(ctx, len(ids), ids...)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(leased, func(a, b Address) int { return slices.Index(ids, a.ID) - slices.Index(ids, b.ID) })
	results := make([]Polled, len(leased))
	var polls sync.WaitGroup
	for i, a := range leased {
		polls.Go(func() { results[i] = d.poll(ctx, a) })
	}
	polls.Wait()
	return results, nil
}

// hostGates let so many into each host at a time.
type hostGates struct {
	mu    sync.Mutex // guards gates
	gates map[string]*hostGate
}

type hostGate struct {
	places chan struct{}
	users  int // who hold or wait for a place
}

// enter waits for a place at a host; leave gives it back.
func (h *hostGates) enter(ctx context.Context, host string) (leave func(), err error) {
	h.mu.Lock()
	gate := h.gates[host]
	if gate == nil {
		gate = &hostGate{places: make(chan struct{}, maxPerHost)}
		h.gates[host] = gate
	}
	gate.users++
	h.mu.Unlock()
	forget := func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		if gate.users--; gate.users == 0 {
			delete(h.gates, host)
		}
	}
	if err := enter(ctx, gate.places); err != nil {
		forget()
		return nil, err
	}
	return func() { <-gate.places; forget() }, nil
}

// enter waits for a place.
func enter(ctx context.Context, places chan struct{}) error {
	select {
	case places <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// isOurs reports whether a failure says nothing of the source: the store, the
// writer or this node is to blame.
func isOurs(err error) bool {
	var ours *ownFault
	return errors.As(err, &ours)
}

// ownFault is a failure of this service.
type ownFault struct{ err error }

func (f *ownFault) Error() string { return "it was not stored: " + f.err.Error() }
func (f *ownFault) Unwrap() error { return f.err }
