//go:build unix

package servers

import (
	"os"
	"syscall"
)

// Each signal goes to the whole group (see ownGroup). A process that has just
// ended by itself is no error: what was asked for is so.

func killProcess(p *os.Process) { _ = syscall.Kill(-p.Pid, syscall.SIGKILL) }

// stopProcess wakes a frozen process first, else it would not hear.
func stopProcess(p *os.Process) {
	_ = syscall.Kill(-p.Pid, syscall.SIGTERM)
	_ = syscall.Kill(-p.Pid, syscall.SIGCONT)
}

func freezeProcess(pid int) error {
	if err := syscall.Kill(-pid, syscall.SIGSTOP); err != nil {
		return err
	}
	return awaitFrozen(pid)
}

func thawProcess(pid int) error { return syscall.Kill(-pid, syscall.SIGCONT) }
