package ingest

import (
	"net/http"
	"testing"
	"time"
)

var noon = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

// within reports whether a time between polls is a wanted one, give or take the
// tenth by which it is varied.
func within(got, want time.Duration) bool {
	return got >= want-want/10-time.Millisecond && got <= want+want/10
}

// What a server asks for is honoured, and never beaten by the variation.
func TestAsked(t *testing.T) {
	for value, want := range map[string]time.Duration{
		"120": 2 * time.Minute, "0": 0, "": 0, "-1": 0, "soon": 0, "99999999999": 0, "Mon, 01 Jun 2026 13:00:00 GMT": time.Hour, "Mon, 01 Jun 2026 11:00:00 GMT": 0,
	} {
		if got := retryAfter(http.Header{"Retry-After": {value}}, noon); got != want {
			t.Errorf("Retry-After %q: %s, want %s", value, got, want)
		}
	}
	for value, want := range map[string]time.Duration{
		"max-age=600": 10 * time.Minute, "public, Max-Age = 60": 0, "public, MAX-AGE=60": time.Minute, `max-age="60"`: time.Minute, "s-maxage=60": 0, "max-age=-5": 0, "no-store": 0,
	} {
		if got := maxAge(http.Header{"Cache-Control": {value}}); got != want {
			t.Errorf("Cache-Control %q: %s, want %s", value, got, want)
		}
	}
	for range 100 {
		for asked, want := range map[time.Duration]time.Duration{time.Second: leastInterval, 3 * time.Hour: 3 * time.Hour, 1000 * time.Hour: mostInterval} {
			a := Address{Gap: 10 * time.Minute, News: noon.Add(-time.Minute)}
			if a.answered(noon, 1, asked); a.Due.Sub(noon) < want-want/10 || asked == 3*time.Hour && a.Due.Sub(noon) < asked {
				t.Fatalf("asked for %s it is polled after %s", asked, a.Due.Sub(noon))
			}
		}
		a := Address{}
		if a.failed(noon, "x", 10*time.Hour); a.Due.Sub(noon) < 10*time.Hour {
			t.Fatalf("Retry-After of ten hours: polled after %s", a.Due.Sub(noon))
		}
		if a.failed(noon, "x", 1e6*time.Hour); a.Due.Sub(noon) != mostRetryAfter {
			t.Fatalf("Retry-After of a century: polled after %s", a.Due.Sub(noon))
		}
	}
}

// The time between polls follows how often something is published: one that
// publishes every hour is asked twice an hour, one that falls silent ever less.
func TestInterval(t *testing.T) {
	a, now := Address{}, noon
	a.answered(now, 10, 0)
	if !within(a.Due.Sub(now), firstGap/2) {
		t.Errorf("after the first poll: %s", a.Due.Sub(now))
	}
	for range 20 {
		now = now.Add(time.Hour)
		a.answered(now, 1, 0)
	}
	if !within(a.Due.Sub(now), time.Hour/2) {
		t.Errorf("one article an hour: polled after %s", a.Due.Sub(now))
	}
	for range 20 {
		now = now.Add(10 * time.Minute)
		a.answered(now, 100, 0)
	}
	if !within(a.Due.Sub(now), leastInterval) {
		t.Errorf("ten a minute: polled after %s", a.Due.Sub(now))
	}
	last := a.Due.Sub(now)
	for _, silent := range []time.Duration{6 * time.Hour, 24 * time.Hour, 30 * 24 * time.Hour} {
		now = now.Add(silent)
		if a.answered(now, 0, 0); a.Due.Sub(now) <= last {
			t.Errorf("silent for %s more: polled after %s", silent, a.Due.Sub(now))
		}
		last = a.Due.Sub(now)
	}
	if !within(last, mostInterval) {
		t.Errorf("silent for a month: polled after %s", last)
	}
	a.answered(now.Add(time.Hour), 5, 0)
	if a.Failing != (time.Time{}) || a.Stopped {
		t.Errorf("%+v", a)
	}
}

