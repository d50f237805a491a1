package main

import (
	"fmt"
	"reflect"
	"strconv"

	"github.com/alecthomas/kong"

	"newsfeed/config"
)

// flagSet makes flags of the table of settings, so that it stays the one place
// where a setting is named. Kong wants the fields of a struct: here is one,
// made at start, with a text for each setting.
type flagSet struct{ fields reflect.Value }

func settingFlags() flagSet {
	fields := make([]reflect.StructField, len(config.Settings))
	for i, s := range config.Settings {
		fields[i] = reflect.StructField{Name: "Setting" + strconv.Itoa(i), Type: reflect.TypeFor[string](), Tag: flagTag(s)}
		if s.Switch {
			fields[i].Type = reflect.TypeFor[switchText]()
		}
	}
	return flagSet{reflect.New(reflect.StructOf(fields))}
}

// grammar is what Kong reads the flags from and writes their values to.
func (f flagSet) grammar() any { return f.fields.Interface() }

// values are the texts that were given, by the name of the flag.
func (f flagSet) values() map[string]string {
	values := map[string]string{}
	for i, s := range config.Settings {
		values[s.Flag()] = f.fields.Elem().Field(i).String()
	}
	return values
}

func flagTag(s config.Setting) reflect.StructTag {
	group := "Settings, each also an environment variable (a secret also a file, named by the variable with _FILE):"
	if s.Door {
		group = "Through whose door a command acts:"
	}
	help := s.Meaning
	if s.Default != "" && !s.Switch {
		help += " Default: " + s.Default + "."
	}
	help += " $" + s.Name
	return reflect.StructTag(fmt.Sprintf("name:%q placeholder:%q group:%q help:%q", s.Flag(), s.Hint, group, help))
}

// switchText is a flag that may stand alone: --bench, --bench=false.
type switchText string

func (s *switchText) IsBool() bool { return true }

func (s *switchText) Decode(ctx *kong.DecodeContext) error {
	*s = "true"
	if ctx.Scan.Peek().Type == kong.FlagValueToken {
		*s = switchText(ctx.Scan.Pop().String())
	}
	return nil
}
