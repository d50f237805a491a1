package ingest

import (
	"strings"

	tokens "golang.org/x/net/html"
)

// isMarkup tells markup from words in angle brackets: agencies write
// "STANDARD OIL <SRD> TO FORM UNIT" and "<CINRAM LTD> 4TH QTR NET" (nearly half
// of the titles in Reuters-21578). A tag is words when no element has its name,
// nothing closes it, and it gives no attribute a value; a browser would make
// nothing of it either. lower is the text that the tag stands in, in lower
// case, or "" when nothing is closed in it.
func isMarkup(lower, tag, name string, kind tokens.TokenType) bool {
	return kind != tokens.StartTagToken || elements[name] ||
		strings.ContainsAny(tag, "=\"'`") || strings.ContainsAny(name, ":-") ||
		strings.Contains(lower, "</"+name)
}

// notText are elements whose content is not for reading. The tokenizer gives
// it as one text, up to the end tag.
var notText = set("script style iframe noembed noframes")

// inline are elements that may stand within a word; all others separate.
var inline = set("a abbr b bdi bdo big cite code del dfn em font i ins kbd mark q s samp small span strike strong sub sup time tt u var wbr")

// elements are those of HTML, past ones included, and of SVG and MathML what
// may begin or run something.
var elements = set(`a abbr acronym address applet area article aside audio b base basefont bdi bdo bgsound big blink
	blockquote body br button canvas caption center cite code col colgroup command content data datalist dd del details dfn
	dialog dir div dl dt element em embed fieldset figcaption figure font footer form frame frameset h1 h2 h3 h4 h5 h6 head
	header hgroup hr html i iframe image img input ins isindex kbd keygen label layer legend li link listing main map mark
	marquee math menu menuitem meta meter multicol nav nextid nobr noembed noframes noscript object ol optgroup option output
	p param picture plaintext portal pre progress q rb rp rt rtc ruby s samp script search section select shadow slot small
	source spacer span strike strong style sub summary sup svg table tbody td template textarea tfoot th thead time title tr
	track tt u ul var video wbr xml xmp xss
	animate animatemotion animatetransform desc foreignobject g maction mglyph mi mn mo ms mtext set use`)

func set(names string) map[string]bool {
	set := map[string]bool{}
	for name := range strings.FieldsSeq(names) {
		set[name] = true
	}
	return set
}
