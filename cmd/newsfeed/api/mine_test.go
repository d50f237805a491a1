package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"newsfeed/feed"
	"newsfeed/interests"
	"newsfeed/interests/account"
	"newsfeed/interests/topic"
	"newsfeed/interests/wire"
)

// taken is what a test reads of an export.
type taken struct {
	Account   accountShape
	Sessions  []sessionShape
	Interests struct {
		Digest string
		Ops    []json.RawMessage
		Since  map[string]time.Time
	}
	Marks struct {
		Digest string
		Ops    []json.RawMessage
	}
	Merges  []struct{ Written []struct{ Topic string } }
	Journal []struct{ Before []struct{ Topic string } }
}

func (h *House) take(token account.Secret) (t taken) {
	h.Helper()
	r := h.Must(200, "GET", "/account/export", token, "")
	if got := r.Header.Get("Content-Disposition"); !strings.HasPrefix(got, "attachment; filename=") {
		h.Errorf("Content-Disposition: %q", got)
	}
	for _, secret := range []string{string(token), "$argon2id"} {
		if bytes.Contains(r.Body, []byte(secret)) {
			h.Errorf("a secret is in an export")
		}
	}
	r.JSON(h, &t)
	return t
}

// restore sends edits through a sync, in calls of at most wire.MaxOps, and returns
// the digest after them.
func (h *House) restore(path string, token account.Secret, ops []json.RawMessage) (digest string) {
	h.Helper()
	for chunk := range slices.Chunk(ops, wire.MaxOps) {
		body, err := json.Marshal(map[string]any{"device": "00000000000000a1", "ops": chunk})
		if err != nil {
			h.Fatal(err)
		}
		var got struct {
			Digest  string
			Results []wire.Result
		}
		h.Must(200, "POST", path, token, string(body)).JSON(h, &got)
		for _, r := range got.Results {
			if r.Status != interests.Applied {
				h.Fatalf("%s: edit %s is %s %+v", path, r.ID, r.Status, r.Problem)
			}
		}
		digest = got.Digest
	}
	return digest
}

// An export holds all that was done, and sent through the two syncs to an account
// that has nothing it makes the same list and the same marks: removals and their
// stamps too, in more than one call, and of a guest like of a member.
func TestExportRestores(t *testing.T) {
	h := NewHouse(t)
	stories := h.Publish(h.Publisher, "Iran", "a", "b", "c")
	guest := h.Guest()
	h.follow250(guest)
	h.set(guest, "favourite", "iran")
	h.set(guest, "mute", "cuba")
	h.Must(200, "DELETE", "/interests/chad", guest, "")
	h.Must(200, "PUT", "/marks/"+stories[0], guest, `{"saved":true,"read":true}`)
	h.Must(200, "PUT", "/marks/"+stories[1], guest, `{"hidden":true}`)
	h.Must(200, "PUT", "/marks/"+stories[1], guest, `{"hidden":false}`)
	ofGuest := h.take(guest)
	me := h.enter(201, "/accounts", guest, creds("ann@example.org")).Token
	mine := h.take(me)
	if mine.Account.Email != "ann@example.org" || len(mine.Sessions) != 1 || len(mine.Merges) != 1 || len(mine.Merges[0].Written) < 250 ||
		len(mine.Journal) < 5 || len(mine.Interests.Since) < 250 || len(mine.Interests.Ops) <= wire.MaxOps {
		t.Errorf("the export lacks something: %+v, %d sessions, %d merges, %d earlier lists, %d topics",
			mine.Account, len(mine.Sessions), len(mine.Merges), len(mine.Journal), len(mine.Interests.Ops))
	}
	for who, from := range map[string]taken{"a guest's": ofGuest, "a member's": mine} {
		fresh := h.Guest()
		list, marks := h.restore("/interests/sync", fresh, from.Interests.Ops), h.restore("/marks/sync", fresh, from.Marks.Ops)
		if list != from.Interests.Digest || marks != from.Marks.Digest {
			t.Errorf("%s export: digests %s and %s, want %s and %s", who, list, marks, from.Interests.Digest, from.Marks.Digest)
		}
		again := h.take(fresh)
		if fmt.Sprint(again.Interests.Ops) != fmt.Sprint(from.Interests.Ops) || fmt.Sprint(again.Marks.Ops) != fmt.Sprint(from.Marks.Ops) {
			t.Errorf("%s export differs from that of what it restored", who)
		}
	}
}

// follow250 makes more edits than one sync takes.
func (h *House) follow250(token account.Secret) {
	h.Helper()
	h.Sow()
	var topics []string
	for line := range bytes.Lines(h.Must(200, "GET", "/topics.ndjson", token, "").Body) {
		var in struct{ ID string }
		if err := json.Unmarshal(line, &in); err != nil {
			h.Fatal(err)
		}
		if topics = append(topics, in.ID); len(topics) == 250 {
			break
		}
	}
	var ops []json.RawMessage
	for i, id := range topics {
		at := interests.NewStamp(h.Clock.Now().Add(-time.Hour), uint16(i), 0xa1)
		ops = append(ops, json.RawMessage(fmt.Sprintf(`{"id":"%d","topic":%q,"level":"follow","at":%q}`, i, id, at)))
	}
	h.restore("/interests/sync", token, ops)
}

