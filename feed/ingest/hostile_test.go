package ingest

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"html"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	tokens "golang.org/x/net/html"

	"newsfeed/storage/storagetest/servers"
)

// pack reads the files of a pack of test data. Without NEWSFEED_TESTDATA the
// test is skipped.
func pack(t *testing.T, name string) map[string][]byte {
	t.Helper()
	folder := servers.TestData(t)
	file, err := os.Open(filepath.Join(folder, name+".tar.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	unzipped, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for archive := tar.NewReader(unzipped); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		if files[header.Name], err = io.ReadAll(archive); err != nil {
			t.Fatal(err)
		}
	}
}

// checkHarmless builds the document tree that a browser would and fails on
// anything in it that runs, loads or leads elsewhere than http and https.
func checkHarmless(t *testing.T, in, body string) {
	t.Helper()
	if strings.Contains(strings.ToLower(body), "<script") {
		t.Fatalf("Body(%q) = %q has a script", in, body)
	}
	root, err := tokens.Parse(strings.NewReader(body))
	if err != nil {
		t.Fatalf("Body(%q) = %q: %v", in, body, err)
	}
	for node := range root.Descendants() {
		if node.Type != tokens.ElementNode {
			continue
		}
		switch node.Data {
		case "script", "style", "iframe", "object", "embed", "svg", "math", "form", "input", "link", "meta", "base":
			t.Fatalf("Body(%q) = %q has <%s>", in, body, node.Data)
		}
		for _, attr := range node.Attr {
			checkAttribute(t, in, body, attr)
		}
	}
}

func checkAttribute(t *testing.T, in, body string, attr tokens.Attribute) {
	t.Helper()
	switch attr.Key {
	case "href", "src":
		if !strings.HasPrefix(attr.Val, "https://") && !strings.HasPrefix(attr.Val, "http://") {
			t.Fatalf("Body(%q) = %q leads to %q", in, body, attr.Val)
		}
	case "alt", "width", "height", "colspan", "rowspan", "rel", "target":
	default:
		t.Fatalf("Body(%q) = %q has the attribute %s", in, body, attr.Key)
	}
}

// No payload of the collections survives, alone or in the middle of a body,
// as a line or as a whole file.
func TestBodyOfPayloads(t *testing.T) {
	payloads := map[string]bool{}
	for _, name := range []string{"payloads_all_the_things", "blns"} {
		for _, content := range pack(t, name) {
			payloads[string(content)] = true
			for line := range strings.SplitSeq(string(content), "\n") {
				payloads[line] = true
			}
		}
	}
	for payload := range payloads {
		for _, in := range []string{payload, `<p><img alt="` + payload + `"><a href="` + payload + `">x</a>` + payload + "</p>"} {
			body := Body(in, page)
			checkHarmless(t, in, body)
			if again := Body(body, page); again != body {
				t.Errorf("Body(%q) = %q, and of that %q", in, body, again)
			}
		}
		plain := Plain(payload)
		if again := Plain(html.EscapeString(plain)); again != plain {
			t.Errorf("Plain(%q) = %q, and of that, escaped, %q", payload, plain, again)
		}
	}
	t.Logf("%d payloads", len(payloads))
}
