package main

import (
	"flag"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"newsfeed/cmd/newsfeed/mail/mailtest"
)

var (
	timedSignIns = flag.Int("signins", 40, "failed sign-ins with a known and with an unknown address that TestSignInTiming times")
	judgeTiming  = flag.Bool("judge-timing", false, "let TestSignInTiming fail on a clear difference")
)

// entered is the answer to who signs up or in.
type entered struct {
	Account struct{ ID string }
	Token   string
	Merge   *mergeAnswer
}

type mergeAnswer struct {
	ID               string
	Added, Unchanged []string
	Overridden       []struct{ Topic, Kept, Dropped string }
	Undone           bool
}

type interestsAnswer struct {
	Revision  uint64
	Interests []struct{ Topic, Level string }
}

func credentials(more ...any) map[string]any {
	c := map[string]any{"email": "ann@example.org", "password": "correct horse battery"}
	for i := 0; i < len(more); i += 2 {
		c[more[i].(string)] = more[i+1]
	}
	return c
}

func (p *process) must(status int, method, path, token string, body, out any) {
	p.t.Helper()
	if got := p.call(method, path, token, body, out); got != status {
		p.t.Fatalf("%s %s on %s answered %d, want %d", method, path, p.url, got, status)
	}
}

func (p *process) wantList(token string, want map[string]string) uint64 {
	p.t.Helper()
	var list interestsAnswer
	p.must(200, "GET", "/interests", token, nil, &list)
	got := map[string]string{}
	for _, i := range list.Interests {
		got[i.Topic] = i.Level
	}
	if !maps.Equal(got, want) {
		p.t.Fatalf("the list on %s is %v, want %v", p.url, got, want)
	}
	return list.Revision
}

// A guest, on two nodes by turns, comes to an account that is there already: looks
// at what would be merged, declines, merges, merges twice, and takes it back.
func TestGuestMeetsAccount(t *testing.T) {
	settings := onServers(t)
	a, b := serve(t, settings...), serve(t, settings...)

	t.Log("Ann signs up on one node and follows two topics on the other")
	var ann entered
	a.must(201, "POST", "/accounts", "", credentials(), &ann)
	for topic, level := range map[string]string{"iran": "follow", "chad": "favourite"} {
		b.must(200, "PUT", "/interests/"+topic, ann.Token, map[string]string{"level": level}, nil)
	}
	before := map[string]string{"iran": "follow", "chad": "favourite"}

	t.Log("on a new phone she begins as a guest")
	guest := a.guest("iran", "togo", "oman")
	b.must(200, "PUT", "/interests/chad", guest, map[string]string{"level": "mute"}, nil)
	a.must(200, "DELETE", "/interests/oman", guest, nil, nil)

	t.Log("she looks at what signing in would do")
	var preview struct{ Merge mergeAnswer }
	b.must(200, "POST", "/merges/preview", guest, credentials(), &preview)
	const want = "[togo] [iran] [{chad mute favourite}]"
	if got := fmt.Sprint(preview.Merge.Added, preview.Merge.Unchanged, preview.Merge.Overridden); got != want {
		t.Errorf("preview: %s, want %s", got, want)
	}
	a.wantList(ann.Token, before)

	t.Log("she declines once, on a shared computer")
	var declined entered
	a.must(201, "POST", "/sessions", guest, credentials("merge", false), &declined)
	if declined.Merge != nil {
		t.Errorf("a merge that was declined: %+v", declined.Merge)
	}
	b.wantList(declined.Token, before)

	t.Log("she signs in on both nodes at once, as a phone does that tries again too early")
	ears := []*earshot{a.listen(t, guest, ""), b.listen(t, guest, "")}
	var phones [6]entered
	var at sync.WaitGroup
	for i := range phones {
		at.Go(func() {
			node := []*process{a, b}[i%2]
			if status, err := node.tryCall("POST", "/sessions", guest, credentials("label", "Phone"), &phones[i]); status != 201 {
				t.Errorf("sign-in %d: %d, %v", i, status, err)
			}
		})
	}
	at.Wait()
	merge := phones[0].Merge
	for i, phone := range phones {
		if phone.Merge == nil || phone.Merge.ID != merge.ID || fmt.Sprint(phone.Merge.Added, phone.Merge.Unchanged, phone.Merge.Overridden) != want {
			t.Fatalf("sign-in %d merged %+v, want %s as %s", i, phone.Merge, want, merge.ID)
		}
	}
	after := map[string]string{"iran": "follow", "chad": "mute", "togo": "follow"}
	revision := a.wantList(phones[1].Token, after)
	b.least = revision
	b.wantList(phones[0].Token, after)

	t.Log("the guest's token is good for that sign-in only")
	for i, node := range []*process{a, b} {
		ears[i].end() // then the node has heard of it
		node.must(401, "GET", "/interests", guest, nil, nil)
	}
	var again entered
	b.must(201, "POST", "/sessions", guest, credentials(), &again)
	if again.Merge == nil || again.Merge.ID != merge.ID {
		t.Errorf("merged twice: %+v", again.Merge)
	}
	if got := a.wantList(ann.Token, after); got != revision {
		t.Errorf("merging twice made revision %d of %d", got, revision)
	}

	t.Log("she takes it back on the other node")
	var undone struct{ Revision uint64 }
	b.must(200, "POST", "/merges/"+merge.ID+"/undo", ann.Token, nil, &undone)
	a.least, b.least = undone.Revision, undone.Revision
	a.wantList(ann.Token, before)
	b.wantList(ann.Token, before)
	a.must(200, "POST", "/merges/"+merge.ID+"/undo", ann.Token, nil, nil)
	a.must(201, "POST", "/sessions", guest, credentials(), &again)
	if again.Merge == nil || !again.Merge.Undone {
		t.Errorf("after the undo: %+v", again.Merge)
	}
	a.wantList(ann.Token, before)

	t.Log("she changes her password: all other devices are signed out, on both nodes")
	ear := b.listen(t, phones[0].Token, "")
	a.must(204, "PUT", "/account/password", ann.Token, map[string]string{"current": "correct horse battery", "new": "battery horse correct"}, nil)
	a.must(200, "GET", "/account", ann.Token, nil, nil)
	ear.end()
	b.must(401, "GET", "/account", phones[0].Token, nil, nil)
	for _, node := range []*process{a, b} {
		for _, secret := range []string{"ann@example.org", "correct horse", "battery horse", guest, ann.Token, phones[0].Token} {
			if strings.Contains(node.out.String(), secret) {
				t.Errorf("%q stands in the log of %s", secret, node.url)
			}
		}
	}
}

