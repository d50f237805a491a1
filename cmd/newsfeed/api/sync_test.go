package api

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"newsfeed/feed"
	"newsfeed/interests"
	"newsfeed/interests/account"
	"newsfeed/interests/topic"
	"newsfeed/interests/wire"
)

const aDevice = `"device":"a1b2c3d4e5f60718"`

// stampAt is a stamp of that device.
func stampAt(at time.Time, counter uint16) string {
	return interests.NewStamp(at, counter, 0xa1b2c3d4e5f60718).String()
}

// syncs sends ops, one JSON text each, with what the device has, if it says.
func syncs[C any](h *House, path string, token account.Secret, has *interests.Known, ops ...string) (got wire.Synced[C]) {
	h.Helper()
	since := ""
	if has != nil {
		since = fmt.Sprintf(`"since":%d,"digest":"%016x",`, has.Revision, has.Digest)
	}
	h.Must(200, "POST", path, token, `{`+aDevice+`,`+since+`"ops":[`+strings.Join(ops, ",")+`]}`).JSON(h, &got)
	if got.Changes == nil || got.Results == nil || len(got.Results) != len(ops) {
		h.Fatalf("%d results, changes %v", len(got.Results), got.Changes)
	}
	return got
}

func after[C any](got wire.Synced[C]) *interests.Known {
	return &interests.Known{Revision: got.Revision, Digest: uint64(got.Digest)}
}

func opJSON(id, topic, level, at string) string {
	return fmt.Sprintf(`{"id":%q,"topic":%q,"level":%s,"at":%q}`, id, topic, level, at)
}

// The digests of the contract, edits of two devices, a removal that wins over an
// older follow, and what is told of it.
func TestSync(t *testing.T) {
	h := NewHouse(t)
	guest := h.Guest()
	list := func(has *interests.Known, ops ...string) wire.Synced[wire.Change] {
		t.Helper()
		return syncs[wire.Change](h, "/interests/sync", guest, has, ops...)
	}
	got := list(nil)
	if !got.Full || got.Revision != 0 || got.Digest != 0 || len(got.Changes) != 0 || got.Now.Sub(h.Clock.Now()).Abs() >= time.Millisecond {
		t.Errorf("a new guest: %+v", got)
	}
	one := list(after(got), opJSON("1", "north-korea", `"follow"`, "0192f0c1a2b30000a1b2c3d4e5f60718"))
	if one.Full || one.Digest.String() != "8c1d9ce6be9782f4" || len(one.Changes) != 1 || one.Results[0] != (wire.Result{ID: "1", Status: "applied"}) {
		t.Errorf("one: %+v", one)
	}
	two := list(after(one), opJSON("2", "iran", `"mute"`, "0192f0c1a2b40001a1b2c3d4e5f60718"), opJSON("", "iran", `"mute"`, "0192f0c1a2b40001a1b2c3d4e5f60718"))
	if two.Full || two.Digest.String() != "8315dc3f9cde7090" || len(two.Changes) != 1 || two.Changes[0].Topic != "iran" || two.Results[1].Status != "duplicate" {
		t.Errorf("two: %+v", two)
	}
	var seen listAnswer
	r := h.Must(200, "GET", "/interests", guest, "")
	r.JSON(t, &seen)
	if seen.Revision != uint64(two.Revision) || seen.Digest != two.Digest.String() || len(seen.Interests) != 2 {
		t.Errorf("GET /interests: %+v", seen)
	}
	h.Must(200, "DELETE", "/interests/north-korea", guest, "")
	older := list(after(two), opJSON("3", "north-korea", `"favourite"`, stampAt(h.Clock.Now().Add(-time.Second), 0)))
	if older.Full || len(older.Changes) != 1 || older.Changes[0].Level != wire.Level(interests.None) || older.Results[0].Status != "superseded" {
		t.Errorf("an older follow: %+v", older)
	}
	again := list(after(older), opJSON("3", "north-korea", `"favourite"`, stampAt(h.Clock.Now().Add(-time.Second), 0)))
	if again.Full || len(again.Changes) != 1 || again.Revision != older.Revision {
		t.Errorf("a superseded edit again: %+v", again)
	}
	if full := list(&interests.Known{Revision: older.Revision, Digest: 1}); !full.Full || len(full.Changes) != 2 {
		t.Errorf("with another digest: %+v", full)
	}
	if full := list(&interests.Known{Revision: older.Revision + 1, Digest: uint64(older.Digest)}); !full.Full {
		t.Errorf("of the future: %+v", full)
	}
	for _, left := range []string{`"since":1,`, `"digest":"0000000000000000",`, `"since":null,"digest":null,`} {
		var full wire.Synced[wire.Change]
		h.Must(200, "POST", "/interests/sync", guest, `{`+aDevice+`,`+left+`"ops":[]}`).JSON(t, &full)
		if !full.Full {
			t.Errorf("with %s alone: %+v", left, full)
		}
	}
}

