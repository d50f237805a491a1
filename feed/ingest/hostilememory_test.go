package ingest

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Bounds of reading a document.
const (
	mostGrowth = 64 << 10        // kB
	mostTime   = 2 * time.Second // of the processor
	mostDeaf   = time.Second     // of it, without a look at the deadline
)

// hostileChild is set in the child process that reads documents: the names of
// files come on its standard input, and for each a line on standard output says
// what it took.
const hostileChild = "NEWSFEED_TEST_HOSTILE_CHILD"

// TestHostileChild is the child's part.
func TestHostileChild(t *testing.T) {
	if os.Getenv(hostileChild) == "" {
		t.Skip("it is the child process of TestHostileMemory")
	}
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		name, contentType, _ := strings.Cut(in.Text(), "\t")
		body, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		debug.FreeOSMemory()
		if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil { // the peak begins anew
			t.Fatal(err)
		}
		before, began := memoryOf(t, "VmRSS"), cpuTime()
		ctx := &asked{Context: t.Context()}
		document, err := ReadDocument(ctx, Received{Body: body, ContentType: contentType})
		took, peak := cpuTime()-began, memoryOf(t, "VmHWM")
		runtime.KeepAlive(body)
		fmt.Printf("took\t%d\t%d\t%d\t%d\t%v\n", peak-before, took.Milliseconds(), ctx.longest.Milliseconds(), len(document.Items), err)
	}
}

// memoryOf reads a line of /proc/self/status, in kB.
func memoryOf(t *testing.T, name string) int {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), name+":")
	kB, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		t.Fatal(err)
	}
	return kB
}

// Each hostile document is read or refused within bounds of memory and of time of
// the processor, which is measured in a process of its own; the worst are told. So
// is how long reading goes on without asking whether its time is over.
func TestHostileMemory(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the peak of memory is read from /proc")
	}
	if testing.Short() {
		t.Skip("memory of a program under the race detector says nothing")
	}
	sources, folder := hostileSources(t), t.TempDir()
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestHostileChild$")
	child.Env = append(os.Environ(), hostileChild+"=1")
	child.Stderr = os.Stderr
	in, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = in.Close(); _ = child.Wait() }()
	answers := bufio.NewScanner(out)
	worstGrowth, worstTime, worstDeaf, refused := "", "", "", 0
	most, longest, deafest := -1, time.Duration(-1), time.Duration(-1)
	for i, s := range sources {
		file := filepath.Join(folder, strconv.Itoa(i))
		if err := os.WriteFile(file, s.Body, 0o600); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(in, "%s\t%s\n", file, s.Header["Content-Type"])
		var growth, ms, deaf, items int
		var reason string
		for answers.Scan() {
			if _, err := fmt.Sscanf(answers.Text(), "took\t%d\t%d\t%d\t%d\t%s", &growth, &ms, &deaf, &items, &reason); err == nil {
				break
			}
		}
		if reason == "" {
			t.Fatalf("%s: the child ended", s.Name)
		}
		_ = os.Remove(file)
		took := time.Duration(ms) * time.Millisecond
		if reason != "<nil>" {
			refused++
		}
		if growth > most {
			most, worstGrowth = growth, s.Name
		}
		if took > longest {
			longest, worstTime = took, s.Name
		}
		if alone := time.Duration(deaf) * time.Millisecond; alone > deafest {
			deafest, worstDeaf = alone, s.Name
		}
		if growth > mostGrowth || took > mostTime {
			t.Errorf("%s (%d bytes): %d MB, %s, %d items", s.Name, len(s.Body), growth>>10, took, items)
		}
	}
	t.Logf("%d documents, %d refused; the worst: %d MB (%s), %s of the processor (%s), of which %s without a look at the time (%s)",
		len(sources), refused, most>>10, worstGrowth, longest, worstTime, deafest, worstDeaf)
	if deafest > mostDeaf {
		t.Errorf("%s: read for %s without a look at the time", worstDeaf, deafest)
	}
	if len(sources) < 150 {
		t.Errorf("%d documents are too few", len(sources))
	}
}
