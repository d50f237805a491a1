package api

import (
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	"newsfeed/feed"
	"newsfeed/feed/ingest"
	"newsfeed/interests/account"
)

// policyWorld is a story of four articles by four sources, x the newest of them,
// and two persons: fan follows its topic, North Korea; other follows Tennis, so
// that the story can stand on the must-know shelf. Each surface's walk began
// before the case's change; newer's before the story.
type policyWorld struct {
	*House
	fan, other       account.Secret
	x                string   // id, also of the story
	rest             []string // ids of the other articles
	fromFeed, fromNK string   // addresses of the second pages
	newer            string   // address of what is newer
	reader           *fiber.App
}

// shown says what ids of articles have of the story.
func (w *policyWorld) shown(ids []string) string {
	switch {
	case slices.Contains(ids, w.x):
		return itself
	case slices.ContainsFunc(w.rest, func(id string) bool { return slices.Contains(ids, id) }):
		return another
	}
	return none
}

// newPolicyWorld makes the world in its order: what stands around the story, the
// persons, a walk, the story, walks again.
func newPolicyWorld(t *testing.T, query string) *policyWorld {
	w := &policyWorld{House: NewHouse(t, func(d *Deps) { d.Tagger = ingest.NewTagger(d.Catalogue, d.Topics, true) })}
	around := `"kind":"analysis","language":"de","topics":["North Korea","Buoys"]`
	w.publish(w.article("lead", around), w.article("bottom", around), w.article("abyss", around),
		`{"url":"https://news.example/t","title":"Vot","topics":["Tennis","Iran","Plumes"]}`)
	w.fan, w.other = w.Guest(), w.Guest()
	w.Follow(w.fan, "north-korea")
	w.Follow(w.other, "tennis")
	w.newer = "/feed/newer?" + query + "&cursor=" + w.GetPage("/feed?limit=2&"+query, w.fan).Next
	ids := w.publish(w.article("x", ""), w.article("y", ""), w.article("z", ""), w.article("w", ""))
	w.x, w.rest = ids[0], ids[1:]
	w.both("PUT", "/marks/"+w.x, `{"saved":true}`)
	w.fromFeed = "/feed?" + query + "&limit=1&cursor=" + w.GetPage("/feed?limit=1&"+query, w.fan).Next
	w.fromNK = "/topics/north-korea/articles?" + query + "&limit=1&cursor=" + w.GetPage("/topics/north-korea/articles?limit=1&"+query, w.fan).Next
	return w
}

// article is one of the world's articles, with other fields in place of its own.
func (w *policyWorld) article(name, fields string) string {
	a := map[string]any{"url": "https://news.example/" + name, "title": "Vost " + name}
	about := map[string]struct {
		age                    time.Duration
		source, kind, language string
		topics                 []string
	}{
		"lead": {age: time.Minute}, "bottom": {age: 30 * time.Hour}, "abyss": {age: 40 * time.Hour},
		"x": {20 * time.Hour, "alpha", "video", "ko", []string{"North Korea", "Plumes"}},
		"y": {21 * time.Hour, "beta", "news", "en", []string{"North Korea"}},
		"z": {22 * time.Hour, "gamma", "news", "en", []string{"North Korea"}},
		"w": {23 * time.Hour, "delta", "news", "en", []string{"North Korea"}},
	}[name]
	a["published_at"] = w.Clock.Now().Add(-about.age).UTC().Format(time.RFC3339)
	a["source"] = map[string]string{"id": cmp.Or(about.source, name)}
	if about.source != "" {
		a["kind"], a["language"], a["topics"], a["external_id"] = about.kind, about.language, about.topics, "urn:story:1"
	}
	if err := json.Unmarshal([]byte("{"+fields+"}"), &a); err != nil {
		w.Fatal(err)
	}
	b, err := json.Marshal(a)
	if err != nil {
		w.Fatal(err)
	}
	return string(b)
}

