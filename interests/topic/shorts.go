package topic

import (
	"slices"
	"strings"
)

// A short form is an alias that other topics' aliases end in: "Clinton" stands
// for Bill Clinton, but after "Hillary Clinton" it is her; after "West German",
// "German" is West German. Writers name in full first and briefly then. So
// mentions by a short form wait until the text is read, and then go to whichever
// was named more often in full. A topic's very name is no short form ("Sudan"
// stays Sudan beside South Sudan), unless case has to tell what it is.

// shortMention is a short form found.
type shortMention struct {
	pattern  *pattern
	topic    int32 // whose it is: first the pattern's
	part     int
	doubtful bool
	span     int // its place in reading.spans, for Explain
}

// markShorts numbers the short forms among claims and tells the longer ones
// which they end in. It returns the greatest number.
func markShorts(claims []claim) int32 {
	numbers, next := make(map[string]int32, len(claims)), int32(0)
	for i := range claims {
		if c := &claims[i]; c.mayBeShort() {
			numbers[strings.Join(c.folded, " ")] = 0
		}
	}
	for i := range claims {
		c := &claims[i]
		for from := 1; from < len(c.folded); from++ {
			tail := strings.Join(c.folded[from:], " ")
			number, isAlias := numbers[tail]
			if !isAlias {
				continue
			}
			if number == 0 {
				next++
				number = next
				numbers[tail] = number
			}
			c.tails = append(c.tails, number)
		}
	}
	for i := range claims {
		c := &claims[i]
		if c.mayBeShort() {
			c.short = numbers[strings.Join(c.folded, " ")]
			c.unsure = c.words != nil || c.person
		}
	}
	return next
}

// mayBeShort leaves out words of subjects: "university" is none of Harvard's.
func (c *claim) mayBeShort() bool {
	return c.pattern.topic != notTopic && (!c.name || c.words != nil) && !c.word
}

// named notes that a longer alias of topic, or a phrase that is no topic
// ("Harrison Ford"), was found, which may claim a short form.
func (r *reading) named(short, topic int32) {
	if len(r.claimants[short]) == 0 {
		r.claimed = append(r.claimed, short)
	}
	if !slices.Contains(r.claimants[short], topic) { // a handful at most
		r.claimants[short] = append(r.claimants[short], topic)
	}
}

// settleShorts counts the mentions by short forms, and forgets them. All are
// decided by what was named in full before any is counted.
func (r *reading) settleShorts() {
	for i := range r.shorts {
		s := &r.shorts[i]
		most := r.firmMentions(s.topic)
		for _, topic := range r.claimants[s.pattern.short] {
			if topic == notTopic {
				s.doubtful = s.doubtful || s.pattern.unsure
			} else if n := r.firmMentions(topic); n > most {
				most, s.topic = n, topic
			}
		}
	}
	for _, s := range r.shorts {
		if r.spans != nil {
			(*r.spans)[s.span].topic, (*r.spans)[s.span].doubtful = s.topic, s.doubtful
		}
		if s.topic != notTopic {
			r.count(s.topic, s.part, s.doubtful)
		}
	}
	for _, short := range r.claimed {
		r.claimants[short] = r.claimants[short][:0]
	}
	r.shorts, r.claimed = r.shorts[:0], r.claimed[:0]
}

func (r *reading) firmMentions(topic int32) (n int32) {
	if topic != notTopic {
		for _, firm := range r.mentions[topic].firm {
			n += firm
		}
	}
	return n
}
