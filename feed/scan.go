package feed

// A scan reads the list of all articles and passes over what no interest matches.
// For who follows much of what is published it gives the same rows as the merge of
// their lists, without a heap and each once.
//
// How much matches is a guess from the lengths of the lists: an event that is over may
// have made one long and not be in the news now. So a scan that passes over too much
// fails, and the merge goes on from where it was.
type scan struct {
	head   *postingHead // nil: the lists are merged
	waste  int          // scanWaste, but in tests
	left   int          // how many rows it may pass over yet
	failed bool
	at     appraisal // of the row that its lane is at
}

const (
	scanShare = 2    // lists that hold together one in so many articles are scanned for
	scanWaste = 1024 // rows that it may pass over, and
	scanGain  = 4    // so many more for each that it gives
)

// prepare decides whether to scan for one whose lists of weightFollow hold so many
// articles.
func (s *scan) prepare(all *postings, follows int64) {
	s.head, s.failed, s.left = nil, false, s.waste
	if follows > 0 && follows*scanShare >= all.live.Load() {
		s.head = all.load()
	}
}

// advance moves the lane to the next row that is alive and for which weightFollow is
// the weight of the best topic.
func (s *scan) advance(m *merge, lane *lane, l *leader) bool {
	for {
		next, ok := lane.take(m)
		if !ok {
			return false
		}
		if next.alive {
			b := m.view.at(next.row)
			if s.at = m.appraise(next.key, b.meta, b.tags); s.at.matched && s.at.weight == weightFollow {
				s.left += scanGain
				l.hit = hit{next.key + weightFollow, next.row}
				return true
			}
		}
		if s.left--; s.left < 0 {
			s.failed = true
			return false
		}
	}
}
