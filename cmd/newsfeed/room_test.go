package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"newsfeed/interests"
	"newsfeed/interests/account"
	"newsfeed/interests/topic"
	"newsfeed/storage/redis"
	"newsfeed/storage/storagetest/servers"
)

// A node on a Redis that is nearly full, and whose replica is gone, makes no more
// guests, serves those it has, says of an edit that is stored and not confirmed
// that it may have been kept, and says all that in /readyz.
func TestRedisAtItsLimits(t *testing.T) {
	server := servers.Redis(t, "--maxmemory", "8mb")
	replica := servers.RedisReplica(t, server)
	p := serve(t, "MONGODB_URI="+servers.SharedMongo(t).Database("room"),
		"REDIS_URL="+server.URL()+"?wait_replicas=1&wait_timeout=1s")
	token := p.guest("iran")
	if risks := p.risks(); risks != "" {
		t.Errorf("at risk: %s", risks)
	}

	fill(t, server)
	p.kill()
	p.start() // one that runs asks for the memory every five seconds only
	p.want("POST", "/guests", "", "", 503, "no-room")
	p.want("PUT", "/interests/chad", token, `{"level":"follow"}`, 200, "")
	if risks := p.risks(); !strings.Contains(risks, "of maxmemory is used") {
		t.Errorf("at risk: %q, want the memory", risks)
	}

	replica.Stop()
	p.want("PUT", "/interests/cuba", token, `{"level":"mute"}`, 503, "unconfirmed")
	if risks := p.risks(); !strings.Contains(risks, "wait_replicas") {
		t.Errorf("at risk: %q, want the replica", risks)
	}
	replica.Restart()
	p.want("PUT", "/interests/peru", token, `{"level":"follow"}`, 200, "")
	var list struct {
		Interests []struct {
			Topic string
			Level interests.Level
		}
	}
	if p.call("GET", "/interests", token, nil, &list); len(list.Interests) != 4 {
		t.Errorf("the list: %+v, want four topics: the edit that was not confirmed was kept", list.Interests)
	}
}

// fill writes lists until a server is nearly full.
func fill(t *testing.T, server *servers.Server) {
	t.Helper()
	store, err := redis.Open(t.Context(), server.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	list := interests.List{Revision: 1, Topics: map[topic.ID]interests.Register{}}
	for i := range interests.MaxFollowed {
		list.Topics[topic.ID(fmt.Sprint("topic-", i))] = interests.Register{Level: interests.Follow}
	}
	for share := 0.0; share < 0.87; {
		if err := store.Lists().Swap(t.Context(), account.NewID(), 0, list, time.Time{}); err != nil {
			t.Fatal(err)
		}
		if share, err = store.Fill(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// want makes a call and compares status and type of problem.
func (p *process) want(method, path, token, body string, status int, kind string) {
	p.t.Helper()
	request, err := http.NewRequest(method, p.url+path, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		p.t.Fatal(err)
	}
	defer response.Body.Close()
	var problem struct{ Type string }
	if err := json.NewDecoder(response.Body).Decode(&problem); err != nil || response.StatusCode != status || problem.Type != kind {
		p.t.Errorf("%s %s: %d %s, %v, want %d %s", method, path, response.StatusCode, problem.Type, err, status, kind)
	}
}

// risks is what /readyz says is at risk, in one text.
func (p *process) risks() string {
	p.t.Helper()
	var state readiness
	p.call("GET", "/readyz", "", nil, &state)
	var all []string
	for _, d := range state.Dependencies {
		all = append(all, d.Risks...)
	}
	return strings.Join(all, "\n")
}
