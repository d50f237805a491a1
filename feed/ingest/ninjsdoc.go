package ingest

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// ninjs is what we use of IPTC ninjs 3.x and, where they say the same under
// other names, 2.x and 1.x (https://iptc.org/std/ninjs/). Names are matched
// without regard to case, which is all that parts most of 2.x from 3.x.
type ninjs struct {
	Standard    ninjsStandard `json:"standard"`
	OldStandard ninjsStandard `json:"$standard"` // 1.6

	URI    string          `json:"uri"`
	URL    string          `json:"url"` // not in the standard, but often added
	Links  many[ninjsLink] `json:"links"`
	AltIDs many[ninjsRole] `json:"altIds"`
	Type   string          `json:"type"`
	Status string          `json:"pubStatus"`
	Lang   string          `json:"language"`
	Title  string          `json:"title"`
	By     string          `json:"by"`
	Bylin  string          `json:"byline"` // 1.x

	Headlines    many[ninjsRole] `json:"headlines"`
	Headline     string          `json:"headline"` // 1.x
	Descriptions many[ninjsRole] `json:"descriptions"`
	Description  string          `json:"description_text"` // 1.x
	Bodies       many[ninjsRole] `json:"bodies"`
	BodyHTML     string          `json:"body_html"`  // 1.x
	BodyXHTML    string          `json:"body_xhtml"` // 1.x
	BodyText     string          `json:"body_text"`  // 1.x

	FirstCreated   string `json:"firstCreated"`
	ContentCreated string `json:"contentCreated"`
	VersionCreated string `json:"versionCreated"`
	EmbargoedUntil string `json:"embargoedUntil"`
	Embargoed      string `json:"embargoed"` // 1.x, 2.x

	Subjects      many[ninjsConcept] `json:"subjects"`
	People        many[ninjsConcept] `json:"people"`
	Organisations many[ninjsConcept] `json:"organisations"`
	Places        many[ninjsConcept] `json:"places"`
	Subject       many[ninjsConcept] `json:"subject"` // 1.x, as the next three
	Person        many[ninjsConcept] `json:"person"`
	Organisation  many[ninjsConcept] `json:"organisation"`
	Place         many[ninjsConcept] `json:"place"`

	Renditions   many[ninjsRendition] `json:"renditions"`
	Associations many[ninjsAssociate] `json:"associations"`
}

type ninjsStandard struct {
	Name string `json:"name"`
}

// ninjsRole is a headline, a description, a body or an id, one of several.
type ninjsRole struct {
	Role        string `json:"role"`
	ContentType string `json:"contentType"`
	Value       string `json:"value"`
}

// UnmarshalJSONFrom also reads a mere string, as ids are in 1.x.
func (r *ninjsRole) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if d.PeekKind() == '"' {
		return json.UnmarshalDecode(d, &r.Value)
	}
	type fields ninjsRole // without this method
	return json.UnmarshalDecode(d, (*fields)(r))
}

type ninjsLink struct {
	Href string `json:"href"`
}

type ninjsConcept struct {
	Name      string  `json:"name"`
	Relevance float64 `json:"relevance"` // 0 to 100
}

type ninjsRendition struct {
	Href        string `json:"href"`
	ContentType string `json:"contentType"`
	MimeType    string `json:"mimetype"` // 1.x
	Width       int    `json:"width"`
	Height      int    `json:"height"`
}

type ninjsAssociate struct {
	Type         string               `json:"type"`
	Descriptions many[ninjsRole]      `json:"descriptions"`
	Description  string               `json:"description_text"` // 1.x
	Renditions   many[ninjsRendition] `json:"renditions"`
}

// many is an array, or the object of named values that ninjs 1.x has instead.
type many[T any] []T

// UnmarshalJSONFrom reads both forms.
func (m *many[T]) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if d.PeekKind() != '{' {
		return json.UnmarshalDecode(d, (*[]T)(m))
	}
	d.ReadToken()
	for d.PeekKind() == '"' {
		d.ReadToken()
		var value T
		if err := json.UnmarshalDecode(d, &value); err != nil {
			return err
		}
		*m = append(*m, value)
	}
	_, err := d.ReadToken()
	return err
}
