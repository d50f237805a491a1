package storagetest

import (
	"fmt"
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"

	"newsfeed/feed"
)

// epoch is when the samples' first entry was accepted.
var epoch = time.Date(2025, 6, 1, 12, 0, 0, 7e6, time.UTC)

// articleID names the n-th sample article.
func articleID(n int) feed.ArticleID { return feed.NewArticleID(articleURL(n)) }

func articleURL(n int) string { return fmt.Sprintf("https://example.org/%d", n) }

// version is an entry of an edition for the n-th sample article. Fields that a
// case does not care about follow from the edition, so that a mix-up shows.
func version(edition feed.Edition, n int) feed.Entry {
	return feed.Entry{
		Edition: edition,
		At:      epoch.Add(time.Duration(edition) * time.Millisecond),
		Article: feed.Article{
			ID:        articleID(n),
			URL:       articleURL(n),
			Title:     fmt.Sprintf("Article %d in edition %d", n, edition),
			BodyHTML:  bodyOf(edition),
			Kind:      feed.News,
			Source:    feed.Source{ID: "example-org", Name: "Example"},
			Published: epoch.Add(-time.Hour),
			Tags:      []feed.Tag{{Topic: "iran", Name: "Iran", Salience: 0.7}},
		},
		Owner: "example-org",
		Key:   int64(edition) * 65_536,
		Story: feed.StoryID(articleID(n)),
	}
}

func bodyOf(edition feed.Edition) string { return fmt.Sprintf("<p>Body of edition %d</p>", edition) }

// batch makes a call of entries.
func batch(entries ...feed.Entry) []feed.Entry {
	call := uuid.Must(uuid.NewV7())
	for i := range entries {
		entries[i].Call, entries[i].Seq = call, i
	}
	return entries
}

// versions is a batch of n entries from an edition on, each of an article of its own.
func versions(first feed.Edition, n int) []feed.Entry {
	var entries []feed.Entry
	for i := range n {
		entries = append(entries, version(first+feed.Edition(i), int(first)+i))
	}
	return batch(entries...)
}

// fill sets every field of v, however deep, to a value that is easily lost or
// altered: so a field that is added to a contract's type fails the round trip
// of each adapter that does not store it.
func fill(v any) {
	n := 0
	fillValue(reflect.ValueOf(v).Elem(), &n)
}

func fillValue(v reflect.Value, n *int) {
	*n++
	if v.Type() == reflect.TypeFor[time.Time]() {
		v.Set(reflect.ValueOf(epoch.Add(time.Duration(*n) * 1_234_567 * time.Millisecond)))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fillValue(v.Field(i), n)
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fillValue(v.Elem(), n)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 3, 3))
		fillElements(v, n)
	case reflect.Array:
		fillElements(v, n)
	case reflect.String:
		v.SetString(fmt.Sprintf("%d: Ǆ é e\u0301 北 👩‍👩‍👧 \u2028 \x00 </script> \"\\$a.b", *n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int:
		v.SetInt(math.MaxInt32 - int64(*n))
	case reflect.Int64:
		v.SetInt(math.MinInt64 + int64(*n))
	case reflect.Uint8, reflect.Uint64:
		v.SetUint(uint64(255 - *n%250))
	case reflect.Float64:
		v.SetFloat(0.1 + 0.2/float64(*n))
	default:
		panic(fmt.Sprintf("storagetest: no sample value for %v", v.Type()))
	}
}

func fillElements(v reflect.Value, n *int) {
	for i := range v.Len() {
		fillValue(v.Index(i), n)
	}
}

// exactly compares bit for bit, times with their zone; only of lists the
// contracts allow that an empty one comes back nil.
var exactly = cmp.Options{
	cmpopts.EquateEmpty(),
	cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) && a.Location() == b.Location() }),
}

// same fails the test when got is not what was wanted.
func same(t testing.TB, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got, exactly); diff != "" {
		t.Fatalf("%s: not as wanted (-want +got):\n%s", what, diff)
	}
}
