package ingest

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Bounds of a document, so that reading what passes costs at most a second and
// 64 MB. The parser has quadratic corners: it copies the namespaces in scope for
// each element (280 kB of nested xmlns took it eight seconds and 4 GB), adds up
// the text of unknown elements piece by piece, and tries a date in some 180 forms,
// of which each that fails copies it.
const (
	maxDepth      = 100       // elements, or arrays and objects of JSON, within each other
	maxTokens     = 400_000   // tags, texts, comments
	maxItems      = 10_000    // <item>, <entry>; objects of JSON
	maxAttributes = 64        // of an element
	maxAttrBytes  = 64 << 10  // of an element's attributes and name
	maxDeclared   = 32        // namespaces, of an element
	maxInScope    = 64        // namespaces, at once
	maxCopies     = 2_000_000 // of namespaces in scope, for each element
	maxPieced     = 64 << 20  // bytes of text that are moved to add up its pieces
	maxUnknown    = 40_000    // elements with a namespace: the parser keeps each with two maps
	maxElementLen = 2 << 20   // bytes from an element's start to its end, below <item>
	maxDates      = 10_000    // in what is read as such
	maxDate       = 128       // bytes of one
	maxRation     = maxElementLen + 128<<10
)

// errBound: the document passes a bound of the pre-scan.
var errBound = errors.New("the document is made to harm")

func bound(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errBound, fmt.Sprintf(format, args...))
}

// untilDone is a reader that ends with the context.
type untilDone struct {
	ctx context.Context
	in  io.Reader
}

// rationed is a reader that gives a decoder no more than so much for one token, so
// that it does not keep a whole document for one.
type rationed struct {
	untilDone
	left int
}

func (r *rationed) Read(p []byte) (int, error) {
	if r.left <= 0 {
		return 0, errLongToken
	}
	n, err := r.untilDone.Read(p)
	r.left -= n
	return n, err
}

var errLongToken = bound("a tag or text in it is longer than %d MiB", maxElementLen>>20)

func (r untilDone) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, context.Cause(r.ctx)
	}
	return r.in.Read(p[:min(len(p), 64<<10)])
}

// prescan refuses what could harm the parser, which reads the document after it,
// and returns what the parser does not tell of Atom. Whether it is well-formed is
// left to the parser.
func prescan(ctx context.Context, text []byte) (atomTexts, error) {
	in := &rationed{untilDone{ctx, bytes.NewReader(text)}, maxRation}
	if start := bytes.TrimSpace(text[:min(len(text), 4<<10)]); len(start) > 0 && start[0] == '{' {
		return nil, prescanJSON(in)
	}
	s := &xmlScan{decoder: xml.NewDecoder(in), texts: atomTexts{}}
	s.decoder.Strict = false
	for {
		in.left = maxRation
		token, err := s.decoder.RawToken()
		if errors.Is(err, errBound) {
			return nil, err
		}
		if err != nil { // cut off or broken: what comes next says so
			return s.texts, context.Cause(ctx)
		}
		if err := s.take(token); err != nil {
			return nil, err
		}
	}
}

// xmlScan counts what the bounds are about.
type xmlScan struct {
	decoder *xml.Decoder
	tokens  int
	items   int
	unknown int
	dates   int
	copies  int
	pieced  int
	scope   int // namespaces in scope
	root    xml.Name
	entries int // of Atom
	texts   atomTexts
	open    []openElement
}

type openElement struct {
	declared int   // namespaces
	bytes    int   // of its own text so far
	from     int64 // where it begins
	item     bool  // it is one, or is around one
	date     bool  // it holds one
	text     textPlace
}

func (s *xmlScan) take(token xml.Token) error {
	if s.tokens++; s.tokens > maxTokens {
		return bound("it has more than %d tags and texts", maxTokens)
	}
	switch token := token.(type) {
	case xml.Directive:
		if bytes.IndexByte(token, '[') >= 0 || bytes.Contains(bytes.ToUpper(token), []byte("ENTITY")) {
			return bound("its DOCTYPE declares things of its own")
		}
	case xml.StartElement:
		return s.start(&token)
	case xml.EndElement:
		return s.end()
	case xml.CharData:
		return s.piece(len(token))
	}
	return nil
}

