package api

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"newsfeed/interests/account"
)

type previewAnswer struct {
	Enters, Leaves []string
	Moves          []struct {
		Article  string
		From, To int
	}
	Removed int `json:"removed_last_7_days"`
}

// What a preview says is what the edit does; and it does nothing itself.
func TestPreviewIsWhatComes(t *testing.T) {
	h := NewHouse(t)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	topics := []string{"iran", "cuba", "tennis", "golf", "oslo", "source-alpha", "source-beta"}
	publishMany(h, random, 400)
	guest := h.Guest()
	h.Follow(guest, "iran")
	levels := []string{`"follow"`, `"favourite"`, `"mute"`, `null`}
	for round := range 40 {
		ops, edits := []map[string]any{}, map[string]string{}
		for range 1 + random.IntN(3) {
			topic, level := topics[random.IntN(len(topics))], levels[random.IntN(len(levels))]
			ops, edits[topic] = append(ops, map[string]any{"topic": topic, "level": json.RawMessage(level)}), level
		}
		body, _ := json.Marshal(map[string]any{"ops": ops})
		list := h.Must(200, "GET", "/interests", guest, "")
		before, all := h.firstHundred(guest), h.lately(guest)
		r := h.Must(200, "POST", "/interests/preview", guest, string(body))
		var got previewAnswer
		r.JSON(t, &got)
		if r.Header.Get(headerRevision) != list.Header.Get(headerRevision) {
			t.Errorf("the header says %s", r.Header.Get(headerRevision))
		}
		h.Must(304, "GET", "/interests", guest, "", "If-None-Match: "+list.Header.Get("ETag"))
		for topic, level := range edits {
			if level == "null" {
				h.Must(200, "DELETE", "/interests/"+topic, guest, "")
			} else {
				h.Must(200, "PUT", "/interests/"+topic, guest, `{"level":`+level+`}`)
			}
		}
		after := h.firstHundred(guest)
		want := previewAnswer{Enters: []string{}, Leaves: []string{}, Removed: len(all)}
		for i, id := range after {
			switch from := slices.Index(before, id); {
			case from < 0:
				want.Enters = append(want.Enters, id)
			case from != i:
				want.Moves = append(want.Moves, struct {
					Article  string
					From, To int
				}{id, from + 1, i + 1})
			}
		}
		for _, id := range before {
			if !slices.Contains(after, id) {
				want.Leaves = append(want.Leaves, id)
			}
		}
		for id := range h.lately(guest) {
			if all[id] {
				want.Removed--
			}
		}
		if len(got.Moves) == 0 {
			got.Moves = nil
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("round %d, %s:\ngot  %+v\nwant %+v", round, body, got, want)
		}
	}
}

// publishMany stores articles of the last ten days, each a story by itself.
func publishMany(h *House, random *rand.Rand, n int) {
	topics := []string{"Iran", "Cuba", "Tennis", "Golf", "Oslo"}
	var articles []map[string]any
	for i := range n {
		tags := []string{}
		for range 1 + random.IntN(2) {
			tags = append(tags, topics[random.IntN(len(topics))])
		}
		articles = append(articles, map[string]any{
			"url": fmt.Sprintf("https://news.example/%d", i), "title": fmt.Sprint(i), "topics": tags,
			"source":       map[string]string{"id": []string{"alpha", "beta", "gamma"}[random.IntN(3)]},
			"published_at": h.Clock.Now().Add(-time.Duration(random.IntN(240*60)) * time.Minute).UTC().Format(time.RFC3339),
		})
	}
	body, _ := json.Marshal(articles)
	post(h, h, h.Publisher, string(body))
}

func (h *House) firstHundred(token account.Secret) (ids []string) {
	for _, card := range h.GetPage("/feed?limit=100&must_know=0", token).Items {
		ids = append(ids, card.Article.ID)
	}
	return ids
}

// lately returns the articles of the last seven days that a person's feed has.
func (h *House) lately(token account.Secret) map[string]bool {
	since := h.Clock.Now().Add(-7 * 24 * time.Hour)
	ids := map[string]bool{}
	for path := "/feed?limit=100&must_know=0"; path != ""; {
		r := h.Must(200, "GET", path, token, "")
		var p struct {
			Items []struct {
				Article struct {
					ID        string
					Published time.Time `json:"published_at"`
				}
			}
		}
		r.JSON(h, &p)
		for _, card := range p.Items {
			if !card.Article.Published.Before(since.Truncate(time.Second)) {
				ids[card.Article.ID] = true
			}
		}
		path = linkTo(r.Header.Get("Link"))
	}
	return ids
}

func TestBadPreviews(t *testing.T) {
	h := NewHouse(t)
	h.Publish(h.Publisher, "Iran", "a")
	guest := h.Guest()
	tests := []struct {
		body, location string
		status         int
	}{
		{`{}`, "/ops", 400},
		{`{"ops":null}`, "/ops", 400},
		{`{"ops":[{"topic":"iran"}]}`, "/ops/0/level", 400},
		{`{"ops":[{"topic":"iran","level":null},{"topic":"iran","level":"none"}]}`, "/ops/1/level", 400},
		{`{"ops":[{"topic":"iran","level":{"$gt":""}}]}`, "/ops/0/level", 400},
		{`{"ops":[{"level":"mute"}]}`, "/ops/0/topic", 400},
		{`{"ops":[{"topic":"iran","level":"mute","at":"x"}]}`, "/ops/0/at", 400},
		{`{"ops":[{"topic":"noth-korea","level":"mute"}]}`, "/ops/0/topic", 404},
	}
	for _, test := range tests {
		p := h.Must(test.status, "POST", "/interests/preview", guest, test.body).Problem(t)
		if len(p.Errors) != 1 || p.Errors[0].Location != test.location {
			t.Errorf("%s: errors %v, want one at %s", test.body, p.Errors, test.location)
		}
	}
	var got previewAnswer
	h.Must(200, "POST", "/interests/preview", guest, `{"ops":[]}`).JSON(t, &got)
	if got.Enters == nil || got.Leaves == nil || got.Moves == nil {
		t.Errorf("nothing at all: %+v", got)
	}
	h.Must(200, "POST", "/interests/preview", guest, `{"ops":[{"topic":"nobody-knows","level":null},{"topic":"IRAN","level":"mute"},{"topic":"iran","level":null}]}`).JSON(t, &got)
	if len(got.Leaves) != 0 {
		t.Errorf("muted and not: %+v", got)
	}
}
