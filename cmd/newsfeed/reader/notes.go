package reader

import (
	"strconv"

	"github.com/gofiber/fiber/v2"

	"newsfeed/feed"
	"newsfeed/interests"
	"newsfeed/interests/topic"
)

// note is one line on top of a page, about what has just happened.
type note struct {
	Text string
	Undo *undo // nil: there is nothing to undo
}

// undo is the button that takes back what a note tells of.
type undo struct{ Action, Name, Value string }

// The lines that an address can ask for.
var notes = map[string]string{
	"expired":    "That page had expired, so here is the first one again.",
	"signed-up":  "You have an account. Sign in with it on your other devices, and your topics are there.",
	"signed-in":  "You are signed in.",
	"sent":       "If the address has an account, a letter with a link is on its way. The link is good for an hour.",
	"erased":     "All that was kept of you is erased.",
	"signed-out": "You are signed out on this browser.",
	"undone":     "The topics that this device had brought along are taken back.",
	"ended":      "That is ended. It may take two seconds until it is known everywhere.",
	"others":     "All your other devices are signed out. It may take two seconds until they know.",
	"password":   "The password is changed, and all your other devices are signed out. Links to your feed in other apps go on: end them under My devices.",
	"renewed":    "The list that this browser kept had expired. A new one was begun with what you just chose.",
}

const (
	noteSession = "You are not signed in on this browser any more, or the list that it kept has expired. Sign in, or follow a topic to begin a new list."
	noteMerged  = "What you followed on this browser is in an account. Sign in to see it."
	noteStale   = "Your list cannot be reached just now. This is what we last knew of it; what you press may not be saved."
)

// noteParameters are those by which an address asks for a note.
var noteParameters = []string{"note", "of", "was", "count"}

// noteOf returns the line that a page shows to a visitor. An undo that an address
// asks for is offered only where there is something to undo.
func (r *Reader) noteOf(c *fiber.Ctx, v *visitor) note {
	switch {
	case v.expired:
		return note{Text: noteSession}
	case v.merged:
		return note{Text: noteMerged}
	case v.stale:
		return note{Text: noteStale}
	}
	switch name := c.Query("note"); name {
	case "muted", "removed":
		return r.levelNote(c, v, name)
	case "hidden":
		id, err := feed.ParseArticleID(c.Query("of"))
		if err != nil || v.marks == nil || !v.marks.Has(feed.StoryID(id), feed.Hidden) {
			return note{}
		}
		return note{"The story is hidden.", &undo{"/my/marks", "unhide", id.String()}}
	case "read":
		at, err := interests.ParseStamp(c.Query("of"))
		n, bad := strconv.Atoi(c.Query("count"))
		if err != nil || bad != nil || n < 1 || n > maxMarked || !v.known {
			return note{}
		}
		noun := "story"
		if n > 1 {
			noun = "stories"
		}
		return note{strconv.Itoa(n) + " " + noun + " marked as read.", &undo{"/my/marks", "unread-at", at.String()}}
	default:
		return note{Text: notes[name]}
	}
}

// levelNote tells of a topic that was muted or removed.
func (r *Reader) levelNote(c *fiber.Ctx, v *visitor, name string) note {
	id, was := topic.ID(c.Query("of")), c.Query("was")
	_, known := r.deps.Catalogue.Get(id)
	now, want := v.list.Level(id), interests.Mute
	text := "You muted "
	if name == "removed" {
		text, want = "You removed ", 0
	}
	if !known || now != want || !v.known {
		return note{}
	}
	if _, err := interests.ParseLevel(was); err != nil && was != wordOf(interests.None) {
		return note{}
	}
	return note{text + r.named(id).Name + ".", &undo{"/my/interests", was, string(id)}}
}