// publish stores articles and returns their ids.
func (w *policyWorld) publish(lines ...string) (ids []string) {
	w.Helper()
	got := post(w, w.House, w.Publisher, strings.Join(lines, "\n"), ndjson)
	for _, r := range got.Results {
		if r.Problem != nil {
			w.Fatalf("%s: %+v", lines[r.Index], r.Problem)
		}
		ids = append(ids, r.ID)
	}
	return ids
}

func (w *policyWorld) withdraw(ids ...string) {
	for _, id := range ids {
		w.Must(204, "DELETE", "/articles/"+id, w.Publisher, "")
	}
}

// cards walks from an address to the end and returns the articles of all cards.
func (w *policyWorld) cards(path string, token account.Secret) (ids []string) {
	w.Helper()
	for pages := 0; path != ""; pages++ {
		if pages > 20 {
			w.Fatal("the walk does not end")
		}
		r := w.Must(200, "GET", path, token, "")
		var p Page
		r.JSON(w, &p)
		for _, card := range p.Items {
			ids = append(ids, card.Article.ID)
		}
		path = linkTo(r.Header.Get("Link"))
	}
	return ids
}

func (w *policyWorld) story(token account.Secret, query string) (ids []string) {
	var got struct {
		Story    string
		Articles []struct{ ID, Story string }
	}
	w.Must(200, "GET", "/stories/"+w.x+"?"+query, token, "").JSON(w, &got)
	for _, a := range got.Articles {
		if a.Story != w.x {
			w.Errorf("article %s of story %s says that it is of %s", a.ID, w.x, a.Story)
		}
		ids = append(ids, a.ID)
	}
	return ids
}

// documents reads fan's feed by a link, as another app does.
func (w *policyWorld) documents(path, query, ending string) []string {
	w.Helper()
	var link struct{ Token string }
	w.Must(201, "POST", "/feed/tokens", w.fan, "").JSON(w, &link)
	return w.document(path+ending+"?token="+link.Token+"&"+query, "")
}

// document returns the articles whose addresses stand in a document.
func (w *policyWorld) document(path string, token account.Secret) (ids []string) {
	w.Helper()
	body := w.Must(200, "GET", path, token, "").Body
	for _, address := range regexp.MustCompile(`https://news\.example/\w+`).FindAllString(string(body), -1) {
		canonical, err := feed.CanonicalURL(address)
		if err != nil {
			w.Fatal(err)
		}
		ids = append(ids, feed.NewArticleID(canonical).String())
	}
	return ids
}

type receipt struct {
	Shown    bool
	Position int
	Why      *struct {
		Score float64
		Terms []struct {
			Name  string
			Value float64
		}
	}
	Because struct{ Rule, Topic, Story, Detail string }
}

func (w *policyWorld) why(id, query string) (r receipt) {
	w.Helper()
	w.Must(200, "GET", fmt.Sprintf("/feed/why/%s?must_know=0&%s", id, query), w.fan, "").JSON(w, &r)
	return r
}

// trending publishes much else of last week, beside which the story's topic grows,
// and returns what the answer counts of the story.
func (w *policyWorld) trending(token account.Secret) []string {
	var lines []string
	for i := range 40 {
		lines = append(lines, fmt.Sprintf(`{"url":"https://news.example/granite/%d","title":"Granite %d","source":{"id":"quarry-%d"},"topics":["Granite"],"published_at":%q}`,
			i, i, i, w.Clock.Now().Add(-5*24*time.Hour).UTC().Format(time.RFC3339)))
	}
	w.publish(lines...)
	return w.counted("/topics/trending", token, "north-korea", 1)
}

// counted returns as many articles of the story as an answer counts on a topic
// beyond those of other stories: x is the last that it misses.
func (w *policyWorld) counted(path string, token account.Secret, id string, others int) []string {
	var got struct {
		Topics []struct {
			ID       string
			Articles int
		}
	}
	w.Must(200, "GET", path, token, "").JSON(w, &got)
	for _, t := range got.Topics {
		if t.ID != id {
			continue
		}
		switch n := t.Articles - others; {
		case n > len(w.rest):
			return []string{w.x}
		case n > 0:
			return w.rest[:1]
		}
	}
	return nil
}
