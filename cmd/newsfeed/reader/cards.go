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
	m.raw(`<p class="kicker" `)
	m.attr("lang", words.lang)
	m.raw(`><span class="kind `)
	m.text(c.Kind)
	m.raw(`">`)
	if c.MustKnow {
		m.say("must-know", "")
	} else {
		m.text(kind(c.Kind))
	}
	m.raw(`</span> <a class="source"`)
	m.attr("href", c.Source.Path())
	m.raw(`><bdi>`)
	m.text(c.Source.Name)
	m.raw(`</bdi></a> <time`)
	m.attr("datetime", c.Published.Format(machineTime))
	m.attr("title", exact(c.Published))
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
	m.raw(`<p class="because"`)
	m.attr("lang", words.lang)
	m.raw(`>`)
	if len(c.Because) > 0 {
		m.raw(string(rich("because", "topics", because(c))))
		m.raw(` · `)
	} else if c.MustKnow {
		m.say("because-must-know", "")
		m.raw(` · `)
	}
	m.raw(`<a class="about" rel="nofollow"`)
	m.attr("href", c.Path)
	m.raw(`>`)
	m.say("read-here", "")
	m.raw(`</a>`)
	if c.Also > 0 {
		m.raw(` · <a rel="nofollow"`)
		m.attr("href", "/s/"+c.Story)
		m.raw(`>`)
		if c.AlsoFrom == "" {
			m.text(text("more-reports", "n", c.Also))
		} else {
			m.text(text("more-reports-from", "n", c.Also, "names", c.AlsoFrom))
		}
		m.raw(`</a>`)
	}
	m.raw("</p>\n")
}

// because are the followed topics that a card has, one after the other.
func because(c *cardView) template.HTML {
	links := make([]string, len(c.Because))
	for i := range c.Because {
		var m markup
		m.link(c.Because[i].Path(), c.Because[i].Name)
		links[i] = string(m)
	}
	if c.Others > 0 {
		return rich("because-more", "list", template.HTML(strings.Join(links, ", ")), "n", c.Others)
	}
	return template.HTML(list(links))
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
		m.raw(`<ul class="chips"`)
		m.label("topics", "")
		m.raw(`>`)
		for i := range c.Topics {
			m.chip(&c.Topics[i])
		}
		m.raw(`</ul>`)
	}
	m.raw(`<div class="marks">`)
	if c.Saved {
		m.mark("unsave", c, "tool on", "star", "true")
	} else {
		m.mark("save", c, "tool", "star", "false")
	}
	if c.Read {
		m.mark("unread", c, "tool on", "check", "true")
	} else {
		m.mark("read", c, "tool", "check", "false")
	}
	m.menu(c)
	m.raw("</div></div></form>\n")
}

func (m *markup) chip(t *topicView) {
	m.raw(`<li class="chip`)
	if t.Followed() {
		m.raw(` on`)
	}
	if t.Level == "favourite" {
		m.raw(` favourite`)
	}
	m.raw(`">`)
	m.link(t.Path(), t.Name)
	if t.Followed() {
		m.button("none", t, "check", "following-topic", "following")
	} else {
		m.button("follow", t, "plus", "add-interest-in", "add-interest")
	}
	m.raw(`</li>`)
}

// menu hides the story, or mutes its source or one of its topics.
func (m *markup) menu(c *cardView) {
	m.raw(`<details class="menu"><summary class="tool"`)
	m.label("hide-or-mute", c.Title)
	m.raw(`>`)
	m.icon("more")
	m.raw(`</summary><div>`)
	m.hide(c)
	m.mute(&c.Source)
	for i := range c.Topics {
		m.mute(&c.Topics[i])
	}
	m.raw(`</div></details>`)
}

func (m *markup) hide(c *cardView) {
	m.raw(`<button formaction="/my/marks" name="hide"`)
	m.attr("value", c.Story)
	m.raw(`>`)
	m.icon("cross")
	m.say("hide-this-story", "")
	m.raw(`</button>`)
}

func (m *markup) mute(t *topicView) {
	m.raw(`<button name="mute"`)
	m.attr("value", string(t.ID))
	m.raw(`>`)
	m.icon("mute")
	m.rich("mute-topic-shown", t.Name)
	m.raw(`</button>`)
}

// mark is a button that sets a mark, or takes it back; its name says which.
func (m *markup) mark(name string, c *cardView, class, icon, pressed string) {
	m.raw(`<button formaction="/my/marks"`)
	m.attr("name", name)
	m.attr("value", c.Story)
	m.attr("class", class)
	m.label(name+"-of", c.Title)
	m.attr("title", text(name+"-this"))
	m.attr("aria-pressed", pressed)
	m.raw(`>`)
	m.icon(icon)
	m.raw(`</button>`)
}

// button is one of an interest; label and said are names of texts.
func (m *markup) button(name string, t *topicView, icon, label, said string) {
	m.raw(`<button`)
	m.attr("name", name)
	m.attr("value", string(t.ID))
	m.label(label, t.Name)
	m.raw(`>`)
	m.icon(icon)
	m.raw(`<span>`)
	m.say(said, "")
	m.raw(`</span></button>`)
}
