package feed

// appraisal is what the list makes of an article.
type appraisal struct {
	score   int64 // of an article that is a story of its own
	weight  int64 // in stage 1, of the best topic that is followed
	lead    topicNum
	source  topicNum
	matched bool // a topic is followed, or nothing is by anyone
	allowed bool // matched, and no topic is muted
}

// appraise looks at an article's tags, once. The key is its static one. The lead is
// the most salient topic that matches, the source only if nothing else does.
//
// Which of the tags match is what no processor can guess, so that next to nothing is
// decided by a branch.
func (m *merge) appraise(key int64, is meta, at uint32) (a appraisal) {
	var (
		tags      = m.view.tagsAt(is, at)
		own       = is.source()
		standings = m.standings
		worth     int64
		fresh     standing
		had       uint8 // a bit for each level that some tag has
		cold      = standing(bit(m.cold))
	)
	a.source, a.lead = tags.at(own).topic(), noNumber
	for i := range tags.n {
		t := tags.at(i)
		n := t.topic()
		var s standing
		if int(n) < len(standings) {
			s = standings[n]
		}
		if a.lead == noNumber && s|cold > 0 && i != own {
			a.lead = n
		}
		level := s.level()
		had |= 1 << level
		worth += int64(worths[level][t.salience()])
		fresh = max(fresh, s>>2)
	}
	if a.lead == noNumber {
		a.lead = a.source
	}
	a.weight = weightFollow
	if had&(1<<standingFavourite) != 0 {
		a.weight = weightFavourite
	}
	a.matched = m.cold || had&(1<<standingFollow|1<<standingFavourite) != 0
	a.allowed = a.matched && had&(1<<(standingMuted&3)) == 0
	a.score = key + min(worth, maxInterest) + kindWorth[is.kind()] + freshWorth(fresh)
	return a
}

// appraiseRow is appraise for a row of which nothing is at hand.
func (m *merge) appraiseRow(r row) appraisal {
	b := m.view.at(r)
	return m.appraise(m.view.key(r), b.meta, b.tags)
}
