package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"newsfeed/feed/ingest"
)

// raw is one article, or one topic, as it stands in a file.
type raw struct {
	file string
	line int    // from 1; 0 in documents, whose entries are counted
	item int    // from 1, where line is 0
	text []byte // one line of JSON, without its line break; the caller's to keep
	end  int64  // bytes of the file up to its end
}

func (r raw) place() string {
	switch {
	case r.line > 0:
		return fmt.Sprintf("%s:%d", r.file, r.line)
	case r.item > 0:
		return fmt.Sprintf("%s: entry %d", r.file, r.item)
	}
	return r.file
}

// errBroken is an entry that cannot be read, or the rest of a file; what follows
// can be.
var errBroken = errors.New("cannot be read")

// maxRaw bounds one entry. The server takes 8 MiB a call.
const maxRaw = 4 << 20

// peekSize is how much of a file tells its format.
const peekSize = 64 << 10

// articlesIn yields the articles of a file of any format that import knows. The
// format is told from the content: a name may lie, and standard input has none.
func articlesIn(in io.Reader, file string) iter.Seq2[raw, error] {
	buffered := bufio.NewReaderSize(in, peekSize)
	start, _ := buffered.Peek(peekSize) // an error comes again when it is read
	if isDocument(start) {
		return documentEntries(buffered, file)
	}
	return entriesOf(buffered, file)
}

// entries yields the JSON objects of a file: one a line, the elements of an array,
// or simply one after the other. An error that is not errBroken is the last.
func entries(in io.Reader, file string) iter.Seq2[raw, error] {
	return entriesOf(bufio.NewReaderSize(in, peekSize), file)
}

func entriesOf(in *bufio.Reader, file string) iter.Seq2[raw, error] {
	if mark, _ := in.Peek(3); string(mark) == "\xef\xbb\xbf" {
		_, _ = in.Discard(3) // it was peeked
	}
	start, _ := in.Peek(peekSize)
	switch trimmed := bytes.TrimLeft(start, " \t\r\n"); {
	case len(trimmed) > 0 && trimmed[0] == '[':
		return valueEntries(in, file, true)
	case hasLines(trimmed):
		return lineEntries(in, file)
	}
	return valueEntries(in, file, false)
}

// jsonFeed finds the member that JSON Feed documents must have. Within a text of
// an article its quotes would be escaped.
var jsonFeed = regexp.MustCompile(`"version"\s*:\s*"https?://jsonfeed\.org/version`)

func isDocument(start []byte) bool {
	if !ingest.IsDocument(start) {
		return false
	}
	first := bytes.TrimLeft(start, "\xef\xbb\xbf \t\r\n")
	return len(first) == 0 || first[0] != '{' || jsonFeed.Match(first)
}

// hasLines tells NDJSON from objects that are spread over lines: its first line is
// whole, or, should that one be broken, another begins with an object. Lines
// within an object are indented.
func hasLines(start []byte) bool {
	first, rest, more := bytes.Cut(start, []byte("\n"))
	return json.Valid(first) || !more || bytes.HasPrefix(rest, []byte("{")) || bytes.Contains(rest, []byte("\n{"))
}

// lineEntries reads NDJSON. The server judges the lines; here only one that is too
// long to be sent is broken.
func lineEntries(in *bufio.Reader, file string) iter.Seq2[raw, error] {
	return func(yield func(raw, error) bool) {
		entry := raw{file: file}
		for {
			text, size, err := readLine(in)
			if err != nil && !errors.Is(err, errBroken) {
				if !errors.Is(err, io.EOF) {
					yield(entry, err)
				}
				return
			}
			entry.line++
			entry.end += size
			if entry.text = bytes.TrimSpace(text); len(entry.text) == 0 && err == nil {
				continue
			}
			if !yield(entry, err) {
				return
			}
		}
	}
}