// A sign-in that fails takes as long whether or not the address has an account. Which
// one is timed next is drawn: by strict turns one of the two would get the collections
// of garbage, which each hash of 19 MiB brings about as regularly. Welch's t says how
// sure one could be to tell them apart.
func TestSignInTiming(t *testing.T) {
	p := serve(t, "NEWSFEED_RATE_LIMIT=off")
	p.must(201, "POST", "/accounts", "", credentials(), nil)
	var took [2][]float64
	which := make([]int, 2**timedSignIns)
	for i := range which {
		which[i] = i % 2
	}
	rand.Shuffle(len(which), func(i, j int) { which[i], which[j] = which[j], which[i] })
	for _, i := range which {
		email := []string{"ann@example.org", "eve@example.org"}[i]
		began := time.Now()
		p.must(401, "POST", "/sessions", "", map[string]string{"email": email, "password": "wrong horse battery"}, nil)
		took[i] = append(took[i], float64(time.Since(began).Microseconds()))
	}
	known, unknown := moments(took[0]), moments(took[1])
	welch := (known.mean - unknown.mean) / math.Sqrt(known.variance/known.n+unknown.variance/unknown.n)
	t.Logf("%d sign-ins each: known %.0f µs, unknown %.0f µs on average, Welch's t %.2f", *timedSignIns, known.mean, unknown.mean, welch)
	if *judgeTiming && math.Abs(welch) > 4.5 {
		t.Errorf("a known address is told from an unknown one: t = %.2f", welch)
	}
}

type sample struct{ n, mean, variance float64 }

func moments(values []float64) (s sample) {
	s.n = float64(len(values))
	for _, v := range values {
		s.mean += v / s.n
	}
	for _, v := range values {
		s.variance += (v - s.mean) * (v - s.mean) / (s.n - 1)
	}
	return s
}

// Without a mail server the operator prints the link to a new password.
func TestAccountsCommand(t *testing.T) {
	data := t.TempDir()
	for _, c := range []struct {
		args []string
		ok   bool
	}{
		{[]string{"accounts", "reset", "ann@example.org"}, false},
		{[]string{"accounts", "create", "Ann@Example.org"}, true},
		{[]string{"accounts", "create", "ann@example.org"}, false},
		{[]string{"accounts", "reset", "ann@example.org"}, true},
	} {
		code, stdout, stderr := newsfeed(t, "", append([]string{"--data", data}, c.args...)...)
		if (code == 0) != c.ok || c.ok && (strings.Count(stdout, "\n") != 1 || !strings.Contains(stdout, "/my/password/")) {
			t.Errorf("%v: %d, %q, %q", c.args, code, stdout, stderr)
		}
	}
}

// A lost password, from the letter to the reader's page: the link is good once.
func TestLetterWithLink(t *testing.T) {
	server, letters := mailtest.Sink(t)
	p := serve(t, "NEWSFEED_SMTP_URL="+server, "NEWSFEED_MAIL_FROM=news@example.org")
	var ann entered
	p.must(201, "POST", "/accounts", "", credentials(), &ann)
	for _, email := range []string{"eve@example.org", "ann@example.org"} {
		p.must(202, "POST", "/account/password/reset", "", map[string]string{"email": email}, nil)
	}
	letter := strings.ReplaceAll(<-letters, "=\r\n", "") // quoted-printable
	_, rest, _ := strings.Cut(letter, "/my/password/")
	if !strings.Contains(letter, "To: <ann@example.org>") || rest == "" {
		t.Fatalf("the letter: %s", letter)
	}
	page := p.url + "/my/password/" + strings.Fields(rest)[0]
	post := func(password, site string) int {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), "POST", page, strings.NewReader(url.Values{"password": {password}}.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", site)
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		return response.StatusCode
	}
	if status, err := p.tryCall("GET", strings.TrimPrefix(page, p.url), "", nil, nil); status != 200 {
		t.Errorf("the page: %d, %v", status, err)
	}
	for _, step := range []struct {
		password, site string
		want           int
	}{
		{"staple battery", "cross-site", 403}, {"short", "same-origin", 422},
		{"staple battery", "same-origin", 200}, {"another battery", "same-origin", 410},
	} {
		if got := post(step.password, step.site); got != step.want {
			t.Errorf("%q from %s: %d, want %d", step.password, step.site, got, step.want)
		}
	}
	p.must(401, "GET", "/account", ann.Token, nil, nil)
	p.must(201, "POST", "/sessions", "", credentials("password", "staple battery"), nil)
	if log := p.out.String(); strings.Contains(log, "ann@") || strings.Contains(log, page) {
		t.Errorf("an address or a link stands in the log: %s", log)
	}
}
