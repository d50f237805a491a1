package feed

import (
	"net/url"
	"strings"
	"testing"
)

func TestCanonicalURL(t *testing.T) {
	tests := []struct{ raw, want string }{
		{"https://example.com/a", "https://example.com/a"},
		{"http://example.com/a", "https://example.com/a"},
		{"HTTP://Example.COM/A", "https://example.com/A"},
		{"https://example.com", "https://example.com/"},
		{"https://example.com#top", "https://example.com/"},
		{"https://example.com?a=1", "https://example.com/?a=1"},
		{"https://example.com./a", "https://example.com/a"},
		{"https://example.com.:443/a", "https://example.com/a"},
		{"http://example.com:80/a", "https://example.com/a"},
		{"http://example.com:443/a", "https://example.com/a"},
		{"https://example.com:80/a", "https://example.com:80/a"},
		{"http://example.com:8080/a", "https://example.com:8080/a"},
		{"https://example.com:/a", "https://example.com/a"},
		{"https://example.com:0443/a", "https://example.com/a"},
		{"https://example.com/a#b?c", "https://example.com/a"},
		{"https://example.com/a?b#utm_source=x", "https://example.com/a?b"},
		{"https://example.com/a?utm_source=x&utm_medium=y", "https://example.com/a"},
		{"https://example.com/a?utm_=x&b=2", "https://example.com/a?b=2"},
		{"https://example.com/a?b=2&fbclid=x&a=1&gclid=1&mc_cid=2&mc_eid", "https://example.com/a?b=2&a=1"},
		{"https://example.com/a?x=utm_source&utmost=1&my_utm_x=2", "https://example.com/a?x=utm_source&utmost=1&my_utm_x=2"},
		{"https://example.com/a?b=%7e&&c=+%20é&b", "https://example.com/a?b=%7e&&c=+%20é&b"},
		{"https://example.com/a?", "https://example.com/a?"},
		{"https://example.com//a/../b/./%2e/", "https://example.com//a/../b/./%2e/"},
		{"https://example.com/a b", "https://example.com/a b"},
		{"https://example.com/http://other.example/", "https://example.com/http://other.example/"},
		{"https://example.com?u=http://other.example/", "https://example.com/?u=http://other.example/"},
		{"https://BÜCHER.example/ä", "https://xn--bcher-kva.example/ä"},
		{"https://xn--bcher-kva.example/", "https://xn--bcher-kva.example/"},
		{"https://日本語。jp/", "https://xn--wgv71a119e.jp/"},
		{"https://faß.de/", "https://xn--fa-hia.de/"},
		{"https://a_b.example/", "https://a_b.example/"},
		{"https://192.0.2.1/", "https://192.0.2.1/"},
		{"https://[2001:DB8::0:1]:443/", "https://[2001:db8::1]/"},
		{"http://localhost:8080", "https://localhost:8080/"},
		{"https://example.com/" + strings.Repeat("a", MaxURL-20), "https://example.com/" + strings.Repeat("a", MaxURL-20)},
	}
	for _, test := range tests {
		if got, err := CanonicalURL(test.raw); got != test.want || err != nil {
			t.Errorf("CanonicalURL(%q) = %q, %v, want %q", test.raw, got, err, test.want)
		}
	}
}

func TestCanonicalURLRefuses(t *testing.T) {
	bad := []string{
		"", "example.com/a", "/a", "//example.com/a", "https:/example.com", "https:example.com", "https://", "https:///a",
		"javascript:alert(1)", "javascript://example.com/%0aalert(1)", "JavaScript:alert(1)", "data:text/html,x",
		"ftp://example.com/", "file:///etc/passwd", "mailto:a@b.example", "urn:newsml:a", " https://example.com/", "java\nscript:alert(1)",
		"https://user@example.com/", "https://user:secret@example.com/", "https://@example.com/", "https://a＠b.example/",
		"https://good.example\\@bad.example/", "https://good.example\\.bad.example/", "https://a b.example/", "https://exa%6dple.com/",
		"https://example.com:99999/", "https://example.com:0/", "https://example.com:x/", "https://a..b/", "https://./", "https://.a/",
		"https://[::1/", "https://::1/", "https://[1.2.3.4]/", "https://[fe80::1%25eth0]/", "https://[v1.x]/", "https://a]b/",
		"https://example.com/\x00", "https://example.com/a\tb", "https://exa\nmple.com/", "https://example.com/\xff", "https://example.com/%zz",
		"https://" + strings.Repeat("a", 64) + ".com/", "https://example.com/" + strings.Repeat("a", MaxURL-19),
	}
	for _, raw := range bad {
		if got, err := CanonicalURL(raw); err == nil {
			t.Errorf("CanonicalURL(%q) = %q, want an error", raw, got)
		}
	}
}

// The id of the canonical address is what any other program computes.
func TestArticleIDOfCanonicalURL(t *testing.T) {
	canonical, err := CanonicalURL("HTTP://www.Example.com:80?utm_source=x#y")
	if err != nil {
		t.Fatal(err)
	}
	// python3 -c 'import uuid; print(uuid.uuid5(uuid.NAMESPACE_URL, "https://www.example.com/"))'
	if got, want := NewArticleID(canonical).String(), "3d3ed9d2-aa3d-5fa6-90e8-ed662e90f559"; got != want {
		t.Errorf("id of %q = %s, want %s", canonical, got, want)
	}
}

func FuzzCanonicalURL(f *testing.F) {
	for _, seed := range []string{"http://a.b:443?utm_a&c#d", "https://BÜCHER.example.:80/ä?fbclid=1&", "https://[::1]:443", "https://a。b＠c/?&&utm_="} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		once, err := CanonicalURL(raw)
		if err != nil {
			return
		}
		if twice, err := CanonicalURL(once); twice != once || err != nil {
			t.Fatalf("CanonicalURL(%q) = %q, and of that %q, %v", raw, once, twice, err)
		}
		u, err := url.Parse(once)
		if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.Fragment != "" {
			t.Fatalf("CanonicalURL(%q) = %q, which parses as %#v, %v", raw, once, u, err)
		}
	})
}
