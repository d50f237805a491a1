package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"newsfeed/feed"
	"newsfeed/storage/storagetest/servers"
)

// newsload runs the tool and returns the report that it wrote.
func newsload(t *testing.T, args ...string) Report {
	t.Helper()
	dir := t.TempDir()
	var out, said bytes.Buffer
	args = append(args, "--json", dir+"/r.json", "--html", dir+"/r.html")
	if err := run(context.Background(), args, &out, &said); err != nil {
		t.Fatalf("newsload %v: %v\n%s", args, err, said.String())
	}
	t.Logf("%s%s", said.String(), out.String())
	html, err := os.ReadFile(dir + "/r.html")
	if err != nil || !bytes.Contains(html, []byte("<svg")) {
		t.Errorf("the page has no plot (%v)", err)
	}
	b, err := os.ReadFile(dir + "/r.json")
	if err != nil {
		t.Fatal(err)
	}
	var r Report
	if err := json.Unmarshal(b, &r); err != nil {
		t.Fatalf("the JSON: %v", err)
	}
	for _, table := range r.Tables {
		if len(table.Rows) == 0 {
			t.Errorf("table %q is empty", table.Title)
		}
		for _, row := range table.Rows {
			if len(row.Figures) != len(table.Columns)-1 {
				t.Errorf("table %q, row %q: %d figures for columns %q", table.Title, row.Name, len(row.Figures), table.Columns)
			}
		}
	}
	return r
}

// find returns a row, by the beginning of its table's title and of its name.
func find(t *testing.T, r Report, title, name string) Row {
	t.Helper()
	for _, table := range r.Tables {
		for _, row := range table.Rows {
			if strings.HasPrefix(table.Title, title) && strings.HasPrefix(row.Name, name) {
				return row
			}
		}
	}
	t.Fatalf("no row %q in a table %q", name, title)
	return Row{}
}

var small = []string{"--articles", "3000", "--topics", "500", "--interests", "5,40", "--people", "20", "--slices", "2", "--slice", "5ms"}

// SQLite answers what the index answers, and both are measured.
func TestRetrieval(t *testing.T) {
	r := newsload(t, append([]string{"retrieval", "--rivals", "sqlite", "--work", t.TempDir()}, small...)...)
	for _, title := range []string{"How many times faster", "The same, with"} {
		if f := find(t, r, title, "niche, 40 interests (best: SQLite").Figures[0]; !(f.Median > 0) {
			t.Errorf("%s: %v times", title, f)
		}
	}
	find(t, r, "mainstream, 5 interests", "SQLite, topic IN")
}

// Every server that is installed answers what the index answers.
func TestRetrievalServers(t *testing.T) {
	for _, rival := range []struct{ name, row, install string }{
		{"redis", "Redis, ZUNIONSTORE", binary("redis-server")},
		{"postgres", "PostgreSQL, LATERAL", postgresBinary("postgres")},
		{"mongo", "", mongoPath()},
	} {
		t.Run(rival.name, func(t *testing.T) {
			if rival.install == "" {
				servers.Missing(t, rival.name, "see docs/benchmarks.md")
			}
			work, err := os.MkdirTemp("", "nl") // short: sockets have names of 100 bytes at most
			if err != nil {
				t.Fatal(err)
			}
			defer os.RemoveAll(work)
			if err := os.Chmod(work, 0o711); err != nil {
				t.Fatal(err)
			}
			r := newsload(t, append([]string{"retrieval", "--strict", "--rivals", rival.name, "--stand-in", "300", "--work", work}, small...)...)
			if rival.row != "" {
				find(t, r, "niche, 40 interests", rival.row)
			} else if n := r.Tables[0].Notes; !slices.ContainsFunc(n, func(s string) bool { return strings.Contains(s, "the same answers") }) {
				t.Errorf("nothing is said of MongoDB: %q", n)
			}
		})
	}
}

