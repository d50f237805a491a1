package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"newsfeed/config"
	"newsfeed/storage/embedded"
)

// newsfeed runs the program in this process, without any setting of the
// environment's.
func newsfeed(t *testing.T, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	for _, s := range config.Settings {
		t.Setenv(s.Name, "")
		t.Setenv(s.Name+"_FILE", "")
	}
	var out, said bytes.Buffer
	code = run(t.Context(), args, strings.NewReader(stdin), &out, &said)
	return code, out.String(), said.String()
}

// Errors of the command line say how to mend them; help and version are data.
func TestCommandLine(t *testing.T) {
	for _, test := range []struct {
		args     string
		code     int
		out, err string // a part of each; "" is nothing at all
	}{
		{"", 0, "Usage: newsfeed <command>", ""},
		{"--help", 0, "$NEWSFEED_HALF_LIFE", ""},
		{"import --help", 0, "resumable", ""},
		{"version", 0, "newsfeed ", ""},
		{"version --half-life 12", 0, "newsfeed ", ""},
		{"bogus", 2, "", "unexpected argument bogus; see: newsfeed --help"},
		{"serve --adr x", 2, "", `unknown flag --adr, did you mean "--addr"?; see: newsfeed serve --help`},
		{"import", 2, "", `expected "<file> ..."; see: newsfeed import --help`},
		{"import nowhere.ndjson", 2, "", "nowhere.ndjson: no such file"},
		{"keys", 2, "", "see: newsfeed keys --help"},
		{"serve --half-life 12", 2, "", `NEWSFEED_HALF_LIFE: "12" is no duration: write 12h`},
		{"keys list --half-life 12 --redis-url redis://:hunter2@h", 2, "", "MONGODB_URI: REDIS_URL is set"},
		{"keys list --server https://news.example", 2, "", "--server needs a key"},
		{"keys create x --editor --source s", 2, "", "leave out --source"},
	} {
		code, out, said := newsfeed(t, "", strings.Fields(test.args)...)
		if code != test.code || !holds(out, test.out) || !holds(said, test.err) {
			t.Errorf("newsfeed %s: ended with %d\nstdout %q\nstderr %q\nwant %d, %q, %q", test.args, code, out, said, test.code, test.out, test.err)
		}
		if strings.Contains(out+said, "hunter2") {
			t.Errorf("newsfeed %s shows the secret: %s", test.args, said)
		}
	}
}

func holds(text, part string) bool { return strings.Contains(text, part) && (part != "" || text == "") }

const (
	goodLine  = `{"url":"https://ours.example/%d","title":"Article %d","topics":["Iran"]}` + "\n"
	ninjsText = `{"uri":"https://ours.example/ninjs","standard":{"name":"ninjs","version":"3.0"},"type":"text","headlines":[{"value":"From ninjs"}]}`
)

func goodLines(from, to int) string {
	var text strings.Builder
	for i := from; i < to; i++ {
		fmt.Fprintf(&text, goodLine, i, i)
	}
	return text.String()
}

