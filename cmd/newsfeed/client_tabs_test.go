package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// gate is a way to a server that a test can close, as a cut line does.
type gate struct {
	*httptest.Server
	cut atomic.Bool
}

func newGate(t *testing.T, to string) *gate {
	g := new(gate)
	g.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasPrefix(r.URL.Path, "/empty"):
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprint(w, emptyPage)
		case g.cut.Load():
			panic(http.ErrAbortHandler)
		default:
			forward(w, r, to)
		}
	}))
	t.Cleanup(func() { g.CloseClientConnections(); g.Close() })
	return g
}

// cutOff cuts the line: also what is open.
func (g *gate) cutOff() {
	g.cut.Store(true)
	g.CloseClientConnections()
}

// forward passes a call on to a server.
func forward(w http.ResponseWriter, r *http.Request, to string) {
	target, err := url.Parse(to)
	if err != nil {
		panic(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.ErrorHandler = func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) }
	proxy.ServeHTTP(w, r)
}

// signIn gives the browser the cookie of a person, as the reader does.
func (b *tab) signIn(token string) {
	b.t.Helper()
	b.run(nil, `document.cookie = 'newsfeed=' + %s + '; path=/'`, token)
}

// open opens the list of an account on the page, signed in by cookie.
func (b *tab) open(id string) {
	b.t.Helper()
	b.run(nil, `
		globalThis.events = [];
		globalThis.list = await (await import('/client.js')).open({ account: %s });
		list.subscribe((e) => events.push(e));`, id)
}

// settle waits until no edit waits.
func (b *tab) settle() {
	b.t.Helper()
	b.run(nil, `
		for (let i = 0; list.waiting; i++) {
			if (i > 1000) throw new Error(list.waiting + ' edits still wait');
			await new Promise((done) => setTimeout(done, 10));
		}`)
}

// shows waits until the tab shows a list, as "topic level".
func (b *tab) shows(want []string) {
	b.t.Helper()
	var got []string
	b.run(&got, `
		const want = %s ?? [], shown = () => list.interests().map((i) => i.topic + ' ' + i.level);
		for (let i = 0; i < 500 && String(shown()) !== String(want); i++) await new Promise((done) => setTimeout(done, 10));
		return shown();`, want)
	if !slices.Equal(got, want) {
		b.t.Errorf("shown are %v, want %v", got, want)
	}
}

// has looks whether the server has an interest, and the tab shows what the server has.
func (b *tab) has(p *process, token, interest string) {
	b.t.Helper()
	want := p.list(token)
	if !slices.Contains(want, interest) {
		b.t.Errorf("the server has not %s, but %v", interest, want)
	}
	b.shows(want)
}

// person makes a guest.
func (p *process) person() (id, token string) {
	p.t.Helper()
	var made struct {
		Account struct{ ID string }
		Token   string
	}
	if status := p.call("POST", "/guests", "", nil, &made); status != http.StatusCreated {
		p.t.Fatalf("POST /guests answered %d", status)
	}
	return made.Account.ID, made.Token
}

// list is a person's list at the server.
func (p *process) list(token string) (topics []string) {
	p.t.Helper()
	var list struct {
		Interests []struct{ Topic, Level string }
	}
	if status := p.call("GET", "/interests", token, nil, &list); status != http.StatusOK {
		p.t.Fatalf("GET /interests answered %d", status)
	}
	for _, i := range list.Interests {
		topics = append(topics, i.Topic+" "+i.Level)
	}
	return topics
}

// topics returns ids of the catalogue.
func (p *process) topics(n int) (ids []string) {
	p.t.Helper()
	response, err := http.Get(p.url + "/topics.ndjson")
	if err != nil {
		p.t.Fatal(err)
	}
	defer response.Body.Close()
	d := json.NewDecoder(response.Body)
	for range n {
		var t struct{ ID string }
		if err := d.Decode(&t); err != nil {
			p.t.Fatal(err)
		}
		ids = append(ids, t.ID)
	}
	return ids
}

