package wire

import (
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"

	"newsfeed/interests"
	"newsfeed/interests/topic"
)

// Limits of the two syncs.
const (
	MaxSyncBody = 256 << 10 // bytes of what is sent
	MaxOps      = 200       // edits a call
	MaxOpID     = 64        // characters of an edit's id
	MaxTopicID  = 64        // bytes of a topic's id
)

// Sync is what a device sends: to POST /interests/sync with O an [Op], to POST
// /marks/sync with O a [MarkOp]. Since and Digest are of what the device had
// after the last answer, without its own edits that are on their way; when one of
// them is left out, the answer is full. Ops is not nil.
type Sync[O any] struct {
	Device Hex                 `json:"device"`
	Since  *interests.Revision `json:"since,omitempty"`
	Digest *Hex                `json:"digest,omitempty"`
	Ops    []O                 `json:"ops"`
}

// Op is one edit of a list. Level is [interests.None] for a removal.
type Op struct {
	ID    string          `json:"id"`
	Topic topic.ID        `json:"topic"`
	Level Level           `json:"level"`
	At    interests.Stamp `json:"at"`
}

// MarkOp is one edit of the marks of a story.
type MarkOp struct {
	ID    string          `json:"id"`
	Story string          `json:"story"`
	Mark  string          `json:"mark"` // "read", "saved" or "hidden"
	Value bool            `json:"value"`
	At    interests.Stamp `json:"at"`
}

// Synced is the answer, with C a [Change] or a [MarkChange]: what changed since
// the revision that the device named, and what stands where an edit of its was
// superseded; or all that the server has, when it is full, and then whatever the
// answer lacks is not on the server. Results are those of the edits, in their
// order.
type Synced[C any] struct {
	Revision interests.Revision `json:"revision"`
	Now      Moment             `json:"now"` // the server's clock
	Full     bool               `json:"full"`
	Digest   Hex                `json:"digest"`
	Changes  []C                `json:"changes"`
	Results  []Result           `json:"results"`
}

// Change is what stands in a list now. Level is [interests.None] for a removal.
type Change struct {
	Topic topic.ID        `json:"topic"`
	Level Level           `json:"level"`
	At    interests.Stamp `json:"at"`
}

// MarkChange is what stands of one mark of a story now. One with the zero Stamp
// is known no more: a device forgets it too, whatever it has of it.
type MarkChange struct {
	Story string          `json:"story"`
	Mark  string          `json:"mark"`
	Value bool            `json:"value"`
	At    interests.Stamp `json:"at"`
}

// Result is what became of one edit. A rejected one has a problem, whose type is
// a word of [interests.Reason], "unknown-topic", or of what no later try mends
// "about:blank"; its status then says what it is.
type Result struct {
	ID      string           `json:"id"`
	Status  interests.Status `json:"status"`
	Problem *Problem         `json:"problem,omitempty"`
}

// ReadOp reads an edit of a list. It returns a [*Malformed] when b is none, with
// the place inside b, and the edit's id even then, if there is one.
func ReadOp(b []byte) (Op, error) {
	var in struct {
		opHead
		Topic *string `json:"topic"`
		Level Level   `json:"level"`
	}
	err := Decode(b, &in)
	op := Op{Level: in.Level}
	op.ID, op.At, err = in.read(b, err)
	switch {
	case err != nil:
		return op, err
	case in.Topic == nil:
		return op, &Malformed{"/topic", "is needed"}
	case in.Level == 0:
		return op, &Malformed{"/level", "must be follow, favourite, mute or null"}
	case *in.Topic == "" || len(*in.Topic) > MaxTopicID:
		return op, &Malformed{"/topic", fmt.Sprintf("must be an id of at most %d bytes", MaxTopicID)}
	}
	op.Topic = topic.ID(*in.Topic)
	return op, nil
}

