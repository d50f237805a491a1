package feed

import (
	_ "embed"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// englishTable says which words general English uses often: a line begins with
// b and names the stems that about 2^(-b/2) of news documents use. It was counted
// over five collections of news of different years (see TestEnglish, which makes
// it), so that it has words and hardly any names.
//
//go:embed english.txt
var englishTable string

// The shares of documents taken of a word that is in no table, and of a topic.
const (
	unlistedShare = 1.0 / 8000
	topicShare    = 1.0 / 50
)

var englishShares = func() map[uint32]float64 {
	shares := map[uint32]float64{}
	for line := range strings.Lines(englishTable) {
		words := strings.Fields(line)
		b, err := strconv.Atoi(words[0])
		if err != nil {
			panic(fmt.Sprintf("english.txt: %v", err)) // it is part of the program
		}
		for _, w := range words[1:] {
			shares[hashTerm(wordTerm, w)] = math.Exp2(-float64(b) / 2)
		}
	}
	return shares
}()

// englishShare returns the share of documents that use a term in general English.
func englishShare(hash uint32) float64 {
	if termKind(hash>>kindShift) == topicTerm {
		return topicShare
	}
	if share, ok := englishShares[hash]; ok {
		return share
	}
	return unlistedShare
}
