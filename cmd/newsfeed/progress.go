package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// progress shows how far an import is: a bar on a terminal, elsewhere a line every
// few seconds.
type progress struct {
	out     io.Writer
	bar     *progressbar.ProgressBar // nil: lines
	total   int64                    // bytes; 0 when not known
	done    int64
	started time.Time
	next    time.Time // of the next line
}

const lineEvery = 5 * time.Second

func newProgress(out io.Writer, files []inputFile) *progress {
	p := &progress{out: out, started: time.Now()}
	p.next = p.started.Add(lineEvery)
	for _, file := range files {
		if p.total += file.size; file.path == "-" {
			p.total = 0
			break
		}
	}
	if file, ok := out.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		size := p.total
		if size == 0 {
			size = -1
		}
		p.bar = progressbar.NewOptions64(size, progressbar.OptionSetWriter(out), progressbar.OptionShowBytes(true),
			progressbar.OptionSetDescription("importing"), progressbar.OptionFullWidth(),
			progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())
	}
	return p
}

// add is told of more bytes that were dealt with.
func (p *progress) add(bytes int64, c counts) {
	p.done += bytes
	if p.bar != nil {
		p.bar.Describe(fmt.Sprintf("%d articles", c.all()))
		_ = p.bar.Set64(p.done)
		return
	}
	if now := time.Now(); now.After(p.next) {
		p.next = now.Add(lineEvery)
		p.say("%d articles%s, %.0f a second", c.all(), p.percent(), p.rate(c))
	}
}

func (p *progress) percent() string {
	if p.total == 0 {
		return ""
	}
	return fmt.Sprintf(", %d %%", 100*min(p.done, p.total)/p.total)
}

func (p *progress) rate(c counts) float64 {
	return float64(c.all()) / max(time.Since(p.started).Seconds(), 0.001)
}

// say writes a line, above the bar if there is one.
func (p *progress) say(format string, args ...any) {
	if p.bar != nil {
		_ = p.bar.Clear()
	}
	fmt.Fprintf(p.out, format+"\n", args...)
	if p.bar != nil {
		_ = p.bar.RenderBlank()
	}
}

// finish takes the bar away and says what became of everything.
func (p *progress) finish(c counts) {
	if p.bar != nil {
		_ = p.bar.Clear()
		p.bar = nil
	}
	p.say("%d accepted, %d updated, %d unchanged, %d rejected in %.1f s, %.0f articles a second",
		c.accepted, c.updated, c.unchanged, c.rejected, time.Since(p.started).Seconds(), p.rate(c))
	if c.tooOld > 0 {
		p.say("%d of them are older than the server's horizon: stored, but in no feed (see NEWSFEED_HORIZON)", c.tooOld)
	}
}
