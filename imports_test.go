// Package newsfeed_test holds the rules of the house that no single package can
// hold: who may import whom, what may lie at the top, and what docker-compose.yml
// must say. The root has no code of its own.
package newsfeed_test

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "newsfeed"

// rooms in their order: a folder may import itself and those before it. config
// stands apart, see wrongImport.
var rooms = []string{"interests", "feed", "storage", "cmd"}

// fenced libraries are known to the folders named and to nobody else, so that a
// change of library is a change of one folder.
var fenced = []struct {
	library string // an import path or the beginning of one
	folders []string
	because string
}{
	{"github.com/gofiber", []string{"cmd/newsfeed/api", "cmd/newsfeed/reader"},
		"everything else, also app.go, should not know how requests arrive: hand plain values to api or reader"},
	{"go.mongodb.org", []string{"storage/mongo"},
		"use the contract beside its user (feed.Articles, …) and let storage open it; tests start servers with storage/storagetest/servers"},
	{"github.com/coreos/go-oidc", []string{"cmd/newsfeed/identity"},
		"use identity.Issuer, which pins algorithms and bounds what is fetched"},
	{"github.com/redis", []string{"storage/redis"},
		"use the contract beside its user (interests.Store, feed.Marks, …) and let storage open it"},
}

// excused are imports that only tests may make. Each has its reason.
var excused = []struct{ folder, imports, because string }{
	{"interests", "storage/embedded", "its tests prefer the real store in small to a mock"},
	{"interests", "storage/storagetest", "its tests use the plain models and the flaky wrapper"},
	{"feed", "storage/embedded", "its tests prefer the real store in small to a mock"},
	{"feed", "storage/storagetest", "its tests use the plain models and the flaky wrapper"},
}

// testOnly is code that no program may contain.
const testOnly = "storage/storagetest"

// atTheTop is what may lie in the root folder, besides tests of the root and
// what .gitignore names.
var atTheTop = []string{
	"cmd", "feed", "interests", "storage", "config", "docs", "testdata",
	"go.mod", "go.sum", "Makefile", "Dockerfile", "docker-compose.yml",
	"README.md", "ARCHITECTURE.md", "DECISIONS.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md",
	"LICENSE", "NOTICE",
	".ci", ".dockerignore", ".editorconfig", ".env.example", ".git", ".gitattributes", ".github",
	".gitignore", ".golangci.yml",
}

// Every import in the module goes the way that the rooms go.
func TestImports(t *testing.T) {
	files := 0
	err := filepath.WalkDir(".", func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			return skipFolder(file)
		}
		if path.Ext(file) != ".go" {
			return nil
		}
		files++
		source, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		wrong, err := wrongImports(filepath.ToSlash(file), source)
		for _, complaint := range wrong {
			t.Error(complaint)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 2 {
		t.Fatalf("looked at %d files: that cannot be all", files)
	}
}

// skipFolder leaves out what Go leaves out, and modules of their own.
func skipFolder(folder string) error {
	name := filepath.Base(folder)
	switch {
	case folder == ".":
		return nil
	case name == "testdata", strings.HasPrefix(name, "."), strings.HasPrefix(name, "_"):
		return filepath.SkipDir
	}
	if _, err := os.Stat(filepath.Join(folder, "go.mod")); err == nil {
		return filepath.SkipDir
	}
	return nil
}

// wrongImports are the complaints about one file, given its path from the root
// with slashes.
func wrongImports(file string, source []byte) ([]string, error) {
	tree, err := parser.ParseFile(token.NewFileSet(), file, source, parser.ImportsOnly)
	if err != nil {
		return nil, err
	}
	var wrong []string
	for _, spec := range tree.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return nil, err
		}
		if why := wrongImport(file, imported); why != "" {
			wrong = append(wrong, fmt.Sprintf("%s imports %q, please don't: %s", file, imported, why))
		}
	}
	return wrong, nil
}

// wrongImport says what is wrong with an import, "" when nothing is.
func wrongImport(file, imported string) string {
	folder, isTest := path.Dir(file), strings.HasSuffix(file, "_test.go")
	for _, fence := range fenced {
		if under(imported, fence.library) && !slices.ContainsFunc(fence.folders, func(f string) bool { return under(folder, f) }) {
			return fmt.Sprintf("only %s may; %s", strings.Join(fence.folders, " and "), fence.because)
		}
	}
	ours, isOurs := strings.CutPrefix(imported, module+"/")
	if !isOurs || folder == "." {
		return "" // the root has nothing but tests of the whole
	}
	if isTest && slices.ContainsFunc(excused, func(e struct{ folder, imports, because string }) bool {
		return under(folder, e.folder) && under(ours, e.imports)
	}) {
		return ""
	}
	if !isTest && under(ours, testOnly) && !under(folder, testOnly) {
		return "it is for tests only"
	}
	from, to := roomOf(folder), roomOf(ours)
	switch {
	case from == to:
		return ""
	case from == "config":
		return "config stands alone: it knows names and checks of settings, not what they are for"
	case to == "config" && from != "cmd":
		return "only cmd reads config and hands it down as plain values"
	case to == "config":
		return ""
	case slices.Index(rooms, to) < 0:
		return fmt.Sprintf("%s is no room of DESIGN.md", to)
	case slices.Index(rooms, from) < slices.Index(rooms, to):
		return fmt.Sprintf("the direction is %s, and %s comes before %s; state what you need as an interface here and implement it there",
			strings.Join(rooms, " → "), from, to)
	}
	return ""
}

