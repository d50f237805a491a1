package main

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"newsfeed/storage/storagetest/servers"
)

var (
	walks     = flag.Int("walks", 60, "walks of TestFrozenWalks")
	walksSeed = flag.Uint64("walks.seed", 1, "their seed")
)

var walkTopics = []string{"iran", "chad", "cuba", "peru", "fiji", "oman", "gold", "football"}

// Walks through all pages over HTTP, on two nodes in turn, while others publish,
// edit and withdraw, stories turn out to be one, and the person's other device
// follows, mutes, reads and hides: no story comes twice, the order is that of the
// first page, and what can still be seen is not skipped.
func TestFrozenWalks(t *testing.T) {
	w := newWalkWorld(t, servers.SharedMongo(t), servers.Redis(t))
	stop := make(chan struct{})
	var publisher sync.WaitGroup
	publisher.Go(func() { w.disturb(stop) })
	var walkers sync.WaitGroup
	for n := range 4 {
		walkers.Go(func() {
			for i := n; i < *walks && !t.Failed(); i += 4 {
				walk := w.begin(uint64(i))
				walk.goOn(1 << 20)
				walk.check()
			}
		})
	}
	walkers.Wait()
	close(stop)
	publisher.Wait()
	t.Logf("%d walks, -walks.seed %d: %d cards; meanwhile %d publications, %d edits by the persons, %d stories merged with others",
		*walks, *walksSeed, w.cards, w.published, w.edits, len(*w.into.Load()))
	if *walks >= 60 && len(*w.into.Load()) == 0 {
		t.Error("no stories were merged")
	}
}

// The same when Redis and both nodes are killed and start again in mid-walk.
func TestFrozenWalksRestart(t *testing.T) {
	redis := servers.Redis(t)
	w := newWalkWorld(t, servers.SharedMongo(t), redis)
	var all []*walk
	for i := range 12 {
		walk := w.begin(uint64(1000 + i))
		walk.goOn(1 + i%4)
		all = append(all, walk)
	}
	redis.Kill()
	redis.Restart()
	for _, node := range w.nodes {
		node.kill()
		node.start()
	}
	r := rand.New(rand.NewPCG(*walksSeed, 99))
	w.publishSome(r)
	for range 20 {
		w.bridge(r, w.nodes[r.IntN(2)])
	}
	for _, walk := range all {
		walk.goOn(1 << 20)
		walk.check()
	}
	t.Logf("%d walks went on after the restart: %d cards, %d stories merged with others", len(all), w.cards, len(*w.into.Load()))
}

// walkWorld is two nodes with articles, and what happens to them.
type walkWorld struct {
	t     *testing.T
	nodes []*process

	into atomic.Pointer[map[string]string] // story → the one that took it over, on both nodes

	mu        sync.Mutex      // guards below
	next      int             // number of the next article
	touched   map[string]bool // addresses edited or withdrawn since the start
	cards     int
	published int
	edits     int
}

func newWalkWorld(t *testing.T, mongo, redis *servers.Server) *walkWorld {
	settings := []string{"MONGODB_URI=" + mongo.Database(fmt.Sprintf("walks%d", time.Now().UnixNano())), "REDIS_URL=" + redis.URL()}
	t.Logf("on %s and %s", mongo.Kind(), redis.Kind())
	w := &walkWorld{t: t, touched: map[string]bool{}}
	w.into.Store(&map[string]string{})
	for range 2 {
		w.nodes = append(w.nodes, serve(t, append(settings, "NEWSFEED_TAGGER=off")...))
	}
	r := rand.New(rand.NewPCG(*walksSeed, 0))
	for range 8 {
		var batch []map[string]any
		for range 100 {
			batch = append(batch, w.article(r))
		}
		w.nodes[0].publish(batch...)
	}
	w.awaitAll()
	return w
}

// article makes a new article; every fifth has the title of an earlier one, and
// so is of its story.
func (w *walkWorld) article(r *rand.Rand) map[string]any {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := w.next
	w.next++
	told := n
	if n > 10 && r.IntN(5) == 0 {
		told = n - 1 - r.IntN(10)
	}
	return w.version(r, n, told)
}

func (w *walkWorld) version(r *rand.Rand, n, told int) map[string]any {
	var topics []string
	for range 1 + r.IntN(3) {
		topics = append(topics, walkTopics[r.IntN(len(walkTopics))])
	}
	return map[string]any{
		"url": address(n), "title": headline(told),
		"summary": fmt.Sprint(r.IntN(1000)), "topics": topics,
		"source":       map[string]any{"id": fmt.Sprintf("source%d", r.IntN(6))},
		"published_at": time.Now().Add(-time.Duration(r.IntN(2000)) * time.Minute).UTC().Format(time.RFC3339),
	}
}

