package wire

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"
)

type sample struct {
	Name  string   `json:"name"`
	Count *int     `json:"count"`
	Share *float64 `json:"share"`
	Flag  bool     `json:"flag"`
	Inner *struct {
		URL string `json:"url"`
	} `json:"inner"`
	List []string `json:"list"`
	Any  any      `json:"any"`
}

// Every kind of bad body is refused, with the place and the reason.
func TestDecodeRefuses(t *testing.T) {
	deep := strings.Repeat("[", 33) + strings.Repeat("]", 33)
	tests := []struct{ name, body, location, message string }{
		{"nothing", ``, "", "ends too early"},
		{"spaces only", "  \n", "", "ends too early"},
		{"no JSON", `hello`, "", "is no JSON"},
		{"cut off", `{"name":"a`, "/name", "ends too early"},
		{"trailing comma", `{"name":"a",}`, "", "is no JSON"},
		{"single quotes", `{'name':'a'}`, "", "is no JSON"},
		{"NaN", `{"share":NaN}`, "/share", "is no JSON"},
		{"comment", `{"name":"a"} // b`, "", "is no JSON"},
		{"second value", `{"name":"a"}{"name":"b"}`, "", "is no JSON"},
		{"unknown field", `{"name":"a","nam":"b"}`, "/nam", "unknown field"},
		{"other case", `{"Name":"a"}`, "/Name", "unknown field"},
		{"unknown field inside", `{"inner":{"x":1}}`, "/inner/x", "unknown field"},
		{"duplicate key", `{"name":"a","name":"a"}`, "/name", "duplicate key"},
		{"duplicate key, escaped", `{"name":"a","\u006eame":"a"}`, "/name", "duplicate key"},
		{"duplicate key inside any", `{"any":{"k":1,"k":2}}`, "/any/k", "duplicate key"},
		{"invalid UTF-8", "{\"name\":\"a\xff\"}", "/name", "invalid UTF-8"},
		{"overlong UTF-8", "{\"name\":\"\xc0\xaf\"}", "/name", "invalid UTF-8"},
		{"UTF-8 surrogate", "{\"name\":\"\xed\xa0\x80\"}", "/name", "invalid UTF-8"},
		{"invalid UTF-8 in a key", "{\"\xff\":1}", "", "invalid UTF-8"},
		{"lone high surrogate", `{"name":"\ud800"}`, "/name", "surrogate"},
		{"lone low surrogate", `{"name":"\udc00x"}`, "/name", "surrogate"},
		{"swapped surrogates", `{"name":"\udc00\ud800"}`, "/name", "surrogate"},
		{"surrogate in a key", `{"\ud800":1}`, "", "surrogate"},
		{"object for a string", `{"name":{"$gt":""}}`, "/name", "must be a string"},
		{"number for a string", `{"name":1}`, "/name", "must be a string"},
		{"object in a list", `{"list":["a",{"$gt":""}]}`, "/list/1", "must be a string"},
		{"string for a number", `{"count":"1"}`, "/count", "must be a number"},
		{"fraction", `{"count":1.5}`, "/count", "whole number"},
		{"huge number", `{"count":1e99}`, "/count", "whole number"},
		{"string for an object", `{"inner":"x"}`, "/inner", "must be an object"},
		{"string for an array", `{"list":"x"}`, "/list", "must be an array"},
		{"string for a truth", `{"flag":"true"}`, "/flag", "must be true or false"},
		{"array for all", `[]`, "", "must be an object"},
		{"deep", `{"any":` + deep + `}`, "", "nests deeper than 32"},
		{"very deep", strings.Repeat("[", 1_000_000), "", "nests deeper than 32"},
		{"control character", "{\"name\":\"a\nb\"}", "/name", "is no JSON"},
		{"byte order mark", "\xef\xbb\xbf{}", "", "is no JSON"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := Decode([]byte(test.body), new(sample))
			var bad *Malformed
			if !errors.As(err, &bad) {
				t.Fatalf("Decode(%.80q) = %v, want *Malformed", test.body, err)
			}
			if bad.Location != test.location || !strings.Contains(bad.Message, test.message) {
				t.Errorf("Decode(%.80q) = %q at %q, want %q at %q", test.body, bad.Message, bad.Location, test.message, test.location)
			}
		})
	}
}

func TestDecodeReads(t *testing.T) {
	var v sample
	body := []byte(`{"name":"\ud83d\ude00 a\u0000b","count":3,"share":null,"inner":{"url":"u"},"list":["[[[[","\"{{"],"any":` +
		strings.Repeat("[", 31) + strings.Repeat("]", 31) + "} \n")
	if err := Decode(body, &v); err != nil {
		t.Fatal(err)
	}
	clear(body)
	if v.Name != "😀 a\x00b" || *v.Count != 3 || v.Share != nil || v.Inner.URL != "u" || v.List[1] != `"{{` {
		t.Errorf("got %+v", v)
	}
}

func TestDecodeOpenPassesOverOnlyUnknownFields(t *testing.T) {
	var v sample
	if err := DecodeOpen([]byte(`{"NAME":"a","other":{"deep":[1]}}`), &v); err != nil || v.Name != "a" {
		t.Errorf("got %+v, %v", v, err)
	}
	for _, body := range []string{`{"other":1,"other":2}`, "{\"other\":\"\xff\"}", `{"name":"a","NAME":"b"}`, `{} {}`} {
		if err := DecodeOpen([]byte(body), new(sample)); err == nil {
			t.Errorf("DecodeOpen(%q) succeeded", body)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"name":"a","any":[{"x":null}]}`))
	f.Add([]byte(`{"name":"\ud800"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var v sample
		err := Decode(b, &v)
		var bad *Malformed
		if err != nil && (!errors.As(err, &bad) || bad.Message == "" || !utf8.ValidString(bad.Message+bad.Location)) {
			t.Fatalf("Decode(%q) = %#v", b, err)
		}
		if err == nil && !utf8.ValidString(v.Name) {
			t.Fatalf("Decode(%q) gave invalid UTF-8 %q", b, v.Name)
		}
	})
}
