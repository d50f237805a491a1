package client

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"newsfeed/interests/account"
)

// File keeps a state in a file of its own, readable by its owner alone. It is
// replaced whole, after the new one has reached the disk: whatever happens, there
// is a whole state, the old one or the new one. Beside it lie two files that are
// only locked: by who edits, for a moment, and by who syncs.
type File struct{ path string }

// turnPoll is how often who waits for a turn looks: a lock of a file cannot be
// waited for together with a context.
const turnPoll = 20 * time.Millisecond

// NewFile returns the state of an account in a folder, which it makes. Each
// account has a file of its own there.
func NewFile(folder string, id account.ID) (*File, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of lists: %w", err)
	}
	return &File{filepath.Join(folder, id.String()+".json")}, nil
}

// Read returns the state. No lock is needed: the file is always whole.
func (f *File) Read() (State, error) {
	text, err := f.read()
	if err != nil {
		return State{}, err
	}
	s, err := decodeState(text)
	if err != nil {
		return State{}, fmt.Errorf("%s: %w", f.path, err)
	}
	return s, nil
}

func (f *File) read() ([]byte, error) {
	text, err := os.ReadFile(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return text, err
}

// Update edits the state.
func (f *File) Update(edit func(*State) error) error {
	return f.alone(func() error {
		text, err := f.read()
		if err != nil {
			return err
		}
		next, err := edited(text, edit)
		if err != nil {
			return err
		}
		return f.replace(next)
	})
}

// Turn waits for the others.
func (f *File) Turn(ctx context.Context) (func(), error) {
	lock, err := os.OpenFile(f.path+".sync", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	tick := time.NewTicker(turnPoll)
	defer tick.Stop()
	for {
		switch err := tryLock(lock); {
		case err == nil:
			return func() { lock.Close() }, nil // which lets the lock go
		case !errors.Is(err, errLocked):
			return nil, errors.Join(fmt.Errorf("lock %s: %w", lock.Name(), err), lock.Close())
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil, errors.Join(ctx.Err(), lock.Close())
		}
	}
}

// Remove forgets the state. The locks stay: another process may hold them.
func (f *File) Remove() error {
	return f.alone(func() error {
		if err := os.Remove(f.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return syncFolder(filepath.Dir(f.path))
	})
}

// alone runs what no other process may do at the same time.
func (f *File) alone(do func() error) error {
	lock, err := os.OpenFile(f.path+".edit", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := waitLock(lock); err != nil {
		return fmt.Errorf("lock %s: %w", lock.Name(), err)
	}
	return do()
}

func (f *File) replace(text []byte) error {
	next, err := os.OpenFile(f.path+".next", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = next.Write(text)
	if err == nil {
		err = next.Sync()
	}
	if err := errors.Join(err, next.Close()); err != nil {
		return err
	}
	if err := os.Rename(next.Name(), f.path); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(f.path))
}
