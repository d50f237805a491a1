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

// noteParameters are those by which an address asks for a note.
var noteParameters = []string{"note", "of", "was", "count"}

// noteOf returns the line that a page shows to a visitor. An undo that an address
// asks for is offered only where there is something to undo.
func (r *Reader) noteOf(c *fiber.Ctx, v *visitor) note {
	switch {
	case v.expired:
		return note{Text: text("told-session")}
	case v.merged:
		return note{Text: text("told-merged")}
	case v.stale:
		return note{Text: text("told-stale")}
	}
	switch name := c.Query("note"); name {
	case "follow", "favourite", "mute", "none":
		return r.levelNote(c, v, name)
	case "hidden":
		id, err := feed.ParseArticleID(c.Query("of"))
		if err != nil || v.marks == nil || !v.marks.Has(feed.StoryID(id), feed.Hidden) {
			return note{}
		}
		return note{text("story-hidden"), &undo{"/my/marks", "unhide", id.String()}}
	case "read":
		at, err := interests.ParseStamp(c.Query("of"))
		n, bad := strconv.Atoi(c.Query("count"))
		if err != nil || bad != nil || n < 1 || n > maxMarked || !v.known {
			return note{}
		}
		return note{text("marked-as-read", "n", n), &undo{"/my/marks", "unread-at", at.String()}}
	default:
		if line := "note-" + name; words.byName[line] != nil {
			return note{Text: text(line)}
		}
		return note{}
	}
}

// levelNote tells of a topic that was set to a level, and has it still, and gives back
// the one that it had.
func (r *Reader) levelNote(c *fiber.Ctx, v *visitor, now string) note {
	id, was := topic.ID(c.Query("of")), c.Query("was")
	_, known := r.deps.Catalogue.Get(id)
	if _, err := interests.ParseLevel(was); err != nil && was != wordOf(interests.None) {
		return note{}
	}
	if !known || !v.known || now == was || now != wordOf(v.list.Level(id)) {
		return note{}
	}
	return note{text("now-"+now, "name", r.named(id).Name), &undo{"/my/interests", was, string(id)}}
}
