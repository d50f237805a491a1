package client

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
)

// Store keeps the state of one account on a device, for any number of clients,
// also in several processes. What Update has returned from is durable.
type Store interface {
	// Read returns the state; the zero State when there is none.
	Read() (State, error)
	// Update lets a function edit the state that is there, nobody else between,
	// and keeps what it left; when it returns an error, that, and nothing is kept.
	Update(edit func(*State) error) error
	// Turn waits until no other client syncs; done lets the next one. It fails
	// only when ctx ends first or the store cannot be reached.
	Turn(ctx context.Context) (done func(), err error)
	// Remove forgets the state. Removing what is not there is a success.
	Remove() error
}

// Memory keeps a state as long as the process lives. The zero Memory is empty.
// It holds text, as a file does, so that no two clients share a map.
type Memory struct {
	mu   sync.Mutex // guards text
	text []byte

	once sync.Once
	turn chan struct{}
}

// Read returns the state.
func (m *Memory) Read() (State, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return decodeState(m.text)
}

// Update edits the state.
func (m *Memory) Update(edit func(*State) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	next, err := edited(m.text, edit)
	if err == nil {
		m.text = next
	}
	return err
}

// Turn waits for the others.
func (m *Memory) Turn(ctx context.Context) (func(), error) {
	m.once.Do(func() { m.turn = make(chan struct{}, 1) })
	select {
	case m.turn <- struct{}{}:
		return func() { <-m.turn }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Remove forgets the state.
func (m *Memory) Remove() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.text = nil
	return nil
}

func decodeState(text []byte) (s State, err error) {
	if len(text) == 0 {
		return s, nil
	}
	if err := json.Unmarshal(text, &s); err != nil {
		return s, fmt.Errorf("read the state of a list: %w", err)
	}
	return s, nil
}

// edited returns the text of a state after an edit.
func edited(text []byte, edit func(*State) error) ([]byte, error) {
	s, err := decodeState(text)
	if err != nil {
		return nil, err
	}
	if err := edit(&s); err != nil {
		return nil, err
	}
	return json.Marshal(&s)
}
