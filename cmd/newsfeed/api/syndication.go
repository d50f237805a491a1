package api

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/gofiber/fiber/v2"

	"newsfeed/cmd/newsfeed/syndication"
	"newsfeed/feed"
	"newsfeed/interests/account"
	"newsfeed/interests/topic"
)

// documentCards is how many cards a document for other apps has, if nothing is said.
const documentCards = 50

// documentPolicy is for a document that is opened in a browser: nothing in it may
// load or run.
const documentPolicy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox"

// getFeedAs answers with the caller's feed for other apps.
func getFeedAs(f syndication.Format) handler {
	return func(s *Server, c *fiber.Ctx, who *caller) error {
		q, err := s.documentQuery(c, limited|filtered)
		if err != nil {
			return err
		}
		if err := s.see(c, who, &q); err != nil {
			return err
		}
		id := who.session.Account.String()
		if who.session.Use == account.UseFeed {
			id = who.session.ID.String()
			s.followed(who)
		}
		d := syndication.Document{
			ID: "urn:uuid:" + id, Title: "Newsfeed: my feed", Home: s.Settings.URL + "/",
			Description: "The best of what is published on the topics that I follow.",
		}
		return s.document(c, who, &q, "", f, &d)
	}
}

// getTopicAs answers with a topic's page for other apps.
func getTopicAs(f syndication.Format) handler {
	return func(s *Server, c *fiber.Ctx, who *caller) error {
		t, err := s.topicOf(c, "id")
		if err != nil {
			return err
		}
		q, err := s.documentQuery(c, limited)
		if err != nil {
			return err
		}
		if err := s.see(c, who, &q); err != nil {
			return err
		}
		q.Person = q.Person.Following(t.ID)
		self := s.topicAddress(t.ID) + "." + string(f)
		d := syndication.Document{
			ID: self, Self: self, Title: t.Name + " · Newsfeed", Home: s.Settings.URL + "/t/" + string(t.ID),
			Description: "What is published on " + t.Name + ", from all sources.",
		}
		return s.document(c, who, &q, t.ID, f, &d)
	}
}

// documentQuery reads what is asked of a feed for other apps.
func (s *Server) documentQuery(c *fiber.Ctx, known parameters) (feed.Query, error) {
	q, err := s.question(c, known)
	if !c.Context().QueryArgs().Has("limit") {
		q.Limit = documentCards
	}
	q.MustKnow, q.Why = 0, false
	return q, err
}

// document answers with the first page of a query, by date, or 304 without making it.
func (s *Server) document(c *fiber.Ctx, who *caller, q *feed.Query, of topic.ID, f syndication.Format, d *syndication.Document) error {
	cache(c, who, pageKeeps)
	q.Version = s.Builder.Version(q, who.session.Account, of)
	if fresh(c, weak(q.Version.Sum^versionOf(f))) {
		return nil
	}
	body, _ := s.Builder.Page(nil, *q)
	if err := readCards(body, d); err != nil {
		return err
	}
	out, err := d.Write(f)
	if err != nil {
		return fmt.Errorf("write a document as %s: %w", f, err)
	}
	c.Response().SetStatusCode(fiber.StatusOK)
	h := &c.Response().Header
	h.Set(fiber.HeaderContentSecurityPolicy, documentPolicy)
	h.Set(fiber.HeaderXContentTypeOptions, "nosniff")
	h.SetContentType(f.MediaType())
	c.Response().SetBodyRaw(out)
	return nil
}

// versionOf tells the formats apart in an entity tag. It changes when what is
// written of a card does.
func versionOf(f syndication.Format) uint64 {
	const layout = 1
	var sum uint64 = layout
	for _, x := range []byte(f) {
		sum = sum*0x100000001b3 ^ uint64(x)
	}
	return sum * 0x9e3779b97f4a7c15
}

// readCards reads the cards of a page into a document, by date.
func readCards(page []byte, d *syndication.Document) error {
	var p struct {
		AsOf struct {
			Time time.Time `json:"time"`
		} `json:"as_of"`
		Items []struct {
			Story   string `json:"story"`
			Article struct {
				URL       string              `json:"url"`
				Title     string              `json:"title"`
				Summary   string              `json:"summary"`
				Language  string              `json:"language"`
				Byline    string              `json:"byline"`
				Source    feed.Source         `json:"source"`
				Image     *feed.Image         `json:"image"`
				Published time.Time           `json:"published_at"`
				Topics    []syndication.Topic `json:"topics"`
			} `json:"article"`
		} `json:"items"`
	}
	if err := json.Unmarshal(page, &p); err != nil {
		return fmt.Errorf("read the builder's page: %w", err)
	}
	d.Updated = p.AsOf.Time
	for i := range p.Items {
		a := &p.Items[i].Article
		item := syndication.Item{Story: p.Items[i].Story, URL: a.URL, Title: a.Title, Summary: a.Summary, Byline: a.Byline,
			Source: a.Source.Name, Language: a.Language, Published: a.Published, Topics: a.Topics}
		if a.Image != nil {
			item.Image = a.Image.URL
		}
		d.Items = append(d.Items, item)
	}
	d.SortByDate()
	return nil
}
