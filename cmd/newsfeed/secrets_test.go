package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"newsfeed/config"
	"newsfeed/interests/account"
	"newsfeed/storage/storagetest/servers"
)

// logged is a program in this process, whose log is kept at the level of debugging.
type logged struct {
	*process
	app *App
	log *syncBuffer
}

func newLogged(t *testing.T, settings map[string]string) *logged {
	t.Helper()
	settings["NEWSFEED_DATA"], settings["NEWSFEED_RATE_LIMIT"], settings["NEWSFEED_EDITOR_KEYS"] = t.TempDir(), "off", "test:"+testKey
	cfg, problems := config.Load(func(name string) (string, bool) { value, ok := settings[name]; return value, ok }, nil)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	var err error
	l := &logged{log: new(syncBuffer)}
	to := slog.New(slog.NewTextHandler(l.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	before := slog.Default()
	slog.SetDefault(to)
	t.Cleanup(func() { slog.SetDefault(before) })
	if l.app, err = NewApp(t.Context(), cfg, to); err == nil {
		err = l.app.Start(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.process = &process{t: t, url: "http://" + listener.Addr().String()}
	l.app.background.Go(func() { _ = l.app.Serve(listener) })
	return l
}

// No token, key, password or e-mail is in a log, at whichever level, of a journey
// with everything that knows one, nor of the same calls when the stores are gone.
func TestSecretsAreNotLogged(t *testing.T) {
	t.Run("embedded", func(t *testing.T) {
		l := newLogged(t, map[string]string{})
		l.journey(t, func() { _ = l.app.stores.Close() })
	})
	t.Run("servers", func(t *testing.T) {
		mongo, redis := servers.SharedMongo(t), servers.Redis(t)
		l := newLogged(t, map[string]string{
			"MONGODB_URI": mongo.Database(fmt.Sprintf("secrets%d", time.Now().UnixNano())), "REDIS_URL": redis.URL()})
		l.journey(t, redis.Kill)
	})
}

func (l *logged) journey(t *testing.T, lose func()) {
	t.Helper()
	secrets := map[string]string{"an e-mail": "ann@example.org", "its name": "ann@", "a key": testKey, "a password": "correct horse battery",
		"a wrong password": "wrong horse battery", "a new password": "staple battery horse"}
	l.publish(testArticle(1))
	guest := l.guest("iran")
	var ann, again entered
	l.must(201, "POST", "/accounts", guest, credentials(), &ann)
	l.must(409, "POST", "/accounts", "", credentials(), nil)
	l.must(401, "POST", "/sessions", "", credentials("password", "wrong horse battery"), nil)
	l.must(422, "POST", "/sessions", "", credentials("email", "ann@example.org@"), nil)
	l.must(401, "GET", "/feed", guest, nil, nil)
	reset, _, err := l.app.members.NewReset(t.Context(), account.Email("ann@example.org"))
	if err != nil {
		t.Fatal(err)
	}
	l.must(204, "PUT", "/account/password/reset", "", map[string]string{"token": string(reset), "password": "staple battery horse"}, nil)
	l.must(401, "GET", "/account", ann.Token, nil, nil)
	l.must(201, "POST", "/sessions", "", credentials("password", "staple battery horse"), &again)
	l.must(200, "POST", "/interests/sync", again.Token, map[string]any{"device": "00000000000000a1", "ops": []any{}}, nil)
	stream := l.listen(t, again.Token, "")
	if _, err := stream.next(); err != nil {
		t.Fatal(err)
	}
	l.must(200, "GET", "/account/export", again.Token, nil, new(json.RawMessage))
	l.must(403, "DELETE", "/account", again.Token, map[string]string{"password": "wrong horse battery"}, nil)
	l.must(200, "DELETE", "/account", again.Token, map[string]string{"password": "staple battery horse"}, nil)
	stream.hangUp()

	var last entered
	l.must(201, "POST", "/accounts", "", credentials(), &last)
	lose()
	for _, c := range []struct {
		method, path, token string
		body                any
	}{
		{"POST", "/sessions", "", credentials()},
		{"POST", "/sessions", again.Token, credentials("password", "wrong horse battery")},
		{"POST", "/accounts", "", credentials("email", "ann@other.example")},
		{"PUT", "/interests/iran", last.Token, map[string]string{"level": "follow"}},
		{"GET", "/account/export", last.Token, nil},
		{"PUT", "/account/password", last.Token, map[string]string{"current": "correct horse battery", "new": "staple battery horse"}},
		{"DELETE", "/account", last.Token, map[string]string{"password": "correct horse battery"}},
	} {
		if status, err := l.tryCall(c.method, c.path, c.token, c.body, nil); status < 500 {
			t.Logf("%s %s without the store answers %d, %v", c.method, c.path, status, err)
		}
	}
	_ = l.app.Close(context.Background())
	for name, token := range map[string]string{"guest": guest, "member": ann.Token, "device": again.Token, "last": last.Token, "reset": string(reset)} {
		secrets["the token of the "+name] = token
		secrets["its hash: "+name] = account.Secret(token).Hash().String()
	}
	text := l.log.String()
	if n := strings.Count(text, "call failed"); n < 3 {
		t.Errorf("the log tells of %d failed calls: that cannot be all\n%s", n, text)
	}
	for name, secret := range secrets {
		if strings.Contains(strings.ToLower(text), strings.ToLower(secret)) {
			t.Errorf("%s is in the log:\n%s", name, text)
		}
	}
	t.Logf("%d lines of log", strings.Count(text, "\n"))
}
