package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"

	"math"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"newsfeed/storage/storagetest/servers"
)

var baselines = flag.Bool("stories.baselines", false, "TestStoryTable clusters by average link too, which takes half a minute")

// Stories are measured on two sets of events that others have told apart: 97
// articles about 12 events, and the titles of 2,761 articles about 44. They are
// published in the order of their dates, and in one that is up to six hours off,
// and read back by GET /stories. Only pairs within 72 hours of publication count.
//
// Beside it stand what equal titles would find, and what clustering by average
// link finds that sees everything at once and is told the best threshold. Where
// they were published by date, a follower's feed is walked too (walkCards).
func TestStoryTable(t *testing.T) {
	t.Logf("%-16s %-28s %-22s %-22s", "set", "by", "pairwise F1 (P, R)", "B-cubed F1 (P, R)")
	for _, set := range []struct {
		corpus, pack string
		pairwise     float64 // asked
		bcubed       float64
	}{
		{"stories", "story_clusters_giveme5w1h", 0.93, 0},
		{"uci", "uci_news_aggregator_subset", 0, 0.75},
	} {
		articles := told(t, set.corpus, set.pack)
		row := func(by string, found []string) agreement {
			a := agree(articles, found)
			t.Logf("%-16s %-28s %.3f (%.2f, %.2f)     %.3f (%.2f, %.2f)", set.corpus, by, a.pairwise.f1(), a.pairwise.precision, a.pairwise.recall,
				a.bcubed.f1(), a.bcubed.precision, a.bcubed.recall)
			return a
		}
		row("title equality", titlesOf(articles))
		if *baselines {
			row("average link, TF-IDF", averageLink(articles, true))
			row("average link, equal weights", averageLink(articles, false))
		}
		for _, order := range []string{"by date", "shuffled within 6 h"} {
			published := slices.Clone(articles)
			if order != "by date" {
				shuffle(published, 6*time.Hour)
			}
			p, ids := publishTold(t, published)
			found := storiesOf(p, articles, ids)
			a := row("newsfeed, "+order, found)
			if a.pairwise.f1() < set.pairwise || a.bcubed.f1() < set.bcubed {
				t.Errorf("%s, %s: below %.2f pairwise and %.2f B-cubed", set.corpus, order, set.pairwise, set.bcubed)
			}
			if order == "by date" {
				walkCards(p, set.corpus, articles, ids, found)
			}
			p.kill()
		}
	}
}

// toldArticle is an article, and the event that it tells.
type toldArticle struct {
	json      json.RawMessage
	url       string
	title     string
	text      string
	published time.Time
	event     string
}

// told makes the articles of a pack, by date and address.
func told(t *testing.T, corpus, pack string) (articles []toldArticle) {
	data := servers.TestData(t)
	dir := t.TempDir()
	if out, err := exec.Command("tar", "-xzf", filepath.Join(data, pack+".tar.gz"), "-C", dir).CombinedOutput(); err != nil {
		t.Fatalf("unpack %s: %v\n%s", pack, err, out)
	}
	truth := filepath.Join(dir, "truth.ndjson")
	out, err := exec.Command("python3", filepath.Join(data, "..", "tools", "corpus.py"), corpus, dir, "--truth", truth).Output()
	if err != nil {
		t.Fatalf("make articles of %s: %v", pack, err)
	}
	events := map[string]string{}
	for line := range lines(t, truth) {
		var l struct{ URL, Event, Story string }
		if err := json.Unmarshal(line, &l); err != nil {
			t.Fatal(err)
		}
		events[l.URL] = l.Event + l.Story
	}
	scanner := bufio.NewScanner(bytes.NewReader(out))
	scanner.Buffer(nil, 1<<24)
	for scanner.Scan() {
		var a struct {
			URL, Title, Summary string
			Body                string    `json:"body_html"`
			Published           time.Time `json:"published_at"`
		}
		line := slices.Clone(scanner.Bytes())
		if err := json.Unmarshal(line, &a); err != nil {
			t.Fatal(err)
		}
		articles = append(articles, toldArticle{line, a.URL, a.Title, a.Title + " " + a.Summary + " " + a.Body, a.Published, events[a.URL]})
	}
	slices.SortFunc(articles, func(a, b toldArticle) int {
		if c := a.published.Compare(b.published); c != 0 {
			return c
		}
		return bytes.Compare([]byte(a.url), []byte(b.url))
	})
	return articles
}