// ReadMarkOp is to marks what ReadOp is to a list. It does not look into the
// names of story and mark.
func ReadMarkOp(b []byte) (MarkOp, error) {
	var in struct {
		opHead
		Story *string `json:"story"`
		Mark  *string `json:"mark"`
		Value *bool   `json:"value"`
	}
	err := Decode(b, &in)
	var op MarkOp
	op.ID, op.At, err = in.read(b, err)
	switch {
	case err != nil:
		return op, err
	case in.Story == nil:
		return op, &Malformed{"/story", "is needed"}
	case in.Mark == nil:
		return op, &Malformed{"/mark", "is needed"}
	case in.Value == nil:
		return op, &Malformed{"/value", "is needed"}
	}
	op.Story, op.Mark, op.Value = *in.Story, *in.Mark, *in.Value
	return op, nil
}

// opHead is what edits of both kinds have.
type opHead struct {
	ID *string `json:"id"`
	At *string `json:"at"`
}

// read checks the head of an edit after it was decoded with an error or none.
func (h opHead) read(b []byte, err error) (id string, at interests.Stamp, _ error) {
	if err != nil {
		return idOf(b), at, err
	}
	switch {
	case h.ID == nil:
		return "", at, &Malformed{"/id", "is needed"}
	case utf8.RuneCountInString(*h.ID) > MaxOpID:
		return *h.ID, at, &Malformed{"/id", fmt.Sprintf("is longer than %d characters", MaxOpID)}
	case h.At == nil:
		return *h.ID, at, &Malformed{"/at", "is needed"}
	}
	if at, err = interests.ParseStamp(*h.At); err != nil || at.IsZero() {
		return *h.ID, at, &Malformed{"/at", "must be a stamp: 32 lower-case hex digits, not all 0"}
	}
	return *h.ID, at, nil
}

// idOf finds the id of an edit that is no edit.
func idOf(b []byte) string {
	var members map[string]any
	if DecodeOpen(b, &members) != nil {
		return ""
	}
	id, _ := members["id"].(string)
	return id
}

// Level is a level as JSON has it: a removal is null. The zero Level, of a field
// that is not there, is none, and so is what is no level.
type Level interests.Level

// MarshalJSON makes the word or null.
func (l Level) MarshalJSON() ([]byte, error) {
	if interests.Level(l) == interests.None {
		return []byte("null"), nil
	}
	return strconv.AppendQuote(nil, interests.Level(l).String()), nil
}

// UnmarshalJSON reads a word or null. Of what is neither it makes the zero Level.
func (l *Level) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*l = Level(interests.None)
		return nil
	}
	*l = 0
	if word, err := strconv.Unquote(string(b)); err == nil {
		if level, err := interests.ParseLevel(word); err == nil {
			*l = Level(level)
		}
	}
	return nil
}

// Hex is 64 bits as 16 lower-case hex digits: a digest, a device.
type Hex uint64

func (h Hex) String() string { return fmt.Sprintf("%016x", uint64(h)) }

// MarshalText makes 16 lower-case hex digits.
func (h Hex) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText reads 16 hex digits and nothing else.
func (h *Hex) UnmarshalText(b []byte) error {
	v, err := strconv.ParseUint(string(b), 16, 64)
	if err != nil || len(b) != 16 {
		return &Malformed{Message: "must be 16 hex digits"}
	}
	*h = Hex(v)
	return nil
}

// Moment is a time in RFC 3339, always with milliseconds.
type Moment struct{ time.Time }

// MarshalText makes "2026-05-17T21:31:04.120Z".
func (m Moment) MarshalText() ([]byte, error) {
	return m.UTC().AppendFormat(nil, "2006-01-02T15:04:05.000Z07:00"), nil
}

// MarshalJSON is MarshalText in quotes.
func (m Moment) MarshalJSON() ([]byte, error) {
	text, err := m.MarshalText()
	return append(append([]byte{'"'}, text...), '"'), err
}
