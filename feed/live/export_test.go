package live

// SetMost makes a node full at so many streams.
func (h *Hub) SetMost(streams int) { h.most = streams }

// TakeTurn is what the hub does ten times a second.
func (h *Hub) TakeTurn() { h.takeTurn() }
