package ingest

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mmcdole/gofeed"
	ext "github.com/mmcdole/gofeed/extensions"
	rssfile "github.com/mmcdole/gofeed/rss"

	"newsfeed/feed"
	"newsfeed/interests/topic"
)

// entryInput brings an entry into our shape, within our limits. It never says
// "usable".
func entryInput(document *gofeed.Feed, i int, base *url.URL) input {
	entry := document.Items[i]
	summary := Plain(bounded(entry.Description))
	body := entry.Content
	if body == "" && summary != shorten(summary, maxSummary) {
		body = entry.Description
	}
	if len(body) > maxBody {
		body = ""
	}
	in := input{
		URL:       entryURL(document, i, base),
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
		in.Topics = append(in.Topics, labelInput{Name: Plain(bounded(category))})
	}
	in.Source = documentSource(document, in.URL)
	return in
}

// bounded cuts a text to what is worth cleaning.
func bounded(s string) string { return s[:min(len(s), maxText)] }

// entryURL is the entry's link, else its id if that is said to be a permanent
// address, else the address of what it encloses; "" when there is none of these.
func entryURL(document *gofeed.Feed, i int, base *url.URL) string {
	entry := document.Items[i]
	link := strings.TrimSpace(entry.Link)
	if link == "" && isPermanent(document, i) {
		link = addressOf(entry.GUID)
	}
	for _, enclosure := range entry.Enclosures {
		if link == "" && enclosure != nil {
			link = addressOf(enclosure.URL)
		}
	}
	return resolved(link, base)
}

// isPermanent reports whether an entry's id may be its address: RSS says when not.
func isPermanent(document *gofeed.Feed, i int) bool {
	original, ok := document.OriginalFeed().(*rssfile.Feed)
	if !ok || i >= len(original.Items) || original.Items[i].GUID == nil {
		return true
	}
	return !strings.EqualFold(strings.TrimSpace(original.Items[i].GUID.IsPermalink), "false")
}

// addressOf is s, if that is a web address, else "".
func addressOf(s string) string {
	s = strings.TrimSpace(s)
	if _, err := webAddress(s); err != nil {
		return ""
	}
	return s
}

// resolved is an address that may be relative to base.
func resolved(address string, base *url.URL) string {
	if address == "" || base == nil || strings.Contains(address, "://") {
		return address
	}
	if absolute, err := base.Parse(address); err == nil && absolute.Host != "" {
		return absolute.String()
	}
	return address
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
