// Package hostile has text that looks like markup or script, for tests of whatever
// shows what others wrote.
package hostile

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// own are always there.
var own = []string{`<script>alert(1)</script>`, `<img src=x onerror=alert(1)>`, `"><svg onload=alert(1)>`, `' onmouseover='alert(1)`, `javascript:alert(1)`,
	`]]><x:script xmlns:x="http://www.w3.org/1999/xhtml">alert(1)</x:script>`, `<?xml-stylesheet href="data:text/xsl,x"?>`,
	`</title></channel></rss><html xmlns="http://www.w3.org/1999/xhtml"><script>alert(1)</script></html>`, `&lt;script&gt;alert(1)&lt;/script&gt;`,
	`</script><script>alert(1)</script>`, `<a href="javascript:alert(1)" autofocus onfocus=alert(1)>x</a>`, `{{constructor.constructor('alert(1)')()}}`}

// most is how long a payload is at most, in bytes.
const most = 300

// Payloads are lines that look like markup or script: a few of our own, and those of
// the packs of NEWSFEED_TESTDATA when they are there.
func Payloads(t testing.TB) []string {
	t.Helper()
	payloads := append([]string(nil), own...)
	seen := map[string]bool{}
	for _, pack := range []struct{ file, within string }{
		{"payloads_all_the_things.tar.gz", "XSS Injection/"}, {"blns.tar.gz", "blns.txt"},
	} {
		for _, line := range lines(t, pack.file, pack.within) {
			if line = strings.ToValidUTF8(strings.TrimSpace(line), "\uFFFD"); line != "" && len(line) < most && !seen[line] && suspicious(line) {
				seen[line] = true
				payloads = append(payloads, line)
			}
		}
	}
	return payloads
}

func suspicious(line string) bool {
	return strings.ContainsAny(line, "<\"'`") || strings.Contains(strings.ToLower(line), "script:")
}

// lines returns the lines of those files of a pack whose names have a part in them;
// none without a folder of packs.
func lines(t testing.TB, pack, within string) (all []string) {
	t.Helper()
	folder := os.Getenv("NEWSFEED_TESTDATA")
	if folder == "" {
		t.Logf("without the payloads of %s: NEWSFEED_TESTDATA is not set", pack)
		return nil
	}
	file, err := os.Open(filepath.Join(folder, pack))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	unzipped, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	for archive := tar.NewReader(unzipped); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(header.Name, within) {
			continue
		}
		scanner := bufio.NewScanner(archive)
		scanner.Buffer(nil, 1<<20)
		for scanner.Scan() {
			all = append(all, scanner.Text())
		}
	}
}