// Straight on the stores: what is good is stored, what is broken is reported with
// its line, and the exit code says so. Again, nothing is stored twice.
func TestImportOnTheStores(t *testing.T) {
	data := t.TempDir()
	broken := writeFile(t, "broken.ndjson", goodLines(0, 2)+"{\"url\": \n"+`{"url":"https://ours.example/x"}`+"\n\n"+goodLines(2, 3))
	for _, test := range []struct {
		name, stdin string
		args        []string
		code        int
		said        []string
	}{
		{"good lines", goodLines(10, 12), []string{"-"}, 0, []string{"2 accepted, 0 updated, 0 unchanged, 0 rejected"}},
		{"broken lines", "", []string{broken}, 1, []string{broken + ":3: rejected: ", broken + ":4: rejected: ", "/title", "3 accepted, 0 updated, 0 unchanged, 2 rejected"}},
		{"again", "", []string{broken}, 1, []string{"0 accepted, 0 updated, 3 unchanged, 2 rejected"}},
		{"nothing good", "nonsense\n", []string{"-"}, 2, []string{"standard input:1: rejected: ", "1 rejected"}},
		{"nothing", "\n", []string{"-"}, 2, []string{"there are no articles in it"}},
		{"an array", "[" + strings.TrimSpace(fmt.Sprintf(goodLine, 20, 20)) + ",{}]", []string{"-"}, 1, []string{"1 accepted", "1 rejected"}},
		{"ninjs", ninjsText, []string{"-"}, 0, []string{"1 accepted"}},
		{"RSS", rssText, []string{"-"}, 1, []string{"standard input: entry 2: rejected: ", "1 accepted", "1 rejected"}},
		{"Atom", atomText, []string{"-"}, 0, []string{"1 accepted"}},
		{"JSON Feed", jsonFeedText, []string{"-"}, 0, []string{"1 accepted"}},
		{"neither", "<html><p>hello</html>", []string{"-"}, 2, []string{"standard input: rejected: "}},
	} {
		code, out, said := newsfeed(t, test.stdin, append([]string{"import", "--data", data}, test.args...)...)
		if code != test.code || out != "" {
			t.Errorf("%s: ended with %d and %q, want %d", test.name, code, out, test.code)
		}
		for _, want := range test.said {
			if !strings.Contains(said, want) {
				t.Errorf("%s: want %q in what it said:\n%s", test.name, want, said)
			}
		}
	}
}

// A folder gives the files with the right ends, in order, and its folders' too.
func TestImportFolder(t *testing.T) {
	folder := t.TempDir()
	for name, text := range map[string]string{
		"a.ndjson": goodLines(0, 2), "b/c.XML": rssText, "b/d.json": "[" + ninjsText + "]",
		"notes.txt": "no articles", "b/e.jsonl": goodLines(2, 3),
	} {
		path := filepath.Join(folder, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	code, _, said := newsfeed(t, "", "import", "--data", t.TempDir(), folder)
	if code != 1 || !strings.Contains(said, "5 accepted, 0 updated, 0 unchanged, 1 rejected") || !strings.Contains(said, "c.XML: entry 2") {
		t.Errorf("ended with %d, said %s", code, said)
	}
	if code, _, said := newsfeed(t, "", "import", "--data", t.TempDir(), t.TempDir()); code != 2 || !strings.Contains(said, "holds no file that ends in .ndjson") {
		t.Errorf("an empty folder: ended with %d, said %s", code, said)
	}
}

// serving starts serve in this process and returns its data folder, and a function
// that stops it and returns its exit code and what it said.
func serving(t *testing.T, args ...string) (data string, stop func() (int, string)) {
	t.Helper()
	data = t.TempDir()
	for _, s := range config.Settings {
		t.Setenv(s.Name, "")
	}
	ctx, cancel := context.WithCancel(context.Background())
	said, out := new(syncBuffer), new(syncBuffer)
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, append([]string{"serve", "--data", data, "--addr", "127.0.0.1:0"}, args...), strings.NewReader(""), out, said)
	}()
	stop = func() (int, string) {
		cancel()
		code := <-ended
		ended <- code
		if text := out.String(); text != "" {
			t.Errorf("serve wrote to standard output: %s", text)
		}
		return code, said.String()
	}
	t.Cleanup(func() { stop() })
	select {
	case <-said.await("msg=ready"):
	case code := <-ended:
		ended <- code
		t.Fatalf("serve ended with %d: %s", code, said.String())
	case <-time.After(time.Minute):
		t.Fatalf("serve is not ready: %s", said.String())
	}
	return data, stop
}

