package main

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
)

// The main job on real input: two packs of articles with their publishers' tags
// are imported, and one who follows three topics gets, over all pages, exactly
// the articles tagged so, best first, from either storage. What is expected is
// computed here from the truth file, without the program's own code.
//
// NEWSFEED_TESTDATA names the folder of the packs; ../tools/corpus.py beside it
// makes articles of them.
func TestMainJob(t *testing.T) {
	articles, want := corpus(t)
	t.Run("embedded", func(t *testing.T) { mainJob(t, articles, want, nil) })
	t.Run("servers", func(t *testing.T) { mainJob(t, articles, want, onServers(t)) })
}

func mainJob(t *testing.T, articles []string, want []string, settings []string) {
	for _, tagger := range []string{"off", "on"} {
		store := settings
		if store == nil || tagger == "on" {
			store = []string{"NEWSFEED_DATA=" + t.TempDir()}
		}
		p := serve(t, append(store, "NEWSFEED_HORIZON=0", "NEWSFEED_TAGGER="+tagger)...)
		out := new(syncBuffer)
		if code := run(t.Context(), append([]string{"import", "--server", p.url, "--key", testKey}, articles...), nil, out, out); code != exitWell {
			t.Fatalf("import ended with %d:\n%s", code, out)
		}
		t.Logf("tagger %s: %s", tagger, bytes.TrimSpace([]byte(out.String())))
		p.checkFollower(want, tagger == "on")
		start := time.Now()
		p.kill()
		p.start()
		t.Logf("killed, and ready again after %v", time.Since(start).Round(time.Millisecond))
		p.checkFollower(want, tagger == "on")
		if settings != nil {
			return // the tagger is the same over either storage
		}
	}
}

// checkFollower compares the feed of one who follows the three topics with what
// is expected: all of it, in order, and nothing else but for automatic tags.
func (p *process) checkFollower(want []string, more bool) {
	p.t.Helper()
	token := p.guest("North%20Korea", "iran", "crude")
	var got []string
	for _, item := range p.feed(token, 37).Items {
		if more && !slices.Contains(want, item.Article.URL) {
			if len(item.Matched) == 0 {
				p.t.Errorf("%s matches nothing", item.Article.URL)
			}
			continue
		}
		got = append(got, item.Article.URL)
	}
	if !slices.Equal(got, want) {
		p.t.Fatalf("%d articles, want %d, or another order\n got %v\nwant %v", len(got), len(want), got, want)
	}
	p.t.Logf("%d articles tagged so, in the expected order", len(got))
}

// corpus makes the articles, and the addresses that the follower is to get.
func corpus(t *testing.T) (files, want []string) {
	data := os.Getenv("NEWSFEED_TESTDATA")
	if data == "" {
		t.Skip("NEWSFEED_TESTDATA names no folder of test data")
	}
	type scored struct {
		url string
		key *big.Int
		id  uuid.UUID
	}
	var expected []scored
	for _, pack := range [][2]string{{"reuters", "reuters21578"}, {"huffpost", "huffpost_10k"}} {
		dir := t.TempDir()
		if out, err := exec.Command("tar", "-xzf", filepath.Join(data, pack[1]+".tar.gz"), "-C", dir).CombinedOutput(); err != nil {
			t.Fatalf("unpack %s: %v\n%s", pack[1], err, out)
		}
		file, truth := filepath.Join(dir, "articles.ndjson"), filepath.Join(dir, "truth.ndjson")
		articles, err := exec.Command("python3", filepath.Join(data, "..", "tools", "corpus.py"), pack[0], dir,
			"--tags", "--shift-to-now", "--truth", truth).Output()
		if err != nil {
			t.Fatalf("make articles of %s: %v", pack[1], err)
		}
		if err := os.WriteFile(file, articles, 0o600); err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
		labels := map[string][]string{}
		for line := range lines(t, truth) {
			var l struct {
				URL            string
				Places, Topics []string
			}
			if err := json.Unmarshal(line, &l); err != nil {
				t.Fatal(err)
			}
			labels[l.URL] = append(l.Places, l.Topics...)
		}
		for line := range lines(t, file) {
			var a struct {
				URL       string
				Published time.Time `json:"published_at"`
			}
			if err := json.Unmarshal(line, &a); err != nil {
				t.Fatal(err)
			}
			if slices.ContainsFunc(labels[a.URL], func(l string) bool { return l == "north-korea" || l == "iran" || l == "crude" }) {
				key := new(big.Int).Mul(big.NewInt(a.Published.UnixMilli()), big.NewInt(65536))
				key.Div(key, big.NewInt((12 * time.Hour).Milliseconds()))
				expected = append(expected, scored{a.URL, key, uuid.NewSHA1(uuid.NameSpaceURL, []byte(a.URL))})
			}
		}
	}
	slices.SortFunc(expected, func(a, b scored) int {
		return cmp.Or(b.key.Cmp(a.key), bytes.Compare(a.id[:], b.id[:]))
	})
	for _, e := range expected {
		want = append(want, e.url)
	}
	return files, want
}

func lines(t *testing.T, path string) func(func([]byte) bool) {
	return func(yield func([]byte) bool) {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		s := bufio.NewScanner(f)
		s.Buffer(nil, 8<<20)
		for s.Scan() && yield(s.Bytes()) {
		}
		if s.Err() != nil {
			t.Fatal(s.Err())
		}
	}
}
