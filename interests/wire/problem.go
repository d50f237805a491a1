package wire

// Problem is an error of RFC 9457 as the door tells it.
type Problem struct {
	Type      string  `json:"type"`
	Title     string  `json:"title"`
	Status    int     `json:"status"`
	Detail    string  `json:"detail,omitempty"`
	RequestID string  `json:"request_id,omitempty"`
	Errors    []Field `json:"errors,omitempty"`
}

// Field names a bad field: a JSON pointer into the body, or the name of a
// parameter or a header.
type Field struct {
	Location string `json:"location"`
	Message  string `json:"message"`
}
