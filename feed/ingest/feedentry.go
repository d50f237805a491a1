package ingest

import (
	"cmp"
	"net/mail"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/mmcdole/gofeed"
	ext "github.com/mmcdole/gofeed/extensions"

	"newsfeed/feed"
	"newsfeed/interests/topic"
)

// entryInput brings an entry into our shape, within our limits. It never says
// "usable".
func entryInput(document *parsed, i int, base *url.URL) input {
	entry := document.Items[i]
	description := cmp.Or(entry.Description, mediaText(entry, "description"))
	summary := Plain(bounded(description))
	body := entry.Content
	if body == "" && summary != shorten(summary, maxSummary) {
		body = description
	}
	if len(body) > maxBody {
		body = ""
	}
	in := input{
		URL:       entryURL(document, i, base),
		Title:     shorten(Plain(bounded(cmp.Or(entry.Title, mediaText(entry, "title")))), maxTitle),
		Summary:   shorten(summary, maxSummary),
		BodyHTML:  body,
		Byline:    entryByline(entry),
		Language:  document.Language,
		Kind:      string(entryKind(entry)),
		Published: entryDate(entry.PublishedParsed, writtenDate(entry.Published), termsDate(entry, "issued"), termsDate(entry, "created"), entry.UpdatedParsed, writtenDate(entry.Updated), termsDate(entry, "modified")),
		Updated:   entryDate(entry.UpdatedParsed, writtenDate(entry.Updated), termsDate(entry, "modified")),
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
func entryURL(document *parsed, i int, base *url.URL) string {
	entry := document.Items[i]
	link := strings.TrimSpace(entry.Link)
	if link == "" && !document.nameless[i] {
		link = addressOf(entry.GUID)
	}
	for _, enclosure := range entry.Enclosures {
		if link == "" && enclosure != nil {
			link = addressOf(enclosure.URL)
		}
	}
	return resolved(link, base)
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
func documentSource(document *parsed, address string) sourceInput {
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
		switch {
		case author == nil:
		case author.Name != "":
			names = append(names, author.Name)
		default: // "Ann Lee <ann@daily.example>"
			if address, err := mail.ParseAddress(author.Email); err == nil && address.Name != "" {
				names = append(names, address.Name)
			}
		}
	}
	if dc := entry.DublinCoreExt; len(names) == 0 && dc != nil { // "Ann Lee (now), Bo Wu (earlier)" is no one person
		names = slices.DeleteFunc(slices.Clone(dc.Creator), func(name string) bool { return strings.Contains(name, "@") })
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

// mediaText is what Media RSS says of an entry that does not say it by itself.
func mediaText(entry *gofeed.Item, name string) string {
	media := entry.Extensions["media"]
	for _, e := range media[name] {
		return e.Value
	}
	for _, outer := range slices.Concat(media["group"], media["content"]) {
		for _, e := range outer.Children[name] {
			return e.Value
		}
	}
	return ""
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
