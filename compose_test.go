package newsfeed_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
)

// secrets are the variables without which docker-compose.yml must not load.
var secrets = types.Mapping{
	"MONGO_ROOT_PASSWORD": "root-secret",
	"MONGO_PASSWORD":      "mongo-secret",
	"REDIS_PASSWORD":      "redis-secret",
}

// docker-compose.yml is valid by the Compose schema (the loader that Docker uses
// brings it) and keeps our rules. No engine is needed, none runs in CI.
func TestCompose(t *testing.T) {
	project, err := loadCompose(t, readCompose(t), secrets)
	if err != nil {
		t.Fatal(err)
	}
	for _, complaint := range composeComplaints(project) {
		t.Error("docker-compose.yml: " + complaint)
	}
}

// Without one of the passwords nothing starts, and the message says which.
func TestComposeNeedsPasswords(t *testing.T) {
	for name := range secrets {
		for _, empty := range []bool{false, true} {
			env := secrets.Clone()
			delete(env, name)
			if empty {
				env[name] = ""
			}
			if _, err := loadCompose(t, readCompose(t), env); err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("without %s (set to nothing: %v): %v, want an error that names it", name, empty, err)
			}
		}
	}
}

// .env.example names each variable that has no default.
func TestComposeExample(t *testing.T) {
	example, err := os.ReadFile(".env.example")
	if err != nil {
		t.Fatal(err)
	}
	for name := range secrets {
		if !strings.Contains(string(example), "\n"+name+"=\n") {
			t.Errorf(".env.example has no line %s= without a value", name)
		}
	}
}

// The rules catch what they are for.
func TestComposeChecker(t *testing.T) {
	file := readCompose(t)
	for _, c := range []struct{ old, new, want string }{
		{"- 127.0.0.1:${NEWSFEED_PORT:-8080}:8080", "- 8080:8080", "newsfeed publishes 8080"},
		{"    image: redis:7\n", "    image: redis:7\n    ports: ['6379:6379']\n", "redis publishes 6379"},
		{"      - --requirepass\n      - ${REDIS_PASSWORD:?is not set, see .env.example}\n", "", "--requirepass"},
		{"      - always\n", "      - everysec\n", "--appendfsync always"},
		{"      - \"yes\"\n", "      - \"no\"\n", "--appendonly yes"},
		{"      - noeviction\n", "      - allkeys-lru\n", "--maxmemory-policy noeviction"},
		{"command: [mongod, --auth]", "command: [mongod]", "mongo runs without --auth"},
		{"MONGO_INITDB_ROOT_PASSWORD: ${MONGO_ROOT_PASSWORD:?is not set, see .env.example}", "MONGO_INITDB_ROOT_PASSWORD: root ${MONGO_ROOT_PASSWORD:?}", "MONGO_INITDB_ROOT_PASSWORD"},
		{"      test: [CMD, /newsfeed, check]\n", "      disable: true\n", "newsfeed has no health check"},
		{"condition: service_healthy\n      redis", "condition: service_started\n      redis", "newsfeed does not wait for a healthy mongo"},
		{"      - redis:/data\n", "      - ./redis:/data\n", "redis keeps no named volume"},
		{"    image: mongo:8\n", "    image: mongo\n", "mongo has an image without a version"},
		{"redis://default:${REDIS_PASSWORD:?is not set, see .env.example}@", "redis://", "REDIS_URL"},
	} {
		if strings.Count(file, c.old) != 1 {
			t.Errorf("%q stands %d times in docker-compose.yml, want once: mend this test", c.old, strings.Count(file, c.old))
			continue
		}
		project, err := loadCompose(t, strings.Replace(file, c.old, c.new, 1), secrets)
		if err != nil {
			t.Errorf("with %q: %v", c.new, err)
			continue
		}
		if got := strings.Join(composeComplaints(project), "; "); !strings.Contains(got, c.want) {
			t.Errorf("with %q in place of %q:\n got %q\nwant %q", c.new, c.old, got, c.want)
		}
	}
}

