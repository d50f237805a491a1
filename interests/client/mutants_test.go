package client

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

var simMutants = flag.Int("sim.mutants", 0, "how many of the deliberate mistakes the simulation has to catch (0: one)")

// mistake is one that somebody could make: a text of a file of the module, and what
// stands there instead.
type mistake struct{ name, file, right, wrong string }

const (
	applyFile   = "interests/apply.go"
	syncFile    = "interests/sync.go"
	journalFile = "interests/journal.go"
	listsFile   = "interests/lists.go"
	storeFile   = "storage/storagetest/model_lists.go"
)

var mistakes = []mistake{
	{"join: the smaller stamp wins", applyFile, "cmp.Compare(a.Level, b.Level)); c < 0 {", "cmp.Compare(a.Level, b.Level)); c > 0 {"},
	{"join: who comes last wins", applyFile, "cmp.Compare(a.Level, b.Level)); c < 0 {", "cmp.Compare(a.Level, b.Level)); c < 2 {"},
	{"join: who is there stays", applyFile, "cmp.Compare(a.Level, b.Level)); c < 0 {", "cmp.Compare(a.Level, b.Level)); c < -1 {"},
	{"join: by level first", applyFile, "cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Level, b.Level)); c < 0", "cmp.Or(cmp.Compare(a.Level, b.Level), a.At.Compare(b.At)); c < 0"},
	{"stamps: the counter does not count", "interests/stamp.go", "return bytes.Compare(s[:], b[:])", "return bytes.Compare(append(append([]byte{}, s[:6]...), s[8:]...), append(append([]byte{}, b[:6]...), b[8:]...))"},
	{"apply: a removal is deleted, not remembered", applyFile, "\tl.Topics[op.Topic] = next\n", "\tif l.Topics[op.Topic] = next; op.Level == None {\n\t\tdelete(l.Topics, op.Topic)\n\t}\n"},
	{"apply: what is removed again keeps its old stamp", applyFile, "\tif l.full(op.Level, old.Level) {", "\tif old.Level == None && op.Level == None {\n\t\treturn Duplicate, \"\"\n\t}\n\tif l.full(op.Level, old.Level) {"},
	{"apply: the floor is not looked at", applyFile, "if !present && !l.Floor.IsZero()", "if false && !l.Floor.IsZero()"},
	{"apply: the floor hits present topics too", applyFile, "if !present && !l.Floor.IsZero()", "if !l.Floor.IsZero()"},
	{"apply: forgetting does not raise the floor", applyFile, "if t.At.Compare(l.Floor) > 0 {", "if false {"},
	{"apply: the floor may sink", applyFile, "if t.At.Compare(l.Floor) > 0 {", "if true {"},
	{"apply: the newest removals are forgotten", applyFile, "cmp.Or(b.At.Compare(a.At), cmp.Compare(a.Topic, b.Topic))", "cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Topic, b.Topic))"},
	{"apply: removals are remembered for good", applyFile, "i >= MaxTombstones || t.At.Milli() < oldest", "i >= MaxTombstones || t.At.Milli() < oldest-1<<50"},
	{"apply: removals are remembered without number", applyFile, "i >= MaxTombstones || t.At.Milli() < oldest", "i >= 9*MaxTombstones || t.At.Milli() < oldest"},
	{"apply: no limit of followed topics", applyFile, "followed >= MaxFollowed", "followed >= 9*MaxFollowed"},
	{"apply: no limit of muted topics", applyFile, "muted >= MaxMuted", "muted >= 9*MaxMuted"},
	{"apply: the revision is the clock", applyFile, "next.Revision = max(l.Revision+1, Revision(now.UnixMilli()))", "next.Revision = Revision(now.UnixMilli())"},
	{"apply: the revision only counts", applyFile, "next.Revision = max(l.Revision+1, Revision(now.UnixMilli()))", "next.Revision = l.Revision + 1"},
	{"apply: since is of the last edit", applyFile, "!present || old.Level == None {", "true {"},
	{"admit: any stamp", applyFile, "\tms, clock := at.Milli(), now.UnixMilli()\n", "\tms, clock := at.Milli(), now.UnixMilli()+48*3600_000\n"},
	{"admit: no stamp that is ahead", applyFile, "case ms <= clock+MaxAhead.Milliseconds():", "case false:"},
	{"admit: any counter", applyFile, "at.Counter() > MaxAheadCounter:", "false:"},
	{"admit: what is late is refused", applyFile, "\tms, clock := at.Milli(), now.UnixMilli()\n", "\tms, clock := at.Milli(), now.UnixMilli()\n\tif ms < clock-3600_000 {\n\t\treturn ClockAhead\n\t}\n"},
	{"put: a stamp of now, whatever is in the list", applyFile, "if s := NewStamp(now, 0, 0); s.Compare(newest) > 0 {", "if s := NewStamp(now, 0, 0); true {"},
	{"digest: without stamps", applyFile, "h.Write([]byte(r.At.String()))", "h.Write(nil)"},
	{"sync: the digest is not compared", syncFile, "then.Digest() == has.Digest", "then.Digest() != 1"},
	{"sync: always everything", syncFile, "then.Digest() == has.Digest", "then.Digest() == has.Digest+1"},
	{"sync: what is removed is not told", syncFile, "\t\tr, ok := list.Topics[id]\n", "\t\tr, ok := list.Topics[id]\n\t\tif r.Level == None {\n\t\t\tcontinue\n\t\t}\n"},
	{"sync: the device's own edits are not told", syncFile, "undos = slices.Insert(undos, 0, undo)", "_ = undo"},
	{"sync: a forgotten removal is told without a stamp", syncFile, "r = Register{Level: None, At: list.Floor}", "continue"},
	{"sync: the edit is answered before it is stored", syncFile, "err = l.swap(ctx, id, list.Revision, next, until, undo)", "err = nil"},
	{"journal: an undo has what is, not what was", journalFile, "\t\t\tu.Topics[id] = was\n", "\t\t\tu.Topics[id] = after.Topics[id]\n"},
	{"journal: new topics are not noted", journalFile, "\t\t\tu.Topics[id] = Register{}\n", ""},
	{"journal: a gap does not matter", journalFile, "\treturn from == to\n", "\treturn true\n"},
	{"store: a swap does not compare", storeFile, "if kept.list.Revision != from {", "if false {"},
	{"store: a swap is acknowledged and not made, at times", storeFile, "\t\tm.lists[id] = keptList{next,", "\t\tif next.Revision%16 == 3 {\n\t\t\treturn nil\n\t\t}\n\t\tm.lists[id] = keptList{next,"},
	{"store: the journal is not written", storeFile, "appendUndos(kept.journal, undos)}", "kept.journal}"},
	{"store: the journal forgets the newest", storeFile, "journal = append(journal, undos...)", "if journal = append(journal, undos...); len(journal) > 1 {\n\t\tjournal = journal[:len(journal)-1]\n\t}"},
	{"store: a list loses its floor", storeFile, "\t\tm.lists[id] = keptList{next,", "\t\tnext.Floor = interests.Stamp{}\n\t\tm.lists[id] = keptList{next,"},
}