// headline makes a title out of words that no other has.
func headline(n int) string {
	return fmt.Sprintf("Reporters tell of kor%[1]da, lum%[1]do and ves%[1]di near zan%[1]du", n)
}

func address(n int) string { return fmt.Sprintf("https://walks.example/%d", n) }

func (w *walkWorld) awaitAll() {
	want := 0
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		a, b := w.nodes[0].edition(), w.nodes[1].edition()
		if want = max(a, b); a == b {
			return
		}
	}
	w.t.Fatalf("the nodes do not meet at edition %d", want)
}

// edition returns the newest edition of a node.
func (p *process) edition() int {
	var page feedPage
	p.call("GET", "/topics/iran/articles?limit=1", "", nil, &page)
	return page.AsOf.Edition
}

// disturb publishes, edits and withdraws until the end.
func (w *walkWorld) disturb(stop chan struct{}) {
	r := rand.New(rand.NewPCG(*walksSeed, 1))
	for {
		select {
		case <-stop:
			return
		case <-time.After(time.Duration(r.IntN(30)) * time.Millisecond):
			w.publishSome(r)
		}
	}
}

func (w *walkWorld) publishSome(r *rand.Rand) {
	node := w.nodes[r.IntN(2)]
	w.mu.Lock()
	n := r.IntN(w.next)
	w.published++
	w.mu.Unlock()
	switch r.IntN(5) {
	case 0:
		w.bridge(r, node)
	case 1:
		w.touch(n)
		node.publish(w.version(r, n, n))
	case 2:
		w.touch(n)
		withdrawn := w.version(r, n, n)
		withdrawn["status"] = "withdrawn"
		node.publish(withdrawn)
	default:
		node.publish(w.article(r))
	}
}

// bridge publishes an article that tells the stories of two others as one, and
// notes what was merged by it, once both nodes know.
func (w *walkWorld) bridge(r *rand.Rand, node *process) {
	w.mu.Lock()
	a, b := r.IntN(w.next), r.IntN(w.next)
	w.mu.Unlock()
	stories := []string{node.storyOf(a), node.storyOf(b)}
	article := w.article(r)
	article["title"] = headline(a) + ", " + headline(b)
	node.publish(article)
	var page feedPage
	node.call("GET", "/topics/iran/articles?limit=1", "", nil, &page)
	for _, other := range w.nodes { // which wait for the edition of the cursor
		other.call("GET", "/topics/iran/articles?limit=1&cursor="+page.Next, "", nil, &page)
	}
	into := maps.Clone(*w.into.Load())
	for _, story := range stories {
		if is := node.survivor(story); is != story {
			into[story] = is
		}
	}
	w.into.Store(&into)
}

// storyOf returns the id of an article's story; empty when it is withdrawn.
func (p *process) storyOf(n int) string {
	var article struct{ Story string }
	p.call("GET", "/articles/"+uuid.NewSHA1(uuid.NameSpaceURL, []byte(address(n))).String(), "", nil, &article)
	return article.Story
}

// survivor returns the story that a story is part of now.
func (p *process) survivor(story string) string {
	var answer struct{ Story string }
	if story == "" || p.call("GET", "/stories/"+story, "", nil, &answer) != 200 {
		return story
	}
	return answer.Story
}

func (w *walkWorld) touch(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.touched[address(n)] = true
}

// walk is one person's walk. At its start all pages are read at once, undisturbed
// by the person; then again, page by page, with edits in between.
type walk struct {
	w      *walkWorld
	seed   uint64
	r      *rand.Rand
	token  string
	path   string // of the next page; empty at the end
	whole  []walkCard
	got    []walkCard
	hidden map[string]bool
	muted  map[string]bool
	ends   map[string]string // the stories that stories are part of at the end
}

type walkCard struct {
	story, url string
	topics     []string
}

func (w *walkWorld) begin(seed uint64) *walk {
	k := &walk{w: w, seed: seed, r: rand.New(rand.NewPCG(*walksSeed, seed+2)), hidden: map[string]bool{}, muted: map[string]bool{}}
	var topics []string
	for range 1 + k.r.IntN(4) {
		topics = append(topics, walkTopics[k.r.IntN(len(walkTopics))])
	}
	k.token = w.nodes[0].guest(topics...)
	first := k.page(fmt.Sprintf("/feed?limit=%d", 5+k.r.IntN(30)))
	k.whole, k.got = slices.Clone(first), first
	for again := k.path; k.path != ""; {
		k.whole = append(k.whole, k.page(k.path)...)
		if k.path == "" {
			k.path = again
			break
		}
	}
	return k
}