// Every op that is none, or is not admitted, is rejected by itself with its
// problem, and the others are made.
func TestSyncRejects(t *testing.T) {
	h := NewHouse(t)
	guest := h.Guest()
	now, long := h.Clock.Now(), strings.Repeat("x", 65)
	for _, c := range []struct {
		name, op, id, kind string
		status             int
		place, detail      string
	}{
		{"unknown topic", opJSON("a", "norht-korea", `"follow"`, stampAt(now, 0)), "a", "unknown-topic", 404, "", "north-korea"},
		{"a name", opJSON("a", "North Korea", `"follow"`, stampAt(now, 0)), "a", "unknown-topic", 404, "", "north-korea"},
		{"121 s ahead", opJSON("a", "iran", `"follow"`, stampAt(now.Add(121*time.Second), 0)), "a", "clock-ahead", 409, "", "now"},
		{"ahead with a great counter", opJSON("a", "iran", `"follow"`, stampAt(now.Add(time.Second), 0x8000)), "a", "clock-ahead", 409, "", "now"},
		{"no level", `{"id":"a","topic":"iran","at":"` + stampAt(now, 0) + `"}`, "a", "about:blank", 400, "/level", ""},
		{"no such level", opJSON("a", "iran", `"adore"`, stampAt(now, 0)), "a", "about:blank", 400, "/level", ""},
		{"an operator", opJSON("a", "iran", `{"$gt":""}`, stampAt(now, 0)), "a", "about:blank", 400, "/level", ""},
		{"no stamp", opJSON("a", "iran", `"follow"`, "now"), "a", "about:blank", 400, "/at", ""},
		{"unknown field", strings.Replace(opJSON("a", "iran", `"follow"`, stampAt(now, 0)), "{", `{"account":"x",`, 1), "a", "about:blank", 400, "/account", ""},
		{"a long id", opJSON(long, "iran", `"follow"`, stampAt(now, 0)), long, "about:blank", 400, "/id", ""},
		{"a long topic", opJSON("a", long, `null`, stampAt(now, 0)), "a", "about:blank", 400, "/topic", ""},
		{"nothing", `null`, "", "about:blank", 400, "/id", ""},
	} {
		got := syncs[wire.Change](h, "/interests/sync", guest, nil, c.op, opJSON("good", "cuba", `"follow"`, stampAt(now, 0)))
		r := got.Results[0]
		if r.ID != c.id || r.Status != "rejected" || r.Problem == nil || r.Problem.Type != c.kind || r.Problem.Status != c.status || !strings.Contains(r.Problem.Detail, c.detail) {
			t.Errorf("%s: %+v %+v", c.name, r, r.Problem)
			continue
		}
		if c.place != "" && (len(r.Problem.Errors) != 1 || r.Problem.Errors[0].Location != c.place) {
			t.Errorf("%s: errors %v, want one at %s", c.name, r.Problem.Errors, c.place)
		}
		if got.Results[1].Status == "rejected" || len(got.Changes) != 1 || got.Changes[0].Topic != "cuba" {
			t.Errorf("%s: the good one beside it: %+v, %+v", c.name, got.Results[1], got.Changes)
		}
	}
	if got := syncs[wire.Change](h, "/interests/sync", guest, nil, opJSON("a", "long-gone", `null`, stampAt(now, 1))); got.Results[0].Status != "applied" || len(got.Changes) != 2 {
		t.Errorf("a removal of what nobody knows: %+v", got)
	}
}

