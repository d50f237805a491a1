package client_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"newsfeed/interests"
	"newsfeed/interests/account"
	"newsfeed/interests/client"
)

// A service that is out of reach, as on a train.
var train = &http.Client{Transport: unreachable{}}

type unreachable struct{}

func (unreachable) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("no network")
}

func Example() {
	folder, err := os.MkdirTemp("", "lists")
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(folder) }()
	id, token := account.NewID(), account.NewSecret() // from POST /guests or POST /sessions
	ctx := context.Background()

	store, err := client.NewFile(folder, id)
	if err != nil {
		log.Fatal(err)
	}
	list, err := client.Open(client.Options{
		URL: "https://news.example", Account: id, Token: token, Store: store, HTTP: train,
	})
	if err != nil {
		log.Fatal(err)
	}
	list.Subscribe(func(e client.Event) {
		for _, p := range e.Problems {
			fmt.Println("not taken:", p.Topic, p.Detail)
		}
	})
	if err := list.Set("north-korea", interests.Follow); err != nil {
		log.Fatal(err)
	}
	all, _ := list.Interests()
	fmt.Println(all[0].Topic, all[0].Level, "pending:", all[0].Pending)

	var away *client.Unavailable
	if err := list.Sync(ctx); errors.As(err, &away) { // list.Run(ctx) tries again by itself
		fmt.Println("later: nothing is lost")
	}
	// Output:
	// north-korea follow pending: true
	// later: nothing is lost
}

// What docs/api.md shows of this package is a part of the example above.
func TestDocs(t *testing.T) {
	docs, err := os.ReadFile(filepath.Join("..", "..", "docs", "api.md"))
	if err != nil {
		t.Fatal(err)
	}
	example, err := os.ReadFile("example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	shown := strings.Split(string(docs), "```go\n")[1:]
	if len(shown) != 1 {
		t.Fatalf("docs/api.md has %d pieces of Go, want 1", len(shown))
	}
	for line := range strings.Lines(strings.SplitN(shown[0], "```", 2)[0]) {
		if !strings.Contains(string(example), strings.TrimSpace(line)) {
			t.Errorf("docs/api.md has %q, the example has not", line)
		}
	}
}
