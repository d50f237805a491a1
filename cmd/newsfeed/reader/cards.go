package reader

import (
	"html/template"
	"strings"
)

// Markup writes the cards of a page. Each has one form, whose buttons say by their
// name what they do and by their value to what; /my/interests and /my/marks read
// them.
func (s *stream) Markup() template.HTML {
	m := make(markup, 0, 4096*(len(s.Cards)+1))
	for i := range s.Cards {
		m.card(&s.Cards[i], s.First && i == 0)
	}
	return template.HTML(m)
}

func (m *markup) card(c *cardView, lead bool) {
	m.raw(`<article class="card`)
	for _, class := range [...]struct {
		name string
		on   bool
	}{{" lead", lead}, {" pictured", c.Image != nil}, {" read", c.Read}, {" known", c.MustKnow}} {
		if class.on {
			m.raw(class.name)
		}
	}
	m.raw(`"`)
	m.attr("id", c.ID)
	m.attr("data-story", c.Story)
	if c.Language != "" {
		m.attr("lang", c.Language)
	}
	m.raw(">\n")
	m.kicker(c)
	m.headline(c)
	if c.Image != nil {
		m.picture(c.Image, lead)
	}
	m.said("summary", c.Summary)
	m.said("byline", c.Byline)
	m.because(c)
	m.acts(c)
	m.raw("</article>\n")
}

func (m *markup) kicker(c *cardView) {
	m.raw(`<p class="kicker" lang="en"><span class="kind `)
	m.text(c.Kind)
	m.raw(`">`)
	if c.MustKnow {
		m.raw(`Must know`)
	} else {
		m.text(c.Kind)
	}
	m.raw(`</span> <a class="source"`)
	m.attr("href", c.Source.Path())
	m.raw(`><bdi>`)
	m.text(c.Source.Name)
	m.raw(`</bdi></a> <time`)
	m.attr("datetime", c.Published.Format(machineTime))
	m.attr("title", c.Published.Format("2 January 2006, 15:04 UTC"))
	m.raw(`>`)
	m.text(c.Ago)
	m.raw("</time></p>\n")
}

func (m *markup) headline(c *cardView) {
	m.raw(`<h2 dir="auto">`)
	if c.Href == "" {
		m.text(c.Title)
	} else {
		m.raw(`<a`)
		m.attr("href", c.Href)
		m.raw(` rel="noopener noreferrer">`)
		m.text(c.Title)
		m.raw(`</a>`)
	}
	m.raw("</h2>\n")
}

// picture has always a width and a height, so that nothing moves when it arrives;
// without the publisher's it is taken for one of 3 by 2.
func (m *markup) picture(i *imageView, lead bool) {
	m.raw(`<img`)
	m.attr("src", i.URL)
	m.attr("alt", i.Alt)
	m.raw(` dir="auto" width="`)
	m.num(i.Width)
	m.raw(`" height="`)
	m.num(i.Height)
	if lead {
		m.raw(`" fetchpriority="high`)
	} else {
		m.raw(`" loading="lazy`)
	}
	m.raw("\" decoding=\"async\" referrerpolicy=\"no-referrer\">\n")
}

func (m *markup) said(class, text string) {
	if text == "" {
		return
	}
	m.raw(`<p class="`)
	m.raw(class)
	m.raw(`" dir="auto">`)
	m.text(text)
	m.raw("</p>\n")
}

// because says why the card is here, and what else there is of its story.
func (m *markup) because(c *cardView) {
	m.raw(`<p class="because" lang="en">`)
	if n := len(c.Because); n > 0 {
		m.raw(`because you follow `)
		for i := range c.Because {
			switch {
			case i > 0 && (c.Others > 0 || i < n-1):
				m.raw(`, `)
			case i > 0:
				m.raw(` and `)
			}
			m.link(c.Because[i].Path(), c.Because[i].Name)
		}
		if c.Others > 0 {
			m.raw(` and `)
			m.num(c.Others)
			m.raw(` more`)
		}
	} else if c.MustKnow {
		m.raw(`not about your interests, but many sources report it`)
	}
	if len(c.Because) > 0 || c.MustKnow {
		m.raw(` · `)
	}
	m.raw(`<a class="about" rel="nofollow"`)
	m.attr("href", c.Path)
	m.raw(`>Read here</a>`)
	if c.Also > 0 {
		m.raw(` · <a rel="nofollow"`)
		m.attr("href", "/s/"+c.Story)
		m.raw(`>`)
		m.text(count(c.Also, "more report"))
		if c.AlsoFrom != "" {
			m.raw(` from `)
			m.text(c.AlsoFrom)
		}
		m.raw(`</a>`)
	}
	m.raw("</p>\n")
}

