package topic

// Known returns the topics there are: those of the seed, and what a [Store] holds
// beside them. An editor's change of a topic stands for it. Where a publisher's tag
// has the id of a topic of the seed, or its name or an alias, the topic takes over
// the tag: it was a word that nobody knew, and now it is known. The tag's id stays,
// so that who followed it follows the topic. Of several tags the one by the id does
// that, else by the name, else by the first alias.
func Known(stored []Topic) []Topic {
	byID, tags := map[ID]Topic{}, map[string]ID{}
	for _, t := range stored {
		byID[t.ID] = t
		if t.Kind == KindTag {
			tags[NormaliseName(t.Name)] = t.ID
		}
	}
	topics := Seed()
	isSeed := make(map[ID]bool, len(topics))
	for _, t := range topics {
		isSeed[t.ID] = true
	}
	moved := map[ID]ID{} // ids of the seed → those of tags taken over
	for i, t := range topics {
		if _, ok := byID[t.ID]; ok {
			continue
		}
		for _, name := range append([]string{t.Name}, t.Aliases...) {
			if id, ok := tags[NormaliseName(name)]; ok && !isSeed[id] {
				topics[i].ID, moved[t.ID] = id, id
				delete(tags, NormaliseName(name))
				break
			}
		}
	}
	taken := make(map[ID]bool, len(topics))
	for i, t := range topics {
		for j, above := range t.Broader {
			if id, ok := moved[above]; ok {
				topics[i].Broader[j] = id
			}
		}
		if s, ok := byID[t.ID]; ok && s.Kind.InCatalogue() {
			topics[i] = clone(s)
		}
		taken[t.ID] = true
	}
	for _, t := range stored {
		if !taken[t.ID] {
			topics = append(topics, t)
		}
	}
	return topics
}

// seedID is the id that a topic has in the seed: its own, or of one that took over
// a tag that of its name.
func seedID(t Topic) ID {
	signs := loadSeed().signs
	if _, ok := signs[t.ID]; ok {
		return t.ID
	}
	if id := MakeID(t.Name); len(signs[id]) > 0 && signs[id][0].text == t.Name && t.Kind.InCatalogue() {
		return id
	}
	return t.ID
}
