package reader

import (
	"cmp"
	"context"
	"slices"

	"github.com/gofiber/fiber/v2"

	"newsfeed/interests/topic"
)

// pickPage is where a first visit begins: topics that much is written of now, by
// what they are.
type pickPage struct {
	layout
	Groups []pickGroup
	Chosen int // topics that the visitor follows
}

type pickGroup struct {
	Name   string
	Topics []topicView
}

// pickGroups are the groups in their order, and how many topics each has at most.
var pickGroups = []struct {
	name  string
	most  int
	kinds []topic.Kind
}{
	{"group-subjects", 24, []topic.Kind{topic.KindSubject}},
	{"group-places", 24, []topic.Kind{topic.KindCountry, topic.KindRegion, topic.KindCity}},
	{"group-sport", 12, []topic.Kind{topic.KindSport, topic.KindTeam}},
	{"group-people-and-organisations", 12, []topic.Kind{topic.KindPerson, topic.KindOrganisation, topic.KindCompany}},
}

// maxLooked is how many topics of the catalogue are looked through.
const maxLooked = 4000

// pick answers GET /pick.
func (r *Reader) pick(c *fiber.Ctx) error {
	ctx, cancel := context.WithTimeout(c.UserContext(), storeTimeout)
	defer cancel()
	v, err := r.visitor(ctx, c)
	if err != nil {
		return err
	}
	p := &pickPage{layout: r.layout(c, &v, text("choose-your-topics"))}
	p.Chosen, _ = v.list.Count()
	all := r.topicViews(&v, r.deps.Catalogue.Search("", maxLooked))
	// The catalogue's own order goes on among topics of which as much is written.
	slices.SortStableFunc(all, func(a, b topicView) int { return cmp.Compare(b.Articles, a.Articles) })
	for _, g := range pickGroups {
		group := pickGroup{Name: text(g.name)}
		for _, t := range all {
			if len(group.Topics) < g.most && slices.Contains(g.kinds, topic.Kind(t.Kind)) {
				group.Topics = append(group.Topics, t)
			}
		}
		if len(group.Topics) > 0 {
			p.Groups = append(p.Groups, group)
		}
	}
	return r.render(c, fiber.StatusOK, "pick", p)
}
