package api

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"newsfeed/interests/topic"
)

// Limits of a topic that an editor writes.
const (
	maxTopicName = 128 // characters of a name or an alias
	maxAliases   = 100
	maxBroader   = 20
)

// sourcePrefix begins the ids of sources' topics.
var sourcePrefix = string(topic.SourceTopicID(""))

var topicKinds = []topic.Kind{
	topic.KindCountry, topic.KindRegion, topic.KindCity, topic.KindPerson, topic.KindOrganisation, topic.KindCompany,
	topic.KindSport, topic.KindTeam, topic.KindSubject, topic.KindTag, topic.KindSource,
}

// topicInput is a topic as an editor sends it. The id, when there, repeats the
// path's, so that exported lines can be sent as they are.
type topicInput struct {
	ID      string     `json:"id"`
	Name    string     `json:"name"`
	Kind    topic.Kind `json:"kind"`
	Aliases []string   `json:"aliases"`
	Broader []topic.ID `json:"broader"`
}

// checkTopic makes a topic of what an editor sent, or says all that is wrong.
func (s *Server) checkTopic(id topic.ID, in *topicInput) (topic.Topic, error) {
	var bad []field
	complain := func(location, format string, args ...any) {
		bad = append(bad, field{location, fmt.Sprintf(format, args...)})
	}
	t := topic.Topic{ID: id, Name: strings.TrimSpace(in.Name), Kind: in.Kind}
	if _, exists := s.Catalogue.Get(id); !exists && !isTopicID(id) {
		complain("id", "is no id of a topic, and none that a new one can have")
	}
	if in.ID != "" && in.ID != string(id) {
		complain("/id", "is not the id in the path")
	}
	if message := checkName(t.Name); message != "" {
		complain("/name", "%s", message)
	}
	switch isSource := strings.HasPrefix(string(id), sourcePrefix); {
	case !slices.Contains(topicKinds, in.Kind):
		complain("/kind", "must be %s", kindsInPlain)
	case isSource != (in.Kind == topic.KindSource):
		complain("/kind", "must be source for ids that begin with %s, and for no other", sourcePrefix)
	}
	if len(in.Aliases) > maxAliases {
		complain("/aliases", "are more than %d", maxAliases)
	} else {
		for i, alias := range in.Aliases {
			alias = strings.TrimSpace(alias)
			if message := checkName(alias); message != "" {
				complain(fmt.Sprintf("/aliases/%d", i), "%s", message)
			}
			t.Aliases = append(t.Aliases, alias)
		}
	}
	if len(in.Broader) > maxBroader {
		complain("/broader", "are more than %d", maxBroader)
	} else {
		for i, above := range in.Broader {
			if message := s.checkBroader(id, above); message != "" {
				complain(fmt.Sprintf("/broader/%d", i), "%s", message)
			}
			t.Broader = append(t.Broader, above)
		}
	}
	if len(bad) > 0 {
		return t, &refusal{err: errInvalid, fields: bad}
	}
	return t, s.nameIsFree(t)
}

// isTopicID reports whether a new topic may have an id.
func isTopicID(id topic.ID) bool {
	if source, ok := strings.CutPrefix(string(id), sourcePrefix); ok {
		return source != "" && string(topic.MakeID(source)) == source
	}
	return id != "" && topic.MakeID(string(id)) == id && !topic.Reserved(id)
}

// checkName says what is wrong with a name or an alias, "" when nothing is.
func checkName(name string) string {
	switch {
	case topic.MakeID(name) == "":
		return "must have a letter or a digit"
	case utf8.RuneCountInString(name) > maxTopicName:
		return fmt.Sprintf("is longer than %d characters", maxTopicName)
	case strings.ContainsFunc(name, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }):
		return "has characters that cannot be seen"
	}
	return ""
}

func (s *Server) checkBroader(id, above topic.ID) string {
	_, exists := s.Catalogue.Get(above)
	_, below := s.Catalogue.Ancestors(above)[id]
	switch {
	case !exists:
		return s.unknown(string(above))
	case above == id:
		return "is the topic itself"
	case below:
		return "stands below this topic"
	}
	return ""
}

// nameIsFree looks for the name among the topics that the program comes with,
// which the store's unique index does not see.
func (s *Server) nameIsFree(t topic.Topic) error {
	other, ok := s.Catalogue.Resolve(t.Name)
	if ok && other.ID != t.ID && topic.NormaliseName(other.Name) == topic.NormaliseName(t.Name) {
		return because(topic.ErrTaken, fmt.Sprintf("the topic %s has this name", other.ID))
	}
	return nil
}
