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

// complaints are the bad fields found so far.
type complaints []field

// add notes what is wrong with a place; "" is nothing.
func (bad *complaints) add(location, message string) {
	if message != "" {
		*bad = append(*bad, field{location, message})
	}
}

// error is nil when nothing was wrong.
func (bad complaints) error() error {
	if len(bad) == 0 {
		return nil
	}
	return &refusal{err: errInvalid, fields: bad}
}

// checkTopic makes a topic of what an editor sent, or says all that is wrong.
func (s *Server) checkTopic(id topic.ID, in *topicInput) (topic.Topic, error) {
	t := topic.Topic{ID: id, Name: strings.TrimSpace(in.Name), Kind: in.Kind}
	var bad complaints
	bad.add("id", s.checkID(id))
	if in.ID != "" && in.ID != string(id) {
		bad.add("/id", "is not the id in the path")
	}
	bad.add("/name", checkName(t.Name))
	bad.add("/kind", checkKind(id, in.Kind))
	if len(in.Aliases) > maxAliases {
		bad.add("/aliases", fmt.Sprintf("are more than %d", maxAliases))
		in.Aliases = nil
	}
	for i, alias := range in.Aliases {
		t.Aliases = append(t.Aliases, strings.TrimSpace(alias))
		bad.add(fmt.Sprintf("/aliases/%d", i), checkName(t.Aliases[i]))
	}
	if len(in.Broader) > maxBroader {
		bad.add("/broader", fmt.Sprintf("are more than %d", maxBroader))
		in.Broader = nil
	}
	for i, above := range in.Broader {
		t.Broader = append(t.Broader, above)
		bad.add(fmt.Sprintf("/broader/%d", i), s.checkBroader(id, above))
	}
	if err := bad.error(); err != nil {
		return t, err
	}
	return t, s.nameIsFree(t)
}

func (s *Server) checkID(id topic.ID) string {
	if _, exists := s.Catalogue.Get(id); exists || isTopicID(id) {
		return ""
	}
	return "is no id of a topic, and none that a new one can have"
}

func checkKind(id topic.ID, kind topic.Kind) string {
	switch isSource := strings.HasPrefix(string(id), sourcePrefix); {
	case !slices.Contains(topicKinds, kind):
		return "must be " + kindsInPlain
	case isSource != (kind == topic.KindSource):
		return fmt.Sprintf("must be source for ids that begin with %s, and for no other", sourcePrefix)
	}
	return ""
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

// nameIsFree looks for the name among the topics, to say whose it is; who was
// quicker, the store's unique index says.
func (s *Server) nameIsFree(t topic.Topic) error {
	other, ok := s.Catalogue.Resolve(t.Name)
	if ok && other.ID != t.ID && topic.NormaliseName(other.Name) == topic.NormaliseName(t.Name) {
		return because(topic.ErrTaken, fmt.Sprintf("the topic %s has this name", other.ID))
	}
	return nil
}
