package live

// SetMost makes a node full at so many streams.
func (h *Hub) SetMost(streams int) { h.most = streams }
