package config

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

const goodKey = "AbcDefGhiJklMnoPqrStuVwx_-0"

// load reads settings given as NAME=value, and as --flag=value.
func load(given ...string) (Config, []Problem) {
	env, flags := map[string]string{}, map[string]string{}
	for _, item := range given {
		name, value, _ := strings.Cut(item, "=")
		if flag, ok := strings.CutPrefix(name, "--"); ok {
			flags[flag] = value
		} else {
			env[name] = value
		}
	}
	return Load(func(name string) (string, bool) { v, ok := env[name]; return v, ok }, flags)
}

// Who sets nothing gets the defaults of API.md, without a problem or a warning.
func TestDefault(t *testing.T) {
	c := Default()
	if c.Addr != "127.0.0.1:8080" || c.Data != "./data" || !c.Embedded() || c.Horizon != 720*time.Hour ||
		c.HalfLife != 12*time.Hour || !c.Tagger || c.PublisherKeys != nil || c.EditorKeys != nil ||
		c.RateLimit != (RateLimit{600, time.Minute}) || c.URL != "http://127.0.0.1:8080" || c.AllowedOrigins != nil ||
		c.Proxies != nil || c.Bench || c.InsecureCookies || c.Server != "" || c.Key != "" {
		t.Errorf("got %+v", c)
	}
	if w := c.Warnings(); w != nil {
		t.Errorf("warnings: %q", w)
	}
	for _, s := range Settings {
		if text, given := c.Given(s); given {
			t.Errorf("%s counts as given: %q", s.Name, text)
		}
	}
}

// Every good value arrives.
func TestLoad(t *testing.T) {
	for _, test := range []struct {
		given string
		got   func(Config) any
		want  any
	}{
		{"NEWSFEED_ADDR=:9000", func(c Config) any { return c.Addr + " " + c.URL }, ":9000 http://127.0.0.1:9000"},
		{"NEWSFEED_ADDR=0.0.0.0:80", func(c Config) any { return c.URL }, "http://127.0.0.1:80"},
		{"NEWSFEED_ADDR=[::1]:8080", func(c Config) any { return c.URL }, "http://[::1]:8080"},
		{"NEWSFEED_ADDR=news.example:8080", func(c Config) any { return c.URL }, "http://news.example:8080"},
		{"--addr=:9000", func(c Config) any { return c.Addr }, ":9000"},
		{"--data=/var/lib/newsfeed", func(c Config) any { return c.Data }, "/var/lib/newsfeed"},
		{"NEWSFEED_HORIZON=0", func(c Config) any { return c.Horizon }, time.Duration(0)},
		{"NEWSFEED_HORIZON=", func(c Config) any { return c.Horizon }, 720 * time.Hour},
		{"NEWSFEED_HALF_LIFE= 90m ", func(c Config) any { return c.HalfLife }, 90 * time.Minute},
		{"--half-life=6h", func(c Config) any { return c.HalfLife }, 6 * time.Hour},
		{"NEWSFEED_TAGGER=off", func(c Config) any { return c.Tagger }, false},
		{"NEWSFEED_TAGGER=ON", func(c Config) any { return c.Tagger }, true},
		{"NEWSFEED_BENCH=true", func(c Config) any { return c.Bench }, true},
		{"--insecure-cookies=true", func(c Config) any { return c.InsecureCookies }, true},
		{"NEWSFEED_PEOPLE_AT_HAND=2000", func(c Config) any { return c.PeopleAtHand }, 2000},
		{"NEWSFEED_RATE_LIMIT=off", func(c Config) any { return c.RateLimit }, RateLimit{}},
		{"NEWSFEED_RATE_LIMIT=5/1s", func(c Config) any { return c.RateLimit }, RateLimit{5, time.Second}},
		{"NEWSFEED_URL=https://news.example/", func(c Config) any { return c.URL }, "https://news.example"},
		{"NEWSFEED_ALLOWED_ORIGINS=*", func(c Config) any { return fmt.Sprint(c.AllowedOrigins) }, "[*]"},
		{"NEWSFEED_ALLOWED_ORIGINS=https://App.Example:443/, http://localhost:5173",
			func(c Config) any { return fmt.Sprint(c.AllowedOrigins) }, "[https://app.example http://localhost:5173]"},
		{"NEWSFEED_PROXIES=10.1.2.3/8, ::1,::ffff:192.0.2.1",
			func(c Config) any { return fmt.Sprint(c.Proxies) }, "[10.0.0.0/8 ::1/128 192.0.2.1/32]"},
		{"NEWSFEED_PUBLISHER_KEYS=a:" + goodKey + ", b:" + goodKey + "b,",
			func(c Config) any { return slices.Equal(c.PublisherKeys, []Key{{"a", goodKey}, {"b", goodKey + "b"}}) }, true},
		{"--key=" + goodKey, func(c Config) any { return c.Key }, Secret(goodKey)},
		{"--server=https://news.example", func(c Config) any { return c.Server }, "https://news.example"},
	} {
		c, problems := load(test.given)
		if got := test.got(c); problems != nil || got != test.want {
			t.Errorf("%s: got %v and %v, want %v", test.given, got, problems, test.want)
		}
	}
}

