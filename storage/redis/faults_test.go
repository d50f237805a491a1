package redis_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"newsfeed/feed"
	"newsfeed/interests"
	"newsfeed/interests/account"
	"newsfeed/storage/redis"
	"newsfeed/storage/storagetest/servers"
)

// A write whose answer was lost is unavailable: sent once, never again by the
// client, whose second run would call the first one's success a conflict.
func TestLostAnswer(t *testing.T) {
	s := servers.SharedRedis(t)
	proxy := startProxy(t, s.Addr())
	through, straight := open(t, proxy.url()), open(t, s.URL())
	id, hash := account.NewID(), account.NewSecret().Hash()
	next := interests.List{Revision: 1}
	if err := straight.Lists().Swap(t.Context(), account.NewID(), 0, next, time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err) // the server knows the script from here on
	}

	proxy.loseAnswerTo("evalsha")
	if err := through.Lists().Swap(t.Context(), id, 0, next, time.Now().Add(time.Minute)); !errors.Is(err, interests.ErrUnavailable) {
		t.Errorf("swap: %v, want ErrUnavailable", err)
	}
	if got, err := straight.Lists().Load(t.Context(), id); err != nil || got.Revision != 1 {
		t.Errorf("the swap that reached the server: revision %d, %v, want 1", got.Revision, err)
	}

	proxy.loseAnswerTo("set")
	session := account.Session{Account: id, Expires: time.Now().Add(time.Minute)}
	if err := through.Sessions().Create(t.Context(), hash, session); !errors.Is(err, account.ErrUnavailable) {
		t.Errorf("create: %v, want ErrUnavailable", err)
	}
	if _, err := straight.Sessions().Session(t.Context(), hash); err != nil {
		t.Errorf("the session that reached the server: %v", err)
	}

	// What may be repeated is, and nobody notices.
	proxy.loseAnswerTo("hget")
	if got, err := through.Lists().Load(t.Context(), id); err != nil || got.Revision != 1 {
		t.Errorf("load: revision %d, %v, want 1", got.Revision, err)
	}
	if err := straight.Sessions().End(t.Context(), account.Hash{}); err != nil {
		t.Fatal(err) // the server knows the script
	}
	proxy.loseAnswerTo("evalsha")
	if err := through.Sessions().End(t.Context(), hash); err != nil {
		t.Errorf("end: %v", err)
	}
}

// A connection that died without a word (a cable, a firewall) is given up, and
// announcements are heard again over another.
func TestMuteConnection(t *testing.T) {
	defer redis.SetSilence(100 * time.Millisecond)()
	s := servers.SharedRedis(t)
	proxy := startProxy(t, s.Addr())
	here, there := open(t, proxy.url()), open(t, s.URL())
	heard, announced := here.Announcements().Editions(), feed.Edition(0)
	hear := func() {
		t.Helper()
		for deadline := time.After(30 * time.Second); ; {
			announced++
			there.Announcements().Announce(announced)
			select {
			case <-heard:
				return
			case <-time.After(10 * time.Millisecond):
			case <-deadline:
				t.Fatal("nothing was heard")
			}
		}
	}
	hear()
	proxy.mute()
	hear()
	// The stores read silence until they are closed.
	if err := errors.Join(here.Close(), there.Close()); err != nil {
		t.Error(err)
	}
}

