package servers

import (
	"os/exec"
	"testing"
)

// Newsboat is the path of a newsreader for terminals.
func Newsboat(t testing.TB) string {
	t.Helper()
	path, err := exec.LookPath("newsboat")
	if err != nil {
		Missing(t, "newsboat", "apt-get install newsboat")
	}
	return path
}

// Feedparser is the path of a Python that has the library feedparser.
func Feedparser(t testing.TB) string {
	t.Helper()
	for _, python := range []string{"python3", "/usr/bin/python3"} { // a package's is the system's Python's
		if exec.CommandContext(t.Context(), python, "-c", "import feedparser").Run() == nil {
			return python
		}
	}
	Missing(t, "feedparser", "apt-get install python3-feedparser")
	return ""
}