// A flag goes before the environment.
func TestFlagFirst(t *testing.T) {
	if c, problems := load("NEWSFEED_HALF_LIFE=6h", "--half-life=3h"); c.HalfLife != 3*time.Hour || problems != nil {
		t.Errorf("got %s, %v", c.HalfLife, problems)
	}
}

// Every bad value is refused with a way to mend it, and all of them at once.
func TestProblems(t *testing.T) {
	const mongo, redis = "MONGODB_URI=mongodb://u:hunter2@m:27017/newsfeed", "REDIS_URL=redis://:hunter2@r:6379"
	for _, test := range []struct {
		given []string
		want  []string // a part of each problem, in order; none: all is well
	}{
		{given: []string{mongo, redis}},
		{[]string{mongo}, []string{"REDIS_URL: MONGODB_URI is set and REDIS_URL is not: set both"}},
		{[]string{redis}, []string{"MONGODB_URI: REDIS_URL is set and MONGODB_URI is not: set both"}},
		{[]string{"MONGODB_URI=hunter2", redis}, []string{"MONGODB_URI: it does not begin with mongodb:// or mongodb+srv://", "MONGODB_URI: REDIS_URL is set"}},
		{[]string{mongo, "REDIS_URL=redis://"}, []string{"REDIS_URL: it names no host", "REDIS_URL: MONGODB_URI is set"}},
		{[]string{"NEWSFEED_ADDR=8080"}, []string{`NEWSFEED_ADDR: "8080" is no address: write host:port`}},
		{[]string{"NEWSFEED_ADDR=localhost:http"}, []string{"write localhost:8080"}},
		{[]string{"NEWSFEED_ADDR=:70000"}, []string{"no port between 0 and 65535"}},
		{[]string{"NEWSFEED_HORIZON=30d"}, []string{`NEWSFEED_HORIZON: "30d" is no duration: write 12h`}},
		{[]string{"NEWSFEED_HORIZON=-1h"}, []string{"0 keeps every article"}},
		{[]string{"NEWSFEED_HORIZON=1m"}, []string{"the feed would be empty"}},
		{[]string{"NEWSFEED_HALF_LIFE=0"}, []string{"12h is usual"}},
		{[]string{"NEWSFEED_HALF_LIFE=12"}, []string{"is no duration"}},
		{[]string{"NEWSFEED_TAGGER=maybe", "NEWSFEED_BENCH=2"}, []string{`"maybe" is neither on nor off`, `"2" is neither`}},
		{[]string{"NEWSFEED_PUBLISHER_KEYS=hunter2"}, []string{"entry 1 is no name:key"}},
		{[]string{"NEWSFEED_PUBLISHER_KEYS=a:hunter2"}, []string{`the key of "a" has 7 characters, fewer than 22`}},
		{[]string{"NEWSFEED_EDITOR_KEYS=a:hunter2+hunter2/hunter2=="}, []string{"other characters than those of base64url"}},
		{[]string{"NEWSFEED_EDITOR_KEYS=a:" + goodKey, "NEWSFEED_PUBLISHER_KEYS=b:" + goodKey}, []string{`NEWSFEED_EDITOR_KEYS: "b" and "a" have the same key`}},
		{[]string{"NEWSFEED_EDITOR_KEYS=a:" + goodKey + ",a:" + goodKey + "2"}, []string{`two keys are named "a"`}},
		{[]string{"NEWSFEED_URL=news.example"}, []string{"write https://news.example"}},
		{[]string{"NEWSFEED_URL=https://news.example/feed?x=1"}, []string{"more than a host: write https://news.example,"}},
		{[]string{"NEWSFEED_PEOPLE_AT_HAND=0"}, []string{"whole number from 1000"}},
		{[]string{"NEWSFEED_RATE_LIMIT=600"}, []string{"as in 600/1m, or off"}},
		{[]string{"NEWSFEED_RATE_LIMIT=0/1m"}, []string{"as in 600/1m, or off"}},
		{[]string{"NEWSFEED_RATE_LIMIT=9/1ms"}, []string{"as in 600/1m, or off"}},
		{[]string{"NEWSFEED_ALLOWED_ORIGINS=https://a.example,*"}, []string{"write it alone"}},
		{[]string{"NEWSFEED_ALLOWED_ORIGINS=https://*.example"}, []string{"an origin has no pattern"}},
		{[]string{"NEWSFEED_ALLOWED_ORIGINS=a.example"}, []string{`"a.example" is no origin`}},
		{[]string{"NEWSFEED_ALLOWED_ORIGINS=null"}, []string{`"null" is no origin`}},
		{[]string{"NEWSFEED_PROXIES=proxy.local"}, []string{"names are not looked up"}},
		{[]string{"NEWSFEED_PROXIES=10.0.0.0/33"}, []string{"neither an address nor a network"}},
		{[]string{"NEWSFEED_KEY=hunter2"}, []string{"NEWSFEED_KEY: the key has 7 characters"}},
		{[]string{"MONGODB_URI_FILE=/nonexistent", redis}, []string{"the file that MONGODB_URI_FILE names cannot be read", "MONGODB_URI: REDIS_URL is set"}},
	} {
		c, problems := load(test.given...)
		if len(problems) != len(test.want) {
			t.Errorf("%v: got %v, want %q", test.given, problems, test.want)
			continue
		}
		for i, want := range test.want {
			if !strings.Contains(problems[i].Error(), want) {
				t.Errorf("%v: problem %d is %q, want %q", test.given, i, problems[i].Error(), want)
			}
		}
		if shown := fmt.Sprintf("%v %+v %#v %v", c, c, c, problems); strings.Contains(shown, "hunter2") {
			t.Errorf("%v: the secret is shown in %s", test.given, shown)
		}
	}
}

