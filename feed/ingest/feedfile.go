package ingest

import (
	"bytes"
	"cmp"
	"encoding/xml"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mmcdole/gofeed"
	ext "github.com/mmcdole/gofeed/extensions"
	"golang.org/x/net/html/charset"

	"newsfeed/feed"
	"newsfeed/interests/topic"
	"newsfeed/interests/wire"
)

const (
	// MaxDocument is the greatest size of an RSS, Atom or JSON Feed document in bytes.
	MaxDocument = 16 << 20
	// maxElements is how deep elements may nest. The parser calls itself for
	// some of them, and a stack that overflows ends the program.
	maxElements = 200
)

// ParseDocument reads an RSS, Atom or JSON Feed document. The source is the
// document's own: the host of its link, under its title. Entries are taken
// leniently: texts that are too long are cut, a date that is none counts as
// absent, a missing title is made from the text. What cannot be mended (no
// http address) is an item with Err; so is the place where a document breaks
// off, after the entries before it. The error is for documents that are too
// big, declare entities, nest too deep, or are no such documents.
func ParseDocument(b []byte) ([]Item, error) {
	document, err := ReadDocument(b)
	return document.Items, err
}

// Document is an RSS, Atom or JSON Feed document.
type Document struct {
	Items []Item
	Title string        // plain text
	Site  string        // the page that it belongs to; "" when it names none
	Keeps time.Duration // for how long it says that it keeps (ttl); 0: it does not say
}

// ReadDocument is [ParseDocument] with what the document says of itself.
func ReadDocument(b []byte) (Document, error) {
	if len(b) > MaxDocument {
		return Document{}, fmt.Errorf("document is larger than %d MiB", MaxDocument>>20)
	}
	if err := inspectXML(b); err != nil {
		return Document{}, err
	}
	document, err := parseDocument(b)
	if err != nil {
		if document = mended(b); document == nil {
			return Document{}, fmt.Errorf("read document: %w", err)
		}
	}
	site, _ := webAddress(strings.TrimSpace(document.Link)) // one that is none is not said
	return Document{
		Items: documentItems(document, err), Title: shorten(Plain(bounded(document.Title)), maxName),
		Site: site, Keeps: documentKeeps(b),
	}, nil
}

// documentItems makes drafts of the entries; broken is how the document broke off.
func documentItems(document *gofeed.Feed, broken error) []Item {
	items := make([]Item, len(document.Items), len(document.Items)+1)
	for i, entry := range document.Items {
		items[i].Index = i
		in := entryInput(document, entry)
		items[i].Draft, items[i].Err = in.draft(&checker{lenient: true})
	}
	if broken != nil {
		items = append(items, Item{Index: len(items), Err: &wire.Malformed{Message: "the document breaks off: " + broken.Error()}})
	}
	return items
}

// ttl finds the element of RSS that says in minutes how long a document keeps.
var ttl = regexp.MustCompile(`<ttl>\s*(\d{1,6})\s*</ttl>`)

func documentKeeps(b []byte) time.Duration {
	if found := ttl.FindSubmatch(b[:min(len(b), 64<<10)]); found != nil {
		return time.Duration(number(string(found[1]))) * time.Minute
	}
	return 0
}

func parseDocument(b []byte) (*gofeed.Feed, error) {
	parser := gofeed.NewParser()
	// The first <img> of a text is as often a tracker as a picture.
	parser.RSSTranslator = &gofeed.DefaultRSSTranslator{DisableContentImageScan: true}
	return parser.Parse(bytes.NewReader(b))
}

// mended reads a document whose end is missing up to its last whole entry; nil
// when that does not help. (Of 447 polls of real outlets 3 were cut off.)
func mended(b []byte) *gofeed.Feed {
	for end, tail := range map[string]string{"</item>": "</channel></rss>", "</entry>": "</feed>"} {
		if whole := bytes.LastIndex(b, []byte(end)); whole >= 0 {
			if document, err := parseDocument(slices.Concat(b[:whole], []byte(end+tail))); err == nil {
				return document
			}
		}
	}
	return nil
}

// IsDocument reports whether b looks like something for [ParseDocument] rather
// than for [ParseJSON].
func IsDocument(b []byte) bool {
	start := bytes.TrimLeft(b[:min(len(b), 4<<10)], "\xef\xbb\xbf\xfe\xff\x00 \t\r\n")
	if len(start) > 0 && start[0] == '<' {
		return true
	}
	return len(start) > 0 && start[0] == '{' && bytes.Contains(start, []byte("jsonfeed.org/version"))
}

// inspectXML refuses what could harm the parser. Entities that a document
// declares are never expanded, and nobody has a use for them in a feed: who
// declares some means ill. Whether b is well-formed is left to the parser.
func inspectXML(b []byte) error {
	if start := bytes.TrimSpace(b); len(start) > 0 && start[0] == '{' {
		return nil
	}
	d := xml.NewDecoder(bytes.NewReader(b))
	d.Strict = false
	d.CharsetReader = charset.NewReaderLabel
	for depth := 0; ; {
		token, err := d.Token()
		if err != nil { // cut off or broken: what comes next says so
			return nil //nolint:nilerr // only a declaration of entities is looked for
		}
		switch token := token.(type) {
		case xml.Directive:
			if bytes.Contains(bytes.ToUpper(token), []byte("ENTITY")) {
				return errors.New("document declares entities of its own")
			}
		case xml.StartElement:
			if depth++; depth > maxElements {
				return fmt.Errorf("document nests deeper than %d elements", maxElements)
			}
		case xml.EndElement:
			depth--
		}
	}
}

