package feed

import (
	"hash/fnv"
	"maps"
	"strings"
	"sync"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// A story is told apart by the writer and stands in the entry of each of its
// articles; its id is that of its first article, its number the edition of that
// article's first entry. This file is how the writer finds the story of an article;
// how the index knows a story's members is in stories.go.

// How near two articles must be published to be of one story by their titles.
const storyWindow = 72 * time.Hour

// minTitleWords is how many words of meaning a title must have to tell a story:
// "Live updates" tells none.
const minTitleWords = 4

// storyRef is a story as the finder knows it. It holds no pointer, so that the
// garbage collector need not look at millions of them.
type storyRef struct {
	id        StoryID
	number    Edition
	published int64  // ms; of the member that was published last
	summary   uint64 // of that member
}

// storyFinder finds the story of a new article among those in the index: by the
// external id, or by a title of the same words of meaning published within
// storyWindow. A source that has told a story already tells it again only with
// the same summary: most of what it says under one title is another story.
// It is filled as entries are applied and asked by the writer.
type storyFinder struct {
	mu      sync.Mutex // guards stories
	stories map[uint64]storyRef
}

// find returns the story of an article, if there is one.
func (f *storyFinder) find(a *Article) (storyRef, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	k := storyKeysOf(a)
	if ref, ok := f.near(k.id, a); ok {
		return ref, true
	}
	if own, told := f.near(k.own, a); told {
		return own, own.summary == k.summary
	}
	return f.near(k.title, a)
}

// near returns the story under a key, if it was told within storyWindow of an
// article; mu is held.
func (f *storyFinder) near(key uint64, a *Article) (storyRef, bool) {
	ref, ok := f.stories[key]
	apart := a.Published.UnixMilli() - ref.published
	return ref, ok && key != 0 && max(apart, -apart) <= storyWindow.Milliseconds()
}

// note makes an article's story found by what the article carries.
func (f *storyFinder) note(e *Entry) {
	f.mu.Lock()
	defer f.mu.Unlock()
	k := storyKeysOf(&e.Article)
	published := e.Article.Published.UnixMilli()
	for _, key := range []uint64{k.id, k.title, k.own} {
		if ref, ok := f.stories[key]; key != 0 && (!ok || published >= ref.published) {
			f.stories[key] = storyRef{e.Story, e.StoryNum, published, k.summary}
		}
	}
}

// forget drops what was published before a time.
func (f *storyFinder) forget(before time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	maps.DeleteFunc(f.stories, func(_ uint64, s storyRef) bool { return s.published < before.UnixMilli() })
}

// storyKeys are the hashes by which two articles of one story meet; 0 is none.
type storyKeys struct {
	id      uint64 // of the external id
	title   uint64 // of the title's words
	own     uint64 // of the same and the source
	summary uint64 // of the summary's words
}

func storyKeysOf(a *Article) (k storyKeys) {
	if id := a.ExternalID; id != "" {
		if !strings.ContainsAny(id, ":-") { // no urn, tag, address or uuid: unique within its source only
			id = a.Source.ID + "\x00" + id
		}
		k.id = hashWords("id", id)
	}
	if words := titleWords(a.Title); len(words) >= minTitleWords {
		k.title = hashWords(words...)
		k.own = hashWords(append(words, "\x00", a.Source.ID)...)
		k.summary = hashWords(titleWords(a.Summary)...)
	}
	return k
}

func hashWords(words ...string) uint64 {
	h := fnv.New64a()
	for _, w := range words {
		h.Write([]byte(w))
		h.Write([]byte{0})
	}
	return h.Sum64()
}

// titleWords returns the words of meaning of a title, in their order: lower case,
// without marks, endings of possession, and the small words of the language that
// most titles are written in. A name of a publication after a dash or bar at the
// end does not count.
func titleWords(title string) []string {
	for _, mark := range []string{" | ", " - ", " – ", " — "} {
		if head, tail, ok := cutLast(title, mark); ok && len(strings.Fields(tail)) <= 4 && len(strings.Fields(head)) >= minTitleWords {
			title = head
		}
	}
	text := strings.ToLower(norm.NFKC.String(title))
	text = apostrophes.Replace(text)
	var words []string
	for _, w := range strings.FieldsFunc(text, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r)
	}) {
		if !smallWords[w] {
			words = append(words, w)
		}
	}
	return words
}

func cutLast(s, sep string) (head, tail string, ok bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

var apostrophes = strings.NewReplacer("'s", "", "’s", "", "'", "", "’", "")

var smallWords = map[string]bool{
	"a": true, "an": true, "the": true, "of": true, "in": true, "on": true, "at": true, "to": true, "for": true,
	"and": true, "or": true, "is": true, "are": true, "was": true, "were": true, "be": true, "by": true, "with": true,
	"from": true, "as": true, "that": true, "this": true, "its": true, "it": true, "after": true, "over": true,
	"update": true, "updated": true, "breaking": true, "exclusive": true,
}
