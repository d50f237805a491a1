package main

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// Chart is lines over logarithmic axes: a power law is a straight one.
type Chart struct {
	Title string `json:"title"`
	X     string `json:"x"`
	Y     string `json:"y"` // seconds are shown as ns, µs, ms
	Lines []Line `json:"lines"`
}

// Line is a named series.
type Line struct {
	Name   string       `json:"name"`
	Points [][2]float64 `json:"points"` // x and y above 0
}

func (r *Report) chart(title, x, y string) *Chart {
	c := &Chart{Title: title, X: x, Y: y}
	r.Charts = append(r.Charts, c)
	return c
}

// point adds a point to the line of a name. What cannot stand on a logarithmic
// axis is left out.
func (c *Chart) point(line string, x, y float64) {
	if !(x > 0 && y > 0) {
		return
	}
	for i := range c.Lines {
		if c.Lines[i].Name == line {
			c.Lines[i].Points = append(c.Lines[i].Points, [2]float64{x, y})
			return
		}
	}
	c.Lines = append(c.Lines, Line{line, [][2]float64{{x, y}}})
}

// Measures of a drawing.
const (
	chartWidth, chartHeight             = 920, 380
	plotLeft, plotTop, plotRight, plotY = 70, 24, 600, 340
)

var colours = []string{"#0b6e4f", "#c0392b", "#2c6fbb", "#d98324", "#7d3c98", "#5d6d7e", "#b03a78", "#3f7f3f", "#8a6d3b"}

// drawing is a chart in the coordinates of an SVG.
type drawing struct {
	Width, Height, LegendX, LegendTextX, MiddleX, LabelY int
	Grid                                                 []gridLine
	Lines                                                []drawnLine
}

type gridLine struct {
	X1, Y1, X2, Y2, TextX, TextY float64
	Anchor, Text                 string
}

type drawnLine struct {
	Name, Colour, Points string
	Dots                 []struct{ X, Y float64 }
	LegendY, LegendTextY int
}

// axis maps values to coordinates by their logarithm.
type axis struct{ low, high, from, to float64 }

func (a axis) at(v float64) float64 {
	return math.Round(a.from + (math.Log10(v)-a.low)/(a.high-a.low)*(a.to-a.from))
}

// Drawn computes the drawing.
func (c *Chart) Drawn() drawing {
	d := drawing{Width: chartWidth, Height: chartHeight, LegendX: plotRight + 20, LegendTextX: plotRight + 40,
		MiddleX: (plotLeft + plotRight) / 2, LabelY: chartHeight - 4}
	x := c.axis(0, plotLeft, plotRight)
	y := c.axis(1, plotY, plotTop)
	for e := math.Ceil(x.low); e <= x.high; e++ {
		at := x.at(math.Pow(10, e))
		d.Grid = append(d.Grid, gridLine{at, plotTop, at, plotY, at, plotY + 16, "middle", fmt.Sprintf("%g", math.Pow(10, e))})
	}
	for e := math.Ceil(y.low); e <= y.high; e++ {
		at := y.at(math.Pow(10, e))
		d.Grid = append(d.Grid, gridLine{plotLeft, at, plotRight, at, plotLeft - 6, at + 4, "end", c.value(math.Pow(10, e))})
	}
	for i, l := range c.Lines {
		drawn := drawnLine{Name: l.Name, Colour: colours[i%len(colours)], LegendY: plotTop + 20*i, LegendTextY: plotTop + 20*i + 6}
		var points []string
		for _, p := range l.Points {
			px, py := x.at(p[0]), y.at(p[1])
			points = append(points, fmt.Sprintf("%.0f,%.0f", px, py))
			drawn.Dots = append(drawn.Dots, struct{ X, Y float64 }{px, py})
		}
		drawn.Points = strings.Join(points, " ")
		d.Lines = append(d.Lines, drawn)
	}
	return d
}

func (c *Chart) value(v float64) string {
	if strings.HasPrefix(c.Y, "s ") {
		return shortly(time.Duration(v * float64(time.Second)))
	}
	return fmt.Sprintf("%g", v)
}

// axis spans the values of all lines, with whole powers of ten within.
func (c *Chart) axis(dimension int, from, to float64) axis {
	low, high := math.Inf(1), math.Inf(-1)
	for _, l := range c.Lines {
		for _, p := range l.Points {
			low, high = min(low, math.Log10(p[dimension])), max(high, math.Log10(p[dimension]))
		}
	}
	if dimension == 1 {
		low, high = math.Floor(low), math.Ceil(high)
	}
	if !(high > low) {
		low, high = low-1, low+1
	}
	return axis{low, high, from, to}
}
