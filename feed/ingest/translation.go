package ingest

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/mmcdole/gofeed"
	atomfile "github.com/mmcdole/gofeed/atom"
	jsonfile "github.com/mmcdole/gofeed/json"
	rssfile "github.com/mmcdole/gofeed/rss"
)

// translation brings a document that was parsed into the parser's universal form:
// what it says of itself first, then item by item, as long as its context lasts. (The
// parser's own translators do it all at once, and try each date in some 180 forms.)
type translation struct {
	ctx   context.Context
	texts atomTexts
	to    *parsed
}

// Translate implements gofeed.Translator.
func (t *translation) Translate(document any) (*gofeed.Feed, error) {
	switch from := document.(type) {
	case *rssfile.Feed:
		t.note(from)
		// The first <img> of a text is as often a tracker as a picture.
		rss := &gofeed.DefaultRSSTranslator{DisableContentImageScan: true}
		head := *from
		head.Items = nil
		return translate(t.ctx, rss, &head, from.Items, func(items []*rssfile.Item) any { return &rssfile.Feed{Items: items} })
	case *atomfile.Feed:
		head := *from
		head.Entries = nil
		t.texts.head(&head)
		for i, entry := range from.Entries {
			t.texts.entry(i+1, entry)
		}
		return translate(t.ctx, &gofeed.DefaultAtomTranslator{}, &head, from.Entries, func(entries []*atomfile.Entry) any { return &atomfile.Feed{Entries: entries} })
	case *jsonfile.Feed:
		head := *from
		head.Items, head.Title = nil, letters(from.Title, silentText)
		for _, item := range from.Items {
			jsonLetters(item)
		}
		return translate(t.ctx, &gofeed.DefaultJSONTranslator{}, &head, from.Items, func(items []*jsonfile.Item) any { return &jsonfile.Feed{Items: items} })
	}
	return nil, fmt.Errorf("%T is no document that is known", document)
}

// translate translates a head, which has no items, and each item in a document of
// its own.
func translate[T any](ctx context.Context, by gofeed.Translator, head any, items []T, alone func([]T) any) (*gofeed.Feed, error) {
	whole, err := by.Translate(head)
	for i := 0; i < len(items) && err == nil; i++ {
		if err = context.Cause(ctx); err != nil {
			break
		}
		var one *gofeed.Feed
		if one, err = by.Translate(alone(items[i : i+1])); err == nil {
			whole.Items = append(whole.Items, one.Items...)
		}
	}
	return whole, err
}

// note keeps what the universal form leaves out of RSS.
func (t *translation) note(original *rssfile.Feed) {
	t.to.keeps = time.Duration(min(number(original.TTL), 1e6)) * time.Minute
	for i, entry := range original.Items {
		if entry.GUID != nil && strings.EqualFold(strings.TrimSpace(entry.GUID.IsPermalink), "false") {
			t.to.nameless[i] = true
		}
	}
}
