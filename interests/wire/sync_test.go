package wire

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"newsfeed/interests"
)

const at = `"0192f0c1a2b30000a1b2c3d4e5f60718"`

// Each bad edit is refused with the place and the reason, and keeps its id.
func TestReadOp(t *testing.T) {
	long := strings.Repeat("é", MaxOpID)
	for _, c := range []struct{ name, op, id, location string }{
		{"an edit", `{"id":"a","topic":"iran","level":"mute","at":` + at + `}`, "a", ""},
		{"a removal", `{"id":"","topic":"iran","level":null,"at":` + at + `}`, "", ""},
		{"the longest id", `{"id":"` + long + `","topic":"iran","level":null,"at":` + at + `}`, long, ""},
		{"a longer id", `{"id":"` + long + `x","topic":"iran","level":null,"at":` + at + `}`, long + "x", "/id"},
		{"no id", `{"topic":"iran","level":null,"at":` + at + `}`, "", "/id"},
		{"no topic", `{"id":"a","level":null,"at":` + at + `}`, "a", "/topic"},
		{"an empty topic", `{"id":"a","topic":"","level":null,"at":` + at + `}`, "a", "/topic"},
		{"a long topic", `{"id":"a","topic":"` + strings.Repeat("x", 65) + `","level":null,"at":` + at + `}`, "a", "/topic"},
		{"no level", `{"id":"a","topic":"iran","at":` + at + `}`, "a", "/level"},
		{"a level of none", `{"id":"a","topic":"iran","level":"none","at":` + at + `}`, "a", "/level"},
		{"a level that is a number", `{"id":"a","topic":"iran","level":1,"at":` + at + `}`, "a", "/level"},
		{"no stamp", `{"id":"a","topic":"iran","level":null}`, "a", "/at"},
		{"a bad stamp", `{"id":"a","topic":"iran","level":null,"at":"0192F0C1A2B30000A1B2C3D4E5F60718"}`, "a", "/at"},
		{"the zero stamp", `{"id":"a","topic":"iran","level":null,"at":"` + strings.Repeat("0", 32) + `"}`, "a", "/at"},
		{"an operator", `{"id":"a","topic":{"$gt":""},"level":null,"at":` + at + `}`, "a", "/topic"},
		{"an unknown field", `{"id":"a","topic":"iran","level":null,"at":` + at + `,"by":1}`, "a", "/by"},
		{"no object", `"a"`, "", ""},
	} {
		op, err := ReadOp([]byte(c.op))
		var bad *Malformed
		if good := c.location == "" && c.op != `"a"`; good != (err == nil) || !good && (!errors.As(err, &bad) || bad.Location != c.location) || op.ID != c.id {
			t.Errorf("%s: %+v, %v, want id %q and a fault at %q", c.name, op, err, c.id, c.location)
		}
	}
	for _, c := range []struct{ name, op, location string }{
		{"an edit", `{"id":"a","story":"s","mark":"read","value":false,"at":` + at + `}`, ""},
		{"no story", `{"id":"a","mark":"read","value":false,"at":` + at + `}`, "/story"},
		{"no mark", `{"id":"a","story":"s","value":false,"at":` + at + `}`, "/mark"},
		{"no value", `{"id":"a","story":"s","mark":"read","value":null,"at":` + at + `}`, "/value"},
		{"no stamp", `{"id":"a","story":"s","mark":"read","value":true}`, "/at"},
		{"a text for a truth", `{"id":"a","story":"s","mark":"read","value":"yes","at":` + at + `}`, "/value"},
	} {
		op, err := ReadMarkOp([]byte(c.op))
		var bad *Malformed
		if (c.location == "") != (err == nil) || err != nil && (!errors.As(err, &bad) || bad.Location != c.location) || op.ID != "a" {
			t.Errorf("mark: %s: %+v, %v, want a fault at %q", c.name, op, err, c.location)
		}
	}
}

// What a client writes the door reads, and the other way round.
func TestSyncRoundTrip(t *testing.T) {
	stamp, err := interests.ParseStamp(strings.Trim(at, `"`))
	if err != nil {
		t.Fatal(err)
	}
	since, digest := interests.Revision(1<<63), Hex(0xa1)
	sent := Sync[Op]{Device: 7, Since: &since, Digest: &digest, Ops: []Op{
		{"a", "iran", Level(interests.Favourite), stamp}, {"b", "golf", Level(interests.None), stamp},
	}}
	text, err := json.Marshal(sent)
	if err != nil {
		t.Fatal(err)
	}
	var read Sync[json.RawMessage]
	if err := Decode(text, &read); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	got := Sync[Op]{Device: read.Device, Since: read.Since, Digest: read.Digest}
	for _, raw := range read.Ops {
		op, err := ReadOp(raw)
		if err != nil {
			t.Fatalf("%v in %s", err, raw)
		}
		got.Ops = append(got.Ops, op)
	}
	if diff := cmp.Diff(sent, got); diff != "" {
		t.Errorf("(-sent +read):\n%s", diff)
	}
	answer := Synced[Change]{
		Revision: 9, Now: Moment{time.UnixMilli(1_790_000_000_100).UTC()}, Digest: 1 << 63,
		Changes: []Change{{"iran", Level(interests.None), stamp}},
		Results: []Result{{ID: "a", Status: interests.Rejected, Problem: &Problem{Type: "too-old", Title: "Conflict", Status: 409}}},
	}
	text, err = json.Marshal(answer)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), `"now":"2026-09-21T14:13:20.100Z"`) || !strings.Contains(string(text), `"level":null`) {
		t.Errorf("%s", text)
	}
	var again Synced[Change]
	if err := json.Unmarshal(text, &again); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(answer, again); diff != "" {
		t.Errorf("(-sent +read):\n%s", diff)
	}
}

func TestBadSync(t *testing.T) {
	for _, c := range []struct{ body, location string }{
		{`{"device":"xyz","ops":[]}`, "/device"},
		{`{"device":"+123456789abcdef","ops":[]}`, "/device"},
		{`{"device":"00000000000000001","ops":[]}`, "/device"},
		{`{"device":7,"ops":[]}`, "/device"},
		{`{"device":"00000000000000a1","digest":"1","ops":[]}`, "/digest"},
		{`{"device":"00000000000000a1","since":-1,"ops":[]}`, "/since"},
		{`{"device":"00000000000000a1","since":"1","ops":[]}`, "/since"},
		{`{"device":"00000000000000a1","ops":[{"a":1,"a":2}]}`, "/ops/0/a"},
		{`{"device":"00000000000000a1","ops":{}}`, "/ops"},
	} {
		var bad *Malformed
		if err := Decode([]byte(c.body), new(Sync[json.RawMessage])); !errors.As(err, &bad) || bad.Location != c.location {
			t.Errorf("%s: %v, want a fault at %s", c.body, err, c.location)
		}
	}
}
