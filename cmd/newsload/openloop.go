package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// openLoop starts things at a rate, whether those before have ended or not, as
// strangers do. What each took counts from when it was meant to start: a server
// that stalls is not spared those who would have come meanwhile (Gil Tene's
// "coordinated omission").
type openLoop struct {
	rate     int // a second
	duration time.Duration
	callers  int // that may be busy at once
	// do does thing i, which was meant to start at a time.
	do func(c *caller, i int, intended time.Time) error
}

// run starts all and waits. Its error is the first.
func (l openLoop) run(ctx context.Context, d *door) error {
	type job struct {
		i        int
		intended time.Time
	}
	n := int(l.duration.Seconds() * float64(l.rate))
	jobs := make(chan job, n) // nobody who is late makes others late
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	for range l.callers {
		wg.Go(func() {
			c := d.caller()
			for j := range jobs {
				if ctx.Err() != nil {
					return
				}
				if err := l.do(c, j.i, j.intended); err != nil {
					cancel(err)
					return
				}
			}
		})
	}
	began := time.Now()
	for i := range n {
		intended := began.Add(time.Duration(float64(i) / float64(l.rate) * float64(time.Second)))
		time.Sleep(time.Until(intended))
		if ctx.Err() != nil {
			break
		}
		jobs <- job{i, intended}
	}
	close(jobs)
	wg.Wait()
	return context.Cause(ctx)
}

// latencies is a histogram of times, from a microsecond to a minute with three
// digits. Safe for concurrent use.
type latencies struct {
	mu sync.Mutex // guards h
	h  *hdrhistogram.Histogram
}

func newLatencies() *latencies {
	return &latencies{h: hdrhistogram.New(1, time.Minute.Microseconds(), 3)}
}

func (l *latencies) since(t time.Time) {
	us := min(max(time.Since(t).Microseconds(), 1), time.Minute.Microseconds())
	l.mu.Lock()
	defer l.mu.Unlock()
	_ = l.h.RecordValue(us) // it is within the range
}

// percentiles are the columns of a table of latencies.
var percentiles = []float64{50, 90, 99, 99.9, 100}

func percentileColumns(first string) []string {
	columns := []string{first}
	for _, p := range percentiles {
		columns = append(columns, fmt.Sprintf("p%g", p))
	}
	columns[len(columns)-1] = "most"
	return append(columns, "count")
}

func (l *latencies) figures() []Figure {
	var out []Figure
	for _, p := range percentiles {
		out = append(out, figure("s", l.at(p)))
	}
	return append(out, figure("", float64(l.h.TotalCount())))
}

func (l *latencies) at(percentile float64) float64 {
	return float64(l.h.ValueAtQuantile(percentile)) / 1e6
}

// draw adds the curve, so that each further nine is as wide as the one before.
func (l *latencies) draw(c *Chart, name string) {
	for _, one := range []float64{2, 3, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000} {
		if float64(l.h.TotalCount()) >= one {
			c.point(name, one, l.at(100*(1-1/one)))
		}
	}
}
