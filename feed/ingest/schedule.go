package ingest

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// When an address is polled next.
const (
	leastInterval  = 5 * time.Minute
	mostInterval   = 24 * time.Hour
	mostRetryAfter = dailyAfter          // that is believed
	firstGap       = time.Hour           // between new articles, of an address that nothing is known of
	dailyAfter     = 14 * 24 * time.Hour // of failing: once a day
	stopAfter      = 90 * 24 * time.Hour // of failing
	movedPolls     = 3                   // that must say the same new address
	movedFor       = 24 * time.Hour      // and for how long
	maxFault       = 300                 // characters of a reason
)

// clampInterval puts a time between polls into bounds.
func clampInterval(d time.Duration) time.Duration { return min(max(d, leastInterval), mostInterval) }

// notNew notes a poll that was answered, and how many articles were new.
func (a *Address) notNew(now time.Time, news int) {
	switch {
	case news > 0 && !a.News.IsZero():
		gap := now.Sub(a.News) / time.Duration(news)
		a.Gap = (2*a.Gap + gap) / 3 // what it does lately counts a third
	case news == 0 && !a.News.IsZero():
		a.Gap = max(a.Gap, now.Sub(a.News)) // it is at least that
	}
	if a.Gap == 0 {
		a.Gap = firstGap
	}
	if news > 0 || a.News.IsZero() {
		a.News = now
	}
	a.Answered, a.Failing, a.Faults, a.Fault, a.Stopped = now, time.Time{}, 0, "", false
}

// answered sets when an address that answered is polled next: twice in the time
// in which it usually publishes something, but not before what it asks for.
func (a *Address) answered(now time.Time, news int, asked time.Duration) {
	a.notNew(now, news)
	next := jitter(clampInterval(a.Gap / 2))
	if asked > 0 {
		next = max(next, clampInterval(asked))
	}
	a.Due = now.Add(next).Truncate(time.Millisecond)
}

// failed notes why a poll failed and sets when the next one is: ever later, up to
// a day, and not before what it asks for; after 90 days never.
func (a *Address) failed(now time.Time, why string, retryAfter time.Duration) {
	a.Fault = shorten(Plain(why), maxFault)
	if a.Failing.IsZero() {
		a.Failing = now
	}
	a.Faults++
	next := leastInterval << min(a.Faults-1, 9)
	if now.Sub(a.Failing) >= dailyAfter {
		next = mostInterval
	}
	if now.Sub(a.Failing) >= stopAfter {
		a.Stopped = true
		a.Fault = shorten(fmt.Sprintf("stopped after failing for 90 days: %s", a.Fault), maxFault)
	}
	a.Due = now.Add(max(jitter(clampInterval(next)), min(retryAfter, mostRetryAfter))).Truncate(time.Millisecond)
}

// gone stops an address that says it is no more.
func (a *Address) gone(now time.Time) {
	a.failed(now, "stopped: it says that it is gone for good (410)", 0)
	a.Stopped = true
}

// moved notes where an answer says that the address is for good, "" for nowhere,
// and moves there when it was told so for long enough.
func (a *Address) moved(now time.Time, to string) {
	downgrade := strings.HasPrefix(a.URL, "https:") && !strings.HasPrefix(to, "https:")
	switch {
	case to == "" || to == a.URL || downgrade:
		a.MovedTo, a.MovedSince, a.MovedPolls = "", time.Time{}, 0
		return
	case to != a.MovedTo:
		a.MovedTo, a.MovedSince, a.MovedPolls = to, now, 0
	}
	if a.MovedPolls++; a.MovedPolls >= movedPolls && now.Sub(a.MovedSince) >= movedFor {
		a.URL, a.MovedTo, a.MovedSince, a.MovedPolls = to, "", time.Time{}, 0
	}
}

// jitter varies a time by a tenth each way, so that what was added together is
// not polled together for ever.
func jitter(d time.Duration) time.Duration {
	return d - d/10 + rand.N(d/5)
}

// maxAge reads for how long an answer says that it keeps (RFC 9111 §5.2.2.1).
func maxAge(h http.Header) time.Duration {
	for directive := range strings.SplitSeq(h.Get("Cache-Control"), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
		if strings.EqualFold(name, "max-age") {
			if seconds, err := strconv.ParseUint(strings.Trim(value, `"`), 10, 31); err == nil {
				return time.Duration(seconds) * time.Second
			}
		}
	}
	return 0
}

// retryAfter reads the header of that name: seconds, or a date (RFC 9110 §10.2.3).
func retryAfter(h http.Header, now time.Time) time.Duration {
	value := h.Get("Retry-After")
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if date, err := http.ParseTime(value); err == nil {
		return max(0, date.Sub(now))
	}
	return 0
}
