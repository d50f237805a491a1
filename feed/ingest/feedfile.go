package ingest

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/mmcdole/gofeed"

	"newsfeed/interests/wire"
)

// MaxDocument is the greatest size of an RSS, Atom or JSON Feed document in
// bytes, as it comes and in UTF-8.
const MaxDocument = 8 << 20

// Received is a document as it came.
type Received struct {
	Body        []byte
	ContentType string // the header; "" when there was none
	URL         string // that it came from; "" when that is not known
}

// Document is an RSS, Atom or JSON Feed document.
type Document struct {
	Items    []Item
	Title    string        // plain text
	Site     string        // the page that it belongs to; "" when it names none
	Keeps    time.Duration // for how long it says that it keeps (ttl); 0: it does not say
	Encoding string        // that it came in, in lower case
	Flaw     string        // how it is not as it should be, though it was read; "" when it is
}

// ErrNoDocument: what was read is no RSS, Atom or JSON Feed document.
var ErrNoDocument = errors.New("it is no RSS, Atom or JSON Feed document")

// errUnreadable: a document is too long or broken from its beginning, or is none.
var errUnreadable = errors.New("read document")

// How a flaw begins that is none of the encoding.
const (
	flawCutOff    = "it breaks off: "
	flawMalformed = "it is not well-formed: "
)

// ParseDocument is [ReadDocument] of a file.
func ParseDocument(b []byte) ([]Item, error) {
	document, err := ReadDocument(context.Background(), Received{Body: b})
	return document.Items, err
}

// ReadDocument reads an RSS, Atom or JSON Feed document. The source of its items
// is the document's own: the host of its link, under its title. Entries are taken
// leniently: texts that are too long are cut, a date that is none counts as
// absent, a missing title is made from the text. What cannot be mended (no http
// address) is an item with Err; so is the place where a document breaks off,
// after the entries before it. The error is for documents that are too big, made
// to harm, or no such documents ([ErrNoDocument]), or is the context's, with which
// it ends whatever it was at: each step reads in pieces, or item by item.
func ReadDocument(ctx context.Context, r Received) (Document, error) {
	if len(r.Body) > MaxDocument {
		return Document{}, fmt.Errorf("%w: it is larger than %d MiB", errUnreadable, MaxDocument>>20)
	}
	in, err := decode(ctx, r.Body, r.ContentType)
	if err != nil {
		return Document{}, err
	}
	if len(in.text) > MaxDocument {
		return Document{}, fmt.Errorf("%w: it is larger than %d MiB in UTF-8", errUnreadable, MaxDocument>>20)
	}
	texts, err := prescan(ctx, in.text)
	if err != nil {
		return Document{}, err
	}
	parsed, broken := parseDocument(ctx, in.text, texts)
	if broken != nil && ctx.Err() == nil {
		parsed = mended(ctx, in.text, texts)
	}
	if err := context.Cause(ctx); err != nil {
		return Document{}, err
	}
	if parsed == nil {
		return Document{}, fmt.Errorf("%w: %w", errUnreadable, broken)
	}
	at, _ := url.Parse(r.URL)
	site, _ := webAddress(resolved(strings.TrimSpace(parsed.Link), at)) // one that is none is not said
	document := Document{
		Title: shorten(Plain(bounded(parsed.Title)), maxName), Site: site, Keeps: parsed.keeps,
		Encoding: in.encoding, Flaw: flawOf(ctx, in, broken),
	}
	document.Items = documentItems(ctx, parsed, r.URL, broken)
	if err := context.Cause(ctx); err != nil {
		return Document{}, err
	}
	return document, nil
}

// flawOf says the gravest that is wrong with a document that was read.
func flawOf(ctx context.Context, in decoded, broken error) string {
	if broken != nil {
		return flawCutOff + broken.Error()
	}
	if in.wrong != "" {
		return in.wrong
	}
	if err := flaw(ctx, in.text); err != nil {
		return flawMalformed + err.Error()
	}
	return ""
}

