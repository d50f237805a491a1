package redis_test

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"newsfeed/interests"
	"newsfeed/interests/account"
	"newsfeed/storage/storagetest/servers"
)

// At 85 % of maxmemory no more guests are made, while people's edits go on; when
// there is room again, guests are made again. The server is asked once in five
// seconds.
func TestRoom(t *testing.T) {
	s := servers.Redis(t)
	store, client := open(t, s.URL()), direct(t, s.URL())
	if fill, err := store.Fill(t.Context()); err != nil || fill != 0 {
		t.Errorf("without maxmemory: %v, %v, want 0", fill, err)
	}
	now, asked := time.Now(), 0
	people := account.NewPeople(store.Sessions(), func() time.Time { return now })
	people.MindRoom(func(ctx context.Context) (float64, error) { asked++; return store.Fill(ctx) })
	lists := interests.NewLists(store.Lists(), time.Now)
	for i, c := range []struct {
		share float64 // of maxmemory that is used; 0: no maxmemory
		room  bool
	}{{0, true}, {0.5, true}, {0.75, true}, {0.92, false}, {0.5, true}} {
		most := 0
		if c.share > 0 {
			info, err := client.Info(t.Context(), "memory").Result()
			if err != nil {
				t.Fatal(err)
			}
			most = int(usedMemory(t, info) / c.share)
		}
		if err := client.ConfigSet(t.Context(), "maxmemory", strconv.Itoa(most)).Err(); err != nil {
			t.Fatal(err)
		}
		now = now.Add(6 * time.Second)
		for range 10 {
			now = now.Add(time.Millisecond)
			if _, _, err := people.NewGuest(t.Context()); c.room && err != nil || !c.room && !errors.Is(err, account.ErrNoRoom) {
				t.Errorf("at %.0f %%: %v, want room: %v", 100*c.share, err, c.room)
			}
		}
		if asked != i+1 {
			t.Errorf("asked %d times, want %d", asked, i+1)
		}
		if _, err := lists.Set(t.Context(), account.NewID(), "iran", interests.Follow, time.Time{}); err != nil {
			t.Errorf("an edit at %.0f %%: %v", 100*c.share, err)
		}
		if c.room {
			wantRisks(t, store)
		} else {
			wantRisks(t, store, " % of maxmemory is used")
		}
	}
	s.Kill()
	now = now.Add(6 * time.Second)
	if _, err := store.Fill(t.Context()); !errors.Is(err, account.ErrUnavailable) {
		t.Errorf("fill of a server that is gone: %v, want ErrUnavailable", err)
	}
	if _, _, err := people.NewGuest(t.Context()); !errors.Is(err, account.ErrUnavailable) {
		t.Errorf("a guest on a server that is gone: %v, want ErrUnavailable", err)
	}
}

// usedMemory is what the server counts against maxmemory.
func usedMemory(t *testing.T, info string) float64 {
	t.Helper()
	number := func(name string) float64 {
		_, rest, _ := strings.Cut(info, "\n"+name+":")
		line, _, _ := strings.Cut(rest, "\r")
		n, err := strconv.ParseFloat(line, 64)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	return number("used_memory") - number("mem_not_counted_for_evict")
}

// Of a cluster the fullest master counts.
func TestRoomCluster(t *testing.T) {
	c := servers.SharedRedisCluster(t)
	store, client := open(t, c.URL()), direct(t, c.Nodes[1].URL())
	if err := client.ConfigSet(t.Context(), "maxmemory", "1").Err(); err != nil {
		t.Fatal(err)
	}
	fill, err := store.Fill(t.Context())
	if err != nil || fill < 1 {
		t.Errorf("fill %v, %v, want more than all", fill, err)
	}
	if err := client.ConfigSet(t.Context(), "maxmemory", "0").Err(); err != nil {
		t.Fatal(err)
	}
}
