package config

import (
	"fmt"
	"os"
	"strings"
)

// Setting is one row of the table: an environment variable, which is also a flag.
type Setting struct {
	Name    string // of the environment variable: "NEWSFEED_HALF_LIFE"
	Default string // "" where there is none
	Hint    string // what a value looks like, for the help: "12h"
	Meaning string
	Secret  bool // is never printed and may stand in a file that NAME_FILE names
	Switch  bool // the flag alone means true
	Door    bool // of the commands that act through a server's door; serve has no use for it

	set func(*Config, string) error // parses and sets; its error says how to mend the value
}

// Settings are all there are, in the order in which people look for them.
var Settings = []Setting{
	{Name: "NEWSFEED_ADDR", Default: "127.0.0.1:8080", Hint: "HOST:PORT",
		Meaning: "Address to listen on.",
		set:     func(c *Config, v string) error { return parseAddr(v, &c.Addr) }},
	{Name: "NEWSFEED_DATA", Default: "./data", Hint: "FOLDER",
		Meaning: "Data folder: the embedded store, and what lies beside it.",
		set:     func(c *Config, v string) error { c.Data = v; return nil }},
	{Name: "MONGODB_URI", Hint: "mongodb://…", Secret: true,
		Meaning: "MongoDB for articles, topics and accounts; together with REDIS_URL. Neither: one embedded file.",
		set:     func(c *Config, v string) error { return parseServer(v, &c.MongoURI, "mongodb", "mongodb+srv") }},
	{Name: "REDIS_URL", Hint: "redis://…", Secret: true,
		Meaning: "Redis for lists, marks and sessions; a cluster as redis://h1:6379?addr=h2:6379&addr=h3:6379.",
		set:     func(c *Config, v string) error { return parseServer(v, &c.RedisURL, "redis", "rediss") }},
	{Name: "NEWSFEED_HORIZON", Default: "720h", Hint: "DURATION",
		Meaning: "How old an article the index holds; 0 keeps every one.",
		set:     func(c *Config, v string) error { return parseDuration(v, &c.Horizon) }},
	{Name: "NEWSFEED_HALF_LIFE", Default: "12h", Hint: "DURATION",
		Meaning: "Age at which an article counts half; the same for everybody.",
		set:     func(c *Config, v string) error { return parseDuration(v, &c.HalfLife) }},
	{Name: "NEWSFEED_TAGGER", Default: "on", Hint: "on|off",
		Meaning: "Whether topics are found in the text of articles; off: only publishers' tags.",
		set:     func(c *Config, v string) error { return parseBool(v, &c.Tagger) }},
	{Name: "NEWSFEED_FETCH_TIMEOUT", Default: "30s", Hint: "DURATION",
		Meaning: "How long asking an address of a source may take, redirects and all.",
		set:     func(c *Config, v string) error { return parseDuration(v, &c.FetchTimeout) }},
	{Name: "NEWSFEED_ALLOW_PRIVATE_SOURCES", Default: "false", Hint: "true|false", Switch: true,
		Meaning: "Also ask addresses of this machine and of private networks, on every port: who may add sources can then reach them.",
		set:     func(c *Config, v string) error { return parseBool(v, &c.AllowPrivateSources) }},
	{Name: "NEWSFEED_PUBLISHER_KEYS", Hint: "NAME:KEY,…", Secret: true,
		Meaning: "Keys of publishers, bound to no source.",
		set:     func(c *Config, v string) error { return parseKeys(v, &c.PublisherKeys) }},
	{Name: "NEWSFEED_EDITOR_KEYS", Hint: "NAME:KEY,…", Secret: true,
		Meaning: "Keys of editors.",
		set:     func(c *Config, v string) error { return parseKeys(v, &c.EditorKeys) }},
	{Name: "NEWSFEED_URL", Hint: "https://…",
		Meaning: "Where people find this service: the one source of absolute addresses. By default made from the address.",
		set:     func(c *Config, v string) error { return parseURL(v, &c.URL) }},
	{Name: "NEWSFEED_RATE_LIMIT", Default: "600/1m", Hint: "CALLS/TIME|off",
		Meaning: "Calls that one person, or one address without a token, may make; off for tests and behind a gateway.",
		set:     func(c *Config, v string) error { return parseRateLimit(v, &c.RateLimit) }},
	{Name: "NEWSFEED_SIGNIN_LIMIT", Default: "10/15m", Hint: "CALLS/TIME|off",
		Meaning: "How often the password of one account may be tried; one address may sign up and in ten times as often. Off where NEWSFEED_RATE_LIMIT is, unless it is given.",
		set:     func(c *Config, v string) error { return parseRateLimit(v, &c.SignInLimit) }},
	{Name: "NEWSFEED_SMTP_URL", Hint: "smtp://…", Secret: true,
		Meaning: "Mail server for links to new passwords, smtp://user:password@host:587 (STARTTLS) or smtps://…:465. Without: newsfeed accounts reset prints them.",
		set:     func(c *Config, v string) error { return parseServer(v, &c.SMTP, "smtp", "smtps") }},
	{Name: "NEWSFEED_MAIL_FROM", Hint: "ADDRESS",
		Meaning: "Sender of letters; by default no-reply at the host of NEWSFEED_URL.",
		set:     func(c *Config, v string) error { c.MailFrom = v; return nil }},
	{Name: "NEWSFEED_SIGNUP", Default: "open", Hint: "open|closed",
		Meaning: "Whether anyone may sign up, and read as a guest who has a list; closed: only newsfeed accounts create makes accounts.",
		set:     func(c *Config, v string) error { return parseEither(v, "open", "closed", &c.SignUp) }},
	{Name: "NEWSFEED_IMAGES", Default: "direct", Hint: "direct|none",
		Meaning: "Whether the reader shows publishers' pictures, which browsers ask the publishers for; none: it shows none.",
		set:     func(c *Config, v string) error { return parseEither(v, "none", "direct", &c.NoImages) }},
	{Name: "NEWSFEED_BODIES", Default: "on", Hint: "on|off",
		Meaning: "Whether the reader shows the bodies that publishers send; off: summaries only.",
		set:     func(c *Config, v string) error { return parseEither(v, "off", "on", &c.NoBodies) }},
	{Name: "NEWSFEED_OIDC_ISSUER", Hint: "https://…",
		Meaning: "Issuer of OpenID Connect whose people have accounts here, exactly as it writes itself.",
		set:     func(c *Config, v string) error { return parseIssuer(v, &c.OIDC.Issuer) }},
	{Name: "NEWSFEED_OIDC_CLIENT_ID", Hint: "ID",
		Meaning: "What the issuer calls the reader, so that people can sign in there; it must know the redirect address NEWSFEED_URL/sign-in/oidc/callback.",
		set:     func(c *Config, v string) error { c.OIDC.ClientID = v; return nil }},
	{Name: "NEWSFEED_OIDC_CLIENT_SECRET", Hint: "SECRET", Secret: true,
		Meaning: "The reader's secret at the issuer; the same on every node.",
		set:     func(c *Config, v string) error { c.OIDC.ClientSecret = Secret(v); return nil }},
	{Name: "NEWSFEED_OIDC_AUDIENCE", Hint: "AUDIENCE",
		Meaning: "What the issuer calls this API: its JWTs with this audience are taken as bearer tokens. By default none are.",
		set:     func(c *Config, v string) error { c.OIDC.Audience = v; return nil }},
	{Name: "NEWSFEED_ALLOWED_ORIGINS", Hint: "ORIGIN,…|*",
		Meaning: "Web pages of other origins that may make personal calls with a bearer token.",
		set:     func(c *Config, v string) error { return parseOrigins(v, &c.AllowedOrigins) }},
	{Name: "NEWSFEED_PROXIES", Hint: "NETWORK,…",
		Meaning: "Proxies whose X-Forwarded-* headers count, as addresses or networks (10.0.0.0/8).",
		set:     func(c *Config, v string) error { return parseNetworks(v, &c.Proxies) }},
	{Name: "NEWSFEED_INSECURE_COOKIES", Default: "false", Hint: "true|false", Switch: true,
		Meaning: "Allow the reader's cookie over plain HTTP on other than loopback.",
		set:     func(c *Config, v string) error { return parseBool(v, &c.InsecureCookies) }},
	{Name: "NEWSFEED_PEOPLE_AT_HAND", Default: "50000", Hint: "NUMBER",
		Meaning: "Of how many people a node keeps session, list and marks in memory: 15 to 25 kB each at most.",
		set:     func(c *Config, v string) error { return parseCount(v, 1000, 10_000_000, &c.PeopleAtHand) }},
	{Name: "NEWSFEED_BENCH", Default: "false", Hint: "true|false", Switch: true,
		Meaning: "Also answer GET /bench/fixed, the yardstick for speed.",
		set:     func(c *Config, v string) error { return parseBool(v, &c.Bench) }},
	{Name: "NEWSFEED_SERVER", Hint: "https://…", Door: true,
		Meaning: "Server to act through. By default the one of this machine that holds the data folder; where none runs, straight on the stores.",
		set:     func(c *Config, v string) error { return parseURL(v, &c.Server) }},
	{Name: "NEWSFEED_KEY", Hint: "KEY", Secret: true, Door: true,
		Meaning: "An editor's key for that server; for import a publisher's will do.",
		set:     func(c *Config, v string) error { return parseKey(v, &c.Key) }},
}