// shuffle orders articles by dates that are up to so much later.
func shuffle(articles []toldArticle, late time.Duration) {
	r := rand.New(rand.NewPCG(1, 1))
	arrival := map[string]time.Time{}
	for _, a := range articles {
		arrival[a.url] = a.published.Add(time.Duration(r.Int64N(int64(late))))
	}
	slices.SortStableFunc(articles, func(a, b toldArticle) int { return arrival[a.url].Compare(arrival[b.url]) })
}

// publishTold publishes articles in their order; the ids are by address.
func publishTold(t *testing.T, published []toldArticle) (p *process, ids map[string]string) {
	p = serve(t, "NEWSFEED_HORIZON=0")
	ids = map[string]string{}
	for chunk := range slices.Chunk(published, 50) {
		var body bytes.Buffer
		for _, a := range chunk {
			body.Write(a.json)
			body.WriteByte('\n')
		}
		var answer struct {
			Results []struct{ ID, Outcome string }
		}
		if status := p.call("POST", "/articles", testKey, body.Bytes(), &answer); status != 200 || len(answer.Results) != len(chunk) {
			t.Fatalf("POST /articles: %d, %d results", status, len(answer.Results))
		}
		for i, r := range answer.Results {
			ids[chunk[i].url] = r.ID
		}
	}
	return p, ids
}

// storiesOf returns the story of each article.
func storiesOf(p *process, articles []toldArticle, ids map[string]string) []string {
	story := map[string]string{} // by article
	for _, a := range articles {
		id := ids[a.url]
		if story[id] != "" {
			continue
		}
		var one struct{ Story string }
		if status := p.call("GET", "/articles/"+id, "", nil, &one); status != 200 {
			p.t.Fatalf("GET /articles/%s: %d", id, status)
		}
		var all struct{ Articles []struct{ ID string } }
		if status := p.call("GET", "/stories/"+one.Story, "", nil, &all); status != 200 {
			p.t.Fatalf("GET /stories/%s: %d", one.Story, status)
		}
		for _, member := range all.Articles {
			story[member.ID] = one.Story
		}
		if story[id] == "" {
			p.t.Fatalf("%s is not in its story %s", a.url, one.Story)
		}
	}
	found := make([]string, len(articles))
	for i, a := range articles {
		found[i] = story[ids[a.url]]
	}
	return found
}

type ratio struct{ precision, recall float64 }

func (r ratio) f1() float64 { return 2 * r.precision * r.recall / max(r.precision+r.recall, 1e-9) }

type agreement struct{ pairwise, bcubed ratio }

// agree compares clusters with the events, over pairs within 72 hours.
func agree(articles []toldArticle, found []string) (a agreement) {
	var both, inFound, inTruth, precision, recall float64
	for i := range articles {
		var b, f, e float64
		for j := range articles {
			if articles[i].published.Sub(articles[j].published).Abs() > 72*time.Hour {
				continue
			}
			sameFound, sameEvent := found[i] == found[j], articles[i].event == articles[j].event
			f, e = f+one(sameFound), e+one(sameEvent)
			b += one(sameFound && sameEvent)
		}
		precision, recall = precision+b/f, recall+b/e
		both, inFound, inTruth = both+b-1, inFound+f-1, inTruth+e-1
	}
	n := float64(len(articles))
	return agreement{ratio{both / max(inFound, 1), both / max(inTruth, 1)}, ratio{precision / n, recall / n}}
}

