package embedded

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"newsfeed/feed"
	"newsfeed/interests/topic"
)

// The fast decoder reads every entry as encoding/json does.
func TestDecodeAsEncodingJSON(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		text := rapid.String()
		e := feed.Entry{
			Edition: feed.Edition(rapid.Uint64().Draw(r, "edition")),
			At:      time.UnixMilli(rapid.Int64Range(-1e13, 1e13).Draw(r, "at")).UTC(),
			Article: feed.Article{
				Title: text.Draw(r, "title"), URL: text.Draw(r, "url"),
				Tags: rapid.SliceOfN(rapid.Custom(func(r *rapid.T) feed.Tag {
					return feed.Tag{Name: text.Draw(r, "name"), Salience: rapid.Float64().Draw(r, "salience"), Inherited: rapid.Bool().Draw(r, "inherited")}
				}), 0, 3).Draw(r, "tags"),
			},
			Key: rapid.Int64().Draw(r, "key"),
		}
		if rapid.Bool().Draw(r, "topic") {
			e.Topic = &topic.Topic{Name: text.Draw(r, "topic name"), Aliases: rapid.SliceOf(text).Draw(r, "aliases")}
		}
		data, err := json.Marshal(e)
		if err != nil {
			r.Fatal(err)
		}
		var want feed.Entry
		if err := json.Unmarshal(data, &want); err != nil {
			r.Fatal(err)
		}
		got, err := decodeEntry(number(1), data)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			r.Fatalf("%s: %v (-encoding/json +fast):\n%s", data, err, diff)
		}
	})
}

// A damaged entry is an error that names its edition.
func TestDecodeDamaged(t *testing.T) {
	_, err := decodeEntries([][]byte{number(7)}, [][]byte{[]byte(`{"edition":`)})
	if err == nil || !strings.HasPrefix(err.Error(), "the entry of edition 7 is damaged") {
		t.Fatalf("decode: %v, want an error that names edition 7", err)
	}
}
