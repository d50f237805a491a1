package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
)

type backupCommand struct {
	File  string `arg:"" help:"Where the copy goes; - is standard output."`
	Force bool   `help:"Replace the file if it is there."`
}

func (backupCommand) Help() string {
	return "The copy is complete and of one moment, while the server goes on. To use it, stop the server and put it in place of newsfeed.db in the data folder. MongoDB and Redis have backups of their own."
}

func (c *backupCommand) Run(ctx context.Context, p *program) error {
	if err := c.mayWrite(); err != nil {
		return err
	}
	d, err := p.openedDoor(ctx)
	if err != nil {
		return err
	}
	defer d.Close()
	d.client.Timeout = 0 // as long as the store is big
	response, err := d.send(ctx, http.MethodGet, "/backup", "", nil)
	if err != nil {
		return fmt.Errorf("back up: %w", err)
	}
	defer response.Body.Close()
	if c.File == "-" {
		_, err := io.Copy(p.stdout, response.Body)
		return err
	}
	size, err := c.write(response.Body)
	if err != nil {
		return fmt.Errorf("back up to %s: %w", c.File, err)
	}
	p.note("%s: %d bytes", c.File, size)
	return nil
}

func (c *backupCommand) mayWrite() error {
	if c.File == "-" || c.Force {
		return nil
	}
	_, err := os.Lstat(c.File)
	if err == nil {
		return fmt.Errorf("%s is there already: give another name, or --force to replace it", c.File)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// write puts the file in place when all of it is on the disk, and leaves nothing
// behind when that fails. It holds what the store holds, so only the owner may read it.
func (c *backupCommand) write(from io.Reader) (size int64, err error) {
	part, err := os.CreateTemp(filepath.Dir(c.File), ".backup-*")
	if err != nil {
		return 0, err
	}
	size, err = io.Copy(part, from)
	if err == nil {
		err = part.Sync()
	}
	if err = errors.Join(err, part.Close()); err == nil {
		err = os.Rename(part.Name(), c.File)
	}
	if err != nil {
		return 0, errors.Join(err, os.Remove(part.Name()))
	}
	return size, nil
}
