package origin

import "testing"

func TestOurs(t *testing.T) {
	for _, c := range []struct {
		address, site, origin, host string
		want                        bool
	}{
		{"https://news.example", "same-origin", "", "", true},
		{"https://news.example", "cross-site", "https://news.example", "news.example", false},
		{"https://news.example", "same-site", "", "", false},
		{"https://news.example", "none", "", "", false},
		{"https://news.example", "", "https://news.example", "x", true},
		{"https://news.example:443/", "", "https://News.example", "x", true},
		{"https://news.example", "", "http://news.example", "news.example", false},
		{"https://news.example", "", "https://evil.example", "evil.example", false},
		{"https://news.example", "", "null", "news.example", false},
		{"https://news.example", "", "", "news.example", false},
		{"http://127.0.0.1:8080", "", "http://localhost:9090", "localhost:9090", true},
		{"http://127.0.0.1:8080", "", "http://localhost:3000", "localhost:8080", false},
		{"http://127.0.0.1:8080", "", "http://evil.example:8080", "evil.example:8080", false},
		{"", "", "https://news.example", "news.example", false},
		{"", "", "", "", false},
	} {
		if got := Of(c.address).Ours(c.site, c.origin, c.host); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}
