package ingest

import (
	"fmt"
	"testing"
)

// A document that says nothing of its encoding is read when its bytes show it, or
// its language tells.
func TestGuessedEncodings(t *testing.T) {
	for _, c := range []struct{ encoding, language, text string }{
		{"windows-1251", "", "Президент подписал закон о бюджете"},
		{"windows-1251", "", "Уряд схвалив новий бюджет, повідомив міністр"},
		{"koi8-r", "", "Президент подписал закон о бюджете"},
		{"koi8-r", "ru", "Президент подписал закон о бюджете"},
		{"shift_jis", "", "東京で新しい美術館が開館しました"},
		{"euc-jp", "", "東京で新しい美術館が開館しました"},
		{"iso-2022-jp", "", "東京で新しい美術館が開館しました"},
		{"gb18030", "", "国务院总理在北京会见外国代表团，讨论经济合作问题"},
		{"big5", "", "行政院長在臺北會見外國代表團，討論經濟合作問題"},
		{"euc-kr", "", "서울에서 새로운 미술관이 문을 열었다"},
		{"windows-1252", "", "Präsident eröffnet neues Museum in Köln, Straße gesperrt"},
		{"windows-1252", "fr", "Le président a inauguré le musée à Orléans"},
		{"windows-1252", "", "«Élection»: l’été à Besançon"},
		{"windows-1250", "pl", "Rząd przyjął budżet na przyszły rok"},
		{"windows-1253", "el", "Η κυβέρνηση ενέκρινε τον προϋπολογισμό"},
		{"windows-1254", "tr", "Hükümet gelecek yılın bütçesini onayladı"},
		{"windows-1255", "he", "הממשלה אישרה את התקציב"},
		{"windows-1256", "ar", "وافقت الحكومة على الميزانية"},
		{"windows-874", "th", "รัฐบาลอนุมัติงบประมาณ"},
	} {
		said := ""
		if c.language != "" {
			said = "<language>" + c.language + "</language>"
		}
		document := fmt.Sprintf(`<?xml version="1.0"?><rss version="2.0"><channel><title>%s</title><link>https://a.example/</link>%s<item><title>%s</title><link>https://a.example/1</link></item></channel></rss>`, c.text, said, c.text)
		b, err := encodingOf(c.encoding).NewEncoder().Bytes([]byte(document))
		if err != nil {
			t.Fatalf("%s in %s: %v", c.text, c.encoding, err)
		}
		d, err := ReadDocument(t.Context(), Received{Body: b})
		if err != nil || d.Title != c.text || d.Items[0].Draft.Title != c.text || d.Encoding != c.encoding {
			t.Errorf("%s, language %q: %q in %s, %v; want %q", c.encoding, c.language, d.Title, d.Encoding, err, c.text)
		}
	}
}

// Bytes that are nothing are text all the same, with U+FFFD or letters of the West.
func TestGuessedOfNothing(t *testing.T) {
	for in, want := range map[string]string{
		"caf\xe9":      "café",
		"\xff\xff\xff": "ÿÿÿ",
		"Größe \xff ist \xc3 größer als Größe": "Größe \uFFFD ist \uFFFD größer als Größe",
		"price \x80 5 \x96 6":                  "price € 5 – 6",
	} {
		d, err := ReadDocument(t.Context(), Received{Body: []byte(`<rss version="2.0"><channel><title>` + in + `</title></channel></rss>`)})
		if err != nil || d.Title != want {
			t.Errorf("%q: %q in %s, %v; want %q", in, d.Title, d.Encoding, err, want)
		}
	}
}
