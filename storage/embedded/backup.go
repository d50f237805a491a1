package embedded

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"go.etcd.io/bbolt"
)

// WriteTo writes a copy of the file as it is at one moment, while others go on
// reading and writing. The copy is a file that Open opens.
func (s *Store) WriteTo(w io.Writer) (n int64, err error) {
	err = s.db.View(func(tx *bbolt.Tx) error {
		n, err = tx.WriteTo(w)
		return err
	})
	if err != nil {
		return n, fmt.Errorf("copy %s: %w", s.Path(), err)
	}
	return n, nil
}

// Backup writes such a copy to a new file at path. The file appears there when
// it is whole and on the disk; one that is there already is not touched, and
// the error is os.ErrExist.
func (s *Store) Backup(path string) error {
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("back up to %s: %w", path, os.ErrExist)
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.part") // for its owner only
	if err != nil {
		return fmt.Errorf("back up to %s: %w", path, err)
	}
	_, err = s.WriteTo(f)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err == nil {
		return syncFolder(path) // before this a power cut may take the file away again
	}
	return errors.Join(fmt.Errorf("back up to %s: %w", path, err), os.Remove(f.Name()))
}
