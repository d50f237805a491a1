package servers

import (
	"errors"
	"fmt"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// ownGroup puts the server into a process group of its own, so that it can be
// killed with its children, and asks the kernel to kill it when we die, however
// we die: a test binary that ran into its -timeout runs no cleanup.
//
// The kernel means the thread that started the process. The Go runtime ends a
// thread only with a goroutine that was locked to it, which no test here is.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// awaitFrozen waits until all threads of a process that was sent SIGSTOP have
// stopped: the signal is only on its way when kill returns, and a thread that
// was running may answer one more request.
func awaitFrozen(pid int) error {
	deadline := time.Now().Add(stopPatience)
	for time.Now().Before(deadline) {
		// WNOWAIT leaves the news in place, and no exit is asked for: that
		// belongs to who waits for the process.
		var news unix.Siginfo
		err := unix.Waitid(unix.P_PID, pid, &news, unix.WSTOPPED|unix.WNOHANG|unix.WNOWAIT, nil)
		if err != nil && !errors.Is(err, syscall.EINTR) {
			return fmt.Errorf("wait for process %d to stop: %w", pid, err)
		}
		if err == nil && news.Signo != 0 {
			return nil
		}
		time.Sleep(time.Millisecond)
	}
	return fmt.Errorf("process %d did not stop in %v", pid, stopPatience)
}