// Flag is the setting's name on the command line, without its dashes: "half-life".
func (s Setting) Flag() string { return flagOf(s.Name) }

func flagOf(name string) string {
	return strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(name, "NEWSFEED_")), "_", "-")
}

// Load reads all settings: from flags, keyed by [Setting.Flag]; else from the
// environment as getenv gives it (os.LookupEnv); else, for a secret, from the
// file that the variable with _FILE names; else the default. An empty text is
// none. The problems are all there are, also those of [Config.Check].
func Load(getenv func(string) (string, bool), flags map[string]string) (Config, []Problem) {
	c := Config{given: map[string]string{}}
	var problems []Problem
	for _, s := range Settings {
		value, err := lookUp(s.Name, s.Secret, getenv, flags)
		if err != nil {
			problems = append(problems, Problem{s.Name, err.Error()})
			continue
		}
		if value == "" {
			s.setDefault(&c)
			continue
		}
		c.given[s.Name] = s.shown(value)
		if err := s.set(&c, value); err != nil {
			problems = append(problems, Problem{s.Name, err.Error()})
			s.setDefault(&c) // so that the checks below speak of what was given only
		}
	}
	if c.URL == "" {
		c.URL = c.LocalURL()
	}
	if _, given := c.given["NEWSFEED_SIGNIN_LIMIT"]; !given && c.RateLimit == (RateLimit{}) {
		c.SignInLimit = RateLimit{}
	}
	return c, append(problems, c.Check()...)
}