func one(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// titlesOf takes equal titles for one story.
func titlesOf(articles []toldArticle) (found []string) {
	for _, a := range articles {
		found = append(found, fmt.Sprint(baselineWords(a.title)))
	}
	return found
}

// averageLink clusters all articles at once and returns the cut that agrees best.
func averageLink(articles []toldArticle, idf bool) []string {
	merges := dendrogram(similarities(articles, idf))
	slices.SortFunc(merges, func(a, b link) int { return int(max(-1, min(1, (b.similarity-a.similarity)*1e9))) })
	var best []string
	bestF1, of, next := -1.0, make([]int, len(articles)), 0
	for i := range of {
		of[i] = i
	}
	for cut := float32(0.9); cut > 0.02; cut -= 0.02 {
		for ; next < len(merges) && merges[next].similarity >= cut; next++ {
			from, to := root(of, merges[next].b), root(of, merges[next].a)
			of[from] = to
		}
		found := make([]string, len(of))
		for i := range of {
			found[i] = fmt.Sprint(root(of, i))
		}
		if a := agree(articles, found); a.pairwise.f1()+a.bcubed.f1() > bestF1 {
			best, bestF1 = found, a.pairwise.f1()+a.bcubed.f1()
		}
	}
	return best
}

func root(of []int, i int) int {
	for of[i] != i {
		i = of[i]
	}
	return i
}

// link is a merge of two clusters, named by one article of each.
type link struct {
	a, b       int
	similarity float32
}

// dendrogram is average link by chains of nearest neighbours (Müllner, 2011).
func dendrogram(similar [][]float32) (merges []link) {
	n := len(similar)
	size, alive := make([]float32, n), make([]bool, n)
	for i := range n {
		size[i], alive[i] = 1, true
	}
	var chain []int
	for left := n; left > 1; {
		if len(chain) == 0 {
			chain = append(chain, slices.Index(alive, true))
		}
		top := chain[len(chain)-1]
		nearest, best := -1, float32(-1)
		if len(chain) > 1 {
			nearest = chain[len(chain)-2]
			best = similar[top][nearest]
		}
		for j := range n {
			if alive[j] && j != top && similar[top][j] > best {
				nearest, best = j, similar[top][j]
			}
		}
		if len(chain) < 2 || nearest != chain[len(chain)-2] {
			chain = append(chain, nearest)
			continue
		}
		chain = chain[:len(chain)-2]
		merges = append(merges, link{top, nearest, best})
		for j := range n {
			if alive[j] && j != top && j != nearest {
				s := (size[top]*similar[top][j] + size[nearest]*similar[nearest][j]) / (size[top] + size[nearest])
				similar[top][j], similar[j][top] = s, s
			}
		}
		size[top] += size[nearest]
		alive[nearest] = false
		left--
	}
	return merges
}

// similarities are the cosines of all pairs within 72 hours; 0 of others.
func similarities(articles []toldArticle, idf bool) [][]float32 {
	uses, frequency := make([]map[string]float64, len(articles)), map[string]float64{}
	for i, a := range articles {
		uses[i] = map[string]float64{}
		for _, w := range baselineWords(a.text) {
			uses[i][w]++
		}
		for w := range uses[i] {
			frequency[w]++
		}
	}
	for _, u := range uses {
		var square float64
		for w, n := range u {
			if idf {
				u[w] = n * (1 + math.Log(float64(len(articles))/frequency[w]))
			} else {
				u[w] = 1
			}
			square += u[w] * u[w]
		}
		for w := range u {
			u[w] /= math.Sqrt(square)
		}
	}
	similar := make([][]float32, len(articles))
	for i := range similar {
		similar[i] = make([]float32, len(articles))
	}
	with := map[string][]int{}
	for i, u := range uses {
		for w, x := range u {
			for _, j := range with[w] {
				if articles[i].published.Sub(articles[j].published).Abs() <= 72*time.Hour {
					similar[i][j] += float32(x * uses[j][w])
				}
			}
			with[w] = append(with[w], i)
		}
		for j := range i {
			similar[j][i] = similar[i][j]
		}
	}
	return similar
}

// baselineWords are the words of a text but the commonest of English.
func baselineWords(text string) []string {
	words := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	return slices.DeleteFunc(words, func(w string) bool { return len(w) < 2 || slices.Contains(baselineStop, w) })
}

var baselineStop = strings.Fields("the of and to in for on at by is it as an be are was from with that this its has have not but or after over will he she they his her their you your we our us how what who why when")
