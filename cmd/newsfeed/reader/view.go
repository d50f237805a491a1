package reader

import (
	"cmp"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"newsfeed/interests"
	"newsfeed/interests/account"
	"newsfeed/interests/topic"
)

// layout is what every page has around its own.
type layout struct {
	Title string
	Note  note
	Query string // in the search box
	Rail  rail
	News  []topicView // topics of the cards shown that the visitor does not follow
	AsOf  time.Time   // of the feed shown; zero when none is
	Back  string      // where a form of this page leads back to
	Share *share      // how it is shown elsewhere; nil: not at all
	Enter *entrance   // nil: on a page that does not know who looks at it
	Tab   string      // which of the feed's tabs is shown: all, unread, saved

	// Account is whose page this is, for the page's script; empty: nobody's.
	// Revision is that of their list.
	Account  string
	Revision interests.Revision
}

// entrance is the corner in which a page says who is signed in, or where to.
type entrance struct {
	Member bool
	Email  account.Email // on one's own pages only
	Guest  bool          // with topics to keep
	SignUp bool          // anyone may
	Back   string        // for the links: where to be led afterwards
}

// rail is the visitor's own list, in short.
type rail struct {
	Interests []topicView // favourites first; no mutes
	More      int         // that are not shown
	Muted     int
}

// headerAccount tells the worker whose a page is.
const headerAccount = "X-Account"

// topicView is a topic as a page shows it, with the visitor's level for it.
type topicView struct {
	ID       topic.ID
	Name     string
	Kind     string
	Level    string // "follow", "favourite", "mute" or ""
	Articles int    // in the index
}

// Path is the topic's page.
func (t topicView) Path() string { return topicPath(t.ID) }

// Followed reports whether the topic brings articles to the feed.
func (t topicView) Followed() bool { return t.Level == "follow" || t.Level == "favourite" }

// Muted reports whether the topic keeps articles out of the feed.
func (t topicView) Muted() bool { return t.Level == "mute" }

func topicPath(id topic.ID) string { return "/t/" + url.PathEscape(string(id)) }

// press is a button: a form that sets one topic to one level.
type press struct {
	Topic topicView
	Level string // what it sets, and the button's name
	Back  string
	Style string // a class
	Icon  string // of the sprite
	Text  string // on the button
	Label string // read out instead of Text, when that needs the topic's name
}

func newPress(t topicView, level, back, style, icon, text, label string) press {
	return press{t, level, back, style, icon, text, label}
}

// Limits of what stands beside the feed.
const (
	maxRail = 14
	maxNews = 8
)

// topicView describes a topic to a visitor.
func (r *Reader) topicView(v *visitor, t topic.Topic) topicView {
	return topicView{t.ID, t.Name, string(t.Kind), levelName(v.list.Level(t.ID)), r.deps.Index.Count(t.ID)}
}

func (r *Reader) topicViews(v *visitor, topics []topic.Topic) []topicView {
	views := make([]topicView, len(topics))
	for i, t := range topics {
		views[i] = r.topicView(v, t)
	}
	return views
}

func levelName(l interests.Level) string {
	if l == 0 {
		return ""
	}
	return l.String()
}

// named returns the topic of an id; one that the catalogue does not know (a
// list may hold such) is called by its id.
func (r *Reader) named(id topic.ID) topic.Topic {
	if t, ok := r.deps.Catalogue.Get(id); ok {
		return t
	}
	return topic.Topic{ID: id, Name: string(id)}
}

// layout makes what stands around a page, for a visitor, and says whether it may
// be kept.
func (r *Reader) layout(c *fiber.Ctx, v *visitor, title string) layout {
	if !v.known && !v.expired && !v.merged {
		c.Set(fiber.HeaderCacheControl, keepPublic)
	}
	l := layout{Title: title, Note: r.noteOf(c, v), Back: backOf(c)}
	if v.known {
		l.Account, l.Revision = v.session.Account.String(), v.list.Revision
		c.Set(headerAccount, l.Account)
	}
	l.Enter = &entrance{Member: v.member(), Guest: v.guest(), SignUp: r.deps.SignUp, Back: url.QueryEscape(l.Back)}
	for _, i := range r.listed(v) {
		switch {
		case i.Muted():
			l.Rail.Muted++
		case len(l.Rail.Interests) < maxRail:
			l.Rail.Interests = append(l.Rail.Interests, i)
		default:
			l.Rail.More++
		}
	}
	return l
}

// listed returns a visitor's list: favourites first, mutes last, each by name.
func (r *Reader) listed(v *visitor) []topicView {
	var views []topicView
	for _, i := range v.list.Interests() {
		views = append(views, r.topicView(v, r.named(i.Topic)))
	}
	rank := map[string]int{"favourite": 0, "follow": 1, "mute": 2}
	slices.SortFunc(views, func(a, b topicView) int {
		return cmp.Or(cmp.Compare(rank[a.Level], rank[b.Level]),
			cmp.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)), cmp.Compare(a.ID, b.ID))
	})
	return views
}

// news returns the topics that most of the cards have and the visitor has no
// level for: what is in the news and not yet in their list.
func (r *Reader) news(v *visitor, cards []cardView, but topic.ID) []topicView {
	count := map[topic.ID]int{}
	var ids []topic.ID
	for i := range cards {
		for _, t := range cards[i].Topics {
			if t.Level != "" || t.ID == but {
				continue
			}
			if count[t.ID]++; count[t.ID] == 1 {
				ids = append(ids, t.ID)
			}
		}
	}
	slices.SortStableFunc(ids, func(a, b topic.ID) int { return cmp.Compare(count[b], count[a]) })
	var views []topicView
	for _, id := range ids[:min(len(ids), maxNews)] {
		views = append(views, r.topicView(v, r.named(id)))
	}
	return views
}
