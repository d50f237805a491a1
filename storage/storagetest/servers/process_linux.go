package servers

import "syscall"

// ownGroup puts the server into a process group of its own, so that it can be
// killed with its children, and asks the kernel to kill it when we die, however
// we die: a test binary that ran into its -timeout runs no cleanup.
//
// The kernel means the thread that started the process. The Go runtime ends a
// thread only with a goroutine that was locked to it, which no test here is.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