// Removals that are about to be forgotten do not keep the rest from being restored.
func TestExportOrder(t *testing.T) {
	now := time.Now()
	at := func(days, n int) interests.Stamp {
		return interests.NewStamp(now.Add(-time.Duration(days)*24*time.Hour), uint16(n), 1)
	}
	list := interests.List{Revision: 1, Floor: at(200, 0), Topics: map[topic.ID]interests.Register{}}
	for i := range 30 {
		list.Topics[topic.ID(fmt.Sprint("old-", i))] = interests.Register{Level: interests.None, At: at(100, i)}
		list.Topics[topic.ID(fmt.Sprint("held-", i))] = interests.Register{Level: interests.Follow, At: at(150, i)}
		list.Topics[topic.ID(fmt.Sprint("new-", i))] = interests.Register{Level: interests.None, At: at(50, i)}
	}
	restored := interests.List{}
	for chunk := range slices.Chunk(exportList(list).Ops, 7) {
		var ops []interests.Op
		for _, op := range chunk {
			ops = append(ops, interests.Op{ID: op.ID, Topic: op.Topic, Level: interests.Level(op.Level), At: op.At})
		}
		var results []interests.Result
		restored, results = interests.Apply(restored, ops, now)
		for _, r := range results {
			if r.Status != interests.Applied {
				t.Errorf("edit %s is %s %s", r.ID, r.Status, r.Reason)
			}
		}
	}
	if restored.Digest() != list.Digest() {
		t.Errorf("digest %x, want %x", restored.Digest(), list.Digest())
	}
}

// traces looks for texts and bytes in what a file of the embedded store holds: in
// every bucket, and in every byte of the file that compaction makes of it.
func (h *House) traces(of map[string][]byte) (live, compacted map[string]int) {
	h.Helper()
	live, compacted = map[string]int{}, map[string]int{}
	copied, small := filepath.Join(h.TempDir(), "copy.db"), filepath.Join(h.TempDir(), "small.db")
	f, err := os.Create(copied)
	if err == nil {
		_, err = h.Store.WriteTo(f)
	}
	if err != nil {
		h.Fatal(err)
	}
	_ = f.Close()
	from, err := bbolt.Open(copied, 0o600, nil)
	if err != nil {
		h.Fatal(err)
	}
	defer from.Close()
	count := func(into map[string]int, b []byte) {
		for name, what := range of {
			into[name] += bytes.Count(b, what)
		}
	}
	var walk func(*bbolt.Bucket) error
	walk = func(b *bbolt.Bucket) error {
		return b.ForEach(func(key, value []byte) error {
			count(live, key)
			count(live, value)
			if value == nil {
				return walk(b.Bucket(key))
			}
			return nil
		})
	}
	err = from.View(func(tx *bbolt.Tx) error {
		return tx.ForEach(func(_ []byte, b *bbolt.Bucket) error { return walk(b) })
	})
	if err != nil {
		h.Fatal(err)
	}
	to, err := bbolt.Open(small, 0o600, nil)
	if err == nil {
		err = bbolt.Compact(to, from, 0)
	}
	if err != nil {
		h.Fatal(err)
	}
	_ = to.Close()
	b, err := os.ReadFile(small)
	if err != nil {
		h.Fatal(err)
	}
	count(compacted, b)
	return live, compacted
}

// idTraces are an id as stores and texts have it.
func idTraces(name string, id account.ID) map[string][]byte {
	return map[string][]byte{name + " as text": []byte(id.String()), name + " as bytes": id[:],
		name + " in hex": []byte(strings.ReplaceAll(id.String(), "-", ""))}
}

