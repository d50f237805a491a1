package embedded

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"newsfeed/feed"
)

// A process that is killed among its writes has lost nothing that it said was
// stored, and the log is dense.
func TestKilled(t *testing.T) {
	path := filepath.Join(t.TempDir(), "newsfeed.db")
	for range 3 {
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), helperEnv+"=append", helperPath+"="+path)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		acked := 0
		for n := 0; lines.Scan(); n++ {
			if acked, err = strconv.Atoi(lines.Text()); err != nil {
				t.Fatalf("the helper said %q", lines.Text())
			}
			if n == 20 {
				_ = cmd.Process.Kill() // and read on: what it still said counts as well
			}
		}
		_ = cmd.Wait() // killed
		s := open(t, path)
		entries, err := s.Articles().Read(t.Context(), feed.Range{Limit: 100_000})
		if err != nil || len(entries) < acked {
			t.Fatalf("%d entries, %v; %d were acknowledged", len(entries), err, acked)
		}
		for i, e := range entries {
			if e.Edition != feed.Edition(i+1) {
				t.Fatalf("entry %d has edition %d", i, e.Edition)
			}
		}
		t.Logf("killed after %d were acknowledged, %d are there", acked, len(entries))
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// The test binary is its own second process, see TestMain.
const (
	helperEnv  = "NEWSFEED_TEST_HELPER"
	helperPath = "NEWSFEED_TEST_PATH"
)

func TestMain(m *testing.M) {
	path := os.Getenv(helperPath)
	switch os.Getenv(helperEnv) {
	case "":
		os.Exit(m.Run())
	case "open":
		fmt.Println(helperOpens(path))
	case "append":
		fmt.Println(helperAppends(path))
	}
}

// helper runs a second process to its end and returns what it said.
func helper(t *testing.T, what, path string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), helperEnv+"="+what, helperPath+"="+path)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("helper: %v, %s", err, out)
	}
	return strings.TrimSpace(string(out))
}

func helperOpens(path string) string {
	s, err := Open(path)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprint("opened", errText(s.Close()))
}

// helperAppends appends until it is killed, and says what it has stored.
func helperAppends(path string) string {
	s, err := Open(path)
	if err != nil {
		return err.Error()
	}
	top, _, err := s.Articles().Top(context.Background())
	if err != nil {
		return err.Error()
	}
	for {
		batch := []feed.Entry{{Edition: top + 1}, {Edition: top + 2}, {Edition: top + 3}}
		stored, err := s.Articles().Append(context.Background(), batch)
		if err != nil {
			return err.Error()
		}
		top += feed.Edition(stored)
		fmt.Println(top)
	}
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return " " + err.Error()
}
