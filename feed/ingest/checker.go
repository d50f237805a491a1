package ingest

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/language"

	"newsfeed/feed"
	"newsfeed/interests/topic"
)

// The limits of an article. Characters are counted after cleaning.
const (
	maxTitle      = 512       // characters
	maxSummary    = 4000      // characters
	maxByline     = 512       // characters
	maxName       = 128       // characters, of a source or a topic
	maxAlt        = 1000      // characters, of an image
	maxBody       = 256 << 10 // bytes, as sent
	maxText       = 64 << 10  // bytes, as sent, of a text that is to become plain
	maxLabels     = 50        // topics of the publisher's
	maxExternalID = 512       // bytes
	maxSourceID   = 64        // bytes
	maxLanguage   = 35        // bytes, RFC 5646 §4.4.1
)

// checker collects what is wrong with one article.
type checker struct {
	// lenient leaves out a bad image, language, topic or external id instead
	// of refusing the article: for formats whose makers do not know our limits.
	lenient bool
	// page is the address that relative ones in the body are relative to; "": they
	// go.
	page string
	// plain says that texts were made plain before: doing so again could take what
	// meant letters for markup.
	plain bool
	// places names the fields of another format that ours were taken from.
	places map[string]string
	fields []Field
}

func (c *checker) bad(location, format string, args ...any) {
	if place, ok := c.places[location]; ok {
		location = place
	}
	c.fields = append(c.fields, Field{location, fmt.Sprintf(format, args...)})
}

// forgiven forgets, when lenient, what was found since there were n bad
// fields, and reports whether that was anything.
func (c *checker) forgiven(n int) bool {
	if !c.lenient || len(c.fields) == n {
		return false
	}
	c.fields = c.fields[:n]
	return true
}

func (c *checker) canonical(s string) string {
	if s == "" {
		c.bad("/url", "is required")
		return ""
	}
	address, err := feed.CanonicalURL(s)
	if err != nil {
		c.bad("/url", "%s", err)
	}
	return address
}

func (c *checker) title(s string) string {
	title := c.text("/title", s, maxTitle)
	switch {
	case s == "":
		c.bad("/title", "is required")
	case len(s) <= maxText && isEmpty(title):
		c.bad("/title", "has no text")
	}
	return title
}

// text cleans plain text of at most n characters.
func (c *checker) text(location, s string, n int) string {
	if len(s) > maxText {
		c.bad(location, "is longer than %d characters", n)
		return ""
	}
	plain := s
	if !c.plain {
		plain = Plain(s)
	}
	if utf8.RuneCountInString(plain) > n {
		c.bad(location, "is longer than %d characters", n)
	}
	return plain
}

func (c *checker) body(s string) string {
	if len(s) > maxBody {
		c.bad("/body_html", "is longer than %d KiB", maxBody>>10)
		return ""
	}
	base, err := url.Parse(c.page)
	if err != nil {
		base = nil
	}
	return Body(s, base)
}

func (c *checker) externalID(s string) string {
	before := len(c.fields)
	if len(s) > maxExternalID {
		c.bad("/external_id", "is longer than %d bytes", maxExternalID)
	}
	if strings.ContainsFunc(s, func(r rune) bool { return visible(r) != r }) {
		c.bad("/external_id", "has characters that cannot be seen")
	}
	if c.forgiven(before) {
		return ""
	}
	return s
}

// source names where the article comes from; what is not said is taken from
// the host of its address.
func (c *checker) source(in sourceInput, address string) feed.Source {
	name := c.text("/source/name", in.Name, maxName)
	id := topic.MakeID(in.ID)
	switch {
	case len(in.ID) > maxSourceID:
		c.bad("/source/id", "is longer than %d bytes", maxSourceID)
	case in.ID != "" && id == "":
		c.bad("/source/id", "must have a letter or a digit")
	case in.ID == "" && topic.MakeID(name) != "":
		id = topic.MakeID(name)
	case in.ID == "":
		host := hostOf(address)
		id, name = topic.MakeID(host), host
	}
	if id == "" && in.ID == "" && address != "" {
		c.bad("/source", "is required where the host has no letter or digit")
	}
	if isEmpty(name) {
		name = string(id)
	}
	return feed.Source{ID: string(id), Name: name, URL: c.webAddress("/source/url", in.URL)}
}

func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return strings.ToLower(u.Hostname())
}

func (c *checker) image(in *imageInput) *feed.Image {
	if in == nil {
		return nil
	}
	before := len(c.fields)
	image := feed.Image{Alt: c.text("/image/alt", in.Alt, maxAlt), Width: in.Width, Height: in.Height}
	if image.URL = c.webAddress("/image/url", in.URL); in.URL == "" {
		c.bad("/image/url", "is required")
	}
	if in.Width < 0 {
		c.bad("/image/width", "must not be negative")
	}
	if in.Height < 0 {
		c.bad("/image/height", "must not be negative")
	}
	if c.forgiven(before) {
		return nil
	}
	return &image
}

// webAddress checks an address that readers' programs will load; "" is none.
func (c *checker) webAddress(location, s string) string {
	if s == "" {
		return ""
	}
	address, err := webAddress(s)
	if err != nil {
		c.bad(location, "%s", err)
	}
	return address
}

func webAddress(s string) (string, error) {
	u, err := url.Parse(s)
	switch {
	case err != nil || strings.Contains(s, `\`):
		return "", errors.New("is no address that can be read")
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return "", errors.New("must begin with https:// or http:// and a host")
	case u.User != nil:
		return "", errors.New("must not name a user")
	case len(s) > feed.MaxURL || len(u.String()) > feed.MaxURL:
		return "", fmt.Errorf("is longer than %d bytes", feed.MaxURL)
	}
	return u.String(), nil
}

// labels are the publisher's tags; at most 50.
func (c *checker) labels(in []labelInput) []feed.Label {
	if len(in) > maxLabels {
		if !c.lenient {
			c.bad("/topics", "are more than %d", maxLabels)
			return nil
		}
		in = in[:maxLabels]
	}
	var labels []feed.Label
	for i, label := range in {
		before := len(c.fields)
		checked := c.label(fmt.Sprintf("/topics/%d", i), label)
		if !c.forgiven(before) {
			labels = append(labels, checked)
		}
	}
	return labels
}

func (c *checker) label(location string, in labelInput) feed.Label {
	given := in.Name
	if in.ID != "" {
		given = in.ID
	}
	before := len(c.fields)
	label := feed.Label{Name: c.text(location, given, maxName)}
	if len(c.fields) == before && isEmpty(label.Name) {
		c.bad(location, "is empty")
	}
	if in.Salience != nil {
		if label.Salience = *in.Salience; label.Salience <= 0 || label.Salience > 1 {
			c.bad(location+"/salience", "must be over 0 and at most 1")
		}
	}
	return label
}

// lowerTag is the canonical form of a language: lower case, "" when unknown.
func lowerTag(tag language.Tag) string {
	if tag == language.Und {
		return ""
	}
	return strings.ToLower(tag.String())
}
