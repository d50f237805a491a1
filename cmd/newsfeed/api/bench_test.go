package api

import (
	"fmt"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"
)

// quick is a house where all is at hand, and a guest who follows 5 topics among
// 1,000 articles.
type quick struct {
	*House
	guest, path, tag string
	topics           []string
}

func newQuick(t testing.TB) *quick {
	q := &quick{topics: []string{"iran", "north-korea", "tennis", "france", "japan"}}
	q.House = NewHouse(t, func(d *Deps) { d.Settings.Bench = true })
	q.remember()
	for _, topic := range q.topics {
		names := make([]string, 200)
		for i := range names {
			names[i] = fmt.Sprintf("%s-%d", topic, i)
		}
		q.Publish(q.Publisher, topic, names...)
	}
	guest := q.Guest()
	q.Follow(guest, q.topics...)
	page := q.Must(200, "GET", "/feed", guest, "")
	q.guest, q.tag = string(guest), page.Header.Get("ETag")
	q.path = fmt.Sprintf("/bench/fixed?bytes=%d", len(page.Body))
	return q
}

// asking returns a function that makes a request, through the whole door but the
// network, and its answer's status.
func (q *quick) asking(path string, headers ...string) func() int {
	handle := q.app.Server().Handler
	ctx := new(fasthttp.RequestCtx)
	return func() int {
		ctx.Request.Reset()
		ctx.Response.Header.Reset() // the body's buffer is kept, as a connection does
		ctx.Request.Header.SetMethod("GET")
		ctx.Request.SetRequestURI(path)
		ctx.Request.Header.Set("Authorization", "Bearer "+q.guest)
		for _, header := range headers {
			name, value, _ := strings.Cut(header, ": ")
			ctx.Request.Header.Set(name, value)
		}
		handle(ctx)
		return ctx.Response.StatusCode()
	}
}

// BenchmarkFeed is a page of 30 cards for which nothing changed, one that is
// judged anew each time, and a 304, through the whole door but the network,
// beside the yardstick of the same size.
func BenchmarkFeed(b *testing.B) {
	q := newQuick(b)
	run := func(status int, ask func() int, before func()) func(*testing.B) {
		return func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				before()
				if got := ask(); got != status {
					b.Fatalf("status %d", got)
				}
			}
		}
	}
	nothing := func() {}
	b.Run("fixed", run(200, q.asking(q.path), nothing))
	b.Run("304", run(304, q.asking("/feed", "If-None-Match: "+q.tag), nothing))
	b.Run("kept", run(200, q.asking("/feed"), nothing))
	limit, asks := 0, []func() int{q.asking("/feed?limit=29"), q.asking("/feed?limit=30")}
	b.Run("unlike the last", run(200, func() int { return asks[limit%2]() }, func() { limit++ }))
}

// A feed for which nothing changed, and a 304, allocate no more than a fixed body
// does beside them, but for what is named here.
func TestFeedAllocates(t *testing.T) {
	q := newQuick(t)
	measure := func(path string, headers ...string) float64 {
		ask := q.asking(path, headers...)
		ask()
		return testing.AllocsPerRun(200, func() { ask() })
	}
	fixed := measure(q.path)
	t.Logf("the yardstick allocates %g times", fixed)
	if got := measure("/feed"); got > fixed {
		t.Errorf("a kept page allocates %g times, %g more than the yardstick", got, got-fixed)
	}
	if got := measure("/feed", "If-None-Match: "+q.tag); got > fixed {
		t.Errorf("a 304 allocates %g times, %g more than the yardstick", got, got-fixed)
	}
}
