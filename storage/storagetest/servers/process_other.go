//go:build !unix

package servers

import (
	"errors"
	"os"
	"syscall"
)

func ownGroup() *syscall.SysProcAttr { return nil }

func killProcess(p *os.Process) { _ = p.Kill() }

// stopProcess kills: there is no signal that asks.
func stopProcess(p *os.Process) { _ = p.Kill() }

var errNoFreezing = errors.New("a process cannot be frozen on this system")

func freezeProcess(int) error { return errNoFreezing }

func thawProcess(int) error { return errNoFreezing }
