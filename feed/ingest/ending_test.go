package ingest

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/encoding/charmap"
)

// asked is a context that counts how often it is asked whether it is done, and
// knows the most that the processor did in between. It is done when it was asked so
// often; 0: never.
type asked struct {
	context.Context
	last    int
	times   int
	longest time.Duration
	at      time.Duration
}

var errLate = errors.New("too late")

func (a *asked) Err() error {
	now := cpuTime()
	if a.times++; a.times > 1 {
		a.longest = max(a.longest, now-a.at)
	}
	a.at = now
	if a.last > 0 && a.times >= a.last {
		return errLate
	}
	return nil
}

// Reading ends with its context, whatever it is at: decoding, the scan, the parser,
// the mending of what is cut off, the look for flaws, the cleaning of items.
func TestReadDocumentEnds(t *testing.T) {
	if testing.Short() {
		t.Skip("one goroutine: the race detector has nothing to find")
	}
	var items strings.Builder
	for range 30 {
		items.WriteString(`<item><title>T</title><link>https://a.example/</link><description>` + strings.Repeat("длинно ", 200) + `</description></item>`)
	}
	whole := `<?xml version="1.0" encoding="windows-1251"?><rss version="2.0"><channel><title>C</title><link>https://a.example/</link>` + items.String()
	russian, err := charmap.Windows1251.NewEncoder().String(whole + "</channel></rss>")
	if err != nil {
		t.Fatal(err)
	}
	for name, document := range map[string]string{
		"RSS in windows-1251":  russian,
		"cut off":              whole[:len(whole)-30],
		"JSON Feed":            `{"version":"https://jsonfeed.org/version/1","title":"J","items":[` + strings.Repeat(`{"id":"1","content_html":"`+strings.Repeat("long ", 100)+`"},`, 60) + `{"id":"2"}]}`,
		"JSON Feed of items":   `{"version":"https://jsonfeed.org/version/1","title":"J","items":[` + strings.Repeat(`{"id":"1"},`, 299) + `{"id":"2"}]}`,
		"no document":          "<html>" + strings.Repeat("<p>", 90),
		"one item that is all": `<rss version="2.0"><channel>` + strings.Repeat("<item>", 1) + strings.Repeat("x", 200_000) + `</item></channel></rss>`,
	} {
		received := Received{Body: []byte(document)}
		never := &asked{Context: context.Background()}
		_, _ = ReadDocument(never, received)
		if least := len(document)>>16 + strings.Count(document, `{"id"`); never.times < least {
			t.Errorf("%s: its context is asked %d times, want %d at least", name, never.times, least)
		}
		for last := 1; last <= never.times; last += 1 + never.times/25 {
			ctx := &asked{Context: context.Background(), last: last}
			d, err := ReadDocument(ctx, received)
			if !errors.Is(err, errLate) || d.Items != nil {
				t.Fatalf("%s, done at question %d of %d: %d items, %v", name, last, never.times, len(d.Items), err)
			}
			if more := ctx.times - last; more > 12 {
				t.Fatalf("%s, done at question %d of %d: went on for %d more", name, last, never.times, more)
			}
		}
		t.Logf("%s: its context is asked %d times", name, never.times)
	}
}