// Each mistake, planted alone, makes the simulation fail: otherwise that it passes
// means little.
func TestSimulationCatchesMistakes(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the package again for each mistake")
	}
	some := mistakes[len(mistakes)/2:][:1]
	if *simMutants > 0 {
		some = mistakes[:min(*simMutants, len(mistakes))]
	}
	caught, table := 0, &strings.Builder{}
	for _, m := range some {
		by := m.plant(t)
		if by != "" {
			caught++
		} else {
			by = "NOT CAUGHT"
		}
		fmt.Fprintf(table, "%-55s %-38s %.90s\n", m.name, m.file, by)
	}
	t.Logf("%d of %d mistakes caught:\n%s", caught, len(some), table)
	if caught*100 < len(some)*95 {
		t.Errorf("%d of %d mistakes were caught, want 95 %%", caught, len(some))
	}
}

// plant runs the simulation with the mistake, and returns what it says of it,
// nothing when it notices nothing. The tree is left as it is: the compiler is told
// to read another file in the place of the right one.
func (m mistake) plant(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(root, m.file)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(text, []byte(m.right)); n != 1 {
		t.Fatalf("%s: %q stands %d times in %s, want once", m.name, m.right, n, m.file)
	}
	folder := t.TempDir()
	planted, overlay := filepath.Join(folder, "planted.go"), filepath.Join(folder, "overlay.json")
	if err := os.WriteFile(planted, bytes.Replace(text, []byte(m.right), []byte(m.wrong), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	replace, err := json.Marshal(map[string]any{"Replace": map[string]string{file: planted}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(overlay, replace, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "go", "test", "-vet=off", "-count=1", "-overlay="+overlay,
		"-run=^TestSimulation$", "-sim.steps=600000", ".").CombinedOutput()
	if err == nil {
		return ""
	}
	for line := range strings.Lines(string(out)) {
		switch {
		case strings.Contains(line, "[build failed]") || strings.Contains(line, "# newsfeed"):
			t.Fatalf("%s: it does not build:\n%s", m.name, out)
		case strings.Contains(line, "-sim.seed="), strings.Contains(line, "never happened"), strings.Contains(line, "panic: "):
			return strings.TrimSpace(line)
		}
	}
	return strings.TrimSpace(string(out))
}