// entryInput brings an entry into our shape, within our limits. It never says
// "usable".
func entryInput(document *gofeed.Feed, entry *gofeed.Item) input {
	summary := Plain(bounded(entry.Description))
	body := entry.Content
	if body == "" && summary != shorten(summary, maxSummary) {
		body = entry.Description
	}
	if len(body) > maxBody {
		body = ""
	}
	in := input{
		URL:       entryURL(document, entry),
		Title:     shorten(Plain(bounded(entry.Title)), maxTitle),
		Summary:   shorten(summary, maxSummary),
		BodyHTML:  body,
		Byline:    entryByline(entry),
		Language:  document.Language,
		Kind:      string(entryKind(entry)),
		Published: entryDate(entry.PublishedParsed, entry.UpdatedParsed),
		Updated:   entryDate(entry.UpdatedParsed),
		Image:     entryImage(entry),
	}
	if isEmpty(in.Title) {
		in.Title = shorten(cmp.Or(in.Summary, Plain(bounded(body))), 120)
	}
	if entry.GUID != in.URL {
		in.ExternalID = entry.GUID
	}
	for _, category := range entry.Categories {
		in.Topics = append(in.Topics, labelInput{Name: category})
	}
	in.Source = documentSource(document, in.URL)
	return in
}

// bounded cuts a text to what is worth cleaning.
func bounded(s string) string { return s[:min(len(s), maxText)] }

// entryURL is the entry's link, else its guid if that is an address.
func entryURL(document *gofeed.Feed, entry *gofeed.Item) string {
	link := strings.TrimSpace(entry.Link)
	if link == "" {
		link = strings.TrimSpace(entry.GUID)
		if _, err := webAddress(link); err != nil {
			return ""
		}
	}
	base, err := url.Parse(document.Link)
	if err != nil || strings.Contains(link, ":") {
		return link
	}
	if relative, err := base.Parse(link); err == nil {
		return relative.String()
	}
	return link
}

// documentSource names the publisher of a document; without a link, an entry's
// own address has to serve.
func documentSource(document *gofeed.Feed, address string) sourceInput {
	source := sourceInput{Name: shorten(Plain(bounded(document.Title)), maxName)}
	for _, link := range []string{document.Link, document.FeedLink, address} {
		if link, err := webAddress(strings.TrimSpace(link)); err == nil {
			source.ID, source.URL = string(topic.MakeID(hostOf(link))), link
			break
		}
	}
	if source.URL == address {
		source.URL = ""
	}
	return source
}

func entryByline(entry *gofeed.Item) string {
	var names []string
	for _, author := range entry.Authors {
		if author != nil && author.Name != "" {
			names = append(names, author.Name)
		}
	}
	return shorten(Plain(bounded(strings.Join(names, ", "))), maxByline)
}

// entryKind looks at what is enclosed: an episode is audio or video.
func entryKind(entry *gofeed.Item) feed.Kind {
	for _, enclosure := range entry.Enclosures {
		switch mediaType, _, _ := strings.Cut(enclosure.Type, "/"); mediaType {
		case "audio":
			return feed.Audio
		case "video":
			return feed.Video
		}
	}
	return feed.News
}

// entryDate writes the first date that there is and that RFC 3339 can say.
func entryDate(dates ...*time.Time) string {
	for _, date := range dates {
		if date != nil && !date.IsZero() {
			if utc := date.UTC(); utc.Year() >= 1 && utc.Year() <= 9999 {
				return utc.Format(time.RFC3339Nano)
			}
		}
	}
	return ""
}

// entryImage is what the entry says is its image, else of media:thumbnail,
// media:content and the enclosures the first that is one.
func entryImage(entry *gofeed.Item) *imageInput {
	if entry.Image != nil && entry.Image.URL != "" {
		return &imageInput{URL: strings.TrimSpace(entry.Image.URL), Alt: shorten(Plain(bounded(entry.Image.Title)), maxAlt)}
	}
	if image := mediaImage(entry.Extensions["media"]); image != nil {
		return image
	}
	for _, enclosure := range entry.Enclosures {
		if strings.HasPrefix(enclosure.Type, "image/") {
			return &imageInput{URL: strings.TrimSpace(enclosure.URL)}
		}
	}
	return nil
}

// mediaImage looks into elements of Media RSS, groups of them included.
func mediaImage(media map[string][]ext.Extension) *imageInput {
	for _, content := range media["content"] {
		if content.Attrs["medium"] == "image" || strings.HasPrefix(content.Attrs["type"], "image/") {
			return &imageInput{URL: content.Attrs["url"], Width: number(content.Attrs["width"]), Height: number(content.Attrs["height"])}
		}
	}
	for _, thumbnail := range media["thumbnail"] {
		return &imageInput{URL: thumbnail.Attrs["url"], Width: number(thumbnail.Attrs["width"]), Height: number(thumbnail.Attrs["height"])}
	}
	for _, outer := range slices.Concat(media["group"], media["content"]) {
		if image := mediaImage(outer.Children); image != nil {
			return image
		}
	}
	return nil
}

// number reads a count of pixels; what is none is not known.
func number(s string) int {
	n, err := strconv.Atoi(strings.TrimSpace(s))
	if err != nil {
		return 0
	}
	return max(n, 0)
}
