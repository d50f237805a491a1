package topic

import (
	_ "embed"
	"fmt"
	"regexp"
	"strings"
	"sync"
)

//go:embed wikidata.txt
var wikidataText string

var isWikidata = regexp.MustCompile(`^Q[1-9][0-9]*$`)

// wikidata is wikidata.txt: the numbers of a topic.
var wikidata = sync.OnceValue(func() map[ID][]string {
	numbers, err := parseWikidata(wikidataText)
	if err != nil {
		panic(err) // the file is part of the program and read by every test
	}
	return numbers
})

func parseWikidata(text string) (map[ID][]string, error) {
	numbers := map[ID][]string{}
	for i, line := range strings.Split(text, "\n") {
		if line == "" || line[0] == '#' {
			continue
		}
		id, number, _ := strings.Cut(line, " ")
		if !isWikidata.MatchString(number) {
			return nil, fmt.Errorf("wikidata.txt:%d: want topic and Q-number", i+1)
		}
		numbers[ID(id)] = append(numbers[ID(id)], number)
	}
	return numbers, nil
}

// Wikidata returns the numbers of a topic of the seed in Wikidata, mostly one;
// most topics have none, because nothing confirmed it.
func Wikidata(id ID) []string { return wikidata()[id] }
