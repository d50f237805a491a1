// Package wire holds the JSON shapes of lists, ops and marks, which the door
// and the client share, and the strictness with which our own shapes are read.
// It decides nothing about what it reads.
package wire

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// MaxDepth is how deep objects and arrays may nest in a body of our own shapes.
const MaxDepth = 32

// Malformed says why a body is not JSON of ours (status 400).
type Malformed struct {
	Location string // JSON pointer to the place, "" for the whole
	Message  string // for people: "unknown field", "must be a string"
}

func (m *Malformed) Error() string {
	if m.Location == "" {
		return m.Message
	}
	return m.Location + ": " + m.Message
}

// Decode reads b, one JSON value of one of our own shapes, into v. It returns
// a [*Malformed] when b is not JSON, is followed by something, holds unknown
// fields, duplicate keys, invalid UTF-8 or lone surrogates, nests deeper than
// [MaxDepth], or has a value of the wrong type. Names of fields are compared
// exactly. null leaves a field empty. What v holds after an error is
// undefined. Strings in v are copies: b may be used again.
func Decode(b []byte, v any) error {
	return decode(b, v, json.RejectUnknownMembers(true))
}

// DecodeOpen is [Decode] for documents of a standard that is not ours: fields
// that v does not name are passed over, and names are compared without regard
// to case, "-" and "_" (versions of ninjs differ in nothing else).
func DecodeOpen(b []byte, v any) error {
	return decode(b, v, json.MatchCaseInsensitiveNames(true))
}

func decode(b []byte, v any, options ...json.Options) error {
	if tooDeep(b) {
		return &Malformed{Message: fmt.Sprintf("nests deeper than %d", MaxDepth)}
	}
	if err := json.Unmarshal(b, v, options...); err != nil {
		return malformed(err)
	}
	return nil
}

// tooDeep counts brackets outside strings. The library's own limit is 10,000
// and not to be set; this loop runs at more than a gigabyte per second, and
// whether b is JSON at all is judged afterwards.
func tooDeep(b []byte) bool {
	depth := 0
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '{', '[':
			if depth++; depth > MaxDepth {
				return true
			}
		case '}', ']':
			depth--
		case '"':
			for i++; i < len(b) && b[i] != '"'; i++ {
				if b[i] == '\\' {
					i++
				}
			}
		}
	}
	return false
}

// malformed puts an error of the JSON library into our words.
func malformed(err error) *Malformed {
	var given *Malformed
	var semantic *json.SemanticError
	switch {
	case errors.As(err, &given) && given.Location == "" && errors.As(err, &semantic): // a type of ours does not know where it stands
		return &Malformed{string(semantic.JSONPointer), given.Message}
	case errors.As(err, &given):
		return given
	case errors.As(err, &semantic):
		return &Malformed{string(semantic.JSONPointer), semanticMessage(semantic)}
	}
	var syntactic *jsontext.SyntacticError
	if errors.As(err, &syntactic) {
		return &Malformed{string(syntactic.JSONPointer), syntacticMessage(syntactic)}
	}
	return &Malformed{Message: "is no JSON: the text ends too early"} // io.EOF, of an empty body
}

func semanticMessage(e *json.SemanticError) string {
	switch {
	case errors.Is(e.Err, json.ErrUnknownName):
		return "unknown field"
	case e.GoType == nil:
		return "has the wrong type"
	case e.JSONKind == '0' && isInteger(e.GoType):
		return "must be a whole number in range"
	default:
		return "must be " + typeName(e.GoType)
	}
}

func syntacticMessage(e *jsontext.SyntacticError) string {
	if errors.Is(e.Err, jsontext.ErrDuplicateName) {
		return "duplicate key"
	}
	if e.Err == nil {
		return "is no JSON"
	}
	// "invalid UTF-8", "invalid surrogate pair …", "invalid character …": the
	// library's texts are good; it quotes at most a few characters.
	message := strings.ReplaceAll(e.Err.Error(), "unexpected EOF", "the text ends too early")
	return fmt.Sprintf("is no JSON: %s (after byte %d)", message, e.ByteOffset)
}

func isInteger(t reflect.Type) bool {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.Kind() >= reflect.Int && t.Kind() <= reflect.Uint64
}

// typeName names a Go type in the words of JSON.
func typeName(t reflect.Type) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Struct, reflect.Map:
		return "an object"
	case reflect.Slice, reflect.Array:
		return "an array"
	}
	return "a number"
}