// page reads one page, on either node, and sets the path of the next.
func (k *walk) page(path string) (cards []walkCard) {
	var page feedPage
	if status := k.node().call("GET", path, k.token, nil, &page); status != 200 {
		k.w.t.Fatalf("walk %d: GET %s: %d", k.seed, path, status)
	}
	for _, item := range page.Items {
		c := walkCard{story: item.Story, url: item.Article.URL}
		for _, topic := range item.Article.Topics {
			c.topics = append(c.topics, topic.ID)
		}
		cards = append(cards, c)
	}
	if k.path = ""; page.Next != "" {
		k.path = fmt.Sprintf("/feed?limit=%d&cursor=%s", 5+k.r.IntN(30), page.Next)
	}
	return cards
}

func (k *walk) node() *process { return k.w.nodes[k.r.IntN(2)] }

// goOn reads up to n pages, with edits of the other device before each.
func (k *walk) goOn(n int) {
	for ; n > 0 && k.path != ""; n-- {
		for range k.r.IntN(3) {
			k.edit()
		}
		into := *k.w.into.Load()
		shown := map[string]bool{}
		for _, c := range k.got {
			shown[survives(into, c.story)] = true
		}
		page := k.page(k.path)
		for _, c := range page {
			if shown[survives(into, c.story)] {
				k.w.t.Errorf("walk %d: story %s comes twice", k.seed, c.story)
			}
		}
		k.got = append(k.got, page...)
	}
}

// survives returns the story that a story is part of, as far as is noted.
func survives(into map[string]string, story string) string {
	for into[story] != "" {
		story = into[story]
	}
	return story
}

// edit is what the person's other device does.
func (k *walk) edit() {
	topic := walkTopics[k.r.IntN(len(walkTopics))]
	status := 200
	switch k.r.IntN(6) {
	case 0:
		k.muted[topic] = true
		status = k.node().call("PUT", "/interests/"+topic, k.token, map[string]string{"level": "mute"}, nil)
	case 1, 2:
		status = k.node().call("PUT", "/interests/"+topic, k.token, map[string]string{"level": "favourite"}, nil)
	case 3:
		status = k.node().call("DELETE", "/interests/"+topic, k.token, nil, nil)
	case 4:
		story := k.whole[k.r.IntN(len(k.whole))].story
		k.hidden[story] = true
		status = k.node().call("PUT", "/marks/"+story, k.token, map[string]bool{"hidden": true}, nil)
	case 5:
		status = k.node().call("PUT", "/marks/"+k.whole[k.r.IntN(len(k.whole))].story, k.token, map[string]bool{"read": true}, nil)
	}
	if status != 200 {
		k.w.t.Errorf("walk %d: an edit was answered %d", k.seed, status)
	}
	k.w.mu.Lock()
	k.w.edits++
	k.w.mu.Unlock()
}

// check compares the disturbed walk with the undisturbed one. Stories that were
// merged since have several places: a card of one may stand in any of them.
func (k *walk) check() {
	k.w.mu.Lock()
	defer k.w.mu.Unlock()
	k.w.cards += len(k.got)
	places := map[string][]int{}
	for i, c := range k.whole {
		places[k.now(c.story)] = append(places[k.now(c.story)], i)
	}
	last, seen, shown := -1, map[string]bool{}, map[string]bool{}
	for _, c := range k.got {
		if seen[c.story] {
			k.w.t.Errorf("walk %d: story %s comes twice", k.seed, c.story)
		}
		seen[c.story], shown[k.now(c.story)] = true, true
		at, ok := places[k.now(c.story)], false
		if len(at) == 0 {
			if !k.w.touched[c.url] { // one withdrawn while the first reading went on, back for the second
				k.w.t.Errorf("walk %d: %s was not in the feed of its first page", k.seed, c.url)
			}
			continue
		}
		for _, place := range at {
			if !ok && place > last {
				last, ok = place, true
			}
		}
		if !ok {
			k.w.t.Errorf("walk %d: %s stands at %d, after %d", k.seed, c.url, at, last)
		}
	}
	for _, c := range k.whole {
		if !shown[k.now(c.story)] && !k.explained(c) {
			k.w.t.Errorf("walk %d: %s was skipped", k.seed, c.url)
		}
	}
}

// now returns the story that a story is part of at the end of the walk.
func (k *walk) now(story string) string {
	if k.ends == nil {
		k.ends = map[string]string{}
	}
	if _, asked := k.ends[story]; !asked {
		k.ends[story] = k.w.nodes[0].survivor(story)
	}
	return k.ends[story]
}

// explained reports whether something happened to a card that may keep it away.
func (k *walk) explained(c walkCard) bool {
	for story := range k.hidden {
		if k.now(story) == k.now(c.story) {
			return true
		}
	}
	return k.w.touched[c.url] ||
		slices.ContainsFunc(c.topics, func(topic string) bool { return k.muted[topic] })
}