// Failures space polls out, up to a day; after 14 days once a day, after 90 never;
// one answer undoes all that.
func TestBackOff(t *testing.T) {
	a, now, last := Address{}, noon, time.Duration(0)
	for i := range 9 {
		a.failed(now, "refused", 0)
		next := a.Due.Sub(now)
		if !within(next, leastInterval<<i) && !within(next, mostInterval) || next < last/2 {
			t.Errorf("failure %d: polled after %s", i+1, next)
		}
		last, now = next, now.Add(next)
	}
	if a.Fault != "refused" || a.Faults != 9 || a.Failing != noon || a.Stopped {
		t.Errorf("%+v", a)
	}
	a.Faults = 1
	a.failed(noon.Add(15*24*time.Hour), "refused", 0)
	if next := a.Due.Sub(noon.Add(15 * 24 * time.Hour)); !within(next, mostInterval) || a.Stopped {
		t.Errorf("after 15 days: polled after %s, stopped %v", next, a.Stopped)
	}
	a.failed(noon.Add(90*24*time.Hour), "refused", 0)
	if !a.Stopped || a.Fault != "stopped after failing for 90 days: refused" {
		t.Errorf("after 90 days: %+v", a)
	}
	a.answered(noon.Add(91*24*time.Hour), 0, 0)
	if a.Stopped || a.Fault != "" || a.Faults != 0 || !a.Failing.IsZero() {
		t.Errorf("once it answers: %+v", a)
	}
	a.gone(noon)
	if !a.Stopped || a.Fault == "" {
		t.Errorf("gone: %+v", a)
	}
	a.failed(noon, string(make([]byte, 10_000))+"<b>x</b>", 0)
	if len(a.Fault) > 2*maxFault {
		t.Errorf("a reason of %d bytes is kept", len(a.Fault))
	}
}

// An address moves once three polls over a day said the same new one, and never
// from https to http.
func TestMoves(t *testing.T) {
	const from, to, other = "https://a.example/", "https://b.example/", "https://c.example/"
	type step struct {
		after time.Duration
		to    string
		url   string
	}
	hour := time.Hour
	for name, steps := range map[string][]step{
		"three times over a day":    {{0, to, from}, {12 * hour, to, from}, {24 * hour, to, to}},
		"three times within a day":  {{0, to, from}, {hour, to, from}, {2 * hour, to, from}, {23 * hour, to, from}, {25 * hour, to, to}},
		"twice over a day":          {{0, to, from}, {48 * hour, to, from}, {49 * hour, to, to}},
		"not any more in between":   {{0, to, from}, {12 * hour, "", from}, {24 * hour, to, from}, {36 * hour, to, from}, {48 * hour, to, to}},
		"somewhere else in between": {{0, to, from}, {12 * hour, other, from}, {24 * hour, to, from}, {36 * hour, to, from}},
		"never to http":             {{0, "http://b.example/", from}, {24 * hour, "http://b.example/", from}, {48 * hour, "http://b.example/", from}, {72 * hour, "http://b.example/", from}},
		"itself":                    {{0, from, from}, {24 * hour, from, from}, {48 * hour, from, from}},
	} {
		a := Address{URL: from}
		for i, s := range steps {
			if a.moved(noon.Add(s.after), s.to); a.URL != s.url {
				t.Errorf("%s: after step %d at %s, want %s", name, i, a.URL, s.url)
			}
		}
	}
	plain := Address{URL: "http://a.example/"}
	for i := range 3 {
		plain.moved(noon.Add(time.Duration(i)*12*time.Hour), "http://b.example/")
	}
	if plain.URL != "http://b.example/" || plain.MovedTo != "" || plain.MovedPolls != 0 {
		t.Errorf("from http to http: %+v", plain)
	}
}
