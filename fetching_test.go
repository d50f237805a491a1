package newsfeed_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// dialling is what makes connections or resolves names, by package.
var dialling = map[string][]string{
	"http":     {"Get", "Head", "Post", "PostForm", "Client", "DefaultClient", "Transport", "DefaultTransport", "RoundTripper"},
	"net":      {"Dial", "DialTimeout", "DialTCP", "DialUDP", "DialIP", "DialUnix", "Dialer", "Resolver", "DefaultResolver", "LookupHost", "LookupIP", "LookupAddr", "LookupCNAME", "LookupTXT"},
	"tls":      {"Dial", "DialWithDialer", "Dialer", "Client"},
	"fasthttp": {"Get", "Post", "Do", "Client", "HostClient", "Dial"},
}

// What comes from outside is asked for through feed/ingest/fetch and by nothing
// else, so that no address escapes its guard.
func TestFetching(t *testing.T) {
	files := 0
	for _, room := range []string{"feed", "interests/topic", "cmd/newsfeed/reader"} {
		err := filepath.WalkDir(room, func(file string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") || filepath.Dir(file) == filepath.FromSlash("feed/ingest/fetch") {
				return err
			}
			files++
			tree, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
			if err != nil {
				return err
			}
			for _, use := range dials(tree) {
				t.Errorf("%s uses %s, please don't: ask addresses through feed/ingest/fetch, which refuses those that must not be asked", file, use)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if files < 20 {
		t.Errorf("looked at %d files: that cannot be all", files)
	}
	planted := `package x; import "net/http"; var _ = http.DefaultClient`
	tree, err := parser.ParseFile(token.NewFileSet(), "x.go", planted, 0)
	if err != nil || len(dials(tree)) != 1 {
		t.Errorf("a planted client is not seen: %v", err)
	}
}

func dials(tree *ast.File) (uses []string) {
	ast.Inspect(tree, func(n ast.Node) bool {
		if use, ok := n.(*ast.SelectorExpr); ok {
			if of, ok := use.X.(*ast.Ident); ok && slices.Contains(dialling[of.Name], use.Sel.Name) {
				uses = append(uses, of.Name+"."+use.Sel.Name)
			}
		}
		return true
	})
	return uses
}
