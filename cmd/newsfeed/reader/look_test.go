//go:build look

package reader

import (
	"bytes"
	"flag"
	"image"
	"image/color"
	"image/jpeg"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	"newsfeed/feed"
	"newsfeed/interests"
	"newsfeed/interests/topic"
)

var look = flag.String("look", "127.0.0.1:8099", "address on which TestLook serves a front page to look at")

// TestLook is not a test but a page to look at in a browser, with pictures, long
// titles and other scripts. Pictures come over TLS from a certificate of its own:
//
//	go test -tags look ./cmd/newsfeed/reader -run TestLook -timeout 0
//	chromium --ignore-certificate-errors http://127.0.0.1:8099/
func TestLook(t *testing.T) {
	pictures := httptest.NewTLSServer(http.HandlerFunc(picture))
	t.Cleanup(pictures.Close)
	s := newSite(t, func(d *Deps) {
		d.URL, d.Cookie, d.InsecureCookies = "http://"+*look, "newsfeed", true
	})
	for i, b := range briefs {
		a := feed.Article{
			Title: b.title, Summary: b.summary, Kind: b.kind, Byline: b.byline, Language: b.language,
			Source:    feed.Source{ID: string(topic.MakeID(b.source)), Name: b.source},
			Published: s.clock.Add(-time.Duration(i*i*7+i*19+4) * time.Minute),
		}
		if b.picture {
			a.Image = &feed.Image{URL: pictures.URL + "/" + strconv.Itoa(i) + ".jpg", Alt: b.title, Width: 1200, Height: 800}
		}
		s.publish(a, b.topics...)
	}
	for i := range 40 {
		s.publish(feed.Article{Title: "From the archive, no. " + strconv.Itoa(i+1), Published: s.clock.Add(-time.Duration(200+i) * time.Hour)}, "japan")
	}
	s.app.Get("/look/:path?", s.asGuest)
	l, err := net.Listen("tcp", *look)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("http://%s/", l.Addr())
	if err := s.app.Listener(l); err != nil {
		t.Fatal(err)
	}
}

// asGuest makes a guest with a list and leads to a page.
func (s *site) asGuest(c *fiber.Ctx) error {
	g, token, err := s.people.NewGuest(c.UserContext())
	if err != nil {
		return err
	}
	for id, level := range map[topic.ID]interests.Level{
		"north-korea": interests.Favourite, "iran": interests.Follow, "climate-change": interests.Follow,
		"germany": interests.Follow, "nuclear-weapons": interests.Follow, "football": interests.Mute,
	} {
		if _, err := s.lists.Set(c.UserContext(), g.Account, id, level, g.Until()); err != nil {
			return err
		}
	}
	c.Cookie(&fiber.Cookie{Name: "newsfeed", Value: string(token), Path: "/"})
	return c.Redirect(c.Query("then", "/"))
}

// picture is a landscape of its own for every address.
func picture(w http.ResponseWriter, r *http.Request) {
	var seed uint64
	for _, c := range r.URL.Path {
		seed = seed*31 + uint64(c)
	}
	rnd := rand.New(rand.NewPCG(seed, 1))
	hue := func() color.RGBA {
		return color.RGBA{uint8(60 + rnd.IntN(150)), uint8(70 + rnd.IntN(110)), uint8(80 + rnd.IntN(120)), 255}
	}
	sky, land, hills := hue(), hue(), 180+rnd.IntN(120)
	m := image.NewRGBA(image.Rect(0, 0, 600, 400))
	for y := range 400 {
		for x := range 600 {
			c := sky
			c.B = uint8(min(255, int(sky.B)+y/4))
			if edge := hills + (x*7%113)/9 + (x-300)*(x-300)/1500; y > edge {
				c = land
				c.G = uint8(max(0, int(land.G)-(y-edge)/5))
			}
			m.SetRGBA(x, y, c)
		}
	}
	var b bytes.Buffer
	_ = jpeg.Encode(&b, m, nil)
	w.Header().Set("Content-Type", "image/jpeg")
	_, _ = w.Write(b.Bytes())
}

var briefs = []struct {
	title, summary, source, byline, language string
	kind                                     feed.Kind
	picture                                  bool
	topics                                   []topic.ID
}{
	{"Envoys return to the table as North Korea signals a pause in missile tests", "Negotiators from three countries met in Geneva on Thursday for the first time in two years. Officials spoke of a narrow opening, and warned that it would not stay open for long.", "The Harbour Post", "Mina Alvarsson", "en", "", true, []topic.ID{"north-korea", "nuclear-weapons", "south-korea", "united-states"}},
	{"Oil slips for a third day while tankers wait off the Gulf", "Crude fell below its level of early summer as traders weighed fuller storage against a slow reopening of the strait.", "Ledger & Line", "", "en", "", false, []topic.ID{"iran", "crude-oil"}},
	{"Watch: the river that came back to the valley", "Four years after the last dam was opened, salmon have been counted upstream again.", "Open Lens", "", "en", feed.Video, true, []topic.ID{"climate-change"}},
	{"Why central banks are no longer moving together", "For a decade they marched in step. What broke the rhythm, and what it means for anyone with a mortgage.", "Ledger & Line", "Tomasz Oyelaran", "en", feed.Analysis, true, []topic.ID{"inflation", "united-states"}},
	{"Rechtsschutzversicherungsgesellschaften streiten über Entschädigungszahlungen nach Hochwasserkatastrophe", "Die Versicherer verweisen auf Klauseln, die Verbraucherschützer seit Jahren für unwirksam halten.", "Elbblatt", "Friederike Hohenstein", "de", "", false, []topic.ID{"germany"}},
	{"محادثات جديدة في جنيف بشأن وقف إطلاق النار وسط تفاؤل حذر", "قال دبلوماسيون إن الوفود ستبقى حتى نهاية الأسبوع على الأقل.", "صحيفة الميناء", "", "ar", "", true, []topic.ID{"iran"}},
	{"The ball does not care about your project", "Eleven players, four managers, one summer. A club learns again what patience costs.", "Open Lens", "Ada Ferreira", "en", feed.Opinion, false, []topic.ID{"football"}},
	{"Japan’s night trains find a second life", "Sleeper routes that were to be closed are sold out until spring.", "The Harbour Post", "", "en", "", true, []topic.ID{"japan"}},
	{"Live: votes are counted after the closest election in a generation", "", "The Harbour Post", "", "en", feed.Live, false, []topic.ID{"south-korea"}},
	{"東京の夜行列車、春まで満席", "廃止予定だった路線が再び注目を集めている。", "東京日報", "", "ja", "", false, []topic.ID{"japan"}},
}