// The commands act through the serve that holds the data folder.
func TestThroughServe(t *testing.T) {
	data, stop := serving(t)
	about, err := os.Stat(doorFilePath(data))
	if err != nil || runtime.GOOS != "windows" && about.Mode().Perm() != 0o600 {
		t.Errorf("door file: %v, %v", about.Mode(), err)
	}
	in := func(stdin string, args ...string) (int, string, string) {
		return newsfeed(t, stdin, append(args, "--data", data)...)
	}

	code, key, said := in("", "keys", "create", "alice", "--source", "ours-example")
	key = strings.TrimSuffix(key, "\n")
	if code != 0 || len(key) != 43 || strings.Contains(said, key) {
		t.Fatalf("keys create: ended with %d, wrote %q, said %s", code, key, said)
	}
	code, list, _ := in("", "keys", "list")
	fields := strings.Fields(lineWith(list, "alice"))
	if code != 0 || len(fields) != 6 || fields[2] != "publisher" || fields[5] != "ours-example" || strings.Contains(list, key) {
		t.Fatalf("keys list: ended with %d, wrote %s", code, list)
	}
	door, err := readDoorFile(data)
	if err != nil {
		t.Fatal(err)
	}
	publish := func(stdin string) (int, string) {
		code, _, said := newsfeed(t, stdin, "import", "-", "--server", door.URL, "--key", key)
		return code, said
	}
	if code, said := publish(goodLines(0, 1)); code != 0 {
		t.Errorf("import with the publisher's key: ended with %d, said %s", code, said)
	}
	if code, said := publish(`{"url":"https://theirs.example/","title":"Not mine"}`); code != 2 || !strings.Contains(said, "standard input:1: rejected") {
		t.Errorf("import for another's source: ended with %d, said %s", code, said)
	}
	if code, _, said := newsfeed(t, "", "keys", "list", "--server", door.URL, "--key", key); code != 2 || !strings.Contains(said, "wrong kind") {
		t.Errorf("a publisher lists the keys: ended with %d, said %s", code, said)
	}
	if code, _, said := in("", "keys", "revoke", fields[0], fields[0]); code != 1 || !strings.Contains(said, "was not revoked: 404") {
		t.Errorf("keys revoke: ended with %d, said %s", code, said)
	}
	if code, said := publish(goodLines(1, 2)); code != 2 || !strings.Contains(said, "is the key right, and not revoked?") {
		t.Errorf("import with a revoked key: ended with %d, said %s", code, said)
	}
	if code, _, said := in("", "import", writeFile(t, "more.json", ninjsText)); code != 0 || !strings.Contains(said, "1 accepted") {
		t.Errorf("import through serve: ended with %d, said %s", code, said)
	}

	if code, said := stop(); code != 0 {
		t.Errorf("serve ended with %d, said %s", code, said)
	}
	if _, err := os.Stat(doorFilePath(data)); !os.IsNotExist(err) {
		t.Errorf("the door file is there after serve: %v", err)
	}
	if code, list, _ := in("", "keys", "list"); code != 0 || strings.Contains(list, "alice") {
		t.Errorf("keys list on the stores: ended with %d, wrote %s", code, list)
	}
}

// Of all topics that are exported, each can be imported again; a new one is found.
func TestTopics(t *testing.T) {
	data, _ := serving(t)
	code, exported, said := newsfeed(t, "", "topics", "export", "--data", data)
	if code != 0 || said != "" || strings.Count(exported, "\n") < 400 {
		t.Fatalf("export: ended with %d after %d lines, said %s", code, strings.Count(exported, "\n"), said)
	}
	some := strings.Join(strings.SplitAfter(exported, "\n")[:20], "")
	code, out, said := newsfeed(t, some, "topics", "import", "-", "--data", data)
	if code != 0 || out != "" || !strings.Contains(said, "20 topics imported, 0 rejected") {
		t.Errorf("import: ended with %d, wrote %q, said %s", code, out, said)
	}
	_, again, _ := newsfeed(t, "", "topics", "export", "--data", data)
	if again != exported {
		t.Errorf("the catalogue has changed by its import")
	}
	mixed := writeFile(t, "topics.json", `[{"name":"Beekeeping","kind":"subject","aliases":["apiculture"],"broader":["agriculture"]},
		{"name":"Nonsense","kind":"nonsense"}, 7, {"kind":"subject"}]`)
	code, _, said = newsfeed(t, "", "topics", "import", mixed, "--data", data)
	if code != 1 || strings.Count(said, mixed+":2: ") != 3 || !strings.Contains(said, "1 topics imported, 3 rejected") {
		t.Errorf("import of a mixed file: ended with %d, said %s", code, said)
	}
	if _, exported, _ = newsfeed(t, "", "topics", "export", "--data", data); !strings.Contains(lineWith(exported, `"beekeeping"`), "apiculture") {
		t.Errorf("the new topic is missing")
	}
	if code, _, said = newsfeed(t, "", "topics", "import", "-", "--data", data); code != 2 || !strings.Contains(said, "holds no topics") {
		t.Errorf("nothing: ended with %d, said %s", code, said)
	}
}