// A script that the server has forgotten is sent anew.
func TestScriptForgotten(t *testing.T) {
	s := servers.SharedRedis(t)
	store, id := open(t, s.URL()), account.NewID()
	for i := range interests.Revision(3) {
		if err := direct(t, s.URL()).ScriptFlush(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
		if err := store.Lists().Swap(t.Context(), id, i, interests.List{Revision: i + 1}, time.Now().Add(time.Minute)); err != nil {
			t.Errorf("swap %d: %v", i, err)
		}
	}
}

// A server that is there and refuses to work is unavailable, and has changed
// nothing.
func TestRefusals(t *testing.T) {
	s := servers.Redis(t)
	store, client := open(t, s.URL()), direct(t, s.URL())
	id, hash := account.NewID(), account.NewSecret().Hash()
	if err := store.Lists().Swap(t.Context(), id, 0, interests.List{Revision: 1}, time.Time{}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, setting, value, back string }{
		{"OOM", "maxmemory", "1", "0"},
		{"NOREPLICAS", "min-replicas-to-write", "1", "0"},
	} {
		if err := client.ConfigSet(t.Context(), c.setting, c.value).Err(); err != nil {
			t.Fatal(err)
		}
		err := store.Lists().Swap(t.Context(), id, 1, interests.List{Revision: 2}, time.Time{})
		if !errors.Is(err, interests.ErrUnavailable) || !strings.Contains(err.Error(), c.name) {
			t.Errorf("swap: %v, want ErrUnavailable because of %s", err, c.name)
		}
		err = store.Sessions().Create(t.Context(), hash, account.Session{Expires: time.Now().Add(time.Minute)})
		if !errors.Is(err, account.ErrUnavailable) || !strings.Contains(err.Error(), c.name) {
			t.Errorf("create: %v, want ErrUnavailable because of %s", err, c.name)
		}
		if err := client.ConfigSet(t.Context(), c.setting, c.back).Err(); err != nil {
			t.Fatal(err)
		}
		if got, err := store.Lists().Load(t.Context(), id); err != nil || got.Revision != 1 {
			t.Errorf("after %s: revision %d, %v, want 1", c.name, got.Revision, err)
		}
	}

	if err := client.ReplicaOf(t.Context(), "127.0.0.1", "1").Err(); err != nil {
		t.Fatal(err)
	}
	err := store.Lists().Swap(t.Context(), id, 1, interests.List{Revision: 2}, time.Time{})
	if !errors.Is(err, interests.ErrUnavailable) || !strings.Contains(err.Error(), "READONLY") {
		t.Errorf("swap on a replica: %v, want ErrUnavailable because of READONLY", err)
	}
}

// A key that holds something else is our fault or an intruder's, not the
// server's: no unavailable, so that it is not waited for.
func TestDamaged(t *testing.T) {
	s := servers.SharedRedis(t)
	store, client, id, hash := open(t, s.URL()), direct(t, s.URL()), account.NewID(), account.NewSecret().Hash()
	key := "newsfeed:{" + id.String() + "}:list"
	if err := errors.Join(
		client.Set(t.Context(), key, "no hash", time.Minute).Err(),
		client.Set(t.Context(), "newsfeed:session:{"+hash.String()+"}", "no JSON", time.Minute).Err(),
	); err != nil {
		t.Fatal(err)
	}
	_, load := store.Lists().Load(t.Context(), id)
	_, session := store.Sessions().Session(t.Context(), hash)
	for call, err := range map[string]error{
		"load":    load,
		"swap":    store.Lists().Swap(t.Context(), id, 0, interests.List{Revision: 1}, time.Time{}),
		"session": session,
	} {
		if err == nil || errors.Is(err, interests.ErrUnavailable) || errors.Is(err, interests.ErrConflict) ||
			errors.Is(err, account.ErrUnavailable) || errors.Is(err, account.ErrNoSession) {
			t.Errorf("%s: %v, want an error of no contract", call, err)
		}
	}
}

// A dangerous setting is named with what it puts at risk, one that cannot be
// read too; the settings that docs and docker-compose give are no risk.
func TestRisks(t *testing.T) {
	s := servers.Redis(t)
	store, client := open(t, s.URL()), direct(t, s.URL())
	wantRisks(t, store)
	for _, c := range []struct{ setting, bad, good, says string }{
		{"appendonly", "no", "yes", "snapshot"},
		{"appendfsync", "everysec", "always", "acknowledged edits"},
		{"maxmemory-policy", "allkeys-lru", "noeviction", "throws away"},
	} {
		if err := client.ConfigSet(t.Context(), c.setting, c.bad).Err(); err != nil {
			t.Fatal(err)
		}
		wantRisks(t, store, c.setting+` is "`+c.bad+`"`+" … "+c.says)
		if err := client.ConfigSet(t.Context(), c.setting, c.good).Err(); err != nil {
			t.Fatal(err)
		}
	}
	if err := client.Do(t.Context(), "ACL", "SETUSER", "newsfeed", "on", ">pw", "~newsfeed:*", "&*", "+@all", "-config").Err(); err != nil {
		t.Fatal(err)
	}
	bounded := open(t, strings.Replace(s.URL(), "redis://", "redis://newsfeed:pw@", 1))
	wantRisks(t, bounded, "appendfsync cannot be checked", "appendonly cannot be checked", "maxmemory-policy cannot be checked")

	wantRisks(t, open(t, servers.SharedRedisCluster(t).URL()))
	s.Kill()
	if risks, err := store.Risks(t.Context()); err == nil {
		t.Errorf("risks of a server that is gone: %q and no error", risks)
	}
}

// wantRisks compares with beginnings and, after an ellipsis, parts.
func wantRisks(t *testing.T, store *redis.Store, want ...string) {
	t.Helper()
	got, err := store.Risks(t.Context())
	if err != nil || len(got) != len(want) {
		t.Errorf("risks: %q, %v, want %q", got, err, want)
		return
	}
	for i, w := range want {
		for part := range strings.SplitSeq(w, " … ") {
			if !strings.Contains(got[i], part) {
				t.Errorf("risk %q does not say %q", got[i], part)
			}
		}
	}
}
