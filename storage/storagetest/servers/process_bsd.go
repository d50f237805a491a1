//go:build unix && !linux

package servers

import "syscall"

// ownGroup puts the server into a process group of its own, so that it can be
// killed with its children. Only Linux can tie its life to ours as well.
func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// awaitFrozen has no way to know that on these systems.
func awaitFrozen(int) error { return nil }
