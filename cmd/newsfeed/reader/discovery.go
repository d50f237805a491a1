package reader

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"net/url"
	"slices"
	"time"

	"github.com/gofiber/fiber/v2"

	"newsfeed/interests/topic"
)

// What a page tells those who are no readers: a site that shows a link to it, a
// newsreader, a search engine. All addresses begin with the one of the settings,
// never with what a request calls us.

// share is how a page is shown elsewhere (https://ogp.me), and where its cards are to
// be had in other formats.
type share struct {
	Type        string // "article" or "website"
	Title       string
	Description string
	URL         string
	Image       string // "": none
	Published   time.Time
	Formats     string // where its cards are in other formats, without the ending; "": nowhere
}

// shareTopic is how a topic's page is shown elsewhere.
func (r *Reader) shareTopic(t topic.Topic) *share {
	return &share{Type: "website", Title: t.Name, Description: text("topic-description", "name", t.Name),
		URL: r.deps.URL + topicPath(t.ID), Formats: r.deps.URL + "/topics/" + url.PathEscape(string(t.ID))}
}

// shareArticle is how an article's page is shown elsewhere.
func (r *Reader) shareArticle(card *cardView) *share {
	s := &share{Type: "article", Title: card.Title, Description: cmp.Or(card.Summary, card.Source.Name),
		URL: r.deps.URL + "/a/" + card.ID, Published: card.Published}
	if card.Image != nil {
		s.Image = card.Image.URL
	}
	return s
}

// sitemapTopics is how many addresses a sitemap may have (https://www.sitemaps.org).
const sitemapTopics = 50_000

// robots answers GET /robots.txt: topics and the front page may be found, what is a
// person's own is nobody else's business, and what is for programs is no page.
func (r *Reader) robots(c *fiber.Ctx) error {
	return r.known(c, "text/plain; charset=utf-8", []byte("User-agent: *\n"+
		"Disallow: /my/\nDisallow: /embed/\nDisallow: /admin/\nDisallow: /search\nDisallow: /sign-in\nDisallow: /sign-up\n"+
		"Disallow: /feed\nDisallow: /topics/\nDisallow: /articles/\nDisallow: /stories/\n"+
		"\nSitemap: "+r.deps.URL+"/sitemap.xml\n"))
}

// sitemap answers GET /sitemap.xml: the pages of the topics that there are articles on,
// by id; of too many those with the most.
func (r *Reader) sitemap(c *fiber.Ctx) error {
	if err := r.ready(); err != nil {
		return err
	}
	type page struct {
		id       topic.ID
		articles int
	}
	var pages []page
	for _, id := range r.deps.Catalogue.IDs() {
		if n := r.deps.Index.Count(id); n > 0 {
			pages = append(pages, page{id, n})
		}
	}
	if len(pages) > sitemapTopics {
		slices.SortFunc(pages, func(a, b page) int { return cmp.Or(b.articles-a.articles, cmp.Compare(a.id, b.id)) })
		pages = pages[:sitemapTopics]
	}
	slices.SortFunc(pages, func(a, b page) int { return cmp.Compare(a.id, b.id) })
	type address struct {
		URL string `xml:"loc"`
	}
	document := struct {
		XMLName   xml.Name  `xml:"http://www.sitemaps.org/schemas/sitemap/0.9 urlset"`
		Addresses []address `xml:"url"`
	}{Addresses: []address{{r.deps.URL + "/"}}}
	for _, p := range pages {
		document.Addresses = append(document.Addresses, address{r.deps.URL + topicPath(p.id)})
	}
	out := bytes.NewBufferString(xml.Header)
	if err := xml.NewEncoder(out).Encode(document); err != nil {
		return err
	}
	return r.known(c, "application/xml; charset=utf-8", out.Bytes())
}

// known answers with what is asked for again each time, and sent when it has changed.
func (r *Reader) known(c *fiber.Ctx, contentType string, body []byte) error {
	sum := sha256.Sum256(body)
	tag := `"` + hex.EncodeToString(sum[:8]) + `"`
	c.Response().Header.Del(fiber.HeaderVary) // the same to everybody
	c.Set(fiber.HeaderCacheControl, "no-cache")
	c.Set(fiber.HeaderETag, tag)
	if c.Get(fiber.HeaderIfNoneMatch) == tag {
		return c.SendStatus(fiber.StatusNotModified)
	}
	c.Set(fiber.HeaderContentType, contentType)
	return c.Send(body)
}
