package reader

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"newsfeed/cmd/newsfeed/hostile"
	"newsfeed/feed"
	"newsfeed/feed/ingest"
	"newsfeed/interests/topic"
)

// A world of articles that are made of payloads: past the cleaning of what comes in,
// which would take most of them away. Bodies alone are cleaned, as the reader shows
// them as markup.
type hostileSite struct {
	*site
	payloads []string
	articles []feed.Article
}

// newHostileSite publishes a card for every so many payloads: with a step of 1 each
// of them is once in each place, with one of slots each is once in one of them.
func newHostileSite(t testing.TB, step int, change ...func(*Deps)) *hostileSite {
	s := &hostileSite{site: newSite(t, change...), payloads: hostile.Payloads(t)}
	at := func(i int) string { return s.payloads[i%len(s.payloads)] }
	for i := 0; i < len(s.payloads); i += step {
		a := feed.Article{
			Title: at(i), Summary: at(i + 1), Byline: at(i + 2), Language: at(i + 3), URL: fmt.Sprintf("https://paper.example/%d?%s", i, url.QueryEscape(at(i))),
			Source: feed.Source{ID: fmt.Sprintf("hostile-%d", i), Name: at(i + 4)}, Published: s.clock.Add(-time.Duration(i) * time.Minute),
			Image: &feed.Image{URL: "https://127.0.0.1:1/" + at(i+5), Alt: at(i + 5)},
		}
		for n := range maxTopics {
			id := topic.ID(fmt.Sprintf("hostile-%d-%d", i, n))
			s.catalogue.Put(topic.Topic{ID: id, Name: at(i + 6 + n), Kind: topic.KindTag, Aliases: []string{at(i + 6 + n)}})
			a.Tags = append(a.Tags, feed.Tag{Topic: id, Name: at(i + 6 + n), Salience: 0.9})
		}
		if i == 0 {
			a.BodyHTML = s.allBodies()
		}
		s.unstored = i > 0
		s.articles = append(s.articles, s.publish(a))
	}
	return s
}

// slots is how many payloads a card has.
const slots = 6 + maxTopics

func (s *hostileSite) allBodies() string {
	var b strings.Builder
	for _, p := range s.payloads {
		b.WriteString("<div>" + ingest.Body(p, nil) + "</div>\n")
	}
	return b.String()
}

// paths are the pages that show the articles, their names and what was asked.
func (s *hostileSite) paths(person *browser) []string {
	first := s.articles[0]
	paths := []string{"/a/" + first.ID.String(), "/s/" + first.ID.String(), "/my/interests", "/my/saved", "/pick", "/my/account"}
	for _, p := range s.payloads[:12] {
		paths = append(paths, "/search?q="+url.QueryEscape(p), "/t/"+url.PathEscape(p), "/?note="+url.QueryEscape(p)+"&of="+url.QueryEscape(p),
			"/sign-in?back="+url.QueryEscape(p))
	}
	for n := range 12 {
		a := s.articles[n%len(s.articles)]
		person.press(string(a.Tags[n%maxTopics].Topic), []string{"follow", "favourite", "mute"}[n%3], "/")
		person.send("/my/marks", "save", a.ID.String())
		paths = append(paths, "/t/"+string(a.Tags[0].Topic))
	}
	return append(paths, "/t/"+string(first.Tags[1].Topic)+"?note=none&of=x")
}

var handler = regexp.MustCompile(`^on[a-z]`)

// strange returns the elements and attributes of a page that ours does not have.
func strange(page string) (found []string) {
	doc, err := html.Parse(strings.NewReader(page))
	if err != nil {
		return []string{err.Error()}
	}
	for n := range doc.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		src := ""
		for _, a := range n.Attr {
			value := strings.ToLower(strings.TrimSpace(a.Val))
			if handler.MatchString(a.Key) || a.Key == "style" || a.Key == "srcdoc" ||
				(a.Key == "href" || a.Key == "src" || a.Key == "action" || a.Key == "formaction") && !slices.ContainsFunc([]string{"/", "#", "?", "http://", "https://"}, func(p string) bool { return strings.HasPrefix(value, p) }) {
				found = append(found, n.Data+" "+a.Key+"="+a.Val)
			}
			if a.Key == "src" {
				src = a.Val
			}
		}
		if n.Data == "script" && src != script.path || slices.Contains([]string{"iframe", "object", "embed", "base", "style", "math", "template", "video", "audio"}, n.Data) {
			found = append(found, "<"+n.Data+">")
		}
	}
	return found
}

// titlesOf returns the text of the cards' titles, as a parser reads it.
func titlesOf(page string) (titles []string) {
	doc, _ := html.Parse(strings.NewReader(page))
	for n := range doc.Descendants() {
		if n.Data == "h2" && n.Parent.Data == "article" {
			text := ""
			for d := range n.Descendants() {
				if d.Type == html.TextNode {
					text += d.Data
				}
			}
			titles = append(titles, text)
		}
	}
	return titles
}

// Every payload in every place of a card stays text, and titles are shown unchanged;
// so do names and bodies on all other pages.
func TestPayloadsStayText(t *testing.T) {
	s := newHostileSite(t, 1)
	person := &browser{site: s.site}
	nobody := &browser{site: s.site}
	var got []string
	for path := "/"; path != ""; {
		page := nobody.get(path).want(t, 200)
		if found := strange(page.body); len(found) > 0 {
			t.Fatalf("%s has %q", path, found)
		}
		got = append(got, titlesOf(page.body)...)
		path = ""
		if m := regexp.MustCompile(`<a href="([^"]*)" rel="next"`).FindStringSubmatch(page.body); m != nil {
			path = html.UnescapeString(m[1])
		}
	}
	want := slices.Clone(s.payloads)
	for i := range want {
		want[i] = strings.ReplaceAll(want[i], "\x00", "\uFFFD")
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("%d titles of %d are shown unchanged", len(got), len(want))
	}
	for _, path := range s.paths(person) {
		if found := strange(person.get(path).body); len(found) > 0 {
			t.Errorf("%s has %q", path, found)
		}
	}
	t.Logf("%d payloads", len(s.payloads))
}
