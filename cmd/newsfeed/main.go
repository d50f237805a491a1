// Command newsfeed is the whole service: a personalised feed of articles that
// publishers push and people follow by topic. See the commands below, or
// "newsfeed --help".
//
// Each command has a file of its name. serve and the wiring are in serve.go and
// app.go; every other command but check and version acts through a server's
// door (door.go), so that there is one way to do each thing.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"newsfeed/config"
)

// What the program ends with.
const (
	exitWell     = 0
	exitRejected = 1 // some items were rejected, or not reached
	exitNothing  = 2 // nothing was done
)

// errRejected ends a command that did a part of what was asked: what it did not
// do has been said. Every other error means that nothing was done.
var errRejected = errors.New("not all was done")

// errSaid ends a command that did nothing and has said why.
var errSaid = errors.New("nothing was done")

// commands is what can be typed. Settings are flags of every command.
type commands struct {
	Serve    serveCommand    `cmd:"" help:"Run everything: the API, the reader's page, the index."`
	Import   importCommand   `cmd:"" help:"Bring articles in: NDJSON, JSON, ninjs, RSS, Atom, JSON Feed."`
	Accounts accountsCommand `cmd:"" help:"Accounts of people who have signed up."`
	Keys     keysCommand     `cmd:"" help:"Keys of publishers and editors."`
	Sources  sourcesCommand  `cmd:"" help:"Addresses of publishers that are polled."`
	Topics   topicsCommand   `cmd:"" help:"The catalogue of topics."`
	Backup   backupCommand   `cmd:"" help:"Copy the embedded store while it runs."`
	Check    checkCommand    `cmd:"" help:"Configuration and servers: what is wrong and how to mend it."`
	Version  versionCommand  `cmd:"" help:"Which build this is."`

	Verbose bool `short:"v" help:"Say more on standard error."`

	Settings kong.Plugins `embed:""` // see settingFlags
}

// program is what a command works with.
type program struct {
	config   config.Config
	problems []config.Problem // of the settings; only check is run when there are some
	verbose  bool

	stdin  io.Reader
	stdout io.Writer // data, nothing else
	stderr io.Writer
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the second signal kills
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run is the program, with all that it touches of its process as parameters but
// for the environment. It returns what the program ends with.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	err := runCommand(ctx, args, &program{stdin: stdin, stdout: stdout, stderr: stderr})
	switch {
	case err == nil:
		return exitWell
	case errors.Is(err, errRejected):
		return exitRejected
	case errors.Is(err, errSaid):
		return exitNothing
	}
	fmt.Fprintln(stderr, "newsfeed:", err)
	return exitNothing
}

func runCommand(ctx context.Context, args []string, p *program) error {
	flags := settingFlags()
	cli := commands{Settings: kong.Plugins{flags.grammar()}}
	helped := false
	parser, err := kong.New(&cli,
		kong.Name("newsfeed"),
		kong.Description("A personalised feed of articles that publishers push and people follow by topic."),
		kong.Writers(p.stdout, p.stderr),
		kong.Exit(func(int) { helped = true }),
		kong.ConfigureHelp(kong.HelpOptions{FlagsLast: true, WrapUpperBound: 100, NoExpandSubcommands: true}),
		kong.BindTo(ctx, (*context.Context)(nil)),
	)
	if err != nil {
		return fmt.Errorf("build the command line: %w", err)
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	parsed, err := parser.Parse(args)
	if helped {
		return nil
	}
	if err != nil {
		return mendable(err)
	}
	p.verbose = cli.Verbose
	p.config, p.problems = config.Load(os.LookupEnv, flags.values())
	if _, checks := parsed.Selected().Target.Addr().Interface().(tolerant); !checks && p.problems != nil {
		return p.refuse()
	}
	slog.SetDefault(p.logger(parsed.Command() == "serve"))
	return parsed.Run(p)
}

// tolerant is a command that runs also with settings that are wrong.
type tolerant interface{ toleratesProblems() }

// refuse says what is wrong with the settings.
func (p *program) refuse() error {
	for _, problem := range p.problems {
		fmt.Fprintln(p.stderr, "newsfeed:", problem.Error())
	}
	return errSaid
}

// logger writes to standard error. Only serve tells of its normal course unasked.
func (p *program) logger(serves bool) *slog.Logger {
	level := slog.LevelWarn
	if serves {
		level = slog.LevelInfo
	}
	if p.verbose {
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(p.stderr, &slog.HandlerOptions{Level: level}))
}

// note tells the person at the terminal something.
func (p *program) note(format string, args ...any) { fmt.Fprintf(p.stderr, format+"\n", args...) }

// mendable adds to an error of the command line where its answer is.
func mendable(err error) error {
	var wrong *kong.ParseError
	if !errors.As(err, &wrong) || wrong.Context == nil {
		return err
	}
	command := "newsfeed"
	if node := wrong.Context.Selected(); node != nil {
		command = node.FullPath()
	}
	return fmt.Errorf("%w; see: %s --help", err, command)
}