// A copy made while the server runs is a store.
func TestBackup(t *testing.T) {
	data, _ := serving(t)
	if code, _, said := newsfeed(t, goodLines(0, 3), "import", "-", "--data", data); code != 0 {
		t.Fatalf("import: ended with %d, said %s", code, said)
	}
	file := filepath.Join(t.TempDir(), "newsfeed.db")
	for _, test := range []struct {
		args []string
		code int
		said string
	}{
		{[]string{file}, 0, " bytes"},
		{[]string{file}, 2, "is there already"},
		{[]string{file, "--force"}, 0, " bytes"},
		{[]string{filepath.Join(file, "no-folder")}, 2, "not a directory"},
	} {
		code, out, said := newsfeed(t, "", append([]string{"backup", "--data", data}, test.args...)...)
		if code != test.code || out != "" || !strings.Contains(said, test.said) {
			t.Errorf("backup %v: ended with %d, wrote %q, said %s", test.args, code, out, said)
		}
	}
	copied, err := embedded.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer copied.Close()
	if top, _, err := copied.Articles().Top(t.Context()); err != nil || int(top) != sownTopics+3 {
		t.Errorf("the copy has %d entries, %v", top, err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(file), ".backup-*")); left != nil {
		t.Errorf("left behind: %v", left)
	}
}

// A door file that a killed serve left is passed over with a note, also when
// another server listens there by now, and none of them gets the key a second time.
func TestStaleDoorFile(t *testing.T) {
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	for _, text := range []string{
		fmt.Sprintf(`{"url":%q,"key":%q,"pid":1}`, other.URL, testKey),
		fmt.Sprintf(`{"url":%q,"key":%q,"pid":1}`, gone.URL, testKey),
		"half a fi", "",
	} {
		data := t.TempDir()
		if err := os.WriteFile(doorFilePath(data), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		code, out, said := newsfeed(t, "", "keys", "list", "--data", data)
		if code != 0 || !strings.Contains(out, "ROLE") || !strings.Contains(said, "passing over "+doorFilePath(data)) {
			t.Errorf("%q: ended with %d, wrote %q, said %s", text, code, out, said)
		}
	}
}

// Removing a door file spares that of another serve, and may be done twice.
func TestDoorFile(t *testing.T) {
	data := t.TempDir()
	addr := &net.TCPAddr{IP: net.IPv6zero, Port: 8080}
	if err := WriteDoorFile(data, addr, "mine"); err != nil {
		t.Fatal(err)
	}
	if got, err := readDoorFile(data); err != nil || got.URL != "http://127.0.0.1:8080" || got.Key != "mine" || got.PID != os.Getpid() {
		t.Errorf("got %+v, %v", got, err)
	}
	if err := RemoveDoorFile(data, "other"); err != nil {
		t.Error(err)
	}
	if _, err := readDoorFile(data); err != nil {
		t.Errorf("another's file was removed: %v", err)
	}
	for range 2 {
		if err := RemoveDoorFile(data, "mine"); err != nil {
			t.Error(err)
		}
	}
	if err := WriteDoorFile(filepath.Join(data, "nowhere"), addr, "mine"); err == nil {
		t.Error("written into a folder that is not there")
	}
	if left, _ := os.ReadDir(data); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

// lineWith is the line of a text that holds a part.
func lineWith(text, part string) string {
	for line := range strings.Lines(text) {
		if strings.Contains(line, part) {
			return line
		}
	}
	return ""
}
