package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"newsfeed/feed"
	"newsfeed/storage/storagetest/servers"
)

// Who is erased through one node of two is gone when the answer comes: tokens and
// streams on both, every document of MongoDB, every key of Redis and, when those are
// rewritten, its files, of the person and of the guest who was merged. The scans find
// them before, and somebody else's things after. Logs and metrics never name them.
func TestEraseOnTwoNodes(t *testing.T) {
	mongo, redis := servers.SharedMongo(t), servers.Redis(t)
	t.Logf("on %s and %s", mongo.Kind(), redis.Kind())
	database := fmt.Sprintf("erase%d", time.Now().UnixNano())
	settings := []string{"MONGODB_URI=" + mongo.Database(database), "REDIS_URL=" + redis.URL()}
	a, b := serve(t, settings...), serve(t, settings...)
	a.publish(testArticle(1))
	story := feed.NewArticleID(testArticle(1)["url"].(string)).String()
	for deadline := time.Now().Add(10 * time.Second); b.edition() <= sownTopics; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the other node does not follow")
		}
	}

	var ann, ben, phone entered
	var guest struct{ ID string }
	a.must(201, "POST", "/accounts", "", credentials(), &ann)
	a.must(201, "POST", "/accounts", "", credentials("email", "ben@example.org"), &ben)
	token := a.guest("cuba")
	b.must(200, "GET", "/account", token, nil, &guest)
	for _, who := range []string{ann.Token, ben.Token, token} {
		b.must(200, "PUT", "/interests/iran", who, map[string]string{"level": "follow"}, nil)
		b.must(200, "DELETE", "/interests/chad", who, nil, nil)
		b.must(200, "PUT", "/marks/"+story, who, map[string]bool{"saved": true}, nil)
	}
	b.must(201, "POST", "/sessions", token, credentials("label", "Phone"), &phone)
	streams := []*earshot{a.listen(t, ann.Token, ""), b.listen(t, phone.Token, "")}

	traces := map[string][]byte{"the e-mail": []byte("ann@example.org")}
	for name, id := range map[string]string{"the id": ann.Account.ID, "the guest's id": guest.ID} {
		raw := uuid.MustParse(id)
		traces[name], traces[name+" in bytes"] = []byte(id), raw[:]
	}
	look := func(of map[string][]byte) map[string][]string {
		found := map[string][]string{}
		for place, contents := range map[string][]byte{
			"MongoDB": mongo.Documents(t, database), "Redis": redis.Values(t), "Redis's files": redis.Files(t)} {
			for _, trace := range slices.Sorted(maps.Keys(of)) {
				if bytes.Contains(contents, of[trace]) {
					found[place] = append(found[place], trace)
				}
			}
		}
		return found
	}
	before := look(traces)
	t.Logf("before: %v", before)
	want := map[string][]string{"MongoDB": {"the e-mail", "the id"}, "Redis": {"the guest's id", "the id"}, "Redis's files": {"the guest's id", "the id"}}
	if fmt.Sprint(before) != fmt.Sprint(want) {
		t.Fatalf("the scans find %v before it, want %v", before, want)
	}

	var answer struct{ Removed feed.Erased }
	a.must(403, "DELETE", "/account", ann.Token, map[string]string{"password": "wrong horse battery"}, nil)
	a.must(200, "DELETE", "/account", ann.Token, map[string]string{"password": "correct horse battery"}, &answer)
	t.Logf("removed: %+v", answer.Removed)
	if answer.Removed != (feed.Erased{Accounts: 1, Sessions: 3, Interests: 6, Journal: 6, Marks: 2, Merges: 1, Guests: 1}) {
		t.Errorf("removed: %+v", answer.Removed)
	}
	for _, node := range []*process{a, b} {
		for _, token := range []string{ann.Token, phone.Token, token} {
			node.must(401, "GET", "/feed", token, nil, nil)
		}
		node.must(401, "POST", "/sessions", "", credentials(), nil)
	}
	for i, s := range streams {
		var err error
		for err == nil {
			_, err = s.next()
		}
		if !errors.Is(err, io.EOF) {
			t.Errorf("stream %d: %v", i, err)
		}
	}
	if after := look(traces); len(after["MongoDB"])+len(after["Redis"]) > 0 {
		t.Errorf("the scans find %v after it", after)
	}
	redis.Rewrite(t)
	if after := look(traces); len(after) > 0 {
		t.Errorf("the scans find %v after the rewriting", after)
	}
	others := look(map[string][]byte{"Ben's id": []byte(ben.Account.ID), "Ben's e-mail": []byte("ben@example.org")})
	if fmt.Sprint(others) != "map[MongoDB:[Ben's e-mail Ben's id] Redis:[Ben's id] Redis's files:[Ben's id]]" {
		t.Errorf("of somebody else the scans find %v", others)
	}
	for _, node := range []*process{a, b} {
		response, err := http.Get(node.url + "/metrics")
		if err != nil {
			t.Fatal(err)
		}
		metrics, err := io.ReadAll(response.Body)
		_ = response.Body.Close()
		for name, trace := range traces {
			if err != nil || bytes.Contains(metrics, trace) || bytes.Contains([]byte(node.out.String()), trace) {
				t.Errorf("%s is in a log or in metrics (%v)", name, err)
			}
		}
	}
	var anew entered
	b.must(201, "POST", "/accounts", "", credentials(), &anew)
	b.wantList(anew.Token, map[string]string{})
	a.wantList(ben.Token, map[string]string{"iran": "follow"})
}
