package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"

	"newsfeed/interests"
	"newsfeed/interests/account"
	"newsfeed/interests/client"
	"newsfeed/interests/topic"
)

// Devices of both kinds edit one list at once, through a line that loses calls,
// loses answers, and repeats calls; some edits come through the door. After quiet
// all show what the server has.
func TestRandomClients(t *testing.T) {
	b, p := browser(t), serve(t)
	id, token := p.person()
	topics := p.topics(12)
	line := newFaultyLine(t, p.url)
	b.visit(line.URL + "/empty")
	b.run(nil, `
		const { open, memoryStore } = await import('/client.js');
		globalThis.lists = await Promise.all([1, 2, 3].map(() => open({ account: %s, token: %s, auto: false, store: memoryStore() })));`, id, token)
	devices := goDevices(t, line.URL, id, token)

	line.bad.Store(true)
	var all sync.WaitGroup
	for _, d := range devices {
		all.Go(func() { editAtRandom(t, d, topics) })
	}
	all.Go(func() {
		b.run(nil, `
			const any = (of) => of[Math.floor(Math.random() * of.length)];
			await Promise.all(lists.map(async (list) => {
				for (let i = 0; i < 60; i++) {
					await list.set(any(%s), any(['follow', 'favourite', 'mute', null]));
					if (i %% 3 === 0) await list.sync().catch(() => {});
				}
			}));`, topics)
	})
	all.Go(func() {
		for range 20 {
			p.call("PUT", "/interests/"+topics[rand.IntN(len(topics))], token, map[string]string{"level": "mute"}, nil)
		}
	})
	all.Wait()
	line.bad.Store(false)
	t.Logf("the line lost %d calls and %d answers, and repeated %d calls", line.lost.Load(), line.unheard.Load(), line.repeated.Load())

	for range 2 {
		for _, d := range devices {
			if err := d.Sync(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		b.run(nil, `for (const list of lists) await list.sync()`)
	}
	want := fmt.Sprint(p.list(token))
	for n, d := range devices {
		got, err := d.Interests()
		shown := []string{}
		for _, i := range got {
			shown = append(shown, fmt.Sprintf("%s %s", i.Topic, i.Level))
		}
		if fmt.Sprint(shown) != want || err != nil {
			t.Errorf("Go device %d shows %v, %v; the server has %s", n, shown, err, want)
		}
	}
	var shown [][]string
	b.run(&shown, `return lists.map((list) => list.interests().map((i) => i.topic + ' ' + i.level))`)
	for n, got := range shown {
		if fmt.Sprint(got) != want {
			t.Errorf("browser device %d shows %v, the server has %s", n, got, want)
		}
	}
}

func goDevices(t *testing.T, url, id, token string) (devices []*client.Client) {
	t.Helper()
	var who account.ID
	if err := who.UnmarshalText([]byte(id)); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		d, err := client.Open(client.Options{URL: url, Account: who, Token: account.Secret(token), Store: new(client.Memory)})
		if err != nil {
			t.Fatal(err)
		}
		devices = append(devices, d)
	}
	return devices
}

func editAtRandom(t *testing.T, d *client.Client, topics []string) {
	for i := range 60 {
		if err := d.Set(topic.ID(topics[rand.IntN(len(topics))]), interests.Follow+interests.Level(rand.IntN(4))); err != nil {
			t.Error(err)
		}
		var away *client.Unavailable
		if i%3 != 0 {
			continue
		}
		if err := d.Sync(context.Background()); err != nil && !errors.As(err, &away) {
			t.Error(err)
		}
	}
}

// faultyLine is a way to a server on which calls and answers get lost and calls
// arrive twice, as long as it is bad.
type faultyLine struct {
	*httptest.Server
	bad                     atomic.Bool
	lost, unheard, repeated atomic.Int64
}

func newFaultyLine(t *testing.T, to string) *faultyLine {
	l := new(faultyLine)
	l.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fate := 9
		if l.bad.Load() {
			fate = rand.IntN(10)
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		again := func() { r.Body = io.NopCloser(bytes.NewReader(body)) }
		again()
		switch {
		case r.URL.Path == "/empty":
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprint(w, emptyPage)
		case fate == 0:
			l.lost.Add(1)
			panic(http.ErrAbortHandler)
		case fate < 3:
			l.unheard.Add(1)
			forward(httptest.NewRecorder(), r, to)
			panic(http.ErrAbortHandler)
		case fate < 5:
			l.repeated.Add(1)
			forward(httptest.NewRecorder(), r, to)
			again()
			forward(w, r, to)
		default:
			forward(w, r, to)
		}
	}))
	t.Cleanup(l.Close)
	return l
}