func (s *xmlScan) start(e *xml.StartElement) error {
	size, declared := len(e.Name.Local)+len(e.Name.Space), 0
	for _, a := range e.Attr {
		size += len(a.Name.Local) + len(a.Name.Space) + len(a.Value)
		if a.Name.Space == "xmlns" || a.Name.Space == "" && a.Name.Local == "xmlns" {
			declared++
		}
	}
	if e.Name.Space != "" {
		s.unknown++
	}
	s.scope += declared
	s.copies += s.scope
	isItem := e.Name.Local == "item" || e.Name.Local == "entry"
	if isItem {
		s.items++
	}
	date := isDate(e.Name.Local)
	if date {
		s.dates++
	}
	s.open = append(s.open, openElement{text: s.text(e), declared: declared, from: s.decoder.InputOffset(), item: isItem || len(s.open) < 2, date: date})
	switch {
	case len(s.open) > maxDepth:
		return bound("it nests deeper than %d elements", maxDepth)
	case len(e.Attr) > maxAttributes || size > maxAttrBytes:
		return bound("an element has more than %d attributes, or %d KiB of them", maxAttributes, maxAttrBytes>>10)
	case declared > maxDeclared:
		return bound("an element declares more than %d namespaces", maxDeclared)
	case s.scope > maxInScope:
		return bound("more than %d namespaces are in scope", maxInScope)
	case s.copies > maxCopies:
		return bound("it has too many namespaces for its many elements")
	case s.items > maxItems:
		return bound("it has more than %d items", maxItems)
	case s.dates > maxDates:
		return errManyDates
	case s.unknown > maxUnknown:
		return bound("it has more than %d elements of other namespaces", maxUnknown)
	}
	return nil
}

// end closes the innermost element, whatever its name: where they do not match
// the parser stops.
func (s *xmlScan) end() error {
	n := len(s.open) - 1
	if n < 0 {
		return nil
	}
	last := s.open[n]
	s.open, s.scope = s.open[:n], s.scope-last.declared
	if length := s.decoder.InputOffset() - last.from; !last.item && length > maxElementLen {
		return bound("one of its elements is longer than %d MiB", maxElementLen>>20)
	}
	return nil
}

// piece adds a text to its element's.
func (s *xmlScan) piece(size int) error {
	if len(s.open) == 0 {
		return nil
	}
	e := &s.open[len(s.open)-1]
	s.pieced += e.bytes
	switch e.bytes += size; {
	case s.pieced > maxPieced:
		return bound("the texts of its elements come in too many pieces")
	case e.date && e.bytes > maxDate:
		return errLongDate
	}
	return nil
}

var errManyDates = bound("it has more than %d dates", maxDates)

var errLongDate = bound("a date in it is longer than %d bytes", maxDate)

// isDate reports whether an element, or a member of JSON, of that name is read as a
// date.
func isDate(name string) bool {
	switch strings.ToLower(name) {
	case "pubdate", "lastbuilddate", "date", "published", "updated", "modified", "issued", "created", "date_published", "date_modified":
		return true
	}
	return false
}

// prescanJSON does the same for JSON Feed.
func prescanJSON(in *rationed) error {
	d := jsontext.NewDecoder(in, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	date, dates := false, 0 // whether one comes next
	for tokens, objects := 0, 0; ; tokens++ {
		in.left = maxRation
		token, err := d.ReadToken()
		if err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return fmt.Errorf("%w: %w", errUnreadable, err)
		}
		if token.Kind() == '{' {
			objects++
		}
		switch {
		case d.StackDepth() > maxDepth:
			return bound("it nests deeper than %d arrays and objects", maxDepth)
		case tokens > maxTokens:
			return bound("it has more than %d values", maxTokens)
		case objects > 4*maxItems:
			return bound("it has more than %d objects", 4*maxItems)
		case dates > maxDates:
			return errManyDates
		case date && token.Kind() == '"' && len(token.String()) > maxDate:
			return errLongDate
		}
		kind, n := d.StackIndex(d.StackDepth())
		if date = kind == '{' && n%2 == 1 && isDate(token.String()); date {
			dates++
		}
	}
}

// flaw returns why a document is not well-formed, nil when it is; the context's
// error when that is done first.
func flaw(ctx context.Context, text []byte) error {
	if start := bytes.TrimSpace(text[:min(len(text), 4<<10)]); len(start) > 0 && start[0] == '{' {
		return nil
	}
	d := xml.NewDecoder(untilDone{ctx, bytes.NewReader(text)})
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}