// Beyond the limits an edit is rejected, and so is one at or below the floor.
func TestSyncLimits(t *testing.T) {
	h := NewHouse(t)
	guest := h.Guest()
	who, err := h.person(guest, anybodys)
	if err != nil {
		t.Fatal(err)
	}
	ops, now := []interests.Op{}, h.Clock.Now()
	for i := range interests.MaxMuted + interests.MaxTombstones + 1 {
		level := interests.Mute
		if i >= interests.MaxMuted {
			level = interests.None
		}
		ops = append(ops, interests.Op{Topic: topic.ID(fmt.Sprint("t", i)), Level: level, At: interests.NewStamp(now, uint16(i), 7)})
	}
	if _, err := h.Lists.Sync(t.Context(), who.session.Account, nil, ops, who.session.Until()); err != nil {
		t.Fatal(err)
	}
	got := syncs[wire.Change](h, "/interests/sync", guest, nil,
		opJSON("full", "iran", `"mute"`, stampAt(h.Clock.Now(), 0xffff)), opJSON("old", "cuba", `"follow"`, stampAt(h.Clock.Now().Add(-time.Hour), 0)))
	if r := got.Results[0]; r.Status != "rejected" || r.Problem.Type != "list-full" || r.Problem.Status != 409 {
		t.Errorf("the 501st: %+v", r)
	}
	if r := got.Results[1]; r.Status != "rejected" || r.Problem.Type != "too-old" || r.Problem.Status != 409 {
		t.Errorf("below the floor: %+v", r)
	}
	if !got.Full || len(got.Changes) != interests.MaxMuted+interests.MaxTombstones {
		t.Errorf("full %v with %d changes", got.Full, len(got.Changes))
	}
}

// What is no sync at all is refused as a whole, and changes nothing.
func TestBadSyncs(t *testing.T) {
	h := NewHouse(t)
	ids := h.Publish(h.Publisher, "Iran", "a")
	guest := h.Guest()
	good := map[string]string{
		"/interests/sync": opJSON("a", "iran", `"follow"`, stampAt(h.Clock.Now(), 0)),
		"/marks/sync":     markJSON("a", ids[0], "read", true, stampAt(h.Clock.Now(), 0)),
	}
	for path, op := range good {
		for _, c := range []struct {
			body     string
			status   int
			location string
		}{
			{`{"ops":[` + op + `]}`, 400, "/device"},
			{`{"device":"0000000000000000","ops":[` + op + `]}`, 400, "/device"},
			{`{"device":"a1b2","ops":[` + op + `]}`, 400, "/device"},
			{`{` + aDevice + `}`, 400, "/ops"},
			{`{` + aDevice + `,"ops":null}`, 400, "/ops"},
			{`{` + aDevice + `,"since":-1,"ops":[` + op + `]}`, 400, "/since"},
			{`{` + aDevice + `,"digest":"x","ops":[` + op + `]}`, 400, "/digest"},
			{`{` + aDevice + `,"ops":[` + strings.Repeat(op+",", 200) + op + `]}`, 400, "/ops"},
			{`{` + aDevice + `,"ops":[` + op + `],"account":"x"}`, 400, "/account"},
			{`{` + aDevice + `,"ops":[` + op + `]}` + strings.Repeat(" ", wire.MaxSyncBody), 413, ""},
		} {
			p := h.Must(c.status, "POST", path, guest, c.body).Problem(t)
			if c.location != "" && (len(p.Errors) != 1 || p.Errors[0].Location != c.location) {
				t.Errorf("%.100s: errors %v, want one at %s", c.body, p.Errors, c.location)
			}
		}
		h.Must(200, "POST", path, guest, `{`+aDevice+`,"ops":[]}`+strings.Repeat(" ", wire.MaxSyncBody-60))
	}
	if got := syncs[wire.Change](h, "/interests/sync", guest, nil); got.Revision != 0 {
		t.Errorf("the list was changed: %+v", got)
	}
	if got := syncs[wire.MarkChange](h, "/marks/sync", guest, nil); got.Revision != 0 {
		t.Errorf("the marks were changed: %+v", got)
	}
}

func markJSON(id, story, mark string, value bool, at string) string {
	b, _ := json.Marshal(map[string]any{"id": id, "story": story, "mark": mark, "value": value, "at": at})
	return string(b)
}

