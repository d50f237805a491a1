package syndication

import (
	"cmp"
	"encoding/json"
)

// JSON Feed 1.1, https://www.jsonfeed.org/version/1.1/.

type jsonDocument struct {
	Version string     `json:"version"`
	Title   string     `json:"title"`
	Home    string     `json:"home_page_url"`
	Self    string     `json:"feed_url,omitempty"`
	About   string     `json:"description,omitempty"`
	Items   []jsonItem `json:"items"`
}

type jsonItem struct {
	ID        string       `json:"id"`
	URL       string       `json:"url"`
	Title     string       `json:"title"`
	Text      string       `json:"content_text"` // one of the two contents is required
	Image     string       `json:"image,omitempty"`
	Published string       `json:"date_published"`
	Authors   []jsonAuthor `json:"authors"`
	Tags      []string     `json:"tags,omitempty"`
	Language  string       `json:"language,omitempty"`
}

type jsonAuthor struct {
	Name string `json:"name"`
}

func (d *Document) jsonFeed() ([]byte, error) {
	out := jsonDocument{Version: "https://jsonfeed.org/version/1.1", Title: d.Title, Home: d.Home, Self: d.Self,
		About: d.Description, Items: []jsonItem{}}
	for i := range d.Items {
		it := &d.Items[i]
		item := jsonItem{ID: it.id(), URL: it.URL, Title: it.Title, Text: cmp.Or(it.Summary, it.Title), Image: it.Image,
			Published: atomTime(it.Published), Authors: []jsonAuthor{{it.author()}}, Language: it.Language}
		for _, t := range it.Topics {
			item.Tags = append(item.Tags, t.Name)
		}
		out.Items = append(out.Items, item)
	}
	return json.Marshal(out)
}
