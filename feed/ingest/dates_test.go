package ingest

import (
	"testing"
	"time"
)

// Dates as publishers write them, beyond what the parser tries.
func TestWrittenDates(t *testing.T) {
	for in, want := range map[string]string{
		"Sun, 17 May 20 21:31 EST":                "2020-05-18T02:31:00Z",
		"17 May 20 21:31:04 +0200":                "2020-05-17T19:31:04Z",
		"Sun, 17 May 2020 21:31:04 +0200 (CEST)":  "2020-05-17T19:31:04Z",
		"Sunday, May 17, 2020 9:31 PM":            "2020-05-17T21:31:00Z",
		"May 17, 2020, 09:31 AM":                  "2020-05-17T09:31:00Z",
		"20200517T213104Z":                        "2020-05-17T21:31:04Z",
		"20200517T213104+0200":                    "2020-05-17T19:31:04Z",
		"20200517":                                "2020-05-17T00:00:00Z",
		"2020-05":                                 "2020-05-01T00:00:00Z",
		"2020":                                    "2020-01-01T00:00:00Z",
		"Sun, 17 May 2020 21:31:04 GMT":           "2020-05-17T21:31:04Z",
		"the day before":                          "",
		"1589750000":                              "",
		"Sun, 32 May 2020 21:31:04 +0200 (CEST)":  "",
		"10000-01-01T00:00:00Z":                   "",
		"Sun, 17 May 2020 21:31:04 +0200 (a) (b)": "2020-05-17T19:31:04Z",
		"Sun, 17 May 2020 21:31:04 XYZ (nowhere)": "",
	} {
		item := entry(t, rss("", `<title>T</title><link>https://a.example/</link><pubDate>`+in+`</pubDate>`))
		got := ""
		if at := item.Draft.Published; !at.IsZero() {
			got = at.UTC().Format(time.RFC3339)
		}
		if got != want {
			t.Errorf("%q is %s, want %s", in, got, want)
		}
	}
}