// readLine returns a line and how many bytes of the file it was. errBroken: it is
// longer than maxRaw and was passed over. io.EOF comes alone.
func readLine(in *bufio.Reader) (text []byte, size int64, err error) {
	for {
		part, err := in.ReadSlice('\n')
		size += int64(len(part))
		if size <= maxRaw {
			text = append(text, part...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err != nil && (!errors.Is(err, io.EOF) || size == 0):
			return nil, size, err
		case size > maxRaw:
			return nil, size, fmt.Errorf("%w: the line is longer than %d MiB", errBroken, maxRaw>>20)
		}
		return text, size, nil
	}
}

// valueEntries reads JSON values, of an array or one after the other, each as it
// comes. What is no JSON hides all that follows it.
func valueEntries(in io.Reader, file string, array bool) iter.Seq2[raw, error] {
	return func(yield func(raw, error) bool) {
		lines := &lineCounter{in: in, line: 1}
		decoder := json.NewDecoder(lines)
		if array {
			_, _ = decoder.Token() // the bracket that was seen
		}
		for decoder.More() {
			var value json.RawMessage
			err := decoder.Decode(&value)
			entry := raw{file: file, line: lines.at(decoder.InputOffset() - int64(len(value))), end: decoder.InputOffset()}
			if err == nil {
				entry.text, err = oneLine(value)
				if !yield(entry, err) {
					return
				}
				continue
			}
			yield(entry, brokenHere(err))
			return
		}
		if _, err := decoder.Token(); array && err != nil {
			yield(raw{file: file, line: lines.at(decoder.InputOffset())}, brokenHere(err))
		}
	}
}

// brokenHere tells what is no JSON from what could not be read from the disk.
func brokenHere(err error) error {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w from here to the end of the file: %w", errBroken, err)
	}
	return err
}

func oneLine(value []byte) ([]byte, error) {
	if len(value) > maxRaw {
		return nil, fmt.Errorf("%w: it is longer than %d MiB", errBroken, maxRaw>>20)
	}
	var line bytes.Buffer
	if err := json.Compact(&line, value); err != nil {
		return nil, fmt.Errorf("%w: %w", errBroken, err)
	}
	return line.Bytes(), nil
}

// lineCounter knows on which line a byte stands of what was read through it.
type lineCounter struct {
	in     io.Reader
	read   int64
	breaks []int64 // offsets of line breaks not yet asked past
	line   int     // of the first byte after those asked past
}

func (l *lineCounter) Read(b []byte) (int, error) {
	n, err := l.in.Read(b)
	for i, c := range b[:n] {
		if c == '\n' {
			l.breaks = append(l.breaks, l.read+int64(i))
		}
	}
	l.read += int64(n)
	return n, err
}

// at is the line of the byte at offset. Offsets must not fall from call to call.
func (l *lineCounter) at(offset int64) int {
	passed, _ := slices.BinarySearch(l.breaks, offset)
	l.breaks = l.breaks[passed:]
	l.line += passed
	return l.line
}

// extensions are what is taken of a folder. A file that is named is taken whatever
// its name.
var extensions = []string{".ndjson", ".jsonl", ".json", ".xml", ".rss", ".atom", ".opml"}

// inputFile is a file to import; "-" is standard input.
type inputFile struct {
	path string
	size int64 // 0 when not known
}

// inputFiles finds what the arguments name, folders with all that is below them.
// It fails before anything is sent, as a wrong name is most often a slip.
func inputFiles(paths []string) ([]inputFile, error) {
	var files []inputFile
	for _, path := range paths {
		if path == "-" {
			files = append(files, inputFile{path: path})
			continue
		}
		about, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		if !about.IsDir() {
			files = append(files, inputFile{path, about.Size()})
			continue
		}
		found, err := folderFiles(path)
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			return nil, fmt.Errorf("%s holds no file that ends in %s", path, strings.Join(extensions, ", "))
		}
		files = append(files, found...)
	}
	return files, nil
}

func folderFiles(folder string) ([]inputFile, error) {
	var files []inputFile
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() || !slices.Contains(extensions, strings.ToLower(filepath.Ext(path))) {
			return err
		}
		about, err := entry.Info()
		if err == nil {
			files = append(files, inputFile{path, about.Size()})
		}
		return err
	})
	return files, err
}
