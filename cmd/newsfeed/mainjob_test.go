package main

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"math/big"
	"newsfeed/storage/storagetest/servers"
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
// the articles tagged so, one card a story, best first, the same from either
// storage. What is expected is computed here from the truth file, without the
// program's own code.
//
// NEWSFEED_TESTDATA names the folder of the packs; ../tools/corpus.py beside it
// makes articles of them.
func TestMainJob(t *testing.T) {
	files, want := corpus(t)
	var first []string
	t.Run("embedded", func(t *testing.T) {
		first = mainJob(t, files, want, "off")
	})
	t.Run("servers", func(t *testing.T) {
		cards := mainJob(t, files, want, "off", onServers(t)...)
		if first != nil && !slices.Equal(cards, first) {
			t.Errorf("another order than from the embedded store:\n got %v\nwant %v", cards, first)
		}
	})
	t.Run("tagger on", func(t *testing.T) {
		mainJob(t, files, want, "on")
	})
}

// mainJob imports and checks, also after a crash, and returns the cards.
func mainJob(t *testing.T, files, want []string, tagger string, settings ...string) []string {
	p := serve(t, append(settings, "NEWSFEED_HORIZON=0", "NEWSFEED_TAGGER="+tagger)...)
	out := new(syncBuffer)
	if code := run(t.Context(), append([]string{"import", "--server", p.url, "--key", testKey}, files...), nil, out, out); code != exitWell {
		t.Fatalf("import ended with %d:\n%s", code, out)
	}
	t.Logf("tagger %s: %s", tagger, bytes.TrimSpace([]byte(out.String())))
	cards := p.checkFollower(want, tagger == "on")
	start := time.Now()
	p.kill()
	p.start()
	t.Logf("killed, and ready again after %v", time.Since(start).Round(time.Millisecond))
	if again := p.checkFollower(want, tagger == "on"); !slices.Equal(again, cards) {
		t.Errorf("another order after the restart:\n got %v\nwant %v", again, cards)
	}
	return cards
}

// checkFollower walks through the feed of one who follows the three topics.
// Every article that is tagged so is on a card or in a card's story, once, and
// nothing else is, but for automatic tags. In what stage 1 gives first a story
// stands first: a card's story is never of a later chunk than the next one's.
func (p *process) checkFollower(want []string, more bool) (cards []string) {
	p.t.Helper()
	rank := map[string]int{}
	for i, url := range want {
		rank[url] = i
	}
	seen, chunk := map[string]bool{}, 0
	for _, item := range p.feed(p.guest("North%20Korea", "iran", "crude"), 37).Items {
		cards = append(cards, item.Article.URL)
		if len(item.Matched) == 0 {
			p.t.Errorf("%s matches nothing", item.Article.URL)
		}
		best := len(want)
		for _, url := range p.story(item.Story) {
			at, tagged := rank[url]
			if !tagged {
				continue // a story may hold articles that the person does not follow
			}
			if seen[url] {
				p.t.Errorf("%s is there twice", url)
			}
			seen[url], best = true, min(best, at)
		}
		if best == len(want) && !more {
			p.t.Errorf("%s is not tagged so", item.Article.URL)
		}
		if c := best / 240; !more && c < chunk {
			p.t.Errorf("%s, of chunk %d, stands in chunk %d", item.Article.URL, c, chunk)
		} else if !more {
			chunk = c
		}
	}
	for _, url := range want {
		if !seen[url] {
			p.t.Errorf("%s is missing", url)
		}
	}
	p.t.Logf("%d articles tagged so, on %d cards", len(seen), len(cards))
	return cards
}

// story returns the addresses of a story's articles.
func (p *process) story(id string) (urls []string) {
	p.t.Helper()
	var story struct{ Articles []struct{ URL string } }
	if status := p.call("GET", "/stories/"+id, "", nil, &story); status != 200 {
		p.t.Fatalf("GET /stories/%s: %d", id, status)
	}
	for _, a := range story.Articles {
		urls = append(urls, a.URL)
	}
	return urls
}

// corpus makes the articles, and the addresses that the follower is to get.
func corpus(t *testing.T) (files, want []string) {
	data := servers.TestData(t)
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
