package ingest

import (
	"strings"
	"time"

	"github.com/mmcdole/gofeed"
)

// termsDate is a date of the Dublin Core terms, which the parser does not read.
func termsDate(entry *gofeed.Item, name string) *time.Time {
	for _, e := range entry.Extensions["dcterms"][name] {
		for _, form := range []string{time.RFC3339, "2006-01-02T15:04Z07:00", time.DateOnly, "2006-01", "2006"} {
			if date, err := time.Parse(form, strings.TrimSpace(e.Value)); err == nil {
				return &date
			}
		}
	}
	return nil
}

// entryDate writes the first date that there is and that RFC 3339 can say.
func entryDate(dates ...*time.Time) string {
	for _, date := range dates {
		if date != nil && !date.IsZero() {
			if utc := date.UTC(); utc.Year() >= 1 && utc.Year() <= 9999 {
				return utc.Format(time.RFC3339Nano)
			}
		}
	}
	return ""
}

// zones are the names of RFC 822, section 5.1.
var zones = map[string]string{
	"UT": "+0000", "GMT": "+0000", "UTC": "+0000", "Z": "+0000",
	"EST": "-0500", "EDT": "-0400", "CST": "-0600", "CDT": "-0500", "MST": "-0700", "MDT": "-0600", "PST": "-0800", "PDT": "-0700",
}

// writtenForms are forms that the parser does not try: of RFC 822 the short years and
// times, of ISO 8601 what is basic or reduced, and how people write dates.
var writtenForms = []string{
	"2 Jan 2006 15:04:05 -0700", "2 Jan 2006 15:04 -0700", "2 Jan 06 15:04:05 -0700", "2 Jan 06 15:04 -0700",
	"January 2, 2006 3:04 PM", "January 2, 2006, 3:04 PM", "January 2, 2006",
	"20060102T150405Z0700", "20060102", "2006-01", "2006",
}

// writtenDate reads a date that the parser could not, nil when it is none: without a
// day of the week before it and a comment behind it.
func writtenDate(s string) *time.Time {
	if len(s) > maxDate {
		return nil
	}
	s, _, _ = strings.Cut(s, "(")
	s = strings.Join(strings.Fields(s), " ")
	if day, rest, found := strings.Cut(s, ", "); found && !strings.ContainsAny(day, "0123456789") {
		s = rest
	}
	if at := strings.LastIndexByte(s, ' '); at > 0 && zones[s[at+1:]] != "" {
		s = s[:at+1] + zones[s[at+1:]]
	}
	for _, form := range writtenForms {
		if date, err := time.Parse(form, s); err == nil {
			return &date
		}
	}
	return nil
}
