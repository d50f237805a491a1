package feed

import "testing"

// An article takes no more than this in a small index, where spare room and rare
// topics weigh most; of a million it takes 63 bytes (BenchmarkSize).
func TestBytesOfAnArticle(t *testing.T) {
	s := synthetic(20_000).Size()
	per := func(bytes int) float64 { return float64(bytes) / float64(s.Articles) }
	for _, part := range []struct {
		name string
		have int
		most float64
	}{{"columns", s.Columns, 30}, {"tags", s.Tags, 30}, {"ids", s.IDs, 8}, {"stories", s.Stories, 8}, {"postings", s.Postings, 60}} {
		if per(part.have) > part.most || part.have == 0 {
			t.Errorf("%s: %.1f bytes an article, want at most %g", part.name, per(part.have), part.most)
		}
	}
}
