package main

import (
	"cmp"
	"fmt"
	"runtime/debug"
)

// release is set by who releases: -ldflags "-X main.release=v1.2.3".
var release string

type versionCommand struct{}

func (versionCommand) toleratesProblems() {}

func (versionCommand) Run(p *program) error {
	_, err := fmt.Fprintln(p.stdout, "newsfeed", version())
	return err
}

// version names this build: its release, or what the Go tool knows of the
// commit it was made from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return cmp.Or(release, "unknown")
	}
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	name := cmp.Or(release, info.Main.Version, "(devel)")
	if commit := settings["vcs.revision"]; release == "" && len(commit) >= 12 && name == "(devel)" {
		name = commit[:12]
		if settings["vcs.modified"] == "true" {
			name += "+changes"
		}
	}
	return fmt.Sprintf("%s %s %s/%s", name, info.GoVersion, settings["GOOS"], settings["GOARCH"])
}