func (m *markup) link(path, name string) {
	m.raw(`<a`)
	m.attr("href", path)
	m.raw(`><bdi>`)
	m.text(name)
	m.raw(`</bdi></a>`)
}

// acts are all that can be done with a card.
func (m *markup) acts(c *cardView) {
	m.raw(`<form method="post" action="/my/interests" lang="en"><input type="hidden" name="back"`)
	m.attr("value", c.Back)
	m.raw(`><div class="acts">`)
	if len(c.Topics) > 0 {
		m.raw(`<ul class="chips" aria-label="Topics">`)
		for i := range c.Topics {
			m.chip(&c.Topics[i])
		}
		m.raw(`</ul>`)
	}
	m.raw(`<div class="marks">`)
	if c.Saved {
		m.mark("unsave", c.Story, "tool on", "star", "Saved. Press to take the star from: ", c.Title, "true")
	} else {
		m.mark("save", c.Story, "tool", "star", "Save: ", c.Title, "false")
	}
	if c.Read {
		m.mark("unread", c.Story, "tool on", "check", "Read. Press to mark as unread: ", c.Title, "true")
	} else {
		m.mark("read", c.Story, "tool", "check", "Mark as read: ", c.Title, "false")
	}
	m.menu(c)
	m.raw("</div></div></form>\n")
}

func (m *markup) chip(t *topicView) {
	m.raw(`<li class="chip`)
	if t.Followed() {
		m.raw(` on`)
	}
	m.raw(`">`)
	m.link(t.Path(), t.Name)
	if t.Followed() {
		m.button("none", string(t.ID), "", "check", "Following "+t.Name+". Press to unfollow", "Following")
	} else {
		m.button("follow", string(t.ID), "", "plus", "Add interest: "+t.Name, "Add interest")
	}
	m.raw(`</li>`)
}

// menu hides the story, or mutes its source or one of its topics.
func (m *markup) menu(c *cardView) {
	m.raw(`<details class="menu"><summary class="tool"`)
	m.attr("aria-label", "Hide or mute: "+c.Title)
	m.raw(`>`)
	m.icon("more")
	m.raw(`</summary><div>`)
	m.mark("hide", c.Story, "", "cross", "Hide this story: ", c.Title, "")
	m.mute(&c.Source)
	for i := range c.Topics {
		m.mute(&c.Topics[i])
	}
	m.raw(`</div></details>`)
}

func (m *markup) mute(t *topicView) {
	m.raw(`<button name="mute"`)
	m.attr("value", string(t.ID))
	m.raw(`>`)
	m.icon("mute")
	m.raw(`Mute <bdi>`)
	m.text(t.Name)
	m.raw(`</bdi></button>`)
}

func (m *markup) mark(name, story, class, icon, label, title, pressed string) {
	m.raw(`<button formaction="/my/marks"`)
	m.attr("name", name)
	m.attr("value", story)
	if class == "" { // in a menu, where the words are seen
		m.raw(`>`)
		m.icon(icon)
		m.text(strings.TrimSuffix(label, ": "))
		m.raw(`</button>`)
		return
	}
	m.attr("class", class)
	m.attr("aria-label", label+title)
	m.attr("title", strings.TrimSuffix(label, ": "))
	m.attr("aria-pressed", pressed)
	m.raw(`>`)
	m.icon(icon)
	m.raw(`</button>`)
}

// button is one of an interest.
func (m *markup) button(name, value, class, icon, label, text string) {
	m.raw(`<button`)
	m.attr("name", name)
	m.attr("value", value)
	if class != "" {
		m.attr("class", class)
	}
	m.attr("aria-label", label)
	m.raw(`>`)
	m.icon(icon)
	m.raw(`<span>`)
	m.text(text)
	m.raw(`</span></button>`)
}
