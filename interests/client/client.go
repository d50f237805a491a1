// Package client keeps a person's list of interests on a device: it shows the
// list and takes edits without a network, stamps them, and brings them to the
// server and the server's to the device when there is one. What the server has
// lost it gives back.
//
// A [Client] shows [State], which a [Store] keeps; what becomes of a state is
// decided by pure functions (state.go, reconcile.go), and what they decide is
// said in the contract of POST /interests/sync. client.js, which the program
// serves, is the same for browsers: both pass the traces in testdata. The package
// knows nothing of articles or of signing in.
package client

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"

	"newsfeed/interests"
	"newsfeed/interests/account"
	"newsfeed/interests/topic"
)

// Options of a client. URL, Account, Token and Store are needed.
type Options struct {
	URL     string         // of the service: "https://news.example"
	Account account.ID     // whose list it is
	Token   account.Secret // of one of their sessions; never stored
	Store   Store          // of this account on this device

	HTTP   *http.Client     // how calls are made; nil: with a limit of 30 s
	Now    func() time.Time // the device's clock; nil: time.Now
	Random func() float64   // 0 to 1, for the jitter of tries; nil: math/rand
}

// Client is one person's list on this device. Safe for concurrent use.
type Client struct {
	o Options

	edited chan struct{} // an edit was made; wakes Run

	mu        sync.Mutex // guards below
	listeners map[int]func(Event)
	listener  int // number of the next
	failures  int // calls that failed in a row
}

// Event tells who subscribed that the list may be another, or that edits were
// refused.
type Event struct {
	Problems []Problem // edits that the server refused for good; they are gone
}

// ErrSignedOut: the server does not take the token. What was edited is kept for
// this account, until a client is opened with a token of it.
var ErrSignedOut = errors.New("client: the token is wrong or has expired")

// Open returns the list of an account on this device, and makes it if there is
// none. It makes no call. Errors: [ErrOtherAccount], and those of the store.
func Open(o Options) (*Client, error) {
	if o.HTTP == nil {
		o.HTTP = &http.Client{Timeout: 30 * time.Second}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Random == nil {
		o.Random = rand.Float64
	}
	o.URL = strings.TrimSuffix(o.URL, "/")
	c := &Client{o: o, edited: make(chan struct{}, 1), listeners: map[int]func(Event){}}
	if err := c.update(func(*State) error { return nil }); err != nil {
		return nil, fmt.Errorf("open the list of %s: %w", o.Account, err)
	}
	return c, nil
}

// update edits the state of this account and no other.
func (c *Client) update(edit func(*State) error) error {
	return c.o.Store.Update(func(s *State) error {
		if err := s.claim(c.o.Account); err != nil {
			return err
		}
		return edit(s)
	})
}

// Interests returns the topics that have a level, edits that wait included,
// sorted by topic.
func (c *Client) Interests() ([]Interest, error) {
	s, err := c.read()
	return s.interests(), err
}

// Waiting returns how many edits have no result yet.
func (c *Client) Waiting() (int, error) {
	s, err := c.read()
	return len(s.Pending), err
}

func (c *Client) read() (State, error) {
	s, err := c.o.Store.Read()
	if err == nil && s.Account != c.o.Account && s.Device != 0 {
		return State{}, ErrOtherAccount
	}
	return s, err
}

// Set puts a topic at a level ([interests.None] removes it). When it returns, the
// edit is durable here; the server has it after the next [Client.Sync], which
// [Client.Run] makes at once. Errors: [ErrTopic], [ErrLevel], those of the store.
func (c *Client) Set(t topic.ID, level interests.Level) error {
	err := c.update(func(s *State) error { return s.set(t, level, c.o.Now()) })
	if err != nil {
		return fmt.Errorf("set %s to %s: %w", t, level, err)
	}
	c.tell(Event{})
	select {
	case c.edited <- struct{}{}:
	default: // Run has not woken from the last one
	}
	return nil
}

// Subscribe has a function called after each edit and each sync of this client.
// It is called by whoever edits or syncs, and must not wait for them. The
// function that it returns ends that.
func (c *Client) Subscribe(f func(Event)) (end func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.listener
	c.listener++
	c.listeners[n] = f
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.listeners, n)
	}
}

func (c *Client) tell(e Event) {
	c.mu.Lock()
	var all []func(Event)
	for _, f := range c.listeners {
		all = append(all, f)
	}
	c.mu.Unlock()
	for _, f := range all {
		f(e)
	}
}

// Forget drops the account's list from this device, edits that wait included:
// ask the person first when there are any ([Client.Waiting]).
func (c *Client) Forget() error { return c.o.Store.Remove() }