func TestMarksSync(t *testing.T) {
	h := NewHouse(t)
	ids := h.Publish(h.Publisher, "Iran", "a", "b")
	old := h.Clock.Now().Add(-1000 * time.Hour).UTC().Format(time.RFC3339)
	left := post(t, h, h.Publisher, `{"url":"https://news.example/old","title":"old","published_at":"`+old+`"}`).Results[0].ID
	guest, now := h.Guest(), h.Clock.Now()
	marks := func(has *interests.Known, ops ...string) wire.Synced[wire.MarkChange] {
		t.Helper()
		return syncs[wire.MarkChange](h, "/marks/sync", guest, has, ops...)
	}
	first := marks(nil)
	if !first.Full || first.Revision != 0 || first.Digest != 0 {
		t.Errorf("a new guest: %+v", first)
	}
	got := marks(after(first),
		markJSON("1", ids[0], "read", true, stampAt(now, 0)), markJSON("2", ids[0], "read", false, stampAt(now.Add(-time.Second), 0)),
		markJSON("3", left, "saved", true, stampAt(now, 1)), markJSON("4", "00000000-0000-5000-8000-000000000000", "read", true, stampAt(now, 0)),
		markJSON("5", "x", "read", true, stampAt(now, 0)), markJSON("6", ids[1], "starred", true, stampAt(now, 0)),
		markJSON("7", ids[1], "hidden", true, stampAt(now.Add(time.Hour), 0)), `{"id":"8"}`, markJSON("9", ids[0], "read", true, stampAt(now, 0)))
	var statuses []string
	for i, r := range got.Results {
		text := string(r.Status)
		if r.Problem != nil {
			text = fmt.Sprint(r.Problem.Type, " ", r.Problem.Status)
		}
		if r.ID != fmt.Sprint(i+1) {
			t.Errorf("result %d is of %q", i, r.ID)
		}
		statuses = append(statuses, text)
	}
	if want := "[applied superseded applied about:blank 404 about:blank 404 about:blank 400 clock-ahead 409 about:blank 400 duplicate]"; fmt.Sprint(statuses) != want {
		t.Errorf("results %v, want %v", statuses, want)
	}
	if got.Full || len(got.Changes) != 2 {
		t.Errorf("changes %+v", got.Changes)
	}
	h.Must(200, "PUT", "/marks/"+ids[1], guest, `{"hidden":true}`)
	delta := marks(after(got))
	if delta.Full || len(delta.Changes) != 1 || delta.Changes[0].Story != ids[1] || delta.Changes[0].Mark != "hidden" || !delta.Changes[0].Value {
		t.Errorf("after a PUT: %+v", delta)
	}
	if full := marks(&interests.Known{Revision: delta.Revision, Digest: 5}); !full.Full || len(full.Changes) != 3 || full.Digest != delta.Digest {
		t.Errorf("with another digest: %+v", full)
	}
	if titles := h.GetPage("/saved", guest).Titles(); fmt.Sprint(titles) != "[old]" {
		t.Errorf("saved: %v", titles)
	}
	who, err := h.person(guest, anybodys)
	if err != nil || !who.session.Kept {
		t.Errorf("a first mark by sync keeps its guest: %+v, %v", who.session, err)
	}
}

// Edits of both kinds are refused when as much is held as may be.
func TestMarksSyncFull(t *testing.T) {
	h := NewHouse(t)
	ids := h.Publish(h.Publisher, "Iran", "a")
	guest := h.Guest()
	who, err := h.person(guest, anybodys)
	if err != nil {
		t.Fatal(err)
	}
	ops := make([]feed.MarkOp, feed.MaxSaved)
	for i := range ops {
		ops[i] = feed.MarkOp{Story: feed.StoryID{0: byte(i >> 8), 1: byte(i), 2: 1}, Mark: feed.Saved, Value: true, At: interests.NewStamp(h.Clock.Now(), uint16(i), 7)}
	}
	if _, _, err := h.Marks.Apply(t.Context(), who.session.Account, ops, who.session.Until()); err != nil {
		t.Fatal(err)
	}
	got := syncs[wire.MarkChange](h, "/marks/sync", guest, nil, markJSON("a", ids[0], "saved", true, stampAt(h.Clock.Now(), 0)))
	if r := got.Results[0]; r.Status != "rejected" || r.Problem.Type != "list-full" || !got.Full || len(got.Changes) != feed.MaxSaved {
		t.Errorf("%+v, full %v, %d changes", r, got.Full, len(got.Changes))
	}
}
