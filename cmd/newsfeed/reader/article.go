package reader

import (
	"context"
	"html/template"
	"regexp"
	"slices"

	"github.com/gofiber/fiber/v2"

	"newsfeed/feed"
	"newsfeed/interests/topic"
)

// articlePage is one article by itself. Its publisher's address comes first, and
// is the one that search engines are told.
type articlePage struct {
	layout
	Card      cardView
	Story     string
	Body      template.HTML // sanitised when it came in; "": there is none, or none is shown
	Asked     *topicView    // the topic that the visitor is asked about
	Topics    []topicView
	Why       []whyLine // the receipt
	Absent    string    // why it is not in the feed; "": it is, or nobody looks
	Muted     []topicView
	Hidden    bool
	Updated   string
	Canonical string
}

// article answers GET /a/{article}, the same to everybody but for what stands
// around it, as GET /articles/{id} does.
func (r *Reader) article(c *fiber.Ctx) error {
	id, err := feed.ParseArticleID(pathParam(c, "article"))
	if err != nil {
		return errNoArticle
	}
	if err := r.ready(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.UserContext(), storeTimeout)
	defer cancel()
	v, err := r.visitor(ctx, c)
	if err != nil {
		return err
	}
	found, err := r.deps.Articles.Current(ctx, []feed.ArticleID{id})
	if err != nil {
		return err
	}
	e, ok := found[id]
	switch {
	case !ok:
		return errNoArticle
	case e.Withdrawn:
		return errGone
	}
	one, err := r.record().Merged(ctx, e.Story)
	if err != nil {
		return err
	}
	p := r.articlePage(c, &v, &e, one[e.Story])
	if !r.deps.NoBodies {
		body, err := r.deps.Articles.Body(ctx, e.Edition)
		if err != nil {
			return err
		}
		p.Body = r.body(body)
	}
	return r.render(c, fiber.StatusOK, "article", p)
}

// articlePage makes the page of an article; one are the stories that its story is.
func (r *Reader) articlePage(c *fiber.Ctx, v *visitor, e *feed.Entry, one []feed.StoryID) *articlePage {
	e.Story = one[0]
	a, now := &e.Article, r.deps.Now()
	p := &articlePage{layout: r.layout(c, v, a.Title), Story: e.Story.String()}
	marks := v.marksOf(one)
	p.Card = r.entryCard(c, v, e, marks)
	p.Canonical = p.Card.Href
	p.Share = r.shareArticle(&p.Card)
	if !a.Updated.IsZero() && a.Updated.Sub(a.Published).Abs() >= updateWorthSaying {
		p.Updated = ago(a.Updated, now)
	}
	own := topic.SourceTopicID(a.Source.ID)
	for _, t := range a.Tags {
		view := r.topicView(v, r.named(t.Topic))
		if view.Muted() {
			p.Muted = append(p.Muted, view)
		}
		if t.Topic != own {
			p.Topics = append(p.Topics, view)
		}
	}
	if i := slices.IndexFunc(p.Topics, func(t topicView) bool { return t.Level == "" }); i >= 0 {
		p.Asked = &p.Topics[i]
	}
	if v.known {
		p.Hidden = marks.Hidden.Value
		p.Why, p.Absent = r.receipt(v, a.ID)
	}
	return p
}

// updateWorthSaying is how much later than its publication an article must have
// been updated for the page to say so.
const updateWorthSaying = 60e9 // a minute

// entryCard is the card of an article that the store, not the builder, told of.
func (r *Reader) entryCard(c *fiber.Ctx, v *visitor, e *feed.Entry, marks feed.StoryMarks) cardView {
	i := item{Story: e.Story.String()}
	a := &e.Article
	i.Article.ID, i.Article.URL, i.Article.Title, i.Article.Summary = a.ID.String(), a.URL, a.Title, a.Summary
	i.Article.Kind, i.Article.Language, i.Article.Byline = string(a.Kind), a.Language, a.Byline
	i.Article.Source, i.Article.Image, i.Article.Published = a.Source, a.Image, a.Published
	own := topic.SourceTopicID(a.Source.ID)
	for _, t := range a.Tags {
		if t.Topic != own {
			i.Article.Topics = append(i.Article.Topics, topicOfCard{t.Topic, t.Name})
		}
	}
	i.Mark.Read, i.Mark.Saved = marks.Read.Value, marks.Saved.Value
	return r.cardView(v, &i, r.deps.Now(), backOf(c))
}

// record reads what the index alone cannot tell.
func (r *Reader) record() *feed.Record {
	return &feed.Record{Index: r.deps.Index, Builder: r.deps.Builder, Articles: r.deps.Articles}
}

var (
	bodyImage = regexp.MustCompile(`<img [^>]*>`)
	imageFrom = regexp.MustCompile(` src="([^"]*)"`)
)

// body makes a sanitised body fit for a page: its pictures wait until they are
// looked at, tell nobody where they are shown, and are none where the operator
// shows none. It was sanitised when it came in, and every tag in it is written as
// the sanitiser writes it: attributes in double quotes, no ">" in them.
func (r *Reader) body(sanitised string) template.HTML {
	return template.HTML(bodyImage.ReplaceAllStringFunc(sanitised, func(tag string) string {
		m := imageFrom.FindStringSubmatch(tag)
		if r.deps.NoImages || m == nil || webAddress(m[1], "https") == "" || isSVG(m[1]) {
			return ""
		}
		return `<img loading="lazy" decoding="async" referrerpolicy="no-referrer" ` + tag[len("<img "):]
	}))
}