// What only a browser can do: tabs at once, a page that is closed, a server that
// is away, and people who follow each other at one machine.
func TestClientInTabs(t *testing.T) {
	first := browser(t)
	p := serve(t, "NEWSFEED_INSECURE_COOKIES=true")
	g := newGate(t, p.url)
	second := first.tab()
	topics := p.topics(60)
	id, token := p.person()
	for _, b := range []*tab{first, second} {
		b.visit(g.URL + "/empty")
		b.signIn(token)
		b.open(id)
	}

	run := func(name string, f func(t *testing.T)) {
		t.Run(name, func(t *testing.T) {
			first.t, second.t = t, t
			f(t)
		})
	}
	run("two tabs at once lose nothing", func(t *testing.T) {
		var tabs sync.WaitGroup
		for i, b := range []*tab{first, second} {
			tabs.Go(func() {
				b.run(nil, `for (const topic of %s) await list.set(topic, 'follow')`, topics[i*30:i*30+30])
			})
		}
		tabs.Wait()
		first.settle()
		second.settle()
		want := p.list(token)
		if len(want) != 60 {
			t.Errorf("the server has %d topics, want 60", len(want))
		}
		first.shows(want)
		second.shows(want)
	})
	run("a tab sees what another does", func(*testing.T) {
		for _, b := range []*tab{first, second} {
			b.run(nil, `await list.sync()`) // and none is to come
		}
		g.cut.Store(true)
		first.run(nil, `await list.set(%s, null)`, topics[0])
		second.run(nil, `
			while (list.interests().some((i) => i.topic === %s)) await new Promise((done) => { list.subscribe(done); });`, topics[0])
		g.cut.Store(false)
	})
	run("what was edited without a network survives a reload", func(t *testing.T) {
		first.settle()
		g.cut.Store(true)
		first.run(nil, `await list.set(%s, 'mute')`, topics[1])
		second.run(nil, `list.close()`)
		first.visit(g.URL + "/empty?again")
		g.cut.Store(false)
		first.run(nil, `globalThis.client = await import('/client.js')`)
		g.cut.Store(true)
		var waiting int
		first.run(&waiting, `
			globalThis.events = [];
			globalThis.list = await client.open({ account: %s });
			list.subscribe((e) => events.push(e));
			return list.interests().some((i) => i.topic === %s && i.level === 'mute' && i.pending) ? list.waiting : -1;`, id, topics[1])
		if waiting != 1 {
			t.Errorf("%d edits wait, want 1", waiting)
		}
		g.cut.Store(false)
		first.settle()
		first.has(p, token, topics[1]+" mute")
	})
	run("an edit arrives when the server is back", func(t *testing.T) {
		p.kill()
		first.run(nil, `await list.set(%s, 'favourite')`, topics[2])
		p.start()
		first.settle()
		first.has(p, token, topics[2]+" favourite")
	})
	run("nothing is sent for another person", func(t *testing.T) {
		other, otherToken := p.person()
		first.signIn(otherToken) // and the page of the first person is still open
		first.run(nil, `
			await list.set(%s, 'mute');
			const error = await list.sync().then(() => {}, (e) => e);
			if (!error?.stopped || !events.at(-1).stopped || list.waiting !== 1) throw new Error('synced for another');`, topics[3])
		second.signIn(otherToken)
		second.open(other)
		second.run(nil, `await list.sync()`)
		second.shows(nil)
		if got := p.list(otherToken); len(got) != 0 {
			t.Errorf("the other person has %v", got)
		}
		first.signIn(token)
		first.run(nil, `await list.sync()`)
		first.settle()
		first.has(p, token, topics[3]+" mute")
	})
	run("what docs/api.md shows works", func(t *testing.T) {
		docs, err := os.ReadFile("../../docs/api.md")
		if err != nil {
			t.Fatal(err)
		}
		_, shown, _ := strings.Cut(string(docs), "```js\n")
		shown, _, _ = strings.Cut(shown, "```")
		who, theirs := p.person()
		second.run(nil, `const API = %s, account = %s, token = %s; `+shown+` list.close();`, g.URL, who, theirs)
		if got := p.list(theirs); len(got) != 1 || got[0] != "north-korea follow" {
			t.Errorf("the server has %v", got)
		}
	})
	run("forgotten", func(t *testing.T) {
		var names []string
		first.run(&names, `
			await list.forget();
			const db = await new Promise((done) => { const r = indexedDB.open('newsfeed ' + location.origin); r.onsuccess = () => done(r.result); });
			const keys = await new Promise((done) => { const r = db.transaction('lists').objectStore('lists').getAllKeys(); r.onsuccess = () => done(r.result); });
			db.close();
			return keys;`)
		if len(names) != 2 || slices.Contains(names, id) {
			t.Errorf("stored are lists of %v, want two, neither of %s", names, id)
		}
	})
}