// Erasing takes the password, removes everything of the member and of the guest who
// was merged, says how much, ends streams and tokens, and leaves the address free.
func TestErase(t *testing.T) {
	h := NewHouse(t)
	story := h.Publish(h.Publisher, "Iran", "a")[0]
	me := h.enter(201, "/accounts", "", creds("ann@example.org"))
	guest := h.Guest()
	var guests accountShape
	h.Must(200, "GET", "/account", guest, "").JSON(t, &guests)
	h.Follow(me.Token, "iran", "chad")
	h.Must(200, "PUT", "/marks/"+story, me.Token, `{"saved":true}`)
	h.Follow(guest, "cuba")
	h.Must(200, "PUT", "/marks/"+story, guest, `{"read":true}`)
	phone := h.enter(201, "/sessions", guest, creds("ann@example.org")).Token
	other := h.enter(201, "/accounts", "", creds("ben@example.org"))
	h.Follow(other.Token, "iran")

	of := map[string][]byte{"e-mail": []byte("ann@example.org")}
	for name, id := range map[string]account.ID{"id": me.Account.ID, "guest's id": guests.ID} {
		for trace, b := range idTraces(name, id) {
			if !strings.Contains(trace, "hex") {
				of[trace] = b
			}
		}
	}
	live, compacted := h.traces(of)
	for trace := range of {
		if live[trace] == 0 || compacted[trace] == 0 {
			t.Errorf("before it the scan does not find the %s (live %d, file %d)", trace, live[trace], compacted[trace])
		}
	}
	if p := h.Must(403, "DELETE", "/account", me.Token, `{"password":"wrong horse"}`).Problem(t); p.Type != "credentials" {
		t.Errorf("a wrong password: %+v", p)
	}
	h.Must(400, "DELETE", "/account", me.Token, "")
	var answer struct{ Removed feed.Erased }
	h.Must(200, "DELETE", "/account", me.Token, `{"password":"correct horse"}`).JSON(t, &answer)
	want := feed.Erased{Accounts: 1, Sessions: 3, Interests: 4, Journal: 4, Marks: 2, Merges: 1, Guests: 1}
	if answer.Removed != want {
		t.Errorf("removed %+v, want %+v", answer.Removed, want)
	}
	live, compacted = h.traces(of)
	for trace := range of {
		if live[trace] != 0 || compacted[trace] != 0 {
			t.Errorf("after it the scan finds the %s (live %d, file %d)", trace, live[trace], compacted[trace])
		}
	}
	for _, token := range []account.Secret{me.Token, phone, guest} {
		if p := h.Must(401, "GET", "/feed", token, "").Problem(t); p.Type != "token" {
			t.Errorf("a token of who is gone: %s", p.Type)
		}
	}
	h.Must(401, "POST", "/sessions", "", creds("ann@example.org"))
	anew := h.enter(201, "/accounts", "", creds("ann@example.org"))
	if anew.Account.ID == me.Account.ID {
		t.Error("who signs up anew has the old id")
	}
	h.wantLevels(anew.Token, map[string]string{})
	h.wantLevels(other.Token, map[string]string{"iran": "follow"})
	if errs := h.Reported(); len(errs) > 0 {
		t.Error(errs)
	}
}

// A guest needs no password.
func TestEraseGuest(t *testing.T) {
	h := NewHouse(t)
	guest := h.Guest()
	h.Follow(guest, "iran")
	var me accountShape
	h.Must(200, "GET", "/account", guest, "").JSON(t, &me)
	h.Must(200, "DELETE", "/account", guest, "")
	h.Must(401, "GET", "/account", guest, "")
	if live, _ := h.traces(idTraces("id", me.ID)); live["id as text"]+live["id as bytes"] != 0 {
		t.Errorf("the scan finds %v", live)
	}
}

// Who tries passwords to erase is counted like who signs in.
func TestEraseTries(t *testing.T) {
	h := NewHouse(t, func(d *Deps) {
		store := d.Eraser.Accounts
		d.Members = account.NewMembers(store, d.People, account.NewPasswords(account.Cost{Memory: 64, Passes: 1, Lanes: 1}),
			d.Limits, account.Allowance{Calls: 3, Window: time.Hour}, d.Now)
	})
	me := h.enter(201, "/accounts", "", creds("ann@example.org")).Token
	for range 3 {
		h.Must(403, "DELETE", "/account", me, `{"password":"wrong horse"}`)
	}
	r := h.Must(429, "DELETE", "/account", me, `{"password":"correct horse"}`)
	if r.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	h.Must(200, "GET", "/account", me, "")
}

// An erasure that was interrupted after the account went is finished by who asks
// again with the same token.
func TestEraseAgain(t *testing.T) {
	h := NewHouse(t)
	me := h.enter(201, "/accounts", "", creds("ann@example.org"))
	h.Follow(me.Token, "iran")
	it := account.Erasure{Account: me.Account.ID, Token: me.Token.Hash(), Begun: h.Clock.Now()}
	if err := h.Eraser.Erasures.Begin(context.Background(), it); err != nil {
		t.Fatal(err)
	}
	if err := h.Eraser.Accounts.Delete(context.Background(), me.Account.ID); err != nil {
		t.Fatal(err)
	}
	var answer struct{ Removed feed.Erased }
	h.Must(200, "DELETE", "/account", me.Token, `{"password":"correct horse"}`).JSON(t, &answer)
	if answer.Removed.Interests != 1 || answer.Removed.Sessions != 1 || answer.Removed.Accounts != 0 {
		t.Errorf("removed %+v", answer.Removed)
	}
	h.Must(401, "DELETE", "/account", me.Token, `{"password":"correct horse"}`)
}
