package servers

import (
	_ "embed" // the program that does it
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

//go:embed powercut/hand.c
var handSource []byte

// After a power cut there is what was synced and nothing else: not the unsynced
// end of a file, not what it was overwritten with, not a name whose folder was not
// synced.
func TestPowerCut(t *testing.T) {
	gcc, found := findBinary("CC", "gcc")
	if !found {
		Missing(t, "gcc", installGCC)
	}
	tools := t.TempDir()
	shim, hand := filepath.Join(tools, "powercut.so"), filepath.Join(tools, "hand")
	for source, args := range map[*[]byte][]string{
		&powercutSource: {"-shared", "-fPIC", "-o", shim, "-x", "c", "-", "-ldl"},
		&handSource:     {"-o", hand, "-x", "c", "-"},
	} {
		if err := compile(gcc, *source, args...); err != nil {
			t.Fatal(err)
		}
	}
	// Before each: a has "old" and is durable. A step is three words.
	for _, c := range []struct {
		name  string
		steps string
		want  map[string]string
	}{
		{"nothing", "", map[string]string{"a": "old"}},
		{"appended", "append a +new", map[string]string{"a": "old"}},
		{"appended and synced", "append a +new sync a -", map[string]string{"a": "old+new"}},
		{"appended after the sync", "append a +1 sync a - append a +2", map[string]string{"a": "old+1"}},
		{"overwritten", "over a ABCDE", map[string]string{"a": "old"}},
		{"overwritten and synced", "over a ABCDE sync a -", map[string]string{"a": "ABCDE"}},
		{"overwritten twice", "over a A sync a - over a B over a CD", map[string]string{"a": "Ald"}},
		{"emptied and written", "write a x", map[string]string{"a": "old"}},
		{"emptied by stdio", "stdio a x", map[string]string{"a": "old"}},
		{"cut off", "cut a 1", map[string]string{"a": "old"}},
		{"cut off, appended", "cut a 1 append a xyz", map[string]string{"a": "old"}},
		{"cut off, appended, synced", "cut a 1 append a xyz sync a -", map[string]string{"a": "oxyz"}},
		{"made", "write b x sync b -", map[string]string{"a": "old"}},
		{"made, folder synced", "write b x sync b - sync . -", map[string]string{"a": "old", "b": "x"}},
		{"made, only the folder synced", "write b x sync . -", map[string]string{"a": "old", "b": ""}},
		{"made by stdio", "stdio b x sync b - sync . -", map[string]string{"a": "old", "b": "x"}},
		{"renamed", "mv a b", map[string]string{"a": "old"}},
		{"renamed, folder synced", "mv a b sync . -", map[string]string{"b": "old"}},
		{"replaced", "write b x sync b - sync . - mv b a", map[string]string{"a": "old", "b": "x"}},
		{"replaced, folder synced", "write b x sync b - mv b a sync . -", map[string]string{"a": "x"}},
		{"made after the folder's sync", "write b x sync b - sync . - write c y sync c -", map[string]string{"a": "old", "b": "x"}},
		{"removed", "rm a -", map[string]string{"a": "old"}},
		{"removed, folder synced", "rm a - sync . -", map[string]string{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			prepareMains(dir)
			data := outlet(dir)
			if err := os.WriteFile(filepath.Join(data, "a"), []byte("old"), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := (&disk{dir: dir}).begin(); err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(hand, strings.Fields(c.steps)...)
			cmd.Dir, cmd.Env = data, append(os.Environ(), preloaded(shim, dir)...)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			if _, _, err := cut(dir, nil); err != nil {
				t.Fatal(err)
			}
			if got := contents(t, data); !maps.Equal(got, c.want) {
				t.Errorf("%s: %q, want %q", c.steps, got, c.want)
			}
		})
	}
}

func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		found[e.Name()] = string(text)
	}
	return found
}