// documentItems makes drafts of the entries, as many as the context lasts for;
// broken is how the document broke off.
func documentItems(ctx context.Context, document *parsed, at string, broken error) []Item {
	items := make([]Item, len(document.Items), len(document.Items)+1)
	base := documentBase(document, at)
	for i := range document.Items {
		if ctx.Err() != nil {
			break
		}
		items[i].Index = i
		in := entryInput(document, i, base)
		document.Items[i] = nil // its texts are not needed any more
		items[i].Draft, items[i].Err = in.draft(&checker{lenient: true, plain: true})
	}
	if broken != nil {
		items = append(items, Item{Index: len(items), Err: &wire.Malformed{Message: "the document breaks off: " + broken.Error()}})
	}
	return items
}

// documentBase is what addresses without a host are relative to: the page that
// the document belongs to, else where it came from; nil when neither is known.
func documentBase(document *parsed, at string) *url.URL {
	from, _ := url.Parse(at) // nil when it is none
	for _, address := range []string{document.Link, document.FeedLink, at} {
		if address, err := webAddress(resolved(strings.TrimSpace(address), from)); err == nil {
			if base, err := url.Parse(address); err == nil {
				return base
			}
		}
	}
	return nil
}

// parsed is a document as the parser has it, and what its universal form leaves out
// of RSS.
type parsed struct {
	*gofeed.Feed
	keeps    time.Duration // ttl, which RSS says in minutes
	nameless map[int]bool  // entries whose id is said to be no address
}

// parseDocument lets the parser read a document. That it panics (it does on null
// in place of an item of JSON Feed) is a failure of that document.
func parseDocument(ctx context.Context, text []byte, texts atomTexts) (document *parsed, err error) {
	defer func() {
		if broken := recover(); broken != nil {
			document, err = nil, fmt.Errorf("the parser gave up: %v", broken)
		}
	}()
	document = &parsed{nameless: map[int]bool{}}
	parser, to := gofeed.NewParser(), &translation{ctx: ctx, texts: texts, to: document}
	parser.RSSTranslator, parser.AtomTranslator, parser.JSONTranslator = to, to, to
	document.Feed, err = parser.Parse(untilDone{ctx, bytes.NewReader(text)})
	if errors.Is(err, gofeed.ErrFeedTypeNotDetected) {
		err = ErrNoDocument
	}
	if err != nil {
		return nil, err
	}
	return document, nil
}

// mended reads a document that breaks off up to its last whole entry; nil when
// that does not help. (Of 447 polls of real outlets 3 were cut off.)
func mended(ctx context.Context, text []byte, texts atomTexts) *parsed {
	whole := wholePart(ctx, text)
	if whole == nil {
		return nil
	}
	document, err := parseDocument(ctx, whole, texts)
	if err != nil {
		return nil
	}
	return document
}

// wholePart is the beginning of a document up to the last element below its
// channel that is closed, with what is open there closed; nil when there is none.
func wholePart(ctx context.Context, text []byte) []byte {
	d := xml.NewDecoder(untilDone{ctx, bytes.NewReader(text)})
	d.Strict = false
	var open, tail []string
	good := int64(0)
	for {
		token, err := d.RawToken()
		if err != nil {
			break
		}
		switch token := token.(type) {
		case xml.StartElement:
			open = append(open, rawName(token.Name))
		case xml.EndElement:
			if n := len(open); n == 0 || open[n-1] != rawName(token.Name) {
				return closed(text[:good], tail)
			}
			open = open[:len(open)-1]
			if len(open) == 1 || len(open) == 2 && strings.EqualFold(open[1], "channel") {
				good, tail = d.InputOffset(), slices.Clone(open)
			}
		}
	}
	return closed(text[:good], tail)
}

func rawName(n xml.Name) string {
	if n.Space != "" {
		return n.Space + ":" + n.Local
	}
	return n.Local
}

func closed(text []byte, open []string) []byte {
	if len(open) == 0 {
		return nil
	}
	out := slices.Clone(text)
	for _, name := range slices.Backward(open) {
		out = append(out, "</"+name+">"...)
	}
	return out
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
