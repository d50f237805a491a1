package servers

import (
	"os/exec"
	"testing"
)

const installChromium = "apt-get install chromium"

// Chromium is the path of the browser. Who drives it also ends it.
func Chromium(t testing.TB) string {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		Missing(t, "chromium", installChromium)
	}
	return path
}
