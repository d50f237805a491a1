package ingest

import "testing"

// A page is read without what stands around its article, in its own encoding; a
// text begins with its title.
func TestReadPage(t *testing.T) {
	for _, c := range []struct {
		name, page, kind string
		want             Page
	}{
		{"text", "A title\n\nFirst line.\nSecond.", "", Page{"A title", "", "First line.\nSecond."}},
		{"article", `<!doctype html><title>Window</title><meta property="og:title" content="Iran &amp; co"><meta name="description" content="In short.">
			<body><nav>Sport Weather</nav><article>Short.</article><article><h1>Iran</h1><p>One <b>two</b>.</p><script>var x</script><p>Three.</p></article><footer>Imprint</footer>`, "",
			Page{"Iran & co", "In short.", "Iran\nOne two.\nThree."}},
		{"no article", "<html><head><title>T</title></head><body><header>Menu</header><div>All</div><div>of it</div></body></html>", "", Page{"T", "", "All\nof it"}},
		{"Latin-1 by its header", "<p>caf\xe9", "text/html; charset=iso-8859-1", Page{"", "", "caf\u00e9"}},
		{"windows-1251 by its declaration", "<meta charset=windows-1251><p>\xcc\xee\xf1\xea\xe2\xe0", "", Page{"", "", "\u041c\u043e\u0441\u043a\u0432\u0430"}},
		{"nothing", "", "", Page{}},
	} {
		if got := ReadPage([]byte(c.page), c.kind); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}

// What nests without end is read in bounded time and memory, or not at all.
func FuzzReadPage(f *testing.F) {
	f.Add([]byte("<article><p>x"))
	f.Add([]byte("\xff<title>"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if p := ReadPage(b, ""); len(p.Title) > 4*maxTitle || len(p.Text) > 4*len(b)+16 {
			t.Errorf("%q: %d bytes of title, %d of text", b, len(p.Title), len(p.Text))
		}
	})
}
