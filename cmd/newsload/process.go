package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

var errNotInstalled = errors.New("it is not installed")

// Patience with servers.
const (
	startPatience = time.Minute
	stopPatience  = 10 * time.Second
	lookEvery     = 20 * time.Millisecond
)

// process is a server of ours. Its methods are fine on nil: a server that is not
// ours is neither waited for nor stopped.
type process struct {
	name string
	cmd  *exec.Cmd
	log  string
	done chan struct{} // closed when it has ended
}

// startProcess starts a program whose output goes to NAME.log in a folder. It
// dies when we do.
func startProcess(ctx context.Context, dir, name, path string, args ...string) (*process, error) {
	return startProcessAs(ctx, &syscall.SysProcAttr{}, dir, name, path, args...)
}

func startProcessAs(ctx context.Context, as *syscall.SysProcAttr, dir, name, path string, args ...string) (*process, error) {
	path, err := exec.LookPath(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %w", name, errNotInstalled, err)
	}
	p := &process{name: name, log: filepath.Join(dir, name+".log"), done: make(chan struct{})}
	log, err := os.Create(p.log)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	defer log.Close() // the process has its own copy
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	p.cmd = exec.Command(path, args...) // stop ends it in order, the context would kill
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = dir, log, log
	attr := *as
	attr.Setpgid, attr.Pdeathsig = true, syscall.SIGKILL
	p.cmd.SysProcAttr = &attr
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	go func() {
		defer close(p.done)
		_ = p.cmd.Wait() // how it ended is in its log
	}()
	return p, nil
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// await asks until ready says nil. Of a server that is not ours it asks once.
func (p *process) await(ctx context.Context, ready func() error) error {
	err := ready()
	if p == nil {
		return err
	}
	deadline := time.Now().Add(startPatience)
	for err != nil && time.Now().Before(deadline) {
		select {
		case <-p.done:
			return fmt.Errorf("%s ended before it was ready; it said:\n%s", p.name, p.said())
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(lookEvery):
			err = ready()
		}
	}
	return err
}

// stop ends the process in order, or without when it does not listen.
func (p *process) stop() error {
	if p == nil {
		return nil
	}
	_ = syscall.Kill(-p.pid(), syscall.SIGINT) // PostgreSQL waits for its clients on SIGTERM
	select {
	case <-p.done:
	case <-time.After(stopPatience):
		_ = syscall.Kill(-p.pid(), syscall.SIGKILL)
		<-p.done
	}
	return nil
}

// said returns the end of the process's log.
func (p *process) said() string {
	const most = 4000
	text, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-most):])
}

// otherUser gives a folder to a user whom a server must run as, when we are root.
func otherUser(name, dir string) (*syscall.SysProcAttr, error) {
	if !isRoot() {
		return &syscall.SysProcAttr{}, nil
	}
	u, err := user.Lookup(name)
	if err != nil {
		return nil, fmt.Errorf("whom a server is to run as: %w", err)
	}
	uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
	gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
	if err := errors.Join(err1, err2, os.Chown(dir, int(uid), int(gid))); err != nil {
		return nil, fmt.Errorf("give %s to %s: %w", dir, name, err)
	}
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}, nil
}

// workFolder makes a folder for servers that the caller removes. Others may walk
// through it, not read: a server that runs as somebody else has its own inside.
func workFolder(under string) (string, error) {
	dir, err := os.MkdirTemp(under, "newsload-")
	if err != nil {
		return "", fmt.Errorf("make a folder to work in: %w", err)
	}
	return dir, os.Chmod(dir, 0o711)
}

// subfolder makes a folder for one server.
func subfolder(dir, name string) (string, error) {
	path := filepath.Join(dir, name)
	return path, os.Mkdir(path, 0o700)
}
