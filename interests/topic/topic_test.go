package topic

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestMakeID(t *testing.T) {
	for _, c := range []struct{ name, want string }{
		{"North Korea", "north-korea"},
		{"  U.S. — Iran  ", "u-s-iran"},
		{"Crème brûlée", "crème-brûlée"},
		{"ﬁnance ½ Ⅷ ²", "finance-1-2-viii-2"}, // NFKC
		{"ＴＯＫＹＯ　２０２０", "tokyo-2020"},
		{"北京 冬奥会", "北京-冬奥会"},
		{"हिन्दी समाचार", "हिन्दी-समाचार"}, // vowel signs stay with their letters
		{"İstanbul", "istanbul"},
		{"ΣΊΣΥΦΟΣ", "σίσυφοσ"},
		{"I ❤️ NY", "i-ny"},
		{"---", ""}, {"", ""}, {"\u0301", ""}, {"😀", ""},
		{"\xff\xfeabc", "abc"},
		{"trending", "trending"}, // reserved, but that is FreeID's to avoid
		{strings.Repeat("a", 70), strings.Repeat("a", 64)},
		{strings.Repeat("a", 63) + " b", strings.Repeat("a", 63)},
		{strings.Repeat("é", 40), strings.Repeat("é", 32)},
		{strings.Repeat("a", 62) + "x̂", strings.Repeat("a", 62)}, // x and its hat go together
	} {
		if got := MakeID(c.name); string(got) != c.want {
			t.Errorf("MakeID(%q) = %q, want %q", c.name, got, c.want)
		}
	}
}

func TestNormaliseName(t *testing.T) {
	for _, c := range []struct{ name, want string }{
		{"North  Korea\n", "north korea"},
		{"\u00a0Straße ", "strasse"},
		{"ＮＡＴＯ", "nato"},
		{"ΣΊΣΥΦΟΣ", "σίσυφοσ"},
		{"n. korea", "n. korea"},
		{" ", ""}, {"", ""},
	} {
		if got := NormaliseName(c.name); got != c.want {
			t.Errorf("NormaliseName(%q) = %q, want %q", c.name, got, c.want)
		}
	}
}

// Whatever the name: the id is valid UTF-8 of at most 64 bytes without outer
// hyphens, making it again changes nothing, and a normal form is its own.
func FuzzNames(f *testing.F) {
	for _, s := range []string{"", "North Korea", "ﬁ", "ͅ", "ẛ̣", "İ", "-a-", "\xff", "x̂́", "ﷺ", strings.Repeat("é", 60), "각", "ᾳ", "ß", "\u2126"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		id := string(MakeID(s))
		if !utf8.ValidString(id) || len(id) > maxID || strings.Trim(id, "-") != id || strings.Contains(id, "--") {
			t.Errorf("MakeID(%q) = %q", s, id)
		}
		if again := string(MakeID(id)); again != id {
			t.Errorf("MakeID(%q) = %q, of which MakeID makes %q", s, id, again)
		}
		name := NormaliseName(s)
		if again := NormaliseName(name); again != name || !utf8.ValidString(name) {
			t.Errorf("NormaliseName(%q) = %q, of which it makes %q", s, name, again)
		}
	})
}

func TestReservedAndSource(t *testing.T) {
	if !Reserved("trending") || !Reserved("suggested") || Reserved("north-korea") {
		t.Error("trending and suggested are reserved, nothing else")
	}
	if got := SourceTopicID("abc-news"); got != "source-abc-news" {
		t.Errorf("SourceTopicID(abc-news) = %q", got)
	}
}
