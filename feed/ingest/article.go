package ingest

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"newsfeed/feed"
	"newsfeed/interests/wire"
)

const (
	// MaxArticles is how many articles a call may bring.
	MaxArticles = 1000
	// MaxLine is the greatest length of a line of NDJSON in bytes.
	MaxLine = 8 << 20
)

// ErrTooMany says that a call brought more than [MaxArticles] articles.
// [ParseJSON] counts for itself; who reads [Lines] counts.
var ErrTooMany = fmt.Errorf("more than %d articles in one call; send them in several", MaxArticles)

// Item is one article as it came in. Exactly one of Draft and Err counts.
type Item struct {
	Index int // position in the call, from 0
	Line  int // of NDJSON, from 1; else 0
	Draft feed.Draft
	Err   error // nil, [*wire.Malformed] (no JSON of ours) or [*Invalid] (bad fields)
}

// Field is one bad field of an article: where, as a JSON pointer into what was
// sent, and what is wrong, for people.
type Field struct{ Location, Message string }

// Invalid lists all bad fields of an article that was readable.
type Invalid struct{ Fields []Field }

func (i *Invalid) Error() string {
	texts := make([]string, len(i.Fields))
	for n, field := range i.Fields {
		texts[n] = strings.TrimSpace(field.Location + " " + field.Message)
	}
	return strings.Join(texts, "; ")
}

// ParseJSON reads the body of a call: an object is one article, an array is a
// batch of them; an object that names its standard is IPTC ninjs. What is
// wrong with one article stands in its item; err is for the body as a whole
// ([*wire.Malformed] or [ErrTooMany]), and then there are no items.
func ParseJSON(b []byte) (items []Item, batch bool, err error) {
	if start := bytes.TrimLeft(b, " \t\r\n"); len(start) == 0 || start[0] != '[' {
		draft, err := parseObject(b)
		return []Item{{Draft: draft, Err: err}}, false, nil
	}
	for element, err := range wire.Elements(b) {
		if err != nil {
			return nil, true, err
		}
		if len(items) == MaxArticles {
			return nil, true, ErrTooMany
		}
		item := Item{Index: len(items)}
		item.Draft, item.Err = parseObject(element)
		items = append(items, item)
	}
	return items, true, nil
}

func parseObject(b []byte) (feed.Draft, error) {
	if isNinjs(b) {
		return ParseNinjs(b)
	}
	var in input
	if err := wire.Decode(b, &in); err != nil {
		return feed.Draft{}, err
	}
	return in.draft(&checker{})
}

// Lines reads NDJSON, one article a line, as it comes.
type Lines struct {
	in          *bufio.Reader
	buffer      []byte // the line, when it is longer than in's own buffer
	line, index int
}

// NewLines returns the lines of r.
func NewLines(r io.Reader) *Lines {
	return &Lines{in: bufio.NewReaderSize(r, 64<<10)}
}

var errLongLine = &wire.Malformed{Message: fmt.Sprintf("is longer than %d MiB", MaxLine>>20)}

// Next returns the article of the next line that is not blank. A line that is
// bad is an item with Err, and reading goes on. The error is io.EOF at the end
// or what r returned; then there is no item.
func (l *Lines) Next() (Item, error) {
	for {
		line, err := l.read()
		if err != nil && !errors.Is(err, errLongLine) {
			return Item{}, err
		}
		if line = bytes.TrimSpace(line); len(line) == 0 && err == nil {
			continue
		}
		item := Item{Index: l.index, Line: l.line, Err: err}
		l.index++
		if err == nil {
			item.Draft, item.Err = parseObject(line)
		}
		return item, nil
	}
}

// read returns the next line, valid until the next call, or io.EOF.
// errLongLine: the line was passed over to its end.
func (l *Lines) read() ([]byte, error) {
	l.buffer = l.buffer[:0]
	long := false
	for {
		part, err := l.in.ReadSlice('\n')
		long = long || len(l.buffer)+len(part) > MaxLine+1 // the line break does not count
		if errors.Is(err, bufio.ErrBufferFull) {
			if !long {
				l.buffer = append(l.buffer, part...)
			}
			continue
		}
		ended := errors.Is(err, io.EOF) && (len(part) > 0 || len(l.buffer) > 0 || long)
		if err != nil && !ended {
			return nil, err
		}
		l.line++
		return l.whole(part, long)
	}
}

func (l *Lines) whole(end []byte, long bool) ([]byte, error) {
	line := end
	switch {
	case long:
		return nil, errLongLine
	case len(l.buffer) > 0:
		l.buffer = append(l.buffer, end...)
		line = l.buffer
	}
	if l.line == 1 {
		line = bytes.TrimPrefix(line, []byte("\xef\xbb\xbf"))
	}
	return line, nil
}