// under is whether p is folder or lies in it.
func under(p, folder string) bool { return p == folder || strings.HasPrefix(p, folder+"/") }

func roomOf(p string) string {
	room, _, _ := strings.Cut(p, "/")
	return room
}

// The checker catches each kind of wrong import and lets the right ones be.
func TestImportsChecker(t *testing.T) {
	for _, c := range []struct {
		file, imports string
		want          string // a part of the complaint; "" for none
	}{
		{"interests/interests.go", "newsfeed/interests/topic", ""},
		{"interests/interests.go", "newsfeed/feed", "interests comes before feed"},
		{"interests/topic/topic.go", "newsfeed/storage/embedded", "interests comes before storage"},
		{"feed/builder.go", "newsfeed/interests", ""},
		{"feed/ingest/fetch.go", "newsfeed/feed", ""},
		{"feed/builder.go", "newsfeed/storage", "feed comes before storage"},
		{"feed/builder.go", "newsfeed/cmd/newsfeed/api", "feed comes before cmd"},
		{"storage/mongo/articles.go", "newsfeed/feed", ""},
		{"storage/mongo/articles.go", "newsfeed/cmd/newsfeed/api", "storage comes before cmd"},
		{"cmd/newsfeed/app.go", "newsfeed/storage", ""},
		{"cmd/newsfeed/app.go", "newsfeed/lib/util", "no room"},

		{"cmd/newsfeed/app.go", "newsfeed/config", ""},
		{"feed/builder.go", "newsfeed/config", "only cmd reads config"},
		{"feed/builder_test.go", "newsfeed/config", "only cmd reads config"},
		{"config/config.go", "newsfeed/interests", "config stands alone"},
		{"config/config_test.go", "newsfeed/feed", "config stands alone"},

		{"cmd/newsfeed/api/api.go", "github.com/gofiber/fiber/v2", ""},
		{"cmd/newsfeed/reader/reader.go", "github.com/gofiber/fiber/v2/middleware/etag", ""},
		{"cmd/newsfeed/app.go", "github.com/gofiber/fiber/v2", "only cmd/newsfeed/api and cmd/newsfeed/reader may"},
		{"cmd/newsfeed/apix/api.go", "github.com/gofiber/fiber/v2", "only cmd/newsfeed/api"},
		{"feed/feed_test.go", "github.com/gofiber/contrib/websocket", "only cmd/newsfeed/api"},
		{"storage/mongo/open.go", "go.mongodb.org/mongo-driver/mongo", ""},
		{"storage/mongo/open_test.go", "go.mongodb.org/mongo-driver/bson", ""},
		{"storage/storagetest/servers/mongo.go", "go.mongodb.org/mongo-driver/bson", "only storage/mongo may"},
		{"storage/redis/open.go", "github.com/redis/go-redis/v9", ""},
		{"cmd/newsfeed/api/limit.go", "github.com/redis/go-redis/v9", "only storage/redis may"},
		{"cmd/newsload/main_test.go", "github.com/redis/go-redis/v9", "only storage/redis may"},

		{"feed/builder_test.go", "newsfeed/storage/embedded", ""},
		{"feed/builder_test.go", "newsfeed/storage/mongo", "feed comes before storage"},
		{"interests/lists_test.go", "newsfeed/storage/storagetest", ""},
		{"interests/lists_test.go", "newsfeed/feed", "interests comes before feed"},
		{"storage/redis/open.go", "newsfeed/storage/storagetest/servers", "for tests only"},
		{"cmd/newsfeed/main.go", "newsfeed/storage/storagetest", "for tests only"},
		{"storage/redis/open_test.go", "newsfeed/storage/storagetest/servers", ""},
		{"storage/storagetest/articles.go", "newsfeed/storage/storagetest/servers", ""},

		{"imports_test.go", "newsfeed/cmd/newsfeed/api", ""},
		{"interests/interests.go", "newsfeeder/feed", ""}, // another module
	} {
		source := fmt.Sprintf("package p\n\nimport _ %q\n", c.imports)
		wrong, err := wrongImports(c.file, []byte(source))
		if err != nil {
			t.Fatal(err)
		}
		got := strings.Join(wrong, "; ")
		if (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s importing %s:\n got %q\nwant %q", c.file, c.imports, got, c.want)
		}
	}
}

// The top level is short enough to be read at a glance.
func TestTopLevel(t *testing.T) {
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	ignore, err := os.ReadFile(".gitignore")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if !belongsAtTheTop(entry.Name(), string(ignore)) {
			t.Errorf("%s lies at the top level. The rooms are %v and config: which one is it for? "+
				"If it truly belongs here, add it to atTheTop", entry.Name(), rooms)
		}
	}
}

// belongsAtTheTop reads .gitignore as lines that each name one thing.
func belongsAtTheTop(name, ignore string) bool {
	if slices.Contains(atTheTop, name) || strings.HasSuffix(name, "_test.go") {
		return true
	}
	for line := range strings.Lines(ignore) {
		if matched, _ := path.Match(strings.Trim(strings.TrimSpace(line), "/"), name); matched {
			return true
		}
	}
	return false
}

// The checker of the top level catches a stray folder and a stray file.
func TestTopLevelChecker(t *testing.T) {
	const ignore = "/data/\n*.prof\n"
	for name, want := range map[string]bool{
		"feed": true, "README.md": true, "house_test.go": true, "data": true, "cpu.prof": true,
		"util": false, "pkg": false, "main.go": false, "notes.txt": false,
	} {
		if got := belongsAtTheTop(name, ignore); got != want {
			t.Errorf("%s at the top: %v, want %v", name, got, want)
		}
	}
}
