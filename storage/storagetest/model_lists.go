package storagetest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"newsfeed/interests"
	"newsfeed/interests/account"
)

// ModelLists is a store of lists as plain as can be: a map. It passes the suite
// and is the oracle of its random operations.
type ModelLists struct {
	mu    sync.Mutex // guards lists
	lists map[account.ID]keptList

	merges map[account.ID][]interests.Merge // newest first; see model_merges.go
}

type keptList struct {
	list    interests.List
	until   time.Time        // zero: for good
	journal []interests.Undo // oldest first
}

// NewModelLists makes an empty store.
func NewModelLists() *ModelLists { return &ModelLists{lists: map[account.ID]keptList{}} }

func (m *ModelLists) Load(ctx context.Context, id account.ID) (list interests.List, err error) {
	err = m.do(ctx, id, func() error { list = m.lists[id].list; return nil })
	return list, err
}

func (m *ModelLists) Swap(ctx context.Context, id account.ID, from interests.Revision, next interests.List, until time.Time, undos ...interests.Undo) error {
	return m.do(ctx, id, func() error {
		kept := m.lists[id]
		if kept.list.Revision != from {
			return fmt.Errorf("swap list of %s: %w", id, interests.ErrConflict)
		}
		m.lists[id] = keptList{next, until, appendUndos(kept.journal, undos)}
		return nil
	})
}

func appendUndos(journal, undos []interests.Undo) []interests.Undo {
	if len(undos) == 0 {
		return journal
	}
	journal = append(journal, undos...)
	newest := journal[len(journal)-1].At
	for range interests.JournalTrim {
		if !journal[0].Outlived(newest, len(journal)) {
			break
		}
		journal = journal[1:]
	}
	return journal
}

// Backup returns what brings all lists back to what they are now, as a restored
// backup of a server does.
func (m *ModelLists) Backup() (restore func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	copied := maps.Clone(m.lists)
	for id, kept := range copied {
		kept.journal = slices.Clip(kept.journal) // an edit after the restoring must not write into what came before it
		copied[id] = kept
	}
	return func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.lists = maps.Clone(copied)
	}
}

func (m *ModelLists) Journal(ctx context.Context, id account.ID, since interests.Revision) (list interests.List, undos []interests.Undo, err error) {
	err = m.do(ctx, id, func() error {
		list = m.lists[id].list
		for _, u := range slices.Backward(m.lists[id].journal) {
			if u.Revision > since {
				undos = append(undos, u)
			}
		}
		if !interests.LeadsBack(list.Revision, undos, since) {
			undos = nil
			return fmt.Errorf("journal of list of %s since revision %d: %w", id, since, interests.ErrForgotten)
		}
		return nil
	})
	return list, undos, err
}

func (m *ModelLists) Undos(ctx context.Context, id account.ID) (undos []interests.Undo, err error) {
	err = m.do(ctx, id, func() error {
		for _, u := range slices.Backward(m.lists[id].journal) {
			undos = append(undos, u)
		}
		return nil
	})
	return undos, err
}

func (m *ModelLists) Keep(ctx context.Context, id account.ID, until time.Time) error {
	return m.do(ctx, id, func() error {
		if kept, ok := m.lists[id]; ok {
			kept.until = until
			m.lists[id] = kept
		}
		return nil
	})
}

func (m *ModelLists) Delete(ctx context.Context, id account.ID) error {
	return m.do(ctx, id, func() error { delete(m.lists, id); delete(m.merges, id); return nil })
}

// do is one call: alone, and with a list whose time has come out of the way.
func (m *ModelLists) do(ctx context.Context, id account.ID, call func() error) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("list of %s: %w", id, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if until := m.lists[id].until; !until.IsZero() && !until.After(time.Now()) {
		delete(m.lists, id)
	}
	return call()
}

// ModelSessions is a store of sessions as plain as can be.
type ModelSessions struct {
	mu       sync.Mutex // guards sessions
	sessions map[account.Hash]account.Session
}

// NewModelSessions makes an empty store.
func NewModelSessions() *ModelSessions {
	return &ModelSessions{sessions: map[account.Hash]account.Session{}}
}

func (m *ModelSessions) Create(ctx context.Context, h account.Hash, s account.Session) error {
	return m.do(ctx, h, func(_ account.Session, live bool) error {
		if live {
			return fmt.Errorf("create session: %w", account.ErrExists)
		}
		m.sessions[h] = s
		return nil
	})
}

func (m *ModelSessions) Session(ctx context.Context, h account.Hash) (session account.Session, err error) {
	err = m.do(ctx, h, func(s account.Session, live bool) error {
		if !live {
			return fmt.Errorf("session: %w", account.ErrNoSession)
		}
		session = s
		return nil
	})
	return session, err
}

func (m *ModelSessions) Renew(ctx context.Context, h account.Hash, s account.Session) error {
	return m.do(ctx, h, func(was account.Session, live bool) error {
		switch {
		case !live:
			return fmt.Errorf("renew session: %w", account.ErrNoSession)
		case !was.Merged.IsZero() && was.Merged.Merge != s.Merged.Merge:
			return fmt.Errorf("renew session: %w", account.ErrMerged)
		}
		m.sessions[h] = s
		return nil
	})
}

func (m *ModelSessions) Spend(ctx context.Context, h account.Hash, merged account.Session) (stands account.Session, err error) {
	err = m.do(ctx, h, func(was account.Session, live bool) error {
		if !live {
			return fmt.Errorf("spend session: %w", account.ErrNoSession)
		}
		if was.Merged.IsZero() {
			m.sessions[h] = merged
		}
		stands = m.sessions[h]
		return nil
	})
	return stands, err
}

func (m *ModelSessions) Of(ctx context.Context, id account.ID) (held []account.Held, err error) {
	err = m.do(ctx, account.Hash{}, func(account.Session, bool) error {
		for h, s := range m.sessions {
			if owner, ok := s.Owner(); ok && owner == id && s.Expires.After(time.Now()) {
				held = append(held, account.Held{Hash: h, Session: s})
			}
		}
		return nil
	})
	return held, err
}

func (m *ModelSessions) Unlist(ctx context.Context, _ account.ID) error {
	return m.do(ctx, account.Hash{}, func(account.Session, bool) error { return nil }) // it keeps no index
}

func (m *ModelSessions) End(ctx context.Context, h account.Hash) error {
	return m.do(ctx, h, func(account.Session, bool) error { delete(m.sessions, h); return nil })
}

func (m *ModelSessions) do(ctx context.Context, h account.Hash, call func(s account.Session, live bool) error) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("session: %w", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	s, ok := m.sessions[h]
	return call(s, ok && s.Expires.After(time.Now()))
}