// Default is the configuration of who sets nothing.
func Default() Config {
	c, problems := Load(func(string) (string, bool) { return "", false }, nil)
	if problems != nil {
		panic(problems) // the table is part of the program and read by every test
	}
	return c
}

func (s Setting) setDefault(c *Config) {
	if s.Default == "" {
		return
	}
	if err := s.set(c, s.Default); err != nil {
		panic(fmt.Sprintf("default of %s: %v", s.Name, err)) // as above
	}
}

func (s Setting) shown(value string) string {
	if s.Secret {
		return hidden
	}
	return value
}

// lookUp finds the text of a setting; "" when none was given.
func lookUp(name string, secret bool, getenv func(string) (string, bool), flags map[string]string) (string, error) {
	if value := strings.TrimSpace(flags[flagOf(name)]); value != "" {
		return value, nil
	}
	value, _ := getenv(name)
	value = strings.TrimSpace(value)
	if !secret {
		return value, nil
	}
	file, _ := getenv(name + "_FILE")
	switch {
	case file == "":
		return value, nil
	case value != "":
		return "", fmt.Errorf("%s_FILE is set too: unset one of the two", name)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("the file that %s_FILE names cannot be read: %w", name, err)
	}
	if value = strings.TrimSpace(string(text)); value == "" {
		return "", fmt.Errorf("the file that %s_FILE names is empty: %s", name, file)
	}
	return value, nil
}
