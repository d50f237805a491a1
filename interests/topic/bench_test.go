package topic

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// article is a text of 200 words in which one word in ten is of the catalogue.
func article(random *rand.Rand, topics []Topic) Text {
	var body strings.Builder
	for range 200 {
		if random.IntN(10) == 0 {
			body.WriteString(topics[random.IntN(len(topics))].Name + " ")
			continue
		}
		body.WriteString([]string{"the", "said", "which", "company", "yesterday", "about", "percent,", "talks.", "new", "people's"}[random.IntN(10)] + " ")
	}
	return Text{Title: body.String()[:60], Summary: body.String()[:200], Body: body.String()}
}

func BenchmarkTags(b *testing.B) {
	topics := Seed()
	tagger := NewCatalogue(topics).Tagger()
	random := rand.New(rand.NewPCG(5, 5))
	var texts []Text
	for range 100 {
		texts = append(texts, article(random, topics))
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		tagger.Tags(texts[i%len(texts)])
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "articles/s")
}

func BenchmarkTagsReuters(b *testing.B) {
	wires := reuters(b)
	tagger := NewCatalogue(Seed()).Tagger()
	size := 0
	for _, w := range wires {
		size += len(w.text.Title) + len(w.text.Summary) + len(w.text.Body)
	}
	b.SetBytes(int64(size / len(wires)))
	b.ReportAllocs()
	b.ResetTimer()
	for i := 0; b.Loop(); i++ {
		tagger.Tags(wires[i%len(wires)].text)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "articles/s")
}

// BenchmarkTagsOf3kB tags texts of 3 kB, made of wire articles, with the whole
// catalogue; on one core, as a tagger has no goroutines of its own.
func BenchmarkTagsOf3kB(b *testing.B) {
	texts := textsOf(b, 3000)
	tagger := NewCatalogue(Seed()).Tagger()
	b.ReportAllocs()
	b.ResetTimer()
	for i := 0; b.Loop(); i++ {
		tagger.Tags(texts[i%len(texts)])
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "articles/s")
}

// textsOf makes texts of so many bytes, each of as many wire articles as it takes.
func textsOf(t testing.TB, size int) (texts []Text) {
	var body strings.Builder
	for _, w := range reuters(t) {
		body.WriteString(w.text.Body + "\n")
		if body.Len() >= size {
			texts = append(texts, Text{Title: w.text.Title, Summary: w.text.Summary, Body: body.String()[:size]})
			body.Reset()
		}
	}
	return texts
}