func binary(name string) string {
	path, _ := exec.LookPath(name)
	return path
}

func mongoPath() string {
	path, genuine := mongoBinary()
	if genuine {
		return "" // its row is TestRetrieval's kind; this test is of the stand-in
	}
	return path
}

// liar answers the second-best articles.
type liar struct{ ours }

func (l *liar) ask(ctx context.Context, dst []feed.ArticleID, q *question) ([]feed.ArticleID, error) {
	all := l.builder.Retrieve(nil, q.person, best+1)
	return append(dst, all[1:]...), nil
}

// A side that answers otherwise ends the run.
func TestOtherAnswerIsAnError(t *testing.T) {
	c := &Corpus{Articles: 1000, Topics: 100, Seed: 3, End: defaultEnd}
	x, err := c.index(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	o := ours{feed.NewBuilder(x)}
	err = compare(t.Context(), []side{&o, &liar{o}}, c.maker().questions(mainstream, 10, 3))
	if err == nil || !strings.Contains(err.Error(), "otherwise") {
		t.Errorf("a liar was believed: %v", err)
	}
}

// The index answers what a look at all articles answers, equal keys included.
func TestIndexAgainstBruteForce(t *testing.T) {
	c := &Corpus{Articles: 4000, Topics: 300, Seed: 5, End: defaultEnd}
	x, err := c.index(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	o := ours{feed.NewBuilder(x)}
	all := c.postings()
	for _, taste := range tastes {
		for j, q := range c.maker().questions(taste, 12, 50) {
			var hits []hit
			for _, p := range all {
				if slices.Contains(q.topics, p.topic) {
					hits = append(hits, p.hit)
				}
			}
			got, _ := o.ask(t.Context(), nil, &q)
			if want := merged(nil, hits); !slices.Equal(got, want) {
				t.Fatalf("seed 5, %s person %d:\n got %v\nwant %v", taste, j, got, want)
			}
		}
	}
}

// A corpus is the same whoever makes it and in whatever order; people are of their
// taste and follow as many topics as they should.
func TestCorpus(t *testing.T) {
	c := &Corpus{Articles: 500, Topics: 20_000, Seed: 9, End: defaultEnd}
	a, b := c.maker(), c.maker()
	var forth []string
	for i := 1; i <= 500; i++ {
		forth = append(forth, fmt.Sprintf("%+v", a.entry(i)))
	}
	stories := 0
	for i := 500; i >= 1; i-- {
		e := b.entry(i)
		if got := fmt.Sprintf("%+v", e); got != forth[i-1] {
			t.Fatalf("article %d:\n got %s\nwant %s", i, got, forth[i-1])
		}
		if e.Story != feed.StoryID(e.Article.ID) {
			stories++
		}
	}
	if stories < 20 || stories > 90 {
		t.Errorf("%d of 500 articles report what another did, want about 50", stories)
	}
	for j := range 100 {
		for _, k := range a.person(niche, j, 50) {
			if k < 10_000 || k >= 20_000 {
				t.Fatalf("niche person %d follows topic %d", j, k)
			}
		}
		if p := slices.Sorted(slices.Values(a.person(mainstream, j, 200))); len(slices.Compact(p)) != 200 {
			t.Fatalf("mainstream person %d follows %d different topics, want 200", j, len(p))
		}
		if n := len(a.anyone(j, 5, 200)); n < 5 || n > 200 {
			t.Fatalf("person %d follows %d topics", j, n)
		}
	}
}

// The corpus command writes a line an article, the same at every call.
func TestCorpusCommand(t *testing.T) {
	write := func(what string) string {
		var out bytes.Buffer
		args := []string{"corpus", what, "--articles", "50", "--people", "20", "--topics", "1000", "--end", "2026-01-01T00:00:00Z"}
		if err := run(t.Context(), args, &out, os.Stderr); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	if got := write("articles"); strings.Count(got, "\n") != 50 || got != write("articles") {
		t.Errorf("not the same 50 articles twice:\n%s", got)
	}
	if got := write("people"); strings.Count(got, "\n") != 20 {
		t.Errorf("not 20 people:\n%s", got)
	}
}

// Growth is measured in every dimension.
func TestGrowth(t *testing.T) {
	r := newsload(t, "growth", "--articles", "500,2000", "--bare", "500,2000", "--people", "50,200", "--interests", "5,40",
		"--typical", "10", "--few", "5", "--topics", "500", "--sample", "50", "--slices", "2", "--slice", "5ms")
	for _, dimension := range []string{"Page of 30, by articles", "Stage 1 alone, by articles", "Page of 30, by interests, niche",
		"Page of 30, by distinct people", "Page of 30, by articles, smallest cards"} {
		if f := find(t, r, "Exponent", dimension).Figures[0]; math.Abs(f.Median) > 3 {
			t.Errorf("%s: exponent %v", dimension, f)
		}
	}
	find(t, r, "Page 10", "page 10 / page 1")
	if f := find(t, r, "The index of 2000", "bytes an article").Figures[0]; !(f.Median > 40) {
		t.Errorf("an article takes %v", f)
	}
}

// A server that is started here is measured in every part.
func TestHTTP(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds the program")
	}
	r := newsload(t, "http", "--work", t.TempDir(), "--articles", "1500", "--topics", "300", "--people", "30", "--least", "3", "--most", "8",
		"--slices", "2", "--requests", "30", "--duration", "500ms", "--rate", "100", "--visible", "50", "--ingest", "200")
	for _, name := range httpSides {
		if f := find(t, r, "One request", name).Figures[1]; !(f.Median > 0) {
			t.Errorf("%s: %v of the fixed body's", name, f)
		}
	}
	find(t, r, "GET /feed at 100", "feed")
	find(t, r, "50 articles a second", "acceptance to a feed")
	find(t, r, "Feeds while 200", "while ingesting / without")
}

// The exponent of a power law is its power.
func TestExponent(t *testing.T) {
	x, y := []float64{5, 50, 500}, make([]float64, 3)
	for i := range x {
		y[i] = 7 * math.Pow(x[i], 0.65)
	}
	if got := exponent(x, y); math.Abs(got-0.65) > 1e-9 {
		t.Errorf("exponent %v, want 0.65", got)
	}
}

// The median of slices stands with their range, and times are readable.
func TestFigure(t *testing.T) {
	for _, c := range []struct {
		f    Figure
		want string
	}{
		{figure("s", 3e-6, 1e-6, 2.5e-6), "2.5 µs (1 µs–3 µs)"},
		{figure("s", 1e-3, 3e-3), "2 ms (1 ms–3 ms)"},
		{figure("s", 250e-9), "250 ns"},
		{figure("×", 49.5, 150, 60), "60.00× (49.50×–150×)"},
		{figure(" B", 64), "64 B"},
		{figure("s"), "–"},
	} {
		if got := c.f.String(); got != c.want {
			t.Errorf("%+v shows %q, want %q", c.f, got, c.want)
		}
	}
}

// What comes late in an open loop counts from when it was meant to start.
func TestOpenLoopCountsFromTheIntendedStart(t *testing.T) {
	took := newLatencies()
	load := openLoop{rate: 1000, duration: 50 * time.Millisecond, callers: 1, do: func(_ *caller, i int, intended time.Time) error {
		if i == 0 {
			time.Sleep(100 * time.Millisecond) // a server that stalls once
		}
		took.since(intended)
		return nil
	}}
	if err := load.run(t.Context(), newDoor("http://127.0.0.1", nil, 0)); err != nil {
		t.Fatal(err)
	}
	if p50 := took.at(50); took.h.TotalCount() != 50 || p50 < 0.05 {
		t.Errorf("%d things, half of them within %v s: the stall was not counted for those who waited", took.h.TotalCount(), p50)
	}
}
