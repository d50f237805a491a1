package ingest

import (
	"bytes"
	"context"
	"fmt"
	"mime"
	"regexp"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html/charset"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/ianaindex"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"
	"golang.org/x/text/runes"
	"golang.org/x/text/transform"
)

// declaration is how an XML document begins, and the encoding that it says, once
// its bytes are those of ASCII.
var declaration = regexp.MustCompile(`^\s*<\?xml\b[^>]*?>`)

var declaredEncoding = regexp.MustCompile(`\bencoding\s*=\s*["']\s*([A-Za-z0-9._:+-]{1,40})\s*["']`)

// byteOrderMarks in the order in which they are looked for: that of UTF-32LE
// begins with that of UTF-16LE.
var byteOrderMarks = []struct {
	mark, name string
}{
	{"\xef\xbb\xbf", "utf-8"},
	{"\xff\xfe\x00\x00", "utf-32le"}, {"\x00\x00\xfe\xff", "utf-32be"},
	{"\xff\xfe", "utf-16le"}, {"\xfe\xff", "utf-16be"},
}

// shapes are how "<" or "<?xm" begins a document without a mark (XML 1.0,
// appendix F).
var shapes = []struct {
	start, name string
}{
	{"<\x00\x00\x00", "utf-32le"}, {"\x00\x00\x00<", "utf-32be"},
	{"<\x00", "utf-16le"}, {"\x00<", "utf-16be"}, {"{\x00", "utf-16le"}, {"\x00{", "utf-16be"},
	{"\x4c\x6f\xa7\x94", "cp037"},
}

// decoded is a document in UTF-8.
type decoded struct {
	text     []byte // without byte order mark and declaration
	encoding string // that it came in: its IANA name, in lower case
	wrong    string // what was said of the encoding and is not true; "" when all is
}

// decode brings a document into UTF-8. What its bytes are is said by, the first
// that is there and holds: a byte order mark, the charset of the Content-Type
// header, the XML declaration, the bytes themselves (the order of RFC 7303 §3:
// a mark does not come about by chance). Bytes that are none of the encoding
// become U+FFFD. The error is the context's.
func decode(ctx context.Context, b []byte, contentType string) (decoded, error) {
	name, wrong := "", ""
	for _, said := range []string{marked(b), charsetOf(contentType), shaped(b), declared(b)} {
		if said == "" {
			continue
		}
		if !holds(b, said) {
			wrong = fmt.Sprintf("it is said to be in %q, and is not", said)
			continue
		}
		name = said
		break
	}
	if name == "" {
		name = guessed(b)
	}
	text, err := convert(ctx, b, name)
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	return decoded{text: text[len(declaration.Find(start(text))):], encoding: strings.ToLower(name), wrong: wrong}, err
}

func marked(b []byte) string {
	for _, m := range byteOrderMarks {
		if bytes.HasPrefix(b, []byte(m.mark)) {
			return m.name
		}
	}
	return ""
}

func charsetOf(contentType string) string {
	_, parameters, err := mime.ParseMediaType(contentType)
	if err != nil {
		return ""
	}
	return strings.ToLower(strings.Trim(parameters["charset"], ` '"`)) // some write 'utf-8'
}

func shaped(b []byte) string {
	for _, s := range shapes {
		if bytes.HasPrefix(b, []byte(s.start)) {
			return s.name
		}
	}
	return ""
}

// start is where a declaration stands.
func start(b []byte) []byte { return b[:min(len(b), 1<<10)] }

func declared(b []byte) string {
	if found := declaredEncoding.FindSubmatch(declaration.Find(start(b))); found != nil {
		return strings.ToLower(string(found[1]))
	}
	return ""
}

// holds reports whether an encoding is known and b can be in it.
func holds(b []byte, name string) bool {
	wide := strings.Contains(name, "16") || strings.Contains(name, "32") || strings.Contains(name, "ucs")
	if wide = wide && (strings.HasPrefix(name, "utf") || strings.HasPrefix(name, "iso-10646") || strings.HasPrefix(name, "ucs")); wide {
		return bytes.IndexByte(b[:min(len(b), 64)], 0) >= 0
	}
	e := encodingOf(name)
	switch {
	case e == nil:
		return false
	case isUTF8(name):
		return utf8.Valid(b)
	}
	sample, err := e.NewDecoder().Bytes(b[:min(len(b), 64<<10)])
	return err == nil && !bytes.ContainsRune(sample[:max(0, len(sample)-8)], utf8.RuneError)
}

func isUTF8(name string) bool {
	switch name {
	case "utf-8", "utf8", "us-ascii", "ascii":
		return true
	}
	return false
}

// encodingOf returns an encoding by its name, nil when there is none: what
// browsers know, then what IANA lists.
func encodingOf(name string) encoding.Encoding {
	switch name {
	case "utf-16", "utf-16le":
		return unicode.UTF16(unicode.LittleEndian, unicode.UseBOM)
	case "utf-16be":
		return unicode.UTF16(unicode.BigEndian, unicode.UseBOM)
	case "utf-32", "utf-32le":
		return utf32.UTF32(utf32.LittleEndian, utf32.UseBOM)
	case "utf-32be":
		return utf32.UTF32(utf32.BigEndian, utf32.UseBOM)
	case "cp037":
		return charmap.CodePage037
	}
	if e, known := charset.Lookup(name); e != nil && known != "replacement" {
		return e
	}
	if e, err := ianaindex.IANA.Encoding(name); err == nil && e != nil {
		return e
	}
	return nil
}

// convert decodes bytes of an encoding that is known, without what XML forbids. No
// decoder fails: they write U+FFFD. The error is the context's.
func convert(ctx context.Context, b []byte, name string) ([]byte, error) {
	var to transform.Transformer = forbidden
	if !isUTF8(name) {
		to = transform.Chain(encodingOf(name).NewDecoder(), forbidden)
	}
	var text bytes.Buffer
	text.Grow(len(b) + bytes.MinRead)
	_, err := text.ReadFrom(transform.NewReader(untilDone{ctx, bytes.NewReader(b)}, to))
	return text.Bytes(), err
}

// forbidden takes out what XML forbids below space, as the parser does.
var forbidden = runes.Remove(runes.Predicate(func(r rune) bool { return r < ' ' && r != '\t' && r != '\n' && r != '\r' }))
