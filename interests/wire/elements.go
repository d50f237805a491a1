package wire

import (
	"bytes"
	"errors"
	"io"
	"iter"

	"github.com/go-json-experiment/json/jsontext"
)

// Elements splits a JSON array into its elements, so that each can be read by
// [Decode] alone and one that is bad spoils no other: inside them duplicate
// keys and invalid UTF-8 pass here. When b is not one array of JSON values, the
// last pair is nil and a [*Malformed]; what came before it is not to be used
// then. An element may be used until the next one.
func Elements(b []byte) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		d := jsontext.NewDecoder(bytes.NewBuffer(b), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
		if d.PeekKind() != '[' {
			yield(nil, &Malformed{Message: "must be an array"})
			return
		}
		d.ReadToken()
		for d.PeekKind() != ']' {
			element, err := d.ReadValue()
			if err != nil {
				yield(nil, malformed(err))
				return
			}
			if !yield(element, nil) {
				return
			}
		}
		d.ReadToken()
		if _, err := d.ReadToken(); err == nil {
			yield(nil, &Malformed{Message: "is no JSON: there is more after the array"})
		} else if !errors.Is(err, io.EOF) {
			yield(nil, malformed(err))
		}
	}
}
