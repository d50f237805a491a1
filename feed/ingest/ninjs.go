package ingest

import (
	"bytes"
	"cmp"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"newsfeed/feed"
	"newsfeed/interests/wire"
)

// isNinjs reports whether b is an object with a member "standard" (in 1.6
// "$standard"), which no article in our own shape has.
func isNinjs(b []byte) bool {
	if !bytes.Contains(b, []byte(`standard"`)) {
		return false
	}
	d := jsontext.NewDecoder(bytes.NewBuffer(b), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if d.PeekKind() != '{' {
		return false
	}
	d.ReadToken()
	for d.PeekKind() == '"' {
		name, err := d.ReadToken()
		if err != nil {
			return false
		}
		if s := name.String(); s == "standard" || s == "$standard" {
			return true
		}
		if d.SkipValue() != nil {
			return false
		}
	}
	return false
}

// ParseNinjs reads one ninjs document, also one that does not name its
// standard. The error is nil, [*wire.Malformed] or [*Invalid]. Fields that we
// do not use are passed over. An item under embargo is refused: nothing here
// would hold it back until then.
func ParseNinjs(b []byte) (feed.Draft, error) {
	var n ninjs
	if err := wire.DecodeOpen(b, &n); err != nil {
		return feed.Draft{}, err
	}
	c := &checker{lenient: true, places: ninjsPlaces}
	if name := cmp.Or(n.Standard.Name, n.OldStandard.Name, "ninjs"); !strings.Contains(strings.ToLower(name), "ninjs") {
		c.bad("/standard/name", "must be ninjs")
	}
	if until := cmp.Or(n.EmbargoedUntil, n.Embargoed); until != "" {
		if t, err := time.Parse(time.RFC3339, until); err != nil {
			c.bad("/embargoedUntil", "must be a date and time as in 2026-05-17T21:31:04Z")
		} else if t.After(time.Now()) {
			c.bad("/embargoedUntil", "is not over; send the article again then")
		}
	}
	in := n.input()
	return in.draft(c)
}

var ninjsPlaces = map[string]string{
	"/url": "/uri", "/title": "/headlines", "/summary": "/descriptions", "/body_html": "/bodies", "/byline": "/by",
	"/published_at": "/firstCreated", "/updated_at": "/versionCreated", "/status": "/pubStatus",
}

func (n *ninjs) input() input {
	in := input{
		URL:       n.address(),
		Title:     cmp.Or(oneOf(n.Headlines, "main"), n.Headline, n.Title),
		Summary:   cmp.Or(oneOf(n.Descriptions, "summary", "text"), n.Description),
		BodyHTML:  n.body(),
		Byline:    cmp.Or(n.By, n.Bylin),
		Language:  n.Lang,
		Kind:      string(n.kind()),
		Published: ninjsDate(cmp.Or(n.FirstCreated, n.ContentCreated, n.VersionCreated)),
		Updated:   ninjsDate(n.VersionCreated),
		Image:     n.image(),
		Topics:    n.labels(),
		Status:    n.status(),
	}
	in.ExternalID = n.URI
	if in.URL == n.URI {
		in.ExternalID = oneOf(n.AltIDs)
	}
	return in
}

// address is the first of url, uri, links and other ids that is http or https.
// The uri goes before links: the standard promises that it stays.
func (n *ninjs) address() string {
	candidates := []string{n.URL, n.URI}
	for _, link := range n.Links {
		candidates = append(candidates, link.Href)
	}
	for _, id := range n.AltIDs {
		candidates = append(candidates, id.Value)
	}
	for _, candidate := range candidates {
		if _, err := webAddress(candidate); err == nil {
			return candidate
		}
	}
	return cmp.Or(n.URL, n.URI)
}

// oneOf returns the value of the first of roles that there is, else the first value.
func oneOf(values []ninjsRole, roles ...string) string {
	for _, role := range roles {
		for _, v := range values {
			if v.Role == role && v.Value != "" {
				return v.Value
			}
		}
	}
	for _, v := range values {
		if v.Value != "" {
			return v.Value
		}
	}
	return ""
}

// body prefers HTML to plain text; other kinds are not for readers.
func (n *ninjs) body() string {
	html, plain := cmp.Or(n.BodyHTML, n.BodyXHTML), n.BodyText
	for _, body := range n.Bodies {
		switch mediaType, _, _ := strings.Cut(body.ContentType, ";"); strings.TrimSpace(mediaType) {
		case "text/html", "application/xhtml+xml":
			html = cmp.Or(html, body.Value)
		case "text/plain", "":
			plain = cmp.Or(plain, body.Value)
		}
	}
	return cmp.Or(html, Paragraphs(plain))
}

func (n *ninjs) kind() feed.Kind {
	switch n.Type {
	case "video":
		return feed.Video
	case "audio":
		return feed.Audio
	case "picture", "graphic":
		return feed.Gallery
	}
	return feed.News
}

func (n *ninjs) status() string {
	switch n.Status {
	case "withheld", "canceled":
		return string(feed.Withdrawn)
	}
	return n.Status
}

func (n *ninjs) labels() []labelInput {
	var labels []labelInput
	for _, concepts := range [][]ninjsConcept{n.Subjects, n.Subject, n.People, n.Person, n.Organisations, n.Organisation, n.Places, n.Place} {
		for _, concept := range concepts {
			if concept.Name == "" {
				continue
			}
			label := labelInput{Name: concept.Name}
			if salience := concept.Relevance / 100; salience > 0 && salience <= 1 {
				label.Salience = &salience
			}
			labels = append(labels, label)
		}
	}
	return labels
}

// image is the first associated picture, or the item's own when it is one.
func (n *ninjs) image() *imageInput {
	for _, a := range n.Associations {
		if a.Type == "picture" || a.Type == "graphic" {
			if image := bestRendition(a.Renditions); image != nil {
				image.Alt = shorten(Plain(cmp.Or(oneOf(a.Descriptions), a.Description)), maxAlt)
				return image
			}
		}
	}
	return bestRendition(n.Renditions)
}

// wideEnough is the width in pixels that a card never needs more of.
const wideEnough = 1600

// bestRendition is the widest image up to wideEnough, else the narrowest.
func bestRendition(renditions []ninjsRendition) *imageInput {
	var best *imageInput
	for _, r := range renditions {
		mediaType := cmp.Or(r.ContentType, r.MimeType)
		if _, err := webAddress(r.Href); err != nil || (mediaType != "" && !strings.HasPrefix(mediaType, "image/")) {
			continue
		}
		if best == nil || better(r.Width, best.Width) {
			best = &imageInput{URL: r.Href, Width: r.Width, Height: r.Height}
		}
	}
	return best
}

func better(width, than int) bool {
	if width > wideEnough || than > wideEnough {
		return width < than
	}
	return width > than
}

// ninjsDate brings the forms of ISO 8601 that are seen in ninjs into RFC 3339;
// what it does not know stays, to be refused.
func ninjsDate(s string) string {
	for _, layout := range []string{"2006-01-02T15:04:05.999999999Z0700", "2006-01-02T15:04:05", "2006-01-02T15:04Z07:00", time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.Format(time.RFC3339Nano)
		}
	}
	return s
}
