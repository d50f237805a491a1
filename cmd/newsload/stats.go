package main

import (
	"fmt"
	"math"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// Figure is a number measured several times.
type Figure struct {
	Median float64 `json:"median"`
	Low    float64 `json:"low"`
	High   float64 `json:"high"`
	Unit   string  `json:"unit"` // "s" is shown as ns, µs or ms; "" is a plain number
}

// figure summarises slices of a measurement.
func figure(unit string, values ...float64) Figure {
	s := slices.Sorted(slices.Values(values))
	if len(s) == 0 {
		return Figure{Median: math.NaN(), Unit: unit}
	}
	return Figure{(s[(len(s)-1)/2] + s[len(s)/2]) / 2, s[0], s[len(s)-1], unit}
}

// String shows the median, and the range when there is one.
func (f Figure) String() string {
	if math.IsNaN(f.Median) {
		return "–"
	}
	if f.Low == f.High {
		return f.show(f.Median)
	}
	return fmt.Sprintf("%s (%s–%s)", f.show(f.Median), f.show(f.Low), f.show(f.High))
}

func (f Figure) show(v float64) string {
	switch {
	case f.Unit == "s":
		return shortly(time.Duration(v * float64(time.Second)))
	case f.Unit == "×" && v >= 100:
		return fmt.Sprintf("%.0f×", v)
	case f.Unit == "×":
		return fmt.Sprintf("%.2f×", v)
	case math.Abs(v) < 1e9 && (v == math.Trunc(v) || math.Abs(v) >= 100):
		return fmt.Sprintf("%.0f%s", v, f.Unit)
	}
	return fmt.Sprintf("%.3g%s", v, f.Unit)
}

// shortly shows a duration with three digits.
func shortly(d time.Duration) string {
	switch s := d.Seconds(); {
	case s < 1e-6:
		return fmt.Sprintf("%.0f ns", s*1e9)
	case s < 1e-3:
		return fmt.Sprintf("%.3g µs", s*1e6)
	case s < 1:
		return fmt.Sprintf("%.3g ms", s*1e3)
	}
	return fmt.Sprintf("%.3g s", d.Seconds())
}

// over divides two series slice by slice: what was measured side by side is
// compared side by side.
func over(a, b []float64) []float64 {
	out := make([]float64, min(len(a), len(b)))
	for i := range out {
		out[i] = a[i] / b[i]
	}
	return out
}

// exponent returns the k of y = c·xᵏ that fits best: the slope of the line of
// least squares through the logarithms.
func exponent(x, y []float64) float64 {
	var sx, sy, sxx, sxy float64
	n := float64(len(x))
	for i := range x {
		lx, ly := math.Log(x[i]), math.Log(y[i])
		sx, sy, sxx, sxy = sx+lx, sy+ly, sxx+lx*lx, sxy+lx*ly
	}
	return (n*sxy - sx*sy) / (n*sxx - sx*sx)
}

// cost is what questions took.
type cost struct {
	questions int
	wall, cpu time.Duration
}

func (c cost) wallEach() float64 { return c.wall.Seconds() / float64(c.questions) }
func (c cost) cpuEach() float64  { return c.cpu.Seconds() / float64(c.questions) }

// costs are the slices of one measurement.
type costs []cost

func (c costs) wall() []float64 { return c.each(cost.wallEach) }
func (c costs) cpu() []float64  { return c.each(cost.cpuEach) }

func (c costs) each(f func(cost) float64) []float64 {
	out := make([]float64, len(c))
	for i := range c {
		out[i] = f(c[i])
	}
	return out
}

// clocked asks again and again for at least a time and at least once, and tells
// what it took: on the wall, and on the clock of processors given.
func clocked(atLeast time.Duration, cpu func() (time.Duration, error), ask func(i int) error) (cost, error) {
	cpu0, err := cpu()
	if err != nil {
		return cost{}, err
	}
	var c cost
	began := time.Now()
	for step := 1; c.questions == 0 || c.wall < atLeast; c.wall = time.Since(began) {
		for range step {
			if err := ask(c.questions); err != nil {
				return cost{}, err
			}
			c.questions++
		}
		if c.questions == 1 && time.Since(began) < atLeast/1000 {
			step = 20 // so that the clock costs nothing beside the questions
		}
	}
	cpu1, err := cpu()
	c.cpu = cpu1 - cpu0
	return c, err
}

// ownCPU is the processor time of this process.
func ownCPU() (time.Duration, error) { return clock(unix.CLOCK_PROCESS_CPUTIME_ID) }

// cpuOf is the processor time that a process has used, in nanoseconds. Linux has
// such a clock for every process (clock_getcpuclockid(3)); /proc/PID/stat counts
// in hundredths of a second.
func cpuOf(pid int) (time.Duration, error) {
	const schedulerClock = 2
	return clock(int32(^pid)<<3 | schedulerClock)
}

func clock(id int32) (time.Duration, error) {
	var ts unix.Timespec
	if err := unix.ClockGettime(id, &ts); err != nil {
		return 0, fmt.Errorf("read clock %d of a process: %w", id, err)
	}
	return time.Duration(ts.Nano()), nil
}