// The schema is really held against the file.
func TestComposeSchema(t *testing.T) {
	for old, new := range map[string]string{
		"restart: unless-stopped": "restarts: unless-stopped", // unknown key
		"read_only: true":         "read_only: [true]",        // wrong type
		"interval: 10s":           "interval: soon",           // wrong format
	} {
		if _, err := loadCompose(t, strings.ReplaceAll(readCompose(t), old, new), secrets); err == nil {
			t.Errorf("%q was accepted", new)
		}
	}
}

func readCompose(t *testing.T) string {
	t.Helper()
	file, err := os.ReadFile("docker-compose.yml")
	if err != nil {
		t.Fatal(err)
	}
	return string(file)
}

func loadCompose(t *testing.T, file string, env types.Mapping) (*types.Project, error) {
	t.Helper()
	return loader.LoadWithContext(t.Context(), types.ConfigDetails{
		WorkingDir:  t.TempDir(), // no .env of the person who runs the test
		ConfigFiles: []types.ConfigFile{{Filename: "docker-compose.yml", Content: []byte(file)}},
		Environment: env.Clone(), // the loader adds to it
	})
}

// composeComplaints are the rules of DESIGN.md §4 and of the file's comments that
// a schema cannot hold.
func composeComplaints(project *types.Project) []string {
	var wrong []string
	complain := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }

	for _, name := range []string{"newsfeed", "mongo", "redis"} {
		service, found := project.Services[name]
		if !found {
			complain("there is no service %s", name)
			continue
		}
		for _, port := range service.Ports {
			if port.HostIP != "127.0.0.1" {
				complain("%s publishes %s to more than loopback", name, port.Published)
			}
		}
		if check := service.HealthCheck; check == nil || check.Disable || len(check.Test) < 2 {
			complain("%s has no health check", name)
		}
		if service.Restart == "" || service.Restart == "no" {
			complain("%s is not started again after a crash", name)
		}
		if !slices.Contains(service.SecurityOpt, "no-new-privileges:true") {
			complain("%s may gain privileges", name)
		}
		if !slices.ContainsFunc(service.Volumes, func(v types.ServiceVolumeConfig) bool {
			_, named := project.Volumes[v.Source]
			return named && v.Type == types.VolumeTypeVolume
		}) {
			complain("%s keeps no named volume", name)
		}
		if service.Build == nil && !strings.Contains(service.Image, ":") {
			complain("%s has an image without a version", name)
		}
	}
	program, mongo, redis := project.Services["newsfeed"], project.Services["mongo"], project.Services["redis"]

	for _, server := range []string{"mongo", "redis"} {
		if program.DependsOn[server].Condition != types.ServiceConditionHealthy {
			complain("newsfeed does not wait for a healthy %s", server)
		}
	}
	if uri := valueOf(program, "MONGODB_URI"); !strings.HasPrefix(uri, "mongodb://newsfeed:"+secrets["MONGO_PASSWORD"]+"@mongo:") {
		complain("MONGODB_URI is %s", uri)
	}
	if uri := valueOf(program, "REDIS_URL"); !strings.Contains(uri, ":"+secrets["REDIS_PASSWORD"]+"@redis:") {
		complain("REDIS_URL is %s", uri)
	}

	if !slices.Contains(mongo.Command, "--auth") {
		complain("mongo runs without --auth")
	}
	if valueOf(mongo, "MONGO_INITDB_ROOT_USERNAME") == "" ||
		valueOf(mongo, "MONGO_INITDB_ROOT_PASSWORD") != secrets["MONGO_ROOT_PASSWORD"] {
		complain("MONGO_INITDB_ROOT_USERNAME and MONGO_INITDB_ROOT_PASSWORD do not make the root user")
	}
	if len(mongo.Ports)+len(redis.Ports) > 0 {
		complain("a store is published: only the program talks to them")
	}
	for option, want := range map[string]string{
		"--requirepass":      secrets["REDIS_PASSWORD"],
		"--appendonly":       "yes",
		"--appendfsync":      "always",
		"--maxmemory-policy": "noeviction",
	} {
		at := slices.Index(redis.Command, option)
		if at < 0 || at+1 == len(redis.Command) || redis.Command[at+1] != want {
			complain("redis runs without %s %s", option, want)
		}
	}
	return wrong
}

func valueOf(service types.ServiceConfig, name string) string {
	if value := service.Environment[name]; value != nil {
		return *value
	}
	return ""
}