// A secret may stand in a file, and only there or only in the environment.
func TestSecretsInFiles(t *testing.T) {
	file := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(file, []byte("me:"+goodKey+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, problems := load("NEWSFEED_EDITOR_KEYS_FILE=" + file)
	if problems != nil || !slices.Equal(c.EditorKeys, []Key{{"me", goodKey}}) {
		t.Errorf("got %d keys and %v", len(c.EditorKeys), problems)
	}
	_, problems = load("NEWSFEED_EDITOR_KEYS_FILE="+file, "NEWSFEED_EDITOR_KEYS=me:"+goodKey)
	if len(problems) != 1 || !strings.Contains(problems[0].Error(), "unset one of the two") {
		t.Errorf("both given: %v", problems)
	}
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, problems = load("NEWSFEED_EDITOR_KEYS_FILE=" + file); len(problems) != 1 {
		t.Errorf("an empty file: %v", problems)
	}
	if c, _ = load("NEWSFEED_DATA_FILE=" + file); c.Data != "./data" {
		t.Errorf("what is no secret was read from a file")
	}
}

// However a configuration is printed, logged or encoded, secrets do not show.
func TestSecretsStayHidden(t *testing.T) {
	c, problems := load("MONGODB_URI=mongodb://u:hunter2@m", "REDIS_URL=redis://:hunter2@r", "NEWSFEED_EDITOR_KEYS=a:hunter2hunter2hunter2hunter2", "--key=hunter2hunter2hunter2hunter2")
	if problems != nil {
		t.Fatal(problems)
	}
	encoded, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, shown := range []string{fmt.Sprint(c), fmt.Sprintf("%+v", c), fmt.Sprintf("%#v", c), fmt.Sprintf("%q %s", c.EditorKeys, c.Key), string(encoded)} {
		if strings.Contains(shown, "hunter2") {
			t.Errorf("shown in %s", shown)
		}
	}
}

func TestWarnings(t *testing.T) {
	const public = "NEWSFEED_URL=https://news.example"
	for _, test := range []struct {
		given []string
		want  []string
	}{
		{[]string{"NEWSFEED_ADDR=0.0.0.0:8080"}, []string{"set NEWSFEED_URL"}},
		{[]string{"NEWSFEED_ADDR=localhost:8080"}, nil},
		{[]string{"NEWSFEED_ADDR=[::1]:8080"}, nil},
		{[]string{public}, []string{"NEWSFEED_EDITOR_KEYS is not set", "NEWSFEED_PROXIES is not set"}},
		{[]string{public, "NEWSFEED_PROXIES=10.0.0.1", "NEWSFEED_EDITOR_KEYS=a:" + goodKey}, nil},
		{[]string{"NEWSFEED_URL=http://10.0.0.5", "NEWSFEED_EDITOR_KEYS=a:" + goodKey}, []string{"browsers will not keep"}},
		{[]string{"NEWSFEED_URL=http://10.0.0.5", "NEWSFEED_INSECURE_COOKIES=true", "NEWSFEED_EDITOR_KEYS=a:" + goodKey}, []string{"NEWSFEED_INSECURE_COOKIES"}},
		{[]string{"NEWSFEED_PROXIES=0.0.0.0/0"}, []string{"is everybody"}},
		{[]string{"NEWSFEED_RATE_LIMIT=off", "NEWSFEED_HORIZON=0", "NEWSFEED_BENCH=1"}, []string{"RATE_LIMIT=off", "HORIZON=0", "BENCH=true"}},
	} {
		c, problems := load(test.given...)
		got := c.Warnings()
		if problems != nil || len(got) != len(test.want) {
			t.Errorf("%v: got %q and %v, want %q", test.given, got, problems, test.want)
			continue
		}
		for i, want := range test.want {
			if !strings.Contains(got[i], want) {
				t.Errorf("%v: warning %d is %q, want %q", test.given, i, got[i], want)
			}
		}
	}
}

// Every setting is explained, and no two have one flag.
func TestTable(t *testing.T) {
	seen := map[string]string{}
	for _, s := range Settings {
		if s.Meaning == "" || s.Hint == "" {
			t.Errorf("%s is not explained", s.Name)
		}
		if other := seen[s.Flag()]; other != "" {
			t.Errorf("%s and %s are both --%s", other, s.Name, s.Flag())
		}
		seen[s.Flag()] = s.Name
		if _, ok := Default().given[s.Name]; ok {
			t.Errorf("%s counts as given", s.Name)
		}
	}
	for flag, name := range map[string]string{"half-life": "NEWSFEED_HALF_LIFE", "mongodb-uri": "MONGODB_URI", "redis-url": "REDIS_URL", "key": "NEWSFEED_KEY"} {
		if seen[flag] != name {
			t.Errorf("--%s is %q, want %s", flag, seen[flag], name)
		}
	}
}
